/*
 * refusal.h - why a task got no node, in numbers and in one sentence.
 *
 *     no node fits: cpu short on 2 of 3 nodes (wants 4, nearest n2 has 1.5 free), 1 draining
 *
 * A node counts for the first of state, draining, avoided, platform, constraint and
 * slots that rules it out; one that passes these counts for everything that it is
 * short of. The nearest is the one that lacks least, measured by what is wanted.
 */
#pragma once

#include <stdint.h>

#include "proto/scheduler.pb-c.h"
#include "services/scheduler/filters.h"
#include "services/scheduler/limits.h"

struct refusal {
	char message[PLACE_MESSAGE_MAX];
	uint32_t counts[FILTER_COUNT];
	uint32_t nearest;    /* row, or NODE_ROW_NONE when size was not the reason */
	struct want lacking; /* on the nearest; no ports in it */
};

/* avoid: ids of nodes that the task may not go to. */
void refusal_explain(const struct node_table *table, const struct demand *demand,
	char *const *avoid, size_t n_avoid, struct refusal *ret_refusal);
