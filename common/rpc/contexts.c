#include "common/rpc/contexts.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <uthash.h>
#include <utlist.h>
#include <uv.h>

#include "common/base/mem.h"

/* A connection with replies on their way. */
struct peer {
	uint32_t connection;
	unsigned n;
	size_t n_bytes;
	UT_hash_handle hh;
};

struct rpc_contexts {
	nng_socket socket;
	rpc_on_message_fn *on_message;
	void *arg;
	unsigned replies_max;
	size_t bytes_max;

	pthread_mutex_t lock; /* of what follows */
	bool is_closed;
	struct rpc_context *all, *spare;
	size_t n_spare;
	struct peer *peers; /* by connection */
};

/* ---- one context ---- */

/* Waits until its aio's callback has returned. */
static void
context_free(struct rpc_context *context)
{
	nng_msg_free(context->msg);
	nng_aio_free(context->aio);
	free(context);
}

static void
contexts_free(struct rpc_contexts *contexts)
{
	struct peer *peer, *next;

	HASH_ITER(hh, contexts->peers, peer, next)
	{
		HASH_DEL(contexts->peers, peer);
		free(peer);
	}
	(void)pthread_mutex_destroy(&contexts->lock);
	free(contexts);
}

static void on_aio(void *arg);

/* NULL: all are closed. */
static struct rpc_context *
context_new(struct rpc_contexts *contexts)
{
	struct rpc_context *context = xcalloc(1, sizeof *context);
	bool is_closed;
	int rv;

	context->contexts = contexts;
	context->arg = contexts->arg;
	rv = nng_aio_alloc(&context->aio, on_aio, context);
	if (rv == 0)
		rv = nng_ctx_open(&context->ctx, contexts->socket);
	assert(rv == 0); /* like all our memory, it is there or the process ends */
	(void)pthread_mutex_lock(&contexts->lock);
	is_closed = contexts->is_closed;
	if (!is_closed)
		DL_APPEND(contexts->all, context);
	(void)pthread_mutex_unlock(&contexts->lock);
	if (!is_closed)
		return context;
	(void)nng_ctx_close(context->ctx);
	context_free(context);
	return NULL;
}

/* Under the lock. */
static void
add_spare(struct rpc_contexts *contexts, struct rpc_context *context)
{
	context->spare_next = contexts->spare;
	contexts->spare = context;
	contexts->n_spare++;
}

/* NULL: there are not more than n_min. */
static struct rpc_context *
take_spare(struct rpc_contexts *contexts, size_t n_min)
{
	struct rpc_context *context = NULL;

	(void)pthread_mutex_lock(&contexts->lock);
	if (!contexts->is_closed && contexts->n_spare > n_min) {
		context = contexts->spare;
		contexts->spare = context->spare_next;
		contexts->n_spare--;
	}
	(void)pthread_mutex_unlock(&contexts->lock);
	return context;
}

/*
 * Not by the callback that leaves one too many: nng's thread may still be in the callback of one
 * that the holder has used and left already, and who ends it waits for that.
 */
void
rpc_contexts_trim(struct rpc_contexts *contexts)
{
	struct rpc_context *context;

	for (unsigned i = 0; i < RPC_CONTEXTS_STEP &&
			     (context = take_spare(contexts, RPC_CONTEXTS_SPARE)) != NULL;
		i++) {
		(void)pthread_mutex_lock(&contexts->lock);
		DL_DELETE(contexts->all, context);
		(void)pthread_mutex_unlock(&contexts->lock);
		(void)nng_ctx_close(context->ctx);
		context_free(context);
	}
}

/* ---- receiving ---- */

static void
context_receive(struct rpc_context *context)
{
	context->is_receiving = true;
	nng_ctx_recv(context->ctx, context->aio);
}

void
rpc_contexts_receive(struct rpc_contexts *contexts)
{
	struct rpc_context *context = take_spare(contexts, 0);

	if (context == NULL)
		context = context_new(contexts);
	if (context != NULL)
		context_receive(context);
}

static void
on_received(struct rpc_context *context)
{
	struct rpc_contexts *contexts = context->contexts;
	int rv = nng_aio_result(context->aio);

	if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
		return;
	if (rv != 0) {
		context_receive(context);
		return;
	}
	context->msg = nng_aio_get_msg(context->aio);
	nng_aio_set_msg(context->aio, NULL);
	context->connection = (uint32_t)nng_pipe_id(nng_msg_get_pipe(context->msg));
	context->since_ns = uv_hrtime();
	context->is_read = false;
	context->is_held = true;
	if (contexts->on_message(context, contexts->arg))
		rpc_contexts_receive(contexts);
}

/* ---- replies ---- */

/* Under the lock. False: its peer does not read. */
static bool
peer_add(struct rpc_contexts *contexts, const struct rpc_context *context)
{
	struct peer *peer;

	HASH_FIND(hh, contexts->peers, &context->connection, sizeof peer->connection, peer);
	if (peer == NULL) {
		peer = xcalloc(1, sizeof *peer);
		peer->connection = context->connection;
		HASH_ADD(hh, contexts->peers, connection, sizeof peer->connection, peer);
	} else if (peer->n >= contexts->replies_max ||
		   peer->n_bytes + context->reply_size > contexts->bytes_max) {
		return false;
	}
	peer->n++;
	peer->n_bytes += context->reply_size;
	return true;
}

static void
peer_remove(struct rpc_contexts *contexts, const struct rpc_context *context)
{
	struct peer *peer;

	HASH_FIND(hh, contexts->peers, &context->connection, sizeof peer->connection, peer);
	assert(peer != NULL && peer->n > 0);
	peer->n_bytes -= context->reply_size;
	if (--peer->n > 0)
		return;
	HASH_DEL(contexts->peers, peer);
	free(peer);
}

static void
on_sent(struct rpc_context *context)
{
	struct rpc_contexts *contexts = context->contexts;

	if (nng_aio_result(context->aio) != 0) {
		nng_msg_free(nng_aio_get_msg(context->aio));
		nng_aio_set_msg(context->aio, NULL);
	}
	(void)pthread_mutex_lock(&contexts->lock);
	peer_remove(contexts, context);
	add_spare(contexts, context);
	(void)pthread_mutex_unlock(&contexts->lock);
}

/* nng's thread. */
static void
on_aio(void *arg)
{
	struct rpc_context *context = arg;

	if (context->is_receiving)
		on_received(context);
	else
		on_sent(context);
}

bool
rpc_context_reply(struct rpc_context *context, nng_msg *reply)
{
	struct rpc_contexts *contexts = context->contexts;
	bool is_closed, is_taken;

	context->reply_size = nng_msg_len(reply);
	(void)pthread_mutex_lock(&contexts->lock);
	is_closed = contexts->is_closed;
	is_taken = !is_closed && peer_add(contexts, context);
	(void)pthread_mutex_unlock(&contexts->lock);
	if (!is_taken) {
		nng_msg_free(reply);
		rpc_context_release(context);
		return is_closed;
	}
	nng_msg_free(TAKE(context->msg));
	context->is_held = context->is_receiving = false;
	nng_aio_set_msg(context->aio, reply);
	nng_ctx_send(context->ctx, context->aio);
	return true;
}

/* What was held when all was closed. */
static void
release_late(struct rpc_contexts *contexts, struct rpc_context *context)
{
	DL_DELETE(contexts->all, context);
	context_free(context);
	if (contexts->all == NULL)
		contexts_free(contexts);
}

void
rpc_context_release(struct rpc_context *context)
{
	struct rpc_contexts *contexts = context->contexts;
	bool is_closed;

	nng_msg_free(TAKE(context->msg));
	context->is_held = false;
	(void)pthread_mutex_lock(&contexts->lock);
	is_closed = contexts->is_closed;
	if (!is_closed)
		add_spare(contexts, context);
	(void)pthread_mutex_unlock(&contexts->lock);
	if (is_closed)
		release_late(contexts, context);
}

/* ---- beginning and end ---- */

struct rpc_contexts *
rpc_contexts_open(nng_socket socket, rpc_on_message_fn *on_message, void *arg)
{
	struct rpc_contexts *contexts = xcalloc(1, sizeof *contexts);

	contexts->socket = socket;
	contexts->on_message = on_message;
	contexts->arg = arg;
	rpc_contexts_limit(contexts, RPC_REPLIES_MAX, RPC_REPLIES_BYTES_MAX);
	(void)pthread_mutex_init(&contexts->lock, NULL);
	return contexts;
}

void
rpc_contexts_limit(struct rpc_contexts *contexts, unsigned replies_max, size_t bytes_max)
{
	contexts->replies_max = replies_max;
	contexts->bytes_max = bytes_max;
}

/*
 * Once it is said to be closed nobody adds to the list; no aio is freed before all are stopped,
 * since the callback of one starts another.
 */
void
rpc_contexts_close(struct rpc_contexts *contexts)
{
	struct rpc_context *context, *next;

	if (contexts == NULL)
		return;
	(void)pthread_mutex_lock(&contexts->lock);
	contexts->is_closed = true;
	(void)pthread_mutex_unlock(&contexts->lock);
	DL_FOREACH (contexts->all, context)
		nng_aio_stop(context->aio);
	DL_FOREACH_SAFE (contexts->all, context, next) {
		(void)nng_ctx_close(context->ctx);
		nng_aio_free(TAKE(context->aio));
		if (context->is_held)
			continue;
		DL_DELETE(contexts->all, context);
		context_free(context);
	}
	if (contexts->all == NULL)
		contexts_free(contexts);
}
