#include "services/worker/slot_fsm.h"

/* clang-format off */
#define X(id, name) [WORKER_SLOT_##id] = (name),
static const char *const state_name[WORKER_SLOT_STATE_COUNT] = {WORKER_SLOT_STATES(X)};
#undef X
#define X(id, name) [WORKER_SLOT_EV_##id] = (name),
static const char *const event_name[WORKER_SLOT_EVENT_COUNT] = {WORKER_SLOT_EVENTS(X)};
#undef X

#define ON(state, event) \
	[WORKER_SLOT_##state * WORKER_SLOT_EVENT_COUNT + WORKER_SLOT_EV_##event]

/*
 * REJECTED and RETURNED are promises that nothing ran, so no state in which the
 * container has run leads there; and once ended, nothing leads back to running:
 * a container that somebody else starts is stopped (slot_duty.c), not adopted.
 */
static const uint8_t matrix[WORKER_SLOT_STATE_COUNT * WORKER_SLOT_EVENT_COUNT] = {
	ON(ACCEPTED,   BEGIN)   = WORKER_SLOT_PULLING,
	ON(ACCEPTED,   MADE)    = WORKER_SLOT_CREATED,    /* found, as are the next three */
	ON(ACCEPTED,   UP)      = WORKER_SLOT_RUNNING,
	ON(ACCEPTED,   AGAIN)   = WORKER_SLOT_RESTARTING,
	ON(ACCEPTED,   DOWN)    = WORKER_SLOT_ENDED,
	ON(ACCEPTED,   RETURN)  = WORKER_SLOT_RETURNED,
	ON(ACCEPTED,   REMOVED) = WORKER_SLOT_GONE,

	ON(PULLING,    IMAGE)   = WORKER_SLOT_CREATING,
	ON(PULLING,    DOWN)    = WORKER_SLOT_ENDED,
	ON(PULLING,    AGAIN)   = WORKER_SLOT_RESTARTING, /* ran before and was removed; try later */
	ON(PULLING,    REJECT)  = WORKER_SLOT_REJECTED,
	ON(PULLING,    RETURN)  = WORKER_SLOT_RETURNED,
	ON(PULLING,    REMOVED) = WORKER_SLOT_GONE,

	ON(CREATING,   BEGIN)   = WORKER_SLOT_PULLING,    /* the image went away in between */
	ON(CREATING,   MADE)    = WORKER_SLOT_CREATED,
	ON(CREATING,   UP)      = WORKER_SLOT_RUNNING,    /* a name conflict with ourselves */
	ON(CREATING,   AGAIN)   = WORKER_SLOT_RESTARTING,
	ON(CREATING,   DOWN)    = WORKER_SLOT_ENDED,
	ON(CREATING,   REJECT)  = WORKER_SLOT_REJECTED,
	ON(CREATING,   RETURN)  = WORKER_SLOT_RETURNED,
	ON(CREATING,   REMOVED) = WORKER_SLOT_GONE,

	ON(CREATED,    GO)      = WORKER_SLOT_STARTING,
	ON(CREATED,    MADE)    = WORKER_SLOT_CREATED,
	ON(CREATED,    UP)      = WORKER_SLOT_RUNNING,
	ON(CREATED,    AGAIN)   = WORKER_SLOT_RESTARTING,
	ON(CREATED,    DOWN)    = WORKER_SLOT_ENDED,
	ON(CREATED,    ABSENT)  = WORKER_SLOT_ACCEPTED,
	ON(CREATED,    REJECT)  = WORKER_SLOT_REJECTED,   /* it cannot join its networks */
	ON(CREATED,    DISCARD) = WORKER_SLOT_REMOVING,
	ON(CREATED,    REMOVED) = WORKER_SLOT_GONE,       /* somebody did, when it was to go */

	ON(STARTING,   MADE)    = WORKER_SLOT_CREATED,    /* the start did not arrive */
	ON(STARTING,   UP)      = WORKER_SLOT_RUNNING,
	ON(STARTING,   AGAIN)   = WORKER_SLOT_RESTARTING,
	ON(STARTING,   DOWN)    = WORKER_SLOT_ENDED,
	ON(STARTING,   ABSENT)  = WORKER_SLOT_ACCEPTED,
	ON(STARTING,   REJECT)  = WORKER_SLOT_REJECTED,

	ON(RUNNING,    UP)      = WORKER_SLOT_RUNNING,
	ON(RUNNING,    AGAIN)   = WORKER_SLOT_RESTARTING,
	ON(RUNNING,    DOWN)    = WORKER_SLOT_ENDED,
	ON(RUNNING,    STOP)    = WORKER_SLOT_STOPPING,

	ON(RESTARTING, GO)      = WORKER_SLOT_STARTING,
	ON(RESTARTING, UP)      = WORKER_SLOT_RUNNING,    /* somebody started it meanwhile */
	ON(RESTARTING, AGAIN)   = WORKER_SLOT_RESTARTING,
	ON(RESTARTING, DOWN)    = WORKER_SLOT_ENDED,
	ON(RESTARTING, ABSENT)  = WORKER_SLOT_ACCEPTED,

	ON(STOPPING,   UP)      = WORKER_SLOT_STOPPING,
	ON(STOPPING,   DOWN)    = WORKER_SLOT_ENDED,

	ON(ENDED,      DISCARD) = WORKER_SLOT_REMOVING,
	ON(ENDED,      REMOVED) = WORKER_SLOT_GONE,

	ON(REJECTED,   REMOVED) = WORKER_SLOT_GONE,
	ON(RETURNED,   REMOVED) = WORKER_SLOT_GONE,
	ON(REMOVING,   REMOVED) = WORKER_SLOT_GONE,
};
/* clang-format on */

const struct fsm worker_slot_fsm = {
	.name = "slot",
	.state_name = state_name,
	.event_name = event_name,
	.n_states = WORKER_SLOT_STATE_COUNT,
	.n_events = WORKER_SLOT_EVENT_COUNT,
	.initial = WORKER_SLOT_ACCEPTED,
	.finals = 1u << WORKER_SLOT_GONE,
	.matrix = matrix,
};
