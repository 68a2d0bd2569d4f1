/* Networks: made before they are used, kept while they are, removed afterwards. */
#include <errno.h>

#include "common/docker/engine_mem_impl.h"
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x)  DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x) DAVIT__TASK__DESIRED__##x
#define FRONT   "davit.default.front." WORLD_NODE
#define BACK    "davit.default.back." WORLD_NODE

static struct world world;
static Davit__NetworkAttachment front = DAVIT__NETWORK_ATTACHMENT__INIT,
				back = DAVIT__NETWORK_ATTACHMENT__INIT;
static Davit__NetworkAttachment *both[] = {&front, &back};

static void
spec_in_both(struct world_spec *spec, const char *image)
{
	world_spec_init(spec, image);
	front.name = (char *)"front";
	back.name = (char *)"back";
	spec->spec.networks = both;
	spec->spec.n_networks = 2;
}

static bool
engine_has(const char *name)
{
	return engine_mem_name_find(world.engine_world->networks, name) != NULL;
}

static void
drop_from_engine(const char *name)
{
	struct mem_name *network = engine_mem_name_find(world.engine_world->networks, name);

	CHECK(network != NULL);
	engine_mem_name_drop(&world.engine_world->networks, network);
}

TEST(worker_networks_are_made_for_the_first_task_and_removed_after_the_last)
{
	struct world_spec spec;
	struct world_task *a, *b;

	world_init(&world);
	spec_in_both(&spec, "run:forever");
	a = world_assign(&world, 1, 1, &spec.spec);
	b = world_assign(&world, 2, 1, &spec.spec);
	world_expect(&world, a, OBS(RUNNING), 5000);
	world_expect(&world, b, OBS(RUNNING), 5000);
	CHECK(engine_has(FRONT) && engine_has(BACK));
	CHECK_EQ(worker_slots_find(world.worker, a->id)->n_connected, 2);
	world_want(&world, a, WANT(REMOVE));
	world_expect(&world, a, OBS(GONE), 5000);
	world_run(&world, 3 * WORKER_NETWORK_IDLE_MS);
	CHECK(engine_has(FRONT) && engine_has(BACK)); /* the other one is there */
	world_want(&world, b, WANT(STOP));
	world_expect(&world, b, OBS(ENDED), 20000);
	CHECK(engine_has(FRONT));
	world_run(&world, 2 * WORKER_NETWORK_IDLE_MS);
	CHECK(!engine_has(FRONT) && !engine_has(BACK));
	CHECK(world.worker->networks == NULL);
	world_fini(&world);
}

TEST(worker_networks_of_an_earlier_life_are_removed_when_nobody_uses_them)
{
	struct world_spec spec;
	struct world_task *a;

	world_init(&world);
	spec_in_both(&spec, "run:forever");
	a = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, a, OBS(RUNNING), 5000);
	world_crash(&world);
	world_run(&world, 3 * WORKER_NETWORK_IDLE_MS);
	CHECK(engine_has(FRONT)); /* it was adopted with its task */
	world_want(&world, a, WANT(REMOVE));
	world_expect(&world, a, OBS(GONE), 5000);
	world_crash(&world); /* before they were idle long enough */
	world_run(&world, 1000);
	CHECK(engine_has(FRONT) && engine_has(BACK));
	world_run(&world, 2 * WORKER_NETWORK_IDLE_MS);
	CHECK(!engine_has(FRONT) && !engine_has(BACK));
	world_fini(&world);
}

TEST(worker_networks_that_somebody_removed_are_made_again)
{
	struct world_spec spec;
	struct world_task *a, *b;

	world_init(&world);
	spec_in_both(&spec, "exit:1/after:100ms");
	spec.spec.restart = &spec.restart;
	spec.restart.has_condition = true;
	spec.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	a = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, a, OBS(RUNNING), 5000);
	drop_from_engine(FRONT);
	drop_from_engine(BACK);
	b = world_assign(&world, 2, 1, &spec.spec);
	world_expect(&world, b, OBS(RUNNING), 10000);
	CHECK(engine_has(FRONT) && engine_has(BACK));
	world_run(&world, 5000);
	CHECK(a->observed == OBS(RUNNING) && a->restart_count > 0);
	world_fini(&world);
}

TEST(worker_networks_that_cannot_be_made_are_said_and_tried_again)
{
	struct world_spec spec;
	struct world_task *a;

	world_init(&world);
	spec_in_both(&spec, "run:forever");
	world_run(&world, 100);
	for (unsigned i = 0; i < 2; i++)
		engine_mem_fail_next(world.engine_world, ENGINE_CALL_NETWORK_CREATE, -EIO,
			"could not find an available, non-overlapping IPv4 address pool");
	a = world_assign(&world, 1, 1, &spec.spec);
	world_run(&world, 150);
	CHECK_HAS(a->message, "address pool");
	world_expect(&world, a, OBS(RUNNING), 10000);
	CHECK_STR(a->message, "");
	world_fini(&world);
}

TEST(worker_networks_of_others_are_left_alone)
{
	world_init(&world);
	(void)engine_mem_name_add(&world.engine_world->networks, "theirs",
		"{\"Name\":\"theirs\",\"Labels\":{\"davit.node\":\"another\"}}");
	(void)engine_mem_name_add(&world.engine_world->networks, "hand-made",
		"{\"Name\":\"hand-made\",\"Labels\":null}");
	world_run(&world, 3 * WORKER_COMPARE_MS);
	CHECK(engine_has("theirs") && engine_has("hand-made"));
	CHECK(world.worker->networks == NULL);
	world_fini(&world);
}
