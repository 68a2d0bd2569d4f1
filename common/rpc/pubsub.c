#include "common/rpc/pubsub.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>

#include "common/base/mailbox.h"
#include "common/base/mem.h"
#include "common/rpc/socket.h"

enum { NNG_RECEIVE_QUEUE = 1024 };

static bool
is_topic(const char *topic, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (topic[i] <= 0x20 || topic[i] > 0x7e)
			return false;
	return size > 0 && size <= RPC_TOPIC_MAX;
}

/* nng's thread. arg is the counter. */
static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	atomic_uint *n_pipes = arg;

	(void)pipe;
	if (event == NNG_PIPE_EV_ADD_POST)
		atomic_fetch_add(n_pipes, 1);
	else
		atomic_fetch_sub(n_pipes, 1);
}

static int
count_pipes(nng_socket socket, atomic_uint *n_pipes)
{
	int rv = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_pipe, n_pipes);

	return rv != 0 ? rv : nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_pipe, n_pipes);
}

static int
attach(nng_socket socket, const char *url, enum rpc_side side, char **ret_url, struct err *err)
{
	nng_dialer dialer;
	int rc;

	if (side == RPC_LISTEN)
		return rpc_socket_listen(socket, url, ret_url, err);
	rc = rpc_socket_dial(socket, url, &dialer, err);
	if (rc == 0)
		*ret_url = xstrdup(url);
	return rc;
}

struct rpc_pub {
	nng_socket socket;
	char *url;
	atomic_uint n_subscribers;
	uint64_t n_dropped;
};

int
rpc_pub_open(const char *url, enum rpc_side side, struct rpc_pub **ret_pub, struct err *err)
{
	CLEANUP(rpc_pub_close) struct rpc_pub *pub = xcalloc(1, sizeof *pub);
	int rv, rc;

	rv = nng_pub0_open(&pub->socket);
	if (rv == 0)
		rv = nng_socket_set_int(pub->socket, NNG_OPT_SENDBUF, RPC_PUB_QUEUE_MAX);
	if (rv == 0)
		rv = count_pipes(pub->socket, &pub->n_subscribers);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "open a socket for", url);
	rc = attach(pub->socket, url, side, &pub->url, err);
	if (rc < 0)
		return rc;
	*ret_pub = TAKE(pub);
	return 0;
}

const char *
rpc_pub_url(const struct rpc_pub *pub)
{
	return pub->url;
}

unsigned
rpc_pub_n_subscribers(const struct rpc_pub *pub)
{
	return atomic_load(&pub->n_subscribers);
}

void
rpc_pub_send(struct rpc_pub *pub, const char *topic, const void *payload, size_t size)
{
	size_t n = strnlen(topic, RPC_TOPIC_MAX + 1);
	nng_msg *msg;

	if (!is_topic(topic, n) || size > RPC_FRAME_MAX - n - 1) {
		pub->n_dropped++;
		return;
	}
	if (rpc_pub_n_subscribers(pub) == 0)
		return;
	msg = rpc_socket_msg(topic, n);
	if (nng_msg_append(msg, " ", 1) != 0 || nng_msg_append(msg, payload, size) != 0 ||
		nng_sendmsg(pub->socket, msg, NNG_FLAG_NONBLOCK) != 0) {
		nng_msg_free(msg);
		pub->n_dropped++;
	}
}

uint64_t
rpc_pub_n_dropped(const struct rpc_pub *pub)
{
	return pub->n_dropped;
}

void
rpc_pub_close(struct rpc_pub *pub)
{
	if (pub == NULL)
		return;
	if (!rpc_socket_close(pub->socket))
		return; /* nng may still use it: never freed */
	free(pub->url);
	free(pub);
}

/* A frame between nng's thread and the loop. */
struct frame {
	struct letter letter; /* first */
	nng_msg *msg;
};

struct rpc_sub {
	nng_socket socket;
	char *url;
	rpc_on_frame_fn *on_frame;
	void *arg;
	uv_async_t wake;
	bool is_closed;
	unsigned
		refs; /* one until closed, one of the loop's handle, one while frames are handled */
	struct mailbox *inbox;
	nng_aio *receive;
	atomic_size_t n_waiting_bytes;
	atomic_ullong n_dropped;
	atomic_uint n_publishers;
};

static void
sub_unref(struct rpc_sub *sub)
{
	assert(sub->refs > 0);
	if (--sub->refs > 0)
		return;
	mailbox_free(sub->inbox);
	free(sub->url);
	free(sub);
}

static void
frame_free(struct frame *frame)
{
	nng_msg_free(frame->msg);
	free(frame);
}

/* nng's thread. */
static void
wake_loop(void *arg)
{
	struct rpc_sub *sub = arg;

	(void)uv_async_send(&sub->wake);
}

/* nng's thread. Receiving never pauses: what does not fit is lost here, where it is counted. */
static void
on_receive(void *arg)
{
	struct rpc_sub *sub = arg;
	struct frame *frame;
	size_t size, bytes;
	int rv = nng_aio_result(sub->receive);

	if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
		return;
	if (rv == 0) {
		frame = xcalloc(1, sizeof *frame);
		frame->msg = nng_aio_get_msg(sub->receive);
		size = nng_msg_len(frame->msg);
		bytes = atomic_fetch_add(&sub->n_waiting_bytes, size) + size;
		if (bytes > RPC_SUB_QUEUE_BYTES_MAX ||
			mailbox_put(sub->inbox, &frame->letter) < 0) {
			atomic_fetch_sub(&sub->n_waiting_bytes, size);
			atomic_fetch_add(&sub->n_dropped, 1);
			frame_free(frame);
		}
	}
	nng_recv_aio(sub->socket, sub->receive);
}

int
rpc_frame_split(const void *data, size_t size, char ret_topic[RPC_TOPIC_MAX + 1],
	const void **ret_payload, size_t *ret_size)
{
	const char *text = data;
	const char *space = memchr(text, ' ', size <= RPC_TOPIC_MAX ? size : RPC_TOPIC_MAX + 1);
	size_t n = space != NULL ? (size_t)(space - text) : 0;

	if (size > RPC_FRAME_MAX || !is_topic(text, n))
		return -EINVAL;
	memcpy(ret_topic, text, n);
	ret_topic[n] = '\0';
	*ret_payload = space + 1;
	*ret_size = size - n - 1;
	return 0;
}

static void
handle_frame(struct rpc_sub *sub, const void *data, size_t size)
{
	char topic[RPC_TOPIC_MAX + 1];
	const void *payload;
	size_t payload_size;

	if (rpc_frame_split(data, size, topic, &payload, &payload_size) < 0) {
		atomic_fetch_add(&sub->n_dropped, 1);
		return;
	}
	sub->on_frame(topic, payload, payload_size, sub->arg);
}

static void
handle_letters(struct rpc_sub *sub)
{
	struct letter *letter, *next;

	for (letter = mailbox_take_all(sub->inbox); letter != NULL; letter = next) {
		struct frame *frame = (struct frame *)(void *)letter;

		next = letter->next;
		atomic_fetch_sub(&sub->n_waiting_bytes, nng_msg_len(frame->msg));
		if (!sub->is_closed)
			handle_frame(sub, nng_msg_body(frame->msg), nng_msg_len(frame->msg));
		frame_free(frame);
	}
}

static void
on_wake(uv_async_t *handle)
{
	struct rpc_sub *sub = handle->data;

	sub->refs++; /* on_frame may close it */
	handle_letters(sub);
	sub_unref(sub);
}

static int
open_sub(struct rpc_sub *sub, const char *url, enum rpc_side side, const char *const *topics,
	struct err *err)
{
	int rv;

	rv = nng_sub0_open(&sub->socket);
	if (rv == 0)
		rv = rpc_socket_limit(sub->socket, RPC_FRAME_MAX);
	if (rv == 0)
		rv = nng_socket_set_int(sub->socket, NNG_OPT_RECVBUF, NNG_RECEIVE_QUEUE);
	for (; rv == 0 && *topics != NULL; topics++)
		rv = nng_socket_set(sub->socket, NNG_OPT_SUB_SUBSCRIBE, *topics, strlen(*topics));
	if (rv == 0)
		rv = count_pipes(sub->socket, &sub->n_publishers);
	if (rv == 0)
		rv = nng_aio_alloc(&sub->receive, on_receive, sub);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "open a socket for", url);
	return attach(sub->socket, url, side, &sub->url, err);
}

int
rpc_sub_open(uv_loop_t *loop, const char *url, enum rpc_side side, const char *const *topics,
	rpc_on_frame_fn *on_frame, void *arg, struct rpc_sub **ret_sub, struct err *err)
{
	struct rpc_sub *sub = xcalloc(1, sizeof *sub);
	int rc;

	sub->on_frame = on_frame;
	sub->arg = arg;
	sub->refs = 1;
	sub->inbox = mailbox_new(RPC_SUB_QUEUE_MAX, wake_loop, sub);
	sub->wake.data = sub;
	rc = uv_async_init(loop, &sub->wake, on_wake);
	if (rc < 0) {
		sub_unref(sub);
		return err_set(err, rc, "cannot open %s: %s", url, uv_strerror(rc));
	}
	sub->refs++;
	rc = open_sub(sub, url, side, topics, err);
	if (rc < 0) {
		rpc_sub_close(sub);
		return rc;
	}
	nng_recv_aio(sub->socket, sub->receive);
	*ret_sub = sub;
	return 0;
}

const char *
rpc_sub_url(const struct rpc_sub *sub)
{
	return sub->url;
}

uint64_t
rpc_sub_n_dropped(const struct rpc_sub *sub)
{
	return atomic_load(&sub->n_dropped);
}

unsigned
rpc_sub_n_publishers(const struct rpc_sub *sub)
{
	return atomic_load(&sub->n_publishers);
}

static void
on_handle_closed(uv_handle_t *handle)
{
	sub_unref(handle->data);
}

void
rpc_sub_close(struct rpc_sub *sub)
{
	if (sub == NULL)
		return;
	assert(!sub->is_closed);
	sub->is_closed = true;
	if (sub->receive != NULL)
		nng_aio_stop(sub->receive);
	if (!rpc_socket_close(sub->socket))
		sub->refs++; /* nng may still use it: never freed */
	nng_aio_free(sub->receive);
	handle_letters(sub);
	uv_close((uv_handle_t *)&sub->wake, on_handle_closed);
	sub_unref(sub);
}
