/*
 * probe.h - one look at a TCP port, or one GET over HTTP, from this process.
 *
 * For health checks. On the loop's thread; each ends by itself when its time is
 * up, so whoever asked need not wait for it.
 */
#pragma once

#include <uv.h>

#include "services/worker/worker.h"

struct probes;

struct probes *probes_new(uv_loop_t *loop);
/* Those under way end now, not ok. The loop must run once more to let go of everything. */
void probes_free(struct probes *probes);
/* probe is borrowed; done follows exactly once, later. */
void probes_begin(struct probes *probes, const struct worker_probe *probe, worker_probed_fn *done,
	void *arg);
