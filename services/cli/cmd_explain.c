/* davit explain, davit plan; tested by tests/unit/test_cli_explain.c and tests/e2e/scheduling.bats.
 */
#include <errno.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_file.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_spec.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_text.h"

enum { PARTS_MAX = 8 }; /* columns of score components; what is beyond is in -o json */

/* ---- what both print ---- */

static void
print_line(struct cli *cli, const char *name, const char *text)
{
	CLEANUP(buf_fini) struct buf clean = {0};

	if (text == NULL || text[0] == '\0')
		return;
	cli_text_clean(text, &clean);
	(void)fprintf(cli->out, "%-9s %s\n", name, buf_text(&clean));
}

static void
print_filters(struct cli *cli, const Davit__Explanation *explanation)
{
	static const struct cli_column columns[] = {{"NODES", true, false},
		{"REMOVED BY", false, false}, {"DETAIL", false, false}, {NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);

	if (explanation->n_filters == 0)
		return;
	for (size_t i = 0; i < explanation->n_filters; i++) {
		const Davit__FilterCount *filter = explanation->filters[i];

		cli_table_cellf(table, "%u", filter->n_nodes);
		cli_table_cell(table, filter->filter);
		cli_table_cell(table, filter->detail);
	}
	(void)fputc('\n', cli->out);
	cli_table_print(table, cli->width, cli->out);
}

static void
add_lack(struct buf *text, const char *figure, const char *what)
{
	buf_printf(text, "%s%s %s", text->size > 0 ? ", " : "", figure, what);
}

static void
print_nearest(struct cli *cli, const Davit__Explanation *explanation)
{
	const Davit__Resources *lacking = explanation->lacking;
	CLEANUP(buf_fini) struct buf text = {0}, line = {0};
	char figure[UNITS_TEXT_SIZE];

	if (explanation->nearest_node_id == NULL)
		return;
	if (lacking != NULL && lacking->cpu_milli > 0)
		add_lack(&text, units_format_cpu(lacking->cpu_milli, figure), "CPU");
	if (lacking != NULL && lacking->memory_bytes > 0)
		add_lack(&text, units_format_bytes(lacking->memory_bytes, figure), "of memory");
	if (lacking != NULL && lacking->disk_bytes > 0)
		add_lack(&text, units_format_bytes(lacking->disk_bytes, figure), "of disk");
	if (lacking != NULL && lacking->gpus > 0) {
		(void)snprintf(figure, sizeof figure, "%u", lacking->gpus);
		add_lack(&text, figure, "gpu");
	}
	for (size_t i = 0; lacking != NULL && i < lacking->n_devices; i++) {
		(void)snprintf(figure, sizeof figure, "%u", lacking->devices[i]->count);
		add_lack(&text, figure, lacking->devices[i]->kind);
	}
	buf_printf(&line, "%s",
		explanation->nearest_node_name != NULL ? explanation->nearest_node_name
						       : explanation->nearest_node_id);
	if (text.size > 0)
		buf_printf(&line, ", which lacks %s", buf_text(&text));
	print_line(cli, "nearest", buf_text(&line));
}

/* The names of all components, in the order in which they first appear. */
static size_t
gather_parts(const Davit__Explanation *explanation, const char *names[PARTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < explanation->n_best; i++) {
		const Davit__ScoredNode *node = explanation->best[i];

		for (size_t k = 0; k < node->n_parts; k++) {
			size_t known = 0;

			while (known < n && strcmp(names[known], node->parts[k]->name) != 0)
				known++;
			if (known == n && n < PARTS_MAX)
				names[n++] = node->parts[k]->name;
		}
	}
	return n;
}

static void
put_parts(struct cli_table *table, const Davit__ScoredNode *node, const char *const *names,
	size_t n_names)
{
	for (size_t i = 0; i < n_names; i++) {
		const Davit__ScorePart *part = NULL;

		for (size_t k = 0; k < node->n_parts && part == NULL; k++)
			part = strcmp(node->parts[k]->name, names[i]) == 0 ? node->parts[k] : NULL;
		if (part == NULL)
			cli_table_cell(table, NULL);
		else
			cli_table_cellf(table, "%.4g", part->value);
	}
}

static void
print_best(struct cli *cli, const Davit__Explanation *explanation)
{
	const char *names[PARTS_MAX] = {NULL};
	size_t n_names = gather_parts(explanation, names);
	struct cli_column columns[PARTS_MAX + 3] = {{"BEST NODES", false, false},
		{"SCORE", true, false}};
	struct cli_table *table;

	if (explanation->n_best == 0)
		return;
	for (size_t i = 0; i < n_names; i++)
		columns[i + 2] = (struct cli_column){names[i], true, false};
	table = cli_table_new(columns);
	for (size_t i = 0; i < explanation->n_best; i++) {
		const Davit__ScoredNode *node = explanation->best[i];

		cli_table_cell(table, node->node_name != NULL ? node->node_name : node->node_id);
		cli_table_cellf(table, "%.6g", node->score);
		put_parts(table, node, names, n_names);
	}
	(void)fputc('\n', cli->out);
	cli_table_print(table, cli->width, cli->out);
	cli_table_free(table);
}

static void
print_explanation(struct cli *cli, const Davit__Explanation *explanation)
{
	CLEANUP(buf_fini) struct buf text = {0};

	if (explanation->strategy != NULL)
		print_line(cli, "strategy", explanation->strategy);
	buf_printf(&text, "%u looked at, it fits on %u", explanation->n_nodes,
		explanation->n_feasible);
	print_line(cli, "nodes", buf_text(&text));
	print_nearest(cli, explanation);
	print_filters(cli, explanation);
	print_best(cli, explanation);
	if (explanation->n_remedies > 0)
		(void)fputs("\nwhat would help\n", cli->out);
	for (size_t i = 0; i < explanation->n_remedies; i++) {
		buf_reset(&text);
		cli_text_clean(explanation->remedies[i], &text);
		(void)fprintf(cli->out, "  - %s\n", buf_text(&text));
	}
}

/* ---- explain ---- */

static void
print_task(struct cli *cli, const Davit__Task *task)
{
	CLEANUP(buf_fini) struct buf text = {0};

	buf_printf(&text, "%s (%s)", task->name, task->id);
	print_line(cli, "task", buf_text(&text));
	buf_reset(&text);
	cli_text_task_state(task, cli->now_ms(), &text);
	if (task->node_name != NULL)
		buf_printf(&text, " on %s", task->node_name);
	print_line(cli, "state", buf_text(&text));
	print_line(cli, "because", task->message);
}

static int
explain_one(struct cli *cli, char *name, struct cli_list *list)
{
	Davit__ExplainTaskRequest request = DAVIT__EXPLAIN_TASK_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__ExplainTaskReply *reply;
	int code;

	request.task = name;
	request.namespace_ = cli->globals->namespace_name;
	code = cli_call(cli, "ExplainTask", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (const Davit__ExplainTaskReply *)response;
	if (list != NULL) {
		cli_list_put(list, response);
	} else if (cli_is_structured(cli)) {
		cli_print_message(cli, response);
	} else {
		print_task(cli, reply->task);
		if (reply->explanation != NULL)
			print_explanation(cli, reply->explanation);
	}
	return CLI_OK;
}

static int
cmd_explain(struct cli *cli, void *arg, int argc, char **argv)
{
	struct cli_list list = {.cli = cli};
	bool is_list = argc > 1 && cli_is_structured(cli);
	int code = CLI_OK;

	(void)arg;
	for (int i = 0; i < argc && code == CLI_OK; i++) {
		if (i > 0 && !is_list)
			(void)fputc('\n', cli->out);
		code = explain_one(cli, argv[i], is_list ? &list : NULL);
	}
	if (is_list)
		cli_list_end(&list);
	return code;
}

/* ---- plan ---- */

struct plan {
	struct cli *cli;
	const struct cli_run_settings *settings;
	unsigned n_done;
	int code;
};

static void
put_evicted(struct cli_table *table, const Davit__PlannedNode *node)
{
	CLEANUP(buf_fini) struct buf text = {0};

	for (size_t i = 0; i < node->n_evicted; i++) {
		const Davit__Task *task = node->evicted[i];

		buf_printf(&text, "%s%s", i > 0 ? ", " : "", task->name);
		if (task->spec != NULL && task->spec->has_priority)
			buf_printf(&text, " (priority %u)", task->spec->priority);
	}
	cli_table_cell(table, buf_text(&text));
}

static void
print_plan(struct cli *cli, const Davit__PlanTasksReply *reply)
{
	static const struct cli_column columns[] = {{"NODE", false, false}, {"TASKS", true, false},
		{"WOULD END", false, true}, {NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);

	for (size_t i = 0; i < reply->n_nodes; i++) {
		const Davit__PlannedNode *node = reply->nodes[i];

		cli_table_cell(table, node->node_name != NULL ? node->node_name : node->node_id);
		cli_table_cellf(table, "%u", node->n_tasks);
		put_evicted(table, node);
	}
	if (reply->n_nodes > 0)
		cli_table_print(table, cli->width, cli->out);
	if (reply->n_refused > 0) {
		CLEANUP(buf_fini) struct buf text = {0};

		cli_text_clean(reply->message == NULL ? "no node fits" : reply->message, &text);
		(void)fprintf(cli->out, "%u would wait: %s\n", reply->n_refused, buf_text(&text));
	}
	if (reply->explanation != NULL && (reply->n_nodes == 0 || cli->format == CLI_FORMAT_WIDE)) {
		(void)fputc('\n', cli->out);
		print_explanation(cli, reply->explanation);
	}
}

static int
plan_one(struct plan *plan, Davit__TaskSpec *spec, uint32_t count)
{
	struct cli *cli = plan->cli;
	Davit__PlanTasksRequest request = DAVIT__PLAN_TASKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	int code;

	request.spec = spec;
	request.has_count = 1;
	request.count = count;
	code = cli_call(cli, "PlanTasks", &request.base, &response);
	if (code != CLI_OK)
		return code;
	if (cli_is_structured(cli)) {
		cli_print_record(cli, response);
		return CLI_OK;
	}
	if (plan->n_done++ > 0)
		(void)fputc('\n', cli->out);
	print_plan(cli, (const Davit__PlanTasksReply *)response);
	return CLI_OK;
}

/* One document; false ends the file. */
static bool
plan_document(Davit__SubmitTasksRequest *request, void *arg)
{
	struct plan *plan = arg;
	uint32_t count = request->has_count ? request->count : 1;
	const char *namespace_name = plan->cli->globals->namespace_name;

	if (plan->settings->count > 1)
		count = (uint32_t)plan->settings->count;
	if (request->spec->namespace_ == NULL && namespace_name != NULL)
		request->spec->namespace_ = xstrdup(namespace_name);
	plan->code = plan_one(plan, request->spec, count);
	return plan->code == CLI_OK;
}

static int
plan_files(struct plan *plan)
{
	const struct option_list *files = &plan->settings->files;
	struct err err = {0};

	for (size_t i = 0; i < files->n && plan->code == CLI_OK; i++) {
		int rc = cli_file_each(files->items[i], plan_document, plan, &err);

		if (rc < 0)
			return cli_fail(plan->cli, rc == -ENOENT ? CLI_NOT_FOUND : CLI_USAGE, "%s",
				err.text);
	}
	return plan->code;
}

static int
cmd_plan(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct cli_run_settings *settings = arg;
	struct plan plan = {.cli = cli, .settings = settings};
	Davit__TaskSpec *spec;
	struct err err = {0};
	int code;

	if ((settings->files.n > 0) == (argc > 0))
		return cli_fail(cli, CLI_USAGE,
			"plan what? 'davit plan -f task.yaml', or 'davit plan IMAGE' with the flags "
			"of 'davit run'");
	if (settings->files.n > 0)
		return plan_files(&plan);
	if (cli_spec_from_flags(settings, argc, argv, &spec, &err) < 0)
		return cli_fail(cli, CLI_USAGE, "%s", err.text);
	code = plan_one(&plan, spec, (uint32_t)settings->count);
	davit__task_spec__free_unpacked(spec, NULL);
	return code;
}

const struct cli_command cli_explain_commands[] = {
	{
		.name = "explain",
		.summary =
			"Show why tasks are where they are, or why they wait and what would help",
		.arguments = "TASK…",
		.examples = "  davit explain web\n"
			    "  davit explain web -o json | jq .explanation.best\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_explain,
	},
	{
		.name = "plan",
		.summary = "Show where tasks would go now, changing nothing",
		.arguments = "[IMAGE [--] [COMMAND…]]",
		.examples = "  davit plan -f task.yaml\n"
			    "  davit plan --count 100 -m 1GiB --spread zone nginx\n"
			    "  davit plan -o wide --cpus 64 nginx\n",
		.defs = cli_plan_defs,
		.settings_size = sizeof(struct cli_run_settings),
		.max_arguments = -1,
		.stops_at_argument = true,
		.run = cmd_plan,
	},
	{.name = NULL},
};
