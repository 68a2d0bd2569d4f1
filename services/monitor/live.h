/*
 * live.h - what a subscriber knows of the cluster just now.
 *
 * The core of the monitor: frames of the feed go in, a view comes out. It keeps the
 * latest figures of each node and of the cluster and the last events, all bounded
 * (limits.h). Sequence numbers show what was lost on the way. A feed is one
 * manager; several may be followed. No socket, clock or thread; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"

struct live;

struct live *live_new(void);
void live_free(struct live *live);
CLEANUP_DEFINE(struct live *, live_free)

enum live_frame {
	LIVE_FRAME_NONE, /* a topic that is not kept */
	LIVE_FRAME_EVENT,
	LIVE_FRAME_NODE,
	LIVE_FRAME_CLUSTER,
	LIVE_FRAME_BAD,  /* no message of that topic's kind */
	LIVE_FRAME_FULL, /* a limit was reached: not kept */
};

/* One message of the feed with that number (below MONITOR_FEEDS_MAX). Times are monotonic. */
enum live_frame live_take_frame(struct live *live, unsigned feed, const char *topic,
	const void *payload, size_t size, uint64_t now_ms);

/* The manager's answer to GetStats: fills in nodes and cluster that were not heard yet. */
void live_take_stats(struct live *live, unsigned feed, const Davit__GetStatsReply *reply,
	uint64_t now_ms);

/* Forgets nodes that were silent for too long. */
void live_tick(struct live *live, uint64_t now_ms);

/* Grows with everything that changes the view; 0: nothing was heard yet. */
uint64_t live_version(const struct live *live);

/* True when messages were lost since the last live_gap_done: ask the manager. */
bool live_has_gap(const struct live *live);
void live_gap_done(struct live *live);

struct live_figures {
	uint64_t n_frames, n_bad, n_full, n_lost;
	uint32_t n_nodes, n_stale, n_events;
};
void live_figures(const struct live *live, uint64_t now_ms, struct live_figures *ret_figures);

/* The latest event and the figures of the cluster (of all that are followed, their sums); NULL:
 * none yet. Borrowed until the next call. */
const Davit__Event *live_last_event(const struct live *live);
const Davit__ClusterStats *live_cluster(struct live *live);
/* Of the frame that was LIVE_FRAME_NODE just now. */
const Davit__NodeStats *live_last_node(const struct live *live);

/* Events are numbered by this monitor, from 1; n_events of live_figures are kept up to this one. */
uint64_t live_n_events(const struct live *live);
/* The event of that number; NULL: not kept any more, or not come yet. */
const Davit__Event *live_event(const struct live *live, uint64_t number);

/* Everything, nodes by name. Borrowed until the next call of any function here. */
const Davit__GetViewReply *live_view(struct live *live, uint64_t now_ms, uint64_t wall_ms);
