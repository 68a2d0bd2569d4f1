/*
 * store_sqlite.h - what store_sqlite_open.c (recognises, lays out), store_sqlite_log.c (the
 * log of batches, and how it gets into the table) and store_sqlite.c (reads, writes) share;
 * only these include it.
 */
#pragma once

#include <sqlite3.h>

#include "common/store/store_impl.h"
#include "common/store/store_log.h"

enum {
	STORE_SQLITE_FORMAT = 2,                /* of the file, in its user_version */
	STORE_SQLITE_FORMAT_TABLE = 1,          /* without a log of batches: it gets one */
	STORE_SQLITE_PAGE_BYTES = 8192,         /* of a new file */
	STORE_SQLITE_WAL_MAX_BYTES = 8 << 20,   /* no commit begins behind a longer log */
	STORE_SQLITE_WAL_PRESS_BYTES = 4 << 20, /* goes into the file; if longer, it is cut */
	STORE_SQLITE_ROWS = 16, /* of one statement: beginning one costs as much as a row */
};

enum stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_PUT,
	STMT_PUT_ROWS, /* many at once */
	STMT_DELETE,
	STMT_GET,
	STMT_LOG_ADD,
	STMT_LOG_DELETE,
	STMT_COUNT,
};

struct sqlite {
	struct store base;
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_COUNT];
	char *path;
	uint64_t wal_bytes;
	/* What the table does not have yet: the log since it was begun anew, and the part before
	 * that, which is on its way into the table. */
	struct store_log *young, *old;
	struct buf row;         /* of the batch that is being committed */
	size_t n_folded;        /* keys of old that are in the table */
	int64_t old_first_id;   /* of the log's oldest row */
	int64_t young_first_id; /* of the first row that is young */
	int64_t next_id;
	unsigned n_tidies; /* since young was begun */
	unsigned n_quiet;  /* of them, since the last commit */
	bool is_vacuuming; /* there was more to give back */
	bool is_relaxed;   /* what is committed now is not synced */
	bool is_unsealed;  /* a commit failed late and the log may still hold it */
};

extern const struct store_ops store_sqlite_ops;

/* What SQLite just said, as one of our codes and a sentence. */
int store_sqlite_fail(struct sqlite *sqlite, struct err *err);

/* Whether a transaction is synced by its end: those of batches are, always. */
int store_sqlite_relax(struct sqlite *sqlite, bool relaxes, struct err *err);

/* Runs statements that answer nothing. */
int store_sqlite_exec(struct sqlite *sqlite, const char *sql, struct err *err);

/* The number that a statement answers. */
int store_sqlite_number(struct sqlite *sqlite, const char *sql, int64_t *ret, struct err *err);

/*
 * A sum over key and value. Each step is a bijection of the state, so that a
 * change within any one word cannot go unseen before the fold to 32 bits.
 */
uint32_t store_sqlite_sum(const char *key, size_t key_size, const void *value, size_t size);

/* Steps a statement that answers no row, and makes it ready for its next use. */
int store_sqlite_run(struct sqlite *sqlite, enum stmt which, struct err *err);

/* Puts and deletes n writes in the table; within a transaction. */
int store_sqlite_write(struct sqlite *sqlite, const struct store_write *writes, size_t n,
	struct err *err);

/* ---- store_sqlite_log.c ---- */

/* True when the batch is appended by one statement. */
bool store_sqlite_is_one_row(const struct store_batch *batch);
/* Appends the batch to the log; within a transaction if it takes several statements. */
int store_sqlite_append(struct sqlite *sqlite, const struct store_batch *batch, struct err *err);
/* What was appended is on disk, or is not. */
void store_sqlite_appended(struct sqlite *sqlite, bool is_durable);
/* Reads the log of a file that was just opened. -EUCLEAN. */
int store_sqlite_read_log(struct sqlite *sqlite, struct err *err);
/* True when the table should take some of the log, and when it has to with the next commit. */
bool store_sqlite_is_pressed(const struct sqlite *sqlite);
bool store_sqlite_must_fold(const struct sqlite *sqlite);
/* Brings at most n keys into the table; within a transaction. ret_n: how many. */
int store_sqlite_fold(struct sqlite *sqlite, size_t n, size_t *ret_n, struct err *err);
/* What store_sqlite_fold did is there for good. */
void store_sqlite_folded(struct sqlite *sqlite, size_t n);
/*
 * A piece of all that, in a transaction of its own. It is not synced: until the log's rows are gone
 * they say the same, and what comes after it in SQLite's log is synced with it. False: it failed.
 */
bool store_sqlite_fold_some(struct sqlite *sqlite, size_t n);
/* The same, when it is time. True when there may be more to do. */
bool store_sqlite_tidy_log(struct sqlite *sqlite);

/* Brings SQLite's log into the file and syncs that. */
int store_sqlite_checkpoint(struct sqlite *sqlite, struct err *err);
