#include "common/docker/engine_mem.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "tests/lib/mem_bench.h"
#include "tests/lib/test.h"

TEST(engine_mem_closing_ends_everything_at_once_but_containers_live_on)
{
	CLEANUP(mem_bench_fini)
	struct mem_bench bench = mem_bench_make(&(struct engine_mem_options){.seed = 3});
	struct got events = {0}, got, stop = {0}, list = {0};

	mem_bench_run(&bench, "a", mem_bench_body("stubborn:TERM"), &got);
	engine_events(bench.engine, "davit.node=n1", 0, got_event, got_done, &events);
	engine_container_stop(bench.engine, "a", 5000, got_done, &stop);
	mem_bench_pass(&bench, 0);
	engine_close(bench.engine);
	CHECK_EQ(events.err.code, -ECANCELED);
	CHECK_EQ(stop.err.code, -ECANCELED);
	bench.engine = engine_mem_open(bench.world);
	engine_container_list(bench.engine, "davit.node=n1", got_list, &list);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(list.n_listed, 1);
	mem_bench_pass(&bench, 5000);
	CHECK_EQ(mem_bench_inspect(&bench, "a").container.status, ENGINE_EXITED);
}

TEST(engine_mem_abandoned_clients_are_not_called_and_may_have_had_effect)
{
	unsigned n_made = 0;

	for (uint64_t seed = 0; seed < 64; seed++) {
		CLEANUP(mem_bench_fini)
		struct mem_bench bench =
			mem_bench_make(&(struct engine_mem_options){.seed = seed, .latency_ms = 5});
		struct got got = {0};

		engine_container_create(bench.engine,
			&(struct engine_creation){.name = "a", .body = mem_bench_body("exit:0")},
			got_id, &got);
		engine_mem_abandon(bench.engine);
		bench.engine = engine_mem_open(bench.world);
		mem_bench_pass(&bench, 100);
		CHECK_EQ(got.n, 0);
		n_made += (unsigned)engine_mem_count(bench.world);
	}
	CHECK(n_made > 10 && n_made < 54);
}

TEST(engine_mem_a_callback_may_close_or_cancel)
{
	CLEANUP(mem_bench_fini)
	struct mem_bench bench = mem_bench_make(&(struct engine_mem_options){.seed = 1});
	struct got events = {0}, got = {0};

	events.cancel_me =
		engine_events(bench.engine, "davit.node=n1", 0, got_event, got_done, &events);
	mem_bench_pass(&bench, 0);
	mem_bench_run(&bench, "a", mem_bench_body("run:forever"), &got);
	CHECK_STR(events.text, "create ");
	CHECK_EQ(events.n, 1);
	CHECK_EQ(events.err.code, -ECANCELED);
	events = (struct got){.close_me = bench.engine};
	engine_events(bench.engine, "davit.node=n1", 1, got_event, got_done, &events);
	mem_bench_pass(&bench, 0);
	bench.engine = NULL;
	CHECK_STR(events.text, "create ");
	CHECK_EQ(events.n, 1);
	CHECK_EQ(events.err.code, -ECANCELED);
}

TEST(engine_mem_restart_breaks_connections_and_containers_may_die)
{
	BENCH();
	struct got a, events = {0}, refused = {0};

	mem_bench_run(&bench, "a", mem_bench_body("run:forever"), &a);
	engine_events(bench.engine, "davit.node=n1", 0, got_event, got_done, &events);
	mem_bench_pass(&bench, 0);
	engine_mem_restart(bench.world, true, 1000);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(events.err.code, -ENOTCONN);
	engine_container_start(bench.engine, "a", got_done, &refused);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(refused.err.code, -ECONNREFUSED);
	CHECK_HAS(refused.err.text, "is it running?");
	mem_bench_pass(&bench, 1000);
	CHECK_EQ(mem_bench_inspect(&bench, "a").container.status, ENGINE_RUNNING);
	engine_mem_restart(bench.world, false, 0);
	CHECK_EQ(mem_bench_inspect(&bench, "a").container.exit_code, 137);
}

TEST(engine_mem_hanging_engine_makes_calls_time_out)
{
	BENCH(.timeout_ms = 2000);
	struct got got, quick = {0}, slow = {0}, stop = {0};

	mem_bench_run(&bench, "a", mem_bench_body("stubborn:TERM"), &got);
	engine_container_stop(bench.engine, "a", 100000, got_done, &stop);
	mem_bench_pass(&bench, 0);
	engine_mem_hang(bench.world, engine_mem_now(bench.world) + 5000);
	engine_container_inspect(bench.engine, "a", got_container, &quick);
	mem_bench_pass(&bench, 1999);
	CHECK_EQ(quick.n, 0);
	mem_bench_pass(&bench, 1);
	CHECK_EQ(quick.err.code, -ETIMEDOUT);
	mem_bench_pass(&bench, 2000);
	engine_container_inspect(bench.engine, "a", got_container, &slow);
	mem_bench_pass(&bench, 1000);
	CHECK_EQ(slow.n, 1);
	CHECK_EQ(slow.err.code, 0);
	CHECK_EQ(stop.n, 0);
	mem_bench_pass(&bench, 100000);
	CHECK_EQ(stop.n, 1);
	CHECK_EQ(stop.err.code, 0);
}

/* As Docker does it: the second finds a container that was started, even if it has ended since. */
TEST(r3_engine_mem_starts_once_who_is_asked_twice_while_it_starts)
{
	BENCH();
	struct got made = {0}, first = {0}, second = {0};

	engine_container_create(bench.engine,
		&(struct engine_creation){.name = "a",
			.body = mem_bench_body("slow:2s/exit:0/after:0")},
		got_id, &made);
	mem_bench_pass(&bench, 0);
	engine_container_start(bench.engine, "a", got_done, &first);
	mem_bench_pass(&bench, 500);
	engine_container_start(bench.engine, "a", got_done, &second);
	mem_bench_pass(&bench, 1499);
	CHECK_EQ(first.n + second.n, 0);
	mem_bench_pass(&bench, 10000);
	CHECK_EQ(first.n, 1);
	CHECK_EQ(second.n, 1);
	CHECK_EQ(first.err.code, 0);
	CHECK_EQ(second.err.code, 0);
	CHECK(mem_bench_inspect(&bench, "a").container.finished_ms <=
		engine_mem_now(bench.world) - 9000);
}

TEST(engine_mem_fails_as_planned_with_or_without_effect)
{
	BENCH();
	struct got got = {0};

	engine_mem_fail_next(bench.world, ENGINE_CALL_CREATE, -ENOSPC, "no space left on device");
	engine_container_create(bench.engine,
		&(struct engine_creation){.name = "a", .body = mem_bench_body("exit:0")}, got_id,
		&got);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(got.err.code, -ENOSPC);
	CHECK_EQ(engine_mem_count(bench.world), 0);
	engine_mem_lose_next(bench.world, ENGINE_CALL_CREATE);
	engine_container_create(bench.engine,
		&(struct engine_creation){.name = "a", .body = mem_bench_body("exit:0")}, got_id,
		&got);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(got.err.code, -ENOTCONN);
	CHECK_EQ(engine_mem_count(bench.world), 1);
	engine_container_create(bench.engine,
		&(struct engine_creation){.name = "a", .body = mem_bench_body("exit:0")}, got_id,
		&got);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(got.err.code, -EEXIST);
}

TEST(engine_mem_containers_vanish_and_end_behind_our_back)
{
	BENCH();
	struct got a, events = {0}, got = {0};

	mem_bench_run(&bench, "a", mem_bench_body("run:forever"), &a);
	engine_events(bench.engine, "davit.node=n1", 0, got_event, got_done, &events);
	mem_bench_pass(&bench, 0);
	CHECK(engine_mem_end(bench.world, a.id, 137, true));
	mem_bench_pass(&bench, 0);
	CHECK_STR(events.text, "oom die 137 ");
	CHECK(engine_mem_begin(bench.world, a.id));
	mem_bench_pass(&bench, 0);
	CHECK_STR(events.text, "oom die 137 start ");
	CHECK(engine_mem_forget(bench.world, a.id));
	CHECK(!engine_mem_forget(bench.world, a.id));
	CHECK(!engine_mem_begin(bench.world, a.id));
	mem_bench_pass(&bench, 0);
	CHECK_STR(events.text, "oom die 137 start ");
	CHECK_EQ(mem_bench_inspect(&bench, a.id).err.code, -ENOENT);
	CHECK(engine_mem_stranger(bench.world, "other", "run:forever") != NULL);
	engine_container_list(bench.engine, "davit.node=n1", got_list, &got);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(got.n_listed, 0);
	CHECK_EQ(engine_mem_count(bench.world), 1);
}
