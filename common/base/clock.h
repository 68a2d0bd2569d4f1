/*
 * clock.h - the two clocks, read by shells only; cores get time as a value.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t
clock_read_ms(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Milliseconds since the epoch: for people and records; it may jump. */
static inline uint64_t
clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

/* Milliseconds since some fixed moment: for waits and timers; it never goes back. */
static inline uint64_t
clock_mono_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}
