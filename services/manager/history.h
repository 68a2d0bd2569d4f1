/*
 * history.h - which ended tasks are kept, and for how long.
 *
 * They are forgotten oldest first: those beyond config.history_max, and those that ended
 * longer ago than config.history_age_ms. When a task ended is told by the manager's clock; a
 * worker's may be anything. Part of the manager's core: one thread; nothing here fails.
 */
#pragma once

struct manager;
struct task;

/* The task has ended just now: it is the newest. */
void history_enter(struct manager *manager, struct task *task);

/* After loading: the ended tasks that nobody wants to be removed, in the order of their ends. */
void history_restore(struct manager *manager);

/* Removes what is kept no longer, a bounded number at once. */
void history_tick(struct manager *manager);
