/*
 * usage.h - figures from the lossy feed, kept per task and node, summed for the cluster.
 */
#pragma once

#include <stdint.h>

#include "common/base/arena.h"
#include "proto/types.pb-c.h"

struct manager;
struct task;
struct wait;

struct cluster_usage {
	uint64_t seq, next_mono_ms;
	struct wait *waits; /* GetStats calls that wait for newer ones */
};

void usage_take(struct manager *manager, const Davit__NodeStats *stats);

/* A message in the arena; NULL when there were no samples. */
Davit__TaskUsage *usage_view(const struct task *task, struct arena *arena);
struct usage usage_from_record(const Davit__TaskUsage *record);

Davit__ClusterStats *usage_cluster(struct manager *manager, struct arena *arena);
/* Publishes the cluster's figures every MANAGER_STATS_MS. */
void usage_tick(struct manager *manager);
