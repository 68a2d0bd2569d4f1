/* davit events, against a manager that follows a script. */
#include <stdlib.h>
#include <time.h>

#include "tests/lib/cli_world.h"

static void
answer_events(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ReadEventsRequest *request = (const void *)call->request;
	Davit__ReadEventsReply reply = DAVIT__READ_EVENTS_REPLY__INIT;
	Davit__Event one = DAVIT__EVENT__INIT, other = DAVIT__EVENT__INIT;
	Davit__Event *events[] = {&one, &other};
	char cursor[] = "c1", running[] = "failed", web[] = "web", id[] = "0198c0de", n1[] = "n1";
	char down[] = "down", why[] = "silent\x1b[31m";

	(void)world;
	reply.cursor = cursor;
	if (request->cursor == NULL) {
		CHECK(request->history);
		one.has_kind = other.has_kind = one.has_exit_code = 1;
		one.has_ts_ms = other.has_ts_ms = 1;
		one.ts_ms = other.ts_ms = 1767225909123;
		one.kind = DAVIT__EVENT__KIND__TASK;
		one.what = running;
		one.task_name = web;
		one.task_id = id;
		one.node_name = other.node_name = n1;
		one.exit_code = 3;
		other.kind = DAVIT__EVENT__KIND__NODE;
		other.what = down;
		other.message = why;
		reply.events = events;
		reply.n_events = 2;
		reply.has_lost = 1;
		reply.lost = 12;
	} else {
		CHECK_STR(request->cursor, "c1");
	}
	rpc_call_answer(call, &reply.base);
}

/* Events, then ^C. */
static void
answer_then_interrupt(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ReadEventsRequest *request = (const void *)call->request;
	Davit__ReadEventsReply reply = DAVIT__READ_EVENTS_REPLY__INIT;
	char cursor[] = "c1";

	CHECK(!request->history);
	CHECK_EQ(request->wait_ms > 0, world->n_calls > 1); /* the first brings a cursor at once */
	reply.cursor = cursor;
	if (world->n_calls < 3) {
		rpc_call_answer(call, &reply.base);
		return;
	}
	world->cli.n_interrupts++;
	world->kept = call;
}

static const struct cli_script script[] = {{"ReadEvents", answer_events}, {NULL, NULL}};
static const struct cli_script endless[] = {{"ReadEvents", answer_then_interrupt}, {NULL, NULL}};

TEST(cli_events_are_lines_for_people)
{
	struct cli_world world;

	CHECK_EQ(setenv("TZ", "UTC", 1), 0);
	tzset();
	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "events", NULL), CLI_OK);
	CHECK_STR(world.out, "2026-01-01 00:05:09.123 task failed     web 0198c0de on n1 exit 3\n"
			     "2026-01-01 00:05:09.123 node down       n1: silent [31m\n");
	CHECK_STR(world.err, "davit: 12 earlier events are no longer kept\n");
	cli_world_close(&world);
}

TEST(cli_events_can_be_filtered)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "events", "--task", "0198", NULL), CLI_OK);
	CHECK(strstr(world.out, "node down") == NULL);
	CHECK_HAS(world.out, "task failed");
	CHECK_EQ(cli_world_run(&world, "events", "--task", "we", NULL), CLI_OK);
	CHECK_STR(world.out, "");
	CHECK_EQ(cli_world_run(&world, "events", "--node", "n1", NULL), CLI_OK);
	CHECK_HAS(world.out, "node down");
	cli_world_close(&world);
}

TEST(cli_events_in_json_are_one_a_line)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "events", "-o", "json", "--task", "web", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"exit_code\":3");
	CHECK_STR(strchr(world.out, '\n'), "\n");
	cli_world_close(&world);
}

TEST(cli_events_follow_until_they_are_interrupted)
{
	struct cli_world world;

	cli_world_open(&world, endless);
	CHECK_EQ(cli_world_run(&world, "events", "-f", NULL), CLI_INTERRUPTED);
	CHECK_EQ(world.n_calls, 3);
	cli_world_close(&world);
}
