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

/* Zeroed: all tasks. Copied. */
struct tasks_filter {
	Davit__Task__State state;
	const char *namespace_name;
	const char *label, *value; /* value NULL: any */
	const char *node;
};

/* Oldest first, with their specs. */
void tasks_walk(struct errand *errand, const struct tasks_filter *filter, tasks_walk_fn *each,
	tasks_walk_done_fn *done, void *arg);

/* One task as a contract shows it; NULL: it does not. */
typedef json_t *tasks_show_fn(const Davit__Task *task);
/* Answers that a call went wrong. */
typedef void tasks_refuse_fn(struct errand *errand, const struct rpc_result *result);

/* Answers 200 with the array of those that match. */
void tasks_list(struct errand *errand, const struct tasks_filter *filter, tasks_show_fn *show,
	tasks_refuse_fn *refuse);

/* task is NULL when there is none, or result is not OK. */
typedef void tasks_find_fn(struct errand *errand, const struct rpc_result *result,
	const Davit__Task *task, void *arg);

/*
 * By the task's id, a prefix of it, its name, or the engine's id of its container: the whole of
 * it, or what of it is one task's only, from the 12 digits on that the engine prints itself.
 */
void tasks_find(struct errand *errand, const char *name, tasks_find_fn *done, void *arg);

enum { TASKS_END_MS = 30000 }; /* for a task that was asked to stop; then it is killed */

/* done is told once the task has ended, or after TASKS_END_MS; the result says which. */
void tasks_await_end(struct errand *errand, const char *id, errand_step_fn *done, void *arg);

/*
 * Asks the task to stop, as its spec says, and removes it once it has ended. done is told how the
 * removal went.
 */
void tasks_end(struct errand *errand, const Davit__Task *task, errand_step_fn *done, void *arg);

/* The same for the one that is found; done is told NOT_FOUND when there is none. */
void tasks_remove(struct errand *errand, const char *name, errand_step_fn *done, void *arg);
