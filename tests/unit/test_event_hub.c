#include "services/gateway/event_hub.h"

#include <unistd.h>

#include "proto/manager.pb-c.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static const struct http_route *const no_tables[] = {NULL};

static void
follow(struct gateway_stage *stage, struct http_client *client, const char *query,
	const char *last_id)
{
	char request[512];

	(void)snprintf(request, sizeof request,
		"GET /v1/events%s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n%s%s%s\r\n",
		query, last_id == NULL ? "" : "Last-Event-ID: ", last_id == NULL ? "" : last_id,
		last_id == NULL ? "" : "\r\n");
	http_client_open(client, &stage->peer.loop, http_url(stage->server), request);
	http_client_wait(client, "retry: 1000\n\n");
}

/* Events first to last, of the tasks t1 and t2 by turns; first > last: none. */
static void
answer(struct rpc_call *call, const char *cursor, uint64_t first, uint64_t last)
{
	static Davit__Event events[EVENT_HUB_READ_MAX];
	Davit__Event *list[EVENT_HUB_READ_MAX];
	Davit__ReadEventsReply reply = DAVIT__READ_EVENTS_REPLY__INIT;

	for (uint64_t seq = first; seq <= last; seq++) {
		Davit__Event *event = list[reply.n_events] = &events[reply.n_events];

		davit__event__init(event);
		event->has_seq = event->has_kind = true;
		event->seq = seq;
		event->kind = DAVIT__EVENT__KIND__TASK;
		event->task_id = (char *)(uintptr_t)(seq % 2 == 1 ? "t1" : "t2");
		reply.n_events++;
	}
	reply.events = list;
	reply.cursor = (char *)(uintptr_t)cursor;
	gateway_stage_answer(call, &reply.base);
}

static const char *
cursor_of(const struct rpc_call *call)
{
	return ((const Davit__ReadEventsRequest *)(const void *)call->request)->cursor;
}

TEST(event_hub_asks_once_for_all_readers)
{
	struct gateway_stage stage;
	struct http_client one, two;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one, "", NULL);
	call = gateway_stage_call(&stage, "ReadEvents");
	CHECK(cursor_of(call) == NULL);
	answer(call, "a.2", 1, 2);
	call = gateway_stage_call(&stage, "ReadEvents");
	CHECK_STR(cursor_of(call), "a.2");
	follow(&stage, &two, "?task=t2", NULL);
	CHECK_EQ(event_hub_n_readers(stage.site->events), 2);
	answer(call, "a.4", 3, 4);
	http_client_wait(&one, "id: a.4\nevent: task\ndata: {\"seq\":4,");
	CHECK_HAS(one.text, "id: a.3\n");
	CHECK(strstr(one.text, "id: a.2\n") == NULL);
	http_client_wait(&two, "id: a.4\n");
	CHECK(strstr(two.text, "id: a.3\n") == NULL);
	peer_wait_calls(&stage.peer, 1);
	CHECK_STR(cursor_of(stage.peer.calls[0]), "a.4");
	(void)close(one.fd);
	(void)close(two.fd);
	gateway_stage_close(&stage);
}

TEST(event_hub_lets_a_reader_go_on_where_it_was)
{
	struct gateway_stage stage;
	struct http_client one, two;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one, "", "a.1");
	answer(gateway_stage_call(&stage, "ReadEvents"), "a.3", 1, 3);
	http_client_wait(&one, "id: a.3\n");
	CHECK_HAS(one.text, "id: a.2\n");
	CHECK(strstr(one.text, "id: a.1\n") == NULL);
	CHECK(strstr(one.text, "lost") == NULL);
	follow(&stage, &two, "?cursor=a.2", NULL);
	http_client_wait(&two, "id: a.3\n");
	CHECK(strstr(two.text, "id: a.2\n") == NULL);
	(void)close(two.fd);
	follow(&stage, &two, "?cursor=b.1", NULL);
	http_client_wait(&two, "event: lost\n");
	(void)close(one.fd);
	(void)close(two.fd);
	gateway_stage_close(&stage);
}

TEST(event_hub_keeps_what_was_there_before_from_who_did_not_ask_for_it)
{
	struct gateway_stage stage;
	struct http_client one;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one, "", NULL);
	answer(gateway_stage_call(&stage, "ReadEvents"), "a.250", 1, EVENT_HUB_READ_MAX);
	call = gateway_stage_call(&stage, "ReadEvents");
	CHECK_EQ(((const Davit__ReadEventsRequest *)(const void *)call->request)->wait_ms, 0);
	answer(call, "a.252", EVENT_HUB_READ_MAX + 1, EVENT_HUB_READ_MAX + 2);
	answer(gateway_stage_call(&stage, "ReadEvents"), "a.253", EVENT_HUB_READ_MAX + 3,
		EVENT_HUB_READ_MAX + 3);
	http_client_wait(&one, "id: a.253\n");
	CHECK(strstr(one.text, "id: a.252\n") == NULL);
	(void)close(one.fd);
	gateway_stage_close(&stage);
}

TEST(event_hub_says_what_was_lost)
{
	struct gateway_stage stage;
	struct http_client one;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one, "", "a.1");
	answer(gateway_stage_call(&stage, "ReadEvents"), "a.5", 5, 5);
	http_client_wait(&one, "id: a.5\n");
	CHECK_HAS(one.text, "event: lost\ndata: {\"lost\":3}\n\n");
	/* Another run of the manager counts anew. */
	answer(gateway_stage_call(&stage, "ReadEvents"), "b.1", 1, 1);
	http_client_wait(&one, "id: b.1\n");
	CHECK_HAS(one.text, "event: lost\ndata: {\"lost\":0}\n\n");
	(void)close(one.fd);
	gateway_stage_close(&stage);
}

static void
on_kept(struct rpc_call *call, uint64_t first)
{
	char cursor[32];

	(void)snprintf(cursor, sizeof cursor, "a.%llu", (unsigned long long)first + 15);
	answer(call, cursor, first, first + 15);
}

TEST(event_hub_keeps_a_bounded_number)
{
	struct gateway_stage stage;
	struct http_client one, late;
	uint64_t seq = 1;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one, "", NULL);
	for (; seq < EVENT_HUB_EVENTS_MAX + 64; seq += 16)
		on_kept(gateway_stage_call(&stage, "ReadEvents"), seq);
	peer_wait_calls(&stage.peer, 1);
	follow(&stage, &late, "?task=t1", "a.1");
	http_client_wait(&late, "event: lost\ndata: {\"lost\":");
	(void)close(one.fd);
	(void)close(late.fd);
	gateway_stage_close(&stage);
}

static bool
has_none(void *arg)
{
	return event_hub_n_readers(arg) == 0;
}

TEST(event_hub_forgets_readers_that_go_away)
{
	struct gateway_stage stage;
	struct http_client one;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one, "", NULL);
	answer(gateway_stage_call(&stage, "ReadEvents"), "a.0", 1, 0);
	(void)close(one.fd);
	turn_until(&stage.peer.loop, has_none, stage.site->events, "nobody");
	gateway_stage_close(&stage);
}
