#include "common/rpc/client.h"
#include "common/rpc/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/turn.h"

#define NOWHERE "tcp://127.0.0.1:1" /* nobody listens on port 1 */

TEST(client_call_is_answered_later_never_at_once)
{
	struct peer peer;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	(void)peer_get(&peer, "t1", 5000, &seen);
	CHECK_EQ(seen.n, 0);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__OK);
	CHECK_STR(seen.id, "t1");
	peer_wait_connected(&peer); /* nng may tell of it after the first answer */
	peer_close(&peer);
	CHECK_EQ(seen.n, 1);
}

TEST(client_works_over_a_unix_socket)
{
	char url[64], dir[] = "/tmp/davit-client-XXXXXX";
	struct peer peer;
	struct seen seen = {0};

	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(url, sizeof url, "ipc://%s/s", dir);
	peer_open(&peer, url);
	(void)peer_get(&peer, "t1", 5000, &seen);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_STR(seen.id, "t1");
	peer_close(&peer);
	(void)rmdir(dir);
}

TEST(client_answers_may_come_in_any_order)
{
	struct peer peer;
	struct seen first = {0}, second = {0}, third = {0};

	peer_open(&peer, NULL);
	(void)peer_wait_task(&peer, "t1", 5000, &first);
	peer_wait_calls(&peer, 1);
	(void)peer_wait_task(&peer, "t2", 5000, &second);
	peer_wait_calls(&peer, 2);
	(void)peer_get(&peer, "t3", 5000, &third);
	peer_wait_seen(&peer, &third, 1);
	CHECK_EQ(first.n + second.n, 0);
	peer_answer(peer.calls[1]);
	peer_wait_seen(&peer, &second, 1);
	CHECK_EQ(first.n, 0);
	peer_answer(peer.calls[0]);
	peer_wait_seen(&peer, &first, 1);
	CHECK_STR(first.id, "t1");
	CHECK_STR(second.id, "t2");
	CHECK_STR(third.id, "t3");
	peer.n_calls = 0;
	peer_close(&peer);
}

TEST(client_puts_so_many_on_the_wire_and_queues_the_rest)
{
	enum { N = 100 };
	struct peer peer;
	struct seen seen = {0};
	size_t done = 0;

	peer_open(&peer, NULL);
	for (unsigned i = 0; i < N; i++)
		(void)peer_wait_task(&peer, "t", 90000, &seen);
	peer_wait_calls(&peer, RPC_CLIENT_CALLS_MAX);
	turn_for(&peer.loop, 30);
	CHECK_EQ(peer.n_calls, RPC_CLIENT_CALLS_MAX);
	while (done < N) {
		peer_wait_calls(&peer, done + 1);
		peer_answer(peer.calls[done++]);
	}
	peer_wait_seen(&peer, &seen, N);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__OK);
	peer.n_calls = 0;
	peer_close(&peer);
}

TEST(client_queue_has_an_end)
{
	struct peer peer;
	struct seen seen = {0}, refused = {0};

	peer_open(&peer, NULL);
	for (unsigned i = 0; i < RPC_CLIENT_CALLS_MAX + RPC_CLIENT_QUEUE_MAX; i++)
		(void)peer_wait_task(&peer, "t", 60000, &seen);
	(void)peer_wait_task(&peer, "t", 60000, &refused);
	CHECK_EQ(refused.n, 0);
	peer_wait_seen(&peer, &refused, 1);
	CHECK_EQ(refused.status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	CHECK_HAS(refused.message, "RPC_CLIENT_QUEUE_MAX");
	CHECK_EQ(seen.n, 0);
	peer_close(&peer);
	CHECK_EQ(seen.n, RPC_CLIENT_CALLS_MAX + RPC_CLIENT_QUEUE_MAX);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__CANCELLED);
}

TEST(client_time_is_up_while_connected)
{
	struct peer peer;
	struct seen seen = {0}, next = {0};

	peer_open(&peer, NULL);
	peer_wait_connected(&peer);
	(void)peer_wait_task(&peer, "t", 30, &seen);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED);
	CHECK_HAS(seen.message, rpc_server_url(peer.server));
	CHECK_HAS(seen.message, "30 ms");
	peer_answer(peer.calls[0]); /* too late: nobody hears it */
	peer.n_calls = 0;
	(void)peer_get(&peer, "t2", 5000, &next);
	peer_wait_seen(&peer, &next, 1);
	CHECK_STR(next.id, "t2");
	CHECK_EQ(seen.n, 1);
	peer_close(&peer);
}

TEST(client_time_is_up_without_a_connection)
{
	struct peer peer;
	struct rpc_client *good;
	struct seen seen = {0};
	struct err err = {0};

	peer_open(&peer, NULL);
	good = peer.client;
	CHECK_OK(rpc_client_open(&peer.loop, NOWHERE, &peer.client, &err), &err);
	(void)peer_get(&peer, "t", 30, &seen);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	CHECK_HAS(seen.message, "cannot reach " NOWHERE);
	rpc_client_close(peer.client);
	peer.client = good;
	peer_close(&peer);
}

TEST(client_waits_for_a_server_that_comes_later)
{
	char url[64], dir[] = "/tmp/davit-client-XXXXXX";
	struct peer peer;
	struct seen seen = {0};

	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(url, sizeof url, "ipc://%s/s", dir);
	peer_open(&peer, url);
	peer_wait_connected(&peer);
	rpc_server_close(peer.server);
	(void)peer_get(&peer, "t1", 90000, &seen);
	turn_for(&peer.loop, 20);
	CHECK_EQ(seen.n, 0);
	peer_serve(&peer, url);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_STR(seen.id, "t1");
	peer_close(&peer);
	(void)rmdir(dir);
}

TEST(client_sends_again_when_the_server_restarts_in_the_middle)
{
	char *url;
	struct peer peer;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	url = xstrdup(rpc_server_url(peer.server));
	(void)peer_wait_task(&peer, "t1", 90000, &seen);
	peer_wait_calls(&peer, 1);
	rpc_server_close(peer.server);
	peer_serve(&peer, url);
	peer_wait_calls(&peer, 2);
	CHECK_EQ(seen.n, 0);
	peer_answer(peer.calls[0]); /* of the server that is closed: a no-op */
	peer_answer(peer.calls[1]);
	peer.n_calls = 0;
	peer_wait_seen(&peer, &seen, 1);
	CHECK_STR(seen.id, "t1");
	peer_close(&peer);
	free(url);
}

TEST(client_redial_makes_a_new_connection_and_sends_again)
{
	struct peer peer;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	(void)peer_wait_task(&peer, "t1", 90000, &seen);
	peer_wait_calls(&peer, 1);
	rpc_client_redial(peer.client);
	peer_wait_calls(&peer, 2);
	CHECK(peer.calls[0]->connection != peer.calls[1]->connection);
	peer_answer(peer.calls[1]);
	peer_wait_seen(&peer, &seen, 1);
	rpc_call_drop(peer.calls[0]);
	peer.calls[0] = peer.calls[1] = NULL;
	rpc_client_redial(peer.client); /* too soon: nothing happens */
	(void)peer_wait_task(&peer, "t2", 90000, &seen);
	peer_wait_calls(&peer, 3);
	turn_for(&peer.loop, 30);
	CHECK_EQ(peer.n_calls, 3);
	peer_close(&peer);
}

TEST(client_refuses_a_call_that_is_too_large_without_sending_it)
{
	char *text = xmalloc(RPC_MESSAGE_MAX + 1);
	struct peer peer;
	struct seen seen = {0};
	struct rpc_server_stats stats;

	memset(text, 'x', RPC_MESSAGE_MAX);
	text[RPC_MESSAGE_MAX] = '\0';
	peer_open(&peer, NULL);
	peer_wait_connected(&peer);
	(void)peer_get(&peer, text, 60000, &seen);
	CHECK_EQ(seen.n, 0);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	CHECK_HAS(seen.message, "RPC_MESSAGE_MAX");
	text[RPC_MESSAGE_MAX - 64] = '\0';
	(void)peer_get(&peer, text, 60000, &seen);
	peer_wait_seen(&peer, &seen, 2);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__OK);
	rpc_server_stats(peer.server, &stats);
	CHECK_EQ(stats.n_calls, 1);
	CHECK_EQ(stats.n_malformed, 0);
	CHECK_EQ(stats.n_pipes, 1);
	peer_close(&peer);
	free(text);
}

TEST(client_cancel_ends_calls_on_the_wire_and_in_the_queue)
{
	struct peer peer;
	struct seen wire = {0}, queue = {0}, rest = {0};
	struct rpc_pending *on_wire, *queued;

	peer_open(&peer, NULL);
	on_wire = peer_wait_task(&peer, "first", 90000, &wire);
	for (unsigned i = 1; i < RPC_CLIENT_CALLS_MAX; i++)
		(void)peer_wait_task(&peer, "t", 90000, &rest);
	queued = peer_wait_task(&peer, "queued", 90000, &queue);
	(void)peer_wait_task(&peer, "last", 90000, &rest);
	peer_wait_calls(&peer, RPC_CLIENT_CALLS_MAX);
	rpc_client_cancel(peer.client, queued);
	rpc_client_cancel(peer.client, on_wire);
	CHECK_EQ(wire.n + queue.n, 0);
	peer_wait_seen(&peer, &queue, 1);
	peer_wait_seen(&peer, &wire, 1);
	CHECK_EQ(queue.status, DAVIT__REPLY__STATUS__CANCELLED);
	CHECK_EQ(wire.status, DAVIT__REPLY__STATUS__CANCELLED);
	peer_wait_calls(&peer, RPC_CLIENT_CALLS_MAX + 1); /* its place is free for the last */
	peer_answer(peer.calls[RPC_CLIENT_CALLS_MAX]);
	peer.n_calls--;
	peer_wait_seen(&peer, &rest, 1);
	CHECK_STR(rest.id, "last");
	peer_close(&peer);
	CHECK_EQ(rest.n, RPC_CLIENT_CALLS_MAX);
	CHECK_EQ(wire.n, 1);
	CHECK_EQ(queue.n, 1);
}

TEST(client_close_ends_calls_under_way)
{
	struct peer peer;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	for (unsigned i = 0; i < RPC_CLIENT_CALLS_MAX + 5; i++)
		(void)peer_wait_task(&peer, "t", 90000, &seen);
	peer_wait_calls(&peer, 3);
	peer_close(&peer);
	CHECK_EQ(seen.n, RPC_CLIENT_CALLS_MAX + 5);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__CANCELLED);
}

static void
close_in_done(const struct rpc_result *result, void *arg)
{
	struct peer *peer = arg;

	if (result->status == DAVIT__REPLY__STATUS__CANCELLED)
		return;
	rpc_client_close(peer->client);
	peer->client = NULL;
}

TEST(client_may_be_closed_by_its_callback)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = 90000};
	struct peer peer;

	request.task = (char[]){"t"};
	peer_open(&peer, NULL);
	for (unsigned i = 0; i < 10; i++)
		(void)rpc_client_call(peer.client,
			rpc_method(&davit__manager__descriptor, "GetTask"), &request.base, &options,
			close_in_done, &peer);
	while (peer.client != NULL)
		turn_for(&peer.loop, 1);
	peer_close(&peer);
}

struct chain {
	struct peer *peer;
	unsigned left;
	struct rpc_pending *pending;
};

static void
call_again(const struct rpc_result *result, void *arg)
{
	struct chain *chain = arg;
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = 90000};

	if (result != NULL) {
		CHECK_EQ(result->status, DAVIT__REPLY__STATUS__OK);
		rpc_client_cancel(chain->peer->client, chain->pending); /* it has ended: harmless */
	}
	if (chain->left-- == 0)
		return;
	request.task = (char[]){"t"};
	chain->pending = rpc_client_call(chain->peer->client,
		rpc_method(&davit__manager__descriptor, "GetTask"), &request.base, &options,
		call_again, chain);
}

static bool
is_chain_done(void *arg)
{
	return ((struct chain *)arg)->left == UINT32_MAX;
}

TEST(client_callback_may_start_the_next_call)
{
	struct peer peer;
	struct chain chain = {.peer = &peer, .left = 200};

	peer_open(&peer, NULL);
	call_again(NULL, &chain);
	turn_until(&peer.loop, is_chain_done, &chain, "the last of a chain");
	CHECK_EQ(peer.n_gets, 200);
	peer_close(&peer);
}

/* Calls given up before, while and after they are sent. */
TEST(client_survives_cancels_at_any_moment)
{
	unsigned chance = 7;
	struct peer peer;
	struct seen seen = {0}, last = {0};
	unsigned n = 0;

	peer_open(&peer, NULL);
	for (unsigned round = 0; round < 600; round++) {
		struct rpc_pending *pending = (round & 1) != 0
						      ? peer_wait_task(&peer, "t", 5000, &seen)
						      : peer_get(&peer, "t", 5000, &seen);

		n++;
		chance = chance * 1103515245u + 12345;
		if ((chance >> 16) % 3 == 0)
			(void)uv_run(&peer.loop, UV_RUN_NOWAIT);
		if ((round & 1) != 0)
			rpc_client_cancel(peer.client, pending);
	}
	peer_wait_seen(&peer, &seen, n);
	(void)peer_get(&peer, "last", 90000, &last);
	peer_wait_seen(&peer, &last, 1);
	CHECK_STR(last.id, "last");
	peer_close(&peer);
	CHECK_EQ(seen.n, n);
}

static void
on_stub(const Davit__GetTaskReply *reply, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	(void)snprintf(seen->id, sizeof seen->id, "%s", reply != NULL ? reply->task->id : "");
}

struct stub_failure {
	struct peer *peer;
	struct seen seen;
};

static void
on_stub_failure(const Davit__ListNodesReply *reply, void *arg)
{
	struct stub_failure *failure = arg;

	CHECK(reply == NULL);
	CHECK(rpc_client_error(failure->peer->client) != NULL);
	peer_on_done(rpc_client_error(failure->peer->client), &failure->seen);
}

TEST(client_carries_generated_stubs)
{
	struct peer peer;
	struct seen seen = {0};
	struct stub_failure failure = {&peer, {0}};
	Davit__GetTaskRequest get = DAVIT__GET_TASK_REQUEST__INIT;
	Davit__ListNodesRequest list = DAVIT__LIST_NODES_REQUEST__INIT;
	ProtobufCService *service;

	get.task = (char[]){"t9"};
	peer_open(&peer, NULL);
	service = rpc_client_service(peer.client, &davit__manager__descriptor);
	davit__manager__get_task(service, &get, on_stub, &seen);
	davit__manager__list_nodes(service, &list, on_stub_failure, &failure);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_STR(seen.id, "t9");
	peer_wait_calls(&peer, 1);
	CHECK_EQ(strlen(peer.calls[0]->request_id), RPC_REQUEST_ID_SIZE - 1);
	rpc_call_refuse(peer.calls[0], DAVIT__REPLY__STATUS__UNIMPLEMENTED, NULL, "not yet");
	rpc_call_send(peer.calls[0]);
	peer.n_calls = 0;
	peer_wait_seen(&peer, &failure.seen, 1);
	CHECK_STR(failure.seen.message, "not yet");
	CHECK(rpc_client_error(peer.client) == NULL);
	protobuf_c_service_destroy(service);
	peer_close(&peer);
}

/* A server that knows JSON only: tests say what it answers. */
struct plain {
	nng_socket socket;
	char question[512];
};

static bool
is_asked(void *arg)
{
	struct plain *plain = arg;
	size_t size = sizeof plain->question - 1;
	int rv = nng_recv(plain->socket, plain->question, &size, NNG_FLAG_NONBLOCK);

	CHECK(rv == 0 || rv == NNG_EAGAIN);
	plain->question[rv == 0 ? size : 0] = '\0';
	return rv == 0;
}

static bool
is_alone(void *arg)
{
	struct peer *peer = arg;

	return !rpc_client_is_connected(peer->client);
}

static void
plain_answer(struct plain *plain, struct peer *peer, const char *answer)
{
	turn_until(&peer->loop, is_asked, plain, "a question");
	CHECK_EQ(nng_send(plain->socket, (void *)(uintptr_t)answer, strlen(answer), 0), 0);
}

TEST(client_speaks_json_with_whom_answered_in_json_until_the_connection_ends)
{
	struct plain plain;
	struct peer peer;
	struct seen first = {0}, second = {0}, third = {0};
	char *url;

	peer_open(&peer, NULL);
	url = xstrdup(rpc_server_url(peer.server));
	rpc_server_close(peer.server);
	CHECK_EQ(nng_rep0_open(&plain.socket), 0);
	CHECK_EQ(nng_listen(plain.socket, url, NULL, 0), 0);

	(void)peer_get(&peer, "t1", 90000, &first);
	plain_answer(&plain, &peer,
		"{\"status\": \"FAILED_PRECONDITION\", \"message\": \"say it in JSON\"}");
	peer_wait_seen(&peer, &first, 1);
	CHECK(plain.question[0] != '{');
	CHECK_EQ(first.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK_STR(first.message, "say it in JSON");
	peer_wait_connected(&peer);
	(void)peer_get(&peer, "t2", 90000, &second);
	plain_answer(&plain, &peer, "{\"response\": {\"task\": {\"id\": \"t2\"}}}");
	peer_wait_seen(&peer, &second, 1);
	CHECK_HAS(plain.question, "{\"method\":\"GetTask\",");
	CHECK_HAS(plain.question, "\"request\":{\"task\":\"t2\"}}");
	CHECK_STR(second.id, "t2");

	/* Another one in its place is asked in protobuf again. */
	(void)rpc_socket_close(plain.socket);
	CHECK_EQ(nng_rep0_open(&plain.socket), 0);
	turn_until(&peer.loop, is_alone, &peer, "the end of the connection");
	CHECK_EQ(nng_listen(plain.socket, url, NULL, 0), 0);
	(void)peer_get(&peer, "t3", 90000, &third);
	plain_answer(&plain, &peer, "{}");
	CHECK(plain.question[0] != '{');
	peer_wait_seen(&peer, &third, 1);
	(void)rpc_socket_close(plain.socket);
	free(url);
	peer_serve(&peer, "tcp://127.0.0.1:0"); /* for peer_close */
	peer_close(&peer);
}

TEST(client_refuses_urls_that_are_none)
{
	static const char *const urls[] = {"", "127.0.0.1:7070", "http//x", "foo://127.0.0.1:1"};
	struct rpc_client *client;
	struct err err = {0};
	uv_loop_t loop;

	CHECK_EQ(uv_loop_init(&loop), 0);
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
		CHECK_EQ(rpc_client_open(&loop, urls[i], &client, &err), -EINVAL);
	CHECK_HAS(err.text, "foo://127.0.0.1:1");
	turn_end(&loop);
}

TEST(client_request_ids_differ_and_begin_with_the_time)
{
	char one[RPC_REQUEST_ID_SIZE], two[RPC_REQUEST_ID_SIZE], time[13];
	uint64_t before_ms = clock_wall_ms(), ms;

	rpc_request_id_make(one);
	rpc_request_id_make(two);
	CHECK_EQ(strlen(one), RPC_REQUEST_ID_SIZE - 1);
	CHECK_EQ(strspn(one, "0123456789abcdef"), RPC_REQUEST_ID_SIZE - 1);
	CHECK(strcmp(one, two) != 0);
	(void)snprintf(time, sizeof time, "%.12s", one);
	ms = strtoull(time, NULL, 16);
	CHECK(ms >= before_ms && ms <= clock_wall_ms());
}
