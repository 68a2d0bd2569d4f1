#include "common/model/task_fsm.h"

#include <assert.h>

#include "proto/types.pb-c.h"

/* clang-format off */
#define X(id, name) static_assert((int)TASK_##id == (int)DAVIT__TASK__STATE__##id, "numbers are the wire's");
TASK_STATES(X)
#undef X

#define X(id, name) [TASK_##id] = (name),
static const char *const state_name[TASK_STATE_COUNT] = {TASK_STATES(X)};
#undef X
#define X(id, name) [TASK_EV_##id] = (name),
static const char *const event_name[TASK_EVENT_COUNT] = {TASK_EVENTS(X)};
#undef X

#define ON(state, event) [TASK_##state * TASK_EVENT_COUNT + TASK_EV_##event]

/*
 * SCHEDULED goes back to PENDING only by RETURNED: a silent worker may have
 * started the container, and then a second attempt would be a second run.
 */
static const uint8_t matrix[TASK_STATE_COUNT * TASK_EVENT_COUNT] = {
	ON(PENDING,   PLACED)    = TASK_SCHEDULED,
	ON(PENDING,   STOPPED)   = TASK_COMPLETED,
	ON(PENDING,   ABANDONED) = TASK_FAILED,

	ON(SCHEDULED, STARTED)   = TASK_RUNNING,
	ON(SCHEDULED, SUCCEEDED) = TASK_COMPLETED, /* it was quick: no report in between */
	ON(SCHEDULED, BROKE)     = TASK_FAILED,
	ON(SCHEDULED, RETURNED)  = TASK_PENDING,
	ON(SCHEDULED, STOPPED)   = TASK_COMPLETED, /* stopped before the worker started it */
	ON(SCHEDULED, LOST)      = TASK_FAILED,

	ON(RUNNING,   STARTED)   = TASK_RUNNING,   /* again, after a restart on its node */
	ON(RUNNING,   SUCCEEDED) = TASK_COMPLETED,
	ON(RUNNING,   BROKE)     = TASK_FAILED,
	ON(RUNNING,   LOST)      = TASK_FAILED,
};
/* clang-format on */

const struct fsm task_fsm = {
	.name = "task",
	.state_name = state_name,
	.event_name = event_name,
	.n_states = TASK_STATE_COUNT,
	.n_events = TASK_EVENT_COUNT,
	.initial = TASK_PENDING,
	.finals = 1u << TASK_COMPLETED | 1u << TASK_FAILED,
	.matrix = matrix,
};
