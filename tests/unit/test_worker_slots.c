/* The life of attempts on one node, against the engine in memory. */
#include "tests/lib/worker_world.h"

#define OBS(x)  DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x) DAVIT__TASK__DESIRED__##x

static struct world world;
static struct world_spec spec;

static void
begin(const char *image)
{
	world_init(&world);
	world_spec_init(&spec, image);
}

TEST(worker_runs_a_task_to_its_end_and_removes_it_when_told)
{
	struct world_task *task;

	begin("exit:3/after:50ms");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 2000);
	CHECK(task->started_ms > 0);
	world_expect(&world, task, OBS(ENDED), 2000);
	CHECK_EQ(task->exit_code, 3);
	CHECK_EQ(task->cause, DAVIT__TASK_REPORT__CAUSE__EXIT);
	CHECK_HAS(task->message, "code 3");
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 2000);
	world_run(&world, 1000);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	CHECK_EQ(worker_n_slots(world.worker), 0);
	CHECK_EQ(world.n_journal, 0);
	world_fini(&world);
}
