/*
 * seek.h - the search for one task's node: what may be chosen, and what speaks for it.
 *
 * Borrows all that it points to. One thread.
 */
#pragma once

#include "services/scheduler/demand.h"
#include "services/scheduler/filters.h"

struct seek {
	struct node_table *table;
	const struct demand *demand;
	const struct filter *filter;
	const uint32_t *avoid; /* rows, ascending */
	uint32_t n_avoid;
};

bool seek_is_avoided(const struct seek *seek, uint32_t row);

/* Whether the row comes into question, exactly. */
static inline bool
seek_admits(const struct seek *seek, uint32_t row)
{
	return filter_admits(seek->filter, row) &&
	       node_table_fits(seek->table, row, &seek->demand->want) &&
	       (seek->demand->n_limits == 0 ||
		       demand_limit_at(seek->demand, seek->table, row) == NULL) &&
	       (seek->n_avoid == 0 || !seek_is_avoided(seek, row));
}

static inline bool
seek_has_wishes(const struct seek *seek)
{
	return seek->demand->n_parts + seek->filter->n_parts > 0;
}

/* The sum of all parts, in their order: the filter's, then the demand's. */
double seek_wishes_at(const struct seek *seek, uint32_t row);

/* No row has less. */
double seek_wishes_least(const struct seek *seek);

/* The i-th part, in the order in which they are summed; NULL behind the last. */
const struct part *seek_part(const struct seek *seek, uint32_t i);
