/* Images that were pulled for tasks go when nobody needs them, and no others do. */
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x) DAVIT__TASK_REPORT__OBSERVED__##x

enum { MINUTE = 60000, GIB = 1 << 30 };

static struct world world;

static void
begin(const struct worker_policy *policy)
{
	world_init(&world);
	world.policy = *policy;
	world_crash(&world); /* born again with it */
}

static bool
is_there(const char *image)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	static uint64_t id;

	query.id = ++id;
	query.has_images = query.images = true;
	world_ask(&world, &query, 5000);
	for (size_t i = 0; i < world.answer->n_images; i++) {
		if (strcmp(world.answer->images[i]->tags[0], image) == 0)
			return true;
	}
	return false;
}

/* A task of the image has come and gone. */
static void
run_once(unsigned n, struct world_spec *spec)
{
	struct world_task *task = world_assign(&world, n, 1, &spec->spec);

	world_expect(&world, task, OBS(ENDED), 20000);
	world_want(&world, task, DAVIT__TASK__DESIRED__REMOVE);
	world_expect(&world, task, OBS(GONE), 5000);
}

TEST(worker_removes_an_image_that_no_task_has_used_for_long)
{
	struct world_spec spec;

	begin(&(struct worker_policy){.image_max_age_ms = 10 * MINUTE});
	world_spec_init(&spec, "missing:1s/exit:0/after:10ms");
	run_once(1, &spec);
	world_run(&world, 9 * MINUTE);
	CHECK(is_there(spec.spec.image));
	run_once(2, &spec); /* its time begins anew */
	world_run(&world, 9 * MINUTE);
	CHECK(is_there(spec.spec.image));
	world_run(&world, 2 * MINUTE);
	CHECK(!is_there(spec.spec.image));
	run_once(3, &spec); /* and it comes again when it is wanted */
	world_fini(&world);
}

TEST(worker_keeps_the_image_of_a_task_that_runs_or_was_not_removed)
{
	struct world_spec running, ended;
	struct world_task *task;

	begin(&(struct worker_policy){.image_max_age_ms = MINUTE});
	world_spec_init(&running, "missing:1s/run:forever");
	world_spec_init(&ended, "missing:2s/exit:0/after:10ms");
	world_expect(&world, world_assign(&world, 1, 1, &running.spec), OBS(RUNNING), 20000);
	task = world_assign(&world, 2, 1, &ended.spec);
	world_expect(&world, task, OBS(ENDED), 20000);
	world_run(&world, 30 * MINUTE);
	CHECK(is_there(running.spec.image));
	CHECK(is_there(ended.spec.image)); /* its container is still there, with its logs */
	world_want(&world, task, DAVIT__TASK__DESIRED__REMOVE);
	world_run(&world, 3 * MINUTE);
	CHECK(!is_there(ended.spec.image));
	CHECK(is_there(running.spec.image));
	world_fini(&world);
}

TEST(worker_never_removes_an_image_that_a_stranger_runs_or_that_it_did_not_pull)
{
	struct world_spec spec;
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__ChannelQuery open = DAVIT__CHANNEL_QUERY__INIT;
	Davit__PullOptions pull = DAVIT__PULL_OPTIONS__INIT;

	begin(&(struct worker_policy){.image_max_age_ms = MINUTE,
		.image_disk_high = 80,
		.image_disk_low = 60});
	world_spec_init(&spec, "missing:1s/exit:0/after:10ms");
	run_once(1, &spec);
	(void)engine_mem_stranger(world.engine_world, "theirs", spec.spec.image);
	open.channel = (char *)WORLD_NODE ".c1";
	open.pull = &pull;
	pull.image = (char *)"missing:2s"; /* brought by hand */
	query.id = 1000;
	query.open = &open;
	world_ask(&world, &query, 5000);
	world.disk_total = 10 * (uint64_t)GIB;
	world.disk_used = 9 * (uint64_t)GIB;
	world_run(&world, 30 * MINUTE);
	CHECK(is_there(spec.spec.image));
	CHECK(is_there(pull.image));
	world_fini(&world);
}

TEST(worker_frees_a_disk_that_is_nearly_full_from_the_least_used_image_on)
{
	static struct world_spec specs[3];
	static char names[3][64];

	begin(&(struct worker_policy){.image_disk_high = 80, .image_disk_low = 60});
	world.disk_total = 100 * (uint64_t)GIB;
	world.disk_used = 79 * (uint64_t)GIB;
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(names[i], sizeof names[i], "missing:%ums/exit:0/after:10ms", i + 1);
		world_spec_init(&specs[i], names[i]);
		run_once(i, &specs[i]);
		world_run(&world, MINUTE);
	}
	CHECK(is_there(names[0]));
	/* Full: the oldest goes; while it is above the lower mark, the next, too. */
	world.disk_used = 81 * (uint64_t)GIB;
	engine_mem_fail_next(world.engine_world, ENGINE_CALL_IMAGE_REMOVE, -5,
		"input/output error");
	world_run(&world, 2 * WORKER_CLEAN_MS + 1000);
	CHECK(is_there(names[0])); /* that failed: the next one went instead */
	CHECK(!is_there(names[1]));
	world.disk_used = 50 * (uint64_t)GIB;
	world_run(&world, 10 * MINUTE);
	CHECK(is_there(names[2]) || is_there(names[0]));
	world_fini(&world);
}

static bool
is_removing(struct world *it)
{
	return it->worker->pulled.job != NULL;
}

/* The engine takes its time to remove: who wants the image meanwhile waits, and it comes again. */
TEST(worker_does_not_touch_an_image_while_the_engine_removes_it)
{
	struct world_spec spec;
	struct world_task *task;

	begin(&(struct worker_policy){.image_max_age_ms = 10 * MINUTE});
	world_spec_init(&spec, "missing:1s/run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 20000);
	world_want(&world, task, DAVIT__TASK__DESIRED__REMOVE);
	world_expect(&world, task, OBS(GONE), 5000);
	CHECK(world_until(&world, is_removing, 11 * MINUTE));
	engine_mem_hang(world.engine_world, engine_mem_now(world.engine_world) + 5000);
	task = world_assign(&world, 2, 1, &spec.spec);
	world_run(&world, 4000);
	CHECK(is_removing(&world));
	CHECK_EQ(world.worker->n_pulls, 0);
	CHECK(worker_slots_find(world.worker, world_id(2))->image->job == NULL);
	world_expect(&world, task, OBS(RUNNING), 10000);
	CHECK(is_there(spec.spec.image));
	CHECK_EQ(HASH_COUNT(world.worker->pulled.by_name), 1); /* and it will go again */
	world_fini(&world);
}

TEST(worker_remembers_over_a_restart_what_it_pulled)
{
	struct world_spec spec;

	begin(&(struct worker_policy){.image_max_age_ms = 10 * MINUTE});
	world_spec_init(&spec, "missing:1s/exit:0/after:10ms");
	run_once(1, &spec);
	world_run(&world, MINUTE);
	world_crash(&world);
	world_run(&world, 12 * MINUTE);
	CHECK(!is_there(spec.spec.image));
	CHECK_STR(world.pulled, "");
	world_fini(&world);
}

TEST(worker_remembers_so_many_pulled_images_and_no_more)
{
	char name[32];

	begin(&(struct worker_policy){.image_max_age_ms = MINUTE});
	world_run(&world, 10);
	for (unsigned i = 0; i < WORKER_PULLED_MAX + 10; i++) {
		(void)snprintf(name, sizeof name, "image-%u", i);
		worker_pulled_note(world.worker, name);
	}
	CHECK_EQ(HASH_COUNT(world.worker->pulled.by_name), WORKER_PULLED_MAX);
	world_fini(&world);
	/* What a file holds may be nonsense. */
	world_init(&world);
	worker_pulled_load(world.worker, "12 a\nx\n\n 13\n14 \n15 b");
	CHECK_EQ(HASH_COUNT(world.worker->pulled.by_name), 2);
	world_fini(&world);
}
