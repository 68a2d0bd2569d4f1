/* davit stats; tested by tests/unit/test_cli_stats.c and tests/e2e/top.bats. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_monitor.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_stats.h"

enum { TASKS_MAX = 5000 }; /* that the monitor tells at once; the manager tells all */

struct settings {
	struct cli_globals globals;
	uint64_t interval_ms, step_ms;
	char *monitor;
	bool is_once, is_history;
};

static const struct option_def defs[] = {
	OPTION_FLAG("no-stream", '1', struct settings, is_once, "one table, then the end"),
	OPTION_DURATION("interval", 'i', struct settings, interval_ms, "1s", "between two tables"),
	OPTION_FLAG("history", 0, struct settings, is_history,
		"the last hour of the tasks, or of the cluster; from the monitor"),
	OPTION_DURATION("step", 0, struct settings, step_ms, "1m",
		"of --history: 1s (the last minute), 10s (ten minutes) or 1m"),
	OPTION_STRING("monitor", 0, "URL", struct settings, monitor, "tcp://127.0.0.1:7075",
		"the monitor to ask; the manager is asked where none answers, or for \"\""),
	OPTION_END,
};

struct stats {
	struct cli *cli;
	const struct settings *settings;
	struct cli_monitor monitor;
	char **names; /* of the tasks to show; none: all */
	size_t n_names;
	bool was_shown, is_live;
	bool is_partial; /* the monitor left tasks out: the manager is asked */
	int code;        /* of the last table */
};

/* ---- one table ---- */

static bool
is_wanted(const struct stats *stats, const Davit__TopTask *task)
{
	const char *namespace_name = stats->cli->globals->namespace_name;

	if (namespace_name != NULL &&
		(task->namespace_ == NULL || strcmp(task->namespace_, namespace_name) != 0))
		return false;
	for (size_t i = 0; i < stats->n_names; i++) {
		if (cli_stats_is_named(task, stats->names[i]))
			return true;
	}
	return stats->n_names == 0;
}

/* The first name that no task has; NULL: each has one. */
static const char *
missing_name(const struct stats *stats, Davit__TopTask **tasks, size_t n)
{
	for (size_t i = 0; i < stats->n_names; i++) {
		size_t k = 0;

		while (k < n && !cli_stats_is_named(tasks[k], stats->names[i]))
			k++;
		if (k == n)
			return stats->names[i];
	}
	return NULL;
}

static void
draw(const struct stats *stats, Davit__TopTask **tasks, size_t n)
{
	struct winsize size = {0};
	char *text = NULL;
	size_t text_size;
	FILE *page = open_memstream(&text, &text_size);

	if (page == NULL)
		return;
	cli_stats_print(tasks, n, stats->cli->format == CLI_FORMAT_WIDE, page);
	(void)fclose(page);
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	cli_stats_redraw(text, size.ws_row, stats->cli->out);
	free(text);
}

static void
show(struct stats *stats, Davit__TopTask **tasks, size_t n_tasks)
{
	Davit__TopTask **shown = xcalloc(n_tasks + 1, sizeof(Davit__TopTask *));
	struct cli *cli = stats->cli;
	const char *missing;
	size_t n = 0;

	for (size_t i = 0; i < n_tasks; i++) {
		if (is_wanted(stats, tasks[i]))
			shown[n++] = tasks[i];
	}
	missing = stats->was_shown ? NULL : missing_name(stats, shown, n);
	if (missing != NULL) {
		stats->code = cli_fail(cli, CLI_NOT_FOUND, "no task '%s' runs", missing);
		free(shown);
		return;
	}
	stats->was_shown = true;
	cli_stats_sort(shown, n);
	if (cli_is_structured(cli))
		cli_print_list(cli, n, shown);
	else if (stats->is_live)
		draw(stats, shown, n);
	else
		cli_stats_print(shown, n, cli->format == CLI_FORMAT_WIDE, cli->out);
	free(shown);
}

/* ---- whom to ask ---- */

static void
take_top(const ProtobufCMessage *response, void *arg)
{
	const Davit__GetTopReply *reply = (const Davit__GetTopReply *)response;
	struct stats *stats = arg;

	stats->is_partial = reply->matched > reply->n_tasks;
	if (!stats->is_partial)
		show(stats, reply->tasks, reply->n_tasks);
}

static bool
ask_monitor(struct stats *stats)
{
	Davit__GetTopRequest request = DAVIT__GET_TOP_REQUEST__INIT;

	request.has_sort = request.has_limit = true;
	request.sort = DAVIT__GET_TOP_REQUEST__SORT__NAME;
	request.limit = TASKS_MAX;
	request.namespace_ = stats->cli->globals->namespace_name;
	return cli_monitor_ask(&stats->monitor, "GetTop", &request.base, take_top, stats) ==
		       DAVIT__REPLY__STATUS__OK &&
	       !stats->is_partial;
}

static int
ask_manager(struct stats *stats)
{
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__TopTask *tasks, **list;
	Davit__GetStatsRequest request = DAVIT__GET_STATS_REQUEST__INIT;
	const Davit__GetStatsReply *reply;
	int code = cli_call(stats->cli, "GetStats", &request.base, &response);

	if (code != CLI_OK)
		return code;
	reply = (const Davit__GetStatsReply *)response;
	tasks = xcalloc(reply->n_tasks + 1, sizeof *tasks);
	list = xcalloc(reply->n_tasks + 1, sizeof(Davit__TopTask *));
	for (size_t i = 0; i < reply->n_tasks; i++) {
		cli_stats_task(reply->tasks[i], &tasks[i]);
		list[i] = &tasks[i];
	}
	show(stats, list, reply->n_tasks);
	free(list);
	free(tasks);
	return stats->code;
}

static int
run_tables(struct stats *stats)
{
	struct cli *cli = stats->cli;

	if (stats->is_live) {
		cli_catch_interrupts(cli);
		(void)fputs("\033[2J", cli->out);
	}
	for (;;) {
		int code = ask_monitor(stats) ? stats->code : ask_manager(stats);

		if (code != CLI_OK)
			return code == CLI_INTERRUPTED ? CLI_OK : code;
		if (!stats->is_live || ferror(cli->out))
			return CLI_OK;
		cli_pause(cli, stats->settings->interval_ms);
		if (cli->n_interrupts > 0)
			return CLI_OK;
	}
}

/* ---- the last hour ---- */

static void
take_history(const ProtobufCMessage *response, void *arg)
{
	const Davit__GetHistoryReply *reply = (const Davit__GetHistoryReply *)response;
	struct cli *cli = arg;

	if (cli_is_structured(cli))
		cli_print_list(cli, reply->n_series, reply->series);
	else
		cli_stats_print_history(reply->series, reply->n_series, cli->out);
}

static int
run_history(struct stats *stats)
{
	Davit__GetHistoryRequest request = DAVIT__GET_HISTORY_REQUEST__INIT;
	struct cli *cli = stats->cli;
	const char *url = stats->settings->monitor;

	request.tasks = stats->names;
	request.n_tasks = stats->n_names;
	request.has_cluster = true;
	request.cluster = stats->n_names == 0;
	request.has_step_ms = true;
	request.step_ms = stats->settings->step_ms;
	switch (cli_monitor_ask(&stats->monitor, "GetHistory", &request.base, take_history, cli)) {
	case DAVIT__REPLY__STATUS__OK:
		return CLI_OK;
	case DAVIT__REPLY__STATUS__NOT_FOUND:
		return cli_fail(cli, CLI_NOT_FOUND, "%s", stats->monitor.message);
	case DAVIT__REPLY__STATUS__INVALID_ARGUMENT:
		return cli_fail(cli, CLI_USAGE, "%s", stats->monitor.message);
	default:
		return cli_fail(cli, CLI_UNREACHABLE,
			"only a monitor keeps the last hour, and none answers at '%s': give "
			"--monitor URL or DAVIT_MONITOR",
			url == NULL ? "" : url);
	}
}

/* Drawn over and over, on a terminal that can be. */
static bool
is_live(const struct cli *cli, const struct settings *settings)
{
	const char *term = getenv("TERM");

	return cli->is_out_terminal && !settings->is_once && !cli_is_structured(cli) &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

static int
cmd_stats(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	struct stats stats = {.cli = cli,
		.settings = settings,
		.names = argv,
		.n_names = (size_t)argc,
		.is_live = is_live(cli, settings)};
	int code;

	cli_monitor_open(cli, settings->monitor, &stats.monitor);
	code = settings->is_history ? run_history(&stats) : run_tables(&stats);
	cli_monitor_close(&stats.monitor);
	return code;
}

const struct cli_command cli_stats_commands[] = {
	{
		.name = "stats",
		.summary = "Show what running tasks use, in a table",
		.arguments = "[TASK...]",
		.examples =
			"  davit stats\n"
			"  davit stats --no-stream web db\n"
			"  davit stats --history web              the last hour, by the minute\n"
			"  davit stats -o json | jq '.[] | [.name, .cpu_milli]'\n",
		.defs = defs,
		.settings_size = sizeof(struct settings),
		.max_arguments = -1,
		.run = cmd_stats,
	},
	{.name = NULL},
};
