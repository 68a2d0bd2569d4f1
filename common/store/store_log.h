/*
 * store_log.h - writes that are durable but not in the table yet: the latest of each key.
 *
 * store_sqlite.c appends every batch to a log and spreads it over its table later, when
 * most keys have been written again or deleted: what came and went in between never costs
 * the table anything. A row of the log is some writes, one behind the other; this file
 * makes and reads rows and finds the latest write of a key among them. Only common/store
 * includes it; one thread.
 */
#pragma once

#include <stdbool.h>

#include "common/store/store_impl.h"

struct store_log;

struct store_log *store_log_new(void);
/* NULL is fine. */
void store_log_free(struct store_log *log);
CLEANUP_DEFINE(struct store_log *, store_log_free)

/* Appends the write to the row. */
void store_log_encode(struct buf *row, struct store_write write);

/*
 * Takes the row's bytes, and its writes are the latest of their keys. is_read: it is from a file,
 * and what was new when it was written may be in the table now. -EUCLEAN: they are no row, and
 * nothing has changed.
 */
int store_log_add_take(struct store_log *log, struct buf *row, bool is_read);

/* The latest write of the key, a deletion perhaps; borrowed until the log is freed. */
bool store_log_find(const struct store_log *log, const char *key, size_t key_size,
	struct store_write *ret_write);

/* Keys written, and the i-th of them, in the order in which they were written first. */
size_t store_log_count(const struct store_log *log);
struct store_write store_log_at(const struct store_log *log, size_t i);

/* The key was new with its first write here and was deleted with the last: the table need not
 * know. */
bool store_log_is_over(const struct store_log *log, size_t i);
/* An earlier log's write of the key need not reach the table: one of later will. Not so when the
 * key was new again there, because what is over then leaves the earlier deletion to be done. */
bool store_log_outdates(const struct store_log *later, const char *key, size_t key_size);

/* Of all rows. */
size_t store_log_bytes(const struct store_log *log);

/* What the keys that begin with prefix are written to, ordered by key, of both logs (the later
 * wins); the array is the caller's to free. later or earlier may be NULL. */
struct store_write *store_log_collect(const struct store_log *later,
	const struct store_log *earlier, const char *prefix, size_t *ret_n);

/* By key, as the table orders them; for qsort. */
int store_write_compare(const void *a, const void *b);
