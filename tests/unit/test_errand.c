#include "services/gateway/errand.h"

#include <string.h>
#include <unistd.h>

#include "proto/manager.pb-c.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"

static void
on_listed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	json_t *list = arg;

	(void)json_array_append_new(list, json_string(rpc_status_name(result->status)));
	errand_reply_json(errand, 202, json_incref(list));
}

static void
on_stopped(struct errand *errand, const struct rpc_result *result, void *arg)
{
	Davit__ListNodesRequest request = DAVIT__LIST_NODES_REQUEST__INIT;

	(void)json_array_append_new(arg, json_string(rpc_status_name(result->status)));
	errand_ask(errand, "ListNodes", &request.base, 0, on_listed, arg);
}

static void
on_two(struct http_request *request, void *arg)
{
	Davit__StopTasksRequest stop = DAVIT__STOP_TASKS_REQUEST__INIT;
	struct errand *errand = errand_begin(request, arg);

	errand_ask(errand, "StopTasks", &stop.base, 0, on_stopped,
		errand_keep(errand, json_array()));
}

static void
on_text(struct http_request *request, void *arg)
{
	errand_reply_text(errand_begin(request, arg), 418, "%s", "short and stout");
}

static void
on_end(struct errand *errand, void *arg)
{
	Davit__CloseChannelRequest close = DAVIT__CLOSE_CHANNEL_REQUEST__INIT;

	close.channel = arg;
	errand_tell(errand, "CloseChannel", &close.base);
}

static void
on_ending(struct http_request *request, void *arg)
{
	static char first[] = "first", last[] = "last";
	Davit__StopTasksRequest stop = DAVIT__STOP_TASKS_REQUEST__INIT;
	struct errand *errand = errand_begin(request, arg);

	errand_at_end(errand, on_end, last);
	errand_at_end(errand, on_end, first);
	errand_ask(errand, "StopTasks", &stop.base, 0, on_stopped,
		errand_keep(errand, json_array()));
}

static const struct http_route routes[] = {{"POST", "/two", on_two}, {"GET", "/text", on_text},
	{"POST", "/ending", on_ending}, {NULL, NULL, NULL}};
static const struct http_route *const tables[] = {routes, NULL};

TEST(errand_makes_one_call_after_the_other)
{
	struct gateway_stage stage;
	Davit__ListNodesReply nodes = DAVIT__LIST_NODES_REPLY__INIT;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "POST /two", "");
	call = gateway_stage_call(&stage, "StopTasks");
	CHECK(call->request_id != NULL);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL, "none");
	rpc_call_send(call);
	call = gateway_stage_call(&stage, "ListNodes");
	CHECK(call->request_id == NULL);
	gateway_stage_answer(call, &nodes.base);
	http_client_wait(&stage.client, "[\"NOT_FOUND\",\"OK\"]\n");
	CHECK_HAS(stage.client.text, "HTTP/1.1 202 ");
	CHECK_HAS(stage.client.text, "application/json");
	gateway_stage_close(&stage);
}

TEST(errand_answers_in_plain_text_as_go_does)
{
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /text", "");
	http_client_wait(&stage.client, "short and stout\n");
	CHECK_HAS(stage.client.text, "text/plain; charset=utf-8\r\n");
	CHECK_HAS(stage.client.text, "X-Content-Type-Options: nosniff\r\n");
	gateway_stage_close(&stage);
}

TEST(errand_under_way_at_the_end_is_freed)
{
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "POST /two", "");
	rpc_call_drop(gateway_stage_call(&stage, "StopTasks"));
	gateway_stage_close(&stage);
}

/* One of the two calls; which comes first is not promised. */
static void
check_closed(struct gateway_stage *stage, const char *channel)
{
	unsigned n_found = 0;

	for (size_t i = 0; i < 2; i++) {
		struct rpc_call *call = stage->peer.calls[i];
		const Davit__CloseChannelRequest *request = (const void *)call->request;

		CHECK_STR(rpc_call_method(call), "CloseChannel");
		CHECK(call->request_id != NULL);
		n_found += strcmp(request->channel, channel) == 0;
	}
	CHECK_EQ(n_found, 1);
}

TEST(errand_tells_what_is_to_be_told_at_its_end_also_when_the_client_has_gone)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "POST /ending", "");
	call = gateway_stage_call(&stage, "StopTasks");
	(void)close(stage.client.fd);
	stage.client.fd = -1;
	peer_wait_calls(&stage.peer, 2);
	check_closed(&stage, "first");
	check_closed(&stage, "last");
	rpc_call_drop(stage.peer.calls[0]);
	rpc_call_drop(stage.peer.calls[1]);
	stage.peer.n_calls = 0;
	rpc_call_drop(call);
	gateway_stage_close(&stage);
}
