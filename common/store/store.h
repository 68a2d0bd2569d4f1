/*
 * store.h - ordered keys to bytes, changed in atomic durable batches.
 *
 * store_sqlite.c keeps them in a file, store_mem.c in memory for tests and the
 * simulator (which also makes commits fail or be lost). tests/unit/test_store.c
 * runs one suite over both, so that the second is never a looser promise than the
 * first. Keys are text without NUL, ordered by their bytes (memcmp); values are
 * opaque.
 *
 * A store belongs to one thread at a time. It may have one of its own that commits and
 * tidies beside its owner (store_commit_begin, store_tidy_begin): whatever else the owner
 * calls waits until that one is through.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/err.h"

enum {
	STORE_KEY_MAX = 256,        /* bytes, without the NUL */
	STORE_VALUE_MAX = 16 << 20, /* bytes */
	STORE_LOG_BYTES = 32 << 20, /* store_limit_log: without it */
	STORE_LOG_BYTES_LOW = 64 << 10,
	STORE_LOG_BYTES_HIGH = 1 << 30,
};

struct store;
struct store_batch;

/* An empty batch; it can be filled, committed, reset and filled again. */
struct store_batch *store_batch_new(void);
void store_batch_free(struct store_batch *batch);
CLEANUP_DEFINE(struct store_batch *, store_batch_free)

/*
 * All copy what they are given. A later write of a key in a batch wins. A key or
 * value beyond its limit is remembered, and the commit answers for it.
 */
void store_batch_put(struct store_batch *batch, const char *key, const void *value, size_t size);
/*
 * The same for a key that the caller knows not to be in the store: if it is deleted again soon, its
 * way through the store is short. Wrong knowledge may bring the key back after a deletion.
 */
void store_batch_put_new(struct store_batch *batch, const char *key, const void *value,
	size_t size);
void store_batch_delete(struct store_batch *batch, const char *key);
size_t store_batch_count(const struct store_batch *batch);
void store_batch_reset(struct store_batch *batch);

/*
 * Opens or makes the file, for its owner only. With words: -EACCES (it cannot be
 * made, or written), -EBUSY (another process has it), -EUCLEAN (it is no Davit
 * store and was not touched, is damaged, or of a newer format), -EIO, -ENOSPC.
 */
int store_open_sqlite(const char *path, struct store **ret_store, struct err *err);
int store_open_mem(struct store **ret_store, struct err *err);

/*
 * How much is written before it begins to move into the table: that much is in memory, and
 * in the file beside the table, twice that at worst. STORE_LOG_BYTES_LOW to _HIGH; a store
 * in memory has no use for it.
 */
void store_limit_log(struct store *store, size_t bytes);

/* NULL is fine. */
void store_close(struct store *store);
CLEANUP_DEFINE(struct store *, store_close)

/*
 * Makes every write of the batch durable (on disk, fsynced) before returning 0.
 * On failure nothing of it is visible, now or after a restart: -EIO, -ENOSPC,
 * -EINVAL (a key without 1 to STORE_KEY_MAX bytes), -EMSGSIZE (a value beyond
 * STORE_VALUE_MAX). The store goes on: reads work, and later commits may. Only
 * where the disk fails so that nothing at all can be written, a kill before the
 * next commit that works may bring the batch back, whole.
 * The batch is not changed. An empty batch is 0 without touching the disk.
 */
int store_commit(struct store *store, const struct store_batch *batch, struct err *err);

/*
 * store_commit beside the caller, who goes on: done is called by the store's own thread when it
 * is over, and may only do what is safe there, such as uv_async_send. The batch is borrowed until
 * store_commit_finish, and there is one at a time. A tidying that was begun before is waited for
 * there.
 */
typedef void store_done_fn(void *arg);
void store_commit_begin(struct store *store, const struct store_batch *batch, store_done_fn *done,
	void *arg);
/* Waits for it, unless done was called already; what store_commit would have answered. */
int store_commit_finish(struct store *store, struct err *err);

/* Appends the value to ret_value. -ENOENT if the key is not there, -EUCLEAN, -EIO. */
int store_get(struct store *store, const char *key, struct buf *ret_value, struct err *err);

/* Return 0 to go on, anything else to stop: store_scan returns it. Borrowed for the call. */
typedef int store_visit_fn(const char *key, const void *value, size_t size, void *arg);

/*
 * Visits all keys that begin with prefix ("" is all), in order. Reads are allowed
 * meanwhile, commits are not. -EUCLEAN at the first damaged row, -EIO.
 */
int store_scan(struct store *store, const char *prefix, store_visit_fn *visit, void *arg,
	struct err *err);

struct store_figures {
	uint64_t n_commits, n_writes;
	uint64_t commit_us_last, commit_us_max;
	uint64_t file_bytes, wal_bytes;
};
void store_figures(struct store *store, struct store_figures *ret_figures);

/*
 * Housekeeping between batches: nothing most of the time, else a bounded piece of
 * vacuum and checkpoint (some milliseconds). Without it commits do it themselves.
 */
void store_tidy(struct store *store);
/* The same beside the caller; nothing while it is under way. */
void store_tidy_begin(struct store *store);

/* True while the store's own thread is at work: other calls would wait for it. */
bool store_is_busy(struct store *store);
