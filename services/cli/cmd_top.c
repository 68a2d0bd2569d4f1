/* davit top; tested by tests/unit/test_cli_top.c and tests/e2e/cli.bats. */
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_screen.h"
#include "services/cli/cli_text.h"
#include "services/cli/cli_top.h"

struct settings {
	struct cli_globals globals;
	uint64_t interval_ms, count;
	char *sort;
	bool is_once;
};

static const struct option_def defs[] = {
	OPTION_DURATION("interval", 'i', struct settings, interval_ms, "1s", "between two pages"),
	OPTION_NUMBER("count", 0, "N", struct settings, count, NULL, 1, 1000000,
		"end after so many pages"),
	OPTION_FLAG("once", '1', struct settings, is_once, "one page, without a full screen"),
	OPTION_STRING("sort", 's', "BY", struct settings, sort, "cpu", "cpu, memory or name"),
	OPTION_END,
};

struct top {
	struct cli *cli;
	struct cli_screen *screen; /* NULL: pages one behind the other */
	enum cli_top_sort sort;
	bool is_over, is_touched; /* a key was pressed: draw at once */
	Davit__GetStatsReply *stats;
};

static void
on_key(int key, void *arg)
{
	struct top *top = arg;

	if (key == 'q' || key == 'Q' || cli_screen_is_over(top->screen))
		top->is_over = true;
	else if (key == 'c')
		top->sort = CLI_TOP_CPU;
	else if (key == 'm')
		top->sort = CLI_TOP_MEMORY;
	else if (key == 'n')
		top->sort = CLI_TOP_NAME;
	top->is_touched = true;
}

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
draw(struct top *top)
{
	char time[CLI_TIME_SIZE], *text = NULL;
	size_t size = 0;
	FILE *page = open_memstream(&text, &size);

	if (page == NULL)
		return;
	(void)fprintf(page, "davit top  %.19s  q: quit  c/m/n: sort by cpu, memory, name\n",
		cli_text_time(top->cli->now_ms(), time));
	cli_top_print(top->stats, top->sort, page);
	if (fclose(page) == 0)
		cli_screen_draw(top->screen, text);
	free(text);
}

static void
show(struct top *top)
{
	char time[CLI_TIME_SIZE];

	if (top->screen != NULL) {
		draw(top);
	} else if (cli_is_structured(top->cli)) {
		cli_print_record(top->cli, &top->stats->base);
	} else {
		(void)fprintf(top->cli->out, "%s\n", cli_text_time(top->cli->now_ms(), time));
		cli_top_print(top->stats, top->sort, top->cli->out);
	}
	(void)fflush(top->cli->out);
}

/* Until the next page is due; keys draw what is known in another order. */
static void
rest(struct top *top, uint64_t interval_ms)
{
	uint64_t end_ms = uv_hrtime() / 1000000 + interval_ms;

	while (!top->is_over && top->cli->n_interrupts == 0) {
		uint64_t now_ms = uv_hrtime() / 1000000;

		if (now_ms >= end_ms)
			return;
		top->is_touched = false;
		cli_pause_unless(top->cli, end_ms - now_ms, &top->is_touched);
		if (top->is_touched && !top->is_over)
			draw(top);
	}
}

static int
run_pages(struct top *top, const struct settings *settings)
{
	uint64_t n_pages = settings->is_once ? 1 : settings->count;
	int code;

	for (uint64_t n = 1;; n++) {
		code = fetch(top);
		if (code != CLI_OK || top->is_over)
			break;
		show(top);
		if (n == n_pages || ferror(top->cli->out))
			break;
		rest(top, settings->interval_ms);
		if (top->is_over || top->cli->n_interrupts > 0)
			break;
		if (top->screen == NULL && !cli_is_structured(top->cli))
			(void)fputc('\n', top->cli->out);
	}
	return code == CLI_INTERRUPTED ? CLI_OK : code;
}

static int
cmd_top(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	struct top top = {.cli = cli};
	struct err err = {0};
	int code = parse_sort(cli, settings->sort, &top.sort);

	(void)argc;
	(void)argv;
	if (code != CLI_OK)
		return code;
	code = fetch(&top); /* what can fail at once fails before the screen is taken */
	if (code == CLI_OK && cli->is_out_terminal && !settings->is_once &&
		!cli_is_structured(cli)) {
		cli_catch_interrupts(cli);
		if (cli_screen_open(cli->loop, STDIN_FILENO, STDOUT_FILENO, &top.screen, &err) == 0)
			cli_screen_listen(top.screen, on_key, &top);
	}
	if (code == CLI_OK)
		code = run_pages(&top, settings);
	cli_screen_close(top.screen);
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
