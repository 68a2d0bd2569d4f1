/* Counts what the simulated cluster asked of the state machine (linked with --wrap=fsm_next). */
#include <errno.h>
#include <stdio.h>

#include "common/model/task_fsm.h"
#include "tests/sim/sim.h"

int __real_fsm_next(const struct fsm *fsm, unsigned from, unsigned event, unsigned *ret_to,
	struct err *err);
int __wrap_fsm_next(const struct fsm *fsm, unsigned from, unsigned event, unsigned *ret_to,
	struct err *err);

static uint64_t taken[TASK_STATE_COUNT][TASK_EVENT_COUNT];

int
__wrap_fsm_next(const struct fsm *fsm, unsigned from, unsigned event, unsigned *ret_to,
	struct err *err)
{
	if (fsm == &task_fsm)
		taken[from][event]++;
	return __real_fsm_next(fsm, from, event, ret_to, err);
}

void
sim_coverage_print(void)
{
	struct err err;
	unsigned to;

	(void)printf("| task |");
	for (unsigned event = 0; event < TASK_EVENT_COUNT; event++)
		(void)printf(" %s |", task_fsm.event_name[event]);
	(void)printf("\n");
	for (unsigned state = 1; state < TASK_STATE_COUNT; state++) {
		(void)printf("| %s |", task_fsm.state_name[state]);
		for (unsigned event = 0; event < TASK_EVENT_COUNT; event++) {
			bool allowed = __real_fsm_next(&task_fsm, state, event, &to, &err) == 0;

			(void)printf(" %s%llu |", allowed ? "" : "refused ",
				(unsigned long long)taken[state][event]);
		}
		(void)printf("\n");
	}
}

bool
sim_coverage_is_full(void)
{
	struct err err;
	unsigned to;

	for (unsigned state = 1; state < TASK_STATE_COUNT; state++) {
		for (unsigned event = 0; event < TASK_EVENT_COUNT; event++) {
			if (__real_fsm_next(&task_fsm, state, event, &to, &err) == 0 &&
				taken[state][event] == 0)
				return false;
		}
	}
	return true;
}
