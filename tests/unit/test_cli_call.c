#include "services/cli/cli_call.h"

#include "common/base/clock.h"
#include "tests/lib/cli_world.h"

static void
answer_nodes(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;

	(void)world;
	rpc_call_answer(call, &reply.base);
}

/* Fails as often as user counts, then answers. */
static void
answer_after_trouble(struct cli_world *world, struct rpc_call *call)
{
	unsigned *n = world->user;
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	static char seen[65];
	char id[] = "t1", *ids[] = {id};

	if (world->n_calls == 1)
		(void)snprintf(seen, sizeof seen, "%s", call->request_id);
	CHECK_STR(call->request_id, seen); /* the same intent carries the same id */
	if (world->n_calls <= *n) {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "not just now");
		return;
	}
	reply.task_ids = ids;
	reply.n_task_ids = 1;
	rpc_call_answer(call, &reply.base);
}

static void
keep(struct cli_world *world, struct rpc_call *call)
{
	rpc_call_drop(world->kept);
	world->kept = call;
}

static void
refuse_not_found(struct cli_world *world, struct rpc_call *call)
{
	(void)world;
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL,
		"no task 'x' in namespace default");
}

static void
refuse_field(struct cli_world *world, struct rpc_call *call)
{
	(void)world;
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "spec.image", "is needed");
}

TEST(cli_call_repeats_what_is_unavailable_with_the_same_request_id)
{
	static const struct cli_script script[] = {{"SubmitTasks", answer_after_trouble},
		{NULL, NULL}};
	struct cli_world world;
	unsigned n = 2;

	cli_world_open(&world, script);
	world.user = &n;
	CHECK_EQ(cli_world_run(&world, "run", "box", NULL), CLI_OK);
	CHECK_STR(world.out, "t1\n");
	CHECK_EQ(world.n_calls, 3);
	CHECK_EQ(strlen(world.request_id), RPC_REQUEST_ID_SIZE - 1);
	cli_world_close(&world);
}

TEST(cli_call_gives_up_what_stays_unavailable)
{
	static const struct cli_script script[] = {{"SubmitTasks", answer_after_trouble},
		{NULL, NULL}};
	struct cli_world world;
	unsigned n = 1000;

	cli_world_open(&world, script);
	world.user = &n;
	CHECK_EQ(cli_world_run(&world, "--timeout", "3s", "run", "box", NULL), CLI_FAILED);
	CHECK_STR(world.err, "davit: not just now\n");
	CHECK(world.n_calls > 1);
	cli_world_close(&world);
}

TEST(cli_call_says_when_nobody_answers_in_time)
{
	static const struct cli_script script[] = {{"ListNodes", keep}, {NULL, NULL}};
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "nodes", "--timeout", "3s", NULL), CLI_TIMEOUT);
	CHECK_HAS(world.err, "did not answer within 3s");
	cli_world_close(&world);
}

TEST(cli_call_says_when_there_is_no_manager)
{
	static const struct cli_script script[] = {{NULL, NULL}};
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "-H", "tcp://127.0.0.1:1", "--timeout", "200ms", "nodes",
			 NULL),
		CLI_UNREACHABLE);
	CHECK_HAS(world.err,
		"davit: cannot reach a manager at tcp://127.0.0.1:1: start one with 'make up'");
	CHECK_HAS(world.err, "DAVIT_MANAGER");
	cli_world_close(&world);
}

TEST(cli_call_waits_for_the_manager_no_longer_because_it_is_a_long_poll)
{
	static const struct cli_script script[] = {{NULL, NULL}};
	struct cli_world world;
	uint64_t start_ms = clock_mono_ms();

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "-H", "tcp://127.0.0.1:1", "--timeout", "200ms", "wait", "x",
			 NULL),
		CLI_UNREACHABLE);
	CHECK(clock_mono_ms() - start_ms < CLI_CONNECT_MS);
	cli_world_close(&world);
}

TEST(cli_call_says_when_the_address_is_none)
{
	static const struct cli_script script[] = {{NULL, NULL}};
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "-H", "nonsense", "nodes", NULL), CLI_UNREACHABLE);
	CHECK_HAS(world.err, "nonsense");
	cli_world_close(&world);
}

TEST(cli_call_turns_statuses_into_exit_codes)
{
	static const struct cli_script script[] = {{"GetTask", refuse_not_found},
		{"SubmitTasks", refuse_field}, {NULL, NULL}};
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "inspect", "x", NULL), CLI_NOT_FOUND);
	CHECK_STR(world.err, "davit: no task 'x' in namespace default\n");
	CHECK_EQ(cli_world_run(&world, "run", "box", NULL), CLI_FAILED);
	CHECK_STR(world.err, "davit: image: is needed\n");
	cli_world_close(&world);
}

static void
keep_and_interrupt(struct cli_world *world, struct rpc_call *call)
{
	keep(world, call);
	world->cli.n_interrupts++;
}

TEST(cli_call_ends_when_it_is_interrupted)
{
	static const struct cli_script script[] = {{"ListNodes", keep_and_interrupt}, {NULL, NULL}};
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "nodes", NULL), CLI_INTERRUPTED);
	CHECK_EQ(world.n_calls, 1);
	cli_world_close(&world);
}

TEST(cli_call_answers_are_copied_whole)
{
	static const struct cli_script script[] = {{"ListNodes", answer_nodes}, {NULL, NULL}};
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "nodes", "-o", "json", NULL), CLI_OK);
	CHECK_STR(world.out, "[]\n");
	cli_world_close(&world);
}
