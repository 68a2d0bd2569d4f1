/* davit ps; tested by tests/unit/test_cli_list.c and tests/e2e/cli.bats. */
#include <errno.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/units.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_flag.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_pb.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_task.h"
#include "services/cli/cli_text.h"

enum { ID_FULL = 64 }; /* more characters than any id has */

struct settings {
	struct cli_globals globals;
	struct option_list states, labels;
	char *node, *array, *name;
	bool is_all, is_uncut;
};

static const struct option_def defs[] = {
	OPTION_FLAG("all", 'a', struct settings, is_all, "those that have ended, too"),
	OPTION_LIST("state", 's', "STATE", struct settings, states,
		"pending, scheduled, running, completed or failed"),
	OPTION_STRING("node", 'n', "NODE", struct settings, node, NULL, "on this node"),
	OPTION_LIST("label", 'l', "NAME=VALUE", struct settings, labels, "with this label"),
	OPTION_STRING("array", 0, "ID", struct settings, array, NULL, "of this array"),
	OPTION_STRING("name", 0, "NAME", struct settings, name, NULL, "with exactly this name"),
	OPTION_FLAG("no-trunc", 0, struct settings, is_uncut, "whole ids and messages"),
	OPTION_END,
};

static const struct cli_column columns[] = {{"ID", false, false}, {"NAME", false, false},
	{"NAMESPACE", false, true}, {"IMAGE", false, false}, {"STATE", false, false},
	{"NODE", false, false}, {"PORTS", false, false}, {"AGE", false, false},
	{"MESSAGE", false, false}, {NULL, false, false}};

static const struct cli_column wide_columns[] = {{"ID", false, false}, {"NAME", false, false},
	{"NAMESPACE", false, false}, {"IMAGE", false, false}, {"STATE", false, false},
	{"NODE", false, false}, {"PORTS", false, false}, {"AGE", false, false},
	{"RESTARTS", true, false}, {"ATTEMPT", true, false}, {"EXIT", true, false},
	{"CPU", true, false}, {"MEMORY", true, false}, {"CONTAINER", false, false},
	{"MESSAGE", false, false}, {NULL, false, false}};

/* A listing that comes in pages and goes out page by page. */
struct listing {
	struct cli *cli;
	const struct settings *settings;
	Davit__ListTasksRequest request;
	Davit__TaskSpec filter; /* holds the labels */
	struct cli_table *table;
	struct cli_list elements;
	bool is_paged; /* more than one page: ids are whole, for the later ones are not known yet */
	size_t n;
};

static bool
is_wide(const struct listing *listing)
{
	return listing->cli->format == CLI_FORMAT_WIDE;
}

static int
add_state(Davit__ListTasksRequest *request, const char *text, struct err *err)
{
	int value;

	if (cli_pb_enum(&davit__task__state__descriptor, text, &value, err) < 0 ||
		value == DAVIT__TASK__STATE__NONE)
		return err_set(err, -EINVAL,
			"'%.40s' is none of pending, scheduled, running, completed or failed",
			text);
	CLI_PB_ADD(request, states, (Davit__Task__State)value);
	return 0;
}

static int
build_request(struct listing *listing, struct err *err)
{
	static const Davit__Task__State live[] = {DAVIT__TASK__STATE__PENDING,
		DAVIT__TASK__STATE__SCHEDULED, DAVIT__TASK__STATE__RUNNING};
	const struct settings *settings = listing->settings;
	Davit__ListTasksRequest *request = &listing->request;

	request->namespace_ = settings->globals.namespace_name;
	request->node = settings->node;
	request->array_id = settings->array;
	request->name = settings->name;
	for (size_t i = 0; i < settings->states.n; i++) {
		if (add_state(request, settings->states.items[i], err) < 0)
			return err_wrap(err, "--state");
	}
	for (size_t i = 0; i < 3 && !settings->is_all && settings->states.n == 0; i++)
		CLI_PB_ADD(request, states, live[i]);
	for (size_t i = 0; i < settings->labels.n; i++) {
		if (cli_flag_label(&listing->filter, settings->labels.items[i], err) < 0)
			return err_wrap(err, "--label");
	}
	request->labels = listing->filter.labels;
	request->n_labels = listing->filter.n_labels;
	return 0;
}

static void
free_request(struct listing *listing)
{
	for (size_t i = 0; i < listing->filter.n_labels; i++)
		davit__string_entry__free_unpacked(listing->filter.labels[i], NULL);
	free(listing->filter.labels);
	free(listing->request.states);
}

/* How much of each id of the page to show. The caller frees it. */
static int *
choose_id_lengths(struct listing *listing, const Davit__ListTasksReply *reply)
{
	const char **ids = xcalloc(reply->n_tasks + 1, sizeof *ids);
	int *lengths;

	for (size_t i = 0; i < reply->n_tasks; i++)
		ids[i] = reply->tasks[i]->id;
	lengths = cli_ids_short(ids, reply->n_tasks);
	listing->is_paged = listing->is_paged || reply->next != NULL;
	for (size_t i = 0; i < reply->n_tasks; i++) {
		if (listing->settings->is_uncut || is_wide(listing) || listing->is_paged)
			lengths[i] = ID_FULL;
	}
	free(ids);
	return lengths;
}

static void
put_namespace(const struct listing *listing, const Davit__Task *task)
{
	const char *name = task->namespace_;
	bool is_plain = name == NULL || strcmp(name, "default") == 0;

	cli_table_cell(listing->table, is_plain && !is_wide(listing) ? NULL : name);
}

static void
put_wide_cells(struct cli_table *table, const Davit__Task *task)
{
	const Davit__TaskSample *last = task->usage == NULL ? NULL : task->usage->last;
	char text[UNITS_TEXT_SIZE];

	cli_table_cellf(table, "%u", task->restart_count);
	cli_table_cellf(table, "%u", task->attempt);
	if (task->has_exit_code)
		cli_table_cellf(table, "%d", task->exit_code);
	else
		cli_table_cell(table, NULL);
	cli_table_cell(table, last == NULL ? NULL : units_format_cpu(last->cpu_milli, text));
	cli_table_cell(table, last == NULL ? NULL : units_format_bytes(last->memory_bytes, text));
	cli_table_cellf(table, "%.12s", task->container_id == NULL ? "" : task->container_id);
}

static void
put_row(struct listing *listing, const Davit__Task *task, int id_length)
{
	struct cli_table *table = listing->table;
	uint64_t now_ms = listing->cli->now_ms();
	bool has_news = task->state != DAVIT__TASK__STATE__COMPLETED &&
			(task->state != DAVIT__TASK__STATE__RUNNING ||
				task->phase == DAVIT__TASK__PHASE__UNREACHABLE ||
				task->phase == DAVIT__TASK__PHASE__UNHEALTHY ||
				task->phase == DAVIT__TASK__PHASE__RESTARTING);
	CLEANUP(buf_fini) struct buf text = {0};

	cli_table_cellf(table, "%.*s", id_length, task->id);
	cli_table_cell(table, task->name);
	put_namespace(listing, task);
	cli_table_cell(table, task->image);
	cli_text_task_state(task, now_ms, &text);
	cli_table_cell(table, buf_text(&text));
	cli_table_cell(table, task->node_name);
	buf_reset(&text);
	cli_text_task_ports(task, &text);
	cli_table_cell(table, buf_text(&text));
	buf_reset(&text);
	cli_text_age(now_ms, task->created_ms, &text);
	cli_table_cell(table, buf_text(&text));
	if (is_wide(listing))
		put_wide_cells(table, task);
	cli_table_cell(table, has_news || is_wide(listing) ? task->message : NULL);
}

static void
put_page(struct listing *listing, const Davit__ListTasksReply *reply)
{
	struct cli *cli = listing->cli;
	int *id_lengths = choose_id_lengths(listing, reply);

	for (size_t i = 0; i < reply->n_tasks; i++) {
		if (cli->globals->is_quiet)
			(void)fprintf(cli->out, "%s\n", reply->tasks[i]->id);
		else if (cli_is_structured(cli))
			cli_list_put(&listing->elements, &reply->tasks[i]->base);
		else
			put_row(listing, reply->tasks[i], id_lengths[i]);
	}
	free(id_lengths);
	listing->n += reply->n_tasks;
	if (!cli->globals->is_quiet && !cli_is_structured(cli))
		cli_table_print(listing->table, listing->settings->is_uncut ? 0 : cli->width,
			cli->out);
}

static int
list_pages(struct listing *listing)
{
	CLEANUP(free) char *after = NULL;
	int code;

	for (;;) {
		ProtobufCMessage *response;
		Davit__ListTasksReply *reply;

		listing->request.after = after;
		code = cli_call(listing->cli, "ListTasks", &listing->request.base, &response);
		if (code != CLI_OK)
			return code;
		reply = (Davit__ListTasksReply *)response;
		put_page(listing, reply);
		free(after);
		after = TAKE(reply->next);
		cli_response_free(response);
		if (after == NULL)
			return CLI_OK;
	}
}

static void
end_listing(struct listing *listing)
{
	struct cli *cli = listing->cli;

	if (cli_is_structured(cli) && !cli->globals->is_quiet)
		cli_list_end(&listing->elements);
	else if (listing->n == 0 && cli->is_err_terminal && !listing->settings->is_all)
		cli_note(cli,
			"no tasks: 'davit ps -a' shows ended ones, 'davit run IMAGE' starts one");
	else if (listing->n == 0 && cli->is_err_terminal)
		cli_note(cli, "no tasks: try 'davit run IMAGE'");
}

static int
cmd_ps(struct cli *cli, void *arg, int argc, char **argv)
{
	struct listing listing = {.cli = cli,
		.settings = arg,
		.request = DAVIT__LIST_TASKS_REQUEST__INIT,
		.filter = DAVIT__TASK_SPEC__INIT,
		.elements = {.cli = cli}};
	struct err err = {0};
	int code;

	(void)argc;
	(void)argv;
	if (build_request(&listing, &err) < 0) {
		code = cli_fail(cli, CLI_USAGE, "%s", err.text);
	} else {
		listing.table = cli_table_new(is_wide(&listing) ? wide_columns : columns);
		code = list_pages(&listing);
		if (code == CLI_OK)
			end_listing(&listing);
		cli_table_free(listing.table);
	}
	free_request(&listing);
	return code;
}

const struct cli_command cli_list_commands[] = {
	{
		.name = "ps",
		.alias = "ls",
		.summary = "List tasks",
		.examples = "  davit ps                       what runs or is to run\n"
			    "  davit ps -a -s failed          what failed, and why\n"
			    "  davit ps -n node1 -l app=web   on a node, with a label\n"
			    "  davit rm $(davit ps -q -s completed)\n"
			    "  davit ps -o json | jq '.[].name'\n",
		.defs = defs,
		.settings_size = sizeof(struct settings),
		.run = cmd_ps,
	},
	{.name = NULL},
};
