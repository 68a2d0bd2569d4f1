/*
 * log_cursor.h - places in a container's output.
 *
 * The engine knows a place in its output by time alone, and several lines may
 * have the same. So a cursor is a time and the number of lines with that time
 * that were already read: "1700000000123456789.2". Where the engine's file can be
 * read (log_file.h) it has the place in it as well: "….2@INODE.OFFSET", which is
 * exact even where times go back. Text from outside: checked.
 *
 * Pure. A reader cuts the engine's stream (with timestamps) into records, leaves
 * out those before its cursor, and moves the cursor over those it hands on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "services/worker/log_file.h"

enum { WORKER_LOG_CURSOR_SIZE = 96 };

struct worker_log_cursor {
	uint64_t ns;     /* time of the last line that was read; 0: none yet */
	uint32_t n_same; /* lines read that have this time */
	struct worker_log_place place;
};

/* text NULL or "": the beginning. -EINVAL for what is no cursor. */
int worker_log_cursor_parse(const char *text, struct worker_log_cursor *ret_cursor,
	struct err *err);
const char *worker_log_cursor_format(const struct worker_log_cursor *cursor,
	char ret_text[WORKER_LOG_CURSOR_SIZE]);

/* "2025-01-01T00:00:00.123456789Z " at the beginning of data: its length with the space, or 0. */
size_t worker_log_stamp_parse(const char *data, size_t size, uint64_t *ret_ns);

struct worker_log_reader {
	struct worker_log_cursor cursor; /* behind what was handed on */
	struct worker_log_cursor seen;   /* behind what came from the engine */
	bool is_past;                    /* what comes is behind the cursor, whatever its time */
	uint64_t until_ns;               /* what is later is left out; 0: nothing */
	bool is_over;                    /* something later came: is_full, too */
	bool keep_stamps;
	bool is_raw;         /* of a terminal: no messages are told */
	bool is_mid_line[2]; /* the last record of the stream had no newline */
	struct buf line[2];  /* begun, for each stream */
	/* One record, whole: with its newline if it has one. False: no more, please. */
	bool (*on_record)(int stream, const void *data, size_t size, void *arg);
	void *arg;
	bool is_full; /* on_record has said so: everything after is left out */
};

void worker_log_reader_init(struct worker_log_reader *reader,
	const struct worker_log_cursor *cursor);
void worker_log_reader_fini(struct worker_log_reader *reader);

/*
 * What comes next of the stream is a message of its own: a line that has begun goes no further,
 * since the parts of a long one come so, each with a stamp and none with a newline.
 */
void worker_log_reader_message(struct worker_log_reader *reader, int stream);

/*
 * Takes a piece of the engine's stream, cut anywhere: it does not matter where. stream: 0 stdout,
 * 1 stderr.
 */
void worker_log_reader_put(struct worker_log_reader *reader, int stream, const void *data,
	size_t size);

/* Takes a whole record. */
void worker_log_reader_take(struct worker_log_reader *reader, const struct worker_log_line *line);

/* The stream is over: what was begun is a record, too. */
void worker_log_reader_end(struct worker_log_reader *reader);
