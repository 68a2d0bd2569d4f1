/*
 * store_impl.h - what a backend of store.h implements; only common/store includes it.
 *
 * store.c checks limits, counts and measures; a backend sees batches that are
 * not empty and keep every limit.
 */
#pragma once

#include <stdbool.h>

#include "common/store/store.h"

struct store_ops {
	void (*close)(struct store *store);
	int (*commit)(struct store *store, const struct store_batch *batch, struct err *err);
	int (*get)(struct store *store, const char *key, struct buf *ret_value, struct err *err);
	int (*scan)(struct store *store, const char *prefix, store_visit_fn *visit, void *arg,
		struct err *err);
	void (*sizes)(struct store *store, uint64_t *ret_file_bytes, uint64_t *ret_wal_bytes);
	void (*tidy)(struct store *store);
	/* A small piece of what commits would have to do themselves soon, where nobody waits for
	   it: after each, in the store's own thread. True when there is more. */
	bool (*press)(struct store *store);
};

/* The first member of every backend's own struct. */
struct store {
	const struct store_ops *ops;
	struct store_figures figures; /* sizes are asked for when wanted */
	size_t log_max_bytes;
	struct store_thread *thread; /* NULL: nothing was ever begun beside the caller */
	bool is_aside;               /* a commit was begun there */
	int begun_rc;                /* else: it is over, and this is what it answered */
	struct err begun_err;
};

/* One write of a batch; key and value are borrowed from it. */
struct store_write {
	const char *key;
	size_t key_size;   /* without the NUL */
	const void *value; /* never NULL, not even when size is 0 */
	size_t size;
	bool is_delete, is_new;
};

/* The i-th write, in the order in which they were put. */
struct store_write store_batch_at(const struct store_batch *batch, size_t i);

/* The smallest key greater than all that begin with prefix; false when there is none. */
bool store_prefix_end(const char *prefix, char ret_end[STORE_KEY_MAX + 1]);
