/*
 * live_print.h - events and figures as lines that a person reads.
 *
 *     2026-01-31T12:00:00Z task web running on n1: started
 *     2026-01-31T12:00:10Z cluster 2 of 2 nodes ready, 1 pending, 3 running, …
 *
 * Control characters in texts of others become spaces: a line stays a line. Pure.
 */
#pragma once

#include <stdint.h>

#include "common/base/buf.h"
#include "services/monitor/live.h"

/* Appends one line with its newline. */
void live_print_event(const Davit__Event *event, struct buf *out);
void live_print_summary(const Davit__ClusterStats *cluster, const struct live_figures *figures,
	uint64_t wall_ms, struct buf *out);
