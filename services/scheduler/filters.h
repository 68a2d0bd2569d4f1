/*
 * filters.h - which nodes come into question for a task, whatever is on them.
 *
 * Platform, constraints and taints rule nodes out; preferences and taints that only
 * dislike tasks count in the score. Nothing of that changes while tasks are placed, so tasks
 * that ask for the same share the result for a whole call. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/scheduler/cluster.h"
#include "services/scheduler/part.h"

struct filter {
	UT_hash_handle hh;
	char *key;
	uint64_t *bits;      /* by row: 1 admitted; NULL: all are */
	uint32_t n_admitted; /* rows */
	struct part *parts;
	uint32_t n_parts;
};

static inline bool
filter_admits(const struct filter *filter, uint32_t row)
{
	return filter->bits == NULL || (filter->bits[row / 64] >> (row % 64) & 1) != 0;
}

struct filters;

struct filters *filters_new(struct cluster *cluster);
void filters_free(struct filters *filters);
CLEANUP_DEFINE(struct filters *, filters_free)

/* Forgets all results: when nodes may have changed. */
void filters_reset(struct filters *filters);

/*
 * The filter of a spec; the key is filter_key's. Good until filters_get makes another one. A
 * constraint that cannot be read is -EINVAL with words.
 */
int filters_get(struct filters *filters, const Davit__TaskSpec *spec, const char *key,
	const struct filter **ret_filter, struct err *err);

/* Equal keys, equal filters. The caller frees. */
char *filter_key(const Davit__TaskSpec *spec);

/* How many results are kept, and how many were computed since the reset: for tests. */
unsigned filters_n_kept(const struct filters *filters);
unsigned filters_n_computed(const struct filters *filters);
