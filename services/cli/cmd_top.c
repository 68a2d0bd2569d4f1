/* davit top; tested by tests/unit/test_cli_top.c, tests/e2e/cli.bats and top.bats. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_text.h"
#include "services/cli/cli_top.h"
#include "services/cli/cli_topscreen.h"

struct settings {
	struct cli_globals globals;
	uint64_t interval_ms, count;
	char *sort, *monitor;
	bool is_once;
};

static const struct option_def defs[] = {
	OPTION_DURATION("interval", 'i', struct settings, interval_ms, "1s", "between two pages"),
	OPTION_NUMBER("count", 0, "N", struct settings, count, NULL, 1, 1000000,
		"end after so many pages"),
	OPTION_FLAG("once", '1', struct settings, is_once, "one page, without a full screen"),
	OPTION_STRING("sort", 's', "BY", struct settings, sort, "cpu", "cpu, memory or name"),
	OPTION_STRING("monitor", 0, "URL", struct settings, monitor, "tcp://127.0.0.1:7075",
		"the monitor to ask; the manager is asked where none answers, or for \"\""),
	OPTION_END,
};

struct top {
	struct cli *cli;
	enum cli_top_sort sort;
	Davit__GetStatsReply *stats;
};

static int
parse_sort(struct cli *cli, const char *text, enum cli_top_sort *ret)
{
	static const char *const names[] =
		{[CLI_TOP_CPU] = "cpu", [CLI_TOP_MEMORY] = "memory", [CLI_TOP_NAME] = "name"};

	for (unsigned i = 0; i < 3; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = (enum cli_top_sort)i;
			return CLI_OK;
		}
	}
	return cli_fail(cli, CLI_USAGE, "--sort %s: want cpu, memory or name", text);
}

static int
fetch(struct top *top)
{
	Davit__GetStatsRequest request = DAVIT__GET_STATS_REQUEST__INIT;
	ProtobufCMessage *response;
	int code = cli_call(top->cli, "GetStats", &request.base, &response);

	if (code != CLI_OK)
		return code;
	if (top->stats != NULL)
		cli_response_free(&top->stats->base);
	top->stats = (Davit__GetStatsReply *)response;
	return CLI_OK;
}

static void
show(struct top *top)
{
	char time[CLI_TIME_SIZE];

	if (cli_is_structured(top->cli)) {
		cli_print_record(top->cli, &top->stats->base);
	} else {
		(void)fprintf(top->cli->out, "%s\n", cli_text_time(top->cli->now_ms(), time));
		cli_top_print(top->stats, top->sort, top->cli->out);
	}
	(void)fflush(top->cli->out);
}

static int
run_pages(struct top *top, const struct settings *settings)
{
	uint64_t n_pages = settings->is_once ? 1 : settings->count;
	int code;

	for (uint64_t n = 1;; n++) {
		code = fetch(top);
		if (code != CLI_OK)
			break;
		show(top);
		if (n == n_pages || ferror(top->cli->out))
			break;
		cli_pause(top->cli, settings->interval_ms);
		if (top->cli->n_interrupts > 0)
			break;
		if (!cli_is_structured(top->cli))
			(void)fputc('\n', top->cli->out);
	}
	return code == CLI_INTERRUPTED ? CLI_OK : code;
}

/* On a terminal that can be drawn on, unless plain pages were asked for. */
static bool
is_screen(const struct cli *cli, const struct settings *settings)
{
	const char *term = getenv("TERM");

	return cli->is_out_terminal && !settings->is_once && settings->count == 0 &&
	       !cli_is_structured(cli) && isatty(STDIN_FILENO) == 1 && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

static int
cmd_top(struct cli *cli, void *arg, int argc, char **argv)
{
	static const enum cli_top_order orders[] = {[CLI_TOP_CPU] = CLI_TOP_BY_CPU,
		[CLI_TOP_MEMORY] = CLI_TOP_BY_MEMORY,
		[CLI_TOP_NAME] = CLI_TOP_BY_NAME};
	const struct settings *settings = arg;
	struct top top = {.cli = cli};
	int code = parse_sort(cli, settings->sort, &top.sort);

	(void)argc;
	(void)argv;
	if (code != CLI_OK)
		return code;
	code = fetch(&top); /* what can fail at once fails before the screen is taken */
	if (code == CLI_OK && is_screen(cli, settings))
		code = cli_topscreen_run(cli, &(struct cli_topscreen_options){settings->monitor,
						      settings->interval_ms, orders[top.sort]});
	else if (code == CLI_OK)
		code = run_pages(&top, settings);
	if (top.stats != NULL)
		cli_response_free(&top.stats->base);
	return code;
}

const struct cli_command cli_top_commands[] = {
	{
		.name = "top",
		.summary = "Show what tasks and nodes use, live",
		.examples = "  davit top\n"
			    "  davit top --once --sort memory\n"
			    "  davit top -o json --count 10 | jq -c .cluster\n",
		.defs = defs,
		.settings_size = sizeof(struct settings),
		.run = cmd_top,
	},
	{.name = NULL},
};
