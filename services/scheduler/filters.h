/*
 * filters.h - which nodes come into question for a task, whatever their size.
 *
 * Constraints, platform, devices and host ports rule nodes out. Tasks that ask for
 * the same share the result (struct filter, one number per row), and when a task
 * was placed only the rows that it touched are asked again. Results are for one
 * call of Place: filters_reset when nodes may have changed. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/types.pb-c.h"
#include "services/scheduler/node_table.h"
#include "services/scheduler/rule.h"

/* The first reason why a node is out, in the order in which they are looked at. */
enum filter_reason {
	FILTER_NONE, /* it is not out */
	FILTER_STATE,
	FILTER_DRAINING,
	FILTER_AVOIDED,
	FILTER_PLATFORM,
	FILTER_CONSTRAINT,
	FILTER_SLOTS,
	FILTER_CPU,
	FILTER_MEMORY,
	FILTER_DISK,
	FILTER_GPU,
	FILTER_PORT,
	FILTER_DYNAMIC_PORTS,
	FILTER_COUNT
};

/* "cpu", "memory", …: the word in FilterCount. */
const char *filter_name(enum filter_reason reason);

/* What a spec asks of a node, read once per call. */
struct demand {
	struct want want;
	uint16_t *ports; /* behind want.ports */
	const Davit__TaskSpec *spec;
	char *key; /* equal keys, equal filters; NULL: nothing but sizes is asked for */
};

/* Never fails: what is too much fits nowhere. The spec is borrowed for the demand's life. */
void demand_init(struct demand *demand, const Davit__TaskSpec *spec);
void demand_fini(struct demand *demand);

struct filters;

struct filters *filters_new(struct node_table *table);
void filters_free(struct filters *filters);
CLEANUP_DEFINE(struct filters *, filters_free)

void filters_reset(struct filters *filters);

/*
 * 1 or 0 per row, for strategies_choose: NULL when all rows are admitted. Valid until
 * the next call. A constraint that cannot be read is -EINVAL with words.
 */
int filters_get(struct filters *filters, const struct demand *demand, const int32_t **ret_allow,
	struct err *err);

/* To be told after node_table_take. */
void filters_taken(struct filters *filters, uint32_t row, const struct want *want);

/* How many results are kept, and how many were computed since the reset: for tests. */
unsigned filters_n_kept(const struct filters *filters);
unsigned filters_n_computed(const struct filters *filters);
