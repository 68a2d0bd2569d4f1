/*
 * The log of batches, and how it gets into the table; tested by
 * tests/unit/test_store_sqlite_log.c and test_store_sqlite.c.
 *
 * A commit appends its writes to the log as one value: its cost is its bytes. What is in the
 * log is in memory, too. When the log is long or old enough it is begun anew, and what it was
 * goes into the table in small steps, the latest write of each key once, and only if the new
 * log does not have a later one. Then its rows are deleted. Every step may be repeated: until
 * the rows are gone, opening the file reads them again, and they say the same.
 */
#include <errno.h>

#include "common/base/mem.h"
#include "common/store/store_sqlite.h"

enum {
	ROW_MAX_BYTES = 1 << 20, /* a larger batch takes several rows */
	ANEW_TIDIES = 50,        /* a log of log_max_bytes is begun anew, or of that age */
	QUIET_TIDIES = 5,        /* … or when nothing has come for so long */
	STEP_KEYS = 1024,        /* of one piece of tidying */
	STEP_ROWS = 64,
};

/* ---- appending ---- */

static int
add_row(struct sqlite *sqlite, size_t begin, struct err *err)
{
	sqlite3_stmt *stmt = sqlite->stmts[STMT_LOG_ADD];
	const uint8_t *data = sqlite->row.data + begin;
	size_t size = sqlite->row.size - begin;

	if (sqlite3_bind_int64(stmt, 1, sqlite->next_id) != SQLITE_OK ||
		sqlite3_bind_blob64(stmt, 2, data, size, SQLITE_STATIC) != SQLITE_OK ||
		sqlite3_bind_int64(stmt, 3, store_sqlite_sum("", 0, data, size)) != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	sqlite->next_id++; /* one that is not used after all is no harm */
	return store_sqlite_run(sqlite, STMT_LOG_ADD, err);
}

static size_t
encoded_size(const struct store_batch *batch)
{
	size_t size = 0;

	for (size_t i = 0; i < store_batch_count(batch); i++) {
		struct store_write write = store_batch_at(batch, i);

		size += 16 + write.key_size + write.size;
	}
	return size;
}

bool
store_sqlite_is_one_row(const struct store_batch *batch)
{
	return encoded_size(batch) <= ROW_MAX_BYTES;
}

int
store_sqlite_append(struct sqlite *sqlite, const struct store_batch *batch, struct err *err)
{
	size_t n = store_batch_count(batch), begin = 0;
	int rc = 0;

	sqlite->row = (struct buf){0};
	(void)buf_reserve(&sqlite->row, encoded_size(batch));
	for (size_t i = 0; i < n && rc == 0; i++) {
		store_log_encode(&sqlite->row, store_batch_at(batch, i));
		if (i + 1 < n && sqlite->row.size - begin < ROW_MAX_BYTES)
			continue;
		rc = add_row(sqlite, begin, err);
		begin = sqlite->row.size;
	}
	return rc;
}

/* What was young is old, and goes into the table from now on. */
static void
begin_anew(struct sqlite *sqlite)
{
	sqlite->old = sqlite->young;
	sqlite->young = store_log_new();
	sqlite->young_first_id = sqlite->next_id;
	sqlite->n_folded = 0;
	sqlite->n_tidies = 0;
}

void
store_sqlite_appended(struct sqlite *sqlite, bool is_durable)
{
	int rc = is_durable ? store_log_add_take(sqlite->young, &sqlite->row, false) : 0;

	(void)rc; /* it is what was just made */
	buf_fini(&sqlite->row);
	sqlite->row = (struct buf){0};
	sqlite->n_quiet = 0;
	if (sqlite->old == NULL && store_log_bytes(sqlite->young) >= sqlite->base.log_max_bytes)
		begin_anew(sqlite);
}

/* ---- reading ---- */

static int
read_row(struct sqlite *sqlite, sqlite3_stmt *stmt, struct err *err)
{
	CLEANUP(buf_fini) struct buf row = {0};
	const void *data = sqlite3_column_blob(stmt, 1);
	size_t size = (size_t)sqlite3_column_bytes(stmt, 1);

	if (data == NULL || sqlite3_column_int64(stmt, 2) != store_sqlite_sum("", 0, data, size))
		return err_set(err, -EUCLEAN,
			"store '%s': its log is damaged: restore a copy or start with a new file",
			sqlite->path);
	buf_put(&row, data, size);
	if (store_log_add_take(sqlite->young, &row, true) < 0)
		return err_set(err, -EUCLEAN,
			"store '%s': its log makes no sense: restore a copy or start with a new file",
			sqlite->path);
	if (sqlite->old_first_id == 0)
		sqlite->old_first_id = sqlite3_column_int64(stmt, 0);
	sqlite->next_id = sqlite3_column_int64(stmt, 0) + 1;
	return 0;
}

int
store_sqlite_read_log(struct sqlite *sqlite, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int code, rc = 0;

	sqlite->next_id = 1;
	if (sqlite3_prepare_v2(sqlite->db, "SELECT id, writes, sum FROM log ORDER BY id", -1, &stmt,
		    NULL) != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	while (rc == 0 && (code = sqlite3_step(stmt)) != SQLITE_DONE)
		rc = code == SQLITE_ROW ? read_row(sqlite, stmt, err)
					: store_sqlite_fail(sqlite, err);
	(void)sqlite3_finalize(stmt);
	if (sqlite->old_first_id == 0)
		sqlite->old_first_id = 1;
	sqlite->young_first_id = sqlite->next_id;
	return rc;
}

/* ---- into the table ---- */

bool
store_sqlite_is_pressed(const struct sqlite *sqlite)
{
	return sqlite->old != NULL &&
	       store_log_bytes(sqlite->young) >= sqlite->base.log_max_bytes / 4;
}

bool
store_sqlite_must_fold(const struct sqlite *sqlite)
{
	return sqlite->old != NULL &&
	       store_log_bytes(sqlite->young) >= sqlite->base.log_max_bytes / 2;
}

/* The oldest rows of what is in the table already go. */
static int
delete_rows(struct sqlite *sqlite, struct err *err)
{
	int64_t end = sqlite->old_first_id + STEP_ROWS;

	if (end > sqlite->young_first_id)
		end = sqlite->young_first_id;
	if (sqlite3_bind_int64(sqlite->stmts[STMT_LOG_DELETE], 1, end) != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	return store_sqlite_run(sqlite, STMT_LOG_DELETE, err);
}

int
store_sqlite_fold(struct sqlite *sqlite, size_t n, size_t *ret_n, struct err *err)
{
	size_t left = store_log_count(sqlite->old) - sqlite->n_folded, n_writes = 0;
	struct store_write *writes;
	int rc;

	*ret_n = n < left ? n : left;
	if (left == 0)
		return delete_rows(sqlite, err);
	writes = xcalloc(*ret_n + 1, sizeof *writes);
	for (size_t i = 0; i < *ret_n; i++) {
		struct store_write write = store_log_at(sqlite->old, sqlite->n_folded + i);

		if (!store_log_is_over(sqlite->old, sqlite->n_folded + i) &&
			!store_log_outdates(sqlite->young, write.key, write.key_size))
			writes[n_writes++] = write;
	}
	qsort(writes, n_writes, sizeof *writes, store_write_compare);
	rc = store_sqlite_write(sqlite, writes, n_writes, err);
	free(writes);
	return rc;
}

void
store_sqlite_folded(struct sqlite *sqlite, size_t n)
{
	sqlite->n_folded += n;
	if (n > 0 || sqlite->n_folded < store_log_count(sqlite->old))
		return;
	sqlite->old_first_id += STEP_ROWS;
	if (sqlite->old_first_id < sqlite->young_first_id)
		return;
	sqlite->old_first_id = sqlite->young_first_id;
	store_log_free(sqlite->old);
	sqlite->old = NULL;
}

bool
store_sqlite_fold_some(struct sqlite *sqlite, size_t n)
{
	struct err ignored;
	int rc = store_sqlite_relax(sqlite, true, &ignored);

	if (rc == 0)
		rc = store_sqlite_run(sqlite, STMT_BEGIN, &ignored);
	if (rc == 0)
		rc = store_sqlite_fold(sqlite, n, &n, &ignored);
	if (rc == 0)
		rc = store_sqlite_run(sqlite, STMT_COMMIT, &ignored);
	if (rc == 0)
		store_sqlite_folded(sqlite, n);
	else if (!sqlite3_get_autocommit(sqlite->db))
		(void)store_sqlite_run(sqlite, STMT_ROLLBACK, &ignored);
	(void)store_sqlite_relax(sqlite, false, &ignored); /* or the next commit does it */
	return rc == 0;
}

bool
store_sqlite_tidy_log(struct sqlite *sqlite)
{
	sqlite->n_quiet++;
	if (store_log_count(sqlite->young) > 0)
		sqlite->n_tidies++;
	if (sqlite->old == NULL && store_log_count(sqlite->young) > 0 &&
		(sqlite->n_tidies >= ANEW_TIDIES || sqlite->n_quiet >= QUIET_TIDIES))
		begin_anew(sqlite);
	if (sqlite->old == NULL)
		return false;
	(void)store_sqlite_fold_some(sqlite, STEP_KEYS);
	return true;
}
