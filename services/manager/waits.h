/*
 * waits.h - parked calls of clients, and when they have waited long enough.
 *
 * A wait is in one owner's list (a task's, the events', a query's) and in the list
 * of all, which the tick looks through.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct manager;
struct rpc_call;
struct wait;

typedef void wait_expire_fn(struct manager *manager, struct wait *wait);

struct wait {
	struct wait *next; /* in the owner's list */
	struct wait *all_prev, *all_next;
	struct rpc_call *call;
	void *owner; /* the task, …: for expire */
	uint64_t until_mono_ms;
	wait_expire_fn *expire; /* answers the call; the wait is in the owner's list still */
	uint64_t cursor;        /* the owner's own */
	uint64_t state;
};

struct waits {
	struct wait *first;
	size_t n;
};

/* Parks the call for wait_ms (cut to RPC_WAIT_MAX_MS). NULL if too many wait: it was refused. */
struct wait *waits_add(struct manager *manager, struct rpc_call *call, uint64_t wait_ms,
	wait_expire_fn *expire, void *owner);

/* Takes the wait out of the list of all (not of its owner's) and frees it; the call stays. */
struct rpc_call *waits_end(struct manager *manager, struct wait *wait);

/* Unlinks the wait from a list that begins at *first. */
void waits_unlink(struct wait **first, struct wait *wait);

void waits_tick(struct manager *manager);
/* Answers all UNAVAILABLE. Owners' lists are stale afterwards. */
void waits_abort(struct manager *manager, const char *reason);
