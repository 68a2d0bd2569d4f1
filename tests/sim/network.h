/*
 * network.h - calls from process to process, as nng carries them: at least once.
 *
 * A request that is lost, or whose answer is, is sent again by itself after a while,
 * as REQ does after a reconnect; it may arrive twice; an answer may come after the
 * caller gave up. A message reaches only the life of a process that was meant.
 */
#pragma once

#include "common/rpc/client.h"
#include "tests/sim/sim.h"

struct network_call {
	unsigned from, to;
	const ProtobufCServiceDescriptor *service;
	const char *method;
	const ProtobufCMessage *request; /* borrowed */
	const char *request_id;          /* NULL: none */
	uint64_t timeout_ms;
	rpc_done_fn *done; /* runs once, unless the caller's process dies before */
	void *arg;
	bool owns_arg; /* arg is on the heap and freed in every case */
};

void network_call(struct sim *sim, const struct network_call *call);
