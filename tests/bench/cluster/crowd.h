/*
 * crowd.h - a process full of workers: the very cores of services/worker, engines in memory.
 *
 * Each worker has an nng socket of its own to the manager, a journal in memory (on machines of
 * their own they would have disks of their own) and tells no statistics. They join a few at a
 * time, since a listening socket has a queue of 128. This program runs itself again to be one.
 */
#pragma once

#include <stdint.h>

#include "tests/lib/bench_cluster.h"

struct crowd_plan {
	uint32_t first, n; /* workers crowd-<first> … */
	uint64_t cpu_milli, memory_bytes;
};

/* Starts the process; its workers begin to join. */
void crowd_start(struct bench_child *child, const struct bench_cluster *cluster,
	const struct crowd_plan *plan);

/* The process itself; argv as crowd_start made it. Does not return before TERM. */
int crowd_main(int argc, char **argv);
