/*
 * scene.h - a client of the Engine API and a server with canned answers, on one loop.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/docker/engine.h"
#include "tests/lib/fake_http.h"
#include "tests/lib/got.h"

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define VERSION                                                                 \
	{                                                                       \
		.path = "GET /version ", .status = "200 OK",                    \
		.bytes = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}" \
	}
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { SCENE_SHORT_MS = 3000 };

struct scene {
	uv_loop_t loop;
	struct fake_http fake;
	struct engine *engine;
	uv_timer_t tick;     /* so that waiting ends */
	uint64_t timeout_ms; /* of the client; 0: longer than any test waits */
};

void scene_open(struct scene *scene, const struct fake_answer *answers, size_t n, bool tcp);
void scene_close_cleanup(struct scene *scene);
#define SCENE(answers)                                 \
	CLEANUP(scene_close) struct scene scene = {0}; \
	scene_open(&scene, (answers), COUNT(answers), false)
/* Of a client that gives up soon, but not while a busy machine lets it stand still. */
#define SCENE_IMPATIENT(answers)                                                  \
	CLEANUP(scene_close) struct scene scene = {.timeout_ms = SCENE_SHORT_MS}; \
	scene_open(&scene, (answers), COUNT(answers), false)

/* Runs the loop until the got was called n times; fails after a while. */
void scene_wait(struct scene *scene, const struct got *got, unsigned n);
/* Asks for container c1 and waits. */
struct got scene_inspect(struct scene *scene);
