/* From a path to a store, new or old; tested by tests/unit/test_store.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/store/store_sqlite.h"

enum {
	APPLICATION_ID = 0x44617674, /* "Davt": how the file is told from others */
	CACHE_KIB = 1024,            /* of pages in memory */
};

#define PUT_SQL   "INSERT INTO kv(key, value, sum) VALUES"
#define LOG_SQL   "CREATE TABLE log(id INTEGER PRIMARY KEY, writes BLOB, sum INTEGER);"
#define FOUR_ROWS "(?,?,?),(?,?,?),(?,?,?),(?,?,?)"

static const char *const stmt_sql[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_PUT] = PUT_SQL "(?,?,?)",
	[STMT_PUT_ROWS] = PUT_SQL FOUR_ROWS "," FOUR_ROWS "," FOUR_ROWS "," FOUR_ROWS,
	[STMT_DELETE] = "DELETE FROM kv WHERE key = ?1",
	[STMT_GET] = "SELECT key, value, sum FROM kv WHERE key = ?1",
	[STMT_LOG_ADD] = "INSERT INTO log(id, writes, sum) VALUES(?,?,?)",
	[STMT_LOG_DELETE] = "DELETE FROM log WHERE id < ?1",
};

static int
sync_folder_of(const char *path)
{
	CLEANUP(free) char *folder = xstrdup(path);
	CLEANUP(fd_close) int fd = -1;

	*(strrchr(folder, '/') + 1) = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/*
 * Makes a missing file, readable by its owner only. An existing one is not
 * opened: closing it would drop the locks of a store that this process has open.
 */
static int
make_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = 0;

	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0 || fsync(fd) < 0)
		rc = -errno;
	if (fd >= 0)
		(void)close(fd);
	if (rc == 0)
		rc = sync_folder_of(path);
	if (rc == -ENOENT || rc == -ENOTDIR || rc == -EROFS)
		return err_set(err, -EACCES, "cannot create store '%s': %s", path, strerror(-rc));
	return rc < 0 ? err_set(err, rc, "cannot create store '%s': %s", path, strerror(-rc)) : 0;
}

static int
on_commit(void *arg, sqlite3 *db, const char *name, int n_pages)
{
	struct sqlite *sqlite = arg;

	(void)db;
	(void)name;
	sqlite->wal_bytes = (uint64_t)n_pages * STORE_SQLITE_PAGE_BYTES;
	return SQLITE_OK;
}

/* Opens without changing a byte: whose file it is is not known yet. */
static int
open_db(struct sqlite *sqlite, struct err *err)
{
	int code = sqlite3_open_v2(sqlite->path, &sqlite->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (sqlite->db == NULL)
		return err_set(err, -ENOMEM, "store '%s': out of memory", sqlite->path);
	if (code != SQLITE_OK)
		return store_sqlite_fail(sqlite, err);
	if (sqlite3_db_readonly(sqlite->db, "main") == 1)
		return err_set(err, -EACCES, "store '%s' cannot be written", sqlite->path);
	(void)sqlite3_extended_result_codes(sqlite->db, 1);
	(void)sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* Exclusive: nobody else can open it, and the log needs no shared memory file. */
	return store_sqlite_exec(sqlite,
		"PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
		" PRAGMA cell_size_check = ON",
		err);
}

/* Whether the file is empty, ours, or neither. The first read also takes the lock. */
static int
recognise(struct sqlite *sqlite, bool *ret_is_new, struct err *err)
{
	int64_t application = 0, format = 0, n_tables = 0;
	int rc = store_sqlite_number(sqlite, "PRAGMA application_id", &application, err);

	if (rc == 0)
		rc = store_sqlite_number(sqlite, "PRAGMA user_version", &format, err);
	if (rc == 0)
		rc = store_sqlite_number(sqlite, "SELECT count(*) FROM sqlite_schema", &n_tables,
			err);
	if (rc < 0)
		return rc;
	*ret_is_new = application == 0 && format == 0 && n_tables == 0;
	if (*ret_is_new)
		return 0;
	if (application != APPLICATION_ID)
		return err_set(err, -EUCLEAN, "'%s' is a database, but no Davit store",
			sqlite->path);
	if (format != STORE_SQLITE_FORMAT && format != STORE_SQLITE_FORMAT_TABLE)
		return err_set(err, -EUCLEAN,
			"store '%s' has format %lld, this program reads %d: use a newer davit-manager",
			sqlite->path, (long long)format, STORE_SQLITE_FORMAT);
	return 0;
}

/* Damage to the tree itself, which could hide rows; half a microsecond for each of them. */
static int
check_tree(struct sqlite *sqlite, struct err *err)
{
	int64_t is_sound = 0;
	int rc = store_sqlite_number(sqlite, "SELECT quick_check = 'ok' FROM pragma_quick_check",
		&is_sound, err);

	if (rc == 0 && !is_sound)
		rc = err_set(err, -EUCLEAN,
			"store '%s' is damaged: restore a copy or start with a new file",
			sqlite->path);
	return rc;
}

/*
 * The table and the marks that it is ours come in one transaction: never half a
 * store. A key that is there is replaced by the table's own rule and a NULL
 * would FAIL, not ABORT: then a statement of many rows needs no journal to take
 * back half of itself (the transaction is rolled back instead).
 */
static int
lay_out(struct sqlite *sqlite, struct err *err)
{
	char sql[512];

	(void)snprintf(sql, sizeof sql,
		"BEGIN IMMEDIATE;"
		"CREATE TABLE kv(key BLOB NOT NULL ON CONFLICT FAIL PRIMARY KEY ON CONFLICT REPLACE,"
		" value BLOB, sum INTEGER) WITHOUT ROWID;" LOG_SQL
		"PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		APPLICATION_ID, STORE_SQLITE_FORMAT);
	return store_sqlite_exec(sqlite, sql, err);
}

/* A file of the format before gets a log. */
static int
add_log(struct sqlite *sqlite, struct err *err)
{
	int64_t format = STORE_SQLITE_FORMAT;
	char sql[256];
	int rc = store_sqlite_number(sqlite, "PRAGMA user_version", &format, err);

	if (rc < 0 || format == STORE_SQLITE_FORMAT)
		return rc;
	(void)snprintf(sql, sizeof sql,
		"BEGIN IMMEDIATE;" LOG_SQL "PRAGMA user_version = %d; COMMIT", STORE_SQLITE_FORMAT);
	return store_sqlite_exec(sqlite, sql, err);
}

static int
prepare_all(struct sqlite *sqlite, struct err *err)
{
	for (unsigned i = 0; i < STMT_COUNT; i++) {
		if (sqlite3_prepare_v3(sqlite->db, stmt_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &sqlite->stmts[i], NULL) != SQLITE_OK)
			return store_sqlite_fail(sqlite, err);
	}
	return 0;
}

static int
set_up(struct sqlite *sqlite, struct err *err)
{
	char sql[256];
	int64_t has_log = 0;
	bool is_new = false;
	int rc = open_db(sqlite, err);

	if (rc == 0)
		rc = recognise(sqlite, &is_new, err);
	if (rc < 0)
		return rc;
	(void)snprintf(sql, sizeof sql,
		"PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL;"
		" PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		" PRAGMA secure_delete = OFF; PRAGMA cache_size = -%d;"
		" PRAGMA journal_size_limit = %d",
		STORE_SQLITE_PAGE_BYTES, CACHE_KIB, STORE_SQLITE_WAL_PRESS_BYTES);
	rc = store_sqlite_exec(sqlite, sql, err);
	if (rc == 0)
		rc = store_sqlite_number(sqlite,
			"SELECT journal_mode = 'wal' FROM pragma_journal_mode", &has_log, err);
	if (rc == 0 && !has_log)
		rc = err_set(err, -EIO, "store '%s': no log can be kept beside it", sqlite->path);
	if (rc == 0 && is_new)
		rc = lay_out(sqlite, err);
	if (rc == 0 && !is_new)
		rc = check_tree(sqlite, err);
	if (rc == 0 && !is_new)
		rc = add_log(sqlite, err);
	if (rc == 0)
		rc = prepare_all(sqlite, err);
	if (rc == 0)
		rc = store_sqlite_read_log(sqlite, err);
	if (rc == 0)
		rc = store_sqlite_checkpoint(sqlite, err);
	(void)sqlite3_wal_hook(sqlite->db, on_commit, sqlite); /* and no checkpoint by itself */
	return rc;
}

int
store_open_sqlite(const char *path, struct store **ret_store, struct err *err)
{
	struct sqlite *sqlite = xcalloc(1, sizeof *sqlite);
	struct buf full = {0};
	int rc;

	sqlite->base.ops = &store_sqlite_ops;
	sqlite->base.log_max_bytes = STORE_LOG_BYTES;
	sqlite->young = store_log_new();
	/* A path is never one of SQLite's special names (":memory:", "file:…", ""). */
	buf_printf(&full, "%s%s", path[0] == '/' ? "" : "./", path);
	sqlite->path = buf_take(&full, NULL);
	rc = make_file(sqlite->path, err);
	if (rc == 0)
		rc = set_up(sqlite, err);
	if (rc < 0) {
		store_close(&sqlite->base);
		return rc;
	}
	*ret_store = &sqlite->base;
	return 0;
}
