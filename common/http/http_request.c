#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/http/http_gzip.h"
#include "common/http/http_impl.h"
#include "common/http/http_problem.h"

enum {
	SENTENCE_SIZE = 1024,
	ALLOW_SIZE = 96,
};

struct http_each {
	http_query_fn *fn;
	void *arg;
};

void
http_request_slim(struct http_request *request)
{
	while (request->headers != NULL) {
		struct http_header *header = request->headers;

		request->headers = header->next;
		free(header);
	}
	http_match_fini(&request->match);
	buf_fini(&request->body);
}

static void
request_free(struct http_request *request)
{
	http_request_slim(request);
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	free(request->target);
	free(request);
}

/* ---- between libmicrohttpd and the handler ---- */

void
http_request_suspend(struct http_request *request)
{
	if (request->is_suspended)
		return;
	request->is_suspended = true; /* watched from the next sweep on, if it lasts */
	MHD_suspend_connection(request->mhd);
}

void
http_request_resume(struct http_request *request)
{
	if (!request->is_suspended)
		return;
	request->is_suspended = false;
	http_connection_unwatch(request->connection);
	MHD_resume_connection(request->mhd);
	http_server_wake(request->server);
}

static enum MHD_Result
queue(struct http_request *request)
{
	struct MHD_Response *response = TAKE(request->response);
	enum MHD_Result result = request->server->queue(request->mhd, request->status, response);

	MHD_destroy_response(response);
	http_connection_give(request->connection,
		request->stream != NULL ? 0 : request->server->limits.reply_ms);
	return result;
}

void *
http_request_begin(void *cls, const char *target, struct MHD_Connection *mhd)
{
	struct http_server *server = cls;
	struct http_request *request = xcalloc(1, sizeof *request);

	request->server = server;
	request->mhd = mhd;
	request->connection =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	request->connection->request = request;
	request->target = xstrdup(target);
	request->start_ns = uv_hrtime();
	server->stats.n_requests++;
	return request;
}

/* The head is there. */
static void
take_head(struct http_request *request, const char *url, const char *method, const char *version)
{
	request->stage = HTTP_STAGE_BODY;
	request->method = method;
	request->path = url;
	request->version = version;
	http_id_choose(request);
	http_cors_allow(request);
	http_connection_give(request->connection, request->server->limits.body_ms);
}

static unsigned long long
announced_size(struct http_request *request)
{
	const char *text = http_header(request, "Content-Length");

	return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* Whether its handler takes the body bit by bit. */
static bool
is_reader(const struct http_request *request)
{
	http_handle_fn *const *reader = request->server->readers;

	while (reader != NULL && *reader != NULL && *reader != request->match.route->handle)
		reader++;
	return reader != NULL && *reader != NULL;
}

/* Asks what it could ask: of a path that is there, or of the server as a whole. */
static bool
wants_options(const struct http_request *request)
{
	if (strcmp(request->method, "OPTIONS") != 0)
		return false;
	if (request->match.route != NULL)
		return request->server->cors_origin != NULL &&
		       http_header(request, "Access-Control-Request-Method") != NULL;
	return request->match.allow[0] != '\0' || strcmp(request->path, "*") == 0;
}

/* Where its body ends is told twice, and not alike: another program may have read it otherwise. */
static enum MHD_Result
find_other_size(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const char **size = cls;

	(void)kind;
	if (strcasecmp(name, "Content-Length") != 0 || value == NULL || strcmp(value, *size) == 0)
		return MHD_YES;
	*size = NULL;
	return MHD_NO;
}

static bool
has_two_ends(struct http_request *request)
{
	const char *size = http_header(request, "Content-Length");

	if (size == NULL)
		return false;
	if (http_header(request, "Transfer-Encoding") != NULL)
		return true;
	(void)MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, find_other_size, &size);
	return size == NULL;
}

/* What can be said of the head alone. */
static void
check_head(struct http_request *request)
{
	struct http_server *server = request->server;

	if (strlen(request->path) > HTTP_PATH_MAX) {
		http_refuse(request, MHD_HTTP_URI_TOO_LONG, "the path has more than %d bytes",
			HTTP_PATH_MAX);
		return;
	}
	if (strstr(request->target, "%00") != NULL) {
		/* Decoded, the text would seem to end there. */
		http_refuse(request, MHD_HTTP_BAD_REQUEST, "there is a NUL in the address");
		server->stats.n_refused++;
		return;
	}
	if (has_two_ends(request)) {
		http_reply_header(request, "Connection", "close");
		http_refuse(request, MHD_HTTP_BAD_REQUEST,
			"the body's size is told twice (Content-Length, Transfer-Encoding)");
		server->stats.n_refused++;
		return;
	}
	http_route_find(server->routes, request->method, request->path, &request->match);
	if (wants_options(request)) {
		http_options_answer(request);
		return;
	}
	if (request->match.route == NULL && request->match.allow[0] == '\0') {
		http_refuse(request, MHD_HTTP_NOT_FOUND, "there is nothing at %.200s",
			request->path);
	} else if (request->match.route == NULL) {
		char allow[ALLOW_SIZE];

		(void)snprintf(allow, sizeof allow, "%s, OPTIONS", request->match.allow);
		http_reply_header(request, "Allow", allow);
		http_refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, "%.20s is not for %.200s: %s",
			request->method, request->path, request->match.allow);
	} else if (!is_reader(request) && announced_size(request) > server->limits.body_bytes) {
		http_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body has more than %zu bytes",
			server->limits.body_bytes);
	}
	if (request->response != NULL)
		server->stats.n_refused++;
}

static void
handle(struct http_request *request)
{
	struct http_server *server = request->server;

	request->stage = HTTP_STAGE_HANDLED;
	http_connection_give(request->connection, 0);
	request->is_in_handler = true;
	server->stats.n_waiting++;
	if (request->n_over > 0) {
		server->stats.n_refused++;
		http_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "the body has more than %zu bytes",
			server->limits.body_bytes);
	} else if (server->stats.n_waiting > server->limits.n_requests) {
		server->stats.n_refused++;
		http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
			"%u requests are being answered already", server->limits.n_requests);
	} else {
		request->match.route->handle(request, request->server->arg);
	}
	request->is_in_handler = false;
}

/* The head is there: it may be refused, or handed on before its body. */
static enum MHD_Result
step_head(struct http_request *request)
{
	request->is_in_handler = true;
	check_head(request);
	request->is_in_handler = false;
	if (request->response == NULL && is_reader(request)) {
		handle(request);
		request->is_held = request->response == NULL && request->on_body == NULL;
	}
	if (request->response != NULL && request->on_body == NULL)
		return queue(request);
	if (request->is_held)
		http_request_suspend(request);
	return MHD_YES;
}

enum MHD_Result
http_request_step(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **context)
{
	struct http_request *request = *context;

	(void)cls;
	(void)mhd;
	if (request->stage == HTTP_STAGE_HEAD) {
		take_head(request, url, method, version);
		return step_head(request);
	}
	if (request->is_gone)
		return MHD_NO;
	if (request->is_held) { /* it was resumed: the same step again */
		request->is_held = false;
		return request->response != NULL && request->on_body == NULL ? queue(request)
									     : MHD_YES;
	}
	if (*size > 0)
		return http_body_take(request, data, size);
	if (request->stage == HTTP_STAGE_BODY)
		handle(request);
	http_body_end(request);
	if (request->response != NULL)
		return queue(request);
	http_request_suspend(request);
	return MHD_YES;
}

void
http_request_done(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode why)
{
	struct http_request *request = *context;
	http_gone_fn *on_gone;

	(void)cls;
	(void)mhd;
	(void)why;
	*context = NULL;
	if (request == NULL)
		return;
	if (request->stage == HTTP_STAGE_HANDLED)
		request->server->stats.n_waiting--;
	on_gone = request->stage == HTTP_STAGE_HANDLED ? request->on_gone : NULL;
	http_entry_tell(request);
	request->connection->request = NULL;
	http_connection_unwatch(request->connection);
	http_connection_give(request->connection, request->server->limits.idle_ms);
	if (request->stream != NULL)
		http_stream_forget(TAKE(request->stream));
	if (on_gone != NULL && !request->server->is_closing)
		on_gone(request->on_gone_arg);
	request_free(request);
}

/* ---- what a handler may ask ---- */

const char *
http_id(const struct http_request *request)
{
	return request->id;
}

const char *
http_method(const struct http_request *request)
{
	return request->method;
}

const char *
http_path(const struct http_request *request)
{
	return request->path;
}

const char *
http_param(const struct http_request *request, unsigned n)
{
	assert(n < HTTP_PARAMS_MAX && request->match.params[n] != NULL);
	return request->match.params[n];
}

const char *
http_query(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result
each(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct http_each *each = cls;

	(void)kind;
	each->fn(name, value == NULL ? "" : value, each->arg);
	return MHD_YES;
}

void
http_query_each(const struct http_request *request, http_query_fn *fn, void *arg)
{
	struct http_each all = {fn, arg};

	(void)MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND, each, &all);
}

unsigned
http_route_index(const struct http_request *request)
{
	return (unsigned)(request->match.route - request->server->routes);
}

const char *
http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const void *
http_body(const struct http_request *request, size_t *ret_size)
{
	*ret_size = request->body.size;
	return request->body.data;
}

void
http_on_gone(struct http_request *request, http_gone_fn *fn, void *arg)
{
	request->on_gone = fn;
	request->on_gone_arg = arg;
}

/* ---- its answer ---- */

void
http_reply_header(struct http_request *request, const char *name, const char *value)
{
	struct http_header *header, **link = &request->headers;
	size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;

	while (*link != NULL &&
		(strcasecmp((*link)->name, name) != 0 || strcasecmp(name, "Vary") == 0))
		link = &(*link)->next;
	header = *link;
	if (header != NULL) { /* said before: now otherwise */
		*link = header->next;
		free(header);
	}
	header = xmalloc(sizeof *header + name_size + value_size);
	memcpy(header->name, name, name_size);
	header->value = memcpy(header->name + name_size, value, value_size);
	header->next = request->headers;
	request->headers = header;
}

void
http_request_answer(struct http_request *request, unsigned status, const char *type,
	struct MHD_Response *response)
{
	assert(request->response == NULL && request->stage != HTTP_STAGE_ANSWERED);
	if (request->stage == HTTP_STAGE_HANDLED)
		request->server->stats.n_waiting--;
	http_reply_header(request, "X-Request-Id", request->id);
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		http_reply_header(request, "Retry-After", "1");
	if (type != NULL)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (const struct http_header *header = request->headers; header != NULL;
		header = header->next)
		(void)MHD_add_response_header(response, header->name, header->value);
	request->response = response;
	request->status = status;
	request->stage = HTTP_STAGE_ANSWERED;
	if (!request->is_in_handler)
		http_request_resume(request);
}

/* The same text in other bytes: the ETag does not promise each of them any more. */
static void
weaken_etag(struct http_request *request)
{
	const struct http_header *header = request->headers;
	CLEANUP(buf_fini) struct buf weak = {0};

	while (header != NULL && strcmp(header->name, "ETag") != 0)
		header = header->next;
	if (header == NULL || strncmp(header->value, "W/", 2) == 0)
		return;
	buf_puts(&weak, "W/");
	buf_puts(&weak, header->value);
	http_reply_header(request, "ETag", buf_text(&weak));
}

void
http_reply(struct http_request *request, unsigned status, const char *type, const void *data,
	size_t size)
{
	CLEANUP(buf_fini) struct buf packed = {0};
	struct MHD_Response *response;

	if (http_gzip_is_worth(type, size)) {
		http_reply_header(request, "Vary", "Accept-Encoding");
		if (http_gzip_is_accepted(http_header(request, "Accept-Encoding"))) {
			http_gzip_put(data, size, &packed);
			data = packed.data;
			size = packed.size;
			http_reply_header(request, "Content-Encoding", "gzip");
			weaken_etag(request);
		}
	}
	request->n_sent = size;
	response = MHD_create_response_from_buffer(size, (void *)(uintptr_t)(size > 0 ? data : ""),
		MHD_RESPMEM_MUST_COPY);
	assert(response != NULL);
	http_request_answer(request, status, type, response);
}

void
http_refuse(struct http_request *request, unsigned status, const char *fmt, ...)
{
	CLEANUP(buf_fini) struct buf body = {0};
	char sentence[SENTENCE_SIZE];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(sentence, sizeof sentence, fmt, args);
	va_end(args);
	http_problem_print(status, NULL, sentence, NULL, &body);
	http_reply(request, status, HTTP_PROBLEM_TYPE, body.data, body.size);
}
