/*
 * invariants.h - what must always be true, each one function with a name.
 *
 * Every step is checked by what it touched: a commit by the records that it wrote and
 * their nodes, a container's start and end at that moment, an answer when it is given.
 * Every INVARIANTS_FULL_STEPS steps, after each loading of the store and at the end,
 * everything is compared with everything (nothing of the past is taken from the model,
 * so what the touched records do not show is seen then).
 */
#pragma once

#include "common/base/id.h"
#include "common/store/store.h"
#include "tests/sim/sim.h"

enum { INVARIANTS_FULL_STEPS = 1000 };

void witness_init(struct sim *sim);
void witness_fini(struct sim *sim);

/* ---- told by the hosts ---- */

/* The batch is on disk, and not yet let out. */
void witness_manager_committed(struct sim *sim, const struct store_batch *writes);
void witness_manager_loaded(struct sim *sim);
/* A container of the machine `arg` (struct host_worker) began or ceased to run. */
void witness_run(const struct engine_mem_view *view, void *arg);

/* ---- told by the users ---- */

/* A submission was acknowledged: tasks base … base + count - 1 exist from now on. */
void witness_submitted(struct sim *sim, struct id base, uint32_t count, const char *request_id);
/* A user asked to remove the task: it may go. */
void witness_may_go(struct sim *sim, struct id id);
/* It may end and be forgotten at once: a stop of its array was asked for. */
void witness_may_end(struct sim *sim, struct id id);
/* A stop, or a removal, of the task was acknowledged. */
void witness_stopped(struct sim *sim, struct id id);
void witness_removed(struct sim *sim, struct id id);
/* A start of the task was acknowledged. */
void witness_started(struct sim *sim, struct id id);
/* What was last acknowledged of a node's draining; not known while somebody else changes it. */
void witness_drained(struct sim *sim, unsigned worker, bool is_known, bool draining);

/* After every step. */
void invariants_check(struct sim *sim);
/* Once faults are over: whether store and engines agree by now, and what does not. */
bool invariants_has_converged(struct sim *sim, char *ret_why, size_t size);
/* At the end of a run. */
void invariants_check_end(struct sim *sim);
