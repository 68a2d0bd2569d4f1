/*
 * upstream.h - the calls of many clients over few connections to one service.
 *
 * Calls that wait (long polls) occupy a place on a connection for up to a minute, so they
 * have connections of their own, opened as they are needed; the others share two. While
 * the service does not answer, calls end UNAVAILABLE after UPSTREAM_PATIENCE_MS instead
 * of waiting for it. The loop's thread.
 */
#pragma once

#include "common/rpc/client.h"

enum {
	UPSTREAM_PATIENCE_MS = 800,  /* without a connection; then UNAVAILABLE */
	UPSTREAM_TIMEOUT_MS = 30000, /* beyond what the call itself waits */
	UPSTREAM_QUICK_CLIENTS = 2,  /* connections for calls that do not wait */
	UPSTREAM_WAIT_CLIENTS = 64,  /* connections for those that do, at most */
	UPSTREAM_QUICK_MAX = 4096,   /* calls under way that do not wait */
	/* Calls under way that do; more are RESOURCE_EXHAUSTED. */
	UPSTREAM_WAITS_MAX = UPSTREAM_WAIT_CLIENTS * RPC_CLIENT_CALLS_MAX,
};

struct upstream;
struct upstream_call;

/* -EINVAL for a URL that nng refuses. */
int upstream_open(uv_loop_t *loop, const char *url, struct upstream **ret_upstream,
	struct err *err);

/* Every call under way ends CANCELLED. The loop must turn once more. NULL is fine. */
void upstream_close(struct upstream *upstream);
CLEANUP_DEFINE(struct upstream *, upstream_close)

/* All that it has for calls that do not wait. */
bool upstream_is_connected(const struct upstream *upstream);

/*
 * done runs once, later, unless the call is dropped. wait_ms is how long the service may
 * park it; 0: it answers at once. request_id may be NULL.
 */
struct upstream_call *upstream_call(struct upstream *upstream,
	const ProtobufCMethodDescriptor *method, const ProtobufCMessage *request,
	const char *request_id, uint64_t wait_ms, rpc_done_fn *done, void *arg);

/*
 * Not a call, but the time until the next one: go_on runs once, after about ms (200 ms more at
 * most) unless what is in place, which is cleared before, is dropped.
 */
struct upstream_pause {
	struct upstream_call **place;
	void (*go_on)(void *arg);
	void *arg;
};
void upstream_pause(struct upstream *upstream, uint64_t ms, const struct upstream_pause *pause);

/* True: the same call may well succeed in a moment. */
bool upstream_is_trouble(Davit__Reply__Status status);

/* Nobody waits for it any more: done will not run. */
void upstream_drop(struct upstream_call *call);
