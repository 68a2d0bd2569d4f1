/* davit start, pause, unpause; tested by tests/unit/test_cli_pause.c and tests/e2e/life.bats. */
#include "proto/manager.pb-c.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"

/* What was asked for, as it was asked for; with -q the ids. */
static void
print_done(struct cli *cli, const ProtobufCMessage *reply, char *const *ids, char *const *names,
	size_t n)
{
	if (cli_is_structured(cli)) {
		cli_print_message(cli, reply);
		return;
	}
	for (size_t i = 0; i < n; i++)
		(void)fprintf(cli->out, "%s\n", cli->globals->is_quiet ? ids[i] : names[i]);
}

static int
cmd_start(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct cli_globals *globals = arg;
	Davit__StartTasksRequest request = DAVIT__START_TASKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__StartTasksReply *reply;
	int code;

	request.tasks = argv;
	request.n_tasks = (size_t)argc;
	request.namespace_ = globals->namespace_name;
	code = cli_call_changing(cli, "StartTasks", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (const Davit__StartTasksReply *)response;
	if (reply->n_task_ids == request.n_tasks)
		print_done(cli, response, reply->task_ids, argv, reply->n_task_ids);
	return CLI_OK;
}

static int
pause_tasks(struct cli *cli, const struct cli_globals *globals, bool unpause, int argc, char **argv)
{
	Davit__PauseTasksRequest request = DAVIT__PAUSE_TASKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	const Davit__PauseTasksReply *reply;
	int code;

	request.tasks = argv;
	request.n_tasks = (size_t)argc;
	request.namespace_ = globals->namespace_name;
	request.has_unpause = request.unpause = unpause;
	code = cli_call_changing(cli, "PauseTasks", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (const Davit__PauseTasksReply *)response;
	if (reply->n_task_ids == request.n_tasks)
		print_done(cli, response, reply->task_ids, argv, reply->n_task_ids);
	return CLI_OK;
}

static int
cmd_pause(struct cli *cli, void *arg, int argc, char **argv)
{
	return pause_tasks(cli, arg, false, argc, argv);
}

static int
cmd_unpause(struct cli *cli, void *arg, int argc, char **argv)
{
	return pause_tasks(cli, arg, true, argc, argv);
}

const struct cli_command cli_pause_commands[] = {
	{
		.name = "start",
		.summary = "Start tasks that 'davit create' made",
		.arguments = "TASK…",
		.examples = "  davit start web\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_start,
	},
	{
		.name = "pause",
		.summary = "Freeze the processes of tasks",
		.arguments = "TASK…",
		.examples = "  davit pause web db\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_pause,
	},
	{
		.name = "unpause",
		.summary = "Let the processes of tasks go on",
		.arguments = "TASK…",
		.examples = "  davit unpause web\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_unpause,
	},
	{.name = NULL},
};
