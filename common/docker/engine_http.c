/* The Engine API client: opening and closing, the version, and what runs when.
 * tested by tests/unit/test_engine.c and tests/unit/test_docker_http.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_http_impl.h"

enum { TIMEOUT_MS = 30000 };
static const char default_host[] = "unix:///var/run/docker.sock";

/* ---- what runs when ---- */

static void
on_kick(uv_timer_t *timer)
{
	engine_http_settle(timer->data);
}

void
engine_http_ready(struct http_op *op)
{
	struct http_engine *engine = op->engine;

	if (engine->closing)
		return;
	if (!op->is_ready)
		DL_APPEND2(engine->ready, op, ready_prev, ready_next);
	op->is_ready = true;
	if (!engine->settling && !uv_is_active((uv_handle_t *)&engine->kick))
		(void)uv_timer_start(&engine->kick, on_kick, 0, 0);
}

void
engine_http_settle(struct http_engine *engine)
{
	struct http_op *op;

	if (engine->settling)
		return;
	engine->settling = true;
	while (!engine->closing && (op = engine->ready) != NULL) {
		DL_DELETE2(engine->ready, op, ready_prev, ready_next);
		op->is_ready = false;
		if (!engine_http_op_feed(op))
			break;
		if (op->state == HTTP_ENDED && !op->paused)
			engine_http_op_finish(op);
	}
	engine->settling = false;
}

static void
after(void *arg)
{
	engine_http_settle(arg);
}

static void
done(CURL *easy, CURLcode result, void *arg)
{
	struct http_op *op = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &op);
	engine_http_op_ended(op, result);
	engine_http_settle(arg);
}

static bool
keeps(CURL *easy, void *arg)
{
	struct http_op *op = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &op);
	if (op->shape != HTTP_PIPE || !engine_http_pipe_connected(op))
		return false;
	engine_http_settle(arg);
	return true;
}

/* Streams have no time limit as a whole, but each has to begin some time. */
static void
on_patience(uv_timer_t *timer)
{
	struct http_engine *engine = timer->data;
	uint64_t now_ms = uv_now(engine->uv);
	struct http_op *op, *next;
	struct err err = {0};
	bool any = false;

	DL_FOREACH_SAFE (engine->ops, op, next) {
		if (op->state != HTTP_RUNNING || op->deadline_ms == 0)
			continue;
		any = true;
		if (now_ms < op->deadline_ms)
			continue;
		(void)err_set(&err, -ETIMEDOUT,
			"the Docker Engine at %s does not answer: gave up after %llu ms",
			engine->host, (unsigned long long)op->timeout_ms);
		engine_http_op_stop(op, &err);
	}
	if (!any)
		(void)uv_timer_stop(timer);
	engine_http_settle(engine);
}

/* ---- the version ---- */

static void
ask_version(struct http_engine *engine)
{
	struct http_op *op =
		engine_http_op_new(engine, &(struct engine_call){.kind = ENGINE_CALL_NONE});

	engine->version_state = HTTP_VERSION_ASKED;
	(void)engine_http_call_request(op, &op->err);
	engine_http_op_begin(op);
}

void
engine_http_forget_version(struct http_engine *engine)
{
	if (engine->version_state == HTTP_VERSION_KNOWN)
		engine->version_state = HTTP_VERSION_UNKNOWN;
}

void
engine_http_version_told(struct http_engine *engine, const char *version, const struct err *err)
{
	struct http_op *op, *next;

	if (version == NULL) {
		engine->version_state = HTTP_VERSION_UNKNOWN;
	} else {
		engine->version_state = HTTP_VERSION_KNOWN;
		(void)snprintf(engine->version, sizeof engine->version, "%s", version);
	}
	DL_FOREACH_SAFE (engine->ops, op, next) {
		if (op->state != HTTP_WAITING)
			continue;
		if (version != NULL)
			engine_http_op_begin(op);
		else
			engine_http_op_stop(op, err);
	}
}

/* ---- the four functions of a backend ---- */

static struct engine_op *
http_start(struct engine *base, const struct engine_call *call)
{
	struct http_engine *engine = (struct http_engine *)base;
	struct http_op *op = engine_http_op_new(engine, call);
	struct err err = {0};

	if (engine->closing)
		return &op->op;
	if (engine_http_call_request(op, &err) < 0) {
		engine_http_op_stop(op, &err);
		return &op->op;
	}
	if (op->shape != HTTP_BODY && op->shape != HTTP_ITEMS &&
		!uv_is_active((uv_handle_t *)&engine->patience)) {
		uint64_t every_ms = engine->timeout_ms / 4 + 1;

		(void)uv_timer_start(&engine->patience, on_patience, every_ms, every_ms);
	}
	if (engine->version_state == HTTP_VERSION_KNOWN)
		engine_http_op_begin(op);
	else if (engine->version_state == HTTP_VERSION_UNKNOWN)
		ask_version(engine);
	return &op->op;
}

static void
http_cancel(struct engine_op *base)
{
	struct http_op *op = (struct http_op *)base;
	struct err err = {0};

	if (op->engine->closing || op->err.code == -ECANCELED)
		return;
	(void)err_set(&err, -ECANCELED, "canceled");
	engine_http_op_stop(op, &err);
}

static void
http_resume(struct engine_op *base)
{
	struct http_op *op = (struct http_op *)base;

	if (!op->paused)
		return;
	op->paused = false;
	engine_http_ready(op);
}

static void
one_closed(struct http_engine *engine)
{
	if (--engine->n_open > 0)
		return;
	free(engine->host);
	free(engine->base);
	free(engine->socket_path);
	free(engine->tls_path);
	free(engine);
}

static void
handle_closed(uv_handle_t *handle)
{
	one_closed(handle->data);
}

static void
loop_closed(void *arg)
{
	one_closed(arg);
}

static void
http_close(struct engine *base)
{
	struct http_engine *engine = (struct http_engine *)base;
	struct http_op *mine = engine->ops, *op;

	engine->closing = true;
	engine->ops = NULL;
	while ((op = mine) != NULL) {
		DL_DELETE(mine, op);
		op->prev = NULL;
		(void)err_set(&op->err, -ECANCELED, "the engine was closed");
		if (op->call.kind != ENGINE_CALL_NONE)
			engine_call_finish(&op->call, &op->err);
		engine_http_op_free(op);
	}
	/* What was started from those callbacks is forgotten. */
	while (engine->ops != NULL)
		engine_http_op_free(engine->ops);
	curl_loop_close(engine->loop);
	uv_close((uv_handle_t *)&engine->kick, handle_closed);
	uv_close((uv_handle_t *)&engine->patience, handle_closed);
}

static const struct engine_ops http_ops = {
	.start = http_start,
	.cancel = http_cancel,
	.resume = http_resume,
	.write = engine_http_write,
	.write_end = engine_http_write_end,
	.close = http_close,
};

/* ---- opening ---- */

static int
set_unix(struct http_engine *engine, const char *path, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, -EINVAL, "'%s': want unix:///path/of/the/socket", engine->host);
	if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
		return err_set(err, -EINVAL, "'%s': the path is too long for a socket",
			engine->host);
	engine->socket_path = xstrdup(path);
	engine->base = xstrdup("http://localhost");
	return 0;
}

static int
set_tcp(struct http_engine *engine, const char *address, bool tls, struct err *err)
{
	const char *digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]";
	const char *bracket = strchr(address, ']');
	bool has_port = strchr(bracket == NULL ? address : bracket, ':') != NULL;
	struct buf base = {0};

	if (address[0] == '\0' || strspn(address, digits) != strlen(address))
		return err_set(err, -EINVAL, "'%s': want tcp://host:port", engine->host);
	buf_printf(&base, "%s://%s%s", tls ? "https" : "http", address,
		has_port ? ""
		: tls    ? ":2376"
			 : ":2375");
	engine->base = buf_take(&base, NULL);
	return 0;
}

static int
set_host(struct http_engine *engine, const struct engine_http_options *options, struct err *err)
{
	const char *host = options->host != NULL ? options->host : getenv("DOCKER_HOST");
	const char *verify = getenv("DOCKER_TLS_VERIFY"),
		   *certificates = getenv("DOCKER_CERT_PATH");
	bool has_certificates = certificates != NULL && certificates[0] != '\0';
	/* Who names certificates means them: in the clear such an engine answers nothing. */
	bool tls = (verify != NULL && verify[0] != '\0') || has_certificates;

	if (host == NULL || host[0] == '\0')
		host = default_host;
	engine->host = xstrdup(host);
	if (strncmp(host, "unix://", 7) == 0)
		return set_unix(engine, host + 7, err);
	if (strncmp(host, "tcp://", 6) != 0)
		return err_set(err, -EINVAL,
			"'%s': want unix:///path/of/the/socket or tcp://host:port", host);
	if (tls) {
		if (!has_certificates)
			return err_set(err, -EINVAL,
				"DOCKER_TLS_VERIFY is set: DOCKER_CERT_PATH must name the "
				"directory of ca.pem, cert.pem and key.pem");
		engine->tls_path = xstrdup(certificates);
	}
	return set_tcp(engine, host + 6, tls, err);
}

char *
engine_host_name(const char *host)
{
	const char *end;
	char *name;

	if (host == NULL)
		host = getenv("DOCKER_HOST");
	if (host == NULL || strncmp(host, "tcp://", 6) != 0)
		return NULL;
	host += 6;
	end = strchr(host, ']');
	if (host[0] == '[' && end != NULL) {
		host++;
	} else {
		end = host + strcspn(host, ":/");
	}
	if (strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0)
		return NULL;
	name = xmalloc((size_t)(end - host) + 1);
	memcpy(name, host, (size_t)(end - host));
	name[end - host] = '\0';
	return name;
}

static void
half_free(struct http_engine *engine)
{
	engine->n_open = 1;
	one_closed(engine);
}
CLEANUP_DEFINE(struct http_engine *, half_free)

int
engine_open_http(uv_loop_t *loop, const struct engine_http_options *options,
	struct engine **ret_engine, struct err *err)
{
	CLEANUP(half_free) struct http_engine *engine = xcalloc(1, sizeof *engine);
	int rc = set_host(engine, options, err);

	if (rc < 0)
		return rc;
	engine->engine.ops = &http_ops;
	engine->uv = loop;
	engine->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_MS;
	rc = curl_loop_open(loop,
		&(struct curl_loop_events){
			.after = after,
			.done = done,
			.keeps = keeps,
			.closed = loop_closed,
			.arg = engine,
		},
		&engine->loop, err);
	if (rc < 0)
		return rc;
	(void)uv_timer_init(loop, &engine->kick);
	(void)uv_timer_init(loop, &engine->patience);
	engine->kick.data = engine->patience.data = engine;
	engine->n_open = 3;
	*ret_engine = &TAKE(engine)->engine;
	return 0;
}
