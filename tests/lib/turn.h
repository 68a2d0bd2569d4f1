/*
 * turn.h - turn a libuv loop until something is true, with a bound.
 *
 * What happens on nng's threads makes no event on the loop, so a timer keeps it
 * turning while a test waits.
 */
#pragma once

#include <stdbool.h>

#include <uv.h>

enum { TURN_PATIENCE_MS = 120000 };

typedef bool turn_fn(void *arg);

/* Fails the test, naming what it waited for, after TURN_PATIENCE_MS. */
void turn_until(uv_loop_t *loop, turn_fn *is_true, void *arg, const char *what);

/* Turns the loop so long, whatever happens: for things that must not happen. */
void turn_for(uv_loop_t *loop, unsigned ms);

/* Runs the loop empty and closes it; fails the test if a handle is still open. */
void turn_end(uv_loop_t *loop);
