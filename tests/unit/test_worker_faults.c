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
