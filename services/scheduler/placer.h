/*
 * placer.h - the core of the scheduler: one call of Place.
 *
 * It keeps what the manager said (cluster.h), by version, and nothing that it
 * could not lose. Within one call a placement takes room, so that the next task
 * sees it; when the call ends that room is given back, since only the manager
 * decides: it will say so with the next change of that node. Same calls, same
 * seed, same answers. No socket, clock or thread in here; one thread.
 */
#pragma once

#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "proto/scheduler.pb-c.h"
#include "services/scheduler/place_check.h"

struct placer;

struct placer_options {
	Davit__TaskSpec__Strategy
		strategy; /* for tasks of which the manager says nothing; CLUSTER: best-fit */
	uint64_t seed;
	uint32_t tasks_per_node_max; /* 0: PLACE_TASKS_PER_NODE_MAX */
};

struct placer *placer_new(const struct placer_options *options);
void placer_free(struct placer *placer);
CLEANUP_DEFINE(struct placer *, placer_free)

/*
 * Applies the changes, then serves the tasks in order. *ret_reply belongs to the
 * placer and is good until its next call; it borrows from the request, too.
 * -ESTALE: the changes do not apply to what is kept, a snapshot is needed.
 * -EINVAL: fault says which field is wrong. Nothing was changed then.
 */
int placer_place(struct placer *placer, const Davit__PlaceRequest *request,
	const Davit__PlaceReply **ret_reply, struct place_fault *fault);

/* Frees the last reply, so that a quiet scheduler is a small one. */
void placer_reply_done(struct placer *placer);

uint64_t placer_version(const struct placer *placer);
uint32_t placer_n_nodes(const struct placer *placer);

/* Since the start. */
struct placer_counts {
	uint64_t n_calls, n_stale, n_placed, n_refused;
};
void placer_counts(const struct placer *placer, struct placer_counts *ret_counts);
