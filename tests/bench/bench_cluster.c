/*
 * Tasks per second from end to end: the real manager and scheduler, real worker cores
 * over real sockets with engines in memory, and a client that submits in batches. Every
 * answer comes after the sync that makes it durable. The containers of a task take no time:
 * what is measured is Davit. First with an empty history; then with a full one, where for
 * each task that ends an old one goes, with its container and records.
 *
 * BENCH_TASKS, BENCH_WORKERS, BENCH_BATCH, BENCH_ROUNDS change the amounts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/process.h"
#include "proto/manager.pb-c.h"
#include "services/worker/worker_shell.h"
#include "tests/lib/bench.h"
#include "tests/lib/bench_cluster.h"

enum {
	TASKS = 10000,
	WORKERS = 10,
	PLAYERS = 2, /* processes that play the workers */
	BATCH = 100, /* tasks of one call */
	ROUNDS = 5,  /* after the fresh one */
	IN_FLIGHT = RPC_CLIENT_CALLS_MAX,
	ROUND_MAX_MS = 60000,
	LOOK_MS = 10, /* between two looks at the counts */
	NAME_SIZE = 80,
};
#define GIB ((uint64_t)1 << 30)

/* ---- the child that plays the workers ---- */

static void
on_stop(void *arg)
{
	uv_stop(arg);
}

static struct worker_shell *
open_worker(uv_loop_t *loop, char **argv, unsigned index)
{
	char name[NAME_SIZE], folder[BENCH_PATH_SIZE + NAME_SIZE];
	struct worker_shell_options options = {.name = name,
		.manager_url = argv[2],
		.stats_url = argv[3],
		.docker_host = "mem://",
		.state_dir = folder,
		.cpu_milli = 1000000,
		.memory_bytes = 4096 * GIB,
		.disk_bytes = 4096 * GIB,
		.stats_interval_ms = 1000};
	struct worker_shell *shell;
	struct err err;

	(void)snprintf(name, sizeof name, "bench-%u", index);
	(void)snprintf(folder, sizeof folder, "%s/%s", argv[4], name);
	if (worker_shell_open(loop, &options, &shell, &err) < 0)
		bench_die(name, err.text);
	return shell;
}

static int
play_workers(char **argv)
{
	unsigned first = (unsigned)strtoul(argv[5], NULL, 10);
	unsigned n = (unsigned)strtoul(argv[6], NULL, 10);
	struct process_signals *signals;
	uv_loop_t *loop = uv_default_loop();
	struct err err;

	log_open("worker", LOG_LVL_WARN);
	for (unsigned i = first; i < first + n; i++)
		(void)open_worker(loop, argv, i);
	if (process_signals_start(loop, on_stop, NULL, loop, &signals, &err) < 0)
		bench_die("signals", err.text);
	(void)uv_run(loop, UV_RUN_DEFAULT);
	_exit(EXIT_SUCCESS); /* a kill is what a worker must survive anyway */
}

static void
start_workers(struct bench_cluster *cluster, struct bench_child workers[PLAYERS], uint32_t n)
{
	for (uint32_t i = 0; i < PLAYERS; i++) {
		char first[16], count[16];
		const char *const args[] = {"workers", cluster->manager_url, cluster->stats_url,
			cluster->folder, first, count, NULL};

		(void)snprintf(first, sizeof first, "%u", n * i / PLAYERS);
		(void)snprintf(count, sizeof count, "%u", n * (i + 1) / PLAYERS - n * i / PLAYERS);
		(void)snprintf(workers[i].name, sizeof workers[i].name, "workers-%u", i);
		bench_child_start(&workers[i], cluster->folder, "self", true, args);
	}
	bench_cluster_wait_nodes(cluster, n, ROUND_MAX_MS);
}

/* ---- the client ---- */

struct submission {
	struct bench_cluster *cluster;
	Davit__SubmitTasksRequest request;
	Davit__TaskSpec spec;
	uint32_t n_calls, n_begun, n_done;
};

static void submit_next(struct submission *submission);

static void
on_submitted(const struct rpc_result *result, void *arg)
{
	struct submission *submission = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		bench_die("SubmitTasks", result->message);
	submission->n_done++;
	submit_next(submission);
}

static void
submit_next(struct submission *submission)
{
	char id[RPC_REQUEST_ID_SIZE];

	if (submission->n_begun == submission->n_calls)
		return;
	submission->n_begun++;
	rpc_request_id_make(id);
	(void)rpc_client_call(submission->cluster->client,
		rpc_method(&davit__manager__descriptor, "SubmitTasks"), &submission->request.base,
		&(struct rpc_call_options){.timeout_ms = ROUND_MAX_MS, .request_id = id},
		on_submitted, submission);
}

static void
submission_init(struct submission *submission, struct bench_cluster *cluster, uint32_t n_calls,
	uint32_t batch)
{
	*submission = (struct submission){.cluster = cluster, .n_calls = n_calls};
	davit__task_spec__init(&submission->spec);
	submission->spec.image = (char *)(uintptr_t) "exit:0/after:0";
	submission->spec.has_cpu_milli = submission->spec.has_memory_bytes = true;
	submission->spec.cpu_milli = 50;
	submission->spec.memory_bytes = 16 << 20;
	submission->spec.has_strategy = true; /* the default fills one node after the other */
	submission->spec.strategy = DAVIT__TASK_SPEC__STRATEGY__SPREAD;
	davit__submit_tasks_request__init(&submission->request);
	submission->request.spec = &submission->spec;
	submission->request.has_count = true;
	submission->request.count = batch;
}

/* ---- one round ---- */

struct costs {
	double cpu_us[4]; /* manager, scheduler, workers, client */
	double syncs[2], sync_us[2];
};

static struct costs
costs_now(const struct bench_cluster *cluster, const struct bench_child workers[PLAYERS])
{
	struct costs costs = {{bench_child_cpu_us(&cluster->manager),
				      bench_child_cpu_us(&cluster->scheduler), 0, bench_cpu_us()},
		{bench_child_syncs(&cluster->manager), 0},
		{bench_child_sync_us(&cluster->manager), 0}};

	for (uint32_t i = 0; i < PLAYERS; i++) {
		costs.cpu_us[2] += bench_child_cpu_us(&workers[i]);
		costs.syncs[1] += bench_child_syncs(&workers[i]);
		costs.sync_us[1] += bench_child_sync_us(&workers[i]);
	}
	return costs;
}

struct round {
	double submitted_s, placed_s, started_s, completed_s; /* since the begin, for all */
	struct costs costs;
};

static double
since_s(uint64_t begin_ns)
{
	return (double)(bench_now_ns() - begin_ns) / 1e9;
}

static void
wait_until_ended(struct bench_cluster *cluster, uint64_t begin_ns, struct round *round)
{
	struct bench_counts counts;

	do {
		double now_s;

		bench_cluster_idle(cluster, LOOK_MS);
		counts = bench_cluster_counts(cluster);
		now_s = since_s(begin_ns);
		if (counts.pending > 0)
			round->placed_s = now_s;
		if (counts.pending + counts.scheduled > 0)
			round->started_s = now_s;
		round->completed_s = now_s;
		if (now_s > ROUND_MAX_MS / 1000.0)
			bench_die("round", "tasks do not end in time");
	} while (counts.pending + counts.scheduled + counts.running > 0);
	if (counts.failed > 0)
		bench_die("round", "tasks have failed");
}

static struct round
run_round(struct bench_cluster *cluster, const struct bench_child *workers, uint32_t n_tasks,
	uint32_t batch)
{
	struct round round = {0};
	struct costs before = costs_now(cluster, workers), after;
	struct submission submission;
	uint64_t begin_ns = bench_now_ns();

	submission_init(&submission, cluster, n_tasks / batch, batch);
	for (uint32_t i = 0; i < IN_FLIGHT; i++)
		submit_next(&submission);
	while (submission.n_done < submission.n_calls)
		(void)uv_run(&cluster->loop, UV_RUN_ONCE);
	round.submitted_s = round.placed_s = round.started_s = since_s(begin_ns);
	wait_until_ended(cluster, begin_ns, &round);
	after = costs_now(cluster, workers);
	for (int i = 0; i < 4; i++)
		round.costs.cpu_us[i] = (after.cpu_us[i] - before.cpu_us[i]) / n_tasks;
	for (int i = 0; i < 2; i++) {
		round.costs.syncs[i] = after.syncs[i] - before.syncs[i];
		round.costs.sync_us[i] = after.sync_us[i] - before.sync_us[i];
	}
	return round;
}

static int
faster(const void *a, const void *b)
{
	double x = ((const struct round *)a)->completed_s;
	double y = ((const struct round *)b)->completed_s;

	return x < y ? -1 : x > y;
}

static void
say(const char *set, const char *what, double value, const char *unit)
{
	char name[NAME_SIZE];

	(void)snprintf(name, sizeof name, "cluster.%.12s.%.30s", set, what);
	bench_print(name, value, unit);
}

static void
say_round(const char *set, const struct round *round, uint32_t n_tasks)
{
	static const char *const parts[] = {"manager", "scheduler", "workers", "client"};
	double sum_us = 0;
	char what[NAME_SIZE];

	say(set, "submitted", n_tasks / round->submitted_s, "tasks/s");
	say(set, "placed", n_tasks / round->placed_s, "tasks/s");
	say(set, "delivered", n_tasks / round->started_s, "tasks/s");
	say(set, "completed", n_tasks / round->completed_s, "tasks/s");
	for (int i = 0; i < 4; i++) {
		(void)snprintf(what, sizeof what, "cpu.%s", parts[i]);
		say(set, what, round->costs.cpu_us[i], "us/task");
		sum_us += round->costs.cpu_us[i];
	}
	say(set, "cpu.all", sum_us, "us/task");
	say(set, "cpu.of_two_cores", sum_us * n_tasks / round->completed_s / 2e4, "%");
	say(set, "syncs.manager", round->costs.syncs[0], "");
	say(set, "syncs.manager.wait", round->costs.sync_us[0] / 1e3, "ms");
	say(set, "syncs.workers", round->costs.syncs[1], "");
	say(set, "syncs.workers.wait", round->costs.sync_us[1] / 1e3, "ms");
}

/* The median of some rounds, and the extremes. */
static void
measure(struct bench_cluster *cluster, const struct bench_child *workers, const char *set,
	uint32_t batch)
{
	uint32_t n_tasks = bench_setting("BENCH_TASKS", TASKS);
	uint32_t n_rounds = bench_setting("BENCH_ROUNDS", ROUNDS);
	struct round *rounds = xcalloc(n_rounds, sizeof *rounds);

	for (uint32_t i = 0; i < n_rounds; i++)
		rounds[i] = run_round(cluster, workers, n_tasks, batch);
	qsort(rounds, n_rounds, sizeof *rounds, faster);
	say_round(set, &rounds[n_rounds / 2], n_tasks);
	say(set, "completed.best", n_tasks / rounds[0].completed_s, "tasks/s");
	say(set, "completed.worst", n_tasks / rounds[n_rounds - 1].completed_s, "tasks/s");
	free(rounds);
}

int
main(int argc, char **argv)
{
	uint32_t n_workers = bench_setting("BENCH_WORKERS", WORKERS);
	uint32_t n_tasks = bench_setting("BENCH_TASKS", TASKS);
	struct round fresh;
	struct bench_child workers[PLAYERS] = {0};
	struct bench_cluster cluster;

	process_begin();
	if (argc == 7 && strcmp(argv[1], "workers") == 0)
		return play_workers(argv);
	bench_cluster_start(&cluster, true, true);
	start_workers(&cluster, workers, n_workers);
	fresh = run_round(&cluster, workers, n_tasks, bench_setting("BENCH_BATCH", BATCH));
	say_round("fresh", &fresh, n_tasks);
	measure(&cluster, workers, "batches", bench_setting("BENCH_BATCH", BATCH));
	measure(&cluster, workers, "singles", 1);
	bench_print("cluster.store", bench_cluster_store_bytes(&cluster) / 1024, "KiB");
	bench_print("cluster.rss_anon.manager", bench_child_rss_anon_kib(&cluster.manager), "KiB");
	bench_print("cluster.rss_anon.scheduler", bench_child_rss_anon_kib(&cluster.scheduler),
		"KiB");
	for (uint32_t i = 0; i < PLAYERS; i++)
		bench_child_stop(&workers[i]);
	bench_cluster_stop(&cluster);
	return EXIT_SUCCESS;
}
