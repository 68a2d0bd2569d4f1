/* davit run and what --follow does, against a manager that follows a script. */
#include "services/cli/cli_submit.h"
#include "services/cli/cli_task.h"

#include "services/cli/cli_call.h"
#include "tests/lib/cli_world.h"

/* What the scripted task is to do. */
struct play {
	int exit_code;
	bool has_exit_code;
	Davit__Task__State end;
	const char *message;
	unsigned n_reads, n_waits;
	bool is_interrupted; /* ^C while its output is awaited */
	bool has_stopped;
};

static void
answer_submit(struct cli_world *world, struct rpc_call *call)
{
	const Davit__SubmitTasksRequest *request = (const void *)call->request;
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	char id[] = "0198c0de-0000-7000-8000-000000000001", name[] = "web", *ids[] = {id};

	(void)world;
	CHECK_STR(request->spec->image, "box");
	reply.task_ids = ids;
	reply.n_task_ids = 1;
	reply.array_id = id;
	reply.has_count = 1;
	reply.count = request->has_count ? request->count : 1;
	reply.name = name;
	rpc_call_answer(call, &reply.base);
}

static void
answer_wait(struct cli_world *world, struct rpc_call *call)
{
	const Davit__WaitTaskRequest *request = (const void *)call->request;
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__Task task = cli_world_task();
	struct play *play = world->user;
	char message[128] = "";

	play->n_waits++;
	if (request->until == DAVIT__TASK__STATE__COMPLETED ||
		play->end == DAVIT__TASK__STATE__FAILED) {
		task.state = play->end;
		task.has_exit_code = play->has_exit_code;
		task.exit_code = play->exit_code;
	}
	if (play->message != NULL) {
		(void)snprintf(message, sizeof message, "%s", play->message);
		task.message = message;
	}
	reply.task = &task;
	/* The first wait is in vain, and every one for what never happens. */
	reply.has_reached = reply.reached =
		play->n_waits > 1 && play->end != DAVIT__TASK__STATE__NONE;
	rpc_call_answer(call, &reply.base);
}

static void
answer_logs(struct cli_world *world, struct rpc_call *call)
{
	static uint8_t hi[] = "hi\n", oh[] = "oh\n";
	static char cursor[] = "c1";
	const Davit__ReadLogsRequest *request = (const void *)call->request;
	Davit__ReadLogsReply reply = DAVIT__READ_LOGS_REPLY__INIT;
	Davit__LogChunk out = DAVIT__LOG_CHUNK__INIT, err = DAVIT__LOG_CHUNK__INIT;
	Davit__LogChunk *chunks[] = {&out, &err};
	struct play *play = world->user;

	if (play->is_interrupted && !play->has_stopped) {
		world->cli.n_interrupts++;
		world->kept = call;
		return;
	}
	out.has_data = err.has_data = err.has_stream = 1;
	out.data.data = hi;
	out.data.len = 3;
	err.data.data = oh;
	err.data.len = 3;
	err.stream = DAVIT__LOG_CHUNK__STREAM__STDERR;
	reply.chunks = chunks;
	reply.cursor = cursor;
	if (play->n_reads++ == 0) {
		CHECK(request->cursor == NULL);
		reply.n_chunks = 2;
	} else {
		CHECK_STR(request->cursor, "c1");
		reply.has_end = reply.end = 1;
	}
	rpc_call_answer(call, &reply.base);
}

static void
answer_stop(struct cli_world *world, struct rpc_call *call)
{
	Davit__StopTasksReply reply = DAVIT__STOP_TASKS_REPLY__INIT;
	struct play *play = world->user;

	play->has_stopped = true;
	rpc_call_drop(world->kept);
	world->kept = NULL;
	rpc_call_answer(call, &reply.base);
}

static void
answer_remove(struct cli_world *world, struct rpc_call *call)
{
	const Davit__RemoveTasksRequest *request = (const void *)call->request;
	Davit__RemoveTasksReply reply = DAVIT__REMOVE_TASKS_REPLY__INIT;

	(void)world;
	CHECK_EQ(request->n_tasks, 1);
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"SubmitTasks", answer_submit},
	{"WaitTask", answer_wait}, {"ReadLogs", answer_logs}, {"StopTasks", answer_stop},
	{"RemoveTasks", answer_remove}, {NULL, NULL}};

TEST(cli_run_prints_the_id_and_nothing_else)
{
	struct play play = {0};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "-d", "box", NULL), CLI_OK);
	CHECK_STR(world.out, "0198c0de-0000-7000-8000-000000000001\n");
	CHECK_STR(world.err, "");
	CHECK_EQ(cli_world_run(&world, "run", "-o", "json", "--count", "3", "box", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"count\": 3");
	cli_world_close(&world);
}

TEST(cli_run_follow_shows_both_streams_and_ends_as_the_container_did)
{
	struct play play = {.end = DAVIT__TASK__STATE__FAILED,
		.exit_code = 7,
		.has_exit_code = true};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "--follow", "box", NULL), 7);
	CHECK_STR(world.out, "hi\n");
	CHECK_STR(world.err, "oh\n");
	CHECK_STR(world.asked, "SubmitTasks WaitTask WaitTask ReadLogs ReadLogs WaitTask ");
	cli_world_close(&world);
}

TEST(cli_run_rm_follow_leaves_nothing_behind)
{
	struct play play = {.end = DAVIT__TASK__STATE__COMPLETED, .has_exit_code = true};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "--rm", "-f", "box", "--", "echo", "hi", NULL),
		CLI_OK);
	CHECK_STR(world.out, "hi\n");
	CHECK_HAS(world.asked, "RemoveTasks");
	cli_world_close(&world);
}

TEST(cli_run_follow_says_why_there_is_no_exit_code)
{
	struct play play = {.end = DAVIT__TASK__STATE__FAILED, .message = "no such image: box"};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "-f", "box", NULL), CLI_NO_CODE);
	CHECK_HAS(world.err, "davit: task 'web' failed: no such image: box\n");
	cli_world_close(&world);
}

TEST(cli_run_follow_with_rm_stops_the_task_at_the_first_interrupt)
{
	struct play play = {.end = DAVIT__TASK__STATE__COMPLETED,
		.has_exit_code = true,
		.exit_code = 143,
		.is_interrupted = true};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "--rm", "-f", "box", NULL), 143);
	CHECK_HAS(world.err, "stopping web");
	CHECK_HAS(world.asked, "StopTasks");
	CHECK_STR(world.out, "hi\n");
	cli_world_close(&world);
}

TEST(cli_run_follow_without_rm_only_stops_looking)
{
	struct play play = {.end = DAVIT__TASK__STATE__COMPLETED, .is_interrupted = true};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "-f", "box", NULL), CLI_INTERRUPTED);
	CHECK_HAS(world.err, "web goes on: 'davit logs -f web'");
	CHECK(strstr(world.asked, "StopTasks") == NULL);
	cli_world_close(&world);
}

TEST(cli_run_wait_tells_where_it_runs)
{
	struct play play = {.end = DAVIT__TASK__STATE__RUNNING};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "--wait", "box", NULL), CLI_OK);
	CHECK_STR(world.out, "0198c0de-0000-7000-8000-000000000001\n");
	CHECK_STR(world.err, "davit: web runs on n1: 0.0.0.0:30001->80/tcp\n");
	cli_world_close(&world);
}

TEST(cli_run_wait_fails_when_the_task_does)
{
	struct play play = {.end = DAVIT__TASK__STATE__FAILED, .message = "no such image: box"};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "--wait", "box", NULL), CLI_FAILED);
	CHECK_HAS(world.err, "no such image");
	cli_world_close(&world);
}

TEST(cli_run_wait_has_a_limit)
{
	struct play play = {.end = DAVIT__TASK__STATE__NONE};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "run", "--wait", "--timeout", "3s", "box", NULL),
		CLI_TIMEOUT);
	CHECK_HAS(world.err, "is not running after 3s");
	cli_world_close(&world);
}

TEST(cli_run_flags_that_do_not_go_together)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "run", "-f", "--count", "2", "box", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "run", "-f", "-d", "box", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "run", NULL), CLI_USAGE);
	CHECK_EQ(world.n_calls, 0);
	cli_world_close(&world);
}
