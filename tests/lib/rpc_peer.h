/*
 * rpc_peer.h - a loop with a server whose calls a test keeps and answers.
 *
 * The service is davit.Manager: GetTask and GetTasks are answered at once with tasks that have
 * the requested ids; everything else is kept in calls[] in the order of arrival.
 * Waits turn the loop until something is true, and fail the test after 10 s.
 */
#pragma once

#include <stdbool.h>

#include <uv.h>

#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/test.h"

enum { PEER_CALLS_MAX = 4096, PEER_GETS_MAX = 64 };

struct peer {
	uv_loop_t loop;
	struct rpc_server *server;
	struct rpc_client *client;
	struct rpc_call *calls[PEER_CALLS_MAX];
	size_t n_calls;
	unsigned n_gets;
	bool keeps_gets; /* these are kept like the others */
};

/* What a done callback saw, copied. */
struct seen {
	unsigned n;
	Davit__Reply__Status status;
	char message[256], field[128], note[128], id[64];
};

/* Opens both ends; url NULL: a port of loopback that is free. */
void peer_open(struct peer *peer, const char *url);
/* Drops what is kept, closes both, and runs the loop empty. */
void peer_close(struct peer *peer);
void peer_serve(struct peer *peer, const char *url);

/* Each turns the loop until it is so. */
void peer_wait_calls(struct peer *peer, size_t n);
void peer_wait_seen(struct peer *peer, const struct seen *seen, unsigned n);
void peer_wait_connected(struct peer *peer);

/* Starts GetTask / WaitTask of a task id; the outcome goes to seen. */
struct rpc_pending *peer_get(struct peer *peer, const char *id, uint64_t timeout_ms,
	struct seen *seen);
struct rpc_pending *peer_wait_task(struct peer *peer, const char *id, uint64_t timeout_ms,
	struct seen *seen);
void peer_on_done(const struct rpc_result *result, void *arg);

/* Answers a kept WaitTask with a task of the id that it asked for, and sends it. */
void peer_answer(struct rpc_call *call);

extern const ProtobufCServiceDescriptor *const peer_services[];
