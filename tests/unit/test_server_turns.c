/* In which order and when a server hands over what has come; the rest of it is in test_server.c. */
#include "common/rpc/server.h"

#include <string.h>

#include "common/base/clock.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/turn.h"

enum {
	PATIENT_US = 1000000, /* a turn that takes all there is */
	STILL_MS = 5,         /* what is found waiting has waited for so long */
};

/* What a server with turns hands over, in order: r is a read; a bar ends a turn. */
struct turns {
	uv_loop_t loop;
	uv_check_t check;
	struct rpc_server *server;
	struct rpc_client *client;
	struct seen seen;
	unsigned n_sent, n_calls, n_want;
	uint64_t waits_ms; /* the longest that a call was told that others wait */
	size_t n_order;
	char order[64];
};

static bool
is_get_task(const char *method)
{
	return strcmp(method, "GetTask") == 0;
}

static void
note_call(struct rpc_call *call, void *arg)
{
	struct turns *turns = arg;
	struct rpc_server_stats stats;

	rpc_server_stats(turns->server, &stats);
	if (stats.waits_ms > turns->waits_ms)
		turns->waits_ms = stats.waits_ms;
	turns->order[turns->n_order++] = is_get_task(rpc_call_method(call)) ? 'r' : 'w';
	turns->n_calls++;
	rpc_call_send(call);
}

static void
note_turn(uv_check_t *check)
{
	struct turns *turns = check->data;

	if (turns->n_order > 0 && turns->order[turns->n_order - 1] != '|')
		turns->order[turns->n_order++] = '|';
}

static bool
is_client_connected(void *arg)
{
	return rpc_client_is_connected(((struct turns *)arg)->client);
}

static void
turns_open(struct turns *turns, uint64_t turn_max_us)
{
	struct err err = {0};

	*turns = (struct turns){.n_sent = 0};
	CHECK_EQ(uv_loop_init(&turns->loop), 0);
	CHECK_OK(rpc_server_open(&turns->loop, "tcp://127.0.0.1:0", peer_services, note_call, turns,
			 &turns->server, &err),
		&err);
	rpc_server_limit_turns(turns->server, is_get_task, turn_max_us);
	CHECK_OK(rpc_client_open(&turns->loop, rpc_server_url(turns->server), &turns->client, &err),
		&err);
	turn_until(&turns->loop, is_client_connected, turns, "the connection");
}

static void
turns_close(struct turns *turns)
{
	rpc_client_close(turns->client);
	rpc_server_close(turns->server);
	turn_end(&turns->loop);
}

static void
send_call(struct turns *turns, bool reads)
{
	Davit__GetTaskRequest get = DAVIT__GET_TASK_REQUEST__INIT;
	Davit__WaitTaskRequest wait = DAVIT__WAIT_TASK_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = 60000};

	get.task = wait.task = (char *)(uintptr_t) "t";
	(void)rpc_client_call(turns->client,
		rpc_method(&davit__manager__descriptor, reads ? "GetTask" : "WaitTask"),
		reads ? &get.base : &wait.base, &options, peer_on_done, &turns->seen);
	turns->n_sent++;
}

/* Sends writes, then reads, and the loop stands still until all have waited for a while. */
static void
send_all(struct turns *turns, unsigned n_writes, unsigned n_reads)
{
	uint64_t end_ms = clock_mono_ms() + TURN_PATIENCE_MS, still_ms;
	struct rpc_server_stats stats = {0};

	for (unsigned i = 0; i < n_writes + n_reads; i++)
		send_call(turns, i >= n_writes);
	while (stats.n_waiting < turns->n_sent - turns->n_calls && clock_mono_ms() < end_ms)
		rpc_server_stats(turns->server, &stats);
	still_ms = clock_mono_ms() + STILL_MS;
	while (clock_mono_ms() <= still_ms)
		continue;
}

static bool
has_calls(void *arg)
{
	struct turns *turns = arg;

	return turns->n_calls == turns->n_want;
}

static void
wait_calls(struct turns *turns, unsigned n)
{
	turns->n_want = n;
	turn_until(&turns->loop, has_calls, turns, "calls");
}

TEST(server_with_short_turns_hands_over_reads_first_and_turn_about)
{
	struct turns turns;

	turns_open(&turns, 0);
	send_all(&turns, 3, 2);
	(void)uv_check_init(&turns.loop, &turns.check);
	turns.check.data = &turns;
	(void)uv_check_start(&turns.check, note_turn);
	wait_calls(&turns, 5);
	CHECK(strncmp(turns.order, "r|w|r|w|w", 9) == 0);
	uv_close((uv_handle_t *)&turns.check, NULL);
	turns_close(&turns);
}

TEST(server_that_holds_hands_over_reads_only)
{
	struct rpc_server_stats stats;
	struct turns turns;

	turns_open(&turns, PATIENT_US);
	rpc_server_hold(turns.server, true);
	send_all(&turns, 4, 2);
	wait_calls(&turns, 2);
	CHECK(strncmp(turns.order, "rr", 3) == 0);
	rpc_server_stats(turns.server, &stats);
	CHECK_EQ(stats.n_waiting, 4);
	rpc_server_hold(turns.server, false);
	wait_calls(&turns, 6);
	CHECK(strncmp(turns.order, "rrwwww", 7) == 0);
	turns_close(&turns);
}

static bool
has_waited(void *arg)
{
	struct turns *turns = arg;
	struct rpc_server_stats stats;

	rpc_server_stats(turns->server, &stats);
	return stats.waits_ms >= turns->waits_ms;
}

TEST(server_says_how_long_the_first_has_waited)
{
	struct rpc_server_stats stats;
	struct turns turns;
	uint64_t began_ms;

	turns_open(&turns, PATIENT_US);
	rpc_server_stats(turns.server, &stats);
	CHECK_EQ(stats.waits_ms, 0);
	rpc_server_hold(turns.server, true);
	began_ms = clock_mono_ms();
	send_all(&turns, 1, 0);
	turns.waits_ms = 4 * STILL_MS;
	turn_until(&turns.loop, has_waited, &turns, "a wait");
	send_all(&turns, 1, 0); /* the one before it still waits longer */
	turn_for(&turns.loop, 1);
	CHECK(has_waited(&turns));
	rpc_server_stats(turns.server, &stats);
	CHECK(stats.waits_ms <= clock_mono_ms() + 1 - began_ms);
	rpc_server_hold(turns.server, false);
	wait_calls(&turns, 2);
	rpc_server_stats(turns.server, &stats);
	CHECK_EQ(stats.waits_ms, 0);
	turns_close(&turns);
}

TEST(server_does_not_count_the_wait_of_reads)
{
	struct turns turns;

	turns_open(&turns, 0);
	send_all(&turns, 0, 2); /* the second waits while the first is handed over */
	wait_calls(&turns, 2);
	CHECK_EQ(turns.waits_ms, 0);
	send_all(&turns, 2, 0);
	wait_calls(&turns, 4);
	CHECK(turns.waits_ms >= STILL_MS);
	turns_close(&turns);
}
