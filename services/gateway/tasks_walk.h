/*
 * tasks_walk.h - tasks for the contracts: all that match, page by page, or one by any of
 * its names.
 *
 * The loop's thread.
 */
#pragma once

#include "proto/manager.pb-c.h"
#include "services/gateway/errand.h"

/* Called for each task, borrowed. False: that was enough. */
typedef bool tasks_walk_fn(const Davit__Task *task, void *arg);
/* result is of the last call: not OK when the walk broke off. */
typedef void tasks_walk_done_fn(struct errand *errand, const struct rpc_result *result, void *arg);

/*
 * Oldest first, with their specs. Of the filter only the states are looked at (copied), the
 * rest is the walk's own.
 */
void tasks_walk(struct errand *errand, const Davit__ListTasksRequest *filter, tasks_walk_fn *each,
	tasks_walk_done_fn *done, void *arg);

/* task is NULL when there is none, or result is not OK. */
typedef void tasks_find_fn(struct errand *errand, const struct rpc_result *result,
	const Davit__Task *task, void *arg);

/* By the engine's id of its container (whole), else by the task's id, a prefix of it, or its name.
 */
void tasks_find(struct errand *errand, const char *name, tasks_find_fn *done, void *arg);

/* The same, and then stops or removes it (by force); done is told NOT_FOUND when there is none. */
void tasks_stop(struct errand *errand, const char *name, errand_step_fn *done, void *arg);
void tasks_remove(struct errand *errand, const char *name, errand_step_fn *done, void *arg);
