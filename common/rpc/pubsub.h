/*
 * pubsub.h - topics over nng's PUB and SUB sockets, for what may be lost.
 *
 * A message is "<topic> <payload>": the topic is printable ASCII without a space
 * and has at most RPC_TOPIC_MAX characters. A slow subscriber loses messages; the
 * payloads carry sequence numbers that show it. Either side may listen or dial.
 * One thread each.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

enum {
	RPC_TOPIC_MAX = 128,
	RPC_FRAME_MAX = 1 << 20, /* bytes of one message, topic included */
	/* Kept for one slow subscriber; beyond, nng drops the oldest and does not tell. */
	RPC_PUB_QUEUE_MAX = 1024,
	/* Kept while the loop is busy, and their bytes; beyond: counted and dropped. */
	RPC_SUB_QUEUE_MAX = 8192,
	RPC_SUB_QUEUE_BYTES_MAX = 32 << 20,
};

enum rpc_side { RPC_LISTEN, RPC_DIAL };

struct rpc_pub;

/* -EADDRINUSE, -EINVAL, with words. A dialing publisher keeps trying in the background. */
int rpc_pub_open(const char *url, enum rpc_side side, struct rpc_pub **ret_pub, struct err *err);

/* The URL with the port that was bound, when port 0 was asked for. Borrowed. */
const char *rpc_pub_url(const struct rpc_pub *pub);

/* Subscribers connected now: with none, nothing needs to be encoded. */
unsigned rpc_pub_n_subscribers(const struct rpc_pub *pub);

/*
 * Never blocks. A frame over RPC_FRAME_MAX, or with a topic that is none, is
 * dropped and counted; so is one that nng refuses.
 */
void rpc_pub_send(struct rpc_pub *pub, const char *topic, const void *payload, size_t size);
uint64_t rpc_pub_n_dropped(const struct rpc_pub *pub);

void rpc_pub_close(struct rpc_pub *pub);
CLEANUP_DEFINE(struct rpc_pub *, rpc_pub_close)

/*
 * What came in as topic, NUL-terminated, and payload, which points into data. -EINVAL
 * for what is no frame, or none that RPC_FRAME_MAX allows. Pure.
 */
int rpc_frame_split(const void *data, size_t size, char ret_topic[RPC_TOPIC_MAX + 1],
	const void **ret_payload, size_t *ret_size);

struct rpc_sub;

/* topic is NUL-terminated and printable ASCII; payload is borrowed for the callback. On the loop's
 * thread. */
typedef void rpc_on_frame_fn(const char *topic, const void *payload, size_t size, void *arg);

/*
 * topics: prefixes, ends with NULL; {"", NULL} is everything. on_frame may close
 * the sub. What comes in and is no frame, or none that RPC_FRAME_MAX allows, is
 * counted as dropped. The loop must turn once more after the close.
 */
int rpc_sub_open(uv_loop_t *loop, const char *url, enum rpc_side side, const char *const *topics,
	rpc_on_frame_fn *on_frame, void *arg, struct rpc_sub **ret_sub, struct err *err);
const char *rpc_sub_url(const struct rpc_sub *sub);
uint64_t rpc_sub_n_dropped(const struct rpc_sub *sub);
unsigned rpc_sub_n_publishers(const struct rpc_sub *sub);

void rpc_sub_close(struct rpc_sub *sub);
CLEANUP_DEFINE(struct rpc_sub *, rpc_sub_close)
