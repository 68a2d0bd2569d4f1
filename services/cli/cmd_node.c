/* davit nodes, node …; tested by tests/unit/test_cli_node.c and tests/e2e/cli.bats. */
#include <errno.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/model/taint.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_pb.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_text.h"

static const struct cli_column columns[] = {{"NAME", false, false}, {"STATE", false, false},
	{"TASKS", true, false}, {"CPU", true, false}, {"MEMORY", true, false},
	{"USED CPU", true, false}, {"USED MEMORY", true, false}, {"HEARD", true, false},
	{"MESSAGE", false, false}, {NULL, false, false}};

static const struct cli_column wide_columns[] = {{"NAME", false, false}, {"STATE", false, false},
	{"TASKS", true, false}, {"CPU", true, false}, {"MEMORY", true, false},
	{"USED CPU", true, false}, {"USED MEMORY", true, false}, {"HEARD", true, false},
	{"ID", false, false}, {"ADDRESS", false, false}, {"ENGINE", false, false},
	{"VERSION", false, false}, {"LABELS", false, false}, {"MESSAGE", false, false},
	{NULL, false, false}};

static void
put_wide_cells(struct cli_table *table, const Davit__Node *node, struct buf *text)
{
	cli_table_cell(table, node->id);
	cli_table_cell(table, node->address);
	cli_table_cell(table, node->engine == NULL ? NULL : node->engine->version);
	cli_table_cell(table, node->davit_version);
	buf_reset(text);
	cli_text_entries(node->labels, node->n_labels, text);
	cli_table_cell(table, buf_text(text));
}

/* What somebody does to it on purpose explains the rest. */
static void
put_message(struct cli_table *table, const Davit__Node *node, struct buf *text)
{
	buf_reset(text);
	for (size_t i = 0; i < node->n_faults; i++) {
		const Davit__Fault *fault = node->faults[i];
		char left[UNITS_TEXT_SIZE];

		buf_printf(text, "%schaos: %s, %s left", i > 0 ? "; " : "",
			fault->text != NULL ? fault->text : "fault",
			units_format_duration(fault->left_ms, left));
	}
	if (node->n_faults > 0 && node->message != NULL)
		buf_printf(text, "; %s", node->message);
	cli_table_cell(table, node->n_faults > 0 ? buf_text(text) : node->message);
}

static void
put_row(struct cli *cli, struct cli_table *table, const Davit__Node *node)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *capacity = node->capacity == NULL ? &none : node->capacity;
	const Davit__Resources *reserved = node->reserved == NULL ? &none : node->reserved;
	CLEANUP(buf_fini) struct buf text = {0};
	char figure[UNITS_TEXT_SIZE];

	cli_table_cell(table, node->name);
	cli_text_node_state(node, &text);
	cli_table_cell(table, buf_text(&text));
	cli_table_cellf(table, "%u", node->n_tasks);
	buf_reset(&text);
	cli_text_cpu_of(reserved->cpu_milli, capacity->cpu_milli, &text);
	cli_table_cell(table, buf_text(&text));
	buf_reset(&text);
	cli_text_bytes_of(reserved->memory_bytes, capacity->memory_bytes, &text);
	cli_table_cell(table, buf_text(&text));
	cli_table_cell(table,
		node->usage == NULL ? NULL : units_format_cpu(node->usage->cpu_milli, figure));
	cli_table_cell(table,
		node->usage == NULL ? NULL : units_format_bytes(node->usage->memory_bytes, figure));
	buf_reset(&text);
	if (node->heard_ms > 0)
		cli_text_age(cli->now_ms(), node->heard_ms, &text);
	cli_table_cell(table, buf_text(&text));
	if (cli->format == CLI_FORMAT_WIDE)
		put_wide_cells(table, node, &text);
	put_message(table, node, &text);
}

static void
print_table(struct cli *cli, const Davit__ListNodesReply *reply)
{
	CLEANUP(cli_table_free)
	struct cli_table *table =
		cli_table_new(cli->format == CLI_FORMAT_WIDE ? wide_columns : columns);

	for (size_t i = 0; i < reply->n_nodes; i++)
		put_row(cli, table, reply->nodes[i]);
	cli_table_print(table, cli->width, cli->out);
	if (reply->n_nodes == 0 && cli->is_err_terminal)
		cli_note(cli, "no nodes: start a worker with 'davit-worker --manager %s'",
			cli->globals->manager);
}

static int
cmd_nodes(struct cli *cli, void *arg, int argc, char **argv)
{
	Davit__ListNodesRequest request = DAVIT__LIST_NODES_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__ListNodesReply *reply;
	int code = cli_call(cli, "ListNodes", &request.base, &response);

	(void)arg;
	(void)argc;
	(void)argv;
	if (code != CLI_OK)
		return code;
	reply = (Davit__ListNodesReply *)response;
	if (cli->globals->is_quiet) {
		for (size_t i = 0; i < reply->n_nodes; i++)
			(void)fprintf(cli->out, "%s\n", reply->nodes[i]->id);
	} else if (cli_is_structured(cli)) {
		cli_print_list(cli, reply->n_nodes, reply->nodes);
	} else {
		print_table(cli, reply);
	}
	return CLI_OK;
}

static int
inspect_one(struct cli *cli, char *name, struct cli_list *list)
{
	Davit__GetNodeRequest request = DAVIT__GET_NODE_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	int code;

	request.node = name;
	code = cli_call(cli, "GetNode", &request.base, &response);
	if (code != CLI_OK)
		return code;
	if (list != NULL)
		cli_list_put(list, &((Davit__GetNodeReply *)response)->node->base);
	else
		cli_print_message(cli, &((Davit__GetNodeReply *)response)->node->base);
	return CLI_OK;
}

static int
cmd_inspect(struct cli *cli, void *arg, int argc, char **argv)
{
	struct cli_list list = {.cli = cli};
	int code = CLI_OK;

	(void)arg;
	if (!cli_is_structured(cli))
		cli->format = CLI_FORMAT_JSON;
	for (int i = 0; i < argc && code == CLI_OK; i++)
		code = inspect_one(cli, argv[i], argc > 1 ? &list : NULL);
	if (argc > 1)
		cli_list_end(&list);
	return code;
}

static int
update(struct cli *cli, int argc, char **argv, bool is_draining)
{
	int code = CLI_OK;

	for (int i = 0; i < argc && code == CLI_OK; i++) {
		Davit__UpdateNodeRequest request = DAVIT__UPDATE_NODE_REQUEST__INIT;
		CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;

		request.node = argv[i];
		request.has_draining = true;
		request.draining = is_draining;
		code = cli_call_changing(cli, "UpdateNode", &request.base, &response);
		if (code != CLI_OK)
			break;
		if (cli_is_structured(cli))
			cli_print_message(cli, &((Davit__UpdateNodeReply *)response)->node->base);
		else
			(void)fprintf(cli->out, "%s\n", argv[i]);
	}
	return code;
}

static int
cmd_drain(struct cli *cli, void *arg, int argc, char **argv)
{
	(void)arg;
	return update(cli, argc, argv, true);
}

static int
cmd_undrain(struct cli *cli, void *arg, int argc, char **argv)
{
	(void)arg;
	return update(cli, argc, argv, false);
}

struct update_settings {
	struct cli_globals globals;
	struct option_list labels, label_rms, taints, taint_rms;
};

#define U struct update_settings
static const struct option_def update_defs[] = {
	OPTION_LIST("label", 'l', "KEY=VALUE", U, labels, "a label to set, over the worker's"),
	OPTION_LIST("label-rm", 0, "KEY", U, label_rms,
		"a label to remove, also if the worker has it"),
	OPTION_LIST("taint", 0, "KEY[=VALUE]:EFFECT", U, taints,
		"keeps tasks off that do not tolerate it: no-schedule, prefer-no-schedule or "
		"no-execute, which also moves those that run"),
	OPTION_LIST("taint-rm", 0, "KEY", U, taint_rms, "a taint to remove"),
	OPTION_END,
};
#undef U

static int
add_label(Davit__UpdateNodeRequest *request, const char *text, struct err *err)
{
	Davit__StringEntry *label;
	size_t n = strcspn(text, "=");

	if (n == 0 || text[n] == '\0')
		return err_set(err, -EINVAL, "--label '%.60s': want KEY=VALUE", text);
	label = CLI_PB_NEW(davit__string_entry, Davit__StringEntry);
	label->key = cli_pb_text(text, n);
	label->value = xstrdup(text + n + 1);
	CLI_PB_ADD(request, labels, label);
	return 0;
}

static int
fill_update(const struct update_settings *settings, Davit__UpdateNodeRequest *request,
	struct err *err)
{
	for (size_t i = 0; i < settings->labels.n; i++) {
		if (add_label(request, settings->labels.items[i], err) < 0)
			return err->code;
	}
	for (size_t i = 0; i < settings->taints.n; i++) {
		Davit__Taint *taint;

		if (taint_parse(settings->taints.items[i], &taint, err) < 0)
			return err_wrap(err, "--taint");
		CLI_PB_ADD(request, taints, taint);
	}
	for (size_t i = 0; i < settings->label_rms.n; i++)
		CLI_PB_ADD(request, remove_labels, xstrdup(settings->label_rms.items[i]));
	for (size_t i = 0; i < settings->taint_rms.n; i++)
		CLI_PB_ADD(request, remove_taints, xstrdup(settings->taint_rms.items[i]));
	return 0;
}

static int
update_one(struct cli *cli, Davit__UpdateNodeRequest *request)
{
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	int code = cli_call_changing(cli, "UpdateNode", &request->base, &response);

	if (code == CLI_OK && cli_is_structured(cli))
		cli_print_message(cli, &((Davit__UpdateNodeReply *)response)->node->base);
	else if (code == CLI_OK)
		(void)fprintf(cli->out, "%s\n", request->node);
	return code;
}

static int
cmd_update(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct update_settings *settings = arg;
	Davit__UpdateNodeRequest *request =
		CLI_PB_NEW(davit__update_node_request, Davit__UpdateNodeRequest);
	struct err err = {0};
	int code = CLI_OK;

	if (settings->labels.n + settings->label_rms.n + settings->taints.n +
			settings->taint_rms.n ==
		0)
		code = cli_fail(cli, CLI_USAGE,
			"update what? give --label, --label-rm, --taint or --taint-rm");
	else if (fill_update(settings, request, &err) < 0)
		code = cli_fail(cli, CLI_USAGE, "%s", err.text);
	for (int i = 0; i < argc && code == CLI_OK; i++) {
		request->node = argv[i];
		code = update_one(cli, request);
	}
	request->node = NULL;
	davit__update_node_request__free_unpacked(request, NULL);
	return code;
}

static int
cmd_rm(struct cli *cli, void *arg, int argc, char **argv)
{
	int code = CLI_OK;

	(void)arg;
	for (int i = 0; i < argc && code == CLI_OK; i++) {
		Davit__RemoveNodeRequest request = DAVIT__REMOVE_NODE_REQUEST__INIT;
		CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;

		request.node = argv[i];
		code = cli_call_changing(cli, "RemoveNode", &request.base, &response);
		if (code == CLI_OK && !cli_is_structured(cli))
			(void)fprintf(cli->out, "%s\n", argv[i]);
	}
	return code;
}

#define NODE_COMMAND(word, sentence, text, function)                               \
	{                                                                          \
		.name = "node " word, .summary = (sentence), .arguments = "NODE…", \
		.examples = (text), .defs = cli_no_defs,                           \
		.settings_size = sizeof(struct cli_globals), .min_arguments = 1,   \
		.max_arguments = -1, .run = (function),                            \
	}

const struct cli_command cli_node_commands[] = {
	{
		.name = "nodes",
		.alias = "node ls",
		.summary = "List nodes with what is reserved and used on them",
		.examples = "  davit nodes\n"
			    "  davit nodes -o wide\n"
			    "  davit nodes -o json | jq '.[] | select(.state != \"READY\")'\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.run = cmd_nodes,
	},
	NODE_COMMAND("inspect", "Show all that is known of nodes, as JSON or YAML",
		"  davit node inspect node1 -o yaml\n", cmd_inspect),
	NODE_COMMAND("drain", "Place nothing new on nodes and move what can be moved",
		"  davit node drain node1 && davit ps -n node1\n", cmd_drain),
	NODE_COMMAND("undrain", "Let nodes take tasks again", "  davit node undrain node1\n",
		cmd_undrain),
	{
		.name = "node update",
		.summary = "Set or remove labels and taints of nodes",
		.arguments = "NODE…",
		.examples = "  davit node update n1 --label disk=ssd --label-rm old\n"
			    "  davit node update n1 --taint gpu:no-schedule\n"
			    "  davit node update n1 --taint-rm gpu\n",
		.defs = update_defs,
		.settings_size = sizeof(struct update_settings),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_update,
	},
	NODE_COMMAND("rm", "Forget silent nodes; their tasks end as failed",
		"  davit node rm node1\n", cmd_rm),
	{.name = NULL},
};
