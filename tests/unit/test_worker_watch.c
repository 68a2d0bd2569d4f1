/* The engine as a whole: away, hung, back, and what is done meanwhile. */
#include "services/worker/core.h"
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

TEST(worker_waits_for_an_engine_that_restarts_and_says_so)
{
	struct world_task *task, *next;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	engine_mem_restart(world.engine_world, true, 6000);
	next = world_assign(&world, 2, 1, &spec.spec);
	world_run(&world, 3000);
	CHECK_HAS(world.engine_trouble, "Docker Engine");
	CHECK_HAS(next->message, "waits for the engine");
	CHECK_EQ(next->observed, OBS(PREPARING));
	CHECK_EQ(task->observed, OBS(RUNNING)); /* containers live on */
	world_expect(&world, next, OBS(RUNNING), 10000);
	world_run(&world, 1500);
	CHECK_STR(world.engine_trouble, "");
	CHECK(worker_engine_trouble(world.worker) == NULL);
	world_fini(&world);
}

TEST(worker_sees_what_died_with_the_engine)
{
	struct world_task *task;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	engine_mem_restart(world.engine_world, false, 2000);
	world_expect(&world, task, OBS(ENDED), 10000);
	CHECK_EQ(task->exit_code, 137);
	world_fini(&world);
}

TEST(worker_hands_back_what_never_started_when_the_engine_stays_away)
{
	struct world_task *task, *other;

	begin("run:forever");
	other = world_assign(&world, 2, 1, &spec.spec);
	world_expect(&world, other, OBS(RUNNING), 3000);
	engine_mem_restart(world.engine_world, true, 60000);
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RETURNED), 20000);
	CHECK_HAS(task->message, "handed back");
	CHECK_EQ(other->observed, OBS(RUNNING));
	task = world_assign(&world, 1, 2, &spec.spec); /* placed here once more, later */
	world_run(&world, 2000);
	CHECK_EQ(task->observed, OBS(RETURNED));
	world_run(&world, 60000);
	task = world_assign(&world, 1, 3, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 20000);
	world_fini(&world);
}

TEST(worker_ends_what_never_started_although_the_engine_is_away)
{
	struct world_task *task;

	begin("run:forever");
	world_run(&world, 1000);
	engine_mem_restart(world.engine_world, true, 60000);
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 2000);
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 2000);
	world_fini(&world);
}

TEST(worker_registers_although_the_engine_is_away_and_again_when_it_is_there)
{
	begin("run:forever");
	engine_mem_restart(world.engine_world, true, 20000);
	world_run(&world, 1000);
	CHECK_EQ(world.n_registered, 0); /* it has a moment to come */
	world_run(&world, 6000);
	CHECK_EQ(world.n_registered, 1);
	CHECK_EQ(world.registered_cpu_milli, 4000); /* as the shell sees the machine */
	CHECK_HAS(world.engine_trouble, "Docker Engine");
	world_run(&world, 30000);
	CHECK_EQ(world.n_registered, 2);
	CHECK_EQ(world.registered_cpu_milli, 8000);
	world_fini(&world);
}

TEST(worker_survives_an_engine_that_hangs)
{
	struct world_task *task;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	engine_mem_hang(world.engine_world, engine_mem_now(world.engine_world) + 100000);
	world_want(&world, task, WANT(STOP));
	world_run(&world, 90000);
	CHECK(world.n_polls > 80); /* the heartbeat goes on */
	CHECK_EQ(task->observed, OBS(RUNNING));
	world_expect(&world, task, OBS(ENDED), 60000);
	world_fini(&world);
}

TEST(worker_says_soon_that_its_engine_hangs_and_goes_on_when_it_answers)
{
	struct world_task *task, *next;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	engine_mem_hang(world.engine_world, engine_mem_now(world.engine_world) + 20000);
	world_run(&world, WORKER_PING_MS + WORKER_PING_PATIENCE_MS + 1500);
	CHECK_HAS(world.engine_trouble, "does not answer");
	next = world_assign(&world, 2, 1, &spec.spec);
	world_run(&world, 1500);
	CHECK_HAS(next->message, "waits for the engine");
	world_expect(&world, next, OBS(RUNNING), 12000);
	world_run(&world, 1500);
	CHECK_STR(world.engine_trouble, "");
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK_EQ(task->n_reports, 1); /* nothing has happened to it */
	world_fini(&world);
}

TEST(worker_takes_its_capacity_from_the_engine)
{
	begin("run:forever");
	world_run(&world, 1000);
	CHECK_EQ(worker_engine_facts(world.worker)->cpu_milli, 8000);
	CHECK_EQ(world.registered_cpu_milli, 8000);
	CHECK_STR(worker_node_id(world.worker), WORLD_NODE);
	world_fini(&world);
}

TEST(worker_looks_only_at_its_own_containers)
{
	begin("run:forever");
	(void)engine_mem_stranger(world.engine_world, "somebody", "run:forever");
	world_run(&world, 70000);
	CHECK_EQ(worker_n_slots(world.worker), 0);
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	world_fini(&world);
}
