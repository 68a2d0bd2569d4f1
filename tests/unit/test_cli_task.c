/* davit inspect, stop, rm, wait, against a manager that follows a script. */
#include "services/cli/cli_task.h"

#include "tests/lib/cli_world.h"

struct play {
	int exit_codes[2]; /* of the first and the second task that is waited for */
	unsigned n_waits;
	bool is_never;
	char tasks[64], array[64]; /* asked to stop or to remove */
	int time_ms;               /* -1: absent */
	bool is_forced;
	unsigned n_looks; /* for a removed task, until it is gone */
};

static bool
still_there(struct play *play)
{
	if (play->n_looks == 0)
		return false;
	play->n_looks--;
	return true;
}

static void
answer_get(struct cli_world *world, struct rpc_call *call)
{
	const Davit__GetTaskRequest *request = (const void *)call->request;
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = cli_world_task();

	if (strcmp(request->task, "id1") == 0 && still_there(world->user)) {
		reply.task = &task;
		rpc_call_answer(call, &reply.base);
		return;
	}
	if (strcmp(request->task, "gone") == 0 || strcmp(request->task, "id1") == 0) {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL, "no task 'gone'");
		return;
	}
	reply.task = &task;
	rpc_call_answer(call, &reply.base);
}

static void
answer_wait(struct cli_world *world, struct rpc_call *call)
{
	const Davit__WaitTaskRequest *request = (const void *)call->request;
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__Task task = cli_world_task();
	struct play *play = world->user;

	if (request->until == DAVIT__TASK__STATE__COMPLETED && !play->is_never) {
		task.exit_code = play->exit_codes[play->n_waits++ % 2];
		task.state = task.exit_code == 0 ? DAVIT__TASK__STATE__COMPLETED
						 : DAVIT__TASK__STATE__FAILED;
		task.has_exit_code = 1;
	}
	reply.task = &task;
	reply.has_reached = 1;
	reply.reached = !play->is_never;
	rpc_call_answer(call, &reply.base);
}

static void
note_tasks(struct play *play, char **tasks, size_t n, const char *array)
{
	play->tasks[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(play->tasks);

		(void)snprintf(play->tasks + used, sizeof play->tasks - used, "%s ", tasks[i]);
	}
	(void)snprintf(play->array, sizeof play->array, "%s", array == NULL ? "" : array);
}

static void
answer_stop(struct cli_world *world, struct rpc_call *call)
{
	const Davit__StopTasksRequest *request = (const void *)call->request;
	Davit__StopTasksReply reply = DAVIT__STOP_TASKS_REPLY__INIT;
	struct play *play = world->user;
	char one[] = "id1", other[] = "id2", *ids[] = {one, other};

	note_tasks(play, request->tasks, request->n_tasks, request->array_id);
	play->time_ms = request->has_timeout_ms ? (int)request->timeout_ms : -1;
	CHECK(call->request_id != NULL);
	reply.task_ids = ids;
	reply.n_task_ids = request->n_tasks; /* of an array none */
	rpc_call_answer(call, &reply.base);
}

/* Of the array: one live task until it was waited for. */
static void
answer_list(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ListTasksRequest *request = (const void *)call->request;
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task task = cli_world_task(), *tasks[] = {&task};
	struct play *play = world->user;

	CHECK_STR(request->array_id, "a1");
	CHECK_EQ(request->n_states, 3); /* live ones */
	reply.tasks = tasks;
	reply.n_tasks = play->n_waits == 0;
	rpc_call_answer(call, &reply.base);
}

static void
answer_remove(struct cli_world *world, struct rpc_call *call)
{
	const Davit__RemoveTasksRequest *request = (const void *)call->request;
	Davit__RemoveTasksReply reply = DAVIT__REMOVE_TASKS_REPLY__INIT;
	struct play *play = world->user;
	char one[] = "id1", *ids[] = {one};

	note_tasks(play, request->tasks, request->n_tasks, request->array_id);
	play->is_forced = request->force;
	CHECK(call->request_id != NULL);
	reply.task_ids = ids;
	reply.n_task_ids = 1;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"GetTask", answer_get}, {"WaitTask", answer_wait},
	{"StopTasks", answer_stop}, {"RemoveTasks", answer_remove}, {"ListTasks", answer_list},
	{NULL, NULL}};

static void
open_world(struct cli_world *world, struct play *play)
{
	cli_world_open(world, script);
	world->user = play;
}

TEST(cli_inspect_is_one_object_or_a_list)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "inspect", "web", NULL), CLI_OK);
	CHECK_EQ(world.out[0], '{');
	CHECK_HAS(world.out, "\"name\": \"web\"");
	CHECK_EQ(cli_world_run(&world, "inspect", "web", "web", NULL), CLI_OK);
	CHECK_EQ(world.out[0], '[');
	CHECK_EQ(cli_world_run(&world, "inspect", "-o", "yaml", "web", NULL), CLI_OK);
	CHECK_HAS(world.out, "\nname: web\n");
	cli_world_close(&world);
}

TEST(cli_inspect_goes_on_behind_what_is_not_there)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "inspect", "gone", "web", NULL), CLI_NOT_FOUND);
	CHECK_STR(world.err, "davit: no task 'gone'\n");
	CHECK_HAS(world.out, "\"web\"");
	cli_world_close(&world);
}

TEST(cli_stop_waits_for_the_end_and_prints_what_was_asked)
{
	struct play play = {0};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "stop", "-t", "5", "web", "db", NULL), CLI_OK);
	CHECK_STR(world.out, "web\ndb\n");
	CHECK_STR(play.tasks, "web db ");
	CHECK_EQ(play.time_ms, 5000);
	CHECK_EQ(play.n_waits, 2);
	CHECK_EQ(cli_world_run(&world, "stop", "-q", "web", NULL), CLI_OK);
	CHECK_STR(world.out, "id1\n");
	CHECK_EQ(play.time_ms, -1);
	cli_world_close(&world);
}

TEST(cli_stop_detached_and_of_an_array)
{
	struct play play = {.is_never = true};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "stop", "-d", "-t", "0", "--array", "a1", NULL), CLI_OK);
	CHECK_STR(world.out, "a1\n");
	CHECK_EQ(play.n_waits, 0);
	CHECK_STR(play.array, "a1");
	CHECK_EQ(play.time_ms, 0);
	CHECK_EQ(cli_world_run(&world, "stop", "--timeout", "3s", "web", NULL), CLI_TIMEOUT);
	CHECK_HAS(world.err, "is not at its end after 3s");
	cli_world_close(&world);
}

TEST(cli_stop_of_an_array_waits_for_what_is_live_of_it)
{
	struct play play = {.exit_codes = {0, 0}};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "stop", "--array", "a1", NULL), CLI_OK);
	CHECK_EQ(play.n_waits, 1);
	cli_world_close(&world);
	play = (struct play){.is_never = true};
	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "stop", "--timeout", "1s", "--array", "a1", NULL),
		CLI_TIMEOUT);
	cli_world_close(&world);
}

TEST(cli_stop_and_rm_want_tasks_or_an_array)
{
	struct play play = {0};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "stop", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "rm", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "rm", "--array", "a", "web", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "stop", "-t", "soon", "web", NULL), CLI_USAGE);
	CHECK_EQ(world.n_calls, 0);
	cli_world_close(&world);
}

TEST(cli_rm_passes_force_on)
{
	struct play play = {0};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "rm", "web", NULL), CLI_OK);
	CHECK(!play.is_forced);
	CHECK_STR(world.out, "web\n");
	CHECK_EQ(cli_world_run(&world, "rm", "-f", "web", NULL), CLI_OK);
	CHECK(play.is_forced);
	cli_world_close(&world);
}

TEST(cli_rm_waits_until_the_task_is_gone)
{
	struct play play = {.n_looks = 2};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "rm", "web", NULL), CLI_OK);
	CHECK_STR(world.asked, "RemoveTasks GetTask GetTask GetTask ");
	play.n_looks = 1000;
	CHECK_EQ(cli_world_run(&world, "rm", "-d", "web", NULL), CLI_OK);
	CHECK_EQ(play.n_looks, 1000);
	CHECK_EQ(cli_world_run(&world, "rm", "--timeout", "1s", "web", NULL), CLI_OK);
	CHECK_HAS(world.err, "is removed once its node answers");
	cli_world_close(&world);
}

TEST(cli_wait_prints_each_code_and_returns_the_greatest)
{
	struct play play = {.exit_codes = {9, 4}};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "wait", "a", "b", NULL), 9);
	CHECK_STR(world.out, "9\n4\n");
	CHECK_EQ(cli_world_run(&world, "wait", "-o", "json", "a", NULL), 9);
	CHECK_HAS(world.out, "\"exit_code\": 9");
	cli_world_close(&world);
}

TEST(cli_wait_for_running_and_with_a_limit)
{
	struct play play = {0};
	struct cli_world world;

	open_world(&world, &play);
	CHECK_EQ(cli_world_run(&world, "wait", "--for", "running", "a", NULL), CLI_OK);
	CHECK_STR(world.out, "running\n");
	CHECK_EQ(cli_world_run(&world, "wait", "--for", "fun", "a", NULL), CLI_USAGE);
	play.is_never = true;
	CHECK_EQ(cli_world_run(&world, "wait", "--timeout", "3s", "a", NULL), CLI_TIMEOUT);
	cli_world_close(&world);
}

TEST(cli_task_code_is_the_container_s_where_it_has_one)
{
	Davit__Task task = DAVIT__TASK__INIT;

	task.state = DAVIT__TASK__STATE__COMPLETED;
	CHECK_EQ(cli_task_code(&task), CLI_OK);
	task.has_exit_code = 1;
	task.exit_code = 143; /* it was asked to stop */
	CHECK_EQ(cli_task_code(&task), 143);
	task.state = DAVIT__TASK__STATE__FAILED;
	task.exit_code = 0; /* ended well, but too late */
	CHECK_EQ(cli_task_code(&task), CLI_NO_CODE);
	task.exit_code = 256;
	CHECK_EQ(cli_task_code(&task), CLI_NO_CODE);
	task.exit_code = -1;
	CHECK_EQ(cli_task_code(&task), CLI_NO_CODE);
	task.has_exit_code = 0;
	CHECK_EQ(cli_task_code(&task), CLI_NO_CODE);
}
