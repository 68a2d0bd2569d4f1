#include "services/scheduler/refusal.h"

#include "tests/unit/scene_fixture.h"

/* Explains the fixture's only task against its nodes. */
static struct refusal
explain(struct fixture *fixture, uint32_t tasks_per_node_max)
{
	CLEANUP(scene_fini) struct scene scene;
	const Davit__PlaceTask *task = fixture->tasks[0];
	uint32_t avoid[8];
	struct refusal refusal;

	scene_init(&scene, fixture, tasks_per_node_max);
	(void)scene_seek(&scene, fixture->specs[0]->spec);
	for (size_t i = 0; i < task->n_avoid_nodes; i++)
		avoid[i] = node_table_find(&scene.cluster.table, task->avoid_nodes[i]);
	scene.seek.avoid = avoid;
	scene.seek.n_avoid = (uint32_t)task->n_avoid_nodes;
	refusal_explain(&scene.seek, &scene.cluster, &refusal);
	refusal.want = NULL; /* it goes with the scene */
	return refusal;
}

/* Nodes that were counted for a reason. */
static uint32_t
counted(const struct refusal *refusal, enum filter_reason reason)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < refusal->n_counts; i++)
		n += refusal->counts[i].reason == reason ? refusal->counts[i].n : 0;
	return n;
}

TEST(refusal_without_nodes_says_what_to_do)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();

	fixture_task(fixture, "t", 4000, 0);
	CHECK_STR(explain(fixture, 10).message, "no node has registered yet: start a davit-worker");
}

TEST(refusal_names_the_short_resource_and_the_nearest_node)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct refusal refusal;

	fixture_node(fixture, "n1", 1000, 8 * GIB);
	fixture_node(fixture, "n2", 1500, 8 * GIB);
	fixture_node(fixture, "n3", 8000, 8 * GIB)->schedulable = false;
	fixture_task(fixture, "t", 4000, GIB);
	refusal = explain(fixture, 10);
	CHECK_STR(refusal.message,
		"no node fits: cpu short on 2 of 3 nodes (wants 4, nearest n2 has 1.5 free), "
		"1 draining");
	CHECK_EQ(refusal.nearest, 1);
	CHECK_EQ(refusal.lacking.amounts.cpu_milli, 2500);
	CHECK_EQ(refusal.lacking.amounts.memory_bytes, 0);
	CHECK_EQ(counted(&refusal, FILTER_CPU), 2);
	CHECK_EQ(counted(&refusal, FILTER_DRAINING), 1);
	CHECK_EQ(counted(&refusal, FILTER_MEMORY), 0);
}

TEST(refusal_counts_every_resource_that_is_short)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__TaskSpec *spec;

	fixture_node(fixture, "n1", 3000, GIB)->capacity->disk_bytes = GIB;
	fixture_node(fixture, "n2", 8000, 512 * MIB);
	spec = fixture_task(fixture, "t", 4000, GIB);
	spec->disk_bytes = 2 * GIB;
	spec->gpus = 1;
	CHECK_STR(explain(fixture, 10).message,
		"no node fits: cpu short on 1 of 2 nodes (wants 4, nearest n1 has 3 free), memory "
		"short on 1 of 2 nodes (wants 1GiB), disk short on 1 of 2 nodes (wants 2GiB, nearest "
		"n1 has 1GiB free), gpu short on 2 of 2 nodes (wants 1, nearest n1 has 0 free)");
}

TEST(refusal_tells_the_states_of_nodes_apart)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__Node__State states[] = {DAVIT__NODE__STATE__UNKNOWN, DAVIT__NODE__STATE__DOWN,
		DAVIT__NODE__STATE__DEGRADED, DAVIT__NODE__STATE__NONE, 77,
		DAVIT__NODE__STATE__UNKNOWN};
	char id[16];

	for (unsigned i = 0; i < 6; i++) {
		Davit__PlaceNode *node;

		(void)snprintf(id, sizeof id, "n%u", i);
		node = fixture_node(fixture, id, 1000, GIB);
		node->schedulable = false;
		node->state = states[i];
	}
	fixture_task(fixture, "t", 0, 0);
	CHECK_STR(explain(fixture, 10).message,
		"no node fits: 1 not ready, 2 silent, 1 down, 1 without an engine that answers, 1 "
		"not ready");
}

TEST(refusal_names_constraints_platform_ports_and_slots)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__PlaceNode *node;
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	const char *const os[] = {"windows", "linux", "linux", "linux", "linux", "linux"};
	char id[16];

	for (unsigned i = 0; i < 6; i++) {
		(void)snprintf(id, sizeof id, "n%u", i);
		node = fixture_node(fixture, id, 1000, GIB);
		fixture_engine(fixture, node, id, os[i], "amd64");
		fixture_label(fixture, node, "disk", i == 1 ? "hdd" : "ssd");
		if (i == 2)
			node->n_tasks = 10;
		if (i == 3)
			fixture_taken_port(fixture, node, 8080);
		if (i == 5)
			node->n_ports_free = 0;
	}
	spec->platform = fixture_text(fixture, "linux/amd64");
	fixture_constraint(fixture, spec, "node.labels.disk == ssd");
	fixture_port(fixture, spec, 8080);
	fixture_port(fixture, spec, 0);
	fixture_avoid(fixture, fixture->tasks[0], "n4");
	CHECK_STR(explain(fixture, 10).message,
		"no node fits: dynamic port short on 1 of 6 nodes (wants 1), "
		"host port 8080 taken on 1 of 6 nodes, platform 'linux/amd64' excludes 1 of 6 nodes, "
		"constraint 'node.labels.disk == ssd' excludes 1 of 6 nodes, 1 at the limit of 10 "
		"tasks, 1 tried before");
}

TEST(refusal_is_cut_at_its_limit)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	char constraint[256], id[16];
	struct refusal refusal;

	for (unsigned i = 0; i < 20; i++) {
		char key[200];

		(void)snprintf(id, sizeof id, "n%02u", i);
		(void)memset(key, 'k', sizeof key);
		(void)snprintf(key + 100, 20, "%02u", i);
		fixture_label(fixture, fixture_node(fixture, id, 1000, GIB), key, "v");
		(void)snprintf(constraint, sizeof constraint, "node.labels.%s != v", key);
		fixture_constraint(fixture, spec, constraint);
	}
	refusal = explain(fixture, 10);
	CHECK_EQ(strlen(refusal.message), PLACE_MESSAGE_MAX - 1);
	CHECK_EQ(counted(&refusal, FILTER_CONSTRAINT), 20);
	CHECK_EQ(refusal.nearest, NODE_ROW_NONE);
}
