/*
 * history.h - the last hour of one thing: each second of a minute, then ten seconds, then minutes.
 *
 * A value takes two bytes: exact below 2,048, then with an error of at most 0.1 %. A whole hour
 * of six figures takes 2.2 KiB; what was only heard for a short time takes less. Pure; times
 * are whole seconds since the epoch and arguments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum history_figure {
	HISTORY_CPU,    /* millicores */
	HISTORY_MEMORY, /* bytes */
	HISTORY_NET_RX, /* bytes a second, as are the next three */
	HISTORY_NET_TX,
	HISTORY_IO_READ,
	HISTORY_IO_WRITE,
	HISTORY_FIGURE_COUNT
};

enum {
	HISTORY_TIERS = 3, /* of HISTORY_POINTS each: a minute, ten minutes, an hour */
	HISTORY_POINTS = 60,
	HISTORY_SPAN_S = 3600,
};

/* Seconds of one point of each tier: 1, 10, 60. */
extern const uint32_t history_steps[HISTORY_TIERS];

struct history_values {
	uint64_t of[HISTORY_FIGURE_COUNT];
};

struct history_point {
	bool is_known; /* something was heard in that time */
	struct history_values values;
};

struct history_tier;

/* A zeroed one is an empty one. */
struct history {
	uint64_t newest_s;
	struct history_tier *tiers[HISTORY_TIERS];
};

void history_fini(struct history *history);

/* The figures of that second; again replaces them, an older second is left out. */
void history_put(struct history *history, uint64_t second, const struct history_values *values);

/*
 * The last n points (at most HISTORY_POINTS) of that tier up to now_s, oldest first. Of the coarser
 * tiers the last point is the last whole one. Returns the second in which the first point begins.
 */
uint64_t history_read(const struct history *history, unsigned tier, uint64_t now_s, unsigned n,
	struct history_point *ret_points);

/* Bytes on the heap. */
size_t history_bytes(const struct history *history);
