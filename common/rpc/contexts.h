/*
 * contexts.h - nng's contexts of a REP socket: each carries one message in, and its reply out.
 *
 * A reply leaves in the thread that gives it: rep0 hands it to the connection at once, where a raw
 * REP socket takes two queues and two of nng's threads for it. One context receives at a time, so
 * that messages of one connection come in their order; a context that has got its message belongs
 * to whoever was told, for as long as they like, until they reply or release it.
 *
 * Private to common/rpc. All but rpc_contexts_open and _close may be called by any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nng/nng.h>

#include "common/base/mailbox.h"

enum {
	/* Replies that wait for one connection whose peer does not read: with so many, or so many
	   bytes, the next ones are dropped. Callers ask again. */
	RPC_REPLIES_MAX = 256,
	RPC_REPLIES_BYTES_MAX = 64 << 20,
	/* Contexts without a message that are kept for the next ones. */
	RPC_CONTEXTS_SPARE = 64,
};

struct rpc_contexts;

/* A message, and the way of its reply. */
struct rpc_context {
	struct letter letter; /* first; the holder's, as are these: */
	uint64_t since_ns;    /* uv_hrtime: when the message came */
	bool is_marked;       /* false when it came */
	void *owner;          /* rpc_contexts_open's arg */
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

/* nng's thread: the context is the callee's. False: receiving pauses until rpc_contexts_receive. */
typedef bool rpc_on_message_fn(struct rpc_context *context, void *arg);

/* Of a REP socket, which is borrowed. Nothing is received yet. */
struct rpc_contexts *rpc_contexts_open(nng_socket socket, rpc_on_message_fn *on_message, void *arg);

/* Begins to receive, or goes on after a pause: only then. */
void rpc_contexts_receive(struct rpc_contexts *contexts);

/* Both take the context; reply takes the message, too. A reply to a connection that is gone goes
   nowhere. */
void rpc_context_reply(struct rpc_context *context, nng_msg *reply);
void rpc_context_release(struct rpc_context *context);

/* Replies that were dropped, since their peers did not read. */
uint64_t rpc_contexts_n_dropped(const struct rpc_contexts *contexts);

/*
 * On the thread of those who hold any. From its return on nothing is called back
 * and nothing is sent. Before the socket is closed. What is held is its holder's still, and must
 * be released; a reply then goes nowhere. NULL is fine.
 */
void rpc_contexts_close(struct rpc_contexts *contexts);
