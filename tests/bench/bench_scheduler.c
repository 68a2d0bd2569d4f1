/*
 * Placements per second on one core: single tasks, no two alike, in a cluster that is
 * four fifths full; the figures are processor time, since machines are shared. First
 * the bare choice, then whole Place calls in memory, then the same through sockets.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "services/scheduler/place_service.h"
#include "services/scheduler/strategies.h"
#include "tests/lib/bench.h"

enum {
	BATCH = 1000,   /* tasks of one call */
	N_CALLS = 50,   /* calls of one measurement */
	TASKS_MAX = 64, /* on one node: never the limit here */
	ID_SIZE = 40,
};
#define GIB ((uint64_t)1 << 30)

static uint64_t chance = 1;

static uint64_t
roll(uint64_t below)
{
	chance = chance * 6364136223846793005U + 1442695040888963407U;
	return (chance >> 33) % below;
}

/* ---- a cluster, as a request ---- */

struct cluster {
	Davit__PlaceRequest request;
	Davit__PlaceNode *nodes;
	Davit__PlaceNode **node_list;
	Davit__Resources *resources;
	char (*ids)[ID_SIZE];
	Davit__PlaceSpec specs[BATCH], *spec_list[BATCH];
	Davit__TaskSpec spec_of[BATCH];
	Davit__PlaceTask tasks[BATCH], *task_list[BATCH];
	char task_ids[BATCH][ID_SIZE];
};

static void
cluster_nodes(struct cluster *cluster, uint32_t n)
{
	cluster->nodes = xcalloc(n, sizeof cluster->nodes[0]);
	cluster->node_list = xcalloc(n, sizeof(Davit__PlaceNode *));
	cluster->resources = xcalloc(2 * n, sizeof cluster->resources[0]);
	cluster->ids = xcalloc(n, ID_SIZE);
	for (uint32_t i = 0; i < n; i++) {
		Davit__PlaceNode *node = &cluster->nodes[i];

		(void)snprintf(cluster->ids[i], ID_SIZE, "01930000-0000-7000-8000-%012u", i);
		davit__place_node__init(node);
		davit__resources__init(&cluster->resources[2 * i]);
		davit__resources__init(&cluster->resources[2 * i + 1]);
		node->id = cluster->ids[i];
		node->has_schedulable = node->schedulable = true;
		node->capacity = &cluster->resources[2 * i];
		node->reserved = &cluster->resources[2 * i + 1];
		node->capacity->has_cpu_milli = node->capacity->has_memory_bytes = true;
		node->capacity->has_disk_bytes = true;
		node->capacity->cpu_milli = 8000 << roll(4);
		node->capacity->memory_bytes = node->capacity->cpu_milli / 1000 * 4 * GIB;
		node->capacity->disk_bytes = 500 * GIB;
		cluster->node_list[i] = node;
	}
	cluster->request.nodes = cluster->node_list;
	cluster->request.n_nodes = n;
}

/* A thousand tasks of a thousand sizes. */
static void
cluster_tasks(struct cluster *cluster)
{
	for (unsigned i = 0; i < BATCH; i++) {
		Davit__TaskSpec *spec = &cluster->spec_of[i];

		(void)snprintf(cluster->task_ids[i], ID_SIZE, "01940000-0000-7000-8000-%012u", i);
		davit__task_spec__init(spec);
		spec->has_cpu_milli = spec->has_memory_bytes = true;
		spec->cpu_milli = 100 + roll(2000);
		spec->memory_bytes = (64 + roll(8000)) << 20;
		davit__place_spec__init(&cluster->specs[i]);
		cluster->specs[i].id = cluster->task_ids[i];
		cluster->specs[i].spec = spec;
		cluster->spec_list[i] = &cluster->specs[i];
		davit__place_task__init(&cluster->tasks[i]);
		cluster->tasks[i].task_id = cluster->task_ids[i];
		cluster->tasks[i].spec_id = cluster->task_ids[i];
		cluster->task_list[i] = &cluster->tasks[i];
	}
	cluster->request.specs = cluster->spec_list;
	cluster->request.n_specs = BATCH;
	cluster->request.tasks = cluster->task_list;
	cluster->request.n_tasks = BATCH;
}

static struct cluster *
cluster_new(uint32_t n_nodes)
{
	struct cluster *cluster = xcalloc(1, sizeof *cluster);

	davit__place_request__init(&cluster->request);
	cluster->request.has_snapshot = cluster->request.snapshot = true;
	cluster->request.has_version = cluster->request.has_base_version = true;
	cluster->request.version = 1;
	cluster_nodes(cluster, n_nodes);
	cluster_tasks(cluster);
	return cluster;
}

static void
cluster_free(struct cluster *cluster)
{
	free(cluster->nodes);
	free(cluster->node_list);
	free(cluster->resources);
	free(cluster->ids);
	free(cluster);
}

/* ---- the bare choice ---- */

struct placed {
	struct want want;
	uint32_t row;
};

static struct want
random_want(void)
{
	return (struct want){.cpu_milli = (int64_t)(100 + roll(2000)),
		.memory_bytes = (int64_t)((64 + roll(8000)) << 20)};
}

static bool
place(struct strategies *strategies, Davit__TaskSpec__Strategy strategy, struct node_table *table,
	struct placed *ret_placed)
{
	struct choice choice;

	ret_placed->want = random_want();
	if (!strategies_choose(strategies, strategy, table, &ret_placed->want, NULL, &choice))
		return false;
	ret_placed->row = choice.row;
	node_table_take(table, choice.row, &ret_placed->want);
	return true;
}

/* Fills the cluster, then lets one task end for each that comes. */
static void
measure_choice(Davit__TaskSpec__Strategy strategy, uint32_t n_nodes, unsigned n_rounds)
{
	struct cluster *cluster = cluster_new(n_nodes);
	struct strategies *strategies = strategies_new(1);
	size_t n_most = (size_t)n_nodes * TASKS_MAX, n = 0;
	struct placed *placed = xcalloc(n_most, sizeof placed[0]);
	struct bench_series series = {0};
	struct node_table table;
	char name[80];
	double cpu_us;

	node_table_init(&table, TASKS_MAX * 100);
	node_table_update(&table, cluster->node_list, n_nodes, NULL, 0);
	/* Round-robin fills as well as any other, and fast. */
	while (n < n_most &&
		place(strategies, DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN, &table, &placed[n]))
		n++;
	for (size_t i = 0; i < n / 5; i++) {
		size_t out = roll(n);

		node_table_give(&table, placed[out].row, &placed[out].want);
		placed[out] = placed[--n];
	}
	cpu_us = bench_cpu_us();
	for (unsigned i = 0; i < n_rounds; i++) {
		size_t out = roll(n);
		uint64_t from_ns;

		node_table_give(&table, placed[out].row, &placed[out].want);
		placed[out] = placed[--n];
		from_ns = bench_now_ns();
		n += place(strategies, strategy, &table, &placed[n]);
		bench_series_add(&series, bench_now_ns() - from_ns);
	}
	cpu_us = bench_cpu_us() - cpu_us;
	(void)snprintf(name, sizeof name, "scheduler.choice.%s.%u", strategy_name(strategy),
		n_nodes);
	bench_print(name, n_rounds / cpu_us * 1e6, "placements/s");
	bench_print_series(name, &series);
	bench_series_fini(&series);
	node_table_fini(&table);
	strategies_free(strategies);
	free(placed);
	cluster_free(cluster);
}

/* ---- whole calls ---- */

static void
measure_calls(uint32_t n_nodes)
{
	struct cluster *cluster = cluster_new(n_nodes);
	struct placer *placer = placer_new(&(const struct placer_options){0});
	double before_kib = bench_rss_anon_kib(), cpu_us;
	const Davit__PlaceReply *reply = NULL;
	struct place_fault fault;
	size_t n_placed = 0;
	char name[80];

	(void)placer_place(placer, &cluster->request, &reply, &fault);
	placer_reply_done(placer);
	(void)snprintf(name, sizeof name, "scheduler.memory.%u", n_nodes);
	bench_print(name, (bench_rss_anon_kib() - before_kib) * 1024 / n_nodes, "bytes/node");
	cluster->request.snapshot = false;
	cluster->request.base_version = 1;
	cluster->request.n_nodes = 0;
	cpu_us = bench_cpu_us();
	for (unsigned i = 0; i < N_CALLS; i++) {
		if (placer_place(placer, &cluster->request, &reply, &fault) == 0)
			n_placed += reply->n_placements;
	}
	cpu_us = bench_cpu_us() - cpu_us;
	(void)snprintf(name, sizeof name, "scheduler.place.%u", n_nodes);
	bench_print(name, (double)n_placed / cpu_us * 1e6, "placements/s");
	placer_free(placer);
	cluster_free(cluster);
}

/* ---- through sockets, client and server in one process: both sides are counted ---- */

struct talk {
	struct rpc_client *client;
	struct cluster *cluster;
	uv_loop_t loop;
	unsigned n_calls;
	size_t n_placed;
};

static void ask(struct talk *talk);

static void
on_reply(const struct rpc_result *result, void *arg)
{
	struct talk *talk = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK) {
		(void)fprintf(stderr, "Place: %s\n", result->message);
		exit(EXIT_FAILURE);
	}
	talk->n_placed += ((const Davit__PlaceReply *)result->response)->n_placements;
	talk->cluster->request.snapshot = false;
	talk->cluster->request.base_version = 1;
	talk->cluster->request.n_nodes = 0;
	if (++talk->n_calls <= N_CALLS)
		ask(talk);
	else
		uv_stop(&talk->loop);
}

static void
ask(struct talk *talk)
{
	(void)rpc_client_call(talk->client, rpc_method(&davit__scheduler__descriptor, "Place"),
		&talk->cluster->request.base, &(const struct rpc_call_options){.timeout_ms = 60000},
		on_reply, talk);
}

static void
measure_rpc(uint32_t n_nodes)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__scheduler__descriptor,
		NULL};
	struct placer *placer = placer_new(&(const struct placer_options){0});
	struct talk talk = {.cluster = cluster_new(n_nodes)};
	struct rpc_server *server;
	uint64_t from_ns;
	struct err err;
	char name[80];

	(void)uv_loop_init(&talk.loop);
	if (rpc_server_open(&talk.loop, "tcp://127.0.0.1:0", services, place_service_on_call,
		    placer, &server, &err) < 0 ||
		rpc_client_open(&talk.loop, rpc_server_url(server), &talk.client, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(EXIT_FAILURE);
	}
	from_ns = bench_now_ns();
	ask(&talk);
	(void)uv_run(&talk.loop, UV_RUN_DEFAULT);
	(void)snprintf(name, sizeof name, "scheduler.rpc.%u", n_nodes);
	bench_print(name, (double)talk.n_placed * 1e9 / (double)(bench_now_ns() - from_ns),
		"placements/s");
	rpc_client_close(talk.client);
	rpc_server_close(server);
	(void)uv_run(&talk.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&talk.loop);
	placer_free(placer);
	cluster_free(talk.cluster);
}

int
main(void)
{
	static const uint32_t sizes[] = {100, 1000, 10000, 100000};

	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		measure_choice(DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, sizes[i],
			20000000 / (sizes[i] < 1000 ? 1000 : sizes[i]) * 4);
	for (Davit__TaskSpec__Strategy s = DAVIT__TASK_SPEC__STRATEGY__SPREAD;
		strategy_name(s) != NULL; s++)
		measure_choice(s, 10000, 4000);
	measure_calls(1000);
	measure_calls(10000);
	measure_rpc(1000);
	measure_rpc(10000);
	return EXIT_SUCCESS;
}
