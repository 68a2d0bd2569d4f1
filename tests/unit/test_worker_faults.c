/*
 * Whatever single thing goes wrong, and whenever the worker dies: a task ends the
 * same, runs once, and leaves nothing behind.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/lib/worker_world.h"

#define OBS(x)  DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x) DAVIT__TASK__DESIRED__##x

static struct world world;
static struct world_spec spec;
static unsigned n_starts;

static void
count_start(const struct engine_mem_view *view, void *arg)
{
	(void)view;
	(void)arg;
	n_starts++;
}

/* A whole life: run, end by itself, be removed. Another is stopped. */
static void
whole_life(void)
{
	struct world_task *short_one, *long_one;
	static struct world_spec forever;

	world_spec_init(&spec, "missing:100ms/exit:3/after:200ms");
	world_spec_init(&forever, "run:forever");
	short_one = world_assign(&world, 1, 1, &spec.spec);
	long_one = world_assign(&world, 2, 1, &forever.spec);
	world_expect(&world, short_one, OBS(ENDED), 60000);
	CHECK_EQ(short_one->exit_code, 3);
	while (long_one->observed < OBS(RUNNING))
		world_expect(&world, long_one, OBS(RUNNING), 60000);
	world_want(&world, long_one, WANT(STOP));
	world_expect(&world, long_one, OBS(ENDED), 60000);
	world_want(&world, long_one, WANT(REMOVE));
	world_want(&world, short_one, WANT(REMOVE));
	world_expect(&world, short_one, OBS(GONE), 60000);
	world_expect(&world, long_one, OBS(GONE), 60000);
	world_run(&world, 10000);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	CHECK_EQ(worker_n_slots(world.worker), 0);
	CHECK_EQ(world.n_journal, 0);
	n_starts = 0;
	engine_mem_each_start(world.engine_world, count_start, NULL);
	CHECK_EQ(n_starts, 2);
}

TEST(worker_lives_through_a_crash_at_every_step)
{
	for (unsigned n = 0;; n++) {
		struct fault fault = {.at = n};

		world_init(&world);
		world.crash = &fault;
		whole_life();
		world_fini(&world);
		if (!fault.hit) {
			CHECK(n > 20); /* it did go through the motions */
			break;
		}
	}
}

TEST(worker_lives_through_the_loss_of_every_answer_of_the_manager)
{
	for (unsigned n = 0;; n++) {
		struct fault fault = {.at = n};

		world_init(&world);
		world.lose_reply = &fault;
		whole_life();
		world_fini(&world);
		if (!fault.hit) {
			CHECK(n > 20); /* it did go through the motions */
			break;
		}
	}
}

static const enum engine_call_kind kinds[] = {ENGINE_CALL_ABOUT, ENGINE_CALL_CREATE,
	ENGINE_CALL_START, ENGINE_CALL_STOP, ENGINE_CALL_REMOVE, ENGINE_CALL_INSPECT,
	ENGINE_CALL_LIST, ENGINE_CALL_IMAGE_INSPECT, ENGINE_CALL_PULL, ENGINE_CALL_EVENTS};

TEST(worker_lives_through_the_loss_of_any_answer_of_the_engine)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		world_init(&world);
		engine_mem_lose_next(world.engine_world, kinds[i]);
		whole_life();
		world_fini(&world);
	}
}

TEST(worker_lives_through_any_failure_of_the_engine)
{
	static const int codes[] = {-ECONNREFUSED, -ETIMEDOUT, -EIO};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++) {
			if (kinds[i] == ENGINE_CALL_IMAGE_INSPECT && codes[j] == -EIO)
				continue; /* rejected: see test_worker_images.c */
			world_init(&world);
			engine_mem_fail_next(world.engine_world, kinds[i], codes[j], "broken");
			whole_life();
			world_fini(&world);
		}
	}
}

TEST(worker_lives_through_a_restart_of_the_engine_at_any_time)
{
	for (unsigned at_ms = 0; at_ms < 900; at_ms += 7) {
		struct world_task *task;

		world_init(&world);
		world_spec_init(&spec, "missing:100ms/exit:3/after:400ms");
		task = world_assign(&world, 1, 1, &spec.spec);
		world_run(&world, at_ms);
		engine_mem_restart(world.engine_world, true, 1500);
		world_expect(&world, task, OBS(ENDED), 60000);
		CHECK_EQ(task->exit_code, 3);
		world_want(&world, task, WANT(REMOVE));
		world_expect(&world, task, OBS(GONE), 60000);
		world_run(&world, 5000);
		CHECK_EQ(engine_mem_count(world.engine_world), 0);
		n_starts = 0;
		engine_mem_each_start(world.engine_world, count_start, NULL);
		CHECK_EQ(n_starts, 1);
		world_fini(&world);
	}
}

/* ---- an engine that died within a start ---- */

static void
jam(const struct engine_mem_view *view, void *arg)
{
	(void)arg;
	CHECK(engine_mem_jam(world.engine_world, view->id));
}

static bool
is_created(struct world *in)
{
	return engine_mem_n_calls(in->engine_world, ENGINE_CALL_CREATE) > 0 &&
	       engine_mem_count(in->engine_world) > 0;
}

static bool
was_started(struct world *in)
{
	return engine_mem_n_calls(in->engine_world, ENGINE_CALL_START) > 1;
}

/* Its container was created, and the engine died while it started that. */
static struct world_task *
jammed_task(const char *image, Davit__RestartPolicy__Condition condition)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, image);
	spec.restart.has_condition = true;
	spec.restart.condition = condition;
	spec.spec.restart = &spec.restart;
	task = world_assign(&world, 1, 1, &spec.spec);
	CHECK(world_until(&world, is_created, 10000));
	engine_mem_restart(world.engine_world, true, 500);
	engine_mem_each(world.engine_world, jam, NULL);
	return task;
}

static void
count_running(const struct engine_mem_view *view, void *arg)
{
	*(unsigned *)arg += view->status == ENGINE_RUNNING;
}

TEST(worker_makes_anew_what_its_engine_can_never_start_again)
{
	struct world_task *task = jammed_task("slow:300ms", DAVIT__RESTART_POLICY__CONDITION__NO);
	unsigned n_running = 0;

	world_expect(&world, task, OBS(RUNNING), 60000);
	CHECK_EQ(task->restart_count, 0);
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	CHECK_EQ(world.n_journal, 1);
	n_starts = 0;
	engine_mem_each_start(world.engine_world, count_start, NULL);
	engine_mem_each(world.engine_world, count_running, &n_running);
	CHECK_EQ(n_starts, 1);
	CHECK_EQ(n_running, 1);
	world_fini(&world);
}

TEST(worker_removes_what_can_never_start_again_when_it_is_to_go)
{
	struct world_task *task =
		jammed_task("slow:300ms", DAVIT__RESTART_POLICY__CONDITION__ALWAYS);

	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 60000);
	world_run(&world, 5000);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	CHECK_EQ(world.n_journal, 0);
	world_fini(&world);
}

TEST(worker_ends_what_runs_behind_the_engines_back_before_anything_starts)
{
	struct world_task *task =
		jammed_task("slow:300ms", DAVIT__RESTART_POLICY__CONDITION__ALWAYS);

	world.n_orphans = 2;
	world_expect(&world, task, OBS(RUNNING), 60000);
	CHECK_EQ(world.n_orphans, 0);
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	world_fini(&world);

	/* It did run: without a restart policy once is all. */
	task = jammed_task("slow:300ms", DAVIT__RESTART_POLICY__CONDITION__NO);
	world.n_orphans = 2;
	world_expect(&world, task, OBS(ENDED), 60000);
	CHECK_EQ(world.n_orphans, 0);
	CHECK_EQ(task->exit_code, 137);
	CHECK_HAS(task->message, "lost it");
	n_starts = 0;
	engine_mem_each_start(world.engine_world, count_start, NULL);
	CHECK_EQ(n_starts, 0);
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 60000);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	world_fini(&world);
}

TEST(worker_starts_nothing_while_it_cannot_end_what_runs_behind_the_engines_back)
{
	struct world_task *task =
		jammed_task("slow:300ms", DAVIT__RESTART_POLICY__CONDITION__ALWAYS);

	world.n_orphans = 1;
	world.orphans_stay = true;
	CHECK(world_until(&world, was_started, 10000));
	world_run(&world, 40000);
	CHECK_EQ(task->observed, OBS(PREPARING));
	CHECK_HAS(task->message, "cannot kill process 7");
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	world.orphans_stay = false;
	world_expect(&world, task, OBS(RUNNING), 60000);
	world_fini(&world);
}
