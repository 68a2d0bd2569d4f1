/*
 * rpc_mem.h - the calls of call.h without a socket, for tests and the simulator.
 *
 * The call takes the same way as over nng: the request is encoded and parsed,
 * limits included, and the answer is encoded and decoded. One thread; on_reply
 * runs inside rpc_call_send (or inside rpc_mem_call when the call is refused
 * before there is one).
 */
#pragma once

#include "common/rpc/call.h"
#include "common/rpc/client.h"

struct rpc_mem_options {
	const char *request_id; /* NULL: none */
	uint64_t deadline_ms;
	bool is_json;
};

/*
 * The call, for the service to answer, or NULL when it was refused: on_reply has
 * been told. on_reply may be NULL. A call that is dropped is never answered.
 */
struct rpc_call *rpc_mem_call_with(const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, const struct rpc_mem_options *options,
	rpc_done_fn *on_reply, void *arg);

/* The same in protobuf. */
struct rpc_call *rpc_mem_call(const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, const char *request_id, rpc_done_fn *on_reply, void *arg);

/* ---- the same as bytes, for a network that loses, doubles and delays them ---- */

/* What the server sent; no data: it dropped the call, and nothing is ever sent. */
typedef void rpc_mem_sent_fn(const void *data, size_t size, void *arg);

/*
 * An encoded Call arrives at the server: the call, or NULL when it was refused. on_sent runs
 * exactly once, also for a refusal, and never before the call is sent or dropped.
 */
struct rpc_call *rpc_mem_arrive(const ProtobufCServiceDescriptor *service, const void *data,
	size_t size, rpc_mem_sent_fn *on_sent, void *arg);

/* An encoded Reply arrives at the client: on_reply runs before this returns. */
void rpc_mem_reply(const ProtobufCMethodDescriptor *method, const void *data, size_t size,
	rpc_done_fn *on_reply, void *arg);

/* Appends a Call in protobuf. request_id: NULL for none. */
void rpc_mem_print(const char *method, const ProtobufCMessage *request, const char *request_id,
	struct buf *out);
