/*
 * log_file.h - a container's output straight from the engine's json-file, where it can be seen.
 *
 * The engine hands out its own log at ten or so MB/s, and from its beginning each
 * time; the file gives the same at the speed of the disk, from any place. Files
 * that were turned (path.1, path.2, …) belong to it. Only plain files: compressed
 * ones are the engine's to read.
 *
 * Any thread; keeps nothing between two calls. What is in the files was written by
 * the engine, but may be cut, damaged or gone: lines that make no sense are left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

enum {
	WORKER_LOG_FILES_MAX = 64,       /* turned ones that are looked for */
	WORKER_LOG_JSON_MAX = 256 << 10, /* bytes of one line of the file; more is damage */
	WORKER_LOG_SCAN_MAX = 16 << 20,  /* bytes looked at in one call */
};

/* A place in the files; inode 0: none. */
struct worker_log_place {
	uint64_t inode, offset;
	bool was_lost; /* its file is gone: reading began anew */
};

struct worker_log_line {
	int stream; /* 0 stdout, 1 stderr */
	uint64_t ns;
	const char *data; /* with its newline, if it has one */
	size_t size;
};

/* False: no more, please. This line was taken all the same. */
typedef bool worker_log_line_fn(const struct worker_log_line *line, void *arg);

enum worker_log_end {
	WORKER_LOG_FULL, /* fn said so */
	WORKER_LOG_MORE, /* WORKER_LOG_SCAN_MAX bytes were looked at */
	WORKER_LOG_OVER, /* nothing more is there now */
};

/*
 * Hands on the lines from *place on, and moves it behind them. A place whose file
 * is gone, and none, is the oldest that there is. -ENOENT, -EACCES: it cannot be
 * read here; ask the engine. Else an enum worker_log_end.
 */
int worker_log_file_read(const char *path, struct worker_log_place *place, worker_log_line_fn *fn,
	void *arg);

/* The place of the last n lines. -ENOENT, -EACCES as above. */
int worker_log_file_tail(const char *path, uint32_t n, struct worker_log_place *ret_place);

/* One line of the file without its newline; text holds what is unescaped. Pure. False: it is
 * none. */
bool worker_log_json_parse(const char *json, size_t size, struct buf *text,
	struct worker_log_line *ret_line);
