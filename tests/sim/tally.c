/* How often each thing went wrong, over all runs of the process. */
#include <stdio.h>

#include "tests/sim/sim.h"

static uint64_t counts[SIM_TALLY_COUNT];

void
sim_count(struct sim *sim, enum sim_tally what)
{
	counts[what] += sim->is_ending ? 0 : 1;
}

void
sim_tally_print(void)
{
	static const char *const names[] = {
#define X(id, name) [SIM_##id] = (name),
		SIM_TALLIES(X)
#undef X
	};

	const char *comma = "";

	(void)printf("happened:");
	for (unsigned i = 0; i < SIM_TALLY_COUNT; i++) {
		if (counts[i] == 0)
			continue;
		(void)printf("%s %s %llu", comma, names[i], (unsigned long long)counts[i]);
		comma = ",";
	}
	(void)printf("\n");
}
