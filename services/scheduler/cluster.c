/* Tested by tests/unit/test_cluster.c. */
#include "services/scheduler/cluster.h"

#include <errno.h>

#include "common/base/mem.h"

void
cluster_init(struct cluster *cluster, uint32_t tasks_per_node_max)
{
	*cluster = (struct cluster){0};
	node_table_init(&cluster->table, tasks_per_node_max);
	cluster->facets = facets_new(&cluster->table);
	cluster->groups = groups_new(&cluster->table);
	cluster->counters = counters_new(&cluster->table, cluster->facets, cluster->groups);
	groups_set_counters(cluster->groups, cluster->counters);
}

void
cluster_fini(struct cluster *cluster)
{
	node_table_clear(&cluster->table);
	groups_free(cluster->groups); /* it tells the counters to forget */
	counters_free(cluster->counters);
	facets_free(cluster->facets);
	node_table_fini(&cluster->table);
}

static int
node_compare(const void *a, const void *b)
{
	const Davit__PlaceNode *const *left = a, *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

static int
text_compare(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* The request's nodes and removed nodes in the order of their ids. The caller frees both. */
struct sorted_change {
	Davit__PlaceNode **nodes;
	const char **removed;
};

static void
sorted_change_fini_cleanup(struct sorted_change *change)
{
	free(change->nodes);
	free(change->removed);
}

static int
sort_change(const Davit__PlaceRequest *request, struct sorted_change *ret_change,
	struct place_fault *fault)
{
	size_t n = request->n_nodes;
	Davit__PlaceNode **nodes = xcalloc(n + 1, sizeof nodes[0]);
	const char **removed = xcalloc(request->n_removed_nodes + 1, sizeof removed[0]);

	*ret_change = (struct sorted_change){.nodes = nodes, .removed = removed};
	for (size_t i = 0; i < n; i++)
		nodes[i] = request->nodes[i];
	for (size_t i = 0; i < request->n_removed_nodes; i++)
		removed[i] = request->removed_nodes[i];
	qsort(nodes, n, sizeof nodes[0], node_compare);
	qsort(removed, request->n_removed_nodes, sizeof removed[0], text_compare);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(nodes[i - 1]->id, nodes[i]->id) == 0)
			return place_fault_set(fault, -EINVAL, "nodes", "hold '%.100s' twice",
				nodes[i]->id);
	}
	return 0;
}

static int
check_version(const struct cluster *cluster, const Davit__PlaceRequest *request,
	struct place_fault *fault)
{
	if (request->snapshot)
		return 0;
	if (!cluster->has_nodes)
		return place_fault_set(fault, -ESTALE, "base_version",
			"nothing is known of the nodes yet: send a snapshot");
	if (request->base_version != cluster->version)
		return place_fault_set(fault, -ESTALE, "base_version",
			"the changes start from version %llu, the cache is at %llu: send a snapshot",
			(unsigned long long)request->base_version,
			(unsigned long long)cluster->version);
	return 0;
}

/* What runs on the nodes of the request. */
static int
apply_running(struct cluster *cluster, const Davit__PlaceRequest *request,
	struct place_fault *fault)
{
	for (size_t i = 0; i < request->n_nodes; i++) {
		const Davit__PlaceNode *node = request->nodes[i];
		uint32_t row = node->n_running > 0 ? node_table_find(&cluster->table, node->id)
						   : NODE_ROW_NONE;

		if (row == NODE_ROW_NONE)
			continue; /* or it is removed, too */
		for (size_t k = 0; k < node->n_running; k++) {
			const Davit__PlaceCount *count = node->running[k];

			if (groups_set(cluster->groups, row, count->group_id, count->n) == 0)
				continue;
			cluster->has_nodes = false;
			return place_fault_set(fault, request->snapshot ? -EINVAL : -ESTALE,
				"nodes.running", "the group '%.100s' is not known: send a snapshot",
				count->group_id);
		}
	}
	return 0;
}

int
cluster_apply(struct cluster *cluster, const Davit__PlaceRequest *request,
	struct place_fault *fault)
{
	CLEANUP(sorted_change_fini) struct sorted_change change = {0};
	int rc = check_version(cluster, request, fault);

	if (rc == 0)
		rc = sort_change(request, &change, fault);
	if (rc < 0)
		return rc;
	if (request->snapshot) {
		node_table_clear(&cluster->table);
		groups_clear(cluster->groups);
		cluster->has_groups = request->has_groups;
	}
	cluster->has_nodes = true;
	for (size_t i = 0; cluster->has_groups && i < request->n_groups; i++)
		groups_put(cluster->groups, request->groups[i]);
	node_table_update(&cluster->table, change.nodes, request->n_nodes, change.removed,
		request->n_removed_nodes);
	if (cluster->has_groups)
		rc = apply_running(cluster, request, fault);
	for (size_t i = 0; cluster->has_groups && i < request->n_removed_groups; i++)
		groups_remove(cluster->groups, request->removed_groups[i]);
	counters_begin(cluster->counters);
	facets_begin(cluster->facets);
	if (rc == 0 && (request->has_version || request->snapshot))
		cluster->version = request->version;
	return rc;
}
