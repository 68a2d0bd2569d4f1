/*
 * width.h - how many starts at one time: as many as this engine takes best.
 *
 * Too few and the engine waits for us; too many and each start only waits longer.
 * Where the knee is depends on its CPUs, runtime and networks, so it is measured:
 * while starts wait for their turn, the rate at which they end is compared with the
 * rate a step up, or a step down. What is clearly faster stays; after a try that was
 * not, the next one is put off, twice as long each time. An engine that does not
 * answer halves it.
 *
 * Plain data on the worker's thread; time comes in as a value.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	WORKER_WIDTH_GAIN_PERCENT = 10, /* so much faster, or it was chance */
	WORKER_WIDTH_REST_MAX = 64,     /* windows between two tries */
	WORKER_WIDTH_WINDOW_MIN = 16,   /* starts that make a rate */
};

enum worker_width_step { WORKER_WIDTH_MEASURE, WORKER_WIDTH_SETTLE, WORKER_WIDTH_TRY };

struct worker_width {
	unsigned now;      /* use this */
	unsigned base;     /* the best so far */
	unsigned min, max; /* equal: it never changes */
	enum worker_width_step step;
	bool tries_less; /* the next try is a step down */
	bool is_halved;  /* since the last full window */
	unsigned n_rest, rest;
	unsigned n_ended;   /* in this window */
	uint64_t began_ms;  /* of this window; 0: none is open */
	uint64_t base_rate; /* starts in 1,000 s */
};

/* first is within min and max, which are at least 1. */
void worker_width_init(struct worker_width *width, unsigned first, unsigned min, unsigned max);

/* n more starts have ended since the last call; is_busy: others wait. Sets now. */
void worker_width_tick(struct worker_width *width, uint64_t now_ms, unsigned n, bool is_busy);

/* A start got no answer in time. Those under way with it will not either: they count once. */
void worker_width_halve(struct worker_width *width);
