/*
 * tally.h - a task's wishes, made ready to be asked for many rows.
 *
 * seek_wishes_at looks up what each wish counts and how; a tally has done so once. What it
 * says is the same, to the last bit. It borrows from the seek, and is good until something
 * is placed. One thread.
 */
#pragma once

#include "services/scheduler/seek.h"

enum {
	TALLY_TERMS_MAX = 8,   /* wishes; with more it asks the seek */
	TALLY_POINTS_MAX = 64, /* of all wishes that are tabled here */
};

/* One wish: by the value of a facet, by what runs on the row, or however the part does. */
struct tally_term {
	const uint32_t *values; /* with a table: by row */
	const double *table;    /* points by value; NULL: not by value */
	const uint32_t *counts; /* by row; NULL: the part knows */
	double weight;          /* of counts */
	const struct part *part;
};

struct tally {
	const struct seek *seek;
	uint32_t n_terms; /* 0 with more than TALLY_TERMS_MAX */
	uint32_t n_points;
	struct tally_term terms[TALLY_TERMS_MAX];
	double points[TALLY_POINTS_MAX];
};

void tally_init(struct tally *tally, const struct seek *seek);

/*
 * The wishes of each row of a block that has_room says, the same as seek_wishes_at, to the last
 * bit; of the others anything. Without a branch that depends on the row.
 */
void tally_block(const struct tally *tally, const struct node_scan_rows *rows,
	const uint32_t *has_room, double *ret_sums);

/* The same of one row. */
double tally_at(const struct tally *tally, uint32_t row);
