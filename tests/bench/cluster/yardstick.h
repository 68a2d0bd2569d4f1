/*
 * yardstick.h - how fast the machine itself is right now: the same work each time, in processor
 * time of its thread. Half of it waits for memory, half computes.
 *
 * A virtual machine's processors are often the two halves of one: then work is dearer while both
 * are busy, whoever keeps them so. Therefore it is done alone, and by a thread on each side at
 * one time.
 */
#pragma once

#include <stdint.h>

struct yardstick;

struct yardstick *yardstick_new(void);
void yardstick_free(struct yardstick *yardstick);

struct yardstick_time {
	double alone_us;
	double shared_us; /* the mean of both threads */
};
/* About half a second. Not while anything is measured. */
struct yardstick_time yardstick_measure(const struct yardstick *yardstick);
