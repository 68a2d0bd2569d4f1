/*
 * limits.h - how much a monitor keeps, and for how long.
 *
 * tests/unit/test_live.c and test_live_calls.c reach each. Together the bytes stay
 * below what one reply may carry (RPC_MESSAGE_MAX), so that a full view can be sent.
 */
#pragma once

enum {
	LIVE_NODES_MAX = 20000,             /* nodes in the view */
	LIVE_NODE_BYTES_MAX = 11 << 20,     /* of all nodes' latest figures, as they came */
	LIVE_EVENTS_MAX = 1000,             /* the latest events */
	LIVE_EVENT_BYTES_MAX = 4096,        /* one event */
	LIVE_CLUSTER_BYTES_MAX = 256 << 10, /* the cluster's figures */
	LIVE_ID_MAX = 128,                  /* bytes of a node's id */
	LIVE_STALE_MS = 10000,              /* a node unheard for so long is shown as stale */
	LIVE_DROP_MS = 300000,              /* and after so long not at all */
	MONITOR_FEEDS_MAX = 16,             /* managers listened to */
	MONITOR_WAITS_MAX = 1024,           /* calls parked */
	MONITOR_TICK_MS = 250,              /* parked calls are answered at most so often */
	MONITOR_ASK_TIMEOUT_MS = 5000,      /* for the manager's answer with the initial state */
	MONITOR_ASK_AGAIN_MS = 2000,        /* between two questions to the manager */
	MONITOR_SUMMARY_MS = 10000,         /* between two summaries of --print */
};
