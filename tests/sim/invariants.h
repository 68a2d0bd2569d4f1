/*
 * invariants.h - what must always be true, each one function with a name.
 *
 * The witness is a second book: it remembers what was acknowledged and what was seen,
 * by means of its own, and compares after every step.
 */
#pragma once

#include "common/base/id.h"
#include "tests/sim/sim.h"

void witness_init(struct sim *sim);
void witness_fini(struct sim *sim);

/* Told by the hosts and the users. */
void witness_manager_committed(struct sim *sim);
void witness_manager_loaded(struct sim *sim);
/* A submission was acknowledged: tasks base … base + count - 1 exist from now on. */
void witness_submitted(struct sim *sim, struct id base, uint32_t count, const char *request_id);
/* A user asked to remove the task: it may go. */
void witness_may_go(struct sim *sim, struct id id);

/* After every step. */
void invariants_check(struct sim *sim);
/* Once faults are over: whether store and engines agree by now, and what does not. */
bool invariants_has_converged(struct sim *sim, char *ret_why, size_t size);
/* At the end of a run. */
void invariants_check_end(struct sim *sim);
