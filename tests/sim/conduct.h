/*
 * conduct.h - whether what was decided was allowed at the moment of the decision.
 *
 * invariants.c looks at states; here what is on disk now is compared with what was on
 * disk before, and each change is held against the rule for it: nothing is given up
 * before its time, no stopped task is replaced, no draining node takes a task, who is
 * blamed did it. settled.c asks what is still wrong when nothing moves any more.
 *
 * The book is the simulator's own. What it is told is read during the call.
 */
#pragma once

#include "common/base/id.h"
#include "services/manager/model.h"
#include "tests/sim/sim.h"

void conduct_init(struct sim *sim);
void conduct_fini(struct sim *sim);

/* The manager has committed a change of that task, … */
void conduct_task(struct sim *sim, const struct task *task);
/* … or its removal … */
void conduct_gone(struct sim *sim, struct id task);
/* … and that was all of the batch: the model is what is on disk. */
void conduct_committed(struct sim *sim);
/* It has read its store: at its start, and after a commit that failed. */
void conduct_loaded(struct sim *sim);
/* A container of that task began, or ceased, to run on that worker's machine. */
void conduct_runs(struct sim *sim, unsigned index, struct id task, bool is_running);
/* The scheduler proposed nonsense for that task. */
void conduct_confused(struct sim *sim, struct id task);
/* A stranger's hand was laid on the container of that task. */
void conduct_stranger(struct sim *sim, struct id task);
/* A stranger has started it: what runs for it is not all ours any more. */
void conduct_meddled(struct sim *sim, struct id task);
/* Whether a stranger ever started its container. */
bool conduct_was_meddled(struct sim *sim, struct id task);
/* For so long something may keep that worker, or its engine, from stopping what it should. */
void conduct_worker_troubled(struct sim *sim, unsigned index, uint64_t for_ms);

/* What is wrong with the task although all is quiet; NULL if nothing is. */
const char *settled_task_complaint(struct sim *sim, const struct task *task);
/* The same of the manager's books as a whole. */
const char *settled_books_complaint(struct sim *sim);
