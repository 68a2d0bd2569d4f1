/*
 * chaos.h - faults that are made on this node on purpose: which, since when, until when.
 *
 * Pure: time comes in, and what is to be done goes out through ports. A fault that was
 * ordered begins when the manager has heard that it was accepted, or WORKER_CHAOS_BEGIN_MS
 * later; it ends by the clock that never goes back, whatever becomes of the manager.
 * Nothing is kept over a restart: that is one way to heal.
 *
 * While a fault is known the manager is asked every WORKER_CHAOS_CHECK_MS whether it is to end,
 * and once at the start of the process and at the end of the last fault, so that it knows. One
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "proto/worker.pb-c.h"

struct worker_chaos_ports {
	void *arg;
	/* The fault begins; NULL: it is over. Of a kind in force: it is another one from now on. */
	void (*apply)(void *arg, Davit__Fault__Kind kind, const Davit__Fault *fault);
	/* Asks the manager by a line that no fault touches; worker_chaos_checked follows exactly
	 * once, later. The request is borrowed. */
	void (*check)(void *arg, const Davit__CheckFaultsRequest *request);
};

struct worker_chaos;

struct worker_chaos *worker_chaos_new(const struct worker_chaos_ports *ports);
/* Nothing is healed: whoever holds what was broken lets go of it. NULL is fine. */
void worker_chaos_free(struct worker_chaos *chaos);
CLEANUP_DEFINE(struct worker_chaos *, worker_chaos_free)

/*
 * Accepts a fault of a node, with the moment of its end, which is set in it. The same request_id
 * again is the same order (of the last WORKER_CHAOS_ORDERS_KEPT). -EINVAL with words. A task is
 * killed by others: for that -EALREADY means that it was ordered before.
 */
int worker_chaos_order(struct worker_chaos *chaos, Davit__Fault *fault, const char *request_id,
	struct err *err);

/* The manager has heard that orders were accepted. */
void worker_chaos_heard(struct worker_chaos *chaos);

/* node_id "": not known yet, nobody can be asked. */
void worker_chaos_tick(struct worker_chaos *chaos, uint64_t mono_ms, uint64_t wall_ms,
	const char *node_id);
/* When, on the first clock, it is to be called again. */
uint64_t worker_chaos_due_ms(const struct worker_chaos *chaos);

/* reply NULL: nobody answered. */
void worker_chaos_checked(struct worker_chaos *chaos, const Davit__CheckFaultsReply *reply);
