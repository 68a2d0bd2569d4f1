/*
 * evict.h - whose place a task may take, and where room may be kept for it.
 *
 * Only tasks of its own namespace and of lower priority. The least harm: the fewest tasks,
 * then those of the lowest priorities, then the youngest. The search is exhaustive, the
 * fewest tasks first, up to EVICT_EXACT_MAX tasks and EVICT_TRIES_MAX steps; from there on they
 * are gathered by what helps most, and those that turn out not to be needed are let go. Host ports
 * that a stranger holds, and what limits say, are not overcome. One thread.
 */
#pragma once

#include "services/scheduler/judge.h"

enum {
	EVICT_GROUPS_MAX = 16,       /* of which tasks are evicted for one */
	EVICT_EXACT_MAX = 64,        /* tasks of a set of which all are looked at */
	EVICT_TRIES_MAX = 1 << 18,   /* steps of that for one task: some 20 ms */
	EVICT_CANDIDATES_MAX = 1024, /* groups that are looked at on one node */
};

struct evictions {
	uint32_t row;
	struct {
		struct group *group;
		uint32_t n;
	} of[EVICT_GROUPS_MAX];
	uint32_t n_groups;
	uint32_t n_tasks;
};

/* False: nothing helps. */
bool evict_choose(const struct seek *seek, struct cluster *cluster,
	struct evictions *ret_evictions);

/*
 * The node that is large enough and lacks least now, or NODE_ROW_NONE. kept: by row, for how
 * many others of the same gang it has to be large enough, too; NULL: none.
 */
uint32_t claim_choose(const struct seek *seek, struct cluster *cluster, const uint32_t *kept);
