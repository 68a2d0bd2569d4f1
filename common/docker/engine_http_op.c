/* One operation of the Engine API client: its transfer, its bytes, its end.
 * tested by tests/unit/test_engine.c and tests/unit/test_docker_http.c */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/docker/docker_refusal.h"
#include "common/docker/engine_http_impl.h"

enum {
	CONNECT_MS = 10000,
	PULL_SILENCE_S = 600, /* a pull without a byte for so long is given up */
	SMALL_BUFFER = 4096,  /* libcurl's, of one transfer: many may be under way at once */
};

struct http_op *
engine_http_op_new(struct http_engine *engine, const struct engine_call *call)
{
	struct http_op *op = xcalloc(1, sizeof *op);

	op->op.engine = &engine->engine;
	op->engine = engine;
	op->call = *call;
	op->began_ms = uv_hrtime() / 1000000;
	op->timeout_ms = engine->timeout_ms;
	DL_APPEND(engine->ops, op);
	return op;
}

/*
 * Never used again: libcurl (7.88, seen by fuzz_docker_wire) keeps a pointer to the last header of
 * the transfer before, and follows it when an answer begins with a folded one.
 */
static void
release_easy(struct http_op *op)
{
	if (op->easy != NULL)
		curl_easy_cleanup(op->easy);
	op->easy = NULL;
}

void
engine_http_op_free(struct http_op *op)
{
	struct http_engine *engine = op->engine;

	engine_http_pipe_close(op);
	if (op->state == HTTP_RUNNING && op->easy != NULL)
		curl_loop_remove(engine->loop, op->easy);
	op->state = HTTP_ENDED;
	release_easy(op);
	if (op->prev != NULL)
		DL_DELETE(engine->ops, op);
	op->prev = NULL;
	if (op->is_ready)
		DL_DELETE2(engine->ready, op, ready_prev, ready_next);
	op->is_ready = false;
	op->dead = true;
	if (op->busy)
		return;
	curl_slist_free_all(op->headers);
	buf_fini(&op->path);
	buf_fini(&op->body);
	buf_fini(&op->in);
	buf_fini(&op->out);
	free(op->path_stat);
	free(op->pull);
	docker_list_fini(&op->list);
	free(op);
}

/* ---- bytes in ---- */

static bool
is_whole(const struct http_op *op)
{
	return op->shape == HTTP_BODY || op->shape == HTTP_UPLOAD;
}

static size_t
on_bytes(char *data, size_t size, size_t n, void *arg)
{
	struct http_op *op = arg;
	bool bounded = is_whole(op) || op->shape == HTTP_ITEMS;
	size_t most = is_whole(op)               ? ENGINE_BODY_MAX
		      : op->shape == HTTP_FRAMES ? HTTP_LOG_BUFFER_MAX
						 : ENGINE_LINE_MAX + CURL_MAX_WRITE_SIZE;

	n *= size;
	if (op->status == 0)
		(void)curl_easy_getinfo(op->easy, CURLINFO_RESPONSE_CODE, &op->status);
	if (op->status / 100 != 2) {
		size_t room = HTTP_ERROR_BODY_MAX - op->in.size;

		buf_put(&op->in, data, n < room ? n : room);
		return n;
	}
	if (bounded && op->n_in + n > ENGINE_BODY_MAX) {
		op->overflow = true;
		return 0;
	}
	if (op->in.size + n > most) {
		op->stalled = true;
		engine_http_ready(op);
		return CURL_WRITEFUNC_PAUSE;
	}
	op->n_in += n;
	buf_put(&op->in, data, n);
	if (!is_whole(op))
		engine_http_ready(op);
	return n;
}

static void
take_path_stat(struct http_op *op, const char *line, size_t size)
{
	static const char name[] = "X-Docker-Container-Path-Stat:";
	size_t n = sizeof name - 1;

	if (size <= n || strncasecmp(line, name, n) != 0 || op->path_stat != NULL)
		return;
	op->path_stat = xcalloc(1, size - n + 1);
	memcpy(op->path_stat, line + n, size - n);
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_op *op = arg;

	op->deadline_ms = 0;
	if (op->call.kind == ENGINE_CALL_PATH_STAT)
		take_path_stat(op, data, size * n);
	return size * n;
}

/* ---- the transfer ---- */

static void
set_tls(struct http_op *op)
{
	static const struct {
		CURLoption option;
		const char *file;
	} files[] = {
		{CURLOPT_CAINFO, "ca.pem"},
		{CURLOPT_SSLCERT, "cert.pem"},
		{CURLOPT_SSLKEY, "key.pem"},
	};
	struct buf path = {0};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", op->engine->tls_path, files[i].file);
		(void)curl_easy_setopt(op->easy, files[i].option, buf_text(&path));
	}
	buf_fini(&path);
}

static void
set_place(struct http_op *op)
{
	struct http_engine *engine = op->engine;
	struct buf url = {0};

	buf_puts(&url, engine->base);
	if (op->call.kind != ENGINE_CALL_NONE)
		buf_printf(&url, "/v%s", engine->version);
	buf_puts(&url, buf_text(&op->path));
	(void)curl_easy_setopt(op->easy, CURLOPT_URL, buf_text(&url));
	buf_fini(&url);
	if (engine->socket_path != NULL)
		(void)curl_easy_setopt(op->easy, CURLOPT_UNIX_SOCKET_PATH, engine->socket_path);
	else
		(void)curl_easy_setopt(op->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	if (engine->tls_path != NULL)
		set_tls(op);
	/* A proxy of the environment is for the world, not for the engine. */
	(void)curl_easy_setopt(op->easy, CURLOPT_NOPROXY, "*");
	(void)curl_easy_setopt(op->easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(op->easy, CURLOPT_PROTOCOLS_STR, "http,https");
}

static void
set_request(struct http_op *op)
{
	if (op->shape == HTTP_PIPE) {
		(void)curl_easy_setopt(op->easy, CURLOPT_CONNECT_ONLY, 1L);
	} else if (op->shape == HTTP_UPLOAD) {
		(void)curl_easy_setopt(op->easy, CURLOPT_UPLOAD, 1L);
		(void)curl_easy_setopt(op->easy, CURLOPT_READFUNCTION, engine_http_upload_read);
		(void)curl_easy_setopt(op->easy, CURLOPT_READDATA, op);
		op->headers = curl_slist_append(op->headers, "Expect:");
		op->headers = curl_slist_append(op->headers, "Content-Type: application/x-tar");
	} else if (op->method[0] == 'H') {
		(void)curl_easy_setopt(op->easy, CURLOPT_NOBODY, 1L);
	} else if (op->method[0] == 'P') {
		(void)curl_easy_setopt(op->easy, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(op->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)op->body.size);
		(void)curl_easy_setopt(op->easy, CURLOPT_POSTFIELDS, buf_text(&op->body));
		/* libcurl would wait a second for a "100 Continue" before a long body. */
		op->headers = curl_slist_append(op->headers, "Expect:");
	} else if (op->method[0] == 'D') {
		(void)curl_easy_setopt(op->easy, CURLOPT_CUSTOMREQUEST, op->method);
	}
	(void)curl_easy_setopt(op->easy, CURLOPT_HTTPHEADER, op->headers);
	(void)curl_easy_setopt(op->easy, CURLOPT_USERAGENT, "davit/" DAVIT_VERSION);
	(void)curl_easy_setopt(op->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void
set_limits(struct http_op *op)
{
	uint64_t timeout_ms = op->timeout_ms;

	(void)curl_easy_setopt(op->easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(op->easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS));
	if (op->shape == HTTP_UPLOAD) {
		(void)curl_easy_setopt(op->easy, CURLOPT_MAXFILESIZE_LARGE,
			(curl_off_t)ENGINE_BODY_MAX);
	} else if (op->shape == HTTP_BODY || op->shape == HTTP_ITEMS) {
		(void)curl_easy_setopt(op->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
		(void)curl_easy_setopt(op->easy, CURLOPT_MAXFILESIZE_LARGE,
			(curl_off_t)ENGINE_BODY_MAX);
	} else if (op->call.kind == ENGINE_CALL_PULL) {
		(void)curl_easy_setopt(op->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		(void)curl_easy_setopt(op->easy, CURLOPT_LOW_SPEED_TIME, (long)PULL_SILENCE_S);
	} else {
		op->deadline_ms = uv_now(op->engine->uv) + timeout_ms;
	}
	if (op->shape != HTTP_FRAMES)
		(void)curl_easy_setopt(op->easy, CURLOPT_BUFFERSIZE, (long)SMALL_BUFFER);
	(void)curl_easy_setopt(op->easy, CURLOPT_WRITEFUNCTION, on_bytes);
	(void)curl_easy_setopt(op->easy, CURLOPT_WRITEDATA, op);
	(void)curl_easy_setopt(op->easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(op->easy, CURLOPT_HEADERDATA, op);
	(void)curl_easy_setopt(op->easy, CURLOPT_PRIVATE, op);
}

void
engine_http_op_begin(struct http_op *op)
{
	struct http_engine *engine = op->engine;

	op->easy = curl_easy_init();
	if (op->easy == NULL) {
		(void)err_set(&op->err, -EIO, "libcurl does not start a transfer");
		op->state = HTTP_ENDED;
		engine_http_ready(op);
		return;
	}
	set_place(op);
	set_request(op);
	set_limits(op);
	op->state = HTTP_RUNNING;
	if (curl_loop_add(engine->loop, op->easy, &op->err) < 0)
		op->state = HTTP_ENDED;
	if (op->state == HTTP_ENDED || op->shape == HTTP_UPLOAD)
		engine_http_ready(op); /* an upload may be written to from now on */
}

/* ---- the end ---- */

static int
explain(const struct http_op *op, CURLcode result, struct err *err)
{
	const char *host = op->engine->host;
	char size[UNITS_TEXT_SIZE];
	long os = 0;

	(void)curl_easy_getinfo(op->easy, CURLINFO_OS_ERRNO, &os);
	if (op->overflow || result == CURLE_FILESIZE_EXCEEDED)
		return err_set(err, -EIO, "the engine at %s answers with more than %s", host,
			units_format_bytes(ENGINE_BODY_MAX, size));
	switch (result) {
	case CURLE_COULDNT_CONNECT:
		if (os == EACCES || os == EPERM)
			return err_set(err, -EACCES,
				"cannot reach the Docker Engine at %s: permission denied: is this "
				"user in the docker group?",
				host);
		/* fall through */
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, -ECONNREFUSED,
			"cannot reach the Docker Engine at %s: is it running?", host);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(err, -ETIMEDOUT,
			"the Docker Engine at %s does not answer: gave up after %llu ms", host,
			(unsigned long long)op->timeout_ms);
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return err_set(err, -ENOTCONN, "lost the connection to the Docker Engine at %s",
			host);
	default:
		return err_set(err, -EIO, "the Docker Engine at %s: %s", host,
			curl_easy_strerror(result));
	}
}

static void
judge(struct http_op *op, CURLcode result)
{
	(void)curl_easy_getinfo(op->easy, CURLINFO_RESPONSE_CODE, &op->status);
	if (result != CURLE_OK) {
		(void)explain(op, result, &op->err);
		if (op->err.code == -ECONNREFUSED || op->err.code == -ENOTCONN)
			engine_http_forget_version(op->engine);
	} else if (op->status / 100 != 2 && !docker_is_fulfilled(op->call.kind, op->status)) {
		/* -EALREADY: it is as was asked for. */
		if (docker_refusal(op->call.kind, op->status, buf_text(&op->in), op->in.size,
			    &op->err) == -EALREADY)
			op->err = (struct err){0};
		/* "client version 1.45 is too new": the engine has become another. */
		if (op->status == 400 && strstr(op->err.text, "client version") != NULL)
			engine_http_forget_version(op->engine);
	} else if (op->call.kind == ENGINE_CALL_EVENTS) {
		(void)err_set(&op->err, -ENOTCONN,
			"the Docker Engine at %s ended its events: it may be stopping",
			op->engine->host);
	}
}

void
engine_http_op_ended(struct http_op *op, CURLcode result)
{
	if (op->err.code == 0)
		judge(op, result);
	op->state = HTTP_ENDED;
	release_easy(op);
	if (op->shape == HTTP_LINES && op->err.code == 0 && op->in.size > 0)
		buf_puts(&op->in, "\n");
	engine_http_ready(op);
}

void
engine_http_op_stop(struct http_op *op, const struct err *err)
{
	engine_http_pipe_close(op);
	if (op->state == HTTP_RUNNING && op->easy != NULL)
		curl_loop_remove(op->engine->loop, op->easy);
	op->state = HTTP_ENDED;
	release_easy(op);
	op->err = *err;
	op->paused = false;
	buf_reset(&op->in);
	engine_http_ready(op);
}

void
engine_http_op_finish(struct http_op *op)
{
	struct http_engine *engine = op->engine;

	DL_DELETE(engine->ops, op);
	op->prev = NULL;
	if (engine->engine.on_ended != NULL && op->call.kind != ENGINE_CALL_NONE)
		engine->engine.on_ended(engine_call_name(op->call.kind), op->err.code,
			uv_hrtime() / 1000000 - op->began_ms, engine->engine.on_ended_arg);
	if (op->err.code == 0)
		engine_http_call_done(op);
	else if (op->call.kind == ENGINE_CALL_NONE)
		engine_http_version_told(engine, NULL, &op->err);
	else
		engine_call_finish(&op->call, &op->err);
	engine_http_op_free(op);
}

/* ---- handing on ---- */

static void
feed_lines(struct http_op *op)
{
	const char *line;
	size_t offset = 0, size;
	int rc = 0;

	while (rc == 0 && !op->dead && docker_line_next(&op->in, &offset, &line, &size)) {
		if (size > ENGINE_LINE_MAX)
			rc = err_set(&op->err, -EIO, "the engine sends a line that is too long");
		else
			rc = engine_http_call_line(op, line, size);
		/* The callback may have given the operation up. */
		if (op->err.code == -ECANCELED)
			return;
	}
	if (op->dead)
		return;
	buf_shift(&op->in, offset);
	if (rc == 0 && op->in.size > ENGINE_LINE_MAX)
		rc = err_set(&op->err, -EIO, "the engine sends a line that is too long");
	if (rc != 0) {
		struct err err = op->err;

		engine_http_op_stop(op, &err);
	}
}

/* Calls nobody. */
static void
feed_items(struct http_op *op)
{
	struct err err = {0};

	if (docker_list_feed(&op->list, &op->in, &err) < 0)
		engine_http_op_stop(op, &err);
}

static bool
on_frame(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct http_op *op = arg;

	if (op->call.logs.on_message != NULL && !op->call.logs.tty && !op->demux.is_begun)
		op->call.logs.on_message(stream, op->call.arg);
	op->paused = !op->call.on.log(stream, data, size, op->call.arg);
	return !op->paused && !op->dead && op->err.code != -ECANCELED;
}

void
engine_http_op_feed_frames(struct http_op *op)
{
	struct err err = {0};
	size_t used = op->in.size;
	int rc = 0;

	if (op->in.size == 0)
		return;
	if (op->call.logs.tty)
		(void)on_frame(ENGINE_STDOUT, op->in.data, op->in.size, op);
	else
		rc = docker_demux_feed(&op->demux, op->in.data, op->in.size, on_frame, op, &used,
			&err);
	if (op->dead || op->err.code == -ECANCELED)
		return;
	if (rc < 0)
		engine_http_op_stop(op, &err);
	else
		buf_shift(&op->in, used);
}

/* What goes both ways has work to do even while its reader wants nothing. */
static void
feed_both_ways(struct http_op *op)
{
	if (op->err.code == -ECANCELED)
		return;
	if (op->shape == HTTP_PIPE)
		engine_http_pipe_feed(op);
	else
		engine_http_upload_feed(op);
}

bool
engine_http_op_feed(struct http_op *op)
{
	if (op->shape == HTTP_PIPE || op->shape == HTTP_UPLOAD) {
		op->busy = true;
		feed_both_ways(op);
		op->busy = false;
		if (op->dead)
			engine_http_op_free(op);
		return !op->dead;
	}
	if (op->shape == HTTP_BODY || op->paused || op->status / 100 != 2 ||
		op->err.code == -ECANCELED)
		return true;
	op->busy = true;
	if (op->shape == HTTP_LINES)
		feed_lines(op);
	else if (op->shape == HTTP_ITEMS)
		feed_items(op);
	else
		engine_http_op_feed_frames(op);
	op->busy = false;
	if (op->dead) {
		engine_http_op_free(op);
		return false;
	}
	if (op->stalled && !op->paused && op->state == HTTP_RUNNING) {
		op->stalled = false;
		(void)curl_easy_pause(op->easy, CURLPAUSE_CONT);
	}
	return true;
}
