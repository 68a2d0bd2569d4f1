/*
 * task_fsm.h - the life of a task, from submission to its end.
 *
 * The lists below are the only place where events and their names are written;
 * states are those of davit.Task.State, by number. Enums, table and
 * tests/golden/task_fsm.md are made from them.
 *
 * One owner per event: the manager raises PLACED, STOPPED, LOST and ABANDONED, a
 * worker's report (of the present attempt and session) raises the others. Desired
 * state is kept beside the machine, not in it.
 */
#pragma once

#include "common/fsm/fsm.h"

/* clang-format off */
#define TASK_STATES(X)                                             \
	X(PENDING,   "PENDING")   /* accepted, no node yet */      \
	X(SCHEDULED, "SCHEDULED") /* has a node and a reservation */ \
	X(RUNNING,   "RUNNING")   /* its container has started */  \
	X(COMPLETED, "COMPLETED") /* final: ended as wished */     \
	X(FAILED,    "FAILED")    /* final */

#define TASK_EVENTS(X)                                                              \
	X(PLACED,    "placed")    /* the scheduler's choice fits the ledger */      \
	X(STARTED,   "started")   /* worker: the container runs */                  \
	X(SUCCEEDED, "succeeded") /* worker: it ended with 0, or was asked to */    \
	X(BROKE,     "broke")     /* worker: it ended otherwise, or cannot start */ \
	X(RETURNED,  "returned")  /* worker: nothing was started, place it anew */  \
	X(STOPPED,   "stopped")   /* the user wants it no more, and nothing runs */ \
	X(LOST,      "lost")      /* its node was given up */                       \
	X(ABANDONED, "abandoned") /* it can never run */
/* clang-format on */

enum task_state {
	TASK_NONE, /* not a state: a forgotten field, or a forbidden cell */
#define X(id, name) TASK_##id,
	TASK_STATES(X)
#undef X
		TASK_STATE_COUNT
};

enum task_event {
#define X(id, name) TASK_EV_##id,
	TASK_EVENTS(X)
#undef X
		TASK_EVENT_COUNT
};

extern const struct fsm task_fsm;

static inline bool
task_state_is_final(enum task_state state)
{
	return state == TASK_COMPLETED || state == TASK_FAILED;
}
