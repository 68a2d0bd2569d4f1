#include "common/rpc/contexts.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <uv.h>

#include "common/base/mem.h"
#include "common/rpc/socket.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

enum { HELD_MAX = 4096 };
#define CALL UINT32_C(0x80000000) /* the bit that ends the hops of a call */

/* A server that holds what comes until a test says what is to be done with it. */
struct holder {
	uv_loop_t loop;
	uv_async_t wake;
	struct mailbox *inbox;
	nng_socket socket;
	char *url;
	struct rpc_contexts *contexts;
	struct rpc_context *held[HELD_MAX];
	size_t n_held, n_want;
	bool pauses;          /* after each message */
	atomic_bool has_left; /* a connection */
};

static void
wake_loop(void *arg)
{
	struct holder *holder = arg;

	CHECK_EQ(uv_async_send(&holder->wake), 0);
}

static bool
on_message(struct rpc_context *context, void *arg)
{
	struct holder *holder = arg;

	CHECK_EQ(mailbox_put(holder->inbox, &context->letter), 0);
	return !holder->pauses;
}

static void
on_wake(uv_async_t *handle)
{
	struct holder *holder = handle->data;
	struct letter *next;

	for (struct letter *letter = mailbox_take_all(holder->inbox); letter != NULL;
		letter = next) {
		next = letter->next;
		CHECK(holder->n_held < HELD_MAX);
		holder->held[holder->n_held++] = (struct rpc_context *)(void *)letter;
	}
}

static void
holder_open(struct holder *holder)
{
	struct err err;

	*holder = (struct holder){0};
	CHECK_EQ(uv_loop_init(&holder->loop), 0);
	CHECK_EQ(uv_async_init(&holder->loop, &holder->wake, on_wake), 0);
	holder->wake.data = holder;
	holder->inbox = mailbox_new(HELD_MAX, wake_loop, holder);
	CHECK_EQ(nng_rep0_open(&holder->socket), 0);
	CHECK_OK(rpc_socket_listen(holder->socket, "tcp://127.0.0.1:0", &holder->url, &err), &err);
	holder->contexts = rpc_contexts_open(holder->socket, on_message, holder);
	rpc_contexts_receive(holder->contexts);
}

static void
holder_close(struct holder *holder)
{
	rpc_contexts_close(holder->contexts);
	(void)rpc_socket_close(holder->socket);
	on_wake(&holder->wake);
	for (size_t i = 0; i < holder->n_held; i++)
		rpc_context_release(holder->held[i]);
	uv_close((uv_handle_t *)&holder->wake, NULL);
	turn_end(&holder->loop);
	mailbox_free(holder->inbox);
	free(holder->url);
}

static bool
has_held(void *arg)
{
	const struct holder *holder = arg;

	return holder->n_held >= holder->n_want;
}

static void
wait_held(struct holder *holder, size_t n)
{
	holder->n_want = n;
	turn_until(&holder->loop, has_held, holder, "messages");
}

/* A peer that sends many calls and reads their answers when it likes. */
static nng_socket
peer_open(const struct holder *holder)
{
	nng_socket socket;

	CHECK_EQ(nng_req0_open_raw(&socket), 0);
	CHECK_EQ(nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, TURN_PATIENCE_MS), 0);
	CHECK_EQ(nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, TURN_PATIENCE_MS), 0);
	CHECK_EQ(nng_socket_set_int(socket, NNG_OPT_RECVBUF, 1), 0);
	CHECK_EQ(nng_dial(socket, holder->url, NULL, 0), 0);
	return socket;
}

static void
peer_send(nng_socket socket, uint32_t number)
{
	nng_msg *msg;

	CHECK_EQ(nng_msg_alloc(&msg, 0), 0);
	CHECK_EQ(nng_msg_append_u32(msg, number), 0);
	CHECK_EQ(nng_msg_header_append_u32(msg, CALL | number), 0);
	CHECK_EQ(nng_sendmsg(socket, msg, 0), 0);
}

/* The number that the next answer repeats, in its body and as the call that it answers. */
static uint32_t
peer_receive(nng_socket socket)
{
	nng_msg *msg;
	uint32_t call, number;

	CHECK_EQ(nng_recvmsg(socket, &msg, 0), 0);
	CHECK_EQ(nng_msg_header_trim_u32(msg, &call), 0);
	CHECK_EQ(nng_msg_trim_u32(msg, &number), 0);
	CHECK_EQ(call, CALL | number);
	nng_msg_free(msg);
	return number;
}

/* Its message, and so many bytes more. */
static bool
reply(struct rpc_context *context, size_t n_more)
{
	nng_msg *msg;

	CHECK_EQ(nng_msg_dup(&msg, context->msg), 0);
	if (n_more > 0) {
		CLEANUP(free) char *more = xcalloc(1, n_more);

		CHECK_EQ(nng_msg_append(msg, more, n_more), 0);
	}
	return rpc_context_reply(context, msg);
}

/* One message, and its answer. */
static void
check_answered(struct holder *holder, nng_socket peer, uint32_t number, size_t n_more)
{
	peer_send(peer, number);
	wait_held(holder, 1);
	CHECK(reply(holder->held[0], n_more));
	holder->n_held = 0;
	CHECK_EQ(peer_receive(peer), number);
}

static uint32_t
number_of(const struct rpc_context *context)
{
	const uint8_t *body = nng_msg_body(context->msg);

	return (uint32_t)body[0] << 24 | (uint32_t)body[1] << 16 | (uint32_t)body[2] << 8 | body[3];
}

TEST(contexts_hand_over_in_order_and_reply_in_any)
{
	enum { N = 4 * RPC_CONTEXTS_SPARE };
	struct holder holder;
	nng_socket peer;
	uint64_t sum = 0;

	holder_open(&holder);
	peer = peer_open(&holder);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < N; i++)
			peer_send(peer, i);
		wait_held(&holder, N);
		for (uint32_t i = 0; i < N; i++)
			CHECK_EQ(number_of(holder.held[i]), i);
		for (uint32_t i = 0; i < N / 4; i++) { /* the last first: rounds of 4 */
			for (uint32_t k = 0; k < 4; k++)
				CHECK(reply(holder.held[N - 4 - 4 * i + k], 0));
			for (uint32_t k = 0; k < 4; k++)
				sum += peer_receive(peer);
		}
		holder.n_held = 0;
	}
	CHECK_EQ(sum, 3 * (uint64_t)N * (N - 1) / 2);
	(void)rpc_socket_close(peer);
	holder_close(&holder);
}

TEST(contexts_without_a_reply_are_used_again_and_those_of_a_burst_end)
{
	enum { N = 3 * RPC_CONTEXTS_SPARE };
	struct holder holder;
	nng_socket peer;

	holder_open(&holder);
	peer = peer_open(&holder);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < N; i++)
			peer_send(peer, i);
		wait_held(&holder, N);
		for (uint32_t i = 0; i < N; i++)
			rpc_context_release(holder.held[i]);
		holder.n_held = 0;
		for (unsigned i = 0; i < round * N / RPC_CONTEXTS_STEP; i++)
			rpc_contexts_trim(holder.contexts);
	}
	check_answered(&holder, peer, 7, 0);
	(void)rpc_socket_close(peer);
	holder_close(&holder);
}

/* Messages come, are answered and trimmed while all is closed: for the sanitizers. */
TEST(contexts_may_be_closed_under_traffic)
{
	for (unsigned round = 0; round < 20; round++) {
		struct holder holder;
		nng_socket peer;

		holder_open(&holder);
		peer = peer_open(&holder);
		for (uint32_t i = 0; i < 2 * RPC_CONTEXTS_SPARE; i++)
			peer_send(peer, i);
		wait_held(&holder, round * 4);
		for (size_t i = 0; i < holder.n_held; i += 2) {
			(void)reply(holder.held[i], 4096);
			rpc_contexts_trim(holder.contexts);
			if (i + 1 < holder.n_held)
				rpc_context_release(holder.held[i + 1]);
		}
		holder.n_held = 0;
		holder_close(&holder);
		(void)rpc_socket_close(peer);
	}
}

TEST(contexts_pause_when_told_and_go_on)
{
	struct holder holder;
	nng_socket peer;

	holder_open(&holder);
	holder.pauses = true;
	peer = peer_open(&holder);
	for (uint32_t i = 0; i < 3; i++)
		peer_send(peer, i);
	for (size_t n = 1; n <= 3; n++) {
		wait_held(&holder, n);
		turn_for(&holder.loop, 20);
		CHECK_EQ(holder.n_held, n);
		rpc_contexts_receive(holder.contexts);
	}
	(void)rpc_socket_close(peer);
	holder_close(&holder);
}

/* n answers of so many bytes to a peer that reads none: some are dropped, the others, and another
   peer's, arrive. */
static void
check_slow_peer(unsigned n, size_t size, unsigned replies_max, size_t bytes_max)
{
	struct holder holder;
	nng_socket slow, other;
	unsigned n_taken = 0;

	holder_open(&holder);
	rpc_contexts_limit(holder.contexts, replies_max, bytes_max);
	slow = peer_open(&holder);
	other = peer_open(&holder);
	for (uint32_t i = 0; i < n; i++)
		peer_send(slow, i);
	wait_held(&holder, n);
	for (uint32_t i = 0; i < n; i++)
		n_taken += reply(holder.held[i], size);
	holder.n_held = 0;
	CHECK(n_taken > 0 && n_taken < n);
	check_answered(&holder, other, 1, size);
	for (uint32_t i = 0, last = 0; i < n_taken; i++) {
		uint32_t number = peer_receive(slow);

		CHECK(i == 0 ? number == 0 : number > last);
		last = number;
	}
	check_answered(&holder, slow, n, size); /* it reads again, so it is answered again */
	(void)rpc_socket_close(slow);
	(void)rpc_socket_close(other);
	holder_close(&holder);
}

TEST(contexts_drop_replies_to_who_does_not_read_many)
{
	check_slow_peer(1000, 64 << 10, 20, SIZE_MAX);
}

TEST(contexts_drop_replies_to_who_does_not_read_large_ones)
{
	check_slow_peer(100, 1 << 20, UINT_MAX, 4 << 20);
}

static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct holder *holder = arg;

	(void)pipe;
	(void)event;
	atomic_store(&holder->has_left, true);
}

static bool
has_left(void *arg)
{
	struct holder *holder = arg;

	return atomic_load(&holder->has_left);
}

TEST(contexts_reply_to_who_is_gone_goes_nowhere)
{
	struct holder holder;
	nng_socket peer;

	holder_open(&holder);
	CHECK_EQ(nng_pipe_notify(holder.socket, NNG_PIPE_EV_REM_POST, on_pipe, &holder), 0);
	peer = peer_open(&holder);
	for (uint32_t i = 0; i < 10; i++)
		peer_send(peer, i);
	wait_held(&holder, 10);
	(void)rpc_socket_close(peer);
	turn_until(&holder.loop, has_left, &holder, "the end of the connection");
	for (uint32_t i = 0; i < 10; i++)
		CHECK(reply(holder.held[i], 0));
	holder.n_held = 0;
	peer = peer_open(&holder);
	check_answered(&holder, peer, 11, 0);
	(void)rpc_socket_close(peer);
	holder_close(&holder);
}

TEST(contexts_that_are_held_outlive_the_close)
{
	struct holder holder;
	struct rpc_context *last;
	nng_socket peer;

	holder_open(&holder);
	peer = peer_open(&holder);
	for (uint32_t i = 0; i < 3; i++)
		peer_send(peer, i);
	wait_held(&holder, 3);
	rpc_contexts_close(holder.contexts);
	holder.contexts = NULL;
	CHECK(reply(holder.held[0], 0)); /* nowhere */
	rpc_context_release(holder.held[1]);
	last = holder.held[2];
	holder.n_held = 0;
	CHECK_EQ(number_of(last), 2);
	rpc_context_release(last);
	(void)rpc_socket_close(peer);
	holder_close(&holder);
}
