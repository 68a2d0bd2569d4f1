#include "common/rpc/server.h"
#include "common/rpc/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/turn.h"

/* A peer that speaks nng but is not our client. */
struct stranger {
	struct peer *peer;
	nng_socket socket;
	uint64_t n_want;
};

static void
stranger_open(struct stranger *stranger, struct peer *peer, bool is_raw)
{
	*stranger = (struct stranger){.peer = peer};
	CHECK_EQ((is_raw ? nng_req0_open_raw : nng_req0_open)(&stranger->socket), 0);
	CHECK_EQ(nng_socket_set_ms(stranger->socket, NNG_OPT_RECVTIMEO, TURN_PATIENCE_MS), 0);
	CHECK_EQ(nng_socket_set_ms(stranger->socket, NNG_OPT_SENDTIMEO, TURN_PATIENCE_MS), 0);
	CHECK_EQ(nng_dial(stranger->socket, rpc_server_url(peer->server), NULL, 0), 0);
}

static bool
is_handled(void *arg)
{
	struct stranger *stranger = arg;
	struct rpc_server_stats stats;

	rpc_server_stats(stranger->peer->server, &stats);
	return stats.n_calls + stats.n_malformed >= stranger->n_want;
}

/* Sends bytes, lets the server work, and returns the answer as a text to free. */
static char *
ask(struct stranger *stranger, const void *data, size_t size)
{
	struct rpc_server_stats stats;
	char *answer, *text;
	size_t n;

	rpc_server_stats(stranger->peer->server, &stats);
	stranger->n_want = stats.n_calls + stats.n_malformed + 1;
	CHECK_EQ(nng_send(stranger->socket, (void *)(uintptr_t)data, size, 0), 0);
	turn_until(&stranger->peer->loop, is_handled, stranger, "the server");
	CHECK_EQ(nng_recv(stranger->socket, &answer, &n, NNG_FLAG_ALLOC), 0);
	text = xcalloc(1, n + 1);
	memcpy(text, answer, n);
	nng_free(answer, n);
	return text;
}

static void
check_ask(struct stranger *stranger, const char *text, const char *want)
{
	CLEANUP(free) char *answer = ask(stranger, text, strlen(text));

	CHECK_STR(answer, want);
}

TEST(server_answers_json_on_the_same_socket)
{
	struct peer peer;
	struct stranger stranger;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	stranger_open(&stranger, &peer, false);
	check_ask(&stranger, "{\"method\":\"GetTask\",\"request\":{\"task\":\"t1\"}}",
		"{\"status\":\"OK\",\"response\":{\"task\":{\"id\":\"t1\"}}}\n");
	(void)peer_get(&peer, "t2", 5000, &seen);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_STR(seen.id, "t2");
	(void)rpc_socket_close(stranger.socket);
	peer_close(&peer);
}

TEST(server_refuses_malformed_calls_and_goes_on)
{
	unsigned chance = 3;
	struct peer peer;
	struct stranger stranger;
	struct rpc_server_stats stats;
	char data[64];

	peer_open(&peer, NULL);
	stranger_open(&stranger, &peer, false);
	free(ask(&stranger, "", 0));
	for (unsigned i = 0; i < 200; i++) {
		for (size_t k = 0; k < sizeof data; k++) {
			chance = chance * 1103515245u + 12345;
			data[k] = (char)(chance >> 16);
		}
		if (i % 3 == 0)
			data[0] = '{';
		free(ask(&stranger, data, 1 + i % sizeof data));
	}
	rpc_server_stats(peer.server, &stats);
	CHECK_EQ(stats.n_malformed, 201);
	CHECK_EQ(stats.n_calls, 0);
	check_ask(&stranger, "{\"method\":\"GetTask\",\"request\":{\"task\":\"t1\"}}",
		"{\"status\":\"OK\",\"response\":{\"task\":{\"id\":\"t1\"}}}\n");
	(void)rpc_socket_close(stranger.socket);
	peer_close(&peer);
}

TEST(server_answers_a_call_that_is_a_little_too_large)
{
	CLEANUP(free) char *text = xmalloc(RPC_MESSAGE_MAX + 1), *answer = NULL;
	struct peer peer;
	struct stranger stranger;

	memset(text, '{', RPC_MESSAGE_MAX + 1);
	peer_open(&peer, NULL);
	stranger_open(&stranger, &peer, false);
	answer = ask(&stranger, text, RPC_MESSAGE_MAX + 1);
	CHECK_HAS(answer, "RESOURCE_EXHAUSTED");
	CHECK_HAS(answer, "RPC_MESSAGE_MAX");
	(void)rpc_socket_close(stranger.socket);
	peer_close(&peer);
}

struct text {
	char data[512];
	size_t n;
	bool has_exited;
	int64_t code;
};

static void
on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct text *text = handle->data;

	(void)size;
	*buf = uv_buf_init(text->data + text->n, (unsigned)(sizeof text->data - 1 - text->n));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct text *text = stream->data;

	(void)buf;
	if (n > 0)
		text->n += (size_t)n;
	else if (n < 0)
		uv_close((uv_handle_t *)stream, NULL);
}

static void
on_exit_of_cat(uv_process_t *process, int64_t code, int signal)
{
	struct text *text = process->data;

	(void)signal;
	text->code = code;
	text->has_exited = true;
	uv_close((uv_handle_t *)process, NULL);
}

static bool
has_exited(void *arg)
{
	return ((struct text *)arg)->has_exited;
}

/* The line from the README. */
TEST(server_answers_nngcat)
{
	struct peer peer;
	struct text text = {0};
	uv_pipe_t pipe = {.data = &text};
	uv_process_t process = {.data = &text};
	uv_stdio_container_t stdio[2] = {{.flags = UV_IGNORE},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&pipe}};
	char *args[] = {"nngcat", "--req", "--dial", NULL, "--recv-timeout", "5", "--raw", "--data",
		"{\"method\":\"GetTask\",\"request\":{\"task\":\"caf\xc3\xa9\"}}", NULL};
	uv_process_options_t options = {.exit_cb = on_exit_of_cat,
		.file = "nngcat",
		.args = args,
		.stdio = stdio,
		.stdio_count = 2};

	peer_open(&peer, NULL);
	args[3] = (char *)(uintptr_t)rpc_server_url(peer.server);
	CHECK_EQ(uv_pipe_init(&peer.loop, &pipe, 0), 0);
	CHECK_EQ(uv_spawn(&peer.loop, &process, &options), 0);
	CHECK_EQ(uv_read_start((uv_stream_t *)&pipe, on_room, on_read), 0);
	turn_until(&peer.loop, has_exited, &text, "nngcat");
	CHECK_EQ(text.code, 0);
	CHECK_STR(text.data,
		"{\"status\":\"OK\",\"response\":{\"task\":{\"id\":\"caf\xc3\xa9\"}}}\n");
	peer_close(&peer);
}

TEST(server_says_who_calls)
{
	struct peer peer;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	(void)peer_wait_task(&peer, "t", 5000, &seen);
	peer_wait_calls(&peer, 1);
	CHECK(peer.calls[0]->connection != 0);
	CHECK(peer.calls[0]->deadline_ms == 5000);
	peer_close(&peer);
}

static bool
has_pipes(void *arg)
{
	struct stranger *stranger = arg;
	struct rpc_server_stats stats;

	rpc_server_stats(stranger->peer->server, &stats);
	return stats.n_pipes == stranger->n_want;
}

TEST(server_counts_connections)
{
	struct peer peer;
	struct stranger stranger;

	peer_open(&peer, NULL);
	stranger_open(&stranger, &peer, false);
	stranger.n_want = 2;
	turn_until(&peer.loop, has_pipes, &stranger, "two connections");
	(void)rpc_socket_close(stranger.socket);
	stranger.n_want = 1;
	turn_until(&peer.loop, has_pipes, &stranger, "one connection");
	peer_close(&peer);
}

TEST(server_that_is_closed_leaves_kept_calls_alone)
{
	struct peer peer;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	(void)peer_wait_task(&peer, "t1", 90000, &seen);
	(void)peer_wait_task(&peer, "t2", 90000, &seen);
	peer_wait_calls(&peer, 2);
	rpc_call_drop(peer.calls[0]);
	rpc_server_close(peer.server);
	peer.server = NULL;
	turn_for(&peer.loop, 5);
	peer_answer(peer.calls[1]);
	peer.n_calls = 0;
	peer_close(&peer);
	CHECK_EQ(seen.n, 2);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__CANCELLED);
}

struct closer {
	uv_loop_t loop;
	struct rpc_server *server;
	unsigned n;
};

static void
close_in_call(struct rpc_call *call, void *arg)
{
	struct closer *closer = arg;

	closer->n++;
	rpc_server_close(closer->server);
	closer->server = NULL;
	rpc_call_send(call);
}

static bool
is_server_closed(void *arg)
{
	return ((struct closer *)arg)->server == NULL;
}

TEST(server_may_be_closed_by_its_callback)
{
	struct closer closer = {.n = 0};
	struct rpc_client *client;
	struct seen seen = {0};
	struct err err = {0};
	Davit__ListNodesRequest request = DAVIT__LIST_NODES_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = 90000};

	CHECK_EQ(uv_loop_init(&closer.loop), 0);
	CHECK_OK(rpc_server_open(&closer.loop, "tcp://127.0.0.1:0", peer_services, close_in_call,
			 &closer, &closer.server, &err),
		&err);
	CHECK_OK(rpc_client_open(&closer.loop, rpc_server_url(closer.server), &client, &err), &err);
	for (unsigned i = 0; i < 10; i++)
		(void)rpc_client_call(client, rpc_method(&davit__manager__descriptor, "ListNodes"),
			&request.base, &options, peer_on_done, &seen);
	turn_until(&closer.loop, is_server_closed, &closer, "the close");
	turn_for(&closer.loop, 20);
	CHECK_EQ(closer.n, 1);
	rpc_client_close(client);
	turn_end(&closer.loop);
	CHECK_EQ(seen.n, 10);
}

/* How many connections may wait on the port to be accepted; 0: nobody of this process listens. */
static unsigned
queue_of(int port)
{
	for (int fd = 0; fd < 1024; fd++) {
		struct sockaddr_in address = {0};
		socklen_t size = sizeof address, info_size = sizeof(struct tcp_info);
		struct tcp_info info = {0};

		if (getsockname(fd, (void *)&address, &size) == 0 &&
			address.sin_family == AF_INET && ntohs(address.sin_port) == port &&
			getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0 &&
			info.tcpi_state == TCP_LISTEN)
			return info.tcpi_sacked;
	}
	return 0;
}

TEST(server_lets_thousands_connect_at_once)
{
	char text[16] = "";
	struct peer peer;
	int fd = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC), allowed;

	CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	(void)close(fd);
	allowed = (int)strtol(text, NULL, 10);
	peer_open(&peer, NULL);
	CHECK_EQ(queue_of((int)strtol(strrchr(rpc_server_url(peer.server), ':') + 1, NULL, 10)),
		allowed < RPC_LISTEN_QUEUE ? allowed : RPC_LISTEN_QUEUE);
	peer_close(&peer);
}

TEST(server_says_why_it_cannot_listen)
{
	struct peer peer;
	struct rpc_server *second;
	struct err err = {0};

	peer_open(&peer, NULL);
	CHECK_EQ(rpc_server_open(&peer.loop, rpc_server_url(peer.server), peer_services, NULL, NULL,
			 &second, &err),
		-EADDRINUSE);
	CHECK_HAS(err.text, rpc_server_url(peer.server));
	CHECK_EQ(rpc_server_open(&peer.loop, "127.0.0.1:7070", peer_services, NULL, NULL, &second,
			 &err),
		-EINVAL);
	CHECK_HAS(err.text, "not a URL");
	CHECK(rpc_server_open(&peer.loop, "ipc:///nonexistent/x", peer_services, NULL, NULL,
		      &second, &err) < 0);
	CHECK_HAS(err.text, "ipc:///nonexistent/x");
	peer_close(&peer);
}

/* More answers in one turn than nng's own queue holds. */
TEST(server_loses_no_answer_of_a_burst)
{
	enum { N_CLIENTS = 70, N = N_CLIENTS * RPC_CLIENT_CALLS_MAX };
	struct rpc_client *clients[N_CLIENTS];
	struct peer peer;
	struct rpc_client *first;
	struct seen seen = {0};
	struct err err = {0};

	CHECK((int)N < (int)PEER_CALLS_MAX);
	peer_open(&peer, NULL);
	first = peer.client;
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		CHECK_OK(
			rpc_client_open(&peer.loop, rpc_server_url(peer.server), &clients[i], &err),
			&err);
		peer.client = clients[i];
		for (unsigned k = 0; k < RPC_CLIENT_CALLS_MAX; k++)
			(void)peer_wait_task(&peer, "t", 60000, &seen);
	}
	peer_wait_calls(&peer, N);
	for (unsigned i = 0; i < N; i++)
		peer_answer(peer.calls[i]);
	peer.n_calls = 0;
	peer_wait_seen(&peer, &seen, N);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__OK);
	for (unsigned i = 0; i < N_CLIENTS; i++)
		rpc_client_close(clients[i]);
	peer.client = first;
	peer_close(&peer);
}

struct flood {
	struct stranger stranger;
	char *data;
	size_t size;
	unsigned n, n_sent;
};

/* Sends as much as nng takes; true when all was sent and handled. */
static bool
flood_more(void *arg)
{
	struct flood *flood = arg;
	nng_msg *msg;

	for (; flood->n_sent < flood->n; flood->n_sent++) {
		CHECK_EQ(nng_msg_alloc(&msg, flood->size), 0);
		memcpy(nng_msg_body(msg), flood->data, flood->size);
		CHECK_EQ(nng_msg_header_append_u32(msg, 0x80000000u | flood->n_sent), 0);
		if (nng_sendmsg(flood->stranger.socket, msg, NNG_FLAG_NONBLOCK) != 0) {
			nng_msg_free(msg);
			return false;
		}
	}
	return is_handled(&flood->stranger);
}

/* Calls while the loop stands still; n_stuck: after so many no more can be sent. */
static void
flood(size_t size, unsigned n, unsigned n_stuck)
{
	CLEANUP(free) char *data = xmalloc(size);
	struct flood flood = {.data = data, .size = size, .n = n};
	struct peer peer;
	uint64_t end_ms;

	memset(data, 0xff, size); /* quickly refused */
	peer_open(&peer, NULL);
	stranger_open(&flood.stranger, &peer, true);
	flood.stranger.n_want = n;
	end_ms = clock_mono_ms() + 300;
	while (clock_mono_ms() < end_ms)
		(void)flood_more(&flood);
	CHECK(flood.n_sent <= n_stuck);
	turn_until(&peer.loop, flood_more, &flood, "all calls");
	(void)rpc_socket_close(flood.stranger.socket); /* nng_close itself may never return */
	peer_close(&peer);
}

TEST(server_that_is_busy_stops_receiving_at_so_many_bytes)
{
	enum { SIZE = 64 << 10 };

	flood(SIZE, 2000, 2 * RPC_SERVER_QUEUE_BYTES_MAX / SIZE);
}

TEST(server_that_is_busy_stops_receiving_at_so_many_calls_and_goes_on)
{
	flood(64, 5 * RPC_SERVER_QUEUE_MAX, 5 * RPC_SERVER_QUEUE_MAX);
}
