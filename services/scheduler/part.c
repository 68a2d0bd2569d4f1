#include "services/scheduler/part.h"

#include "common/base/mem.h"

void
part_fini(struct part *part)
{
	free(part->table);
	free(part->name);
}

/* The peers at a value over what is due to it, now that there will be one more of them. */
static double
over_share(const struct part *part, uint32_t value)
{
	const struct counter *counter = part->counter;
	double due = part->table != NULL ? part->table[value] * ((double)counter->total + 1) : 0;

	return part->weight * ((double)counter->counts[value] - due);
}

double
part_at(const struct part *part, uint32_t row)
{
	const struct counter *counter = part->counter;

	switch (part->kind) {
	case PART_TABLE:
		return part->table[part->values != NULL ? part->values[row] : row];
	case PART_NEAR:
		return counter_at(counter, row) > 0 ? -part->weight : 0;
	case PART_FAR:
		return part->weight * (double)counter_at(counter, row);
	case PART_SPREAD:
		if (!counter_has_value(counter, row))
			return part->weight * ((double)counter->most + 1);
		return over_share(part, counter->facet != NULL ? counter->facet->values[row] : row);
	}
	return 0;
}

double
part_least(const struct part *part)
{
	const struct counter *counter = part->counter;
	double least;

	switch (part->kind) {
	case PART_TABLE:
		return part->least;
	case PART_NEAR:
		return counter->most > 0 ? -part->weight : 0;
	case PART_FAR:
		if (counter->facet != NULL && counter->facet->n_none > 0)
			return 0;
		return part->weight * (double)counter->least;
	case PART_SPREAD:
		if (part->table == NULL)
			return part->weight * (double)counter->least;
		least = part->weight * ((double)counter->most + 1);
		for (uint32_t i = counter->facet != NULL; i < counter->n_counts; i++) {
			double here = over_share(part, i);

			least = here < least ? here : least;
		}
		return least;
	}
	return 0;
}
