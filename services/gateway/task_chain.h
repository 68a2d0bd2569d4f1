/*
 * task_chain.h - what a client means by an id that it was given long ago.
 *
 * A task runs once. What takes its place is another task: a replacement that the manager
 * makes when a node is lost, or one that task_chain_start makes when it has ended. The
 * client's id goes on standing for the latest of them. One that was started again says in
 * a label which task was the first. The loop's thread.
 */
#pragma once

#include "services/gateway/launch.h"
#include "services/gateway/tasks_walk.h"

enum { TASK_CHAIN_MAX = 64 }; /* links that are followed */

struct task_chain {
	const Davit__Task *latest;       /* borrowed; NULL: there is none, or the call failed */
	const char *ids[TASK_CHAIN_MAX]; /* of all that were met, from the one named on */
	size_t n_ids;
};

/* result is of the last call: NOT_FOUND when there is no such task. */
typedef void task_chain_fn(struct errand *errand, const struct rpc_result *result,
	const struct task_chain *chain, void *arg);

/* Name as for tasks_find. */
void task_chain_find(struct errand *errand, const char *name, task_chain_fn *done, void *arg);

/* Runs the spec of a task that has ended once more, under its name. done as launch_start. */
void task_chain_start(struct errand *errand, const Davit__Task *ended, launch_done_fn *done,
	void *arg);
