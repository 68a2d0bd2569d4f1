/*
 * client.h - calls over an nng REQ socket, from a libuv loop.
 *
 * A client dials in the background and again after a loss, with jitter; a call
 * started while there is no connection waits for one until its time is up. The
 * same call may reach the server more than once (nng resends after a broken
 * connection), which is why changing calls carry a request_id: rpc_request_id_make.
 *
 * Calls are protobuf. Whoever answers one in JSON is spoken to in JSON from then on, until
 * the connection ends: a server of a few lines need not know protobuf.
 *
 * One thread. At most RPC_CLIENT_CALLS_MAX calls are on the wire, more are queued.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>
#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/rpc/call.h"
#include "proto/rpc.pb-c.h"

enum {
	RPC_CLIENT_CALLS_MAX = 32,   /* on the wire; a raw REP of nng's drops replies beyond 64 */
	RPC_CLIENT_QUEUE_MAX = 4096, /* waiting for a place; beyond: RESOURCE_EXHAUSTED at once */
	/* nng sends a call again after so long without an answer: longer than any wait, so that it
	   only happens when an answer was lost. */
	RPC_CLIENT_RESEND_MS = RPC_WAIT_MAX_MS + 30000,
	RPC_REDIAL_MIN_MS = 1000, /* between two redials; nng 1.5.2 loses a dialer that is closed
				     while it connects (4 KB), so it must not happen often */
	RPC_SERVICE_TIMEOUT_MS = 30000, /* of calls by generated stubs */
};

struct rpc_client;
struct rpc_pending;

/* How a call ended. Everything is borrowed for the callback. */
struct rpc_result {
	Davit__Reply__Status status;
	const char *message;              /* "" when OK */
	const char *field;                /* "" when none is at fault */
	const char *note;                 /* "" when none */
	const ProtobufCMessage *response; /* of the method's output type; NULL unless OK */
};

typedef void rpc_done_fn(const struct rpc_result *result, void *arg);

struct rpc_call_options {
	uint64_t timeout_ms; /* required: then DEADLINE_EXCEEDED (connected) or UNAVAILABLE (not) */
	const char *request_id; /* NULL: none */
};

/* Starts dialing url. -EINVAL for a URL that nng refuses. */
int rpc_client_open(uv_loop_t *loop, const char *url, struct rpc_client **ret_client,
	struct err *err);

/*
 * Starts a call of a method found with rpc_method(). request is encoded before this
 * returns. done runs exactly once, later, on the loop; never from inside this
 * function. The handle is valid until done has run.
 */
struct rpc_pending *rpc_client_call(struct rpc_client *client,
	const ProtobufCMethodDescriptor *method, const ProtobufCMessage *request,
	const struct rpc_call_options *options, rpc_done_fn *done, void *arg);

/* Gives the call up: done runs later with CANCELLED. */
void rpc_client_cancel(struct rpc_client *client, struct rpc_pending *pending);

bool rpc_client_is_connected(const struct rpc_client *client);

/* How long it waits at most before it dials again; absent: RPC_RECONNECT_MAX_MS (socket.h). */
void rpc_client_set_reconnect(struct rpc_client *client, unsigned max_ms);

/*
 * Drops the connection and dials anew: for a caller that hears nothing although it
 * is connected. Calls under way are sent again. Within RPC_REDIAL_MIN_MS of the
 * last one it does nothing.
 */
void rpc_client_redial(struct rpc_client *client);

/*
 * A ProtobufCService for the generated stubs; protobuf_c_service_destroy it before
 * the client. Its calls have a random request_id and RPC_SERVICE_TIMEOUT_MS. The
 * closure gets NULL on failure: rpc_client_error says why, while it runs.
 */
ProtobufCService *rpc_client_service(struct rpc_client *client,
	const ProtobufCServiceDescriptor *service);

/* Of the stub's call whose closure is running with NULL; NULL outside of one. */
const struct rpc_result *rpc_client_error(const struct rpc_client *client);

/*
 * Every call still under way ends with CANCELLED before this returns. done may
 * close the client. The loop must turn once more before it is closed.
 */
void rpc_client_close(struct rpc_client *client);
CLEANUP_DEFINE(struct rpc_client *, rpc_client_close)

/* The method of that short name. Asserts that there is one: the name is a literal. */
const ProtobufCMethodDescriptor *rpc_method(const ProtobufCServiceDescriptor *service,
	const char *name);

/*
 * A fresh request id, in hex: 48 bits of time, then 80 of chance. What is remembered of calls is
 * so written and forgotten in the order of its keys, which keeps the manager's store dense.
 */
enum { RPC_REQUEST_ID_SIZE = 33 };
void rpc_request_id_make(char ret_text[RPC_REQUEST_ID_SIZE]);
