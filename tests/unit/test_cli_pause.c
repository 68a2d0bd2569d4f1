/* davit start, pause and unpause. */
#include "proto/manager.pb-c.h"
#include "tests/lib/cli_world.h"

static bool was_unpause;

static void
answer_start(struct cli_world *world, struct rpc_call *call)
{
	const Davit__StartTasksRequest *request = (const void *)call->request;
	Davit__StartTasksReply reply = DAVIT__START_TASKS_REPLY__INIT;
	char one[] = "id1", *ids[] = {one};

	(void)world;
	CHECK(call->request_id != NULL);
	CHECK_EQ(request->n_tasks, 1);
	reply.task_ids = ids;
	reply.n_task_ids = 1;
	rpc_call_answer(call, &reply.base);
}

static void
answer_pause(struct cli_world *world, struct rpc_call *call)
{
	const Davit__PauseTasksRequest *request = (const void *)call->request;
	Davit__PauseTasksReply reply = DAVIT__PAUSE_TASKS_REPLY__INIT;
	char one[] = "id1", two[] = "id2", *ids[] = {one, two};

	(void)world;
	CHECK(call->request_id != NULL);
	was_unpause = request->unpause;
	reply.task_ids = ids;
	reply.n_task_ids = request->n_tasks;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"StartTasks", answer_start},
	{"PauseTasks", answer_pause}, {NULL, NULL}};

TEST(cli_start_pause_and_unpause_ask_and_say_what_they_did)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "start", "web", NULL), CLI_OK);
	CHECK_STR(world.out, "web\n");
	CHECK_EQ(cli_world_run(&world, "pause", "web", "db", NULL), CLI_OK);
	CHECK_STR(world.out, "web\ndb\n");
	CHECK(!was_unpause);
	CHECK_EQ(cli_world_run(&world, "unpause", "-q", "web", NULL), CLI_OK);
	CHECK_STR(world.out, "id1\n");
	CHECK(was_unpause);
	CHECK_EQ(cli_world_run(&world, "pause", NULL), CLI_USAGE);
	cli_world_close(&world);
}
