/* One contract for both engines: what is asked of the one in memory is asked of the real one.
 * Pipes are in test_engine_pipes.c. */
#include "common/docker/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/docker/engine_mem.h"
#include "tests/lib/contract.h"
#include "tests/lib/test.h"

static uint64_t
stage_clock(const struct stage *stage)
{
	return stage->world != NULL ? engine_mem_now(stage->world) : clock_wall_ms();
}

TEST_ENGINE(says_what_it_is)
{
	struct got got = {0};

	engine_about(stage->engine, got_about, &got);
	CHECK_EQ(got.n, 0);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	CHECK(got.cpu_milli >= 1000);
	CHECK(got.memory_bytes > 0);
	CHECK_HAS(got.text, "|1.");
	CHECK_HAS(got.text, "|linux|x86_64|/");
}

TEST_ENGINE(leads_a_container_through_its_life)
{
	struct got run, again = {0}, seen;
	uint64_t began = stage_clock(stage);

	stage_run(stage, "life", stage_body(stage, "[\"sleep\",\"1000\"]", "", ""), &run);
	engine_container_start(stage->engine, run.id, got_done, &again);
	stage_wait(stage, &again, 1);
	CHECK_OK(again.err.code, &again.err);
	seen = stage_inspect(stage, run.id);
	CHECK_EQ(seen.container.status, ENGINE_RUNNING);
	CHECK(seen.container.pid > 0);
	CHECK(seen.container.n_labels >= 1);
	CHECK(seen.container.started_ms + 1 >= seen.container.created_ms);
	CHECK(seen.container.created_ms + 1000 >= began);
	CHECK_EQ(seen.container.finished_ms, 0);
	engine_container_kill(stage->engine, run.id, "KILL", got_done, &again);
	stage_wait(stage, &again, 2);
	CHECK_OK(again.err.code, &again.err);
	engine_container_stop(stage->engine, run.id, 1000, got_done, &again);
	stage_wait(stage, &again, 3);
	CHECK_OK(again.err.code, &again.err);
	seen = stage_inspect(stage, run.id);
	CHECK_EQ(seen.container.status, ENGINE_EXITED);
	CHECK_EQ(seen.container.exit_code, 137);
	CHECK(seen.container.finished_ms >= seen.container.started_ms);
	for (unsigned i = 4; i < 6; i++) {
		engine_container_remove(stage->engine, run.id, got_done, &again);
		stage_wait(stage, &again, i);
		CHECK_OK(again.err.code, &again.err);
	}
	CHECK_EQ(stage_inspect(stage, run.id).err.code, -ENOENT);
}

TEST_ENGINE(tells_an_exit_code_by_inspect_and_by_event)
{
	struct got run, events = {0};
	struct engine_op *op;

	op = engine_events(stage->engine, stage->label, 0, got_event, got_done, &events);
	/* Only a stream that has begun misses nothing. */
	stage_run(stage, "early", stage_body(stage, "[\"true\"]", "", ""), &run);
	stage_wait_text(stage, &events, "die 0");
	stage_run(stage, "code", stage_body(stage, "[\"sh\",\"-c\",\"exit 3\"]", "", ""), &run);
	stage_wait_text(stage, &events, "create start die 3");
	CHECK_EQ(stage_inspect(stage, run.id).container.exit_code, 3);
	engine_cancel(op);
	CHECK_EQ(events.n, 0);
	stage_wait(stage, &events, 1);
	CHECK_EQ(events.err.code, -ECANCELED);
}

TEST_ENGINE(repeats_events_since_a_moment)
{
	struct got run, events = {0}, removed = {0};
	uint64_t began = stage_clock(stage);

	stage_run(stage, "since", stage_body(stage, "[\"true\"]", "", ""), &run);
	engine_container_remove(stage->engine, run.id, got_done, &removed);
	stage_wait(stage, &removed, 1);
	engine_events(stage->engine, stage->label, began, got_event, got_done, &events);
	stage_wait_text(stage, &events, "destroy");
	CHECK_HAS(events.text, "create start ");
	CHECK_HAS(events.text, "die ");
	CHECK_EQ(events.n, 0);
}

TEST_ENGINE(keeps_names_unique)
{
	struct got run, second = {0};

	stage_run(stage, "twin", stage_body(stage, "[\"true\"]", "", ""), &run);
	engine_container_create(stage->engine,
		&(struct engine_creation){.name = stage_name("twin"),
			.body = stage_body(stage, "[\"true\"]", "", "")},
		got_id, &second);
	stage_wait(stage, &second, 1);
	CHECK_EQ(second.err.code, -EEXIST);
	CHECK_HAS(second.err.text, "already in use");
}

TEST_ENGINE(refuses_what_it_cannot_create)
{
	static const struct {
		const char *body;
		int code;
		const char *words;
	} cases[] = {
		{"{\"Image\":\"nosuch:9\"}", -ENOENT, "No such image: nosuch:9"},
		{"{\"Image\":", -EINVAL, ""},
		{"{}", -EINVAL, ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct got got = {0};

		engine_container_create(stage->engine,
			&(struct engine_creation){.name = stage_name("bad"), .body = cases[i].body},
			got_id, &got);
		CHECK_EQ(got.n, 0);
		stage_wait(stage, &got, 1);
		CHECK_EQ(got.err.code, cases[i].code);
		CHECK_HAS(got.err.text, cases[i].words);
	}
}

TEST_ENGINE(refuses_a_program_that_is_not_there)
{
	struct got created = {0}, got = {0};

	engine_container_create(stage->engine,
		&(struct engine_creation){.name = stage_name("noprog"),
			.body = stage_body(stage, "[\"/bin/nosuch\"]", "badcmd:1", "")},
		got_id, &created);
	stage_wait(stage, &created, 1);
	engine_container_start(stage->engine, created.id, got_done, &got);
	stage_wait(stage, &got, 1);
	CHECK_EQ(got.err.code, -EINVAL);
	CHECK_HAS(got.err.text, "no such file or directory");
	CHECK_EQ(stage_inspect(stage, created.id).container.status, ENGINE_CREATED);
}

TEST_ENGINE(knows_no_strangers)
{
	static const char *const ids[] = {"davit-test-nobody", "", "..", "a/../b", "x?y=1"};

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		struct got got = {0};

		engine_container_start(stage->engine, ids[i], got_done, &got);
		stage_wait(stage, &got, 1);
		CHECK(got.err.code == -ENOENT || got.err.code == -EINVAL);
		engine_container_kill(stage->engine, ids[i], "TERM", got_done, &got);
		stage_wait(stage, &got, 2);
		CHECK(got.err.code == -ENOENT || got.err.code == -EINVAL);
	}
}

TEST_ENGINE(kills_only_what_runs)
{
	struct got created = {0}, got = {0};

	engine_container_create(stage->engine,
		&(struct engine_creation){.name = stage_name("idle"),
			.body = stage_body(stage, "[\"true\"]", "", "")},
		got_id, &created);
	stage_wait(stage, &created, 1);
	engine_container_kill(stage->engine, created.id, "TERM", got_done, &got);
	stage_wait(stage, &got, 1);
	CHECK_EQ(got.err.code, -EBUSY);
	CHECK_HAS(got.err.text, "is not running");
}

TEST_ENGINE(kills_at_the_end_of_the_grace)
{
	struct got run, got = {0}, seen;
	uint64_t began;

	stage_run(stage, "deaf", stage_body(stage, "[\"sleep\",\"1000\"]", "stubborn:TERM", ""),
		&run);
	began = stage_clock(stage);
	engine_container_stop(stage->engine, run.id, 700, got_done, &got);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	CHECK(stage_clock(stage) - began >= 650);
	seen = stage_inspect(stage, run.id);
	CHECK_EQ(seen.container.status, ENGINE_EXITED);
	CHECK_EQ(seen.container.exit_code, 137);
}

static void
count_message(enum engine_stream stream, void *arg)
{
	(void)stream;
	((struct got *)arg)->n_opened++;
}

TEST_ENGINE(hands_out_logs_by_stream)
{
	static const char script[] =
		"[\"sh\",\"-c\",\"echo one; echo two >&2; sleep 0.3; echo three\"]";
	struct got run, got = {0}, tail = {0};
	struct engine_log_options options = {.follow = true, .on_message = count_message};

	stage_run(stage, "logs", stage_body(stage, script, "", ""), &run);
	engine_logs(stage->engine, run.id, &options, got_log, got_done, &got);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	CHECK_HAS(got.text, "one\n");
	CHECK_HAS(got.text, "E:two\n");
	CHECK_HAS(got.text, "three\n");
	CHECK_EQ(got.n_opened, 3);
	options = (struct engine_log_options){.tail = 1, .timestamps = true};
	engine_logs(stage->engine, run.id, &options, got_log, got_done, &tail);
	stage_wait(stage, &tail, 1);
	CHECK_EQ(tail.text[10], 'T');
	CHECK_HAS(tail.text, "Z three\n");
	CHECK(strstr(tail.text, "two") == NULL);
}

TEST_ENGINE(follows_a_silent_log)
{
	struct got run, got = {0};
	struct engine_log_options options = {.follow = true};

	stage_run(stage, "silent", stage_body(stage, "[\"sleep\",\"1000\"]", "", ""), &run);
	engine_logs(stage->engine, run.id, &options, got_log, got_done, &got);
	engine_container_kill(stage->engine, run.id, "KILL", got_done, &run);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	CHECK_STR(got.text, "");
}

TEST_ENGINE(waits_with_a_log_until_its_reader_goes_on)
{
	static const char script[] = "[\"sh\",\"-c\",\"echo one; echo two\"]";
	struct got run, got = {.pause = true};
	struct engine_log_options options = {.follow = true};
	struct engine_op *op;

	stage_run(stage, "paused", stage_body(stage, script, "", ""), &run);
	op = engine_logs(stage->engine, run.id, &options, got_log, got_done, &got);
	stage_wait_text(stage, &got, "one\n");
	for (unsigned i = 0; i < 5; i++)
		stage_turn(stage);
	CHECK_STR(got.text, "one\n");
	CHECK_EQ(got.n, 0);
	got.pause = false;
	engine_resume(op);
	CHECK_STR(got.text, "one\n"); /* never from inside */
	stage_wait(stage, &got, 1);
	CHECK_STR(got.text, "one\ntwo\n");
}

TEST_ENGINE(samples_statistics_until_the_end)
{
	struct got run, got = {0}, killed = {0};

	stage_run(stage, "stats", stage_body(stage, "[\"sleep\",\"1000\"]", "", ""), &run);
	engine_stats(stage->engine, run.id, got_sample, got_done, &got);
	stage_wait_samples(stage, &got, 1);
	CHECK_EQ(got.n, 0);
	CHECK(got.sample.pids == 1);
	CHECK(got.sample.ts_ms + 10000 >= stage_clock(stage));
	engine_container_kill(stage->engine, run.id, "KILL", got_done, &killed);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
}

TEST_ENGINE(lists_by_label)
{
	struct got run, mine = {0}, others = {0};

	stage_run(stage, "listed", stage_body(stage, "[\"sleep\",\"1000\"]", "", ""), &run);
	engine_container_list(stage->engine, stage->label, got_list, &mine);
	engine_container_list(stage->engine, "davit.test=\"no}such", got_list, &others);
	stage_wait(stage, &mine, 1);
	stage_wait(stage, &others, 1);
	CHECK_OK(mine.err.code, &mine.err);
	CHECK_OK(others.err.code, &others.err);
	CHECK_EQ(mine.n_listed, 1);
	CHECK_EQ(others.n_listed, 0);
}

TEST_ENGINE(says_that_a_host_port_is_taken)
{
	static const char more[] = ",\"ExposedPorts\":{\"80/tcp\":{}},\"HostConfig\":{"
				   "\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"127.0.0.1\","
				   "\"HostPort\":\"28417\"}]}}";
	struct got first, second = {0}, got = {0};

	stage_run(stage, "port1", stage_body(stage, "[\"sleep\",\"1000\"]", "", more), &first);
	engine_container_create(stage->engine,
		&(struct engine_creation){.name = stage_name("port2"),
			.body = stage_body(stage, "[\"sleep\",\"1000\"]", "", more)},
		got_id, &second);
	stage_wait(stage, &second, 1);
	engine_container_start(stage->engine, second.id, got_done, &got);
	stage_wait(stage, &got, 1);
	CHECK_EQ(got.err.code, -EADDRINUSE);
	CHECK_HAS(got.err.text, "28417");
	CHECK_HAS(got.err.text, "already");
	CHECK_EQ(stage_inspect(stage, second.id).container.status, ENGINE_CREATED);
}

TEST_ENGINE(manages_networks)
{
	const struct engine_label label = {"davit.test", stage->label + strlen("davit.test=")};
	char name[64], more[128];
	struct got got = {0}, run, list = {0};

	(void)snprintf(name, sizeof name, "%s", stage_name("net"));
	for (unsigned i = 1; i <= 2; i++) {
		engine_network_create(stage->engine, name, &label, 1, got_done, &got);
		stage_wait(stage, &got, i);
		CHECK_OK(got.err.code, &got.err);
	}
	engine_network_list(stage->engine, got_json, &list);
	stage_wait(stage, &list, 1);
	CHECK(list.text[0] == '[');
	(void)snprintf(more, sizeof more, ",\"HostConfig\":{\"NetworkMode\":\"%s\"}", name);
	stage_run(stage, "netuser", stage_body(stage, "[\"sleep\",\"1000\"]", "", more), &run);
	engine_network_remove(stage->engine, name, got_done, &got);
	stage_wait(stage, &got, 3);
	CHECK_EQ(got.err.code, -EBUSY);
	engine_container_remove(stage->engine, run.id, got_done, &got);
	stage_wait(stage, &got, 4);
	for (unsigned i = 5; i <= 6; i++) {
		engine_network_remove(stage->engine, name, got_done, &got);
		stage_wait(stage, &got, i);
		CHECK_OK(got.err.code, &got.err);
	}
}

TEST_ENGINE(misses_a_network)
{
	static const char more[] = ",\"HostConfig\":{\"NetworkMode\":\"davit-test-nosuchnet\"}";
	struct got created = {0}, got = {0};

	engine_container_create(stage->engine,
		&(struct engine_creation){.name = stage_name("nonet"),
			.body = stage_body(stage, "[\"true\"]", "", more)},
		got_id, &created);
	stage_wait(stage, &created, 1);
	CHECK_OK(created.err.code, &created.err);
	engine_container_start(stage->engine, created.id, got_done, &got);
	stage_wait(stage, &got, 1);
	CHECK_EQ(got.err.code, -ENOENT);
	CHECK_HAS(got.err.text, "davit-test-nosuchnet not found");
}

TEST_ENGINE(lists_volumes_as_the_engine_says_it)
{
	struct got got = {0};

	engine_volume_list(stage->engine, got_json, &got);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	CHECK_HAS(got.text, "{\"Volumes\":");
}

TEST_ENGINE(finds_images_and_says_why_a_pull_failed)
{
	struct got got = {0};

	engine_image_inspect(stage->engine, stage->image, got_done, &got);
	stage_wait(stage, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	engine_image_inspect(stage->engine, stage->offline_image, got_done, &got);
	stage_wait(stage, &got, 2);
	CHECK_EQ(got.err.code, -ENOENT);
	CHECK_HAS(got.err.text, "No such image");
	engine_image_pull(stage->engine, &(struct engine_pull){.image = stage->offline_image},
		got_progress, got_done, &got);
	stage_wait(stage, &got, 3);
	CHECK_EQ(got.err.code, -EIO); /* the engine is there, the registry is not */
	CHECK_HAS(got.err.text, "connection refused");
}

TEST_ENGINE(ends_all_when_it_is_closed)
{
	struct got run, events = {0}, stop = {0}, about = {0};

	stage_run(stage, "closing", stage_body(stage, "[\"sleep\",\"1000\"]", "stubborn:TERM", ""),
		&run);
	engine_events(stage->engine, stage->label, 0, got_event, got_done, &events);
	engine_container_stop(stage->engine, run.id, 1000, got_done, &stop);
	for (unsigned i = 0; i < 5; i++)
		stage_turn(stage);
	engine_about(stage->engine, got_about, &about);
	engine_close(stage->engine);
	CHECK_EQ(events.err.code, -ECANCELED);
	CHECK_EQ(stop.err.code, -ECANCELED);
	CHECK_EQ(about.err.code, -ECANCELED);
	CHECK_EQ(events.n + stop.n + about.n, 3);
	if (stage->world != NULL) {
		stage->engine = engine_mem_open(stage->world);
	} else {
		struct err err = {0};

		CHECK_OK(engine_open_http(&stage->loop, &(struct engine_http_options){0},
				 &stage->engine, &err),
			&err);
	}
}
