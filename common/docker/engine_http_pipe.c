/* Connections that the engine hands over: exec and attach. libcurl connects (unix, TCP, TLS), then
 * the bytes are ours.
 * tested by tests/unit/test_engine.c and tests/unit/test_docker_pipe.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/mem.h"
#include "common/docker/docker_refusal.h"
#include "common/docker/engine_http_impl.h"

enum { PIECE = 1 << 14, HEAD_MAX = 1 << 14 };

struct http_pipe {
	uv_poll_t poll;
	struct http_op *op; /* NULL: closed */
	curl_socket_t socket;
	size_t head_size; /* 0: it is not whole yet */
	size_t n_body;    /* of a refusal; SIZE_MAX: not said */
	bool has_ended;   /* nothing more will come */
	bool was_shut;    /* our end of input was told */
};

static void
pipe_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
engine_http_pipe_close(struct http_op *op)
{
	struct http_pipe *pipe = op->pipe;

	op->pipe = NULL;
	if (pipe == NULL)
		return;
	pipe->op = NULL;
	(void)uv_poll_stop(&pipe->poll);
	uv_close((uv_handle_t *)&pipe->poll, pipe_closed);
	curl_loop_remove(op->engine->loop, op->easy);
	curl_easy_cleanup(op->easy); /* its connection is like no other: not used again */
	op->easy = NULL;
}

static void
lost(struct http_op *op)
{
	struct err err = {0};

	(void)err_set(&err, -ENOTCONN, "lost the connection to the Docker Engine at %s",
		op->engine->host);
	engine_http_op_stop(op, &err);
}

/* ---- out ---- */

static void
put_head(struct http_op *op, struct buf *out)
{
	const char *host = strstr(op->engine->base, "://");

	buf_printf(out,
		"POST /v%s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: davit/" DAVIT_VERSION
		"\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: "
		"application/json\r\nContent-Length: %zu\r\n\r\n",
		op->engine->version, buf_text(&op->path), host == NULL ? "localhost" : host + 3,
		op->body.size);
	buf_put(out, op->body.data, op->body.size);
}

/* False: the connection is lost, and the op has ended. */
static bool
flush(struct http_op *op)
{
	struct http_pipe *pipe = op->pipe;
	size_t n = 1, sent = 0;
	CURLcode rc = CURLE_OK;

	while (sent < op->out.size && rc == CURLE_OK && n > 0) {
		n = 0;
		rc = curl_easy_send(op->easy, op->out.data + sent, op->out.size - sent, &n);
		sent += n;
	}
	buf_shift(&op->out, sent);
	if (rc != CURLE_OK && rc != CURLE_AGAIN && !pipe->has_ended) {
		/* It may have said why before it hung up. */
		buf_reset(&op->out);
		op->out_ended = true;
		pipe->was_shut = true;
	}
	if (op->out_ended && op->out.size == 0 && !pipe->was_shut) {
		pipe->was_shut = true;
		if (op->engine->tls_path == NULL)
			(void)shutdown(pipe->socket, SHUT_WR);
	}
	return true;
}

/* ---- in ---- */

/* Reads what there is and what there is room for. False: the connection is lost. */
static bool
fill(struct http_op *op)
{
	struct http_pipe *pipe = op->pipe;

	while (!pipe->has_ended && op->in.size + PIECE <= HTTP_LOG_BUFFER_MAX) {
		size_t n = 0;
		CURLcode rc = curl_easy_recv(op->easy, buf_reserve(&op->in, PIECE), PIECE, &n);

		if (rc == CURLE_AGAIN)
			return true;
		if (rc != CURLE_OK)
			return false;
		op->in.size += n;
		pipe->has_ended = n == 0;
	}
	return true;
}

static size_t
body_size(const char *head)
{
	const char *field = strcasestr(head, "\r\nContent-Length:");
	char *end;
	unsigned long long n;

	if (field == NULL)
		return SIZE_MAX;
	errno = 0;
	n = strtoull(field + 17, &end, 10);
	return errno != 0 || n > HTTP_ERROR_BODY_MAX ? HTTP_ERROR_BODY_MAX : (size_t)n;
}

/* The engine's head, once it is whole. -EIO for what is none. */
static int
take_head(struct http_op *op, struct err *err)
{
	struct http_pipe *pipe = op->pipe;
	const char *text = buf_text(&op->in), *end = strstr(text, "\r\n\r\n");
	int status = 0;

	if (end == NULL && op->in.size < HEAD_MAX && !pipe->has_ended)
		return 0;
	if (end == NULL || sscanf(text, "HTTP/1.%*1[01] %3d", &status) != 1 || status < 100)
		return err_set(err, -EIO, "the Docker Engine at %s does not answer with HTTP",
			op->engine->host);
	op->status = status;
	pipe->head_size = (size_t)(end - text) + 4;
	pipe->n_body = body_size(text);
	buf_shift(&op->in, pipe->head_size);
	if (status == 101 || status / 100 == 2) {
		op->status = 200;
		op->deadline_ms = 0;
		if (op->call.on_open != NULL)
			op->call.on_open(op->call.arg);
	}
	return 0;
}

/* The words of a refusal are whole. */
static void
refused(struct http_op *op)
{
	struct err err = {0};

	(void)docker_refusal(op->call.kind, op->status, buf_text(&op->in), op->in.size, &err);
	engine_http_op_stop(op, &err);
}

static void watch(struct http_op *op);

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct http_pipe *pipe = poll->data;

	(void)status;
	(void)events;
	engine_http_ready(pipe->op);
	engine_http_settle(pipe->op->engine);
}

static void
watch(struct http_op *op)
{
	struct http_pipe *pipe = op->pipe;
	int events = 0;

	if (!pipe->has_ended && op->in.size + PIECE <= HTTP_LOG_BUFFER_MAX)
		events |= UV_READABLE;
	if (op->out.size > 0)
		events |= UV_WRITABLE;
	if (events == 0)
		(void)uv_poll_stop(&pipe->poll);
	else
		(void)uv_poll_start(&pipe->poll, events, on_poll);
}

static void
tell_room(struct http_op *op)
{
	if (!op->wants_room || op->out.size > ENGINE_WRITE_MAX / 2)
		return;
	op->wants_room = false;
	if (op->call.on_room != NULL)
		op->call.on_room(op->call.arg);
}

static void
ended(struct http_op *op)
{
	struct err err = {0};

	if (!op->call.logs.tty && !docker_demux_is_whole(&op->demux))
		lost(op);
	else
		engine_http_op_stop(op, &err);
}

static bool
is_over(const struct http_op *op)
{
	return op->dead || op->state == HTTP_ENDED;
}

void
engine_http_pipe_feed(struct http_op *op)
{
	struct err err = {0};
	bool goes_on = true;

	if (op->pipe == NULL)
		return;
	(void)flush(op);
	while (goes_on) {
		size_t before;

		if (!fill(op)) {
			lost(op);
			return;
		}
		if (op->pipe->head_size == 0 && take_head(op, &err) < 0) {
			engine_http_op_stop(op, &err);
			return;
		}
		if (is_over(op))
			return;
		if (op->pipe->head_size == 0)
			break;
		if (op->status / 100 != 2) {
			if (op->pipe->has_ended || op->in.size >= op->pipe->n_body ||
				op->in.size + PIECE > HTTP_LOG_BUFFER_MAX) {
				refused(op);
				return;
			}
			break;
		}
		before = op->in.size;
		if (!op->paused)
			engine_http_op_feed_frames(op);
		if (is_over(op))
			return;
		goes_on = !op->paused && op->in.size < before;
	}
	if (op->pipe->has_ended && op->in.size == 0 && !op->paused) {
		ended(op);
		return;
	}
	tell_room(op);
	if (is_over(op))
		return;
	(void)flush(op);
	watch(op);
}

/* ---- the beginning ---- */

bool
engine_http_pipe_connected(struct http_op *op)
{
	struct http_pipe *pipe;
	struct buf head = {0};
	curl_socket_t socket = CURL_SOCKET_BAD;

	(void)curl_easy_getinfo(op->easy, CURLINFO_ACTIVESOCKET, &socket);
	if (socket == CURL_SOCKET_BAD)
		return false;
	pipe = xcalloc(1, sizeof *pipe);
	if (uv_poll_init_socket(op->engine->uv, &pipe->poll, socket) != 0) {
		free(pipe);
		return false;
	}
	pipe->poll.data = pipe;
	pipe->socket = socket;
	pipe->op = op;
	op->pipe = pipe;
	put_head(op, &head);
	buf_put(&head, op->out.data, op->out.size);
	buf_fini(&op->out);
	op->out = head;
	engine_http_ready(op);
	return true;
}

/* ---- the caller writes ---- */

size_t
engine_http_write(struct engine_op *base, const void *data, size_t size)
{
	struct http_op *op = (struct http_op *)base;
	size_t room = op->out.size < ENGINE_WRITE_MAX ? ENGINE_WRITE_MAX - op->out.size : 0;
	size_t n = size < room ? size : room;

	if (op->state == HTTP_ENDED || op->out_ended)
		return size; /* nobody reads it any more */
	op->wants_room |= n < size;
	buf_put(&op->out, data, n);
	engine_http_ready(op);
	return n;
}

void
engine_http_write_end(struct engine_op *base)
{
	struct http_op *op = (struct http_op *)base;

	op->out_ended = true;
	engine_http_ready(op);
}

/* ---- uploads: libcurl reads from op->out ---- */

size_t
engine_http_upload_read(char *data, size_t size, size_t n, void *arg)
{
	struct http_op *op = arg;
	size_t room = size * n;

	if (op->out.size == 0 && !op->out_ended) {
		op->read_stalled = true;
		return CURL_READFUNC_PAUSE;
	}
	if (room > op->out.size)
		room = op->out.size;
	if (room > 0) /* at its end there may be no buffer at all */
		memcpy(data, op->out.data, room);
	buf_shift(&op->out, room);
	if (op->wants_room)
		engine_http_ready(op);
	return room;
}

void
engine_http_upload_feed(struct http_op *op)
{
	if (op->state != HTTP_RUNNING)
		return;
	if (!op->was_told_open && op->call.on_open != NULL) {
		op->was_told_open = true;
		op->call.on_open(op->call.arg);
	}
	if (is_over(op))
		return;
	tell_room(op);
	if (is_over(op) || !op->read_stalled || (op->out.size == 0 && !op->out_ended))
		return;
	op->read_stalled = false;
	(void)curl_easy_pause(op->easy, CURLPAUSE_CONT);
}
