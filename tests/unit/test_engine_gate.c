/* An engine that hangs on purpose, in front of one in memory on a real clock. */
#include "common/docker/engine_gate.h"

#include <errno.h>

#include "common/docker/engine_mem.h"
#include "tests/lib/got.h"
#include "tests/lib/test.h"

static uv_loop_t loop;
static struct engine *inner, *front;
static struct engine_gate *gate;

static void
begin(void)
{
	CHECK_EQ(uv_loop_init(&loop), 0);
	inner = engine_mem_open_on_loop(&(struct engine_mem_options){.seed = 1}, &loop);
	gate = engine_gate_new(&loop, inner);
	front = engine_gate_front(gate);
}

static void
end(void)
{
	engine_close(front);
	engine_close(inner);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&loop), 0);
}

static void
wait_for(const struct got *got, unsigned n)
{
	while (got->n < n)
		(void)uv_run(&loop, UV_RUN_ONCE);
}

TEST(engine_gate_lets_everything_through_while_it_is_open)
{
	struct got about = {0}, events = {0};

	begin();
	(void)engine_about(front, got_about, &about);
	wait_for(&about, 1);
	CHECK_EQ(about.err.code, 0);
	engine_cancel(engine_events(front, "davit.node=n1", 0, got_event, got_done, &events));
	wait_for(&events, 1);
	CHECK_EQ(events.err.code, -ECANCELED);
	end();
}

TEST(engine_gate_shut_ends_the_events_and_fails_what_waits_in_time)
{
	struct got about = {0}, list = {0}, events = {0}, gone = {0};
	uint64_t begun;

	begin();
	(void)engine_events(front, "davit.node=n1", 0, got_event, got_done, &events);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	CHECK_EQ(events.n, 0);
	engine_gate_shut(gate);
	engine_gate_shut(gate);
	wait_for(&events, 1);
	CHECK_EQ(events.err.code, -ETIMEDOUT);
	CHECK_HAS(events.err.text, "on purpose");
	uv_update_time(&loop);
	begun = uv_now(&loop);
	(void)engine_about(front, got_about, &about);
	(void)engine_container_list(front, "davit.node=n1", got_list, &list);
	engine_cancel(engine_about(front, got_about, &gone));
	CHECK_EQ(gone.n, 0); /* later, not from inside */
	while (gone.n == 0)  /* UV_RUN_ONCE would wait for the others, too */
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	CHECK_EQ(gone.err.code, -ECANCELED);
	CHECK_EQ(about.n + list.n, 0);
	wait_for(&about, 1);
	wait_for(&list, 1);
	CHECK(uv_now(&loop) - begun >= ENGINE_GATE_PATIENCE_MS);
	CHECK_EQ(about.err.code, -ETIMEDOUT);
	CHECK_EQ(list.err.code, -ETIMEDOUT);
	end();
}

TEST(engine_gate_opened_fails_what_waits_at_once_and_then_all_is_as_before)
{
	struct got created = {0}, about = {0};
	uint64_t begun;

	begin();
	engine_gate_shut(gate);
	uv_update_time(&loop);
	begun = uv_now(&loop);
	(void)engine_container_create(front,
		&(struct engine_creation){.name = "a", .body = "{\"Image\": \"x\"}"}, got_id,
		&created);
	engine_gate_open(gate);
	wait_for(&created, 1);
	CHECK(uv_now(&loop) - begun < ENGINE_GATE_PATIENCE_MS);
	CHECK_EQ(created.err.code, -ETIMEDOUT);
	CHECK_EQ(engine_mem_count(engine_mem_world_of(inner)), 0); /* without effect */
	(void)engine_about(front, got_about, &about);
	wait_for(&about, 1);
	CHECK_EQ(about.err.code, 0);
	end();
}

TEST(engine_gate_closing_ends_what_waits_and_what_went_through)
{
	struct got about = {0}, events = {0};

	begin();
	(void)engine_events(front, "davit.node=n1", 0, got_event, got_done, &events);
	engine_gate_shut(gate);
	(void)engine_about(front, got_about, &about);
	end();
	CHECK_EQ(about.err.code, -ECANCELED);
	CHECK_EQ(events.err.code, -ECANCELED);
	CHECK_EQ(about.n + events.n, 2);
}
