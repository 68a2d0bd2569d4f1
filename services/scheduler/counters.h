/*
 * counters.h - how many tasks of some kind there are per zone, rack or node.
 *
 * What affinities, anti-affinities and spreads look at for every row. A counter is filled
 * when it is first asked for, and from then on follows every task that comes or goes; it is
 * good until the table's shape changes. One thread.
 */
#pragma once

#include "common/base/cleanup.h"
#include "services/scheduler/facets.h"
#include "services/scheduler/groups.h"

enum counter_kind {
	COUNTER_MATCH, /* tasks of a namespace with a label */
	COUNTER_REPEL, /* tasks of a namespace that have that repel */
	COUNTER_PEERS, /* tasks of one array, or of one name */
};

struct counter_wish {
	enum counter_kind kind;
	const char *namespace; /* of MATCH and REPEL */
	const char *label;     /* of MATCH and REPEL: "app=web", "app" */
	const char *topology;  /* NULL or "node": each row by itself */
	struct peers *peers;   /* of PEERS */
};

struct counter {
	UT_hash_handle hh;
	char *key;
	enum counter_kind kind;
	char *namespace;
	struct repel repel; /* its selector, and for REPEL its topology */
	struct peers *peers;
	uint64_t serial;
	const struct facet *facet; /* NULL: rows */
	uint32_t *counts;          /* by value of the facet (that of 0 stays 0), or by row */
	uint32_t n_counts;
	uint32_t *n_with; /* how many values have so many */
	uint32_t n_with_room;
	uint32_t least, most; /* of the values that there are */
	uint32_t total;       /* with those on rows without a value */
	struct counter *next_of_peers;
	struct counter *next_of_label; /* MATCH and REPEL of one label in one namespace */
	UT_hash_handle hh_label;       /* of the first of those */
	char *label_key;               /* of all of them: namespace, newline, label */
};

/* How many are near the row. */
static inline uint32_t
counter_at(const struct counter *counter, uint32_t row)
{
	return counter->counts[counter->facet != NULL ? counter->facet->values[row] : row];
}

/* Whether the row has a value of the topology at all. */
static inline bool
counter_has_value(const struct counter *counter, uint32_t row)
{
	return counter->facet == NULL || counter->facet->values[row] != 0;
}

struct counters;

struct counters *counters_new(struct node_table *table, struct facets *facets,
	struct groups *groups);
void counters_free(struct counters *counters);
CLEANUP_DEFINE(struct counters *, counters_free)

/* Forgets what is old, or too much. Counters are good until then. Before facets_begin. */
void counters_begin(struct counters *counters);
void counters_forget(struct counters *counters);

const struct counter *counters_get(struct counters *counters, const struct counter_wish *wish);

/* Called by groups_run. */
void counters_on_run(struct counters *counters, uint32_t row, struct group *group, int32_t n);

unsigned counters_n_kept(const struct counters *counters);
