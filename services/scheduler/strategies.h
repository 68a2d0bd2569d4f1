/*
 * strategies.h - which of the nodes that come into question is the one.
 *
 *   best-fit        the node with the least left over when the task is on it: free cores +
 *                   free GiB, and 8 for each free device. A task that reserves nothing has
 *                   nothing to fit and goes where the fewest tasks are, as with spread.
 *   spread          the node with the fewest tasks.
 *   round-robin     the next node, in the order of ids, after the one chosen last.
 *   random          any, with equal chances; the seed decides.
 *   resource-aware  the node where the task's greater share of what is free
 *                   (wanted / free CPU, wanted / free memory) is the smallest.
 *
 * A task with wishes goes where the sum of the strategy's points and those of its wishes
 * is the least (docs/SCHEDULER.md, "How a node is chosen"). Ties go to the node with fewer
 * tasks, then to the first id; with round-robin to the next, with random to any. The choice
 * is exact: tests/unit/test_oracle.c compares with brute force. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/types.pb-c.h"
#include "services/scheduler/seek.h"

struct strategies; /* what they remember from task to task */

struct strategies *strategies_new(uint64_t seed);
void strategies_free(struct strategies *strategies);
CLEANUP_DEFINE(struct strategies *, strategies_free)

/* A second one that goes on from the same point: for questions that change nothing. */
struct strategies *strategies_copy(const struct strategies *strategies);

/* "best-fit", or NULL for CLUSTER and unknown numbers. */
const char *strategy_name(Davit__TaskSpec__Strategy strategy);

struct choice {
	uint32_t row;
	double score; /* less is better; comparable within one strategy */
};

/* The best of the rows that seek_admits. False: none. */
bool strategies_choose(struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	const struct seek *seek, struct choice *ret_choice);

/* What the strategy alone says of an admitted row: points when the task has wishes. */
double strategies_fit(const struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	const struct seek *seek, uint32_t row);
