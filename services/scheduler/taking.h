/*
 * taking.h - what the placements of one call took, to be given back when it ends.
 *
 * The manager decides, not we: what it makes of our answer comes with the next change of
 * its nodes. Until the call ends each task sees what those before it took. One thread.
 */
#pragma once

#include "services/scheduler/cluster.h"
#include "services/scheduler/evict.h"

struct taking {
	uint32_t row;
	struct want want;            /* as it was taken; borrows of the demand */
	struct group *group;         /* counted there; NULL: nobody counts */
	struct evictions *evictions; /* owned; NULL: none */
};

/* A zeroed one is empty. */
struct takings {
	struct taking *list;
	size_t n, room;
};

/* The task goes to the row, and those of the evictions (NULL: none) go away from there. */
void takings_place(struct takings *takings, struct cluster *cluster, const struct seek *seek,
	uint32_t row, const Davit__PlaceTask *task, const struct evictions *evictions);

/* What is free on the row and the task could use is kept for it. */
void takings_claim(struct takings *takings, struct cluster *cluster, const struct seek *seek,
	uint32_t row, const Davit__PlaceTask *task);

/* Gives back all but the first n_left. */
void takings_undo(struct takings *takings, struct cluster *cluster, size_t n_left);

void takings_fini(struct takings *takings);
