#include "common/docker/engine_mem.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/lib/mem_bench.h"
#include "tests/lib/test.h"

TEST(engine_mem_image_words_say_how_long_it_runs_and_how_it_ends)
{
	BENCH();
	struct got got, seen;

	mem_bench_run(&bench, "a", mem_bench_body("exit:3/after:50ms"), &got);
	CHECK_EQ(mem_bench_inspect(&bench, got.id).container.status, ENGINE_RUNNING);
	mem_bench_pass(&bench, 49);
	CHECK_EQ(mem_bench_inspect(&bench, got.id).container.status, ENGINE_RUNNING);
	mem_bench_pass(&bench, 1);
	seen = mem_bench_inspect(&bench, "a");
	CHECK_EQ(seen.container.status, ENGINE_EXITED);
	CHECK_EQ(seen.container.exit_code, 3);
	CHECK_EQ(seen.container.finished_ms - seen.container.started_ms, 50);
}

TEST(engine_mem_commands_and_labels_say_it_too)
{
	static const struct {
		const char *body;
		int status, code;
		const char *log;
	} cases[] = {
		{"{\"Image\":\"b\",\"Cmd\":[\"true\"]}", ENGINE_EXITED, 0, ""},
		{"{\"Image\":\"b\",\"Cmd\":[\"/bin/false\"]}", ENGINE_EXITED, 1, ""},
		{"{\"Image\":\"b\",\"Cmd\":[\"exit\",\"3\"]}", ENGINE_EXITED, 3, ""},
		{"{\"Image\":\"b\",\"Entrypoint\":[\"echo\"],\"Cmd\":[\"hi\",\"you\"]}",
			ENGINE_EXITED, 0, "hi you\n"},
		{"{\"Image\":\"b\",\"Cmd\":[\"sh\",\"-c\",\"echo a; echo b >&2; sleep 0.05; exit "
		 "9\"]}",
			ENGINE_EXITED, 9, "a\nE:b\n"},
		{"{\"Image\":\"b\",\"Cmd\":[\"sleep\",\"1000\"]}", ENGINE_RUNNING, 0, ""},
		{"{\"Image\":\"b\",\"Cmd\":[\"httpd\",\"-f\"]}", ENGINE_RUNNING, 0, ""},
		{"{\"Image\":\"b\"}", ENGINE_RUNNING, 0, ""},
		{"{\"Image\":\"b\",\"Cmd\":[\"false\"],\"Labels\":{\"engine.mem\":\"exit:7\"}}",
			ENGINE_EXITED, 7, ""},
		{"{\"Image\":\"b\",\"Labels\":{\"engine.mem\":\"oom:5ms\"}}", ENGINE_EXITED, 137,
			""},
		{"{\"Image\":\"log:2/exit:0\"}", ENGINE_EXITED, 0, "line 1\nline 2\n"},
	};
	BENCH();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct engine_log_options options = {0};
		struct got got, log = {0}, seen;

		mem_bench_run(&bench, NULL, cases[i].body, &got);
		mem_bench_pass(&bench, 100);
		seen = mem_bench_inspect(&bench, got.id);
		CHECK_EQ(seen.container.status, cases[i].status);
		CHECK_EQ(seen.container.exit_code, cases[i].code);
		engine_logs(bench.engine, got.id, &options, got_log, got_done, &log);
		mem_bench_pass(&bench, 0);
		CHECK_EQ(log.n, 1);
		CHECK_STR(log.text, cases[i].log);
	}
}

TEST(engine_mem_image_that_is_missing_can_be_pulled)
{
	BENCH();
	struct got got = {0}, pull = {0};

	engine_image_inspect(bench.engine, "missing:200ms/exit:0", got_done, &got);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(got.err.code, -ENOENT);
	engine_container_create(bench.engine,
		&(struct engine_creation){.name = "x",
			.body = mem_bench_body("missing:200ms/exit:0")},
		got_id, &got);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(got.err.code, -ENOENT);
	CHECK_HAS(got.err.text, "No such image: missing:200ms/exit:0");
	engine_image_pull(bench.engine, &(struct engine_pull){.image = "missing:200ms/exit:0"},
		NULL, got_done, &pull);
	mem_bench_pass(&bench, 199);
	CHECK_EQ(pull.n, 0);
	mem_bench_pass(&bench, 1);
	CHECK_EQ(pull.n, 1);
	CHECK_OK(pull.err.code, &pull.err);
	mem_bench_run(&bench, "x", mem_bench_body("missing:200ms/exit:0"), &got);
}

TEST(engine_mem_pulls_fail_as_registries_do)
{
	static const struct {
		const char *image;
		int code;
		const char *words;
	} cases[] = {
		{"nosuch:1", -ENOENT, "manifest unknown"},
		{"denied:1", -EACCES, "pull access denied"},
		{"offline:1", -EIO, "connection refused"},
	};
	BENCH();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct got got = {0};

		engine_image_pull(bench.engine, &(struct engine_pull){.image = cases[i].image},
			NULL, got_done, &got);
		mem_bench_pass(&bench, 0);
		CHECK_EQ(got.err.code, cases[i].code);
		CHECK_HAS(got.err.text, cases[i].words);
	}
}

TEST(engine_mem_a_host_port_has_one_owner_at_a_time)
{
	BENCH();
	struct got a, b = {0}, start = {0};

	mem_bench_run(&bench, "a", mem_bench_body("run:forever"), &a);
	engine_container_create(bench.engine,
		&(struct engine_creation){.name = "b", .body = mem_bench_body("run:forever")},
		got_id, &b);
	mem_bench_pass(&bench, 0);
	engine_container_start(bench.engine, b.id, got_done, &start);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(start.err.code, -EADDRINUSE);
	CHECK_HAS(start.err.text, "port is already allocated");
	CHECK_EQ(mem_bench_inspect(&bench, "b").container.status, ENGINE_CREATED);
	engine_container_remove(bench.engine, a.id, got_done, &start);
	mem_bench_pass(&bench, 0);
	engine_mem_hold_port(bench.world, "tcp", 8080, true);
	engine_container_start(bench.engine, b.id, got_done, &start);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(start.err.code, -EADDRINUSE);
	engine_mem_hold_port(bench.world, "tcp", 8080, false);
	engine_container_start(bench.engine, b.id, got_done, &start);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(start.err.code, 0);
}

TEST(engine_mem_events_tell_a_life_to_those_who_filter_for_it)
{
	BENCH();
	struct got events = {0}, others = {0}, late = {0}, got;
	uint64_t began = engine_mem_now(bench.world);

	engine_events(bench.engine, "davit.node=n1", 0, got_event, got_done, &events);
	engine_events(bench.engine, "davit.node=n2", 0, got_event, got_done, &others);
	mem_bench_pass(&bench, 0);
	mem_bench_run(&bench, "a", mem_bench_body("exit:3/after:10ms"), &got);
	mem_bench_pass(&bench, 10);
	engine_container_remove(bench.engine, "a", got_done, &got);
	mem_bench_pass(&bench, 0);
	CHECK_STR(events.text, "create start die 3 destroy ");
	CHECK_STR(others.text, "");
	engine_events(bench.engine, "davit.node=n1", began, got_event, got_done, &late);
	mem_bench_pass(&bench, 0);
	CHECK_STR(late.text, "create start die 3 destroy ");
	CHECK_EQ(events.n + others.n + late.n, 0);
}

TEST(engine_mem_stop_waits_for_the_end_and_a_stubborn_one_is_killed)
{
	BENCH();
	struct got tame, stubborn, stopped = {0};

	mem_bench_run(&bench, "tame", "{\"Image\":\"run:forever/stop:5\"}", &tame);
	mem_bench_run(&bench, "stubborn", "{\"Image\":\"stubborn:TERM\"}", &stubborn);
	engine_container_stop(bench.engine, tame.id, 3000, got_done, &stopped);
	mem_bench_pass(&bench, 1);
	CHECK_EQ(stopped.n, 1);
	CHECK_EQ(mem_bench_inspect(&bench, "tame").container.exit_code, 5);
	engine_container_stop(bench.engine, stubborn.id, 3000, got_done, &stopped);
	mem_bench_pass(&bench, 2999);
	CHECK_EQ(stopped.n, 1);
	mem_bench_pass(&bench, 1);
	CHECK_EQ(stopped.n, 2);
	CHECK_EQ(mem_bench_inspect(&bench, "stubborn").container.exit_code, 137);
	engine_container_stop(bench.engine, stubborn.id, 3000, got_done, &stopped);
	mem_bench_pass(&bench, 0);
	CHECK_EQ(stopped.n, 3);
	CHECK_EQ(stopped.err.code, 0);
}

TEST(engine_mem_paused_logs_go_on_where_they_stopped)
{
	BENCH();
	struct engine_log_options options = {.follow = true};
	struct got got, log = {.pause = true};
	struct engine_op *op;

	mem_bench_run(&bench, "a", "{\"Image\":\"log:3/exit:0/after:10ms\"}", &got);
	op = engine_logs(bench.engine, "a", &options, got_log, got_done, &log);
	mem_bench_pass(&bench, 100);
	CHECK_STR(log.text, "line 1\n");
	CHECK_EQ(log.n, 0);
	log.pause = false;
	engine_resume(op);
	CHECK_STR(log.text, "line 1\n");
	mem_bench_pass(&bench, 0);
	CHECK_STR(log.text, "line 1\nline 2\nline 3\n");
	CHECK_EQ(log.n, 1);
}

TEST(engine_mem_stats_come_once_a_second_until_the_end)
{
	BENCH();
	struct got got, stats = {0};

	mem_bench_run(&bench, "a", "{\"Image\":\"exit:0/after:3500ms\"}", &got);
	engine_stats(bench.engine, "a", got_sample, got_done, &stats);
	mem_bench_pass(&bench, 3000);
	CHECK_EQ(stats.n_samples, 3);
	CHECK_EQ(stats.n, 0);
	mem_bench_pass(&bench, 500);
	CHECK_EQ(stats.n, 1);
	CHECK_EQ(stats.err.code, 0);
}

static void
count_starts(const struct engine_mem_view *view, void *arg)
{
	unsigned *n = arg;

	CHECK_STR(engine_mem_label(view, "davit.node"), "n1");
	CHECK(view->started_ms > 0);
	CHECK(view->finished_ms >= view->started_ms);
	(*n)++;
}

TEST(engine_mem_history_keeps_every_start_even_of_removed_ones)
{
	BENCH(.history = true);
	struct got got;
	unsigned n = 0;

	for (unsigned i = 0; i < 3; i++) {
		mem_bench_run(&bench, "a", mem_bench_body("exit:0"), &got);
		engine_container_remove(bench.engine, got.id, got_done, &got);
		mem_bench_pass(&bench, 0);
	}
	engine_mem_each_start(bench.world, count_starts, &n);
	CHECK_EQ(n, 3);
	CHECK_EQ(engine_mem_count(bench.world), 0);
}

static void
count_runs(const struct engine_mem_view *view, void *arg)
{
	unsigned *n = arg;

	n[view->status == ENGINE_RUNNING ? 0 : 1]++;
}

TEST(engine_mem_tells_who_wants_to_know_what_begins_and_ceases_to_run)
{
	BENCH();
	struct got got;
	unsigned n[2] = {0};

	engine_mem_on_run(bench.world, count_runs, n);
	mem_bench_run(&bench, "a", mem_bench_body("exit:0/after:5ms"), &got);
	CHECK_EQ(n[0], 1);
	CHECK_EQ(n[1], 0);
	mem_bench_pass(&bench, 5);
	CHECK_EQ(n[1], 1);
	mem_bench_run(&bench, "b", mem_bench_body("run:forever"), &got);
	CHECK(engine_mem_forget(bench.world, got.id));
	CHECK_EQ(n[0], 2);
	CHECK_EQ(n[1], 2);
}

TEST(engine_mem_goes_on_one_thing_at_a_time)
{
	BENCH();
	struct engine_creation creation = {.name = "a", .body = mem_bench_body("run:forever")};
	struct got first = {0}, second = {0};
	uint64_t now = engine_mem_now(bench.world);

	engine_container_create(bench.engine, &creation, got_id, &first);
	creation.name = "b";
	engine_container_create(bench.engine, &creation, got_id, &second);
	engine_mem_tell_time(bench.world, now + 3);
	CHECK_EQ(engine_mem_now(bench.world), now + 3);
	CHECK_EQ(engine_mem_count(bench.world), 0);
	CHECK(engine_mem_step(bench.world, now + 3));
	CHECK_EQ(engine_mem_count(bench.world), 1);
	while (engine_mem_step(bench.world, now + 3))
		;
	CHECK_EQ(engine_mem_count(bench.world), 2);
	CHECK_EQ(first.n, 1);
	CHECK_EQ(second.n, 1);
}

static uint64_t
fingerprint(uint64_t seed)
{
	CLEANUP(mem_bench_fini)
	struct mem_bench bench =
		mem_bench_make(&(struct engine_mem_options){.seed = seed, .latency_ms = 20});
	struct got events = {0}, got[20];
	uint64_t sum = 0;

	engine_events(bench.engine, "davit.node=n1", 0, got_event, got_done, &events);
	for (unsigned i = 0; i < 20; i++) {
		char name[8];

		got[i] = (struct got){0};
		(void)snprintf(name, sizeof name, "c%u", i);
		engine_container_create(bench.engine,
			&(struct engine_creation){.name = name, .body = mem_bench_body("exit:0")},
			got_id, &got[i]);
		engine_container_start(bench.engine, name, got_done, &got[i]);
		engine_container_remove(bench.engine, name, got_done, &got[i]);
	}
	mem_bench_pass(&bench, 1000);
	for (const char *at = events.text; *at != '\0'; at++)
		sum = sum * 31 + (uint8_t)*at;
	for (unsigned i = 0; i < 20; i++) {
		CHECK_EQ(got[i].n, 3);
		sum = sum * 31 + (uint8_t)got[i].id[5];
	}
	return sum;
}

TEST(engine_mem_the_seed_alone_decides)
{
	CHECK(fingerprint(7) == fingerprint(7));
	CHECK(fingerprint(7) != fingerprint(8));
}

struct lives {
	struct engine *engine;
	unsigned begun, ended, most;
	uv_loop_t *loop;
};

static void life_begin(struct lives *lives);

static void
life_removed(const struct err *err, void *arg)
{
	struct lives *lives = arg;

	CHECK_EQ(err->code, 0);
	lives->ended++;
	if (lives->begun < lives->most)
		life_begin(lives);
	else if (lives->ended == lives->most)
		engine_close(TAKE(lives->engine));
}

static void
life_started(const struct err *err, void *arg)
{
	(void)arg;
	CHECK_EQ(err->code, 0);
}

static void
life_created(const struct err *err, const char *id, void *arg)
{
	CHECK_EQ(err->code, 0);
	engine_container_start(((struct lives *)arg)->engine, id, life_started, arg);
}

static void
life_event(const struct engine_event *event, void *arg)
{
	if (strcmp(event->action, "die") == 0)
		engine_container_remove(((struct lives *)arg)->engine, event->id, life_removed,
			arg);
}

static void
life_begin(struct lives *lives)
{
	char name[32];

	(void)snprintf(name, sizeof name, "life-%u", lives->begun++);
	engine_container_create(lives->engine,
		&(struct engine_creation){.name = name,
			.body = "{\"Image\":\"exit:0\",\"Labels\":{\"davit.node\":\"n1\",\"davit.task\":\"t\"}}"},
		life_created, lives);
}

static void
life_events_end(const struct err *err, void *arg)
{
	(void)arg;
	CHECK_EQ(err->code, -ECANCELED);
}

TEST(engine_mem_runs_on_a_loop)
{
	struct lives lives = {.most = 5000};
	uint64_t began = clock_mono_ms();
	uv_loop_t loop;

	CHECK_EQ(uv_loop_init(&loop), 0);
	lives.engine = engine_mem_open_on_loop(&(struct engine_mem_options){.seed = 1}, &loop);
	engine_events(lives.engine, "davit.node=n1", 0, life_event, life_events_end, &lives);
	for (unsigned i = 0; i < 200; i++)
		life_begin(&lives);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&loop), 0);
	CHECK_EQ(lives.ended, 5000);
	print_message("# %u lives in %llu ms\n", lives.ended,
		(unsigned long long)(clock_mono_ms() - began));
}
