#include "services/monitor/web.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/http_client.h"
#include "tests/lib/turn.h"
#include "tests/unit/live_fixture.h"
#include "tests/unit/roster_fixture.h"

struct stage {
	uv_loop_t loop;
	struct live *live;
	struct roster *roster;
	struct metrics *metrics;
	struct web *web;
	struct http_client client;
	uint64_t seq;
};

static void
stage_open(struct stage *stage)
{
	struct web_options options = {.listen = "http://127.0.0.1:0"};
	struct err err = {0};

	*stage = (struct stage){.live = live_new(),
		.roster = roster_new(),
		.metrics = metrics_new()};
	(void)uv_loop_init(&stage->loop);
	options.live = stage->live;
	options.roster = stage->roster;
	options.metrics = stage->metrics;
	CHECK_OK(web_open(&stage->loop, &options, &stage->web, &err), &err);
}

static void
stage_close(struct stage *stage)
{
	web_close(stage->web);
	turn_end(&stage->loop);
	live_free(stage->live);
	roster_free(stage->roster);
	metrics_free(stage->metrics);
}

static const char *
get(struct stage *stage, const char *path)
{
	http_client_get(&stage->client, &stage->loop, web_url(stage->web), path);
	return stage->client.text;
}

/* A cluster of one node with a task "web". */
static void
hear(struct stage *stage)
{
	Davit__ClusterStats cluster = DAVIT__CLUSTER_STATS__INIT;
	char web[] = "web", shop[] = "shop";

	cluster.has_tasks_running = cluster.has_tasks_pending = true;
	cluster.tasks_running = 7;
	cluster.tasks_pending = 2;
	(void)live_send(stage->live, 0, "stats.cluster", &cluster.base, 0);
	roster_hear(stage->roster, 1, 0, 1, 0, 250);
	roster_tell(stage->roster, 0, web, shop);
	roster_tick(stage->roster, ROSTER_MS(0));
}

static void
event(struct stage *stage)
{
	char what[32];

	(void)snprintf(what, sizeof what, "w%llu", (unsigned long long)++stage->seq);
	web_take_frame(stage->web, live_send_event(stage->live, stage->seq, what));
}

TEST(web_metrics_show_cluster_nodes_and_tasks)
{
	struct stage stage;
	const char *text;

	stage_open(&stage);
	hear(&stage);
	text = get(&stage, "/metrics");
	CHECK_HAS(text, "Content-Type: text/plain; version=0.0.4");
	CHECK_HAS(text, "davit_cluster_tasks{state=\"running\"} 7\n");
	CHECK_HAS(text, "davit_cluster_tasks{state=\"pending\"} 2\n");
	CHECK_HAS(text, "davit_node_state{node=\"n1\",state=\"ready\"} 1\n");
	CHECK_HAS(text, "davit_node_state{node=\"n1\",state=\"down\"} 0\n");
	CHECK_HAS(text, "davit_node_cpu_cores{node=\"n1\"} 0.251\n");
	CHECK_HAS(text, "name=\"web\",namespace=\"shop\",node=\"n1\"} 0.25\n");
	CHECK_HAS(text, "davit_namespace_tasks_running{namespace=\"shop\"} 1\n");
	CHECK_HAS(text, "davit_feed_messages_total 1\n");
	http_client_open(&stage.client, &stage.loop, web_url(stage.web),
		"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Accept: application/openmetrics-text; version=1.0.0\r\n\r\n");
	http_client_wait(&stage.client, NULL);
	(void)close(stage.client.fd);
	CHECK_HAS(stage.client.text, "Content-Type: application/openmetrics-text");
	CHECK_HAS(stage.client.text, "# TYPE davit_feed_messages counter\n");
	CHECK_STR(stage.client.text + stage.client.size - 6, "# EOF\n");
	stage_close(&stage);
}

static unsigned
count_lines(const char *text, const char *start)
{
	unsigned n = 0;

	for (; *text != '\0'; text += strcspn(text, "\n") + 1)
		n += strncmp(text, start, strlen(start)) == 0;
	return n;
}

TEST(web_metrics_of_too_many_tasks_are_left_out_and_counted)
{
	struct stage stage;
	unsigned n = 0;

	stage_open(&stage);
	for (unsigned node = 0; node < 6; node++)
		roster_hear(stage.roster, node, node * 1000, 1000, 0, 1);
	/* Too much for the client of this test: counted without a server. */
	for (int format = EXPO_TEXT; format <= EXPO_OPENMETRICS; format++) {
		CLEANUP(buf_fini) struct buf out = {0};
		metrics_print(stage.metrics, (enum expo_format)format, &out);
		n = count_lines(buf_text(&out), "davit_task_cpu_cores{");
		CHECK_EQ(n, MONITOR_TASK_SERIES_MAX);
		CHECK_HAS(buf_text(&out),
			format == EXPO_TEXT
				? "davit_metrics_series_dropped_total{family=\"collected\"} 8000\n"
				: "davit_metrics_series_dropped_total{family=\"collected\"} 16000\n");
	}
	stage_close(&stage);
}

TEST(web_targets_are_the_ports_of_tasks_by_label)
{
	struct stage stage;
	const char *text;

	stage_open(&stage);
	CHECK_HAS(get(&stage, "/v1/sd/prometheus"), "\r\n\r\n[]\n");
	hear(&stage);
	text = get(&stage, "/v1/sd/prometheus?label=app.kind=web&port=80");
	CHECK_HAS(text, "Content-Type: application/json");
	CHECK_HAS(text, "[{\"targets\":[\"127.0.0.1:30000\"],\"labels\":{"
			"\"__meta_davit_container_port\":\"80\"");
	CHECK_HAS(text, "\"__meta_davit_task_name\":\"web\"");
	CHECK_HAS(text, "\"__meta_davit_task_label_app_kind\":\"web\"");
	CHECK_HAS(get(&stage, "/v1/sd/prometheus?label=app.kind"), ":30000");
	CHECK_HAS(get(&stage, "/v1/sd/prometheus?label=app.kind=db"), "\r\n\r\n[]\n");
	CHECK_HAS(get(&stage, "/v1/sd/prometheus?label=app"), "\r\n\r\n[]\n");
	CHECK_HAS(get(&stage, "/v1/sd/prometheus?port=81"), "\r\n\r\n[]\n");
	CHECK_HAS(get(&stage, "/v1/sd/prometheus?port=0"), "400 Bad Request");
	CHECK_HAS(get(&stage, "/v1/sd/prometheus?port=80x"), "400 Bad Request");
	stage_close(&stage);
}

TEST(web_is_ready_once_it_has_heard_something)
{
	struct stage stage;

	stage_open(&stage);
	CHECK_HAS(get(&stage, "/health"), "200 OK");
	CHECK_HAS(get(&stage, "/ready"), "503 ");
	hear(&stage);
	CHECK_HAS(get(&stage, "/ready"), "200 OK");
	CHECK_HAS(get(&stage, "/"), "404 ");
	stage_close(&stage);
}

/* The id of the event with this word. */
static void
id_of(const char *text, const char *what, char ret_id[64])
{
	const char *at = strstr(text, what);

	CHECK(at != NULL);
	while (at > text && strncmp(at, "id: ", 4) != 0)
		at--;
	CHECK_EQ(sscanf(at, "id: %63s", ret_id), 1);
}

TEST(web_events_go_on_where_a_reader_was)
{
	static const char request[] = "GET /v1/events HTTP/1.1\r\nHost: x\r\n";
	struct stage stage;
	char id[64], again[256];

	stage_open(&stage);
	event(&stage);
	(void)snprintf(again, sizeof again, "%s\r\n", request);
	http_client_open(&stage.client, &stage.loop, web_url(stage.web), again);
	http_client_wait(&stage.client, "retry: 1000\n\n");
	CHECK(strstr(stage.client.text, "w1\"") == NULL); /* only what comes */
	event(&stage);
	event(&stage);
	http_client_wait(&stage.client, "\"what\":\"w3\"");
	CHECK_HAS(stage.client.text, "text/event-stream");
	CHECK_HAS(stage.client.text, "event: task\ndata: {");
	id_of(stage.client.text, "\"w2\"", id);
	(void)close(stage.client.fd);
	event(&stage);
	(void)snprintf(again, sizeof again, "%sLast-Event-ID: %s\r\n\r\n", request, id);
	http_client_open(&stage.client, &stage.loop, web_url(stage.web), again);
	http_client_wait(&stage.client, "\"what\":\"w4\"");
	CHECK_HAS(stage.client.text, "\"what\":\"w3\"");
	CHECK(strstr(stage.client.text, "\"w2\"") == NULL);
	CHECK(strstr(stage.client.text, "event: lost") == NULL);
	(void)close(stage.client.fd);
	stage_close(&stage);
}

TEST(web_events_that_are_not_kept_any_more_are_told_of)
{
	struct stage stage;
	char id[64], again[256];

	stage_open(&stage);
	http_client_open(&stage.client, &stage.loop, web_url(stage.web),
		"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stage.client, "retry");
	event(&stage);
	http_client_wait(&stage.client, "\"w1\"");
	id_of(stage.client.text, "\"w1\"", id);
	(void)close(stage.client.fd);
	for (unsigned i = 0; i < LIVE_EVENTS_MAX + 5; i++)
		event(&stage);
	(void)snprintf(again, sizeof again,
		"GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: %s\r\n\r\n", id);
	http_client_open(&stage.client, &stage.loop, web_url(stage.web), again);
	http_client_wait(&stage.client, "\"w1006\"");
	CHECK_HAS(stage.client.text, "event: lost\ndata: {\"lost\":5}\n");
	CHECK_HAS(stage.client.text, "\"w7\"");
	(void)close(stage.client.fd);
	http_client_open(&stage.client, &stage.loop, web_url(stage.web),
		"GET /v1/events?kind=node HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1-1\r\n\r\n");
	http_client_wait(&stage.client, "event: lost"); /* of another run */
	CHECK(strstr(stage.client.text, "event: task") == NULL);
	(void)close(stage.client.fd);
	stage_close(&stage);
}

static void
node(struct stage *stage, const char *name)
{
	web_take_frame(stage->web, live_send_node(stage->live, name, 1, ++stage->seq, 0));
}

TEST(web_stats_begin_with_the_cluster_and_follow)
{
	struct stage stage;

	stage_open(&stage);
	hear(&stage);
	http_client_open(&stage.client, &stage.loop, web_url(stage.web),
		"GET /v1/stats HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stage.client, "event: cluster\ndata: {");
	node(&stage, "n1");
	http_client_wait(&stage.client, "\"node_id\":\"n1\"");
	(void)close(stage.client.fd);
	http_client_open(&stage.client, &stage.loop, web_url(stage.web),
		"GET /v1/stats?node=n2 HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stage.client, "retry");
	node(&stage, "n1");
	node(&stage, "n2");
	http_client_wait(&stage.client, "\"node_id\":\"n2\"");
	CHECK(strstr(stage.client.text, "\"n1\"") == NULL);
	(void)close(stage.client.fd);
	stage_close(&stage);
}

TEST(web_readers_are_bounded)
{
	struct http_client *clients = calloc(MONITOR_STREAMS_MAX, sizeof *clients);
	struct stage stage;

	stage_open(&stage);
	for (unsigned i = 0; i < MONITOR_STREAMS_MAX; i++) {
		http_client_open(&clients[i], &stage.loop, web_url(stage.web),
			"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
		http_client_wait(&clients[i], "retry");
	}
	CHECK_HAS(get(&stage, "/v1/stats"), "503 ");
	CHECK_HAS(stage.client.text, "MONITOR_STREAMS_MAX");
	for (unsigned i = 0; i < MONITOR_STREAMS_MAX; i++)
		(void)close(clients[i].fd);
	stage_close(&stage);
	free(clients);
}
