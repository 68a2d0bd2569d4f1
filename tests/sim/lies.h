/*
 * lies.h - what no honest process would say, offered to the running cores.
 *
 * A report of a task by somebody who does not have it, or a late one, arrives at the manager's
 * door, and an old set of assignments at a worker's: they must change nothing. And every event that
 * a state machine forbids in the state that a task or a slot is in right now is offered to it: it
 * must be refused. Most of these no message can bring about, because the code in front of the
 * tables drops them (a report about a task that has ended, a placement of one that is not pending),
 * so the offer goes to the tables themselves.
 */
#pragma once

#include "tests/sim/sim.h"

/* A stale report, or one of somebody else's task; or an old set of assignments for a worker. */
void lies_forge(struct sim *sim);
/* A late report of its own worker, when it could do harm. */
void lies_before_call(struct sim *sim);
void lies_offer_forbidden(struct sim *sim);
/* The same for slots in states that last only moments, right when they are in them. */
void lies_after_turn(struct sim *sim, unsigned worker);
