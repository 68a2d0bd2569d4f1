#include "services/gateway/stats_hub.h"

#include <string.h>
#include <unistd.h>

#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static const struct http_route *const no_tables[] = {NULL};

static void
answer_with(struct rpc_call *call, const char *cursor)
{
	Davit__GetStatsReply reply = DAVIT__GET_STATS_REPLY__INIT;

	reply.cursor = (char *)(uintptr_t)cursor;
	gateway_stage_answer(call, &reply.base);
}

static void
follow(struct gateway_stage *stage, struct http_client *client)
{
	http_client_open(client, &stage->peer.loop, http_url(stage->server),
		"GET /v1/stats HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
	http_client_wait(client, "retry: 1000\n\n");
}

TEST(stats_hub_asks_once_for_all_readers_and_from_where_it_is)
{
	struct gateway_stage stage;
	struct http_client one, two;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one);
	follow(&stage, &two);
	answer_with(gateway_stage_call(&stage, "GetStats"), "a.1");
	http_client_wait(&one, "id: a.1\nevent: stats\ndata: {\"nodes\":[],\"tasks\":[],");
	http_client_wait(&two, "id: a.1\n");
	call = gateway_stage_call(&stage, "GetStats");
	CHECK_STR(((const Davit__GetStatsRequest *)(const void *)call->request)->cursor, "a.1");
	rpc_call_drop(call);
	(void)close(one.fd);
	(void)close(two.fd);
	gateway_stage_close(&stage);
}

static bool
has_no_stream(void *arg)
{
	const struct gateway_stage *stage = arg;
	struct http_stats stats;

	http_stats(stage->server, &stats);
	return stats.n_streams == 0;
}

TEST(stats_hub_keeps_nothing_that_comes_when_all_have_gone)
{
	struct gateway_stage stage;
	struct http_client one, late;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one);
	call = gateway_stage_call(&stage, "GetStats");
	(void)close(one.fd);
	turn_until(&stage.peer.loop, has_no_stream, &stage, "the reader's end");
	answer_with(call, "old.1");
	turn_for(&stage.peer.loop, 20);
	follow(&stage, &late);
	answer_with(gateway_stage_call(&stage, "GetStats"), "new.1");
	http_client_wait(&late, "id: new.1\n");
	CHECK(strstr(late.text, "old.1") == NULL);
	(void)close(late.fd);
	gateway_stage_close(&stage);
}

TEST(stats_hub_gives_a_late_reader_what_there_is)
{
	struct gateway_stage stage;
	struct http_client one, late;

	gateway_stage_open(&stage, no_tables);
	follow(&stage, &one);
	answer_with(gateway_stage_call(&stage, "GetStats"), "a.1");
	http_client_wait(&one, "id: a.1\n");
	follow(&stage, &late);
	http_client_wait(&late, "id: a.1\n");
	(void)close(one.fd);
	(void)close(late.fd);
	gateway_stage_close(&stage);
}
