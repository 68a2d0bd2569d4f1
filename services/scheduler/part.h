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

/* What it is called: "affinity app=web in zone". Borrowed, put together only when it is told. */
struct wish_name {
	const char *what;
	const char *about;    /* NULL: nothing more */
	const char *topology; /* NULL: none */
};

enum { WISH_NAME_MAX = 400 };

/* Returns room, filled. */
const char *wish_name_text(const struct wish_name *name, char room[WISH_NAME_MAX]);

struct part {
	enum part_kind kind;
	double weight;          /* more than 0 */
	const uint32_t *values; /* of TABLE: by row; NULL: the row itself */
	double *table;          /* of TABLE: points by value. Of SPREAD: shares, or NULL. Owned */
	double least;           /* of TABLE: of all */
	const struct counter *counter;
	struct wish_name name;
};

void part_fini(struct part *part);

/* The peers at a value over what is due to it, now that there will be one more of them. */
static inline double
part_over_share(const struct part *part, uint32_t value)
{
	const struct counter *counter = part->counter;
	double due = part->table != NULL ? part->table[value] * ((double)counter->total + 1) : 0;

	return part->weight * ((double)counter->counts[value] - due);
}

/* Of a part that counts: what it says of all rows of a value, or of the row. */
static inline double
part_at_value(const struct part *part, uint32_t value)
{
	const struct counter *counter = part->counter;

	switch (part->kind) {
	case PART_TABLE:
		break;
	case PART_NEAR:
		return counter->counts[value] > 0 ? -part->weight : 0;
	case PART_FAR:
		return part->weight * (double)counter->counts[value];
	case PART_SPREAD:
		if (counter->facet != NULL && value == 0)
			return part->weight * ((double)counter->most + 1);
		return part_over_share(part, value);
	}
	return 0;
}

static inline double
part_at(const struct part *part, uint32_t row)
{
	const struct counter *counter = part->counter;

	if (part->kind == PART_TABLE)
		return part->table[part->values != NULL ? part->values[row] : row];
	return part_at_value(part, counter->facet != NULL ? counter->facet->values[row] : row);
}

/* No row has less. */
double part_least(const struct part *part);
