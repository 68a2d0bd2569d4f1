#include "services/scheduler/part.h"

#include <stdio.h>

#include "common/base/mem.h"

void
part_fini(struct part *part)
{
	free(part->table);
}

const char *
wish_name_text(const struct wish_name *name, char room[WISH_NAME_MAX])
{
	(void)snprintf(room, WISH_NAME_MAX, "%.100s%s%.100s%s%.100s", name->what,
		name->about != NULL ? " " : "", name->about != NULL ? name->about : "",
		name->topology != NULL ? " in " : "", name->topology != NULL ? name->topology : "");
	return room;
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
			double here = part_over_share(part, i);

			least = here < least ? here : least;
		}
		return least;
	}
	return 0;
}
