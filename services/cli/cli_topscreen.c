/* Tested by tests/e2e/top.bats in a real terminal; its parts by test_cli_top*.c. */
#include "services/cli/cli_topscreen.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_monitor.h"
#include "services/cli/cli_screen.h"
#include "services/cli/cli_text.h"
#include "services/cli/cli_toppage.h"

enum {
	FILTER_MAX = 63,
	MESSAGE_SIZE = 256,
};

enum mode { MODE_LIST, MODE_FILTER, MODE_CONFIRM, MODE_DETAILS, MODE_HELP };

struct top {
	struct cli *cli;
	const struct cli_topscreen_options *options;
	struct cli_screen *screen;
	struct cli_topmodel *model;
	struct cli_monitor monitor;
	bool is_from_monitor, is_over, is_touched;
	enum mode mode;
	struct cli_top_view view;
	char filter[FILTER_MAX + 1], message[MESSAGE_SIZE];
	char *selected; /* id of the item; NULL: the first line */
	size_t line, first;
	int wanted; /* what to do outside of the callback: 'l', 'e', 'x'; 0: nothing */
};

/* ---- figures ---- */

static void
take_top(const ProtobufCMessage *response, void *arg)
{
	struct top *top = arg;

	cli_topmodel_take_top(top->model, (const Davit__GetTopReply *)response);
}

static bool
ask_monitor(struct top *top)
{
	static const Davit__GetTopRequest__Sort sorts[CLI_TOP_ORDER_COUNT] = {
		[CLI_TOP_BY_CPU] = DAVIT__GET_TOP_REQUEST__SORT__CPU,
		[CLI_TOP_BY_MEMORY] = DAVIT__GET_TOP_REQUEST__SORT__MEMORY,
		[CLI_TOP_BY_NET] = DAVIT__GET_TOP_REQUEST__SORT__NET,
		[CLI_TOP_BY_IO] = DAVIT__GET_TOP_REQUEST__SORT__IO,
		[CLI_TOP_BY_NAME] = DAVIT__GET_TOP_REQUEST__SORT__NAME};
	Davit__GetTopRequest request = DAVIT__GET_TOP_REQUEST__INIT;

	request.has_sort = request.has_limit = request.has_points = true;
	request.sort = sorts[top->view.order];
	request.limit = CLI_TOP_TASKS_MAX;
	request.points = CLI_TOP_POINTS;
	request.filter = top->filter;
	request.namespace_ = top->cli->globals->namespace_name;
	return cli_monitor_ask(&top->monitor, "GetTop", &request.base, take_top, top) ==
	       DAVIT__REPLY__STATUS__OK;
}

/* The last figures stay where nobody answers, and the last line says so. */
static void
fetch(struct top *top)
{
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	Davit__GetStatsRequest request = DAVIT__GET_STATS_REQUEST__INIT;
	struct cli_ask ask = {.method = "GetStats",
		.request = &request.base,
		.timeout_ms = CLI_MONITOR_PATIENCE_MS};

	top->is_from_monitor = ask_monitor(top);
	if (top->is_from_monitor)
		return;
	cli_ask(top->cli, &ask, &reply);
	if (reply.response != NULL)
		cli_topmodel_take_stats(top->model, (const Davit__GetStatsReply *)reply.response,
			top->cli->now_ms());
	else if (top->mode == MODE_LIST)
		(void)snprintf(top->message, sizeof top->message, "no answer: %s",
			reply.message == NULL ? "" : reply.message);
}

/* ---- pages ---- */

static bool
has_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (unsigned i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL;
	}
	return false;
}

/* https://no-color.org */
static bool
has_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return no == NULL || no[0] == '\0';
}

/* The selection follows its item when the order changes. */
static void
find_selected(struct top *top, const struct cli_top_line *lines, size_t n)
{
	for (size_t i = 0; i < n && top->selected != NULL; i++) {
		if (lines[i].item != NULL && strcmp(lines[i].item->id, top->selected) == 0)
			top->line = i;
	}
	if (top->line >= n)
		top->line = n == 0 ? 0 : n - 1;
}

static void
scroll(struct top *top, unsigned n_rows)
{
	if (top->line < top->first)
		top->first = top->line;
	if (top->line >= top->first + n_rows)
		top->first = top->line + 1 - n_rows;
}

static const struct cli_top_item *
selected_item(struct top *top)
{
	size_t n;
	const struct cli_top_line *lines = cli_topmodel_arrange(top->model, &top->view, &n);

	find_selected(top, lines, n);
	return top->line < n ? lines[top->line].item : NULL;
}

static void
draw(struct top *top)
{
	CLEANUP(buf_fini) struct buf out = {0};
	char time[CLI_TIME_SIZE], prompt[FILTER_MAX + 16];
	const struct cli_top_line *lines;
	struct cli_toppage page = {.has_utf8 = has_utf8(), .message = top->message};
	size_t n;

	cli_screen_size(top->screen, &page.rows, &page.columns);
	(void)cli_text_time(top->cli->now_ms(), time);
	time[19] = '\0';
	page.time = time + 11;
	page.source = top->is_from_monitor ? "monitor" : "manager";
	page.view = top->view;
	if (top->mode == MODE_FILTER) {
		(void)snprintf(prompt, sizeof prompt, "filter: %s_", top->filter);
		page.message = prompt;
	}
	lines = cli_topmodel_arrange(top->model, &top->view, &n);
	find_selected(top, lines, n);
	scroll(top, cli_toppage_list_rows(&page));
	page.selected = top->line;
	page.first = top->first;
	if (top->mode == MODE_HELP)
		cli_toppage_help(&page, &out);
	else if (top->mode == MODE_DETAILS && top->line < n && lines[top->line].item != NULL)
		cli_toppage_details(&page, lines[top->line].item, &out);
	else
		cli_toppage_list(&page, top->model, lines, n, &out);
	cli_screen_draw(top->screen, buf_text(&out), has_colours());
}

/* ---- keys ---- */

static void
select_line(struct top *top, long line)
{
	size_t n;
	const struct cli_top_line *lines = cli_topmodel_arrange(top->model, &top->view, &n);

	if (line >= (long)n)
		line = (long)n - 1;
	top->line = line < 0 ? 0 : (size_t)line;
	free(TAKE(top->selected));
	if (top->line < n && lines[top->line].item != NULL)
		top->selected = xstrdup(lines[top->line].item->id);
}

static bool
move(struct top *top, int key)
{
	long at = (long)top->line;
	unsigned rows, columns;

	cli_screen_size(top->screen, &rows, &columns);
	switch (key) {
	case CLI_KEY_UP:
	case 'k':
		select_line(top, at - 1);
		return true;
	case CLI_KEY_DOWN:
	case 'j':
		select_line(top, at + 1);
		return true;
	case CLI_KEY_PAGE_UP:
		select_line(top, at - (long)rows / 2);
		return true;
	case CLI_KEY_PAGE_DOWN:
		select_line(top, at + (long)rows / 2);
		return true;
	case CLI_KEY_HOME:
		select_line(top, 0);
		return true;
	case CLI_KEY_END:
		select_line(top, INT32_MAX);
		return true;
	default:
		return false;
	}
}

static bool
sort(struct top *top, int key)
{
	static const char keys[CLI_TOP_ORDER_COUNT + 1] = {[CLI_TOP_BY_CPU] = 'c',
		[CLI_TOP_BY_MEMORY] = 'm',
		[CLI_TOP_BY_NET] = 'w',
		[CLI_TOP_BY_IO] = 'd',
		[CLI_TOP_BY_NAME] = 'n'};
	const char *found = key > 0 && key < 128 ? strchr(keys, key) : NULL;

	if (found == NULL)
		return false;
	top->view.order = (enum cli_top_order)(found - keys);
	return true;
}

static void
want(struct top *top, int key)
{
	const struct cli_top_item *item = selected_item(top);

	if (item == NULL || item->is_node) {
		(void)snprintf(top->message, sizeof top->message, "select a task first");
		return;
	}
	free(top->selected);
	top->selected = xstrdup(item->id);
	if (key != 'x') {
		top->wanted = key;
		return;
	}
	top->mode = MODE_CONFIRM;
	(void)snprintf(top->message, sizeof top->message, "stop task %s? y/n", item->name);
}

static void
list_key(struct top *top, int key)
{
	top->message[0] = '\0';
	if (move(top, key) || sort(top, key))
		return;
	if (key == 'q' || key == 'Q')
		top->is_over = true;
	else if (key == 'h' || key == '?')
		top->mode = MODE_HELP;
	else if (key == '\r' || key == '\n' || key == 'i')
		top->mode = MODE_DETAILS;
	else if (key == '/')
		top->mode = MODE_FILTER;
	else if (key == 'g')
		top->view.group = (enum cli_top_group)((top->view.group + 1) % CLI_TOP_GROUP_COUNT);
	else if (key == '\t')
		top->view.shows_nodes = !top->view.shows_nodes;
	else if (key == CLI_KEY_ESCAPE)
		top->filter[0] = '\0';
	else if (key == 'l' || key == 'e' || key == 'x')
		want(top, key);
}

static void
filter_key(struct top *top, int key)
{
	size_t n = strlen(top->filter);

	if (key == '\r' || key == '\n') {
		top->mode = MODE_LIST;
	} else if (key == CLI_KEY_ESCAPE) {
		top->mode = MODE_LIST;
		top->filter[0] = '\0';
	} else if ((key == 127 || key == 8) && n > 0) {
		top->filter[n - 1] = '\0';
	} else if (key >= ' ' && key < 127 && n < FILTER_MAX) {
		top->filter[n] = (char)key;
		top->filter[n + 1] = '\0';
	}
}

static void
on_key(int key, void *arg)
{
	struct top *top = arg;

	top->is_touched = true;
	if (key == 0) {
		top->is_over |= cli_screen_is_over(top->screen);
		return; /* the size has changed */
	}
	switch (top->mode) {
	case MODE_LIST:
		list_key(top, key);
		break;
	case MODE_FILTER:
		filter_key(top, key);
		break;
	case MODE_CONFIRM:
		top->mode = MODE_LIST;
		top->message[0] = '\0';
		if (key == 'y' || key == 'Y')
			top->wanted = 'x';
		break;
	default:
		top->mode = MODE_LIST;
		break;
	}
}

/* ---- what is done from there ---- */

static void
stop_task(struct top *top)
{
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	struct cli_ask ask = {.method = "StopTasks", .request = &request.base, .changes = true};

	request.tasks = &top->selected;
	request.n_tasks = 1;
	cli_ask(top->cli, &ask, &reply);
	(void)snprintf(top->message, sizeof top->message, "%s",
		reply.status == DAVIT__REPLY__STATUS__OK ? "asked to stop"
		: reply.message != NULL                  ? reply.message
							 : "not stopped");
}

/* This program again, with the terminal to itself. ^C is for it; we only count it. */
static void
run_child(const struct top *top, char *const *argv)
{
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		struct sigaction usual = {.sa_handler = SIG_DFL};
		sigset_t none;

		(void)sigaction(SIGINT, &usual, NULL);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)setenv("DAVIT_MANAGER", top->cli->globals->manager, 1);
		(void)execv("/proc/self/exe", argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0)
		;
}

static int open_screen(struct top *top);

static void
leave_for(struct top *top, int what)
{
	char *logs[] = {(char *)(uintptr_t) "davit", (char *)(uintptr_t) "logs",
		(char *)(uintptr_t) "--follow", (char *)(uintptr_t) "--tail",
		(char *)(uintptr_t) "200", top->selected, NULL};
	char *shell[] = {(char *)(uintptr_t) "davit", (char *)(uintptr_t) "exec",
		(char *)(uintptr_t) "-it", top->selected, (char *)(uintptr_t) "sh", NULL};
	unsigned n_interrupts = top->cli->n_interrupts;

	cli_screen_close(TAKE(top->screen));
	(void)uv_run(top->cli->loop, UV_RUN_NOWAIT);
	(void)fprintf(top->cli->out, "-- %s of task %s: %s returns to davit top\n",
		what == 'l' ? "output" : "a shell", top->selected, what == 'l' ? "^C" : "its end");
	run_child(top, what == 'l' ? logs : shell);
	(void)uv_run(top->cli->loop, UV_RUN_NOWAIT);
	top->cli->n_interrupts = n_interrupts;
	if (open_screen(top) != CLI_OK)
		top->is_over = true;
}

static void
do_wanted(struct top *top)
{
	int what = top->wanted;

	top->wanted = 0;
	if (what == 'x')
		stop_task(top);
	else if (what != 0)
		leave_for(top, what);
}

/* ---- the whole ---- */

static int
open_screen(struct top *top)
{
	struct err err = {0};

	if (cli_screen_open(top->cli->loop, STDIN_FILENO, STDOUT_FILENO, &top->screen, &err) < 0)
		return cli_fail(top->cli, CLI_FAILED, "%s", err.text);
	cli_screen_listen(top->screen, on_key, top);
	return CLI_OK;
}

/* Until the next figures are due; keys draw what is known at once. */
static void
rest(struct top *top)
{
	uint64_t end_ms = uv_hrtime() / 1000000 + top->options->interval_ms;

	while (!top->is_over && top->cli->n_interrupts == 0) {
		uint64_t now_ms = uv_hrtime() / 1000000;

		if (now_ms >= end_ms)
			return;
		top->is_touched = false;
		cli_pause_unless(top->cli, end_ms - now_ms, &top->is_touched);
		if (top->wanted != 0)
			do_wanted(top);
		if (top->is_touched && !top->is_over)
			draw(top);
	}
}

int
cli_topscreen_run(struct cli *cli, const struct cli_topscreen_options *options)
{
	struct top top = {.cli = cli, .options = options, .view.order = options->order};
	int code = open_screen(&top);

	if (code != CLI_OK)
		return code;
	top.view.filter = top.filter;
	top.model = cli_topmodel_new();
	cli_monitor_open(cli, options->monitor, &top.monitor);
	cli_catch_interrupts(cli);
	while (!top.is_over && cli->n_interrupts == 0) {
		fetch(&top);
		if (!top.is_over && cli->n_interrupts == 0)
			draw(&top);
		rest(&top);
	}
	cli_screen_close(top.screen);
	cli_monitor_close(&top.monitor);
	cli_topmodel_free(top.model);
	free(top.selected);
	return CLI_OK;
}
