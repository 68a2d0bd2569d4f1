/*
 * preempting.h - who has to go when a scheduler proposes evictions.
 *
 * The scheduler names families and numbers; the manager decides which tasks that are,
 * and whether it may be: of the same namespace, of lower priority, really there, not
 * going already, and room enough afterwards. A gang ends others for all of its tasks or
 * for none. Part of the manager's core.
 */
#pragma once

#include <stddef.h>

#include "common/base/err.h"
#include "proto/scheduler.pb-c.h"

struct manager;
struct node;
struct placing_proposal;
struct task;

/* On one node: so many of these families for so many tasks of a spec. */
struct preempting_site {
	struct node *node;
	uint32_t n_tasks;
	Davit__PlaceCount **counts;
	size_t n_counts,
		n_counts_max; /* the latter: room, before counts of one family are added up */
};

/*
 * What placements of one spec come to, node by node, in the batch's arena. Placements on
 * nodes that are NULL are left out.
 */
struct preempting_site *preempting_gather(struct manager *manager,
	Davit__Placement *const *placements, struct node *const *nodes, size_t n, size_t *ret_n);

/*
 * The youngest tasks of the families, as many as the site says, in the batch's arena.
 * -EPERM, -ENOENT or -ENOSPC with words when tasks of the spec may not have them ended,
 * they are not there, or it would not be room enough even then.
 */
int preempting_choose(struct manager *manager, const Davit__TaskSpec *spec,
	const struct preempting_site *site, struct task ***ret_tasks, size_t *ret_n,
	struct err *err);

/* Ends them for the proposal's tasks, which wait for room. The errors above and of claims_make. */
int preempting_apply(struct manager *manager, const struct placing_proposal *proposal,
	struct err *err);
