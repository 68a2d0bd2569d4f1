#include "services/scheduler/strategies.h"

#include <errno.h>

#include "services/scheduler/limits.h"
#include "tests/unit/scene_fixture.h"

#define BEST_FIT    DAVIT__TASK_SPEC__STRATEGY__BEST_FIT
#define ROUND_ROBIN DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN
#define RANDOM      DAVIT__TASK_SPEC__STRATEGY__RANDOM

static void
two_nodes(struct scene *scene)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();

	fixture_node(fixture, "node1", 4000, 8 * GIB);
	fixture_node(fixture, "node2", 8000, 16 * GIB);
	scene_init(scene, fixture, PLACE_TASKS_PER_NODE_MAX);
}

static Davit__TaskSpec
spec_of(uint64_t cpu_milli, uint64_t memory_bytes)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;

	spec.cpu_milli = cpu_milli;
	spec.memory_bytes = memory_bytes;
	return spec;
}

/* The documented example: a task of 1 core and 2 GiB leaves 9.0 on node1 and 21.0 on node2. */
TEST(strategies_best_fit_gives_the_documented_figures)
{
	CLEANUP(scene_fini) struct scene scene;
	const Davit__TaskSpec spec = spec_of(1000, 2 * GIB);
	struct choice choice;

	two_nodes(&scene);
	CHECK(strategies_choose(scene.strategies, BEST_FIT, scene_seek(&scene, &spec), &choice));
	CHECK_STR(scene.cluster.table.nodes[choice.row].id, "node1");
	CHECK(choice.score == 9.0);
	CHECK(strategies_fit(scene.strategies, BEST_FIT, &scene.seek, 1) == 21.0);
}

TEST(strategies_best_fit_fills_both_nodes_with_six_and_refuses_the_seventh)
{
	CLEANUP(scene_fini) struct scene scene;
	const Davit__TaskSpec spec = spec_of(2000, 4 * GIB);

	two_nodes(&scene);
	for (unsigned i = 0; i < 6; i++)
		CHECK_STR(scene_place(&scene, BEST_FIT, &spec), i < 2 ? "node1" : "node2");
	CHECK_STR(scene_place(&scene, BEST_FIT, &spec), "-");
}

TEST(strategies_best_fit_does_not_pile_up_tasks_that_reserve_nothing)
{
	CLEANUP(scene_fini) struct scene scene;
	const Davit__TaskSpec spec = spec_of(0, 0);

	two_nodes(&scene);
	for (unsigned i = 0; i < 10; i++)
		(void)scene_place(&scene, BEST_FIT, &spec);
	CHECK_EQ(scene.cluster.table.nodes[0].n_tasks, 5);
	CHECK_EQ(scene.cluster.table.nodes[1].n_tasks, 5);
}

/* A gpu that is left over counts as 8 cores: who needs none goes elsewhere. */
TEST(strategies_best_fit_keeps_devices_for_those_who_need_them)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	Davit__TaskSpec plain = spec_of(1000, 0), wants_gpu = spec_of(1000, 0);

	fixture_node(fixture, "a", 4000, GIB)->capacity->gpus = 1;
	fixture_node(fixture, "b", 8000, GIB);
	scene_init(&scene, fixture, 100);
	wants_gpu.gpus = 1;
	CHECK_STR(scene_place(&scene, BEST_FIT, &plain), "b");
	CHECK_STR(scene_place(&scene, BEST_FIT, &wants_gpu), "a");
	CHECK_STR(scene_place(&scene, BEST_FIT, &wants_gpu), "-");
	CHECK_STR(scene_place(&scene, BEST_FIT, &plain), "a");
}

TEST(strategies_round_robin_takes_turns_and_keeps_its_place)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	const Davit__TaskSpec none = spec_of(0, 0), big = spec_of(6000, 0);
	const char *const removed[] = {"b"};
	char chosen[64] = "";

	fixture_node(fixture, "a", 4000, GIB);
	fixture_node(fixture, "b", 4000, GIB);
	fixture_node(fixture, "c", 8000, GIB);
	fixture_node(fixture, "d", 4000, GIB)->schedulable = false;
	scene_init(&scene, fixture, 100);
	for (unsigned i = 0; i < 8; i++) {
		if (i == 5) { /* the cursor is on b, which goes: c is next all the same */
			node_table_update(&scene.cluster.table, NULL, 0, removed, 1);
			facets_begin(scene.cluster.facets);
			filters_reset(scene.filters);
		}
		(void)snprintf(chosen + strlen(chosen), sizeof chosen - strlen(chosen), "%s",
			scene_place(&scene, ROUND_ROBIN, i == 7 ? &big : &none));
	}
	CHECK_STR(chosen, "abcabcac");
}

TEST(strategies_copy_goes_on_by_itself)
{
	CLEANUP(strategies_free) struct strategies *copy = NULL;
	CLEANUP(scene_fini) struct scene scene;
	const Davit__TaskSpec none = spec_of(0, 0);
	struct choice choice;

	two_nodes(&scene);
	CHECK_STR(scene_place(&scene, ROUND_ROBIN, &none), "node1");
	copy = strategies_copy(scene.strategies);
	CHECK(strategies_choose(copy, ROUND_ROBIN, &scene.seek, &choice) && choice.row == 1);
	CHECK(strategies_choose(copy, ROUND_ROBIN, &scene.seek, &choice) && choice.row == 0);
	CHECK_STR(scene_place(&scene, ROUND_ROBIN, &none), "node2");
}

TEST(strategies_random_is_fair_and_repeats_with_its_seed)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__TaskSpec spec = spec_of(2000, 0);
	unsigned counts[40] = {0};
	uint32_t first[100];
	char id[32];

	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(id, sizeof id, "n%02u", i);
		fixture_node(fixture, id, i % 2 == 0 ? 4000 : 1000, GIB);
	}
	for (unsigned round = 0; round < 2; round++) {
		CLEANUP(scene_fini) struct scene scene;
		struct choice choice;

		scene_init(&scene, fixture, 100000);
		(void)scene_seek(&scene, &spec);
		for (unsigned i = 0; i < 4000; i++) {
			CHECK(strategies_choose(scene.strategies, RANDOM, &scene.seek, &choice));
			counts[choice.row]++;
			if (i < 100 && round == 0)
				first[i] = choice.row;
			if (i < 100)
				CHECK_EQ(choice.row, first[i]);
		}
	}
	for (unsigned i = 0; i < 40; i++)
		CHECK(i % 2 == 0 ? counts[i] > 300 && counts[i] < 500 : counts[i] == 0);
}

TEST(strategies_random_finds_the_only_node_that_fits)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	const Davit__TaskSpec some = spec_of(2000, 0), none = spec_of(9000, 0);
	char id[32];

	for (unsigned i = 0; i < 400; i++) {
		(void)snprintf(id, sizeof id, "n%03u", i);
		fixture_node(fixture, id, i == 333 ? 4000 : 1000, GIB);
	}
	scene_init(&scene, fixture, 100);
	CHECK_STR(scene_place(&scene, RANDOM, &some), "n333");
	CHECK_STR(scene_place(&scene, RANDOM, &none), "-");
}

/* With wishes chance and turns decide only between those that are equally good. */
TEST(strategies_without_a_measure_honour_wishes)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	Davit__TaskSpec spec = spec_of(0, 0);
	Davit__Preference preference = DAVIT__PREFERENCE__INIT, *list[] = {&preference};
	char constraint[] = "node.name in (b, d)";

	for (char id[] = "a"; id[0] < 'f'; id[0]++)
		fixture_node(fixture, id, 4000, GIB);
	scene_init(&scene, fixture, 100);
	preference.constraint = constraint;
	spec.preferences = list;
	spec.n_preferences = 1;
	for (unsigned i = 0; i < 4; i++)
		CHECK_STR(scene_place(&scene, ROUND_ROBIN, &spec), i % 2 == 0 ? "b" : "d");
	for (unsigned i = 0; i < 20; i++) {
		const char *id = scene_place(&scene, RANDOM, &spec);

		CHECK(strcmp(id, "b") == 0 || strcmp(id, "d") == 0);
	}
}

TEST(strategies_have_names)
{
	CHECK_STR(strategy_name(DAVIT__TASK_SPEC__STRATEGY__BEST_FIT), "best-fit");
	CHECK_STR(strategy_name(DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE), "resource-aware");
	CHECK(strategy_name(DAVIT__TASK_SPEC__STRATEGY__CLUSTER) == NULL);
	CHECK(strategy_name((Davit__TaskSpec__Strategy)99) == NULL);
}
