/*
 * lifecycle.h - the one place where tasks move: every transition, and what follows from it.
 *
 * Callers say what happened or what is wanted; this file asks the table (task_fsm.h)
 * and keeps ledger, queues, assignments, history and events in step. Reservations
 * are given back only when the node has said that nothing runs any more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/base/id.h"
#include "proto/worker.pb-c.h"

struct manager;
struct task;
struct node;
struct group;
struct spec;

/* A new submission of count tasks; name is copied; spec gains a user. Returns the group. */
struct group *lifecycle_submit(struct manager *manager, struct id id, struct spec *spec,
	uint32_t count, const char *name);

/*
 * The scheduler's choice. -ESTALE when the task is not PENDING any more; -ENOSPC or
 * -EADDRINUSE when the ledger refuses, with words: the task stays PENDING.
 */
int lifecycle_place(struct manager *manager, struct task *task, struct node *node, struct err *err);

/*
 * All of them or none: the i-th goes to the i-th node. -errno of the first that cannot,
 * and nothing has changed.
 */
int lifecycle_place_all(struct manager *manager, struct task *const *tasks,
	struct node *const *nodes, size_t n, struct err *err);

/* Why a PENDING task waits. */
void lifecycle_say(struct manager *manager, struct task *task, const char *message);

/* Another, of that name, takes its place. May make a replacement once it has ended. */
void lifecycle_preempt(struct manager *manager, struct task *task, const char *by);

/* A worker's report, fenced by (task, attempt, node); what is stale changes nothing. */
void lifecycle_report(struct manager *manager, struct node *node, const Davit__TaskReport *report);

/* The user wants it to end. timeout_ms: instead of the spec's, if has_timeout. */
void lifecycle_stop(struct manager *manager, struct task *task, bool has_timeout,
	uint64_t timeout_ms);

/* The user wants it gone; a live one is killed. The task may be freed when this returns. */
void lifecycle_remove(struct manager *manager, struct task *task);

/* Its node was given up. May make a replacement. */
void lifecycle_lose(struct manager *manager, struct task *task, bool replace, const char *message);

/* It cannot stay on its node: stop it and run it elsewhere. */
void lifecycle_migrate(struct manager *manager, struct task *task, const char *message);

/* It is PENDING, and has waited too long. */
void lifecycle_abandon(struct manager *manager, struct task *task, const char *message);

/* Its node fell silent, or is heard again. */
void lifecycle_unreachable(struct manager *manager, struct task *task, bool is_unreachable);

/* The node is forgotten with everything on it: nothing of the task is anywhere any more. */
void lifecycle_forget_node(struct manager *manager, struct task *task);

/* What the assignment says: derived, never stored. */
Davit__Task__Desired lifecycle_assigned_desire(const struct task *task);

/* After loading: queues and dues follow from states. */
void lifecycle_restore_queues(struct manager *manager);

/* One that is PENDING ends when its ttl is over; on a node its worker minds it. */
void lifecycle_mind_ttl(struct manager *manager, struct task *task);

/* ttl of tasks that wait, auto_remove, history. */
void lifecycle_tick(struct manager *manager);
