/*
 * http_events.h - a stream of server-sent events: one reader, and what it was too slow for.
 *
 *     id: 17
 *     event: task
 *     data: {"seq":17,…}
 *
 * https://html.spec.whatwg.org/multipage/server-sent-events.html. Whoever has the events decides
 * what a slow reader gets: the rest later, or nothing. What it misses is told as `event: lost`
 * before the next one. A stream on which nothing happens says so every HTTP_EVENTS_IDLE_MS.
 * The loop's thread.
 */
#pragma once

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/http/http.h"

enum { HTTP_EVENTS_IDLE_MS = 15000 };

#define HTTP_EVENTS_TYPE "text/event-stream"

struct http_events {
	struct http_stream *stream;
	uint64_t wrote_ms;
	uint64_t n_lost; /* not told yet */
	bool has_gap;    /* to be told; n_lost 0: how many is not known */
};

/* Whether the request asks for such a stream. */
bool http_events_are_wanted(const struct http_request *request);

/* Answers; see http_stream and http_refuse_stream. events was zeroed by the caller. */
void http_events_begin(struct http_events *events, struct http_request *request,
	http_gone_fn *on_gone, void *arg);

/* One event: id and name may be NULL; json has no line end. */
void http_events_print(const char *id, const char *name, const char *json, size_t size,
	struct buf *out);

/* The reader misses n events; 0: nobody knows how many. */
void http_events_miss(struct http_events *events, uint64_t n);

/* Whole events, as printed; what was missed goes before. False: it is too slow just now. */
bool http_events_write(struct http_events *events, const void *data, size_t size);
/* Tells what was missed, if there is something, and it can be told. */
void http_events_settle(struct http_events *events);

/* A few times a second or less; the time is monotonic. */
void http_events_tick(struct http_events *events, uint64_t now_ms);
