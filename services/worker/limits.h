/*
 * limits.h - every maximum of the worker, in one place.
 *
 * A limit is on a number that a peer or a long life could let grow. Each is
 * reached by a test.
 */
#pragma once

enum {
	WORKER_SLOTS_MAX = 100000,   /* attempts known at one time */
	WORKER_REPORTS_MAX = 4096,   /* reports in one Poll: the contract's figure */
	WORKER_ANSWERS_MAX = 8,      /* answers to queries in one call: each may be 1 MiB */
	WORKER_ANSWER_CALLS_MAX = 4, /* such calls under way */
	WORKER_QUERIES_MAX = 512,    /* questions under way */
	WORKER_CHANNELS_MAX = 256,   /* execs, attachments, copies, pulls */
	WORKER_CHANNEL_NAME_MAX = 128,
	WORKER_CHANNEL_BYTES_MAX = 1 << 20, /* of output that nobody has asked for yet */
	WORKER_CHANNEL_RUNS_MAX = 4096,     /* changes between the two streams in that */
	WORKER_LOG_BYTES = 256 << 10,       /* in one answer, where the question does not say */
	WORKER_LOG_BYTES_MAX = 1 << 20,     /* in one answer */
	WORKER_LOG_LINE_MAX = 1 << 18,      /* of one line that has no end; then it is cut */
	WORKER_WAIT_MAX_MS = 60000,         /* that a question may wait */
	WORKER_MESSAGE_MAX = 512,           /* characters of a sentence in a report */
	WORKER_PROGRESS_MAX = 96,           /* of how far a pull is; what is longer is cut */
	WORKER_CHECKS_MAX = 32,             /* inspections under way */
	WORKER_STOPS_MAX = 64,              /* that the engine is busy with, … */
	WORKER_GRACES_MAX = 512,            /* … and that only wait for a container's grace */
	WORKER_KILLS_MAX = 64,              /* stops without grace do not wait behind those, … */
	WORKER_TTLS_MAX = 64,               /* … and whose ttl is over not behind anybody */
	WORKER_PULLS_MAX = 4,               /* different images at one time */
	WORKER_PULL_TRIES_MAX = 3,          /* where the registry does not answer */
	WORKER_STEP_TRIES_MAX = 3,      /* of a step that the engine fails for no clear reason */
	WORKER_LISTED_ITEMS_MAX = 4096, /* volumes or networks in one answer */
	WORKER_PULLED_MAX = 4096,       /* images that go when nobody needs them */
	WORKER_ADDRESS_SIZE = 46,       /* an IPv6 address and its end */
};

enum {
	WORKER_COMPARE_MS = 30000,        /* between two comparisons with the engine's list */
	WORKER_PING_MS = 3000,            /* between two pings of the engine, … */
	WORKER_PING_PATIENCE_MS = 5000,   /* … and for the answer: else it does not answer */
	WORKER_ENGINE_RETRY_MIN_MS = 100, /* between two looks at an engine that is away */
	WORKER_ENGINE_RETRY_MAX_MS = 5000,
	WORKER_ENGINE_PATIENCE_MS = 10000, /* then what never started is handed back */
	WORKER_REGISTER_HOLD_MS = 5000, /* for the engine's list, before the first registration */
	WORKER_RETRY_MIN_MS = 50,       /* between two calls that failed */
	WORKER_RETRY_MAX_MS = 1000,
	WORKER_POLL_MS = 1000,         /* where the manager does not say */
	WORKER_POLL_SLACK_MS = 500,    /* added to two poll periods before a call is given up */
	WORKER_CALL_MS = 5000,         /* for RegisterNode and polls that carry something */
	WORKER_LEAVE_MS = 1500,        /* for LeaveNode */
	WORKER_GRACE_MS = 60000,       /* announced when leaving */
	WORKER_IMAGE_FRESH_MS = 10000, /* an image seen is believed to be there */
	WORKER_DISK_MS = 5000,         /* between two looks at what one container wrote */
	WORKER_CLEAN_MS = 5000,        /* between two looks for images that nobody needs; */
	WORKER_CLEAN_MIN_MS = 500,     /* not less, however short their time is */
	WORKER_CLEAN_RETRY_MS = 60000, /* for one that a container still uses */
	WORKER_NETWORK_IDLE_MS = 5000, /* a network that nobody uses is kept for the next one */
	WORKER_NO_EVIDENCE_MS = 5000,  /* stop_after, where the last contact is not known */
	WORKER_STOP_MS = 10000,        /* grace of a stop, where nothing says otherwise */
	WORKER_STOP_BUSY_MS = 500,     /* of one: what is deaf after that is only waited for */
	WORKER_LOG_LINGER_MS = 5,      /* from the first line to the answer: more may follow */
	WORKER_LOG_AGAIN_MS = 200,     /* between two looks at a container that says nothing */
	WORKER_QUIET_MS = 1000,        /* before a ttl is over and after it, less is begun */
	WORKER_LACK_MS = 1000,         /* from an end by KILL until a lack of memory was told */
	WORKER_SWEEP_MS = 20,          /* timers of slots are looked at this often at most */
};

/* Of faults that are made on purpose. */
enum {
	WORKER_CHAOS_ORDERS_KEPT = 16, /* that are known again */
	WORKER_CHAOS_BEGIN_MS = 2000,  /* from an order, where its answer is not heard before */
	WORKER_CHAOS_CHECK_MS = 1000,  /* between two questions whether they are to end */
	WORKER_CHAOS_CALL_MS = 2000,   /* for the answer */
	WORKER_CHAOS_SWEEP_MS = 500,   /* between two looks for what runs on a killed node */
	WORKER_CHAOS_LINE_MAX = 1024,  /* calls to the manager that are lost or late at one time */
};

/* Of channels. */
enum {
	WORKER_CHANNEL_IDLE_MS = 300000, /* without a question a channel is given up */
	WORKER_CHANNEL_ENDED_MS = 60000, /* the same for one that has ended */
};

/* Of logs. */
enum {
	WORKER_LOG_FILE_MS = 50, /* between two looks into a log's file that had nothing new */
};
