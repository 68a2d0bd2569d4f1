/*
 * shell_metrics.h - what the manager's shell measures and what it shows of the core.
 *
 * Private to shell.c. One thread.
 */
#pragma once

#include "common/metrics/metrics.h"
#include "common/store/store.h"
#include "services/manager/feed.h"
#include "services/manager/manager.h"

/* Borrowed; store and feed may not be there yet when somebody asks. */
struct shell_shown {
	struct manager *manager;
	struct store *store;
	struct feed *feed;
	struct rpc_sub *stats;
};

struct shell_metrics {
	struct metric *commit_seconds, *commit_writes, *commit_failures;
	struct metric *place_seconds, *place_calls;
};

/* metrics NULL: nothing is counted. */
void shell_metrics_init(struct shell_metrics *counted, struct metrics *metrics,
	const struct shell_shown *shown);
