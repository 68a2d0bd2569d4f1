/*
 * cluster.h - what the manager said: the nodes, and what runs on them.
 *
 * It could all be lost: the version says what it is, and a snapshot makes it again.
 * facets and counters are derived of it. One thread.
 */
#pragma once

#include "services/scheduler/counters.h"
#include "services/scheduler/facets.h"
#include "services/scheduler/groups.h"
#include "services/scheduler/node_table.h"
#include "services/scheduler/place_check.h"

struct cluster {
	struct node_table table;
	struct facets *facets;
	struct groups *groups;
	struct counters *counters;
	bool has_nodes;  /* a snapshot was seen, and nothing went wrong since */
	bool has_groups; /* what runs is told */
	uint64_t version;
};

void cluster_init(struct cluster *cluster, uint32_t tasks_per_node_max);
void cluster_fini(struct cluster *cluster);

/*
 * Applies a request that place_check let pass. -ESTALE: it does not apply to what is here, a
 * snapshot is needed; -EINVAL: fault says what is wrong.
 */
int cluster_apply(struct cluster *cluster, const Davit__PlaceRequest *request,
	struct place_fault *fault);
