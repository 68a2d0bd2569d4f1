/*
 * engine_http_impl.h - the inside of the Engine API client.
 *
 * engine_http.c        opening, closing, the version, what runs when
 * engine_http_op.c     one operation: its transfer, its bytes, its end
 * engine_http_pipe.c   connections that are handed over, and uploads
 * engine_http_ask.c    what exec, attach, archives and images ask
 * engine_http_call.c   what each kind of operation asks, and how its answer is read
 *
 * Callbacks of the caller never run inside libcurl: write callbacks only gather
 * bytes, and engine_http_settle hands them on when libcurl has returned. So the
 * caller may start, cancel and close from wherever it is called.
 */
#pragma once

#include "common/base/buf.h"
#include "common/docker/curl_loop.h"
#include "common/docker/docker_list.h"
#include "common/docker/docker_parse.h"
#include "common/docker/docker_stream.h"
#include "common/docker/engine_impl.h"

enum {
	HTTP_ERROR_BODY_MAX = 1 << 16, /* of a refusal; more is not read */
	HTTP_LOG_BUFFER_MAX = 1 << 16, /* of a log whose reader is slow */
};

enum http_version {
	HTTP_VERSION_UNKNOWN,
	HTTP_VERSION_ASKED,
	HTTP_VERSION_KNOWN,
};

struct http_engine {
	struct engine engine;
	uv_loop_t *uv;
	struct curl_loop *loop;
	uv_timer_t kick;       /* 0 ms: what must not happen inside the starting function */
	uv_timer_t patience;   /* for streams that do not begin */
	struct http_op *ops;   /* all of them */
	struct http_op *ready; /* those that something has happened to */
	enum http_version version_state;
	char version[DOCKER_VERSION_MAX];
	char *host;        /* as given, for messages */
	char *base;        /* "http://localhost" */
	char *socket_path; /* NULL: TCP */
	char *tls_path;    /* directory of ca.pem, cert.pem, key.pem; NULL: plain */
	uint64_t timeout_ms;
	unsigned n_open; /* uv handles and the curl loop */
	bool settling, closing;
};

enum http_state {
	HTTP_WAITING, /* for the version */
	HTTP_RUNNING, /* its transfer is under way */
	HTTP_ENDED,   /* its transfer is over, its caller does not know yet */
};

/* How the bytes of an answer are read. */
enum http_shape {
	HTTP_BODY,  /* whole */
	HTTP_ITEMS, /* of a list, which has to come as soon as a body */
	HTTP_LINES,
	HTTP_FRAMES,
	HTTP_PIPE,   /* frames on a connection that is ours, both ways */
	HTTP_UPLOAD, /* whole, after a body that is written piece by piece */
};

struct http_op {
	struct engine_op op;
	struct http_engine *engine;
	struct http_op *prev, *next;             /* in ops; prev NULL: in no list */
	struct http_op *ready_prev, *ready_next; /* in ready */
	bool is_ready;
	struct engine_call
		call; /* strings are not kept, but for the kind of call that needs them */
	enum http_state state;
	uint64_t began_ms; /* monotonic */
	enum http_shape shape;
	/* The request, until it is sent. */
	const char *method;
	struct buf path, body;
	struct curl_slist *headers;
	uint64_t timeout_ms; /* of the whole; 0: none */
	/* The transfer. */
	CURL *easy;
	long status;
	struct buf in;
	size_t n_in;          /* bytes that have come, in all */
	uint64_t deadline_ms; /* by which a stream has to begin; 0: it has */
	bool stalled;         /* libcurl was told to wait */
	bool overflow;        /* more bytes than are allowed */
	/* What the caller writes. */
	struct http_pipe *pipe; /* NULL: not connected */
	struct buf out;
	bool out_ended, wants_room, read_stalled, was_told_open;
	char *path_stat; /* a header of the answer; NULL: none came */
	/* The caller's side. */
	bool paused;
	struct err err;
	struct docker_demux demux;
	struct docker_pull *pull;
	struct docker_list list;
	bool busy, dead;
};

/* ---- engine_http.c ---- */

/* Runs everything that is due, outside of libcurl and of starting functions. */
void engine_http_settle(struct http_engine *engine);
/* Something has happened to the op: settle will look at it. From anywhere. */
void engine_http_ready(struct http_op *op);
/* The connection was lost: the engine that comes back may be another. */
void engine_http_forget_version(struct http_engine *engine);
/* What the engine said of its version, or why it did not. */
void engine_http_version_told(struct http_engine *engine, const char *version,
	const struct err *err);

/* ---- engine_http_op.c ---- */

struct http_op *engine_http_op_new(struct http_engine *engine, const struct engine_call *call);
/* Begins the transfer. On failure the op has ended with op->err. */
void engine_http_op_begin(struct http_op *op);
/* libcurl has ended it. */
void engine_http_op_ended(struct http_op *op, CURLcode result);
/* Ends it from our side: no more bytes are wanted. err: 0 when that is a success. */
void engine_http_op_stop(struct http_op *op, const struct err *err);
/* Hands on what has arrived. False: the engine was closed meanwhile, and the op is gone. */
bool engine_http_op_feed(struct http_op *op);
/* Calls done and frees. */
void engine_http_op_finish(struct http_op *op);
void engine_http_op_free(struct http_op *op);

/* Takes frames out of op->in and hands them on. */
void engine_http_op_feed_frames(struct http_op *op);

/* ---- engine_http_pipe.c ---- */

/* libcurl has connected. False: it cannot be used. */
bool engine_http_pipe_connected(struct http_op *op);
void engine_http_pipe_feed(struct http_op *op);
void engine_http_pipe_close(struct http_op *op);
void engine_http_upload_feed(struct http_op *op);
size_t engine_http_upload_read(char *data, size_t size, size_t n, void *arg);
size_t engine_http_write(struct engine_op *op, const void *data, size_t size);
void engine_http_write_end(struct engine_op *op);

/* ---- engine_http_ask.c: requests of those kinds, and their answers ---- */

int engine_http_ask_exec_create(struct http_op *op, struct err *err);
int engine_http_ask_exec_start(struct http_op *op, struct err *err);
int engine_http_ask_exec_inspect(struct http_op *op, struct err *err);
int engine_http_ask_exec_resize(struct http_op *op, struct err *err);
int engine_http_ask_resize(struct http_op *op, struct err *err);
int engine_http_ask_attach(struct http_op *op, struct err *err);
int engine_http_ask_archive(struct http_op *op, struct err *err);
int engine_http_ask_image_list(struct http_op *op, struct err *err);
int engine_http_ask_image_remove(struct http_op *op, struct err *err);
int engine_http_ask_image_prune(struct http_op *op, struct err *err);
void engine_http_done_exec(struct http_op *op, const char *body, size_t size);
void engine_http_done_path(struct http_op *op);

/* ---- engine_http_call.c ---- */

/* Percent-encodes all but what RFC 3986 calls unreserved, and but the marks in keep. */
void engine_http_put_escaped(struct buf *buf, const char *text, const char *keep);
/* "<before><target><after>" */
void engine_http_put_path(struct http_op *op, const char *before, const char *after);
void engine_http_put_body(struct http_op *op, const char *text);

/* Fills the request. -EINVAL for arguments that cannot be sent. */
int engine_http_call_request(struct http_op *op, struct err *err);
/* One line of a HTTP_LINES stream. Negative: the stream is of no use, op->err says why; 1: it has
 * ended well. */
int engine_http_call_line(struct http_op *op, const char *line, size_t size);
/* Reads the whole answer of a success and calls done. */
void engine_http_call_done(struct http_op *op);
