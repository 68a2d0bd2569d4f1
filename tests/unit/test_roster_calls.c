#include "services/monitor/roster_calls.h"

#include "common/rpc/rpc_mem.h"
#include "tests/unit/live_fixture.h"
#include "tests/unit/roster_fixture.h"

struct heard {
	Davit__Reply__Status status;
	char text[128], field[32];
	Davit__GetTopReply *top;
	Davit__GetHistoryReply *history;
};

static void
on_reply(const struct rpc_result *result, void *arg)
{
	struct heard *heard = arg;
	uint8_t *bytes;
	size_t size;

	heard->status = result->status;
	(void)snprintf(heard->text, sizeof heard->text, "%s", result->message);
	(void)snprintf(heard->field, sizeof heard->field, "%s", result->field);
	if (result->response == NULL)
		return;
	size = protobuf_c_message_get_packed_size(result->response);
	bytes = xmalloc(size);
	(void)protobuf_c_message_pack(result->response, bytes);
	if (result->response->descriptor == &davit__get_top_reply__descriptor)
		heard->top = davit__get_top_reply__unpack(NULL, size, bytes);
	else
		heard->history = davit__get_history_reply__unpack(NULL, size, bytes);
	free(bytes);
}

struct stage {
	struct roster *roster;
	struct live *live;
	struct heard heard;
};

static void
forget(struct stage *stage)
{
	if (stage->heard.top != NULL)
		davit__get_top_reply__free_unpacked(stage->heard.top, NULL);
	if (stage->heard.history != NULL)
		davit__get_history_reply__free_unpacked(stage->heard.history, NULL);
	stage->heard = (struct heard){0};
}

/* Two nodes, tasks 0 to 9 in turn small and great, of which 0 has a name. */
static void
stage_open(struct stage *stage)
{
	char web[] = "web", shop[] = "shop";

	*stage = (struct stage){roster_new(), live_new(), {0}};
	for (uint64_t second = 0; second < 5; second++) {
		roster_hear(stage->roster, 1, 0, 5, second, 100);
		roster_hear(stage->roster, 2, 5, 5, second, 200);
		roster_tell(stage->roster, 0, web, shop);
		roster_tick(stage->roster, ROSTER_MS(second));
	}
	(void)live_send_event(stage->live, 1, "running");
}

static void
stage_close(struct stage *stage)
{
	forget(stage);
	roster_free(stage->roster);
	live_free(stage->live);
}

static const Davit__GetTopReply *
ask_top(struct stage *stage, const Davit__GetTopRequest *request)
{
	struct rpc_call *call = rpc_mem_call(&davit__monitor__descriptor, "GetTop", &request->base,
		NULL, on_reply, &stage->heard);

	forget(stage);
	roster_call_top(stage->roster, stage->live, call, ROSTER_MS(4));
	rpc_call_send(call);
	return stage->heard.top;
}

static const Davit__GetHistoryReply *
ask_history(struct stage *stage, const Davit__GetHistoryRequest *request)
{
	struct rpc_call *call = rpc_mem_call(&davit__monitor__descriptor, "GetHistory",
		&request->base, NULL, on_reply, &stage->heard);

	forget(stage);
	roster_call_history(stage->roster, call, ROSTER_MS(4));
	rpc_call_send(call);
	return stage->heard.history;
}

TEST(roster_calls_top_is_sorted_and_cut)
{
	Davit__GetTopRequest request = DAVIT__GET_TOP_REQUEST__INIT;
	const Davit__GetTopReply *top;
	struct stage stage;

	stage_open(&stage);
	request.has_limit = request.has_points = true;
	request.limit = 6;
	request.points = 3;
	top = ask_top(&stage, &request);
	CHECK_EQ(top->n_tasks, 6);
	CHECK_EQ(top->matched, 10);
	CHECK_EQ(top->tasks[0]->cpu_milli, 200);
	CHECK_STR(top->tasks[0]->node_name, "n2");
	CHECK_EQ(top->tasks[5]->cpu_milli, 100);
	CHECK_EQ(top->tasks[0]->n_cpu_points, 3);
	CHECK_EQ(top->tasks[0]->cpu_points[2], 200);
	CHECK_EQ(top->n_nodes, 2);
	CHECK_STR(top->nodes[0]->name, "n1");
	CHECK_EQ(top->nodes[0]->machine->cpu_milli, 501);
	CHECK_EQ(top->cpu_points[2], 1500);
	request.has_sort = true;
	request.sort = DAVIT__GET_TOP_REQUEST__SORT__NAME;
	top = ask_top(&stage, &request);
	CHECK(top->tasks[0]->name == NULL); /* not named yet: first */
	request.limit = 10;
	top = ask_top(&stage, &request);
	CHECK_STR(top->tasks[9]->name, "web");
	CHECK_EQ(top->tasks[9]->memory_bytes_limit, 1 << 20);
	stage_close(&stage);
}

TEST(roster_calls_top_lets_through_what_is_asked_for)
{
	Davit__GetTopRequest request = DAVIT__GET_TOP_REQUEST__INIT;
	char web[] = "we", n2[] = "n2", shop[] = "shop", none[] = "none";
	struct stage stage;

	stage_open(&stage);
	request.filter = web;
	CHECK_EQ(ask_top(&stage, &request)->n_tasks, 1);
	request.filter = n2;
	CHECK_EQ(ask_top(&stage, &request)->n_tasks, 5);
	request.filter = NULL;
	request.namespace_ = shop;
	CHECK_EQ(ask_top(&stage, &request)->n_tasks, 1);
	request.namespace_ = none;
	CHECK_EQ(ask_top(&stage, &request)->n_tasks, 0);
	stage_close(&stage);
}

TEST(roster_calls_top_refuses_what_is_beyond_its_limits)
{
	Davit__GetTopRequest request = DAVIT__GET_TOP_REQUEST__INIT;
	char filter[LIVE_ID_MAX + 2];
	struct stage stage;

	stage_open(&stage);
	memset(filter, 'x', sizeof filter - 1);
	filter[sizeof filter - 1] = '\0';
	request.has_limit = true;
	CHECK(ask_top(&stage, &request) == NULL);
	CHECK_STR(stage.heard.field, "limit");
	request.limit = ROSTER_TOP_TASKS_MAX + 1;
	CHECK(ask_top(&stage, &request) == NULL);
	request.limit = ROSTER_TOP_TASKS_MAX;
	request.has_points = true;
	request.points = HISTORY_POINTS + 1;
	CHECK(ask_top(&stage, &request) == NULL);
	CHECK_STR(stage.heard.field, "points");
	request.points = HISTORY_POINTS;
	request.filter = filter;
	CHECK(ask_top(&stage, &request) == NULL);
	CHECK_STR(stage.heard.field, "filter");
	request.filter = NULL;
	CHECK(ask_top(&stage, &request) != NULL);
	live_free(stage.live);
	stage.live = live_new();
	CHECK(ask_top(&stage, &request) == NULL);
	CHECK_EQ(stage.heard.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	stage_close(&stage);
}

TEST(roster_calls_history_has_each_kind)
{
	Davit__GetHistoryRequest request = DAVIT__GET_HISTORY_REQUEST__INIT;
	char web[] = "web", n2[] = "n2", shop[] = "shop", *task = web, *node = n2, *sum = shop;
	const Davit__GetHistoryReply *history;
	struct stage stage;

	stage_open(&stage);
	request.tasks = &task;
	request.nodes = &node;
	request.namespaces = &sum;
	request.n_tasks = request.n_nodes = request.n_namespaces = 1;
	request.has_cluster = request.has_points = true;
	request.cluster = true;
	request.points = 6;
	history = ask_history(&stage, &request);
	CHECK_EQ(history->n_series, 4);
	for (unsigned i = 0; i < 4; i++) {
		static const int64_t last[] = {100, 1001, 100, 1500};

		CHECK_EQ(history->series[i]->kind, i + 1);
		CHECK_EQ(history->series[i]->start_ms, ROSTER_MS(-1));
		CHECK_EQ(history->series[i]->n_cpu, 6);
		CHECK_EQ(history->series[i]->cpu[0], -1); /* not heard then */
		CHECK_EQ(history->series[i]->cpu[5], last[i]);
	}
	CHECK_EQ(history->series[0]->net_rx_rate[5], 500);
	stage_close(&stage);
}

TEST(roster_calls_history_refuses_what_it_does_not_have)
{
	Davit__GetHistoryRequest request = DAVIT__GET_HISTORY_REQUEST__INIT;
	char nobody[] = "nobody", *name = nobody, *many[ROSTER_SERIES_MAX + 1];
	struct stage stage;

	stage_open(&stage);
	request.nodes = &name;
	request.n_nodes = 1;
	CHECK(ask_history(&stage, &request) == NULL);
	CHECK_EQ(stage.heard.status, DAVIT__REPLY__STATUS__NOT_FOUND);
	CHECK_HAS(stage.heard.text, "'nobody'");
	request.n_nodes = 0;
	request.has_step_ms = true;
	request.step_ms = 2000;
	CHECK(ask_history(&stage, &request) == NULL);
	CHECK_STR(stage.heard.field, "step_ms");
	request.step_ms = 60000;
	request.has_points = true;
	CHECK(ask_history(&stage, &request) == NULL);
	CHECK_STR(stage.heard.field, "points");
	request.points = 60;
	CHECK(ask_history(&stage, &request) != NULL);
	for (unsigned i = 0; i <= ROSTER_SERIES_MAX; i++)
		many[i] = nobody;
	request.tasks = many;
	request.n_tasks = ROSTER_SERIES_MAX + 1;
	CHECK(ask_history(&stage, &request) == NULL);
	CHECK_EQ(stage.heard.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	stage_close(&stage);
}
