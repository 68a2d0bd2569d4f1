/* What each kind of operation asks of the Engine API, and how its answer is read.
 * tested by tests/unit/test_engine.c and tests/unit/test_docker_http.c */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/docker/engine_http_impl.h"

void
engine_http_put_escaped(struct buf *buf, const char *text, const char *keep)
{
	for (; *text != '\0'; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			     (*text >= '0' && *text <= '9') || strchr("-._~", *text) != NULL ||
			     strchr(keep, *text) != NULL;

		if (plain)
			buf_put(buf, text, 1);
		else
			buf_printf(buf, "%%%02X", (uint8_t)*text);
	}
}

void
engine_http_put_path(struct http_op *op, const char *before, const char *after)
{
	buf_puts(&op->path, before);
	engine_http_put_escaped(&op->path, op->call.target, "");
	buf_puts(&op->path, after);
}

void
engine_http_put_body(struct http_op *op, const char *text)
{
	buf_puts(&op->body, text);
	op->headers = curl_slist_append(op->headers, "Content-Type: application/json");
}

/* &filters={"label":[…]}, with more conditions behind it. */
static int
put_filters(struct http_op *op, const char *label, const char *more, struct err *err)
{
	json_t *text = label == NULL ? NULL : json_string(label);
	char *quoted = text == NULL ? NULL : json_dumps(text, JSON_ENCODE_ANY);
	struct buf filters = {0};

	json_decref(text);
	if (label != NULL && quoted == NULL)
		return err_set(err, -EINVAL, "a label must be UTF-8");
	buf_printf(&filters, "{%s%s%s%s%s}", more, quoted != NULL && more[0] != '\0' ? "," : "",
		quoted != NULL ? "\"label\":[" : "", quoted != NULL ? quoted : "",
		quoted != NULL ? "]" : "");
	buf_puts(&op->path, "filters=");
	engine_http_put_escaped(&op->path, buf_text(&filters), "");
	buf_fini(&filters);
	free(quoted);
	return 0;
}

/* ---- requests ---- */

static int
ask_version(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/version");
	return 0;
}

static int
ask_about(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/info");
	return 0;
}

static int
ask_ping(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/_ping");
	if (op->call.ms < op->timeout_ms)
		op->timeout_ms = op->call.ms;
	return 0;
}

static int
ask_create(struct http_op *op, struct err *err)
{
	if (op->call.text == NULL || op->call.text[0] == '\0')
		return err_set(err, -EINVAL, "a container needs a body");
	buf_puts(&op->path, "/containers/create");
	if (op->call.target != NULL && op->call.target[0] != '\0')
		engine_http_put_path(op, "?name=", "");
	if (op->call.platform != NULL) {
		bool first = op->call.target == NULL || op->call.target[0] == '\0';

		buf_puts(&op->path, first ? "?platform=" : "&platform=");
		engine_http_put_escaped(&op->path, op->call.platform, "");
	}
	engine_http_put_body(op, op->call.text);
	return 0;
}

static int
ask_start(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/", "/start");
	return 0;
}

static int
ask_stop(struct http_op *op, struct err *err)
{
	/* The engine counts in whole seconds; too long a grace is better than too short a one. */
	uint64_t seconds = op->call.ms / 1000 + (op->call.ms % 1000 > 0);

	(void)err;
	if (seconds > INT32_MAX / 1000)
		seconds = INT32_MAX / 1000;
	engine_http_put_path(op, "/containers/", "/stop");
	buf_printf(&op->path, "?t=%" PRIu64, seconds);
	op->timeout_ms += seconds * 1000;
	return 0;
}

static int
ask_kill(struct http_op *op, struct err *err)
{
	if (op->call.text == NULL || op->call.text[0] == '\0')
		return err_set(err, -EINVAL, "a signal is missing");
	engine_http_put_path(op, "/containers/", "/kill?signal=");
	engine_http_put_escaped(&op->path, op->call.text, "");
	return 0;
}

static int
ask_pause(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/",
		op->call.kind == ENGINE_CALL_PAUSE ? "/pause" : "/unpause");
	return 0;
}

static int
ask_remove(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/", "?force=1&v=1");
	return 0;
}

static int
ask_inspect(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/", op->call.flag ? "/json?size=1" : "/json");
	return 0;
}

static int
ask_list(struct http_op *op, struct err *err)
{
	buf_puts(&op->path, "/containers/json?all=1&");
	return put_filters(op, op->call.text, "", err);
}

static int
ask_image(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/images/");
	engine_http_put_escaped(&op->path, op->call.target, "/:@");
	buf_puts(&op->path, "/json");
	return 0;
}

static int
ask_pull(struct http_op *op, struct err *err)
{
	const char *image = op->call.target, *auth = op->call.text;
	const char *slash = strrchr(image, '/');
	/* Without a tag the engine would pull all there are. */
	bool exact =
		strchr(slash == NULL ? image : slash, ':') != NULL || strchr(image, '@') != NULL;

	buf_puts(&op->path, "/images/create?fromImage=");
	engine_http_put_escaped(&op->path, image, "");
	if (!exact)
		buf_puts(&op->path, "&tag=latest");
	if (op->call.platform != NULL) {
		buf_puts(&op->path, "&platform=");
		engine_http_put_escaped(&op->path, op->call.platform, "");
	}
	op->pull = xcalloc(1, sizeof *op->pull);
	if (auth != NULL) {
		struct buf header = {0};

		for (const char *at = auth; *at != '\0'; at++)
			if (*at <= ' ' || *at > '~')
				return err_set(err, -EINVAL,
					"the registry credentials are not base64");
		buf_printf(&header, "X-Registry-Auth: %s", auth);
		op->headers = curl_slist_append(op->headers, buf_text(&header));
		buf_fini(&header);
	}
	return 0;
}

static int
ask_events(struct http_op *op, struct err *err)
{
	buf_puts(&op->path, "/events?");
	if (op->call.ms > 0)
		buf_printf(&op->path, "since=%" PRIu64 ".%03" PRIu64 "000000&", op->call.ms / 1000,
			op->call.ms % 1000);
	return put_filters(op, op->call.text, "\"type\":[\"container\"]", err);
}

static int
ask_logs(struct http_op *op, struct err *err)
{
	const struct engine_log_options *options = &op->call.logs;
	const uint64_t ns_per_s = 1000000000;

	(void)err;
	engine_http_put_path(op, "/containers/", "/logs?stdout=1&stderr=1");
	if (options->follow)
		buf_puts(&op->path, "&follow=1");
	if (options->timestamps)
		buf_puts(&op->path, "&timestamps=1");
	if (options->tail > 0)
		buf_printf(&op->path, "&tail=%" PRIu32, options->tail);
	if (options->since_ns > 0)
		buf_printf(&op->path, "&since=%" PRIu64 ".%09" PRIu64, options->since_ns / ns_per_s,
			options->since_ns % ns_per_s);
	return 0;
}

static int
ask_stats(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/containers/", "/stats?stream=1");
	return 0;
}

static int
ask_volumes(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/volumes");
	return 0;
}

static int
ask_networks(struct http_op *op, struct err *err)
{
	(void)err;
	buf_puts(&op->path, "/networks");
	return 0;
}

static int
ask_network_create(struct http_op *op, struct err *err)
{
	if (op->call.text[0] == '\0')
		return err_set(err, -EINVAL, "the name of a network must be UTF-8");
	buf_puts(&op->path, "/networks/create");
	engine_http_put_body(op, op->call.text);
	return 0;
}

static int
ask_network_connect(struct http_op *op, struct err *err)
{
	if (op->call.text[0] == '\0')
		return err_set(err, -EINVAL, "the aliases in a network must be UTF-8");
	engine_http_put_path(op, "/networks/", "/connect");
	engine_http_put_body(op, op->call.text);
	return 0;
}

static int
ask_network_remove(struct http_op *op, struct err *err)
{
	(void)err;
	engine_http_put_path(op, "/networks/", "");
	return 0;
}

static const struct {
	const char *method;
	int (*ask)(struct http_op *op, struct err *err);
	enum http_shape shape;
	bool needs_target;
} requests[ENGINE_CALL_COUNT] = {
	[ENGINE_CALL_NONE] = {"GET", ask_version, HTTP_BODY, false},
	[ENGINE_CALL_ABOUT] = {"GET", ask_about, HTTP_BODY, false},
	[ENGINE_CALL_CREATE] = {"POST", ask_create, HTTP_BODY, false},
	[ENGINE_CALL_START] = {"POST", ask_start, HTTP_BODY, true},
	[ENGINE_CALL_STOP] = {"POST", ask_stop, HTTP_BODY, true},
	[ENGINE_CALL_KILL] = {"POST", ask_kill, HTTP_BODY, true},
	[ENGINE_CALL_PAUSE] = {"POST", ask_pause, HTTP_BODY, true},
	[ENGINE_CALL_UNPAUSE] = {"POST", ask_pause, HTTP_BODY, true},
	[ENGINE_CALL_REMOVE] = {"DELETE", ask_remove, HTTP_BODY, true},
	[ENGINE_CALL_INSPECT] = {"GET", ask_inspect, HTTP_BODY, true},
	[ENGINE_CALL_LIST] = {"GET", ask_list, HTTP_ITEMS, false},
	[ENGINE_CALL_IMAGE_INSPECT] = {"GET", ask_image, HTTP_BODY, true},
	[ENGINE_CALL_PULL] = {"POST", ask_pull, HTTP_LINES, true},
	[ENGINE_CALL_EVENTS] = {"GET", ask_events, HTTP_LINES, false},
	[ENGINE_CALL_LOGS] = {"GET", ask_logs, HTTP_FRAMES, true},
	[ENGINE_CALL_STATS] = {"GET", ask_stats, HTTP_LINES, true},
	[ENGINE_CALL_VOLUME_LIST] = {"GET", ask_volumes, HTTP_BODY, false},
	[ENGINE_CALL_NETWORK_LIST] = {"GET", ask_networks, HTTP_BODY, false},
	[ENGINE_CALL_NETWORK_CREATE] = {"POST", ask_network_create, HTTP_BODY, true},
	[ENGINE_CALL_NETWORK_CONNECT] = {"POST", ask_network_connect, HTTP_BODY, true},
	[ENGINE_CALL_NETWORK_REMOVE] = {"DELETE", ask_network_remove, HTTP_BODY, true},
	[ENGINE_CALL_EXEC_CREATE] = {"POST", engine_http_ask_exec_create, HTTP_BODY, true},
	[ENGINE_CALL_EXEC_START] = {"POST", engine_http_ask_exec_start, HTTP_PIPE, true},
	[ENGINE_CALL_EXEC_INSPECT] = {"GET", engine_http_ask_exec_inspect, HTTP_BODY, true},
	[ENGINE_CALL_EXEC_RESIZE] = {"POST", engine_http_ask_exec_resize, HTTP_BODY, true},
	[ENGINE_CALL_RESIZE] = {"POST", engine_http_ask_resize, HTTP_BODY, true},
	[ENGINE_CALL_ATTACH] = {"POST", engine_http_ask_attach, HTTP_PIPE, true},
	[ENGINE_CALL_PATH_STAT] = {"HEAD", engine_http_ask_archive, HTTP_BODY, true},
	[ENGINE_CALL_ARCHIVE_GET] = {"GET", engine_http_ask_archive, HTTP_FRAMES, true},
	[ENGINE_CALL_ARCHIVE_PUT] = {"PUT", engine_http_ask_archive, HTTP_UPLOAD, true},
	[ENGINE_CALL_IMAGE_LIST] = {"GET", engine_http_ask_image_list, HTTP_BODY, false},
	[ENGINE_CALL_IMAGE_REMOVE] = {"DELETE", engine_http_ask_image_remove, HTTP_BODY, true},
	[ENGINE_CALL_IMAGE_PRUNE] = {"POST", engine_http_ask_image_prune, HTTP_BODY, false},
	[ENGINE_CALL_PING] = {"GET", ask_ping, HTTP_BODY, false},
};

/* A path of ".." or of nothing would be another call; only images have slashes in their names. */
static bool
is_target(enum engine_call_kind kind, const char *target)
{
	bool image = kind == ENGINE_CALL_PULL || kind == ENGINE_CALL_IMAGE_INSPECT ||
		     kind == ENGINE_CALL_IMAGE_REMOVE;

	return target != NULL && target[0] != '\0' && strcmp(target, ".") != 0 &&
	       strcmp(target, "..") != 0 && (image || strchr(target, '/') == NULL);
}

int
engine_http_call_request(struct http_op *op, struct err *err)
{
	const char *target = op->call.target;
	int rc;

	op->method = requests[op->call.kind].method;
	op->shape = requests[op->call.kind].shape;
	if (requests[op->call.kind].needs_target && !is_target(op->call.kind, target))
		return err_set(err, -EINVAL, "%s: '%s' is no name", engine_call_name(op->call.kind),
			target == NULL ? "" : target);
	rc = requests[op->call.kind].ask(op, err);
	op->call.target = op->call.text = op->call.platform = NULL;
	return rc;
}

/* ---- answers ---- */

static int
line_event(struct http_op *op, const char *line, size_t size)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	struct engine_event event;

	if (docker_parse_event(line, size, &answer, &event, &op->err) < 0)
		return op->err.code;
	op->call.on.event(&event, op->call.arg);
	return 0;
}

static int
line_sample(struct http_op *op, const char *line, size_t size)
{
	struct engine_sample sample;
	bool ended;

	if (docker_parse_sample(line, size, &sample, &ended, &op->err) < 0)
		return op->err.code;
	if (ended)
		return 1;
	op->call.on.sample(&sample, op->call.arg);
	return 0;
}

static int
line_pull(struct http_op *op, const char *line, size_t size)
{
	bool news;

	if (docker_pull_line(op->pull, line, size, &news, &op->err) < 0)
		return op->err.code;
	if (news && op->call.on.progress != NULL)
		op->call.on.progress(&op->pull->progress, op->call.arg);
	return 0;
}

int
engine_http_call_line(struct http_op *op, const char *line, size_t size)
{
	switch (op->call.kind) {
	case ENGINE_CALL_EVENTS:
		return line_event(op, line, size);
	case ENGINE_CALL_STATS:
		return line_sample(op, line, size);
	default:
		return line_pull(op, line, size);
	}
}

static void
done_version(struct http_op *op, const char *body, size_t size)
{
	char version[DOCKER_VERSION_MAX];
	int rc = docker_parse_version(body, size, version, &op->err);

	engine_http_version_told(op->engine, rc < 0 ? NULL : version, &op->err);
}

static void
done_about(struct http_op *op, const char *body, size_t size)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	struct engine_about about;
	char version[DOCKER_VERSION_MAX];

	if (docker_parse_about(body, size, &answer, &about, &op->err) < 0) {
		engine_call_finish(&op->call, &op->err);
		return;
	}
	/* A copy: the callback may close the engine. */
	memcpy(version, op->engine->version, sizeof version);
	about.api_version = version;
	op->call.done.about(&op->err, &about, op->call.arg);
}

static void
done_id(struct http_op *op, const char *body, size_t size)
{
	char id[ENGINE_ID_MAX + 1];

	if (docker_parse_id(body, size, id, &op->err) < 0)
		engine_call_finish(&op->call, &op->err);
	else
		op->call.done.id(&op->err, id, op->call.arg);
}

static void
done_container(struct http_op *op, const char *body, size_t size)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	struct engine_container container;

	if (docker_parse_container(body, size, &answer, &container, &op->err) < 0)
		engine_call_finish(&op->call, &op->err);
	else
		op->call.done.container(&op->err, &container, op->call.arg);
}

static void
done_list(struct http_op *op)
{
	if (docker_list_end(&op->list, &op->err) < 0)
		engine_call_finish(&op->call, &op->err);
	else
		op->call.done.list(&op->err, op->list.containers, op->list.n, op->call.arg);
}

void
engine_http_call_done(struct http_op *op)
{
	const char *body = buf_text(&op->in);
	size_t size = op->in.size;

	switch (op->call.kind) {
	case ENGINE_CALL_NONE:
		done_version(op, body, size);
		break;
	case ENGINE_CALL_ABOUT:
		done_about(op, body, size);
		break;
	case ENGINE_CALL_CREATE:
	case ENGINE_CALL_EXEC_CREATE:
		done_id(op, body, size);
		break;
	case ENGINE_CALL_INSPECT:
		done_container(op, body, size);
		break;
	case ENGINE_CALL_LIST:
		done_list(op);
		break;
	case ENGINE_CALL_VOLUME_LIST:
	case ENGINE_CALL_NETWORK_LIST:
	case ENGINE_CALL_IMAGE_LIST:
	case ENGINE_CALL_IMAGE_REMOVE:
	case ENGINE_CALL_IMAGE_PRUNE:
		op->call.done.json(&op->err, body, size, op->call.arg);
		break;
	case ENGINE_CALL_EXEC_INSPECT:
		engine_http_done_exec(op, body, size);
		break;
	case ENGINE_CALL_PATH_STAT:
		engine_http_done_path(op);
		break;
	default:
		op->call.done.plain(&op->err, op->call.arg);
		break;
	}
}
