/*
 * task_gets.h - many clients that ask for single tasks, in few calls.
 *
 * A question waits until the loop has read what there is to read, and goes to the manager
 * with all others of that turn in one GetTasks; those that ask for the same task share its
 * answer. While TASK_GETS_CALLS_MAX calls are under way the next ones gather. Nothing is kept:
 * every answer was made after its question came. The loop's thread.
 */
#pragma once

#include "common/base/buf.h"
#include "services/gateway/upstream.h"

enum {
	TASK_GETS_CALLS_MAX = 2, /* under way at one time */
	TASK_GETS_TASKS_MAX =
		56, /* of one call: with the largest specs it is below RPC_MESSAGE_MAX */
};

/* Borrowed for the callback. */
struct task_page {
	Davit__Reply__Status status;
	const char *message; /* "" when OK */
	const char *json;    /* the task with its spec, in one line with its end; when OK */
	size_t size;
	uint64_t version; /* of the task */
};

struct task_gets;
struct task_get;

typedef void task_get_fn(const struct task_page *page, void *arg);

struct task_gets *task_gets_new(uv_loop_t *loop, struct upstream *manager);
/* Upstream is closed before. The loop must turn once more. */
void task_gets_free(struct task_gets *gets);
CLEANUP_DEFINE(struct task_gets *, task_gets_free)

/* done runs once, later, unless it is dropped. namespace may be NULL. */
struct task_get *task_gets_ask(struct task_gets *gets, const char *task, const char *namespace,
	task_get_fn *done, void *arg);
/* Nobody waits for it any more. */
void task_gets_drop(struct task_get *get);
