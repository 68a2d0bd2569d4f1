/*
 * contexts.h - nng's contexts of a REP socket: each carries one message in, and its reply out.
 *
 * A reply leaves in the thread that gives it: rep0 hands it to the connection at once, where a raw
 * REP socket takes two queues and two of nng's threads for it. One context receives at a time, so
 * that messages of one connection come in their order; a context that has got its message belongs
 * to whoever was told, for as long as they like, until they reply or release it.
 *
 * Private to common/rpc. One thread opens, holds and closes; nng's threads tell of messages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nng/nng.h>

#include "common/base/mailbox.h"
#include "common/rpc/call.h"
#include "common/rpc/client.h"

enum {
	/* Replies on their way to one connection: with so many, or so many bytes, its peer does not
	   read, and the next ones are dropped. A client of ours never has so many (client.h). */
	RPC_REPLIES_MAX = 1024,
	RPC_REPLIES_BYTES_MAX = RPC_CLIENT_CALLS_MAX * RPC_MESSAGE_MAX,
	/* Contexts without a message that are kept for the next ones; how many of more than that
	   end in one rpc_contexts_trim. */
	RPC_CONTEXTS_SPARE = 64,
	RPC_CONTEXTS_STEP = 16,
};

struct rpc_contexts;

/* A message, and the way of its reply. */
struct rpc_context {
	struct letter letter; /* first; the holder's, as are these: */
	uint64_t since_ns;    /* uv_hrtime: when the message came */
	bool is_read;         /* false when it came */
	void *arg;            /* rpc_contexts_open's */
	nng_msg *msg;         /* what came; the holder may free it and set NULL, or it goes with the
				 context */

	/* Private to contexts.c. */
	struct rpc_contexts *contexts;
	nng_ctx ctx;
	nng_aio *aio;
	bool is_receiving; /* what its aio does or did last */
	bool is_held;
	uint32_t connection;
	size_t reply_size;
	struct rpc_context *prev, *next; /* contexts.all */
	struct rpc_context *spare_next;
};

/*
 * nng's thread: the context is the callee's, who hands it to the one thread. False: receiving
 * pauses until rpc_contexts_receive, which that thread may call as soon as it is told to.
 */
typedef bool rpc_on_message_fn(struct rpc_context *context, void *arg);

/* Of a REP socket, which is borrowed. Nothing is received yet. */
struct rpc_contexts *rpc_contexts_open(nng_socket socket, rpc_on_message_fn *on_message, void *arg);

/* Instead of the limits above: tests have less. */
void rpc_contexts_limit(struct rpc_contexts *contexts, unsigned replies_max, size_t bytes_max);

/* Begins to receive, or goes on after a pause: only then. */
void rpc_contexts_receive(struct rpc_contexts *contexts);

/* Ends some of the contexts of a burst that is over; to be called now and then. */
void rpc_contexts_trim(struct rpc_contexts *contexts);

/*
 * Takes context and reply. False: it was dropped, since the peer does not read. To a connection
 * that is gone, and after the close, it goes nowhere.
 */
bool rpc_context_reply(struct rpc_context *context, nng_msg *reply);

/* Takes the context: there is no reply. */
void rpc_context_release(struct rpc_context *context);

/*
 * From its return on nothing is called back and nothing is sent. Before the socket is closed.
 * What is held is its holder's still, and must be replied to or released. NULL is fine.
 */
void rpc_contexts_close(struct rpc_contexts *contexts);
