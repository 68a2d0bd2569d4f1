/*
 * shell_metrics.h - what a worker counts: calls of its engine, containers, pulls.
 *
 * Private to the shell. One thread.
 */
#pragma once

#include "common/docker/engine.h"
#include "common/metrics/metrics.h"
#include "services/worker/worker.h"

struct worker_metrics;

/*
 * worker is read when somebody asks; it may be NULL by then. Everything outlives metrics' last
 * exposition. metrics NULL: NULL comes back.
 */
struct worker_metrics *worker_metrics_new(struct metrics *metrics, struct engine *engine,
	struct worker *const *worker);
void worker_metrics_free(struct worker_metrics *counted);
