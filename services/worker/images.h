/*
 * images.h - which images are on the engine, who waits for them, which go again.
 *
 * Part of the core (core.h), which includes it. images.c looks for images and pulls
 * them, each once however many wait; pulled.c removes those that nobody needs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "common/docker/engine.h"
#include "services/worker/limits.h"

struct worker;
struct worker_job;
struct worker_slot;

enum worker_image_state {
	WORKER_IMAGE_UNKNOWN,
	WORKER_IMAGE_LOOKING,
	WORKER_IMAGE_WAITING, /* for its turn to be pulled, or to try again */
	WORKER_IMAGE_PULLING,
	WORKER_IMAGE_PRESENT,
};

struct worker_image {
	UT_hash_handle hh;
	struct worker *worker;
	enum worker_image_state state;
	struct worker_job *job;
	uint64_t seen_ms;   /* when it was last known to be there; 0: never */
	uint64_t pulled_ms; /* when it was last pulled; 0: never */
	uint64_t retry_ms;  /* WAITING: not before */
	uint64_t say_ms;    /* progress is told again then */
	bool is_untold;     /* there is some that came before that */
	uint32_t wait_ms;   /* with has_wait: the next tick adds it to its time as retry_ms */
	bool has_wait;
	unsigned n_tries;
	struct engine_progress progress; /* while PULLING; its text is the next */
	char progress_text[WORKER_PROGRESS_MAX];
	struct worker_slot *waiting; /* linked by image_prev, image_next */
	struct worker_puller *pullers;
	bool was_absent; /* when it was looked for: what is pulled then is ours to remove */
	const char *auth, *platform; /* as the specs say, or NULL; in key */
	const char *name;
	size_t key_size;
	char key[]; /* the three of them: what differs in one is pulled apart */
};

/* Somebody who has an image brought here by hand; embedded in whatever that is. */
struct worker_puller {
	struct worker_image *image; /* NULL: not in any */
	struct worker_puller *prev, *next;
	void (*on_progress)(const struct engine_progress *progress, void *arg);
	void (*on_end)(const struct err *err, void *arg); /* once; it is in none any more */
	void *arg;
};

/* An image that was pulled here for a task. */
struct worker_pulled {
	UT_hash_handle hh;
	uint64_t used_ms;  /* when a task last wanted it, by the calendar */
	uint64_t retry_ms; /* not tried before: the engine had a container of it */
	char name[];
};

struct worker_pulled_set {
	struct worker_pulled *by_name; /* hash */
	bool is_changed;               /* since it was saved */
	bool is_full;                  /* the engine's disk is, until the lower mark */
	uint64_t look_ms;
	struct worker_job *job;
	char *removing; /* the image that job removes */
};

/* ---- images.c ---- */

/*
 * Asks for the image of a slot in PULLING: true when it is there; otherwise the
 * slot waits and is touched or rejected later.
 */
bool worker_image_want(struct worker_slot *slot);
void worker_image_leave(struct worker_slot *slot);
/* Pulls it although it may be there, or joins those who do. auth and platform may be NULL. */
void worker_image_pull(struct worker *worker, const struct engine_pull *pull,
	struct worker_puller *puller);
void worker_image_unpull(struct worker_puller *puller);
/* The engine says that it is not there after all. */
void worker_image_forget(struct worker *worker, const char *name);
uint64_t worker_images_tick(struct worker *worker);
void worker_images_free(struct worker *worker);

/* ---- pulled.c ---- */

/* It was not on the engine, and was pulled for a task. */
void worker_pulled_note(struct worker *worker, const char *name);
/* A task has a container of it. */
void worker_pulled_use(struct worker *worker, const char *name);
/* The engine is removing it: nobody may look for it, pull it or use it before that has ended. */
bool worker_pulled_is_going(const struct worker *worker, const char *name);
/* What ports.save_pulled was given by an earlier run, or NULL. */
void worker_pulled_load(struct worker *worker, const char *text);
uint64_t worker_pulled_tick(struct worker *worker);
void worker_pulled_free(struct worker *worker);
