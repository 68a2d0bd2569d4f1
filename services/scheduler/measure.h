/*
 * measure.h - what a strategy wants the least of. Private to the strategies.
 *
 * A measure is a whole number that orders the rows exactly; its points are between 0 and
 * 1, and never go down when the measure goes up, in the arithmetic of the machine, too: the
 * search leaves out what cannot be better by comparing them. Pure.
 */
#pragma once

#include "services/scheduler/seek.h"

struct measure {
	enum node_order order;
	bool is_sorted; /* rows of that order ascend by this measure */
	uint64_t (*of)(const struct node *node, const struct want *want);
	/* No row that fits has less. */
	uint64_t (*least)(const struct want *want);
	/* Of a measure, where `least` is what the above said. */
	double (*points)(uint64_t measure, uint64_t least);
	/* The same of NODE_SCAN_BLOCK measures, of rows with room; NULL when it is not sorted. */
	void (*points_all)(const uint64_t *measures, uint64_t least, double *ret_points);
	/* What people see of it when there are no wishes. */
	double (*score)(const struct node *node, const struct want *want);
};

extern const struct measure measure_left;  /* best-fit */
extern const struct measure measure_tasks; /* spread */
extern const struct measure measure_share; /* resource-aware */

/* The greater of the two shares, wanted of free. */
double measure_share_of(const struct amounts *wanted, int64_t cpu_milli, int64_t memory_bytes);

/* The best admitted row by measure and wishes. False: none. */
bool measure_choose(const struct measure *measure, const struct seek *seek, uint32_t *ret_row);
