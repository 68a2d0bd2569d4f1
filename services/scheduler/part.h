/*
 * part.h - one wish that is counted in the score of a node.
 *
 * Parts are in points: 1 is what a whole wish of weight 100 is worth, and as much as all
 * that the strategy has to say (docs/SCHEDULER.md, "How a node is chosen"). Less is better.
 * What a part points to is good until the table's shape changes. One thread.
 */
#pragma once

#include "services/scheduler/counters.h"

enum part_kind {
	PART_TABLE,  /* what is written for the row's value: preferences, taints */
	PART_NEAR,   /* -weight where at least one is near */
	PART_FAR,    /* +weight for each that is near */
	PART_SPREAD, /* +weight for each of its peers, less what is due to the value */
};

struct part {
	enum part_kind kind;
	double weight;          /* more than 0 */
	const uint32_t *values; /* of TABLE: by row; NULL: the row itself */
	double *table;          /* of TABLE: points by value. Of SPREAD: shares, or NULL. Owned */
	double least;           /* of TABLE: of all */
	const struct counter *counter;
	char *name; /* "spread zone"; owned */
};

void part_fini(struct part *part);

double part_at(const struct part *part, uint32_t row);

/* No row has less. */
double part_least(const struct part *part);
