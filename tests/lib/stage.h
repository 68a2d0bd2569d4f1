/*
 * stage.h - an engine to try things on: the one in memory, or the real one.
 *
 * The real one is used when DAVIT_TEST_ENGINE=1 is in the environment. Whatever
 * a stage creates carries the label davit.test=<pid>, and stage_fini removes it.
 */
#pragma once

#include <stdbool.h>

#include "common/docker/engine.h"
#include "tests/lib/got.h"

struct engine_mem_world;

struct stage {
	struct engine *engine;
	uv_loop_t loop;
	struct engine_mem_world *world; /* NULL: the real engine */
	char label[32];                 /* "davit.test=123" */
	const char *image;              /* static busybox */
	const char *offline_image;      /* of a registry that is not there */
};

/* False: there is no real engine to be used. Fails the test when one is wanted but not usable. */
bool stage_init(struct stage *stage, bool real);
void stage_fini_cleanup(struct stage *stage);

/* Waits until the got has been called n times (done, not data); fails after a minute. */
void stage_wait(struct stage *stage, const struct got *got, unsigned n);
/* Waits until the got's text holds the words. */
void stage_wait_text(struct stage *stage, const struct got *got, const char *words);
/* Waits for that many samples. */
void stage_wait_samples(struct stage *stage, const struct got *got, unsigned n);
/* One turn of the loop, or 10 ms of the world's time. */
void stage_turn(struct stage *stage);

/* A body with the stage's image and label. cmd: JSON array; words: for the engine in memory, or "";
 * more: further members with a comma before, or "". Until the next call. */
const char *stage_body(const struct stage *stage, const char *cmd, const char *words,
	const char *more);
/* A name that no other test has. Until the next call. */
const char *stage_name(const char *name);
/* Creates and starts. */
void stage_run(struct stage *stage, const char *name, const char *body, struct got *ret_got);
struct got stage_inspect(struct stage *stage, const char *id);
