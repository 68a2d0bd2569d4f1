/*
 * strategies.h - which of the nodes that fit is the one.
 *
 *   best-fit        the node with the least left over when the task is on it:
 *                   free cores + free GiB. A task that reserves neither has nothing
 *                   to fit and goes where the fewest tasks are, as with spread.
 *   spread          the node with the fewest tasks.
 *   round-robin     the next node, in the order of ids, after the one chosen last.
 *   random          any, with equal chances; the seed decides.
 *   resource-aware  the node where the task's greater share of what is free
 *                   (wanted / free CPU, wanted / free memory) is the smallest.
 *
 * Ties go to the node with fewer tasks, then to the first id. Every node is looked
 * at, and the choice is exact: tests/unit/test_strategies.c compares with brute force.
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "proto/types.pb-c.h"
#include "services/scheduler/node_table.h"

struct strategies; /* what they remember from task to task */

struct strategies *strategies_new(uint64_t seed);
void strategies_free(struct strategies *strategies);
CLEANUP_DEFINE(struct strategies *, strategies_free)

/* -EINVAL with the known names. */
int strategy_parse(const char *name, Davit__TaskSpec__Strategy *ret_strategy, struct err *err);
/* "best-fit", or NULL for CLUSTER and unknown numbers. */
const char *strategy_name(Davit__TaskSpec__Strategy strategy);

struct choice {
	uint32_t row;
	double score; /* less is better; comparable within one strategy */
};

/*
 * Chooses among the rows that fit what is wanted and that allow (1 or 0 per row, a
 * whole number of blocks; NULL: all) admits. want's ports, devices and dynamic ports
 * have to be in allow already. False: none.
 */
bool strategies_choose(struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	struct node_table *table, const struct want *want, const int32_t *allow,
	struct choice *ret_choice);
