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
	ROSTER_TASKS_MAX = 24000,           /* whose last hour is kept: 2.6 KiB each at most */
	ROSTER_NODES_MAX = 4000,            /* likewise */
	ROSTER_NAMESPACES_MAX = 256,        /* likewise */
	ROSTER_TEXT_MAX = 256,              /* bytes of a name, a label or its value; cut */
	ROSTER_LABELS_MAX = 32,             /* of a task */
	ROSTER_PORTS_MAX = 16,              /* of a task */
	ROSTER_LIVE_S = 10,                 /* unheard for so long a task is not counted */
	ROSTER_TOP_TASKS = 1000,            /* of one GetTop, unless it says otherwise */
	ROSTER_TOP_TASKS_MAX = 5000,
	ROSTER_SERIES_MAX = 1000,       /* of one GetHistory */
	MONITOR_FEEDS_MAX = 16,         /* managers listened to */
	MONITOR_WAITS_MAX = 1024,       /* calls parked */
	MONITOR_TICK_MS = 250,          /* parked calls are answered at most so often */
	MONITOR_ASK_TIMEOUT_MS = 5000,  /* for the manager's answer with the initial state */
	MONITOR_ASK_AGAIN_MS = 2000,    /* between two questions to the manager */
	MONITOR_LIST_MS = 2000,         /* between two lists of tasks, at least … */
	MONITOR_LIST_REST = 20,         /* … and so many times as long as the last one took */
	MONITOR_STREAMS_MAX = 256,      /* server-sent events: readers at once */
	MONITOR_TASK_SERIES_MAX = 5000, /* tasks in /metrics, those that use most first */
	MONITOR_SUMMARY_MS = 10000,     /* between two summaries of --print */
};
