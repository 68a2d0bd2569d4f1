/*
 * store_sqlite.h - what store_sqlite_open.c (recognises, lays out) and store_sqlite.c
 * (reads, writes) share; only these two include it.
 */
#pragma once

#include <sqlite3.h>

#include "common/store/store_impl.h"

enum {
	STORE_SQLITE_FORMAT = 1,              /* of the file, in its user_version */
	STORE_SQLITE_PAGE_BYTES = 8192,       /* of a new file */
	STORE_SQLITE_WAL_MAX_BYTES = 8 << 20, /* no commit begins behind a longer log */
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
	STMT_COUNT,
};

struct sqlite {
	struct store base;
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_COUNT];
	char *path;
	uint64_t wal_bytes;
	bool is_vacuuming; /* there was more to give back */
	bool is_unsealed;  /* a commit failed late and the log may still hold it */
};

extern const struct store_ops store_sqlite_ops;

/* What SQLite just said, as one of our codes and a sentence. */
int store_sqlite_fail(struct sqlite *sqlite, struct err *err);

/* Runs statements that answer nothing. */
int store_sqlite_exec(struct sqlite *sqlite, const char *sql, struct err *err);

/* The number that a statement answers. */
int store_sqlite_number(struct sqlite *sqlite, const char *sql, int64_t *ret, struct err *err);

/* Brings the log into the file and syncs that. */
int store_sqlite_checkpoint(struct sqlite *sqlite, struct err *err);
