/*
 * Placements per second on one core: single tasks, no two alike, in a cluster that is
 * four fifths full; the figures are processor time, since machines are shared. First
 * the bare choice, then whole Place calls in memory (plain, with spreads and anti-affinity,
 * with constraints), then the same through sockets; memory per node; and how densely it packs.
 * With "plot" as an argument: cost by nodes and by tasks only.
 */
#include "tests/bench/scheduler_cluster.h"

#include <sys/wait.h>
#include <unistd.h>

#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "services/scheduler/place_service.h"
#include "services/scheduler/strategies.h"
#include "tests/bench/scheduler_packing.h"

enum {
	N_CALLS = 50, /* calls of one measurement */
	N_RUNS = 5,   /* parts of one measurement: the quickest counts, since machines are shared */
	TASKS_MAX = 64, /* on one node: never the limit here */
};

/* ---- the bare choice ---- */

struct choosing {
	struct cluster cluster;
	struct filters *filters;
	struct strategies *strategies;
	Davit__TaskSpec spec;
};

struct placed {
	struct want want;
	uint32_t row;
};

static bool
choose(struct choosing *choosing, Davit__TaskSpec__Strategy strategy, struct placed *ret_placed)
{
	struct demand demand;
	struct seek seek = {.table = &choosing->cluster.table, .demand = &demand};
	struct choice choice;
	struct err err;
	bool found;

	choosing->spec.cpu_milli = 100 + roll(2000);
	choosing->spec.memory_bytes = (64 + roll(8000)) << 20;
	demand_init(&demand, seek.table, &choosing->spec);
	found = filters_get(choosing->filters, &choosing->spec, "", &seek.filter, &err) == 0 &&
		strategies_choose(choosing->strategies, strategy, &seek, &choice);
	ret_placed->want = demand.want;
	demand_fini(&demand, &choosing->cluster);
	if (!found)
		return false;
	ret_placed->row = choice.row;
	node_table_take(seek.table, choice.row, &ret_placed->want);
	return true;
}

static void
choosing_open(struct choosing *choosing, const struct bench_cluster *from)
{
	struct place_fault fault;

	*choosing = (struct choosing){.spec = DAVIT__TASK_SPEC__INIT};
	cluster_init(&choosing->cluster, TASKS_MAX * 100);
	if (cluster_apply(&choosing->cluster, &from->request, &fault) < 0)
		exit(EXIT_FAILURE);
	choosing->filters = filters_new(&choosing->cluster);
	choosing->strategies = strategies_new(1);
}

static void
choosing_close(struct choosing *choosing)
{
	strategies_free(choosing->strategies);
	filters_free(choosing->filters);
	cluster_fini(&choosing->cluster);
}

/* Fills the cluster, then lets one task end for each that comes. */
static void
measure_choice(Davit__TaskSpec__Strategy strategy, uint32_t n_nodes, unsigned n_rounds)
{
	struct bench_cluster *cluster = bench_cluster_new(n_nodes, 0);
	size_t n_most = (size_t)n_nodes * TASKS_MAX, n = 0;
	struct placed *placed = xcalloc(n_most, sizeof placed[0]);
	struct bench_series series = {0};
	struct choosing choosing;
	char name[80];
	double best_us = 0;

	choosing_open(&choosing, cluster);
	/* Round-robin fills as well as any other, and fast. */
	while (n < n_most && choose(&choosing, DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN, &placed[n]))
		n++;
	for (size_t i = 0; i < n / 5; i++) {
		size_t out = roll(n);

		node_table_give(&choosing.cluster.table, placed[out].row, &placed[out].want);
		placed[out] = placed[--n];
	}
	n += choose(&choosing, strategy, &placed[n]); /* the order is made */
	for (unsigned run = 0; run < N_RUNS; run++) {
		double cpu_us = bench_cpu_us();

		for (unsigned i = 0; i < n_rounds / N_RUNS; i++) {
			size_t out = roll(n);

			node_table_give(&choosing.cluster.table, placed[out].row,
				&placed[out].want);
			placed[out] = placed[--n];
			n += choose(&choosing, strategy, &placed[n]);
		}
		cpu_us = bench_cpu_us() - cpu_us;
		best_us = run == 0 || cpu_us < best_us ? cpu_us : best_us;
	}
	(void)snprintf(name, sizeof name, "scheduler.choice.%s.%u", strategy_name(strategy),
		n_nodes);
	bench_print(name, n_rounds / N_RUNS / best_us * 1e6, "placements/s");
	for (unsigned i = 0; i < n_rounds / 4; i++) { /* apart: looking at the clock costs, too */
		size_t out = roll(n);
		uint64_t from_ns;

		node_table_give(&choosing.cluster.table, placed[out].row, &placed[out].want);
		placed[out] = placed[--n];
		from_ns = bench_now_ns();
		n += choose(&choosing, strategy, &placed[n]);
		bench_series_add(&series, bench_now_ns() - from_ns);
	}
	bench_print_series(name, &series);
	bench_series_fini(&series);
	choosing_close(&choosing);
	free(placed);
	bench_cluster_free(cluster);
}

/* ---- whole calls ---- */

static const Davit__PlaceReply *
place(struct placer *placer, const Davit__PlaceRequest *request)
{
	const Davit__PlaceReply *reply;
	struct place_fault fault;

	if (placer_place(placer, request, &reply, &fault) < 0) {
		(void)fprintf(stderr, "Place: %s: %s\n", fault.field, fault.err.text);
		exit(EXIT_FAILURE);
	}
	return reply;
}

/* µs of processor time a task, of the quickest tenth of n_calls of BATCH tasks each. */
static double
measure_calls(uint32_t n_nodes, unsigned features, unsigned n_calls, const char *what)
{
	struct bench_cluster *cluster = bench_cluster_new(n_nodes, features);
	struct placer *placer =
		placer_new(&(const struct placer_options){.tasks_per_node_max = 5000});
	double cpu_us;
	struct bench_series calls = {0};
	size_t n_placed = 0;
	char name[80];

	cluster->request.n_tasks = cluster->request.n_specs = 1; /* all that it keeps is made */
	(void)place(placer, &cluster->request);
	cluster->request.n_tasks = cluster->request.n_specs = BATCH;
	bench_cluster_go_on(cluster);
	for (unsigned i = 0; i < n_calls; i++) {
		double from_us = bench_cpu_us();

		n_placed += place(placer, &cluster->request)->n_placements;
		from_us = bench_cpu_us() - from_us;
		bench_series_add(&calls, (uint64_t)(from_us * 1000));
	}
	cpu_us = bench_series_us(&calls, 10);
	bench_series_fini(&calls);
	(void)snprintf(name, sizeof name, "scheduler.%s.%u", what, n_nodes);
	bench_print(name, (double)n_placed / n_calls / cpu_us * 1e6, "placements/s");
	(void)snprintf(name, sizeof name, "scheduler.%s.%u.share_placed", what, n_nodes);
	bench_print(name, (double)n_placed / n_calls / BATCH, "of 1");
	placer_free(placer);
	bench_cluster_free(cluster);
	return cpu_us / BATCH;
}

/* ---- memory ---- */

/* In a process of its own: room that was given back before would be taken again, and not be seen.
 */
static void
measure_memory(uint32_t n_nodes, size_t n_labels)
{
	struct bench_cluster *cluster = bench_cluster_new(n_nodes, 0);
	double before_kib = bench_rss_anon_kib();
	struct placer *placer =
		placer_new(&(const struct placer_options){.tasks_per_node_max = 5000});
	char name[80];

	for (uint32_t i = 0; i < n_nodes; i++)
		cluster->nodes[i].n_labels = n_labels;
	cluster->request.n_tasks = cluster->request.n_specs = 1;
	(void)place(placer, &cluster->request);
	(void)snprintf(name, sizeof name, "scheduler.memory.%u%s", n_nodes,
		n_labels > 0 ? ".with_a_label" : "");
	bench_print(name, (bench_rss_anon_kib() - before_kib) * 1024 / n_nodes, "bytes/node");
	placer_free(placer);
	bench_cluster_free(cluster);
}

static void
print_memory(void)
{
	static const uint32_t sizes[] = {1000, 10000, 100000};

	for (unsigned i = 0; i < 6; i++) {
		uint32_t n_nodes = sizes[i / 2];
		pid_t pid;
		int status = 0;

		(void)fflush(stdout);
		pid = fork();
		if (pid == 0) {
			measure_memory(n_nodes, i % 2);
			exit(EXIT_SUCCESS);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
			(void)fprintf(stderr, "scheduler.memory.%u: not measured\n", n_nodes);
	}
}

/* ---- through sockets, client and server in one process: both sides are counted ---- */

struct talk {
	struct rpc_client *client;
	struct bench_cluster *cluster;
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
	bench_cluster_go_on(talk->cluster);
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
	struct talk talk = {.cluster = bench_cluster_new(n_nodes, 0)};
	struct rpc_server *server;
	uint64_t from_ns;
	double cpu_us;
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
	cpu_us = bench_cpu_us();
	ask(&talk);
	(void)uv_run(&talk.loop, UV_RUN_DEFAULT);
	(void)snprintf(name, sizeof name, "scheduler.rpc.%u", n_nodes);
	bench_print(name, (double)talk.n_placed * 1e9 / (double)(bench_now_ns() - from_ns),
		"placements/s");
	(void)snprintf(name, sizeof name, "scheduler.rpc.cpu.%u", n_nodes);
	bench_print(name, (double)talk.n_placed * 1e6 / (bench_cpu_us() - cpu_us), "placements/s");
	rpc_client_close(talk.client);
	rpc_server_close(server);
	(void)uv_run(&talk.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&talk.loop);
	placer_free(placer);
	bench_cluster_free(talk.cluster);
}

/* µs of processor time a task: n_tasks in calls of a thousand at most, the quickest of some tries.
 */
static double
measure_cost(uint32_t n_nodes, uint32_t n_tasks, unsigned features)
{
	struct bench_cluster *cluster = bench_cluster_new(n_nodes, features);
	struct placer *placer =
		placer_new(&(const struct placer_options){.tasks_per_node_max = 5000});
	uint32_t n = n_tasks < BATCH ? n_tasks : BATCH;
	unsigned n_tries = n_tasks < BATCH ? 30 : 5;
	double best_us = 0;

	cluster->request.n_tasks = cluster->request.n_specs = n;
	(void)place(placer, &cluster->request);
	bench_cluster_go_on(cluster);
	for (unsigned try = 0; try < n_tries; try++) {
		double from_us = bench_cpu_us(), us;

		for (uint32_t done = 0; done < n_tasks; done += n)
			(void)place(placer, &cluster->request);
		us = (bench_cpu_us() - from_us) / n_tasks;
		best_us = try == 0 || us < best_us ? us : best_us;
	}
	placer_free(placer);
	bench_cluster_free(cluster);
	return best_us;
}

/* For tests/bench/plot_scheduler.sh: nodes, tasks, and µs a task without and with wishes. */
static void
print_plot(void)
{
	for (uint32_t n_tasks = 100; n_tasks <= 100000; n_tasks *= 10) {
		for (uint32_t n_nodes = 100; n_nodes <= 100000; n_nodes *= 10)
			(void)printf("%u %u %.3f %.3f\n", n_nodes, n_tasks,
				measure_cost(n_nodes, n_tasks, 0),
				measure_cost(n_nodes, n_tasks, FEATURE_WISHES));
		(void)printf("\n\n");
		(void)fflush(stdout);
	}
}

static void
print_choice(void)
{
	static const uint32_t sizes[] = {100, 1000, 10000, 100000};

	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		measure_choice(DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, sizes[i], 200000);
	for (Davit__TaskSpec__Strategy s = DAVIT__TASK_SPEC__STRATEGY__SPREAD;
		strategy_name(s) != NULL; s++)
		measure_choice(s, 10000, 20000);
}

static void
print_place(void)
{
	for (uint32_t n = 1000; n <= 100000; n *= 10)
		(void)measure_calls(n, 0, N_CALLS, "place");
}

static void
print_wishes(void)
{
	(void)measure_calls(5000, FEATURE_WISHES, N_CALLS, "wishes");
}

static void
print_constrained(void)
{
	bench_print("scheduler.constrained.100000_tasks_on_5000_nodes",
		measure_calls(5000, FEATURE_CONSTRAINT, 100, "constrained") * 100000 / 1e6, "s");
}

static void
print_rpc(void)
{
	measure_rpc(1000);
	measure_rpc(10000);
}

static const struct {
	const char *name;
	void (*print)(void);
	bool is_asked; /* only when it is named */
} parts[] = {
	{"memory", print_memory, false}, /* first: the heap is as it began */
	{"choice", print_choice, false},
	{"place", print_place, false},
	{"wishes", print_wishes, false},
	{"constrained", print_constrained, false},
	{"rpc", print_rpc, false},
	{"packing", packing_print, false},
	{"plot", print_plot, true},
};

int
main(int argc, char **argv)
{
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (argc > 1 ? strcmp(argv[1], parts[i].name) == 0 : !parts[i].is_asked)
			parts[i].print();
	return EXIT_SUCCESS;
}
