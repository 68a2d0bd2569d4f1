#include "services/monitor/monitor.h"

#include <errno.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/metrics/metrics.h"
#include "common/rpc/client.h"
#include "common/rpc/pubsub.h"
#include "common/rpc/server.h"
#include "services/monitor/limits.h"
#include "tests/unit/live_fixture.h"

enum { PATIENCE_MS = 120000 };

/* A manager's outside, and somebody who asks the monitor. */
struct stage {
	uv_loop_t loop;
	struct rpc_pub *pub;
	struct rpc_server *manager;
	struct metrics *metrics;
	struct monitor *monitor;
	struct rpc_client *client;
	char *feed;
	unsigned n_asked;   /* GetStats */
	unsigned n_answers; /* GetView */
	Davit__Reply__Status status;
	uint64_t n_nodes, n_events, lost;
	char node[32];
};

static void
on_manager_call(struct rpc_call *call, void *arg)
{
	struct stage *stage = arg;
	Davit__GetStatsReply reply = DAVIT__GET_STATS_REPLY__INIT;
	Davit__Node node = DAVIT__NODE__INIT, *nodes = &node;
	Davit__NodeSample usage = DAVIT__NODE_SAMPLE__INIT;
	char id[] = "early";

	stage->n_asked++;
	node.id = id;
	node.usage = &usage;
	node.has_state = true;
	node.state = DAVIT__NODE__STATE__READY;
	reply.nodes = &nodes;
	reply.n_nodes = 1;
	rpc_call_answer(call, &reply.base);
	rpc_call_send(call);
}

static void
on_view(const struct rpc_result *result, void *arg)
{
	struct stage *stage = arg;
	const Davit__GetViewReply *view = (const Davit__GetViewReply *)result->response;

	stage->n_answers++;
	stage->status = result->status;
	if (view == NULL)
		return;
	stage->n_nodes = view->n_nodes;
	stage->n_events = view->n_events;
	stage->lost = view->lost;
	if (view->n_nodes > 0)
		(void)snprintf(stage->node, sizeof stage->node, "%s", view->nodes[0]->node_id);
}

static void
ask_view(struct stage *stage)
{
	const Davit__GetViewRequest request = DAVIT__GET_VIEW_REQUEST__INIT;
	unsigned before = stage->n_answers;

	(void)rpc_client_call(stage->client, rpc_method(&davit__monitor__descriptor, "GetView"),
		&request.base, &(const struct rpc_call_options){.timeout_ms = PATIENCE_MS}, on_view,
		stage);
	while (stage->n_answers == before)
		(void)uv_run(&stage->loop, UV_RUN_ONCE);
}

static void
stage_open(struct stage *stage, FILE *print)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		NULL};
	struct monitor_options options = {.listen = "tcp://127.0.0.1:0", .n_feeds = 1};
	CLEANUP(free) char *manager = NULL;
	struct err err = {0};

	*stage = (struct stage){0};
	(void)uv_loop_init(&stage->loop);
	CHECK_OK(rpc_pub_open("tcp://127.0.0.1:0", RPC_LISTEN, &stage->pub, &err), &err);
	CHECK_OK(rpc_server_open(&stage->loop, "tcp://127.0.0.1:0", services, on_manager_call,
			 stage, &stage->manager, &err),
		&err);
	stage->feed = xstrdup(rpc_pub_url(stage->pub));
	options.feeds = &stage->feed;
	manager = xstrdup(rpc_server_url(stage->manager));
	options.managers = &manager;
	options.n_managers = 1;
	options.http = "http://127.0.0.1:0";
	options.metrics = stage->metrics = metrics_new();
	options.print = print;
	CHECK_OK(monitor_open(&stage->loop, &options, &stage->monitor, &err), &err);
	CHECK_OK(rpc_client_open(&stage->loop, monitor_url(stage->monitor), &stage->client, &err),
		&err);
}

static void
stage_close(struct stage *stage)
{
	rpc_client_close(stage->client);
	monitor_close(stage->monitor);
	rpc_server_close(stage->manager);
	rpc_pub_close(stage->pub);
	(void)uv_run(&stage->loop, UV_RUN_DEFAULT);
	monitor_free(stage->monitor);
	metrics_free(stage->metrics);
	free(stage->feed);
	CHECK_EQ(uv_loop_close(&stage->loop), 0);
}

static void
publish_event(struct stage *stage, uint64_t seq)
{
	Davit__Event event = DAVIT__EVENT__INIT;
	char what[] = "running", name[] = "web";
	uint8_t bytes[128];
	size_t size;

	event.has_seq = event.has_kind = true;
	event.seq = seq;
	event.kind = DAVIT__EVENT__KIND__TASK;
	event.what = what;
	event.task_name = name;
	size = davit__event__pack(&event, bytes);
	rpc_pub_send(stage->pub, "event.task.running.x", bytes, size);
}

/* Publishes until the monitor hears: a subscription takes a moment to reach the publisher. */
static void
wait_for_events(struct stage *stage)
{
	uint64_t until_ms = clock_mono_ms() + PATIENCE_MS;

	for (uint64_t seq = 1; stage->n_events == 0; seq++) {
		CHECK(clock_mono_ms() < until_ms);
		publish_event(stage, seq);
		ask_view(stage);
	}
}

TEST(monitor_shows_what_was_before_and_what_comes)
{
	struct stage stage;
	uint64_t until_ms;

	stage_open(&stage, NULL);
	until_ms = clock_mono_ms() + PATIENCE_MS;
	while (stage.n_nodes == 0 && clock_mono_ms() < until_ms)
		ask_view(&stage);
	CHECK_EQ(stage.status, DAVIT__REPLY__STATUS__OK);
	CHECK_STR(stage.node, "early"); /* the manager was asked */
	wait_for_events(&stage);
	CHECK_EQ(stage.lost, 0);
	stage_close(&stage);
}

TEST(monitor_asks_again_after_a_gap)
{
	struct stage stage;
	uint64_t until_ms;
	unsigned n_before;

	stage_open(&stage, NULL);
	wait_for_events(&stage);
	n_before = stage.n_asked;
	publish_event(&stage, 1000000);
	until_ms = clock_mono_ms() + PATIENCE_MS;
	while (stage.n_asked == n_before && clock_mono_ms() < until_ms)
		(void)uv_run(&stage.loop, UV_RUN_ONCE);
	CHECK(stage.n_asked > n_before);
	ask_view(&stage);
	CHECK(stage.lost > 900000);
	stage_close(&stage);
}

TEST(monitor_prints_lines)
{
	FILE *file = tmpfile();
	char text[4096];
	struct stage stage;

	CHECK(file != NULL);
	stage_open(&stage, file);
	wait_for_events(&stage);
	stage_close(&stage);
	rewind(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	CHECK_HAS(text, "task web running\n");
	(void)fclose(file);
}

TEST(monitor_follows_a_bounded_number_of_feeds)
{
	struct monitor *monitor = NULL;
	char url[] = "tcp://127.0.0.1:1";
	char *feeds[MONITOR_FEEDS_MAX + 1];
	struct monitor_options options = {.listen = "tcp://127.0.0.1:0",
		.feeds = feeds,
		.n_feeds = MONITOR_FEEDS_MAX + 1};
	CLEANUP(metrics_free) struct metrics *metrics = options.metrics = metrics_new();
	struct err err = {0};
	uv_loop_t loop;

	for (unsigned i = 0; i <= MONITOR_FEEDS_MAX; i++)
		feeds[i] = url;
	(void)uv_loop_init(&loop);
	CHECK_EQ(monitor_open(&loop, &options, &monitor, &err), -E2BIG);
	options.n_feeds = 1;
	options.listen = "no-url";
	CHECK(monitor_open(&loop, &options, &monitor, &err) < 0);
	CHECK_HAS(err.text, "--listen");
	CHECK_EQ(uv_loop_close(&loop), 0);
}
