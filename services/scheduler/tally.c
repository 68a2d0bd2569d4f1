/* Tested by tests/unit/test_oracle.c. */
#include "services/scheduler/tally.h"

/* The points of each value of the part's facet, if there are few. NULL: there are not. */
static const double *
table_of(struct tally *tally, const struct part *part)
{
	const struct counter *counter = part->counter;
	double *table = &tally->points[tally->n_points];

	if (counter->n_counts > TALLY_POINTS_MAX - tally->n_points)
		return NULL;
	for (uint32_t value = 0; value < counter->n_counts; value++)
		table[value] = part_at_value(part, value);
	tally->n_points += counter->n_counts;
	return table;
}

static struct tally_term
term_of(struct tally *tally, const struct part *part)
{
	const struct counter *counter = part->counter;
	struct tally_term term = {.part = part};

	if (part->kind == PART_TABLE && part->values != NULL) {
		term.values = part->values;
		term.table = part->table;
	} else if (part->kind != PART_TABLE && counter->facet != NULL) {
		term.values = counter->facet->values;
		term.table = table_of(tally, part);
	} else if (part->kind == PART_FAR) {
		term.counts = counter->counts;
		term.weight = part->weight;
	}
	return term;
}

void
tally_init(struct tally *tally, const struct seek *seek)
{
	const struct demand *demand = seek->demand;
	const struct part *part;

	tally->seek = seek;
	tally->n_terms = tally->n_far = tally->n_points = 0;
	if (demand->n_parts + seek->filter->n_parts <= TALLY_TERMS_MAX)
		for (uint32_t i = 0; (part = seek_part(seek, i)) != NULL; i++)
			tally->terms[tally->n_terms++] = term_of(tally, part);
	for (uint32_t i = 0; i < demand->n_limits && tally->n_far < TALLY_FAR_MAX; i++)
		if (demand->limits[i].kind == LIMIT_FAR && demand->limits[i].counter->facet == NULL)
			tally->far[tally->n_far++] = demand->limits[i].counter->counts;
}
