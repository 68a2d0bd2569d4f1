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
	TALLY_FAR_MAX = 8,     /* hard wishes; the others are left to seek_admits */
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
	uint32_t n_far, n_points;
	struct tally_term terms[TALLY_TERMS_MAX];
	const uint32_t *far[TALLY_FAR_MAX]; /* counts by row: none may be there */
	double points[TALLY_POINTS_MAX];
};

void tally_init(struct tally *tally, const struct seek *seek);

/* True: seek_admits would not admit the row. False says nothing. */
static inline bool
tally_rules_out(const struct tally *tally, uint32_t row)
{
	for (uint32_t i = 0; i < tally->n_far; i++)
		if (tally->far[i][row] > 0)
			return true;
	return false;
}

static inline double
tally_term_at(const struct tally_term *term, uint32_t row)
{
	if (term->table != NULL)
		return term->table[term->values[row]];
	if (term->counts != NULL)
		return term->weight * (double)term->counts[row];
	return part_at(term->part, row);
}

/* The same as seek_wishes_at, in the same order. */
static inline double
tally_at(const struct tally *tally, uint32_t row)
{
	double sum = 0;

	if (tally->n_terms == 0)
		return seek_wishes_at(tally->seek, row);
	for (uint32_t i = 0; i < tally->n_terms; i++)
		sum += tally_term_at(&tally->terms[i], row);
	return sum;
}
