/* What exec, attach, archives and the upkeep of images ask of the Engine API.
 * tested by tests/unit/test_engine.c and tests/unit/test_docker_pipe.c */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/docker/docker_parse.h"
#include "common/docker/engine_http_impl.h"

int
engine_http_ask_exec_create(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/", "/exec");
	engine_http_put_body(op, op->call.text);
	return 0;
}

int
engine_http_ask_exec_start(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/exec/", "/start");
	engine_http_put_body(op, op->call.logs.tty ? "{\"Detach\":false,\"Tty\":true}"
						   : "{\"Detach\":false,\"Tty\":false}");
	return 0;
}

int
engine_http_ask_exec_inspect(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/exec/", "/json");
	return 0;
}

static int
put_size(struct http_op *op)
{
	buf_printf(&op->path, "?h=%" PRIu32 "&w=%" PRIu32, op->call.rows, op->call.columns);
	return 0;
}

int
engine_http_ask_exec_resize(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/exec/", "/resize");
	return put_size(op);
}

int
engine_http_ask_resize(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/", "/resize");
	return put_size(op);
}

int
engine_http_ask_attach(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/", "/attach?stream=1&stdin=1&stdout=1&stderr=1");
	return 0;
}

int
engine_http_ask_archive(struct http_op *op, struct err *err)
{
	if (op->call.text == NULL || op->call.text[0] == '\0')
		return err_set(err, -EINVAL, "a path is missing");
	engine_http_put_path(op, "/containers/", "/archive?path=");
	engine_http_put_escaped(&op->path, op->call.text, "/");
	return 0;
}

int
engine_http_ask_image_list(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/images/json");
	return 0;
}

int
engine_http_ask_image_remove(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/images/");
	engine_http_put_escaped(&op->path, op->call.target, "/:@");
	buf_puts(&op->path, op->call.flag ? "?force=1" : "");
	return 0;
}

int
engine_http_ask_image_prune(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/images/prune?filters=");
	engine_http_put_escaped(&op->path,
		op->call.flag ? "{\"dangling\":[\"false\"]}" : "{\"dangling\":[\"true\"]}", "");
	return 0;
}

/* ---- answers ---- */

void
engine_http_done_exec(struct http_op *op, const char *body, size_t size)
{
	struct engine_exec exec;

	if (docker_parse_exec(body, size, &exec, &op->err) < 0)
		engine_call_finish(&op->call, &op->err);
	else
		op->call.done.exec(&op->err, &exec, op->call.arg);
}

void
engine_http_done_path(struct http_op *op)
{
	char name[DOCKER_PATH_NAME_MAX];
	struct engine_path path = {.name = name};

	if (docker_parse_path(op->path_stat, name, &path, &op->err) < 0)
		engine_call_finish(&op->call, &op->err);
	else
		op->call.done.path(&op->err, &path, op->call.arg);
}
