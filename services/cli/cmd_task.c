/* davit inspect, stop, rm, wait; tested by tests/unit/test_cli_task.c and tests/e2e/cli.bats. */
#include <string.h>

#include "common/base/clock.h"
#include "common/base/units.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_commands.h"
#include "services/cli/cli_output.h"
#include "services/cli/cli_task.h"
#include "services/cli/cli_text.h"

enum {
	STOP_LIMIT_MS = 60000, /* on top of the time that --time gives a task to end */
	GONE_LIMIT_MS = 10000, /* for a removed task's node to say that nothing is left */
	GONE_PAUSE_MIN_MS = 5, /* between two looks, doubled up to … */
	GONE_PAUSE_MAX_MS = 500,
	ARRAY_PAGE = 100, /* tasks that are listed at a time */
};

static int
inspect_one(struct cli *cli, char *name, struct cli_list *list)
{
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	int code;

	request.task = name;
	request.namespace_ = cli->globals->namespace_name;
	code = cli_call(cli, "GetTask", &request.base, &response);
	if (code != CLI_OK)
		return code;
	if (list != NULL)
		cli_list_put(list, &((Davit__GetTaskReply *)response)->task->base);
	else
		cli_print_message(cli, &((Davit__GetTaskReply *)response)->task->base);
	return CLI_OK;
}

static int
cmd_inspect(struct cli *cli, void *arg, int argc, char **argv)
{
	struct cli_list list = {.cli = cli};
	int worst = CLI_OK;

	(void)arg;
	if (!cli_is_structured(cli))
		cli->format = CLI_FORMAT_JSON;
	for (int i = 0; i < argc; i++) {
		int code = inspect_one(cli, argv[i], argc > 1 ? &list : NULL);

		worst = code > worst ? code : worst;
		if (code == CLI_UNREACHABLE)
			return code;
	}
	if (argc > 1)
		cli_list_end(&list);
	return worst;
}

struct stop_settings {
	struct cli_globals globals;
	char *time, *array;
	bool is_detached;
};

static const struct option_def stop_defs[] = {
	OPTION_STRING("time", 't', "TIME", struct stop_settings, time, NULL,
		"until it is killed: seconds or a time such as 1m; absent: as its spec says"),
	OPTION_STRING("array", 0, "ID", struct stop_settings, array, NULL,
		"all tasks of this array"),
	OPTION_FLAG("detach", 'd', struct stop_settings, is_detached, "do not wait for the end"),
	OPTION_END,
};

static int
wait_for_end(struct cli *cli, char *const *ids, size_t n, uint64_t time_ms)
{
	uint64_t limit_ms = cli->globals->timeout_ms;

	if (limit_ms == 0)
		limit_ms = time_ms + STOP_LIMIT_MS;
	for (size_t i = 0; i < n; i++) {
		CLEANUP(cli_task_free) Davit__Task *task = NULL;
		struct cli_wait wait = {.task = ids[i],
			.until = DAVIT__TASK__STATE__COMPLETED,
			.limit_ms = limit_ms};
		int code = cli_task_wait(cli, &wait, &task);

		if (code != CLI_OK)
			return code;
	}
	return CLI_OK;
}

/* The answer to the stop of an array names none of its tasks, which may be a million. */
static int
wait_for_array(struct cli *cli, char *array, uint64_t time_ms)
{
	Davit__Task__State live[] = {DAVIT__TASK__STATE__PENDING, DAVIT__TASK__STATE__SCHEDULED,
		DAVIT__TASK__STATE__RUNNING};
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	size_t n;

	request.array_id = array;
	request.states = live;
	request.n_states = sizeof live / sizeof live[0];
	request.has_limit = true;
	request.limit = ARRAY_PAGE;
	do {
		CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
		const Davit__ListTasksReply *reply;
		int code = cli_call(cli, "ListTasks", &request.base, &response);

		if (code != CLI_OK)
			return code;
		reply = (const Davit__ListTasksReply *)response;
		n = reply->n_tasks;
		for (size_t i = 0; i < n; i++) {
			code = wait_for_end(cli, &reply->tasks[i]->id, 1, time_ms);
			if (code != CLI_OK)
				return code;
		}
	} while (n > 0);
	return CLI_OK;
}

/* What was asked for, as it was asked for; with -q the ids. */
static void
print_done(struct cli *cli, const ProtobufCMessage *reply, size_t n_ids, char *const *ids,
	char *const *names)
{
	if (cli_is_structured(cli)) {
		cli_print_message(cli, reply);
		return;
	}
	for (size_t i = 0; i < n_ids; i++)
		(void)fprintf(cli->out, "%s\n",
			cli->globals->is_quiet || names == NULL ? ids[i] : names[i]);
}

static int
check_targets(struct cli *cli, const char *array, int argc, const char *verb)
{
	if (array == NULL && argc == 0)
		return cli_fail(cli, CLI_USAGE, "which task? davit %s TASK…, or --array ID", verb);
	if (array != NULL && argc > 0)
		return cli_fail(cli, CLI_USAGE, "either tasks or --array, not both");
	return CLI_OK;
}

static int
cmd_stop(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct stop_settings *settings = arg;
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__StopTasksReply *reply;
	struct err err = {0};
	int code = check_targets(cli, settings->array, argc, "stop");

	if (code != CLI_OK)
		return code;
	request.has_timeout_ms = settings->time != NULL;
	if (settings->time != NULL &&
		cli_text_parse_seconds(settings->time, &request.timeout_ms, &err) < 0)
		return cli_fail(cli, CLI_USAGE, "--time: %s", err.text);
	request.tasks = argv;
	request.n_tasks = (size_t)argc;
	request.namespace_ = settings->globals.namespace_name;
	request.array_id = settings->array;
	code = cli_call_changing(cli, "StopTasks", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (Davit__StopTasksReply *)response;
	if (!settings->is_detached)
		code = settings->array != NULL
			       ? wait_for_array(cli, settings->array, request.timeout_ms)
			       : wait_for_end(cli, reply->task_ids, reply->n_task_ids,
					 request.timeout_ms);
	if (code != CLI_OK)
		return code;
	if (settings->array != NULL)
		print_done(cli, response, 1, (char *const *)&settings->array, NULL);
	else
		print_done(cli, response, reply->n_task_ids, reply->task_ids,
			reply->n_task_ids == (size_t)argc ? argv : NULL);
	return CLI_OK;
}

struct rm_settings {
	struct cli_globals globals;
	char *array;
	bool is_forced, is_detached;
};

static const struct option_def rm_defs[] = {
	OPTION_FLAG("force", 'f', struct rm_settings, is_forced, "kill what still runs"),
	OPTION_STRING("array", 0, "ID", struct rm_settings, array, NULL, "all tasks of this array"),
	OPTION_FLAG("detach", 'd', struct rm_settings, is_detached,
		"do not wait until their containers are gone"),
	OPTION_END,
};

/* CLI_NOT_FOUND: it is gone. Anything else that went wrong is said. */
static int
look_for(struct cli *cli, char *id)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	struct cli_ask ask = {.method = "GetTask", .request = &request.base};
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};

	request.task = id;
	cli_ask(cli, &ask, &reply);
	if (reply.status == DAVIT__REPLY__STATUS__NOT_FOUND)
		return CLI_NOT_FOUND;
	return cli_reply_code(cli, &reply);
}

/* Until the manager knows the tasks no more: their names and containers are gone with them. */
static int
wait_until_gone(struct cli *cli, char *const *ids, size_t n)
{
	uint64_t start_ms = clock_mono_ms(), pause_ms = GONE_PAUSE_MIN_MS;
	uint64_t limit_ms = cli->globals->timeout_ms > 0 ? cli->globals->timeout_ms : GONE_LIMIT_MS;

	for (size_t i = 0; i < n;) {
		int code = look_for(cli, ids[i]);

		if (code == CLI_NOT_FOUND) {
			i++;
			continue;
		}
		if (code != CLI_OK)
			return code;
		if (clock_mono_ms() - start_ms >= limit_ms) {
			cli_note(cli, "task '%s' is removed once its node answers", ids[i]);
			return CLI_OK;
		}
		cli_pause(cli, pause_ms);
		pause_ms = pause_ms * 2 < GONE_PAUSE_MAX_MS ? pause_ms * 2 : GONE_PAUSE_MAX_MS;
	}
	return CLI_OK;
}

static int
cmd_rm(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct rm_settings *settings = arg;
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;
	Davit__RemoveTasksReply *reply;
	int code = check_targets(cli, settings->array, argc, "rm");

	if (code != CLI_OK)
		return code;
	request.tasks = argv;
	request.n_tasks = (size_t)argc;
	request.namespace_ = settings->globals.namespace_name;
	request.array_id = settings->array;
	request.has_force = settings->is_forced;
	request.force = settings->is_forced;
	code = cli_call_changing(cli, "RemoveTasks", &request.base, &response);
	if (code != CLI_OK)
		return code;
	reply = (Davit__RemoveTasksReply *)response;
	if (!settings->is_detached)
		code = wait_until_gone(cli, reply->task_ids, reply->n_task_ids);
	print_done(cli, response, reply->n_task_ids, reply->task_ids,
		reply->n_task_ids == (size_t)argc ? argv : NULL);
	return code;
}

struct wait_settings {
	struct cli_globals globals;
	char *until;
};

static const struct option_def wait_defs[] = {
	OPTION_STRING("for", 0, "STATE", struct wait_settings, until, "ended", "running or ended"),
	OPTION_END,
};

/* Prints the exit code (or the state, with --for running); worst is the greatest code. */
static int
wait_one(struct cli *cli, struct cli_wait *wait, struct cli_list *list, int *worst)
{
	CLEANUP(cli_task_free) Davit__Task *task = NULL;
	bool is_end = wait->until == DAVIT__TASK__STATE__COMPLETED;
	int code = cli_task_wait(cli, wait, &task), task_code;

	if (code != CLI_OK)
		return code;
	task_code = cli_task_has_ended(task) ? cli_task_code(task) : CLI_OK;
	*worst = task_code > *worst ? task_code : *worst;
	if (cli_is_structured(cli))
		cli_list_put(list, &task->base);
	else if (is_end)
		(void)fprintf(cli->out, "%d\n", task_code);
	else
		(void)fprintf(cli->out, "%s\n", cli_task_has_ended(task) ? "ended" : "running");
	cli_task_explain(cli, task);
	return CLI_OK;
}

static int
cmd_wait(struct cli *cli, void *arg, int argc, char **argv)
{
	const struct wait_settings *settings = arg;
	struct cli_wait wait = {.limit_ms = settings->globals.timeout_ms};
	struct cli_list list = {.cli = cli};
	int worst = CLI_OK;

	if (strcmp(settings->until, "running") == 0)
		wait.until = DAVIT__TASK__STATE__RUNNING;
	else if (strcmp(settings->until, "ended") == 0)
		wait.until = DAVIT__TASK__STATE__COMPLETED;
	else
		return cli_fail(cli, CLI_USAGE, "--for %s: want running or ended", settings->until);
	for (int i = 0; i < argc; i++) {
		int code;

		wait.task = argv[i];
		code = wait_one(cli, &wait, &list, &worst);
		if (code != CLI_OK)
			return code;
	}
	if (cli_is_structured(cli))
		cli_list_end(&list);
	return worst;
}

const struct cli_command cli_task_commands[] = {
	{
		.name = "inspect",
		.summary = "Show all that is known of tasks, as JSON or YAML",
		.arguments = "TASK…",
		.examples = "  davit inspect web\n"
			    "  davit inspect -o yaml web db\n"
			    "  davit inspect web | jq .usage\n",
		.defs = cli_no_defs,
		.settings_size = sizeof(struct cli_globals),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_inspect,
	},
	{
		.name = "stop",
		.summary = "Ask tasks to end, kill them when their time is up",
		.arguments = "TASK…",
		.examples =
			"  davit stop web             as its stop timeout says, by default 10s\n"
			"  davit stop -t 0 web db     at once\n"
			"  davit stop --array ID -d   all of an array, without waiting\n",
		.defs = stop_defs,
		.settings_size = sizeof(struct stop_settings),
		.max_arguments = -1,
		.run = cmd_stop,
	},
	{
		.name = "rm",
		.alias = "remove",
		.summary = "Remove ended tasks with their containers and output",
		.arguments = "TASK…",
		.examples = "  davit rm web\n"
			    "  davit rm -f web                        although it runs\n"
			    "  davit rm $(davit ps -q -s completed)\n",
		.defs = rm_defs,
		.settings_size = sizeof(struct rm_settings),
		.max_arguments = -1,
		.run = cmd_rm,
	},
	{
		.name = "wait",
		.summary = "Wait until tasks end, print and return their exit codes",
		.arguments = "TASK…",
		.examples = "  davit wait job                          exits with its exit code\n"
			    "  davit wait job1 job2                    … with the greatest\n"
			    "  davit wait --for running --timeout 1m web\n",
		.defs = wait_defs,
		.settings_size = sizeof(struct wait_settings),
		.min_arguments = 1,
		.max_arguments = -1,
		.run = cmd_wait,
	},
	{.name = NULL},
};
