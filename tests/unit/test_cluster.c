#include "services/scheduler/cluster.h"

#include <errno.h>

#include "tests/unit/scene_fixture.h"

static struct place_fault fault;

static Davit__PlaceGroup *
add_group(struct fixture *fixture, const char *id)
{
	Davit__PlaceGroup *group = fixture_block(fixture, sizeof *group);

	davit__place_group__init(group);
	group->id = fixture_text(fixture, "%s", id);
	if (fixture->request.groups == NULL)
		fixture->request.groups = fixture_block(fixture, 64 * sizeof(Davit__PlaceGroup *));
	fixture->request.groups[fixture->request.n_groups++] = group;
	fixture->request.has_groups = true;
	return group;
}

static void
add_running(struct fixture *fixture, Davit__PlaceNode *node, const char *group, uint32_t n)
{
	Davit__PlaceCount *count = fixture_block(fixture, sizeof *count);

	davit__place_count__init(count);
	count->group_id = fixture_text(fixture, "%s", group);
	count->n = n;
	if (node->running == NULL)
		node->running = fixture_block(fixture, 64 * sizeof(Davit__PlaceCount *));
	node->running[node->n_running++] = count;
}

static struct fixture *
a_snapshot(void)
{
	struct fixture *fixture = fixture_new();
	Davit__PlaceNode *a = fixture_node(fixture, "a", 1000, GIB);
	Davit__PlaceNode *b = fixture_node(fixture, "b", 1000, GIB);

	fixture_label(fixture, a, "zone", "z1");
	fixture_label(fixture, b, "zone", "z2");
	add_group(fixture, "g")->name = fixture_text(fixture, "web");
	add_group(fixture, "h");
	add_running(fixture, a, "g", 3);
	add_running(fixture, b, "g", 1);
	add_running(fixture, b, "h", 2);
	return fixture;
}

/* Tasks of the group g by zone, as a spread counts them. */
static const struct counter *
count_by_zone(struct scene *scene)
{
	return counters_get(scene->cluster.counters,
		&(const struct counter_wish){.kind = COUNTER_PEERS,
			.peers = groups_find(scene->cluster.groups, "g")->peers,
			.topology = "zone"});
}

TEST(cluster_counts_what_runs_and_follows_changes)
{
	CLEANUP(fixture_free) struct fixture *fixture = a_snapshot(), *change = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	const struct counter *counter;
	Davit__PlaceNode *node;

	scene_init(&scene, fixture, 10);
	counter = count_by_zone(&scene);
	CHECK_EQ(counter_at(counter, 0), 3);
	CHECK_EQ(counter_at(counter, 1), 1);
	CHECK(counter->total == 4 && counter->least == 1 && counter->most == 3);
	/* A node says only what changed: h stays. */
	change->request.snapshot = false;
	change->request.base_version = 1;
	change->request.version = 2;
	node = fixture_node(change, "b", 1000, GIB);
	fixture_label(change, node, "zone", "z2");
	add_running(change, node, "g", 5);
	CHECK_OK(cluster_apply(&scene.cluster, &change->request, &fault), &fault.err);
	CHECK(count_by_zone(&scene) == counter); /* followed, not counted anew */
	CHECK_EQ(counter_at(counter, 1), 5);
	CHECK(counter->least == 3 && counter->most == 5);
	CHECK_EQ(groups_find(scene.cluster.groups, "h")->n_running, 2);
	CHECK_EQ(counters_n_kept(scene.cluster.counters), 1);
}

TEST(cluster_counts_anew_when_a_label_changes_or_a_node_goes)
{
	CLEANUP(fixture_free) struct fixture *fixture = a_snapshot(), *change = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	const struct counter *counter;
	char a[] = "a", *removed[] = {a};

	scene_init(&scene, fixture, 10);
	(void)count_by_zone(&scene);
	change->request.snapshot = false;
	change->request.base_version = 1;
	change->request.version = 2;
	fixture_label(change, fixture_node(change, "b", 1000, GIB), "zone", "z1");
	CHECK_OK(cluster_apply(&scene.cluster, &change->request, &fault), &fault.err);
	counter = count_by_zone(&scene);
	CHECK(counter_at(counter, 0) == 4 && counter_at(counter, 1) == 4);
	change->request.base_version = 2;
	change->request.version = 3;
	change->request.n_nodes = 0;
	change->request.removed_nodes = removed;
	change->request.n_removed_nodes = 1;
	CHECK_OK(cluster_apply(&scene.cluster, &change->request, &fault), &fault.err);
	CHECK_EQ(counter_at(count_by_zone(&scene), 0), 1);
	CHECK_EQ(groups_find(scene.cluster.groups, "g")->n_running, 1);
}

TEST(cluster_asks_for_a_snapshot_when_a_group_is_unknown)
{
	CLEANUP(fixture_free) struct fixture *fixture = a_snapshot(), *change = fixture_new();
	CLEANUP(scene_fini) struct scene scene;

	scene_init(&scene, fixture, 10);
	change->request.snapshot = false;
	change->request.base_version = 1;
	change->request.version = 2;
	add_running(change, fixture_node(change, "a", 1000, GIB), "nobody", 1);
	CHECK_EQ(cluster_apply(&scene.cluster, &change->request, &fault), -ESTALE);
	CHECK_HAS(fault.err.text, "'nobody' is not known");
	CHECK_EQ(cluster_apply(&scene.cluster, &change->request, &fault), -ESTALE);
	CHECK_OK(cluster_apply(&scene.cluster, &fixture->request, &fault), &fault.err);
	CHECK_EQ(groups_find(scene.cluster.groups, "g")->n_running, 4);
}

TEST(cluster_forgets_groups_of_which_nothing_is_left)
{
	CLEANUP(fixture_free) struct fixture *fixture = a_snapshot(), *change = fixture_new();
	CLEANUP(scene_fini) struct scene scene;
	char g[] = "g", other[] = "other", *removed[] = {g, other};

	scene_init(&scene, fixture, 10);
	change->request.snapshot = false;
	change->request.base_version = 1;
	change->request.version = 2;
	change->request.removed_groups = removed;
	change->request.n_removed_groups = 2;
	CHECK_OK(cluster_apply(&scene.cluster, &change->request, &fault), &fault.err);
	CHECK(groups_find(scene.cluster.groups, "g") == NULL);
	CHECK_EQ(scene.cluster.table.nodes[0].n_running, 0);
	CHECK_EQ(scene.cluster.table.nodes[1].n_running, 1);
}
