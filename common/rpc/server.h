/*
 * server.h - answers calls on an nng REP socket.
 *
 * A call can be kept and answered in any order (contexts.h). nng's threads only
 * put messages into a mailbox; everything else, on_call included, runs on the
 * loop's thread. All calls that arrived since the last turn are handed over in
 * one turn: the service can take them as a batch (libuv's check phase). Where
 * turns are limited, a turn has what fits its time, or only reads, which go first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/metrics/metrics.h"
#include "common/rpc/call.h"

struct rpc_server;

enum {
	/* Received and not handed over yet; with so many, or so many bytes, receiving pauses and
	   the peers' TCP windows fill. */
	RPC_SERVER_QUEUE_MAX = 8192,
	RPC_SERVER_QUEUE_BYTES_MAX = 32 << 20,
};

/* Ownership of the call passes to the callee, who may close the server. */
typedef void rpc_on_call_fn(struct rpc_call *call, void *arg);

struct rpc_server_stats {
	uint64_t n_calls;     /* handed over */
	uint64_t n_malformed; /* answered INVALID_ARGUMENT, UNIMPLEMENTED, … by the transport */
	uint64_t n_pipes;     /* connected now */
	uint64_t n_dropped;   /* answers to peers that do not read: RPC_REPLIES_MAX */
	uint64_t n_waiting;   /* received and not handed over yet */
	uint64_t waits_ms;    /* of these, but for reads, the first; 0: none waits */
};

/*
 * Listens on an nng URL ("tcp://127.0.0.1:7070", "ipc:///run/x.sock"). services
 * ends with NULL and is borrowed for the server's life. -EADDRINUSE, -EINVAL for
 * a URL nng refuses, with words.
 */
int rpc_server_open(uv_loop_t *loop, const char *url,
	const ProtobufCServiceDescriptor *const *services, rpc_on_call_fn *on_call, void *arg,
	struct rpc_server **ret_server, struct err *err);

/* True for a method that changes nothing and is answered in its turn. Any thread. */
typedef bool rpc_is_read_fn(const char *method);

/*
 * From now on a turn hands over calls for about so long, and what is left comes with the next one,
 * after whatever the loop does between. Reads overtake other calls: one that arrives ends the turn
 * that is under way, and the next one has reads only; turn and turn about while both wait. May be
 * set again at any time.
 */
void rpc_server_limit_turns(struct rpc_server *server, rpc_is_read_fn *is_read, uint64_t max_us);

/* While it holds, only reads are handed over; the others wait. */
void rpc_server_hold(struct rpc_server *server, bool holds);

/* The URL with the port that was bound, when port 0 was asked for. Borrowed. */
const char *rpc_server_url(const struct rpc_server *server);

/*
 * Counts calls by method and status and measures the time to their answers (for a long poll its
 * wait is in it), and dropped answers, from now on: davit_rpc_calls_total, davit_rpc_seconds,
 * davit_rpc_answers_dropped_total. metrics outlives the server.
 */
void rpc_server_measure(struct rpc_server *server, struct metrics *metrics);

void rpc_server_stats(const struct rpc_server *server, struct rpc_server_stats *ret_stats);

/*
 * Stops listening. Answers that were just sent may be lost: callers ask again.
 * Calls still kept may be dropped before or after; sending them then is a no-op.
 * The loop must turn once more before it is closed. NULL is fine.
 */
void rpc_server_close(struct rpc_server *server);
CLEANUP_DEFINE(struct rpc_server *, rpc_server_close)
