/*
 * http_impl.h - what the files of common/http know of each other.
 *
 * http_server.c owns the daemon, its connections and their deadlines, http_request.c one
 * request from its head to its answer, http_stream.c what is written bit by bit. The loop's
 * thread.
 */
#pragma once

#include <stdbool.h>

#include <microhttpd.h>

#include "common/base/buf.h"
#include "common/http/http.h"
#include "common/http/http_route.h"

enum { HTTP_ID_SIZE = 17 }; /* of an id that is made, with its NUL */

struct http_watch;

typedef enum MHD_Result http_queue_fn(struct MHD_Connection *mhd, unsigned status,
	struct MHD_Response *response);

struct http_connection {
	struct http_server *server;
	int fd;                       /* libmicrohttpd's */
	uint64_t deadline_ms;         /* of the loop; 0: none */
	struct http_request *request; /* under way, or NULL */
	struct http_watch *watch;     /* while nothing is read from it, or NULL */
	char *peer;                   /* its other end, once a request was over; or NULL */
	struct http_connection *next, *prev;
};

struct http_server {
	uv_loop_t *loop;
	struct MHD_Daemon *daemon;
	http_queue_fn *queue; /* libmicrohttpd's MHD_queue_response */
	uv_poll_t poll;       /* libmicrohttpd's epoll descriptor */
	uv_timer_t timer;     /* its next time-out, or the next look at deadlines */
	uint64_t sweep_ms;    /* when deadlines are looked at next */
	unsigned n_handles;
	const struct http_route *routes;
	http_handle_fn *const *readers;
	void *arg;
	struct http_limits limits;
	const char *cors_origin;
	http_log_fn *log;
	void *log_arg;
	uint64_t next_id; /* of requests; begins by chance */
	char *url;
	struct http_connection *connections;
	struct http_stats stats;
	bool is_closing;
};

enum http_stage { HTTP_STAGE_HEAD, HTTP_STAGE_BODY, HTTP_STAGE_HANDLED, HTTP_STAGE_ANSWERED };

struct http_request {
	struct http_server *server;
	struct http_connection *connection;
	struct MHD_Connection *mhd;
	enum http_stage stage;
	char *target;                        /* as it came: path and query */
	const char *method, *path, *version; /* libmicrohttpd's, until the request is over */
	const char *id;                      /* of its header, or … */
	char made_id[HTTP_ID_SIZE];
	uint64_t start_ns, n_sent;
	struct http_match match;
	struct buf body;
	size_t n_over; /* bytes of a body that nobody wants */
	http_body_fn *on_body;
	void *on_body_arg;
	bool is_held; /* its handler has the head and does not read yet */
	bool is_suspended, is_gone;
	bool is_in_handler; /* libmicrohttpd is on the stack */
	struct http_header {
		struct http_header *next;
		char *value; /* behind the name */
		char name[];
	} * headers;
	unsigned status;
	struct MHD_Response *response; /* to be queued */
	http_gone_fn *on_gone;
	void *on_gone_arg;
	struct http_stream *stream; /* that the answer is */
	bool is_stream;             /* … or was */
};

struct http_stream {
	struct http_request *request; /* NULL: libmicrohttpd is done with it */
	struct buf pending;
	size_t sent;                   /* bytes of pending */
	struct MHD_Response *response; /* libmicrohttpd's */
	bool is_ended, is_broken;
	unsigned n_owners;
	http_gone_fn *on_drained;
	void *on_drained_arg;
	http_gone_fn *on_gone;
	void *arg;
};

/* http_server.c */
/* libmicrohttpd has something to do as soon as the loop turns. */
void http_server_wake(struct http_server *server);
/* 0: none. */
void http_connection_give(struct http_connection *connection, uint64_t ms);
/* While a request is suspended libmicrohttpd does not look at its connection: we do. */
void http_connection_watch(struct http_connection *connection);
void http_connection_unwatch(struct http_connection *connection);

/* http_cors.c */
/* Answers an OPTIONS. */
void http_options_answer(struct http_request *request);
/* Headers for pages of other origins, if this is one that may. */
void http_cors_allow(struct http_request *request);

/* http_body.c */
/* Of a piece of the body: as libmicrohttpd's handler. */
enum MHD_Result http_body_take(struct http_request *request, const char *data, size_t *size);
/* That was all. */
void http_body_end(struct http_request *request);

/* http_refusal.c */
/* Finds the library's own function, see there. -ENOSYS. */
int http_refusal_find(struct http_server *server, struct err *err);

/* http_entry.c */
void http_id_make(struct http_server *server, char ret_id[HTTP_ID_SIZE]);
/* Which request this is: of its header, or made. */
void http_id_choose(struct http_request *request);
/* Tells the log of it. */
void http_entry_tell(const struct http_request *request);

/* http_request.c: libmicrohttpd's callbacks */
/* The first line is there: makes the request. */
void *http_request_begin(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **context);
void http_request_done(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode why);
void http_request_suspend(struct http_request *request);
void http_request_resume(struct http_request *request);
/* Frees what is only needed until the answer has begun. */
void http_request_slim(struct http_request *request);
void http_request_answer(struct http_request *request, unsigned status, const char *type,
	struct MHD_Response *response);

/* http_stream.c */
/* The client has gone: on_gone unless it was ended. Frees it. */
void http_stream_forget(struct http_stream *stream);
