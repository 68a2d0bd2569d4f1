/*
 * launch.h - a task for a caller that expects a container when the answer comes.
 *
 * Submits the task and waits until it runs. One that no node can take, that ends before it
 * ran, or that has not started after LAUNCH_MS is removed again, and the caller is told why.
 * A client that goes away while it waits leaves the task as it is.
 */
#pragma once

#include "proto/types.pb-c.h"
#include "services/gateway/errand.h"

enum {
	LAUNCH_MS = 10 * 60 * 1000, /* for pulling an image, too */
	LAUNCH_QUEUE_MS = 10000,    /* without a scheduler or a node that can say no */
};

enum launch_end {
	LAUNCH_RUNS,     /* task is set: it runs, or has ended after it ran */
	LAUNCH_NO_ROOM,  /* no node takes it: why says what lacks */
	LAUNCH_REJECTED, /* it was submitted and could not be started */
	LAUNCH_REFUSED,  /* it was not even accepted: status says how */
};

struct launch_result {
	enum launch_end end;
	const Davit__Task *task; /* borrowed; NULL unless LAUNCH_RUNS */
	Davit__Reply__Status status;
	const char *why; /* "" for LAUNCH_RUNS */
};

typedef void launch_done_fn(struct errand *errand, const struct launch_result *result, void *arg);

/* done runs once, later, unless the client goes away before. The spec is borrowed for the call. */
void launch_start(struct errand *errand, const Davit__TaskSpec *spec, launch_done_fn *done,
	void *arg);
