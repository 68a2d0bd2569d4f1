/*
 * facets.h - one label or attribute of all nodes, as a column of small numbers.
 *
 * Values are numbered from 1 in the order in which rows have them; 0 is a node without. So
 * a constraint is asked once per distinct value, and what is counted per zone is an
 * array as long as there are zones. Facets are made when first asked for, and good until
 * the table's shape changes. One thread.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/model/constraint.h"
#include "services/scheduler/node_table.h"

/* Beside the subjects of constraints: all taints of a node. */
enum { FACET_TAINTS = CONSTRAINT_COUNT };

struct facet {
	int subject;       /* enum constraint_subject or FACET_TAINTS; not NODE_ID nor NODE_NAME */
	char *key;         /* of a label, else "" */
	uint32_t *values;  /* by row */
	uint32_t *texts;   /* by value: numbers of the table's intern */
	uint32_t n_values; /* with 0 */
	uint32_t n_none;   /* rows whose value is 0 */
	struct facet *next;
};

struct facets;

struct facets *facets_new(const struct node_table *table);
void facets_free(struct facets *facets);
CLEANUP_DEFINE(struct facets *, facets_free)

/* Forgets what is old, or too many. Pointers to facets are good until then. */
void facets_begin(struct facets *facets);

/* Never NULL; a key that no node has gives a facet of zeros. */
const struct facet *facets_get(struct facets *facets, int subject, const char *key,
	size_t key_size);

/* "zone" as a topology: that label, or NULL for "node", which is the row itself. */
const struct facet *facets_topology(struct facets *facets, const char *topology);

/* The text of a value; NULL for 0. */
const char *facet_text(const struct facet *facet, const struct node_table *table, uint32_t value);

unsigned facets_n_kept(const struct facets *facets);
