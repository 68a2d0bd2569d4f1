/* Profiles of many callers: submissions one by one, and lists while others write. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/cluster/profiles.h"
#include "tests/bench/cluster/stage.h"
#include "tests/lib/bench.h"

enum {
	BURST_NODES = 500,
	BURST_CLIENTS = 16,
	BURST_CALLS = 100000,
	CALM_CALLS = 500,  /* one after the other, by one client */
	CALM_REST_MS = 10, /* between them: nothing of the task before is under way any more */
	LISTS_NODES = 5000,
	LISTS_ARRAYS = 1000,
	LISTS_ROUNDS = 200, /* of each filter, at most */
	LISTS_ROUNDS_MIN = 5,
	LISTS_MAX_MS = 15000,
	LISTS_PAGE = 50,
	LISTS_WARM_MS = 2000, /* from the first write to the first page: all parts are at work */
	WRITE_IN_FLIGHT = 8,
};

/* ---- burst ---- */

/* One after the other, with so long a rest before each; beside them, what the syncs took. */
static void
call_calmly(struct result *result, struct stage *stage, const struct stage_tasks *one,
	const char *name, uint64_t rest_ms)
{
	struct bench_series took = {0};
	struct stage_load load = {.client = stage->cluster.client,
		.tasks = one,
		.in_flight = 1,
		.took = &took};
	const struct bench_child *manager = &stage->cluster.manager;
	double syncs = bench_child_syncs(manager), sync_us = bench_child_sync_us(manager), mean_us;
	const char *const words[] = {"p50", "p99", "sync_mean", "p50_over_sync"};
	double values[4];
	char figure[48];

	while (load.n_calls < CALM_CALLS) {
		if (rest_ms > 0)
			bench_cluster_idle(&stage->cluster, rest_ms);
		load.n_calls++;
		stage_load_go(&load);
		while (load.n_done < load.n_calls)
			(void)uv_run(&stage->cluster.loop, UV_RUN_ONCE);
	}
	syncs = bench_child_syncs(manager) - syncs;
	mean_us = (bench_child_sync_us(manager) - sync_us) / (syncs > 0 ? syncs : 1);
	values[0] = bench_series_us(&took, 50);
	values[1] = bench_series_us(&took, 99);
	values[2] = mean_us;
	values[3] = values[0] - mean_us;
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(figure, sizeof figure, "%s.%s", name, words[i]);
		result_say(result, figure, values[i], "us");
	}
	bench_series_fini(&took);
}

static bool
are_done(const struct watch_row *row, void *arg)
{
	const struct stage_load *loads = arg;

	(void)row;
	for (int i = 0; i < BURST_CLIENTS; i++)
		if (loads[i].n_done < loads[i].n_calls)
			return false;
	return true;
}

static void
burst(struct result *result, struct stage *stage, const struct stage_tasks *one, uint32_t depth)
{
	struct stage_load loads[BURST_CLIENTS];
	struct bench_series took = {0};
	struct watch watch;
	uint32_t n = profile_scaled(result, BURST_CALLS, BURST_CLIENTS) / BURST_CLIENTS;
	char name[48];
	struct err err;

	watch_begin(&watch, &stage->cluster, stage->crowds, stage->n_crowds);
	for (int i = 0; i < BURST_CLIENTS; i++) {
		loads[i] = (struct stage_load){.tasks = one,
			.n_calls = n,
			.in_flight = depth,
			.took = &took};
		if (rpc_client_open(&stage->cluster.loop, stage->cluster.manager_url,
			    &loads[i].client, &err) < 0)
			bench_die("client", err.text);
		stage_load_go(&loads[i]);
	}
	watch_until(&watch, are_done, loads, 270000);
	(void)snprintf(name, sizeof name, "depth_%u.submitted", depth);
	result_say(result, name,
		n * BURST_CLIENTS /
			watch_time_of(&watch, WATCH_SUBMITTED,
				watch.rows[0].stages[WATCH_SUBMITTED] + n * BURST_CLIENTS),
		"tasks/s");
	(void)snprintf(name, sizeof name, "depth_%u.call.p50", depth);
	result_say(result, name, bench_series_us(&took, 50) / 1000, "ms");
	(void)snprintf(name, sizeof name, "depth_%u.call.p99", depth);
	result_say(result, name, bench_series_us(&took, 99) / 1000, "ms");
	stage_await(&watch, WATCH_COMPLETED, n * BURST_CLIENTS);
	if (depth == 1) {
		result_flow(result, &watch, n * BURST_CLIENTS);
		result_end(result, &watch);
	}
	for (int i = 0; i < BURST_CLIENTS; i++)
		rpc_client_close(loads[i].client);
	bench_series_fini(&took);
	watch_fini(&watch);
}

void
profile_burst(struct result *result)
{
	struct stage stage;
	struct stage_tasks one;

	stage_open(&stage, profile_nodes(result, BURST_NODES), PROFILE_CROWDS);
	stage_tasks_init(&one, "exit:0/after:0", 1);
	call_calmly(result, &stage, &one, "one_call", CALM_REST_MS);
	call_calmly(result, &stage, &one, "next_call", 0);
	burst(result, &stage, &one, RPC_CLIENT_CALLS_MAX / 2);
	burst(result, &stage, &one, 1);
	stage_close(&stage);
}

/* ---- lists ---- */

struct list {
	const char *name;
	Davit__ListTasksRequest request;
	bool is_empty; /* nothing matches */
	struct bench_series took;
};

static void
ask_list(struct stage *stage, struct list *list)
{
	uint64_t begin_ns = bench_now_ns();
	ProtobufCMessage *reply =
		bench_call(&stage->cluster, "ListTasks", &list->request.base, false);
	size_t n = ((const Davit__ListTasksReply *)reply)->n_tasks;

	bench_series_add(&list->took, bench_now_ns() - begin_ns);
	if ((n == 0) != list->is_empty)
		bench_die(list->name, "is not the page that it should be");
	protobuf_c_message_free_unpacked(reply, NULL);
}

/* The id of a node that runs something. */
static char *
find_node(struct stage *stage, char ret_node[80])
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__Task__State running = DAVIT__TASK__STATE__RUNNING;
	const Davit__ListTasksReply *list;
	ProtobufCMessage *reply;

	request.has_limit = true;
	request.limit = 1;
	request.n_states = 1;
	request.states = &running;
	reply = bench_call(&stage->cluster, "ListTasks", &request.base, false);
	list = (const Davit__ListTasksReply *)reply;
	if (list->n_tasks != 1 || list->tasks[0]->node_id == NULL)
		bench_die("ListTasks", "nothing runs");
	(void)snprintf(ret_node, 80, "%.79s", list->tasks[0]->node_id);
	protobuf_c_message_free_unpacked(reply, NULL);
	return ret_node;
}

static void
ask_lists(struct result *result, struct stage *stage, const char *when)
{
	static const Davit__ListTasksRequest blank = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__Task__State running = DAVIT__TASK__STATE__RUNNING;
	Davit__StringEntry app = DAVIT__STRING_ENTRY__INIT, nobody = DAVIT__STRING_ENTRY__INIT;
	Davit__StringEntry *apps[] = {&app}, *nobodies[] = {&nobody};
	struct list lists[] = {{.name = "all"}, {.name = "running"}, {.name = "label"},
		{.name = "running_on_node_with_label"},
		{.name = "name_of_nobody", .is_empty = true},
		{.name = "label_of_nobody", .is_empty = true}};
	char name[80], node[80];
	int n_rounds = (int)profile_scaled(result, LISTS_ROUNDS, LISTS_ROUNDS_MIN);
	uint64_t end_ns;

	app.key = nobody.key = (char *)(uintptr_t) "app";
	app.value = (char *)(uintptr_t) "web";
	nobody.value = (char *)(uintptr_t) "nobody";
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		lists[i].request = blank;
		lists[i].request.has_limit = true;
		lists[i].request.limit = LISTS_PAGE;
	}
	lists[1].request.states = lists[3].request.states = &running;
	lists[1].request.n_states = lists[3].request.n_states = 1;
	lists[2].request.labels = lists[3].request.labels = apps;
	lists[2].request.n_labels = lists[3].request.n_labels = 1;
	lists[3].request.node = find_node(stage, node);
	lists[4].request.name = (char *)(uintptr_t) "nobody";
	lists[5].request.labels = nobodies;
	lists[5].request.n_labels = 1;
	end_ns = bench_now_ns() + LISTS_MAX_MS * UINT64_C(1000000);
	for (int round = 0; round < n_rounds && bench_now_ns() < end_ns; round++)
		for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
			ask_list(stage, &lists[i]);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		(void)snprintf(name, sizeof name, "%s.%s.p50", when, lists[i].name);
		result_say(result, name, bench_series_us(&lists[i].took, 50) / 1000, "ms");
		(void)snprintf(name, sizeof name, "%s.%s.p99", when, lists[i].name);
		result_say(result, name, bench_series_us(&lists[i].took, 99) / 1000, "ms");
		bench_series_fini(&lists[i].took);
	}
}

void
profile_lists(struct result *result)
{
	uint32_t n_arrays = profile_scaled(result, LISTS_ARRAYS, 1);
	Davit__StringEntry app = DAVIT__STRING_ENTRY__INIT, *labels[] = {&app};
	struct stage stage;
	struct stage_tasks tasks, short_ones;
	struct watch watch;
	struct rpc_client *writer;
	struct stage_load load;
	struct err err;

	app.key = (char *)(uintptr_t) "app";
	app.value = (char *)(uintptr_t) "web";
	/* Thousands of machines: they do not keep what is asked waiting for a core. */
	(void)setenv("CROWD_NICENESS", "10", 0);
	stage_open(&stage, profile_nodes(result, LISTS_NODES), PROFILE_CROWDS);
	stage_tasks_init(&tasks, "run:forever", PROFILE_ARRAY);
	tasks.spec.labels = labels;
	tasks.spec.n_labels = 1;
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	stage_submit(&watch, &tasks, n_arrays);
	stage_await(&watch, WATCH_STARTED, (double)n_arrays * PROFILE_ARRAY);
	watch_fini(&watch);
	result_say(result, "nodes", stage.n_nodes, "");
	result_say(result, "tasks", (double)n_arrays * PROFILE_ARRAY, "");
	ask_lists(result, &stage, "calm");

	stage_tasks_init(&short_ones, "exit:0/after:0", PROFILE_ARRAY);
	if (rpc_client_open(&stage.cluster.loop, stage.cluster.manager_url, &writer, &err) < 0)
		bench_die("client", err.text);
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	load = (struct stage_load){.client = writer,
		.tasks = &short_ones,
		.n_calls = UINT32_MAX,
		.in_flight = WRITE_IN_FLIGHT};
	stage_load_go(&load);
	bench_cluster_idle(&stage.cluster, LISTS_WARM_MS);
	ask_lists(result, &stage, "writing");
	load.n_calls = load.n_begun;
	(void)watch_look(&watch);
	result_flow(result, &watch,
		watch_last(&watch)->stages[WATCH_COMPLETED] -
			watch.rows[0].stages[WATCH_COMPLETED]);
	result_end(result, &watch);
	stage_load_run(&load, &watch);
	rpc_client_close(writer);
	watch_fini(&watch);
	stage_close(&stage);
}
