/*
 * quick_engine.h - an engine of a few hundred lines, for thousands of them in one process.
 *
 * It keeps to the contract of engine.h for what a worker does with a container's life, and its
 * answers come without delay. A container does what its image says: "exit:N" and "after:TIME"
 * between slashes, else it runs for ever. What one operation costs is a scan of the body for
 * labels and a place in a list, so that a benchmark measures the worker and not the engine.
 * engine_mem.h is the one for tests: with faults, logs, ports and chance.
 *
 * One thread, the clock is the caller's. Answers wait until quick_engine_run.
 */
#pragma once

#include "common/docker/engine.h"

/* Closed by engine_close. */
struct engine *quick_engine_open(uint64_t cpu_milli, uint64_t memory_bytes);

/* Gives the answers that wait and lets containers end that are to end by now_ms. */
void quick_engine_run(struct engine *engine, uint64_t now_ms);

/* When the next container ends; 0 while answers wait; UINT64_MAX: never. */
uint64_t quick_engine_next(const struct engine *engine);

size_t quick_engine_n_running(const struct engine *engine);

/* A container from its creation to its removal, as a worker asks for it: to see what that costs. */
void quick_engine_live(struct engine *engine, const char *body, uint64_t now_ms);
