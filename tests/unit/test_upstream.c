#include "services/gateway/upstream.h"

#include "common/base/mem.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static bool
is_connected(void *arg)
{
	return upstream_is_connected(arg);
}

static struct upstream *
open_upstream(struct peer *peer)
{
	struct upstream *upstream = NULL;
	struct err err = {0};

	peer_open(peer, NULL);
	CHECK_OK(upstream_open(&peer->loop, rpc_server_url(peer->server), &upstream, &err), &err);
	turn_until(&peer->loop, is_connected, upstream, "connections");
	return upstream;
}

static struct upstream_call *
wait_task(struct upstream *upstream, struct seen *seen)
{
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t) "t";
	return upstream_call(upstream, rpc_method(&davit__manager__descriptor, "WaitTask"),
		&request.base, NULL, 60000, peer_on_done, seen);
}

static struct upstream_call *
get_task(struct upstream *upstream, struct seen *seen)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t) "t";
	return upstream_call(upstream, rpc_method(&davit__manager__descriptor, "GetTask"),
		&request.base, NULL, 0, peer_on_done, seen);
}

TEST(upstream_calls_that_wait_do_not_keep_others_from_being_answered)
{
	struct peer peer;
	struct upstream *upstream = open_upstream(&peer);
	struct seen waits = {0}, gets = {0};

	for (unsigned i = 0; i < 3 * RPC_CLIENT_CALLS_MAX; i++)
		(void)wait_task(upstream, &waits);
	peer_wait_calls(&peer, 3 * RPC_CLIENT_CALLS_MAX);
	for (unsigned i = 0; i < 100; i++)
		(void)get_task(upstream, &gets);
	peer_wait_seen(&peer, &gets, 100);
	CHECK_EQ(waits.n, 0);
	upstream_close(upstream);
	CHECK_EQ(waits.n, 3 * RPC_CLIENT_CALLS_MAX);
	CHECK_EQ(waits.status, DAVIT__REPLY__STATUS__CANCELLED);
	peer_close(&peer);
}

TEST(upstream_refuses_more_waits_than_it_has_places_for)
{
	struct peer peer;
	struct upstream *upstream = open_upstream(&peer);
	struct seen waits = {0}, last = {0};

	for (unsigned i = 0; i < UPSTREAM_WAITS_MAX; i++)
		(void)wait_task(upstream, &waits);
	(void)wait_task(upstream, &last);
	CHECK_EQ(last.n, 0);
	peer_wait_seen(&peer, &last, 1);
	CHECK_EQ(last.status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	CHECK_HAS(last.message, "UPSTREAM_WAITS_MAX");
	upstream_close(upstream);
	peer_close(&peer);
}

TEST(upstream_refuses_more_quick_calls_than_its_limit)
{
	struct peer peer;
	struct upstream *upstream = open_upstream(&peer);
	struct seen gets = {0}, last = {0};

	for (unsigned i = 0; i < UPSTREAM_QUICK_MAX; i++)
		(void)get_task(upstream, &gets);
	(void)get_task(upstream, &last);
	peer_wait_seen(&peer, &last, 1);
	CHECK_EQ(last.status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	peer_wait_seen(&peer, &gets, UPSTREAM_QUICK_MAX);
	upstream_close(upstream);
	peer_close(&peer);
}

TEST(upstream_gives_up_soon_when_nobody_is_there_and_goes_on_later)
{
	struct peer peer;
	struct upstream *upstream = open_upstream(&peer);
	struct seen seen = {0}, again = {0};
	char url[128];

	(void)snprintf(url, sizeof url, "%s", rpc_server_url(peer.server));
	rpc_server_close(peer.server);
	(void)get_task(upstream, &seen);
	(void)wait_task(upstream, &seen);
	peer_wait_seen(&peer, &seen, 2);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	peer_serve(&peer, url);
	peer_wait_connected(&peer);
	while (again.n == 0 || again.status != DAVIT__REPLY__STATUS__OK) {
		unsigned n = again.n;

		(void)get_task(upstream, &again);
		peer_wait_seen(&peer, &again, n + 1);
	}
	turn_until(&peer.loop, is_connected, upstream, "connections");
	upstream_close(upstream);
	peer_close(&peer);
}

TEST(upstream_tells_nobody_of_a_call_that_was_dropped)
{
	struct peer peer;
	struct upstream *upstream = open_upstream(&peer);
	struct seen seen = {0};
	struct upstream_call *call = wait_task(upstream, &seen);

	peer_wait_calls(&peer, 1);
	upstream_drop(call);
	turn_for(&peer.loop, 50);
	CHECK_EQ(seen.n, 0);
	upstream_close(upstream);
	CHECK_EQ(seen.n, 0);
	peer_close(&peer);
}
