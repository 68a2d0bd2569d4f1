/*
 * log.h - one line per fact, on stderr or in a file, for people and for grep.
 *
 *     log_info("task.placed", "task=%s node=%s", task->id, node->id);
 *     -> ts=2025-01-01T00:00:00.000Z lvl=info svc=scheduler ev=task.placed task=t1 node=n2
 *
 * The event name is a stable identifier: tests and alerts match on it, so it
 * changes only with docs/EVENTS.md. Code under common/ logs at debug only; it
 * returns an error instead, and whoever decides what the error means logs it,
 * once. Logging preserves errno. Any thread may log.
 */
#pragma once

#include "common/base/err.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG, LOG_LVL_COUNT };

/* Call once, first thing in main(). service is borrowed for the process's life. */
void log_open(const char *service, enum log_level max);

/*
 * Sends lines to a file from now on (appending), and remembers its path for
 * log_reopen. path is borrowed for the process's life. -errno if it cannot be
 * opened; the old place stays in use.
 */
int log_to_file(const char *path, struct err *err);

/* Opens the file of log_to_file anew, for log rotation (SIGHUP). Without a file: nothing. */
int log_reopen(struct err *err);

/* "error", "warn", "info" or "debug" to its level; -EINVAL for other words. */
int log_level_parse(const char *text, enum log_level *ret_level, struct err *err);

void log_emit(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(event, ...) log_emit(LOG_LVL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_emit(LOG_LVL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_emit(LOG_LVL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_emit(LOG_LVL_DEBUG, event, __VA_ARGS__)
