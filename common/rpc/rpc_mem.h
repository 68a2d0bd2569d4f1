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
