/*
 * limits.h - the manager's named maxima and its default times, in one place.
 *
 * Limits on a spec's fields are in common/model/limits.h, those of the wire in
 * common/rpc. Times can be set by options where main.c says so.
 */
#pragma once

#include <stdint.h>

enum {
	MANAGER_NODES_MAX = 100000,
	MANAGER_TASKS_MAX = 2000000,        /* records of tasks, ended ones included */
	MANAGER_ARRAY_MAX = 1000000,        /* tasks of one submission */
	MANAGER_SUBMIT_MAX = 10000,         /* submissions of one SubmitMany */
	MANAGER_LIST_MAX = 1000,            /* tasks of one page, ids in one request or answer */
	MANAGER_LIST_LOOKS_MAX = 10000,     /* tasks, or groups of which none fits, for one page */
	MANAGER_REPORTS_MAX = 4096,         /* of one Poll */
	MANAGER_HISTORY_MAX = 20000,        /* ended tasks that are kept; the oldest go first */
	MANAGER_HISTORY_CONTAINERS = 10000, /* … with their containers, and in memory */
	MANAGER_HISTORY_READ_LOOKS = 40, /* a task that is read from disk counts as so many looks */
	MANAGER_HISTORY_STEP = 10000,    /* of them that go at once */
	MANAGER_REQUESTS_MAX = 100000,   /* remembered answers */
	MANAGER_EVENTS_MAX = 8192,       /* kept for ReadEvents */
	MANAGER_WAITS_MAX = 100000,      /* parked calls of clients */
	MANAGER_QUERIES_MAX = 4096,      /* questions to workers under way */
	MANAGER_PLACE_MAX = 4096,        /* tasks of one Place call */
	MANAGER_ARRAY_AHEAD = MANAGER_PLACE_MAX, /* waiting elements of an array with a record, … */
	MANAGER_ARRAY_AHEAD_ALL = 32 * MANAGER_ARRAY_AHEAD, /* … while fewer wait with one in all */
	MANAGER_ARRAY_AHEAD_LOW = 32,                       /* … and else */
	MANAGER_CUT_STEP = 16,      /* elements by which an array's cut moves on, or to its end */
	MANAGER_CUT_LEAP = 10000,   /* … and by no more at once */
	MANAGER_PLAN_MAX = 10000,   /* tasks of one PlanTasks */
	MANAGER_QUESTIONS_MAX = 64, /* ExplainTask and PlanTasks that wait for the scheduler */
	MANAGER_GANG_MAX = MANAGER_PLACE_MAX,  /* tasks of an array with all_or_nothing */
	MANAGER_CLAIMS_MAX = MANAGER_GANG_MAX, /* tasks for which room is kept on a node */
	MANAGER_CLAIMS_BY_AGE_MAX = 8,  /* claims, a gang's being one, of who has waited long */
	MANAGER_PREEMPT_ABOVE = 50,     /* tasks of greater priority may end others */
	MANAGER_EVICTIONS_MAX = 256,    /* groups of which tasks end for one other */
	MANAGER_STRATEGIES_MAX = 64,    /* namespaces with a strategy of their own */
	MANAGER_LABEL_VALUE_MAX = 4096, /* bytes of a node's label's value */
	MANAGER_TAINTS_MAX = 64,        /* of a node */
	MANAGER_LABELS_MAX = 256,       /* of a node */
	MANAGER_NODE_NAME_MAX = 128,
	MANAGER_PORT_RETRIES_MAX = 20, /* attempts of one task after a stranger's port */
	MANAGER_PREFIX_MIN = 4,        /* characters of an abbreviated id */

	MANAGER_POLL_MS = 1000,   /* how long a worker's Poll is parked */
	MANAGER_SILENT_MS = 2500, /* without a Poll: the node becomes UNKNOWN */
	MANAGER_TICK_MS = 100,
	MANAGER_RESTART_GRACE_MS = 30000, /* after a start nothing is moved before this */
	MANAGER_LEAVE_GRACE_MAX_MS = 3600000,
	MANAGER_LEAVE_GRACE_MS = 60000,
	MANAGER_STOP_AFTER_MARGIN_MS = 5000, /* beyond stop_after and the stop's own grace */
	MANAGER_HOLD_NODES_MIN = 4,          /* with fewer nodes, silence of most is acted upon */
	MANAGER_HOLD_WINDOW_MS = 60000,
	MANAGER_HOLD_SETTLE_MS = 300, /* from a node's silence to what follows, with that many */
	MANAGER_REQUEST_KEEP_MS = 3600000,
	MANAGER_AUTO_REMOVE_MS = 60000, /* from a task's end to its removal with auto_remove */
	MANAGER_SWEEP_MS = 5000,        /* blocked tasks are tried again at least so often */
	MANAGER_CLAIM_AFTER_MS =
		30000, /* a task that has waited so long may have room kept for it */
	MANAGER_CLAIM_AGE_MS = 600000,      /* … for so long */
	MANAGER_CLAIM_PREEMPT_MS = 3900000, /* longer than a task may take to stop */
	MANAGER_PLACE_RETRY_MS = 500,       /* after a Place call that failed */
	MANAGER_STRANGER_MS = 60000,        /* how long a port held by a stranger is left alone */
	MANAGER_QUERY_MARGIN_MS = 5000, /* a worker's answer may be so much later than its wait */
	MANAGER_FAULT_MARGIN_MS = 5000, /* a worker may say so much later that a fault is over */
	MANAGER_STATS_MS = 1000,
	MANAGER_STALE_STATS_MS = 10000, /* figures older than this are not counted */
};

/* How long an ended task is kept at most, and what may be chosen for it; 0: any time. */
#define MANAGER_HISTORY_AGE_MS      (7 * UINT64_C(86400000))
#define MANAGER_HISTORY_AGE_LOW_MS  UINT64_C(1000)
#define MANAGER_HISTORY_AGE_HIGH_MS (3650 * UINT64_C(86400000))

/* Memory for remembered answers (about as much on disk), and what may be chosen for it. */
enum {
	MANAGER_REQUESTS_BYTES_MAX = 16 << 20,
	MANAGER_REQUESTS_BYTES_LOW = 64 << 10, /* less would not last for a client's retries */
	MANAGER_REQUESTS_BYTES_HIGH = 1 << 30,
};

/* Of what is on its way to workers. */
enum {
	MANAGER_QUERY_BYTES_MAX = 64 << 20,   /* carried down by all questions */
	MANAGER_HANDOVER_BYTES_MAX = 4 << 20, /* of them in one answer to a Poll, or one of more */
	MANAGER_CHANNEL_BYTES_MAX = 1 << 20,  /* in one reading or writing */
};
