/* What containers write: held to a size by the engine, or watched; disks and GPUs of a node. */
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x) DAVIT__TASK_REPORT__OBSERVED__##x

enum { MIB = 1 << 20 };

static struct world world;
static struct world_spec spec;

/* On an engine with that storage; NULL: one that limits nothing. */
static struct world_task *
begin(const char *storage_driver, const char *image)
{
	world_init_with(&world, &(struct engine_mem_options){.storage_driver = storage_driver});
	world_spec_init(&spec, image);
	spec.spec.has_disk_bytes = true;
	spec.spec.disk_bytes = 10 * MIB;
	return world_assign(&world, 1, 1, &spec.spec);
}

TEST(worker_stops_a_container_that_wrote_more_than_it_may)
{
	struct world_task *task = begin(NULL, "run:forever/writes:11MiB");

	spec.restart.has_condition = true; /* it would be over its limit again at once */
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	spec.spec.restart = &spec.restart;
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_expect(&world, task, OBS(ENDED), 3 * WORKER_DISK_MS);
	CHECK_EQ(task->cause, DAVIT__TASK_REPORT__CAUSE__DISK);
	CHECK_HAS(task->message, "it wrote 11MiB, and may write 10MiB (disk)");
	CHECK_EQ(task->restart_count, 0);
	world_fini(&world);
}

TEST(worker_leaves_a_container_alone_that_keeps_within_its_disk)
{
	struct world_task *task = begin(NULL, "run:forever/writes:9MiB"), *free;
	struct world_spec other;

	world_spec_init(&other, "run:forever/writes:100GiB"); /* without a limit */
	free = world_assign(&world, 2, 1, &other.spec);
	world_run(&world, 10 * WORKER_DISK_MS);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK_EQ(free->observed, OBS(RUNNING));
	world_fini(&world);
}

TEST(worker_looks_at_one_container_at_a_time_and_at_each)
{
	static struct world_spec specs[20];

	(void)begin(NULL, "run:forever");
	for (unsigned i = 0; i < 20; i++) {
		world_spec_init(&specs[i],
			i == 19 ? "run:forever/writes:11MiB" : "run:forever/writes:1MiB");
		specs[i].spec.has_disk_bytes = true;
		specs[i].spec.disk_bytes = 10 * MIB;
		(void)world_assign(&world, 10 + i, 1, &specs[i].spec);
	}
	world_expect(&world, &world.tasks[20], OBS(ENDED), 4 * WORKER_DISK_MS);
	for (unsigned i = 0; i < 20; i++)
		CHECK_EQ(world.tasks[i].observed, OBS(RUNNING));
	world_fini(&world);
}

static bool
is_limited(void)
{
	return worker_slots_find(world.worker, world_id(1))->is_disk_limited;
}

TEST(worker_leaves_the_limit_to_storage_that_can_hold_it)
{
	struct world_task *task = begin("btrfs", "run:forever/writes:11MiB");

	world_expect(&world, task, OBS(RUNNING), 3000);
	CHECK(is_limited());
	world_run(&world, 4 * WORKER_DISK_MS);
	CHECK_EQ(task->observed, OBS(RUNNING)); /* it reads ENOSPC, and nobody counts */
	world_fini(&world);
}

TEST(worker_watches_where_the_storage_turns_out_not_to_hold_a_limit)
{
	struct world_task *task = begin("overlay2", "run:forever/writes:11MiB");

	engine_mem_fail_next(world.engine_world, ENGINE_CALL_CREATE, -22,
		"--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
	world_expect(&world, task, OBS(RUNNING), 3000);
	CHECK(!is_limited());
	world_expect(&world, task, OBS(ENDED), 3 * WORKER_DISK_MS);
	CHECK_EQ(task->cause, DAVIT__TASK_REPORT__CAUSE__DISK);
	task = world_assign(&world, 1, 2, &spec.spec); /* it is not tried again */
	world_run(&world, 1000);
	CHECK(!is_limited());
	world_fini(&world);
}

TEST(worker_gives_away_the_disk_of_the_engine_and_the_gpus_of_its_runtime)
{
	world_init_with(&world, &(struct engine_mem_options){.has_gpu_runtime = true});
	world.disk_total = 100 * (uint64_t)MIB;
	world.n_gpus = 2;
	world.policy.reserved_disk_bytes = 10 * MIB;
	world_crash(&world);
	world_run(&world, 1000);
	CHECK_EQ(world.registered_disk_bytes, 90 * MIB);
	CHECK_EQ(world.registered_gpus, 2);
	world_fini(&world);
	world_init(&world); /* devices that no runtime hands out are none */
	world.n_gpus = 2;
	world_crash(&world);
	world_run(&world, 1000);
	CHECK_EQ(world.registered_gpus, 0);
	world_fini(&world);
}
