/*
 * observe.h - what the gateway tells of its requests: an access log, and figures.
 *
 *     common  127.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET /v1/tasks HTTP/1.1" 200 15 0.002
 * 4f03a9… json    {"ts":"2026-11-22T10:00:00.123Z","peer":"127.0.0.1","method":"GET",…}
 *
 * The common form is that of the NCSA's server, with the seconds and the request's id behind it.
 * It goes to standard output, line by line. The loop's thread.
 */
#pragma once

#include <stdio.h>

#include "common/base/buf.h"
#include "common/http/http.h"
#include "common/metrics/metrics.h"

enum observe_form { OBSERVE_NONE, OBSERVE_COMMON, OBSERVE_JSON, OBSERVE_COUNT };

struct observe;

/* "off", "common", "json". -EINVAL, with words. */
int observe_parse(const char *text, enum observe_form *ret_form, struct err *err);

/* metrics is borrowed for its life, and file; both may be NULL. */
struct observe *observe_new(enum observe_form form, FILE *file, struct metrics *metrics);
void observe_free(struct observe *observe);
CLEANUP_DEFINE(struct observe *, observe_free)

/* The figures of this server are collected, too; it lives as long as metrics are printed. */
void observe_server(struct observe *observe, const struct http_server *server);

/* An http_log_fn; arg is a struct observe. */
void observe_entry(const struct http_entry *entry, void *arg);

/* One line as it would be written at that moment. */
void observe_print(enum observe_form form, const struct http_entry *entry, uint64_t wall_ms,
	struct buf *out);
