/* davit chaos …; tested by tests/unit/test_cli_chaos.c and tests/e2e/chaos.bats. */
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/units.h"
#include "common/model/chaos_rules.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_text.h"

enum { HEAL_WAIT_MS = 10000, HEAL_LOOK_MS = 200, BY_SIZE = 129 };

struct settings {
	struct cli_globals globals;
	uint64_t for_ms, delay_ms, loss_percent;
	char *direction, *signal, *node;
	bool takes_all;
};

#define S struct settings
#define FOR_OPTION                                    \
	OPTION_DURATION("for", 'f', S, for_ms, "30s", \
		"after so long all is as before, by itself; at most 1h")
static const struct option_def for_defs[] = {FOR_OPTION, OPTION_END};
static const struct option_def partition_defs[] = {
	FOR_OPTION,
	OPTION_STRING("direction", 'd', "WAY", S, direction, "both",
		"what is lost: in (what the worker is told), out (what it says) or both"),
	OPTION_END,
};
static const struct option_def slow_defs[] = {
	FOR_OPTION,
	OPTION_DURATION("delay", 0, S, delay_ms, NULL, "each message is so much later"),
	OPTION_NUMBER("loss", 0, "PERCENT", S, loss_percent, NULL, 0, 100,
		"so many of 100 calls get lost"),
	OPTION_END,
};
static const struct option_def task_defs[] = {
	OPTION_STRING("signal", 's', "SIGNAL", S, signal, "KILL", "by name or number"),
	OPTION_END,
};
static const struct option_def list_defs[] = {
	OPTION_STRING("node", 'n', "NODE", S, node, NULL, "only of this node"),
	OPTION_END,
};
static const struct option_def heal_defs[] = {
	OPTION_FLAG("all", 'a', S, takes_all, "of every node"),
	OPTION_END,
};
#undef FOR_OPTION
#undef S

/* Who is it? For the events of the cluster; it proves nothing. */
static char *
who(char text[BY_SIZE])
{
	const char *user = getenv("USER") != NULL ? getenv("USER") : getenv("LOGNAME");
	char host[64] = "";

	(void)gethostname(host, sizeof host - 1);
	if (user != NULL)
		(void)snprintf(text, BY_SIZE, "%.60s@%.60s", user, host);
	else
		(void)snprintf(text, BY_SIZE, "uid %u@%.60s", (unsigned)getuid(), host);
	return text;
}

/* ---- making one ---- */

static int
inject(struct cli *cli, Davit__InjectFaultRequest *request, const char *name)
{
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__Fault *fault;
	char by[BY_SIZE], sentence[CHAOS_SENTENCE_SIZE];
	int code;

	request->by = who(by);
	code = cli_call_changing(cli, "InjectFault", &request->base, &response);
	if (code != CLI_OK)
		return code;
	fault = ((const Davit__InjectFaultReply *)response)->fault;
	if (cli_is_structured(cli))
		cli_print_message(cli, &fault->base);
	else if (cli->globals->is_quiet)
		(void)fprintf(cli->out, "%s\n", name);
	else
		(void)fprintf(cli->out, "%s: %s\n", fault->node_name,
			chaos_sentence(fault, sentence));
	return CLI_OK;
}

static int
inject_nodes(struct cli *cli, Davit__InjectFaultRequest *request, const struct settings *settings,
	int argc, char **argv)
{
	int code = CLI_OK;

	request->has_for_ms = true;
	request->for_ms = settings->for_ms;
	for (int i = 0; i < argc && code == CLI_OK; i++) {
		request->node = argv[i];
		code = inject(cli, request, argv[i]);
	}
	return code;
}

static int
cmd_kill_node(struct cli *cli, void *arg, int argc, char **argv)
{
	Davit__InjectFaultRequest request = DAVIT__INJECT_FAULT_REQUEST__INIT;

	request.kind = DAVIT__FAULT__KIND__KILL_NODE;
	return inject_nodes(cli, &request, arg, argc, argv);
}

static int
cmd_pause_engine(struct cli *cli, void *arg, int argc, char **argv)
{
	Davit__InjectFaultRequest request = DAVIT__INJECT_FAULT_REQUEST__INIT;

	request.kind = DAVIT__FAULT__KIND__PAUSE_ENGINE;
	return inject_nodes(cli, &request, arg, argc, argv);
}

static int
cmd_partition(struct cli *cli, void *arg, int argc, char **argv)
{
	static const char *const ways[] = {"both", "in", "out"};
	const struct settings *settings = arg;
	Davit__InjectFaultRequest request = DAVIT__INJECT_FAULT_REQUEST__INIT;

	request.kind = DAVIT__FAULT__KIND__PARTITION;
	for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (strcmp(settings->direction, ways[i]) == 0) {
			request.has_direction = true;
			request.direction = (Davit__Fault__Direction)i;
		}
	}
	if (!request.has_direction)
		return cli_fail(cli, CLI_USAGE, "--direction '%.40s': want in, out or both",
			settings->direction);
	return inject_nodes(cli, &request, settings, argc, argv);
}

static int
cmd_slow(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__InjectFaultRequest request = DAVIT__INJECT_FAULT_REQUEST__INIT;

	if (settings->delay_ms == 0 && settings->loss_percent == 0)
		return cli_fail(cli, CLI_USAGE, "slow how? give --delay or --loss");
	request.kind = DAVIT__FAULT__KIND__SLOW;
	request.has_delay_ms = settings->delay_ms > 0;
	request.delay_ms = settings->delay_ms;
	request.has_loss_percent = settings->loss_percent > 0;
	request.loss_percent = (uint32_t)settings->loss_percent;
	return inject_nodes(cli, &request, settings, argc, argv);
}

static int
cmd_kill_task(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	int code = CLI_OK;

	for (int i = 0; i < argc && code == CLI_OK; i++) {
		Davit__InjectFaultRequest request = DAVIT__INJECT_FAULT_REQUEST__INIT;

		request.kind = DAVIT__FAULT__KIND__KILL_TASK;
		request.task = argv[i];
		request.namespace_ = settings->globals.namespace_name;
		request.signal = settings->signal;
		code = inject(cli, &request, argv[i]);
	}
	return code;
}

/* ---- what there is ---- */

static void
print_table(struct cli *cli, const Davit__ListFaultsReply *reply)
{
	static const struct cli_column columns[] = {{"NODE", false, false}, {"FAULT", false, false},
		{"LEFT", true, false}, {"UNTIL", false, false}, {"BY", false, false},
		{NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	char left[UNITS_TEXT_SIZE], until[CLI_TIME_SIZE];

	for (size_t i = 0; i < reply->n_faults; i++) {
		const Davit__Fault *fault = reply->faults[i];

		cli_table_cell(table, fault->node_name);
		cli_table_cell(table, fault->text);
		cli_table_cell(table,
			fault->healing ? "healing" : units_format_duration(fault->left_ms, left));
		cli_table_cell(table, cli_text_time(fault->until_ms, until));
		cli_table_cell(table, fault->by);
	}
	cli_table_print(table, cli->width, cli->out);
}

static int
cmd_list(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	Davit__ListFaultsRequest request = DAVIT__LIST_FAULTS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__ListFaultsReply *reply;
	int code;

	(void)argc;
	(void)argv;
	request.node = settings->node;
	code = cli_call(cli, "ListFaults", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (const Davit__ListFaultsReply *)response;
	if (cli_is_structured(cli)) {
		cli_print_list(cli, reply->n_faults, reply->faults);
		return CLI_OK;
	}
	if (!cli->globals->is_quiet) {
		print_table(cli, reply);
		if (!reply->allowed)
			cli_note(cli, "this cluster does not allow chaos: see davit-manager "
				      "--allow-chaos");
		return CLI_OK;
	}
	for (size_t i = 0; i < reply->n_faults; i++)
		(void)fprintf(cli->out, "%s\n", reply->faults[i]->node_name);
	return CLI_OK;
}

/* ---- healing ---- */

static int
count_left(struct cli *cli, char *node, size_t *ret_n)
{
	Davit__ListFaultsRequest request = DAVIT__LIST_FAULTS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__ListFaultsReply *reply;
	int code;

	request.node = node;
	code = cli_call(cli, "ListFaults", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (const Davit__ListFaultsReply *)response;
	*ret_n = 0;
	for (size_t i = 0; i < reply->n_faults; i++)
		*ret_n += reply->faults[i]->healing ? 1 : 0;
	return CLI_OK;
}

/* Until the worker has said that they are over. */
static int
wait_healed(struct cli *cli, char *node)
{
	uint64_t end_ms = cli->now_ms() + HEAL_WAIT_MS;
	size_t n = 0;
	int code;

	while ((code = count_left(cli, node, &n)) == CLI_OK && n > 0) {
		if (cli->now_ms() >= end_ms)
			return cli_fail(cli, CLI_TIMEOUT,
				"%zu of them are not over: their workers are not heard; each ends "
				"by itself when its time is over",
				n);
		cli_pause(cli, HEAL_LOOK_MS);
	}
	return code;
}

static int
heal(struct cli *cli, char *node)
{
	Davit__HealFaultsRequest request = DAVIT__HEAL_FAULTS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__HealFaultsReply *reply;
	int code;

	request.node = node;
	code = cli_call_changing(cli, "HealFaults", &request.base, &response);
	if (code == CLI_OK)
		code = wait_healed(cli, node);
	if (code != CLI_OK)
		return code;
	reply = (const Davit__HealFaultsReply *)response;
	if (cli_is_structured(cli))
		cli_print_list(cli, reply->n_faults, reply->faults);
	for (size_t i = 0; !cli_is_structured(cli) && i < reply->n_faults; i++)
		(void)fprintf(cli->out, "%s: %s is over\n", reply->faults[i]->node_name,
			reply->faults[i]->text);
	return CLI_OK;
}

static int
cmd_heal(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct settings *settings = arg;
	int code = CLI_OK;

	if (settings->takes_all == (argc > 0))
		return cli_fail(cli, CLI_USAGE, "heal what? give nodes, or --all");
	if (settings->takes_all)
		return heal(cli, NULL);
	for (int i = 0; i < argc && code == CLI_OK; i++)
		code = heal(cli, argv[i]);
	return code;
}

#define FAULT_COMMAND(word, sentence, options, what, text, function)                             \
	{                                                                                        \
		.name = "chaos " word, .summary = (sentence), .arguments = (what),               \
		.examples = (text), .defs = (options), .settings_size = sizeof(struct settings), \
		.min_arguments = 1, .max_arguments = -1, .run = (function),                      \
	}

const struct cli_command cli_chaos_commands[] = {
	FAULT_COMMAND("kill-node", "Let nodes die for a while, with all that runs there", for_defs,
		"NODE…", "  davit chaos kill-node node1 --for 1m\n", cmd_kill_node),
	FAULT_COMMAND("partition", "Cut nodes off for a while; what runs there goes on",
		partition_defs, "NODE…",
		"  davit chaos partition node1\n"
		"  davit chaos partition node1 --for 10s --direction out\n",
		cmd_partition),
	FAULT_COMMAND("pause-engine", "Let the engines of nodes hang for a while", for_defs,
		"NODE…", "  davit chaos pause-engine node1 --for 20s\n", cmd_pause_engine),
	FAULT_COMMAND("slow", "Make the way to nodes slow and lossy for a while", slow_defs,
		"NODE…", "  davit chaos slow node1 --delay 200ms --loss 30 --for 1m\n", cmd_slow),
	FAULT_COMMAND("kill-task", "Kill what runs in tasks, as a stranger would", task_defs,
		"TASK…", "  davit chaos kill-task web --signal SEGV\n", cmd_kill_task),
	{
		.name = "chaos ls",
		.summary = "List the faults that are in force",
		.examples = "  davit chaos ls\n",
		.defs = list_defs,
		.settings_size = sizeof(struct settings),
		.run = cmd_list,
	},
	{
		.name = "chaos heal",
		.summary = "End faults of nodes before their time",
		.arguments = "NODE…",
		.examples = "  davit chaos heal node1\n"
			    "  davit chaos heal --all\n",
		.defs = heal_defs,
		.settings_size = sizeof(struct settings),
		.max_arguments = -1,
		.run = cmd_heal,
	},
	{.name = NULL},
};
