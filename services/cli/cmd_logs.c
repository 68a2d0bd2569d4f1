/* davit logs; tested by tests/unit/test_cli_logs.c and tests/e2e/cli.bats. */
#include <string.h>

#include "common/base/units.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_task.h"
#include "services/cli/cli_text.h"

struct settings {
	struct cli_globals globals;
	char *tail, *since, *until;
	bool follows, has_timestamps;
};

static const struct option_def defs[] = {
	OPTION_FLAG("follow", 'f', struct settings, follows, "go on until the task ends"),
	OPTION_STRING("tail", 'n', "N", struct settings, tail, NULL,
		"only the last N lines, or all"),
	OPTION_STRING("since", 0, "TIME", struct settings, since, NULL,
		"only what is newer: 10m, or 2026-01-31T13:05:09Z"),
	OPTION_STRING("until", 0, "TIME", struct settings, until, NULL,
		"only what is older: 10m, or 2026-01-31T13:05:09Z"),
	OPTION_FLAG("timestamps", 't', struct settings, has_timestamps, "each line with its time"),
	OPTION_END,
};

static int
cmd_logs(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	struct cli_logs logs = {.task = argv[0],
		.follows = settings->follows,
		.has_timestamps = settings->has_timestamps};
	struct err err = {0};
	uint64_t tail = 0;
	int code;

	(void)argc;
	if (cli_is_structured(cli))
		return cli_fail(cli, CLI_USAGE, "logs are printed as they are: -o does not apply");
	if (settings->tail != NULL && strcmp(settings->tail, "all") != 0) {
		if (units_parse_number(settings->tail, 0, UINT32_MAX, &tail, &err) < 0)
			return cli_fail(cli, CLI_USAGE, "--tail: %s", err.text);
		logs.has_tail = true;
		logs.tail = (uint32_t)tail;
	}
	if (settings->since != NULL &&
		cli_text_parse_moment(settings->since, cli->now_ms(), &logs.since_ms, &err) < 0)
		return cli_fail(cli, CLI_USAGE, "--since: %s", err.text);
	if (settings->until != NULL &&
		cli_text_parse_moment(settings->until, cli->now_ms(), &logs.until_ms, &err) < 0)
		return cli_fail(cli, CLI_USAGE, "--until: %s", err.text);
	code = cli_logs_read(cli, &logs);
	cli_logs_fini(&logs);
	return code;
}

const struct cli_command cli_logs_commands[] = {
	{
		.name = "logs",
		.summary = "Show what a task printed",
		.arguments = "TASK",
		.examples = "  davit logs web\n"
			    "  davit logs -f --tail 10 web   the last lines, then what comes\n"
			    "  davit logs --since 10m -t web\n"
			    "  davit logs --since 2h --until 1h web\n",
		.defs = defs,
		.settings_size = sizeof(struct settings),
		.min_arguments = 1,
		.max_arguments = 1,
		.run = cmd_logs,
	},
	{.name = NULL},
};
