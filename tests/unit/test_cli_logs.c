/* davit logs, against a manager that follows a script. */
#include "services/cli/cli_task.h"

#include "common/base/clock.h"
#include "services/cli/cli_call.h"
#include "tests/lib/cli_world.h"

/* What ReadLogs answers, one letter a call: o data, . nothing, e end, p no container, u silent. */
struct play {
	const char *answers;
	unsigned n_reads;
	bool has_ended; /* what GetTask and WaitTask say */
	uint32_t tail;
	bool has_tail, has_timestamps;
	uint64_t since_ms, until_ms, wait_ms;
};

static void
note_request(struct play *play, const Davit__ReadLogsRequest *request)
{
	if (play->n_reads == 0) {
		play->tail = request->tail;
		play->has_tail = request->has_tail;
		play->since_ms = request->since_ms;
		play->until_ms = request->until_ms;
		play->has_timestamps = request->timestamps;
	} else {
		CHECK(!request->has_tail || request->cursor == NULL);
	}
	play->wait_ms = request->wait_ms;
}

static void
answer_logs(struct cli_world *world, struct rpc_call *call)
{
	static uint8_t line[] = "line\n";
	static char cursor[] = "c";
	Davit__ReadLogsReply reply = DAVIT__READ_LOGS_REPLY__INIT;
	Davit__LogChunk chunk = DAVIT__LOG_CHUNK__INIT;
	Davit__LogChunk *chunks[] = {&chunk};
	struct play *play = world->user;
	char what = play->answers[play->n_reads];

	note_request(play, (const void *)call->request);
	if (play->answers[play->n_reads + 1] != '\0')
		play->n_reads++;
	if (what == 'p') {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, NULL,
			"no container yet");
		return;
	}
	if (what == 'u') {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"node 'n1' is silent");
		return;
	}
	chunk.has_data = 1;
	chunk.data.data = line;
	chunk.data.len = 5;
	reply.chunks = chunks;
	reply.n_chunks = what == 'o' ? 1 : 0;
	reply.cursor = cursor;
	reply.has_end = reply.end = what == 'e';
	rpc_call_answer(call, &reply.base);
}

static void
set_task(const struct play *play, Davit__Task *task)
{
	*task = cli_world_task();
	if (play->has_ended)
		task->state = DAVIT__TASK__STATE__FAILED;
}

static void
answer_get(struct cli_world *world, struct rpc_call *call)
{
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task;

	set_task(world->user, &task);
	reply.task = &task;
	rpc_call_answer(call, &reply.base);
}

static void
answer_wait(struct cli_world *world, struct rpc_call *call)
{
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__Task task;

	set_task(world->user, &task);
	reply.task = &task;
	reply.has_reached = reply.reached = 1;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"ReadLogs", answer_logs}, {"GetTask", answer_get},
	{"WaitTask", answer_wait}, {NULL, NULL}};

TEST(cli_logs_reads_what_there_is_and_ends)
{
	struct play play = {.answers = "oo."};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "logs", "web", NULL), CLI_OK);
	CHECK_STR(world.out, "line\nline\n");
	CHECK_EQ(play.wait_ms, 0);
	cli_world_close(&world);
}

TEST(cli_logs_passes_its_flags_on)
{
	struct play play = {.answers = "oe"};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "logs", "-n", "0", "--since", "10s", "--until", "1s", "-t",
			 "web", NULL),
		CLI_OK);
	CHECK(play.has_tail && play.tail == 0);
	CHECK_EQ(play.since_ms, CLI_WORLD_NOW_MS - 10000);
	CHECK_EQ(play.until_ms, CLI_WORLD_NOW_MS - 1000);
	CHECK(play.has_timestamps);
	CHECK_EQ(cli_world_run(&world, "logs", "--until", "yore", "web", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "logs", "--tail", "few", "web", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "logs", "--since", "yore", "web", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "logs", "-o", "json", "web", NULL), CLI_USAGE);
	cli_world_close(&world);
}

TEST(cli_logs_follow_waits_for_the_container_and_goes_on_to_the_end)
{
	struct play play = {.answers = "p.o.oe"};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "logs", "-f", "web", NULL), CLI_OK);
	CHECK_STR(world.out, "line\nline\n");
	CHECK(play.wait_ms > 0);
	cli_world_close(&world);
}

TEST(cli_logs_of_a_task_without_a_container)
{
	struct play play = {.answers = "p"};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "logs", "web", NULL), CLI_FAILED);
	CHECK_STR(world.err, "davit: no container yet\n");
	play.has_ended = true; /* and there will be none */
	CHECK_EQ(cli_world_run(&world, "logs", "-f", "web", NULL), CLI_OK);
	cli_world_close(&world);
}

TEST(cli_logs_follow_survives_a_silence)
{
	struct play play = {.answers = "ouuoe"};
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "logs", "-f", "web", NULL), CLI_OK);
	CHECK_STR(world.out, "line\nline\n");
	cli_world_close(&world);
}

TEST(cli_logs_of_a_silent_node_are_a_failure_after_the_time_given)
{
	struct play play = {.answers = "u"};
	uint64_t start_ms = clock_mono_ms();
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "--timeout", "1s", "logs", "-f", "web", NULL), CLI_FAILED);
	CHECK_STR(world.err, "davit: node 'n1' is silent\n");
	CHECK(clock_mono_ms() - start_ms < CLI_CONNECT_MS); /* the poll's own wait does not count */
	cli_world_close(&world);
}
