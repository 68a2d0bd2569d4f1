/* Tested by tests/unit/test_oracle.c. */
#include "services/scheduler/seek.h"

bool
seek_is_avoided(const struct seek *seek, uint32_t row)
{
	uint32_t low = 0, high = seek->n_avoid;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (seek->avoid[middle] < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low < seek->n_avoid && seek->avoid[low] == row;
}

const struct part *
seek_part(const struct seek *seek, uint32_t i)
{
	if (i < seek->filter->n_parts)
		return &seek->filter->parts[i];
	i -= seek->filter->n_parts;
	return i < seek->demand->n_parts ? &seek->demand->parts[i] : NULL;
}

double
seek_wishes_at(const struct seek *seek, uint32_t row)
{
	const struct filter *filter = seek->filter;
	const struct demand *demand = seek->demand;
	double sum = 0;

	for (uint32_t i = 0; i < filter->n_parts; i++)
		sum += part_at(&filter->parts[i], row);
	for (uint32_t i = 0; i < demand->n_parts; i++)
		sum += part_at(&demand->parts[i], row);
	return sum;
}

double
seek_wishes_least(const struct seek *seek)
{
	const struct part *part;
	double sum = 0;

	for (uint32_t i = 0; (part = seek_part(seek, i)) != NULL; i++)
		sum += part_least(part);
	return sum;
}
