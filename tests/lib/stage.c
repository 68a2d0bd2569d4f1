#include "tests/lib/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem.h"
#include "tests/lib/test.h"

enum {
	PATIENCE_MS = 180000,
	TURN_MS = 10,
};

static const char image[] = "davit-test-busybox:engine";

/* Static busybox and its names, out of nothing: no registry is needed. */
static const char make_image[] =
	"set -e; docker image inspect davit-test-busybox:engine >/dev/null 2>&1 && exit 0; "
	"d=$(mktemp -d); mkdir $d/bin; cp /bin/busybox $d/bin/; "
	"for l in sh echo sleep true false cat httpd nc; do ln -s busybox $d/bin/$l; done; "
	"tar -C $d -c . | docker import --change 'LABEL davit.test=engine' - "
	"davit-test-busybox:engine >/dev/null; rm -rf $d";

static void
shell(const char *script)
{
	FILE *pipe = popen(script, "r");

	CHECK(pipe != NULL);
	CHECK_EQ(pclose(pipe), 0);
}

bool
stage_init(struct stage *stage, bool real)
{
	const char *wanted = getenv("DAVIT_TEST_ENGINE");
	struct err err = {0};

	*stage = (struct stage){.image = image, .offline_image = "127.0.0.1:1/nobody/nothing:1"};
	(void)snprintf(stage->label, sizeof stage->label, "davit.test=%ld", (long)getpid());
	if (!real) {
		stage->world = engine_mem_world_new(
			&(struct engine_mem_options){.seed = 1, .latency_ms = 3});
		stage->engine = engine_mem_open(stage->world);
		stage->offline_image = "offline:1";
		return true;
	}
	if (wanted == NULL || strcmp(wanted, "1") != 0)
		return false;
	shell(make_image);
	CHECK_EQ(uv_loop_init(&stage->loop), 0);
	CHECK_OK(engine_open_http(&stage->loop, &(struct engine_http_options){0}, &stage->engine,
			 &err),
		&err);
	return true;
}

static void
ignore(const struct err *err, void *arg)
{
	(void)err;
	(void)arg;
}

static void
remove_all(const struct err *err, const struct engine_container *containers, size_t n, void *arg)
{
	struct stage *stage = arg;

	(void)err;
	for (size_t i = 0; i < n; i++)
		engine_container_remove(stage->engine, containers[i].id, ignore, NULL);
	stage->offline_image = NULL;
}

static void
gone(const struct err *err, const struct engine_container *containers, size_t n, void *arg)
{
	(void)containers;
	*(size_t *)arg = err->code == 0 ? n : 0;
}

void
stage_fini_cleanup(struct stage *stage)
{
	if (stage->world != NULL) {
		engine_close(stage->engine);
		engine_mem_world_free(stage->world);
		return;
	}
	if (stage->engine == NULL && stage->image == NULL)
		return;
	if (stage->engine != NULL) {
		size_t left = SIZE_MAX;

		engine_container_list(stage->engine, stage->label, remove_all, stage);
		while (stage->offline_image != NULL)
			stage_turn(stage);
		while (left > 0) {
			left = SIZE_MAX;
			engine_container_list(stage->engine, stage->label, gone, &left);
			while (left == SIZE_MAX)
				stage_turn(stage);
		}
		engine_close(stage->engine);
	}
	(void)uv_run(&stage->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&stage->loop);
}

static void
alarm_rings(uv_timer_t *timer)
{
	(void)timer;
}

void
stage_turn(struct stage *stage)
{
	uv_timer_t *timer;

	if (stage->world != NULL) {
		engine_mem_advance(stage->world, engine_mem_now(stage->world) + TURN_MS);
		return;
	}
	timer = xcalloc(1, sizeof *timer);
	(void)uv_timer_init(&stage->loop, timer);
	(void)uv_timer_start(timer, alarm_rings, 100, 0);
	(void)uv_run(&stage->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)timer, (uv_close_cb)free);
	(void)uv_run(&stage->loop, UV_RUN_NOWAIT);
}

static uint64_t
now(const struct stage *stage)
{
	return stage->world != NULL ? engine_mem_now(stage->world) : uv_now(&stage->loop);
}

void
stage_wait(struct stage *stage, const struct got *got, unsigned n)
{
	uint64_t began = now(stage);

	while (got->n < n) {
		if (now(stage) - began > PATIENCE_MS)
			fail_msg("waited in vain for callback %u, there were %u", n, got->n);
		stage_turn(stage);
	}
	CHECK_EQ(got->n, n);
}

void
stage_wait_text(struct stage *stage, const struct got *got, const char *words)
{
	uint64_t began = now(stage);

	while (strstr(got->text, words) == NULL) {
		if (now(stage) - began > PATIENCE_MS)
			fail_msg("waited in vain for '%s' in '%s'", words, got->text);
		stage_turn(stage);
	}
}

void
stage_wait_samples(struct stage *stage, const struct got *got, unsigned n)
{
	uint64_t began = now(stage);

	while (got->n_samples < n) {
		if (now(stage) - began > PATIENCE_MS)
			fail_msg("waited in vain for sample %u", n);
		stage_turn(stage);
	}
}

const char *
stage_body(const struct stage *stage, const char *cmd, const char *words, const char *more)
{
	static char body[2048];

	(void)snprintf(body, sizeof body,
		"{\"Image\":\"%s\",\"Cmd\":%s,\"Labels\":{\"davit.test\":\"%s\"%s%s%s}%s}",
		stage->image, cmd, stage->label + strlen("davit.test="),
		words[0] == '\0' ? "" : ",\"" ENGINE_MEM_LABEL "\":\"", words,
		words[0] == '\0' ? "" : "\"", more);
	return body;
}

const char *
stage_name(const char *name)
{
	static char text[64];

	(void)snprintf(text, sizeof text, "davit-test-%ld-%s", (long)getpid(), name);
	return text;
}

void
stage_run(struct stage *stage, const char *name, const char *body, struct got *ret_got)
{
	struct got started = {0};

	*ret_got = (struct got){0};
	engine_container_create(stage->engine,
		&(struct engine_creation){.name = stage_name(name), .body = body}, got_id, ret_got);
	CHECK_EQ(ret_got->n, 0); /* never from inside */
	stage_wait(stage, ret_got, 1);
	CHECK_OK(ret_got->err.code, &ret_got->err);
	engine_container_start(stage->engine, ret_got->id, got_done, &started);
	CHECK_EQ(started.n, 0);
	stage_wait(stage, &started, 1);
	CHECK_OK(started.err.code, &started.err);
}

struct got
stage_inspect(struct stage *stage, const char *id)
{
	struct got got = {0};

	engine_container_inspect(stage->engine, id, got_container, &got);
	stage_wait(stage, &got, 1);
	return got;
}
