/* Images: looked for once, pulled once, and refused with a sentence. */
#include <errno.h>

#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x) DAVIT__TASK_REPORT__OBSERVED__##x

static struct world world;

TEST(worker_joins_pulls_of_one_image)
{
	struct world_spec spec;
	unsigned most = 0;

	world_init(&world);
	world_spec_init(&spec, "missing:2s/run:forever");
	for (unsigned i = 0; i < 20; i++)
		(void)world_assign(&world, i, 1, &spec.spec);
	for (unsigned i = 0; i < 20; i++) {
		world_run(&world, 100);
		most = world.worker->n_pulls > most ? world.worker->n_pulls : most;
	}
	CHECK_EQ(most, 1);
	CHECK_HAS(world.tasks[0].message, "pulls missing:2s");
	for (unsigned i = 0; i < 20; i++)
		world_expect(&world, &world.tasks[i], OBS(RUNNING), 10000);
	world_run(&world, 60000);
	CHECK(world.worker->images == NULL); /* records do not stay */
	world_fini(&world);
}

TEST(worker_tells_how_far_a_pull_is_that_stands_still)
{
	struct world_spec spec;
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "missing:60s/run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 3000);
	CHECK_STR(task->message, "pulls missing:60s/run:forever: 0 of 1 layers, 1KiB of 4KiB");
	world_want(&world, task, DAVIT__TASK__DESIRED__REMOVE);
	world_expect(&world, task, OBS(GONE), 2000);
	world_fini(&world);
}

TEST(worker_joins_a_pull_by_hand_to_that_of_a_task)
{
	struct world_spec spec;
	struct world_task *task;
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChannelQuery open = DAVIT__CHANNEL_QUERY__INIT;
	Davit__PullOptions pull = DAVIT__PULL_OPTIONS__INIT;
	char name[] = WORLD_NODE ".c1";

	world_init(&world);
	world_spec_init(&spec, "missing:2s/run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 500);
	CHECK_EQ(world.worker->n_pulls, 1);
	open.channel = name;
	open.pull = &pull;
	pull.image = spec.spec.image;
	query.id = 7;
	query.open = &open;
	world_ask(&world, &query, 1000);
	CHECK(world.answer->open != NULL);
	CHECK_EQ(world.worker->n_pulls, 1);
	/* The task goes, and the pull goes on for whoever waits for it. */
	world_want(&world, task, DAVIT__TASK__DESIRED__REMOVE);
	world_expect(&world, task, OBS(GONE), 1000);
	CHECK_EQ(world.worker->n_pulls, 1);
	world_run(&world, 3000);
	CHECK_EQ(world.worker->n_pulls, 0);
	task = world_assign(&world, 2, 1, &spec.spec);
	engine_mem_fail_next(world.engine_world, ENGINE_CALL_PULL, -EACCES, "not pulled again");
	world_expect(&world, task, OBS(RUNNING), 1000);
	world_fini(&world);
}

TEST(worker_bounds_pulls_of_different_images)
{
	static struct world_spec specs[10];
	static char names[10][40];
	unsigned most = 0;

	world_init(&world);
	for (unsigned i = 0; i < 10; i++) {
		(void)snprintf(names[i], sizeof names[i], "missing:%us/run:forever", i + 1);
		world_spec_init(&specs[i], names[i]);
		(void)world_assign(&world, i, 1, &specs[i].spec);
	}
	for (unsigned i = 0; i < 40; i++) {
		world_run(&world, 100);
		most = world.worker->n_pulls > most ? world.worker->n_pulls : most;
	}
	CHECK_EQ(most, WORKER_PULLS_MAX);
	for (unsigned i = 0; i < 10; i++)
		world_expect(&world, &world.tasks[i], OBS(RUNNING), 60000);
	world_fini(&world);
}

TEST(worker_gives_up_a_pull_that_nobody_wants_any_more)
{
	struct world_spec spec;
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "missing:1h/run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 1000);
	CHECK_EQ(world.worker->n_pulls, 1);
	world_want(&world, task, DAVIT__TASK__DESIRED__REMOVE);
	world_expect(&world, task, OBS(GONE), 2000);
	CHECK_EQ(world.worker->n_pulls, 0);
	world_fini(&world);
}

TEST(worker_tries_an_unreachable_registry_a_few_times)
{
	struct world_spec spec;
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "offline:1");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 600);
	CHECK_HAS(task->message, "tries again");
	world_expect(&world, task, OBS(REJECTED), 15000);
	CHECK_HAS(task->message, "reaches the registry");
	world_fini(&world);
}

TEST(worker_keeps_to_the_pull_policy)
{
	struct world_spec never, always;
	struct world_task *task;

	world_init(&world);
	world_spec_init(&never, "missing:1s/run:forever");
	never.spec.has_pull_policy = true;
	never.spec.pull_policy = DAVIT__TASK_SPEC__PULL_POLICY__NEVER;
	task = world_assign(&world, 1, 1, &never.spec);
	world_expect(&world, task, OBS(REJECTED), 3000);
	CHECK_HAS(task->message, "pull_policy is NEVER");

	world_spec_init(&always, "run:forever"); /* it is there, and pulled all the same */
	always.spec.has_pull_policy = true;
	always.spec.pull_policy = DAVIT__TASK_SPEC__PULL_POLICY__ALWAYS;
	engine_mem_fail_next(world.engine_world, ENGINE_CALL_PULL, -EACCES, "pull access denied");
	task = world_assign(&world, 2, 1, &always.spec);
	world_expect(&world, task, OBS(REJECTED), 3000);
	task = world_assign(&world, 3, 1, &always.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_fini(&world);
}

TEST(worker_pulls_again_when_the_image_went_away_before_the_create)
{
	struct world_spec spec;
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "run:forever");
	engine_mem_fail_next(world.engine_world, ENGINE_CALL_CREATE, -ENOENT,
		"No such image: run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_fini(&world);
}

TEST(worker_rejects_an_image_that_the_engine_cannot_look_for)
{
	struct world_spec spec;
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, "run:forever");
	engine_mem_fail_next(world.engine_world, ENGINE_CALL_IMAGE_INSPECT, -EINVAL,
		"invalid reference format");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(REJECTED), 3000);
	CHECK_HAS(task->message, "[registry/]name[:tag]");
	world_fini(&world);
}
