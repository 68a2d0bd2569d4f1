/* Counts what the simulated cluster asked of the state machines (linked with --wrap=fsm_next). */
#include <stdio.h>

#include "common/model/task_fsm.h"
#include "services/worker/slot_fsm.h"
#include "tests/sim/sim.h"

int __real_fsm_next(const struct fsm *fsm, unsigned from, unsigned event, unsigned *ret_to,
	struct err *err);
int __wrap_fsm_next(const struct fsm *fsm, unsigned from, unsigned event, unsigned *ret_to,
	struct err *err);

enum { CELLS_MAX = 32 * 32 };

/* [state * n_events + event]: asked, whatever the answer; over all runs. */
static uint64_t task_cells[CELLS_MAX], slot_cells[CELLS_MAX];

static uint64_t *
cells_of(const struct fsm *fsm)
{
	if (fsm == &task_fsm)
		return task_cells;
	return fsm == &worker_slot_fsm ? slot_cells : NULL;
}

int
__wrap_fsm_next(const struct fsm *fsm, unsigned from, unsigned event, unsigned *ret_to,
	struct err *err)
{
	uint64_t *cells = cells_of(fsm);

	if (cells != NULL && from * fsm->n_events + event < CELLS_MAX)
		cells[from * fsm->n_events + event]++;
	return __real_fsm_next(fsm, from, event, ret_to, err);
}

bool
sim_coverage_is_allowed(const struct fsm *fsm, unsigned state, unsigned event)
{
	return fsm->matrix[state * fsm->n_events + event] != 0;
}

bool
sim_coverage_is_worn(const struct fsm *fsm, unsigned state, unsigned event)
{
	enum { ENOUGH = 200 };

	return cells_of(fsm)[state * fsm->n_events + event] >= ENOUGH;
}

static void
print(const struct fsm *fsm)
{
	const uint64_t *cells = cells_of(fsm);

	(void)printf("| %s |", fsm->name);
	for (unsigned event = 0; event < fsm->n_events; event++)
		(void)printf(" %s |", fsm->event_name[event]);
	(void)printf("\n");
	for (unsigned state = 1; state < fsm->n_states; state++) {
		(void)printf("| %s %s |", fsm->name, fsm->state_name[state]);
		for (unsigned event = 0; event < fsm->n_events; event++)
			(void)printf(" %s%llu |",
				sim_coverage_is_allowed(fsm, state, event) ? "" : "refused ",
				(unsigned long long)cells[state * fsm->n_events + event]);
		(void)printf("\n");
	}
}

void
sim_coverage_print(void)
{
	print(&task_fsm);
	print(&worker_slot_fsm);
}
