/*
 * One table in one SQLite file; tested by tests/unit/test_store.c.
 *
 * Measured choices are in docs/decisions/0002-store-sqlite.md. A commit appends
 * to the write-ahead log and syncs it, once; the log goes into the file in
 * store_tidy, between batches, or when it has reached its bound.
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/store/store_sqlite.h"

enum {
	WAL_TIDY_BYTES = 1 << 20, /* store_tidy brings a longer log into the file */
	VACUUM_MIN_PAGES = 128,   /* fewer free pages than this are kept for later: 1 MiB */
	VACUUM_STEP_PAGES = 128,  /* at most this many go at a time */
	VACUUM_QUIET_TIDIES = 2,  /* without a commit before any goes */
	PRESS_KEYS = 512,         /* of the log, a piece */
};

static struct sqlite *
sqlite_of(struct store *store)
{
	return (struct sqlite *)store;
}

/* What the system said last; a failed COMMIT keeps it at the log's descriptor only. */
static int
system_errno(sqlite3 *db)
{
	int code = sqlite3_system_errno(db);
	sqlite3_file *log = NULL;

	if (code != 0 ||
		sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log) !=
			SQLITE_OK ||
		log == NULL || log->pMethods == NULL)
		return code;
	(void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &code);
	return code;
}

/* From SQLite's code, and the system's where that says more, to ours. */
static int
db_errno(sqlite3 *db)
{
	int system = system_errno(db);

	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_ERROR: /* a table that is not like ours */
		return -EUCLEAN;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
		return system == ENOSPC || system == EFBIG || system == EDQUOT ? -ENOSPC : -EIO;
	case SQLITE_CANTOPEN:
		return system == EACCES || system == EROFS || system == EISDIR ||
				       system == ENOENT || system == ENOTDIR
			       ? -EACCES
			       : -EIO;
	default:
		return -EIO;
	}
}

static const char *
advice(int code)
{
	switch (code) {
	case -EBUSY:
		return ": another process has it open";
	case -ENOSPC:
		return ": make room on its disk";
	case -EUCLEAN:
		return ": it is damaged or no Davit store; restore a copy or start with a new file";
	default:
		return "";
	}
}

int
store_sqlite_fail(struct sqlite *sqlite, struct err *err)
{
	int code = db_errno(sqlite->db);

	return err_set(err, code, "store '%s': %s%s", sqlite->path, sqlite3_errmsg(sqlite->db),
		advice(code));
}

static int
fail_damaged(const struct sqlite *sqlite, const char *key, struct err *err)
{
	return err_set(err, -EUCLEAN, "store '%s': the value of '%.64s' is damaged%s", sqlite->path,
		key, advice(-EUCLEAN));
}

uint32_t
store_sqlite_sum(const char *key, size_t key_size, const void *value, size_t size)
{
	const struct {
		const void *data;
		size_t size;
	} parts[] = {{key, key_size}, {value, size}};
	uint64_t sum = size;

	for (size_t i = 0; i < 2; i++) {
		const unsigned char *p = parts[i].data;
		size_t left = parts[i].size;

		while (left > 0) {
			size_t n = left < sizeof(uint64_t) ? left : sizeof(uint64_t);
			uint64_t word = 0;

			memcpy(&word, p, n);
			sum = (sum ^ le64toh(word)) * UINT64_C(0x9e3779b97f4a7c15);
			sum ^= sum >> 29;
			p += n;
			left -= n;
		}
	}
	return (uint32_t)(sum ^ sum >> 32);
}

int
store_sqlite_run(struct sqlite *sqlite, enum stmt which, struct err *err)
{
	int code = sqlite3_step(sqlite->stmts[which]), rc = 0;

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		rc = store_sqlite_fail(sqlite, err);
	(void)sqlite3_reset(sqlite->stmts[which]);
	return rc;
}

int
store_sqlite_exec(struct sqlite *sqlite, const char *sql, struct err *err)
{
	return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : store_sqlite_fail(sqlite, err);
}

/* The number that a statement answers. */
int
store_sqlite_number(struct sqlite *sqlite, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = 0;

	if (sqlite3_prepare_v2(sqlite->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	else
		rc = store_sqlite_fail(sqlite, err);
	(void)sqlite3_finalize(stmt);
	return rc;
}

/* Puts n writes with a statement that has places for n rows. */
static int
put_rows(struct sqlite *sqlite, enum stmt which, const struct store_write *writes, size_t n,
	struct err *err)
{
	sqlite3_stmt *stmt = sqlite->stmts[which];
	int place = 0, code = SQLITE_OK;

	for (size_t i = 0; i < n && code == SQLITE_OK; i++) {
		const struct store_write *write = &writes[i];

		code = sqlite3_bind_blob(stmt, ++place, write->key, (int)write->key_size,
			SQLITE_STATIC);
		if (code == SQLITE_OK)
			code = sqlite3_bind_blob(stmt, ++place, write->value, (int)write->size,
				SQLITE_STATIC);
		if (code == SQLITE_OK)
			code = sqlite3_bind_int64(stmt, ++place,
				store_sqlite_sum(write->key, write->key_size, write->value,
					write->size));
	}
	return code == SQLITE_OK ? store_sqlite_run(sqlite, which, err)
				 : store_sqlite_fail(sqlite, err);
}

static int
remove_key(struct sqlite *sqlite, struct store_write write, struct err *err)
{
	if (sqlite3_bind_blob(sqlite->stmts[STMT_DELETE], 1, write.key, (int)write.key_size,
		    SQLITE_STATIC) != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	return store_sqlite_run(sqlite, STMT_DELETE, err);
}

/* Takes back what a failed commit began. Nothing else can be open, so it cannot fail for long. */
static void
roll_back(struct sqlite *sqlite)
{
	struct err ignored;

	if (!sqlite3_get_autocommit(sqlite->db))
		(void)store_sqlite_run(sqlite, STMT_ROLLBACK, &ignored);
}

/*
 * A commit that failed in its sync lies in the log, whole, and a crash would
 * bring it back. A commit of one page, behind the same place, makes the rest
 * of it unreadable: the frames of the log are chained by their checksums.
 */
static void
seal(struct sqlite *sqlite)
{
	_Static_assert(STORE_SQLITE_FORMAT == 2, "the format that is written below");
	struct err ignored;

	if (store_sqlite_exec(sqlite, "BEGIN IMMEDIATE; PRAGMA user_version = 2; COMMIT",
		    &ignored) == 0)
		sqlite->is_unsealed = false;
	roll_back(sqlite);
}

int
store_sqlite_checkpoint(struct sqlite *sqlite, struct err *err)
{
	int n_log = 0, n_done = 0;

	if (sqlite3_wal_checkpoint_v2(sqlite->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_log,
		    &n_done) != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	if (n_log == n_done)
		sqlite->wal_bytes = 0; /* the next commit begins it anew */
	return 0;
}

int
store_sqlite_relax(struct sqlite *sqlite, bool relaxes, struct err *err)
{
	int rc = 0;

	if (!relaxes && sqlite->is_relaxed)
		roll_back(sqlite); /* it cannot be said within a transaction */
	if (relaxes != sqlite->is_relaxed)
		rc = store_sqlite_exec(sqlite,
			relaxes ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", err);
	if (rc == 0)
		sqlite->is_relaxed = relaxes;
	return rc;
}

/* How many of the first writes are puts: max is enough. */
static size_t
count_puts(const struct store_write *writes, size_t n, size_t max)
{
	size_t n_puts = 0;

	while (n_puts < max && n_puts < n && !writes[n_puts].is_delete)
		n_puts++;
	return n_puts;
}

int
store_sqlite_write(struct sqlite *sqlite, const struct store_write *writes, size_t n,
	struct err *err)
{
	size_t i = 0;
	int rc = 0;

	while (i < n && rc == 0) {
		size_t n_puts = count_puts(writes + i, n - i, STORE_SQLITE_ROWS);

		if (n_puts == STORE_SQLITE_ROWS) {
			rc = put_rows(sqlite, STMT_PUT_ROWS, writes + i, n_puts, err);
			i += n_puts;
		} else if (n_puts > 0) {
			rc = put_rows(sqlite, STMT_PUT, writes + i++, 1, err);
		} else {
			rc = remove_key(sqlite, writes[i++], err);
		}
	}
	return rc;
}

static int
sqlite_commit(struct store *store, const struct store_batch *batch, struct err *err)
{
	struct sqlite *sqlite = sqlite_of(store);
	bool folds = store_sqlite_must_fold(sqlite);
	/* Then its one statement is a transaction by itself. */
	bool is_alone = !folds && store_sqlite_is_one_row(batch);
	size_t n_folded = 0;
	int rc;

	rc = store_sqlite_relax(sqlite, false, err);
	if (rc == 0 && sqlite->wal_bytes >= STORE_SQLITE_WAL_MAX_BYTES)
		rc = store_sqlite_checkpoint(sqlite, err);
	assert(rc < 0 || sqlite3_get_autocommit(sqlite->db));
	if (rc == 0 && !is_alone)
		rc = store_sqlite_run(sqlite, STMT_BEGIN, err);
	if (rc < 0)
		return rc;
	rc = store_sqlite_append(sqlite, batch, err);
	/* Twice as many as come in: the old part is in the table before the young one is full. */
	if (rc == 0 && folds)
		rc = store_sqlite_fold(sqlite, 2 * store_batch_count(batch), &n_folded, err);
	if (rc == 0 || is_alone) {
		if (!is_alone)
			rc = store_sqlite_run(sqlite, STMT_COMMIT, err);
		sqlite->is_unsealed = rc < 0;
	}
	roll_back(sqlite);
	if (sqlite->is_unsealed)
		seal(sqlite);
	store_sqlite_appended(sqlite, rc == 0);
	if (rc == 0 && folds)
		store_sqlite_folded(sqlite, n_folded);
	return rc;
}

/* A row of (key, value, sum) as it was put: what comes from a file is not believed. */
static int
read_row(const struct sqlite *sqlite, sqlite3_stmt *stmt, struct store_write *ret,
	char ret_key[STORE_KEY_MAX + 1], struct err *err)
{
	const void *key = sqlite3_column_blob(stmt, 0), *value = sqlite3_column_blob(stmt, 1);
	size_t key_size = (size_t)sqlite3_column_bytes(stmt, 0);
	size_t size = (size_t)sqlite3_column_bytes(stmt, 1);

	if (key == NULL || key_size == 0 || key_size > STORE_KEY_MAX ||
		memchr(key, '\0', key_size) != NULL)
		return fail_damaged(sqlite, "?", err);
	memcpy(ret_key, key, key_size);
	ret_key[key_size] = '\0';
	value = value == NULL ? "" : value;
	if (size > STORE_VALUE_MAX ||
		sqlite3_column_int64(stmt, 2) != store_sqlite_sum(ret_key, key_size, value, size))
		return fail_damaged(sqlite, ret_key, err);
	*ret = (struct store_write){.key = ret_key,
		.key_size = key_size,
		.value = value,
		.size = size};
	return 0;
}

static int
sqlite_get(struct store *store, const char *key, struct buf *ret_value, struct err *err)
{
	struct sqlite *sqlite = sqlite_of(store);
	sqlite3_stmt *stmt = sqlite->stmts[STMT_GET];
	size_t key_size = strnlen(key, STORE_KEY_MAX + 1);
	char found[STORE_KEY_MAX + 1];
	struct store_write row;
	int code, rc;

	if (store_log_find(sqlite->young, key, key_size, &row) ||
		store_log_find(sqlite->old, key, key_size, &row)) {
		if (row.is_delete)
			return err_set(err, -ENOENT, "no key '%.64s'", key);
		buf_put(ret_value, row.value, row.size);
		return 0;
	}
	if (sqlite3_bind_blob(stmt, 1, key, (int)key_size, SQLITE_STATIC) != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		rc = read_row(sqlite, stmt, &row, found, err);
	else if (code == SQLITE_DONE)
		rc = err_set(err, -ENOENT, "no key '%.64s'", key);
	else
		rc = store_sqlite_fail(sqlite, err);
	if (rc == 0)
		buf_put(ret_value, row.value, row.size);
	(void)sqlite3_reset(stmt);
	return rc;
}

/* What a scan visits of the logs. */
struct merge {
	struct store_write *writes;
	size_t n, next;
	store_visit_fn *visit;
	void *arg;
};

/*
 * Visits what the logs have before the row, or, without one, all the rest. 0 to go on.
 * ret_is_known: a log has a later write of the row's key.
 */
static int
visit_logged(struct merge *merge, const struct store_write *row, bool *ret_is_known)
{
	int rc = 0;

	*ret_is_known = false;
	while (rc == 0 && merge->next < merge->n) {
		const struct store_write *write = &merge->writes[merge->next];
		int order = row == NULL ? -1 : store_write_compare(write, row);

		if (order > 0)
			break;
		*ret_is_known |= order == 0;
		merge->next++;
		if (!write->is_delete)
			rc = merge->visit(write->key, write->value, write->size, merge->arg);
	}
	return rc;
}

static int
visit_rows(struct sqlite *sqlite, sqlite3_stmt *stmt, struct merge *merge, struct err *err)
{
	char key[STORE_KEY_MAX + 1];
	struct store_write row;
	int code, rc = 0;
	bool is_known;

	while (rc == 0 && (code = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (code != SQLITE_ROW)
			return store_sqlite_fail(sqlite, err);
		rc = read_row(sqlite, stmt, &row, key, err);
		if (rc == 0)
			rc = visit_logged(merge, &row, &is_known);
		if (rc == 0 && !is_known)
			rc = merge->visit(row.key, row.value, row.size, merge->arg);
	}
	return rc != 0 ? rc : visit_logged(merge, NULL, &is_known);
}

/* A statement of its own for each scan: visitors may scan, too. */
static int
sqlite_scan(struct store *store, const char *prefix, store_visit_fn *visit, void *arg,
	struct err *err)
{
	struct sqlite *sqlite = sqlite_of(store);
	char end[STORE_KEY_MAX + 1];
	bool has_end = store_prefix_end(prefix, end);
	const char *sql =
		has_end ? "SELECT key, value, sum FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key"
			: "SELECT key, value, sum FROM kv WHERE key >= ?1 ORDER BY key";
	struct merge merge = {.visit = visit, .arg = arg};
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (sqlite3_prepare_v2(sqlite->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	merge.writes = store_log_collect(sqlite->young, sqlite->old, prefix, &merge.n);
	(void)sqlite3_bind_blob(stmt, 1, prefix, (int)strlen(prefix), SQLITE_STATIC);
	if (has_end)
		(void)sqlite3_bind_blob(stmt, 2, end, (int)strlen(end), SQLITE_STATIC);
	rc = visit_rows(sqlite, stmt, &merge, err);
	(void)sqlite3_finalize(stmt);
	free(merge.writes);
	return rc;
}

static uint64_t
size_of(const char *path, const char *suffix)
{
	CLEANUP(buf_fini) struct buf name = {0};
	struct stat st;

	buf_printf(&name, "%s%s", path, suffix);
	return stat(buf_text(&name), &st) < 0 ? 0 : (uint64_t)st.st_size;
}

static void
sqlite_sizes(struct store *store, uint64_t *ret_file_bytes, uint64_t *ret_wal_bytes)
{
	*ret_file_bytes = size_of(sqlite_of(store)->path, "");
	*ret_wal_bytes = size_of(sqlite_of(store)->path, "-wal");
}

/* Gives some pages back to the disk when a quarter of the file is empty. */
static bool
vacuum_some(struct sqlite *sqlite)
{
	int64_t n_free = 0, n_pages = 0;
	struct err ignored;
	char sql[64];

	if (store_sqlite_number(sqlite, "PRAGMA freelist_count", &n_free, &ignored) < 0 ||
		store_sqlite_number(sqlite, "PRAGMA page_count", &n_pages, &ignored) < 0 ||
		n_free < VACUUM_MIN_PAGES || n_free < n_pages / 4)
		return false;
	(void)snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", VACUUM_STEP_PAGES);
	return store_sqlite_exec(sqlite, sql, &ignored) == 0;
}

/* What fails here fails again in a commit, which has somebody to tell. */
static void
sqlite_tidy(struct store *store)
{
	struct sqlite *sqlite = sqlite_of(store);
	struct err ignored;

	if (sqlite->is_unsealed)
		seal(sqlite);
	/* While batches come, what the log leaves free is what it takes next. */
	if (store_sqlite_tidy_log(sqlite) || sqlite->n_quiet < VACUUM_QUIET_TIDIES)
		sqlite->is_vacuuming = false;
	else
		sqlite->is_vacuuming = vacuum_some(sqlite);
	if (sqlite->wal_bytes < WAL_TIDY_BYTES && !sqlite->is_vacuuming)
		return;
	(void)store_sqlite_checkpoint(sqlite, &ignored); /* only this makes the file shorter */
}

static bool
sqlite_press(struct store *store)
{
	struct sqlite *sqlite = sqlite_of(store);
	struct err ignored;

	if (sqlite->is_unsealed)
		return false;
	if (sqlite->wal_bytes >= STORE_SQLITE_WAL_PRESS_BYTES)
		return store_sqlite_checkpoint(sqlite, &ignored) == 0 &&
		       sqlite->wal_bytes < STORE_SQLITE_WAL_PRESS_BYTES &&
		       store_sqlite_is_pressed(sqlite);
	return store_sqlite_is_pressed(sqlite) && store_sqlite_fold_some(sqlite, PRESS_KEYS) &&
	       store_sqlite_is_pressed(sqlite);
}

static void
sqlite_close(struct store *store)
{
	struct sqlite *sqlite = sqlite_of(store);

	for (unsigned i = 0; i < STMT_COUNT; i++)
		(void)sqlite3_finalize(sqlite->stmts[i]);
	(void)sqlite3_close(sqlite->db); /* also brings the log into the file */
	store_log_free(sqlite->young);
	store_log_free(sqlite->old);
	buf_fini(&sqlite->row);
	free(sqlite->path);
	free(sqlite);
}

const struct store_ops store_sqlite_ops = {
	.close = sqlite_close,
	.commit = sqlite_commit,
	.get = sqlite_get,
	.scan = sqlite_scan,
	.sizes = sqlite_sizes,
	.tidy = sqlite_tidy,
	.press = sqlite_press,
};
