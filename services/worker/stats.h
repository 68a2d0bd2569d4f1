/*
 * stats.h - one measurement of everything that runs here, every interval.
 *
 * From the kernel's files where they can be seen, else from the engine's stats
 * streams, one per container. Published, so it may be lost: the manager keeps
 * peaks and averages. Nothing is measured while nobody is connected.
 *
 * On the loop's thread.
 */
#pragma once

#include <stdint.h>

#include "common/base/cleanup.h"
#include "services/worker/worker.h"

enum worker_stats_source {
	WORKER_STATS_AUTO,
	WORKER_STATS_ENGINE,
	WORKER_STATS_CGROUP,
	WORKER_STATS_SOURCE_COUNT
};

/* "auto", "engine" or "cgroup"; -EINVAL for other words. */
int worker_stats_source_parse(const char *text, enum worker_stats_source *ret_source,
	struct err *err);

struct worker_stats_options {
	const char *node_name;
	enum worker_stats_source source;
	const char *cgroup_root, *proc_root; /* NULL: "/sys/fs/cgroup", "/proc" */
	/* One message, encoded as NodeStats, on its topic. */
	void (*publish)(void *arg, const char *topic, const void *data, size_t size);
	void *arg;
};

struct worker_stats;

/* Borrows all three, options' strings included. */
struct worker_stats *worker_stats_new(const struct worker_stats_options *options,
	const struct worker *worker, struct engine *engine);
/* Streams that are open end; call it before the engine is closed. NULL is fine. */
void worker_stats_free(struct worker_stats *stats);
CLEANUP_DEFINE(struct worker_stats *, worker_stats_free)

/* Measures and publishes. */
void worker_stats_tick(struct worker_stats *stats, uint64_t wall_ms);
