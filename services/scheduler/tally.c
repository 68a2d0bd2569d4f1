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
	const struct part *part;

	tally->seek = seek;
	tally->n_terms = tally->n_points = 0;
	if (seek->demand->n_parts + seek->filter->n_parts > TALLY_TERMS_MAX)
		return;
	for (uint32_t i = 0; (part = seek_part(seek, i)) != NULL; i++)
		tally->terms[tally->n_terms++] = term_of(tally, part);
}

NODE_SCAN_VECTORISED static void
add_by_value(double *restrict sums, const uint32_t *restrict rows, const uint32_t *restrict values,
	const double *restrict table)
{
	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		sums[i] += table[(int32_t)values[(int32_t)rows[i]]];
}

NODE_SCAN_VECTORISED static void
add_by_row(double *restrict sums, const uint32_t *restrict rows, const uint32_t *restrict counts,
	double weight)
{
	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		sums[i] += weight * (double)counts[(int32_t)rows[i]];
}

static void
term_add(const struct tally_term *term, const uint32_t *rows, double *sums)
{
	if (term->table != NULL)
		add_by_value(sums, rows, term->values, term->table);
	else if (term->counts != NULL)
		add_by_row(sums, rows, term->counts, term->weight);
	else
		for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
			sums[i] += part_at(term->part, rows[i]);
}

void
tally_block(const struct tally *tally, const struct node_scan_rows *rows, const uint32_t *has_room,
	double *ret_sums)
{
	uint32_t row[NODE_SCAN_BLOCK];

	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++) {
		row[i] = (uint32_t)rows->rank[i] & has_room[i]; /* without room: any row */
		ret_sums[i] = 0;
	}
	if (tally->n_terms == 0)
		for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
			ret_sums[i] = seek_wishes_at(tally->seek, row[i]);
	for (uint32_t i = 0; i < tally->n_terms; i++)
		term_add(&tally->terms[i], row, ret_sums);
}

double
tally_at(const struct tally *tally, uint32_t row)
{
	double sum = 0;

	if (tally->n_terms == 0)
		return seek_wishes_at(tally->seek, row);
	for (uint32_t i = 0; i < tally->n_terms; i++) {
		const struct tally_term *term = &tally->terms[i];

		if (term->table != NULL)
			sum += term->table[term->values[row]];
		else if (term->counts != NULL)
			sum += term->weight * (double)term->counts[row];
		else
			sum += part_at(term->part, row);
	}
	return sum;
}
