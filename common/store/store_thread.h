/*
 * store_thread.h - the thread in which a store commits and tidies beside its caller.
 *
 * At most one commit and one tidying wait for it, the commit goes first. The store is the
 * thread's while it works and its caller's again once store_thread_settle has returned; both
 * hand it over under a mutex. Only common/store includes it; called by the store's owner.
 */
#pragma once

#include <stdbool.h>

#include "common/base/cleanup.h"
#include "common/store/store.h"

struct store_thread;

/* What it does with the store. */
struct store_work {
	int (*commit)(struct store *store, const struct store_batch *batch, struct err *err);
	void (*tidy)(struct store *store);
	bool (*press)(struct store *store); /* as in store_impl.h */
};

/* NULL: no thread could be made, and the caller does the work itself. */
struct store_thread *store_thread_new(struct store *store, struct store_work work);
/* Ends it when it has done what it was asked. NULL is fine. */
void store_thread_free(struct store_thread *thread);
CLEANUP_DEFINE(struct store_thread *, store_thread_free)

/* None is under way that was not finished. The batch is borrowed until it is. */
void store_thread_commit(struct store_thread *thread, const struct store_batch *batch,
	store_done_fn *done, void *arg);
/* Waits for it; what the commit answered. */
int store_thread_finish(struct store_thread *thread, struct err *err);

void store_thread_tidy(struct store_thread *thread);

/* Waits until it does nothing. NULL is fine. */
void store_thread_settle(struct store_thread *thread);
/* True when that would wait. NULL is fine. */
bool store_thread_is_busy(struct store_thread *thread);
