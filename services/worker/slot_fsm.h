/*
 * slot_fsm.h - the life of one attempt's container, as its worker sees it.
 *
 * States, events and their names are written here once; enums, table and
 * tests/golden/worker_slot_fsm.md are made from them. What a state obliges the
 * worker to do is in slot_duty.c; nothing hangs on the arrows.
 */
#pragma once

#include "common/fsm/fsm.h"

/* clang-format off */
#define WORKER_SLOT_STATES(X)                                                   \
	X(ACCEPTED,   "accepted")   /* wanted or found; nothing was asked yet */ \
	X(PULLING,    "pulling")    /* its image is looked for */               \
	X(CREATING,   "creating")   /* the image is there */                    \
	X(CREATED,    "created")    /* a container that never ran */            \
	X(STARTING,   "starting")   /* to be started, for the first time or again */ \
	X(RUNNING,    "running")                                                \
	X(RESTARTING, "restarting") /* ended by itself, starts again later */   \
	X(STOPPING,   "stopping")   /* runs, and was asked to end */            \
	X(ENDED,      "ended")      /* its container stays for the logs */      \
	X(REJECTED,   "rejected")   /* never ran and will not */                \
	X(RETURNED,   "returned")   /* never ran here, may run elsewhere */     \
	X(REMOVING,   "removing")                                               \
	X(GONE,       "gone")       /* final: nothing of it is left */

#define WORKER_SLOT_EVENTS(X)                                              \
	X(BEGIN,   "begin")   /* nothing is in its way: look at its image */ \
	X(IMAGE,   "image")   /* the image is there */                     \
	X(MADE,    "made")    /* there is a container that never ran */    \
	X(GO,      "go")      /* it shall run (again) */                   \
	X(UP,      "up")      /* it runs */                                \
	X(AGAIN,   "again")   /* it ended, and its policy starts it again */ \
	X(DOWN,    "down")    /* it ended, or will never run, and that is wished */ \
	X(STOP,    "stop")    /* it runs, and shall not */                 \
	X(ABSENT,  "absent")  /* there is no container: make one */        \
	X(REJECT,  "reject")  /* it cannot run here */                     \
	X(RETURN,  "return")  /* hand it back */                           \
	X(DISCARD, "discard") /* remove its container */                   \
	X(REMOVED, "removed") /* there is nothing to remove (any more) */
/* clang-format on */

enum worker_slot_state {
	WORKER_SLOT_NONE,
#define X(id, name) WORKER_SLOT_##id,
	WORKER_SLOT_STATES(X)
#undef X
		WORKER_SLOT_STATE_COUNT
};

enum worker_slot_event {
#define X(id, name) WORKER_SLOT_EV_##id,
	WORKER_SLOT_EVENTS(X)
#undef X
		WORKER_SLOT_EVENT_COUNT
};

extern const struct fsm worker_slot_fsm;
