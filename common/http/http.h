/*
 * http.h - an HTTP server on a libuv loop, over libmicrohttpd.
 *
 *     static const struct http_route routes[] = {
 *             {"GET", "/v1/tasks/{task}", on_task},
 *             {"GET", "/v1/events", on_events},
 *             {NULL, NULL, NULL},
 *     };
 *
 * A route's handler is called once the whole request is there, or, if it is one of
 * http_options.readers, once its head is, and takes the body bit by bit. It answers at once
 * (http_reply), keeps the request and answers later (a long poll), or answers with a
 * stream that it writes to as long as it likes. A HEAD is the GET without its body; a path
 * with another method is answered 405, an unknown one 404.
 *
 * OPTIONS says what a path allows, also to pages of other origins if they may. A JSON or text
 * answer is compressed for who takes gzip. Every answer has an X-Request-Id: the client's, if it is
 * a decent one, or one that is made; every 503 says Retry-After.
 *
 * Nothing a client does can hold more than what struct http_limits allows: its head, its
 * body, the time it takes for either, the time in which it reads its answer, and what is
 * buffered for it. Who is over a limit is answered or cut off, and counted.
 *
 * Everything on the loop's thread. A request belongs to the handler until it is answered
 * or its on_gone was called. Texts of a request live as long as it does.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

enum {
	HTTP_CONNECTIONS_MAX = 1024,     /* more wait to be accepted */
	HTTP_REQUESTS_MAX = 4096,        /* not answered yet; beyond: 503 */
	HTTP_HEAD_BYTES_MAX = 7 << 10,   /* request line and headers; beyond: 431 or 414 */
	HTTP_BODY_BYTES_MAX = 16 << 20,  /* beyond: 413 */
	HTTP_STREAM_BYTES_MAX = 1 << 20, /* written to a stream and not yet read */
	HTTP_HEAD_MS = 10000,            /* from the connection to a whole head */
	HTTP_IDLE_MS = 60000,            /* from an answer to the next whole head */
	HTTP_BODY_MS = 60000,            /* from the head to the whole body */
	HTTP_REPLY_MS = 60000,           /* for reading an answer that is no stream */
	HTTP_STALL_MS = 30000,           /* for reading anything of what a stream has */
	HTTP_PARAMS_MAX = 4,             /* {…} of one route */
	HTTP_PATH_MAX = 4096,
	HTTP_GZIP_BYTES_MIN = 1024, /* less is not compressed */
	HTTP_ID_MAX = 128,          /* characters of an X-Request-Id */
};

/* 0: the value above. */
struct http_limits {
	unsigned n_connections, n_requests;
	unsigned n_streams; /* 0: as many as connections; beyond: 503 */
	size_t body_bytes, stream_bytes;
	uint64_t head_ms, idle_ms, body_ms, reply_ms, stall_ms;
};

struct http_server;
struct http_request;
struct http_stream;

typedef void http_handle_fn(struct http_request *request, void *arg);
typedef void http_gone_fn(void *arg);

struct http_route {
	const char *method; /* "*": any, so behind those that say which; NULL ends the table */
	const char *path;   /* segments; "{name}" is any one, "{name*}" all that follow */
	http_handle_fn *handle;
};

/* One request that is over, for a log and for counting. Borrowed for the call. */
struct http_entry {
	const char *peer;               /* address without port; "unix" */
	const char *method, *target;    /* as they came; method "" for what was no HTTP */
	const char *version;            /* "HTTP/1.1" */
	const char *id, *agent;         /* agent may be NULL */
	const struct http_route *route; /* NULL: none */
	unsigned status;                /* 0: the client has gone before it was answered */
	uint64_t n_bytes;               /* of the answer's body */
	double seconds; /* from the request's first line to the answer's last byte */
	bool is_stream;
};
typedef void http_log_fn(const struct http_entry *entry, void *arg);

struct http_options {
	const char *listen; /* "http://127.0.0.1:7080" (port 0: any), "unix:///run/x.sock" */
	const struct http_route *routes; /* borrowed for the server's life */
	void *arg;                       /* of the handlers */
	http_handle_fn *const
		*readers; /* who read bodies bit by bit; NULL ends them; may be NULL */
	struct http_limits limits;
	const char *cors_origin; /* whose pages may read answers: "*", or origins with commas */
	http_log_fn *log;        /* may be NULL */
	void *log_arg;
};

struct http_stats {
	uint64_t n_requests;     /* whole ones, and refused ones */
	uint64_t n_refused;      /* 4xx by the server itself: no such route, a limit */
	uint64_t n_timed_out;    /* connections cut off because they were too slow */
	uint64_t n_stream_drops; /* writes to a stream whose reader is too slow */
	unsigned n_connections;  /* now, as the next two */
	unsigned n_waiting;      /* requests that are not answered yet */
	unsigned n_streams;
};

/* -EADDRINUSE, -EINVAL for an address that is none, with words. */
int http_open(uv_loop_t *loop, const struct http_options *options, struct http_server **ret_server,
	struct err *err);

/* The address with the port that was bound. Borrowed. */
const char *http_url(const struct http_server *server);
void http_stats(const struct http_server *server, struct http_stats *ret_stats);

/*
 * Breaks all connections. Requests and streams that are still held are gone, and no on_gone is
 * called. The loop must turn once more before it is closed. NULL is fine.
 */
void http_close(struct http_server *server);
CLEANUP_DEFINE(struct http_server *, http_close)

/* ---- a request ---- */

/* Which it is in logs: of the header X-Request-Id, or made. */
const char *http_id(const struct http_request *request);
const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request); /* decoded, without the query */
/* Its place in the table of routes. */
unsigned http_route_index(const struct http_request *request);
/* The segment that "{name}" stands for, the n-th of the route from 0. */
const char *http_param(const struct http_request *request, unsigned n);
/* Decoded; NULL: not given. */
const char *http_query(const struct http_request *request, const char *name);
/* All of them, in order; the value of one without is "". */
typedef void http_query_fn(const char *name, const char *value, void *arg);
void http_query_each(const struct http_request *request, http_query_fn *fn, void *arg);
const char *http_header(const struct http_request *request, const char *name);
const void *http_body(const struct http_request *request, size_t *ret_size);

/* Calls fn once the client has gone before it was answered; the request is no more then. */
void http_on_gone(struct http_request *request, http_gone_fn *fn, void *arg);

/*
 * ---- a body bit by bit, for the handlers that are among http_options.readers ----
 *
 * Its request lives until the body's end or its own, also when a stream was begun before: what is
 * written to that is sent behind the end of the body.
 */

/* Takes what it has room for and says how much; data NULL: that was all. */
typedef size_t http_body_fn(const void *data, size_t size, void *arg);

/* Whether the client sends one. */
bool http_body_is_sent(const struct http_request *request);
/* Nothing is read before. Who takes less than all is asked again after http_body_more. */
void http_body_read(struct http_request *request, http_body_fn *fn, void *arg);
void http_body_more(struct http_request *request);
/* Nobody wants the rest: it is passed over, and cut where it is far beyond body_bytes. */
void http_body_drop(struct http_request *request);

/* ---- its answer; the request is no more after http_reply, http_refuse and http_stream ---- */

/* Goes with the answer, in the place of one of that name, but for Vary. Copied. */
void http_reply_header(struct http_request *request, const char *name, const char *value);
void http_reply(struct http_request *request, unsigned status, const char *type, const void *data,
	size_t size);
/* The sentence as http_problem.h tells it. */
void http_refuse(struct http_request *request, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* True if it was refused, with 503: there are as many streams as there may be. */
bool http_refuse_stream(struct http_request *request);
/* on_gone: the client has gone or was cut off; the stream is no more then. */
struct http_stream *http_stream(struct http_request *request, unsigned status, const char *type,
	http_gone_fn *on_gone, void *arg);

/*
 * Never blocks. -ENOBUFS when the reader is too slow: stream_bytes are waiting, and nothing
 * was written. The data is copied.
 */
int http_stream_write(struct http_stream *stream, const void *data, size_t size);
/* How much could be written now. */
size_t http_stream_room(const struct http_stream *stream);
/* Goes behind the last byte, to clients that read trailers. Copied; before the end. */
void http_stream_trailer(struct http_stream *stream, const char *name, const char *value);

/* Calls fn whenever all that was written has been sent: time for more. */
void http_stream_on_drained(struct http_stream *stream, http_gone_fn *fn, void *arg);
/* As the end, but the client sees that something is missing. */
void http_stream_break(struct http_stream *stream);
/* What is written is still sent; the stream is no more and on_gone is not called. */
void http_stream_end(struct http_stream *stream);
