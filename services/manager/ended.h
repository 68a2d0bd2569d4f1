/*
 * ended.h - which ended tasks are kept, where, and for how long.
 *
 * Those that ended last, config.history_containers of them, are in memory and keep their
 * containers, for their logs. The others are retired: their nodes are told to forget them, and
 * once nothing of one is anywhere but in the store, only an entry of past.h stays in memory. They
 * are forgotten in the order of their ends: those beyond config.history_max, and those that
 * ended longer ago than config.history_age_ms. When a task ended is told by the manager's
 * clock; a worker's may be anything. Part of the manager's core: one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

struct manager;
struct task;
struct past_entry;
struct records_read;

struct ended {
	struct records_read *reads; /* of the call that is handled */
};

/* The task has ended just now: it is the newest. */
void ended_enter(struct manager *manager, struct task *task);
/* Nothing of it is on its node any more. */
void ended_left_node(struct manager *manager, struct task *task);

/* While loading: the task was read just now. It may be gone when this returns, but for an entry. */
void ended_restored(struct manager *manager, struct task *task);
/* After loading: the ended tasks that nobody wants to be removed, in the order of their ends. */
void ended_restore(struct manager *manager);

/* Moves on what has to, and removes what is kept no longer; a bounded number at once. */
void ended_tick(struct manager *manager);

/* All that are kept. */
size_t ended_count(const struct manager *manager);

/*
 * The task of an entry, for the call that is handled: it is not in the model, and has is_read.
 * With words: what the store answers, or -EUCLEAN.
 */
int ended_read(struct manager *manager, const struct past_entry *entry, struct task **ret_task,
	struct err *err);
/* The call was handled. */
void ended_reads_end(struct manager *manager);

/* Removes it, its records too; task: what was read of it, or NULL. */
void ended_forget(struct manager *manager, const struct past_entry *entry, const struct task *task);
