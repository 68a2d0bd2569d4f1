#include "tests/bench/cluster/profiles.h"

#include <stdio.h>

#include "common/rpc/client.h"
#include "tests/bench/cluster/stage.h"
#include "tests/lib/bench.h"

enum {
	ARRAY = 1000,
	C1M_NODES = 5000,
	C1M_ARRAYS = 1000,
	C2M_NODES = 6100,
	C2M_ARRAYS = 2000,
	CHURN_NODES = 2000,
	CHURN_RATE = 5000, /* starts a second */
	CHURN_SECONDS = 300,
	CHURN_CALLS = 100, /* a second */
	CHURN_WARM_MS = 5000,
	CROWDS = 2,
	NODES_MIN = 10,
	DONE_MAX_MS = 270000,
};

const struct profile profiles[] = {
	{"c1m", "1,000 arrays of 1,000 short tasks on 5,000 nodes", profile_c1m},
	{"c2m", "2,000,000 tasks that stay, on 6,100 nodes", profile_c2m},
	{"churn", "5,000 starts and ends a second on 2,000 nodes", profile_churn},
	{NULL, NULL, NULL},
};

static uint32_t
scaled(const struct result *result, uint32_t n, uint32_t least)
{
	double x = n * result->scale;

	return x < least ? least : (uint32_t)x;
}

static uint32_t
scaled_nodes(const struct result *result, uint32_t n)
{
	return scaled(result, bench_setting("NODES", n), NODES_MIN);
}

/* All of them, as fast as they are taken. */
static void
submit_all(struct watch *watch, const struct stage_tasks *tasks, uint32_t n_calls)
{
	struct stage_load load = {.client = watch->cluster->client,
		.tasks = tasks,
		.n_calls = n_calls,
		.in_flight = RPC_CLIENT_CALLS_MAX - 1};

	stage_load_go(&load);
	while (load.n_done < n_calls) {
		bench_cluster_idle(watch->cluster, watch->period_ms);
		(void)watch_look(watch);
	}
}

struct goal {
	enum watch_stage stage;
	double n;
};

static bool
is_reached(const struct watch_row *row, void *arg)
{
	const struct goal *goal = arg;

	if (row->stages[WATCH_FAILED] > 0)
		bench_die("the cluster", "tasks have failed");
	return row->stages[goal->stage] >= goal->n;
}

static void
await(struct watch *watch, enum watch_stage stage, double n)
{
	struct goal goal = {stage, watch->rows[0].stages[stage] + n};

	watch_until(watch, is_reached, &goal, DONE_MAX_MS);
}

/* n_arrays arrays from submission until all have passed the stage. */
static void
run_arrays(struct result *result, struct stage *stage, const char *image, uint32_t n_arrays,
	enum watch_stage until)
{
	struct stage_tasks tasks;
	struct watch watch;

	stage_tasks_init(&tasks, image, ARRAY);
	watch_begin(&watch, &stage->cluster, stage->crowds, stage->n_crowds);
	submit_all(&watch, &tasks, n_arrays);
	await(&watch, until, (double)n_arrays * ARRAY);
	result_say(result, "nodes", stage->n_nodes, "");
	result_say(result, "tasks", (double)n_arrays * ARRAY, "");
	result_flow(result, &watch, (double)n_arrays * ARRAY);
	if (until == WATCH_STARTED)
		result_say(result, "manager_bytes_per_task",
			(watch_last(&watch)->rss_kib[WATCH_MANAGER] -
				watch.rows[0].rss_kib[WATCH_MANAGER]) *
				1024 / n_arrays / ARRAY,
			"B");
	result_end(result, &watch);
	watch_fini(&watch);
}

void
profile_c1m(struct result *result)
{
	struct stage stage;

	stage_open(&stage, scaled_nodes(result, C1M_NODES), CROWDS);
	run_arrays(result, &stage, "exit:0/after:0", scaled(result, C1M_ARRAYS, 1),
		WATCH_COMPLETED);
	stage_close(&stage);
}

void
profile_c2m(struct result *result)
{
	struct stage stage;

	stage_open(&stage, scaled_nodes(result, C2M_NODES), CROWDS);
	run_arrays(result, &stage, "run:forever", scaled(result, C2M_ARRAYS, 1), WATCH_STARTED);
	stage_close(&stage);
}

/* Submits at a steady rate for so long, however late the answers come. */
static void
submit_steadily(struct watch *watch, struct stage_load *load, double calls_per_s, double seconds)
{
	double begin_s = watch_now_s(watch), now_s = begin_s, next_look_s = begin_s;

	while (now_s < begin_s + seconds) {
		load->n_calls = (uint32_t)((now_s - begin_s) * calls_per_s) + 1;
		stage_load_go(load);
		bench_cluster_idle(watch->cluster, 1);
		now_s = watch_now_s(watch);
		if (now_s < next_look_s)
			continue;
		(void)watch_look(watch);
		next_look_s = now_s + (double)watch->period_ms / 1000;
	}
}

void
profile_churn(struct result *result)
{
	uint32_t rate = scaled(result, bench_setting("RATE", CHURN_RATE), CHURN_CALLS);
	uint32_t seconds = bench_setting("CHURN_SECONDS", CHURN_SECONDS);
	struct stage_load load = {.in_flight = RPC_CLIENT_CALLS_MAX - 1};
	struct stage_tasks tasks;
	struct stage stage;
	struct watch watch;

	stage_open(&stage, scaled_nodes(result, CHURN_NODES), CROWDS);
	stage_tasks_init(&tasks, "exit:0/after:2s", rate / CHURN_CALLS);
	load.client = stage.cluster.client;
	load.tasks = &tasks;
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	submit_steadily(&watch, &load, CHURN_CALLS, CHURN_WARM_MS / 1000.0);
	watch_fini(&watch);
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	load.n_begun = load.n_done = 0;
	submit_steadily(&watch, &load, CHURN_CALLS, seconds);
	(void)watch_look(&watch);
	result_say(result, "nodes", stage.n_nodes, "");
	result_say(result, "asked_rate", rate, "tasks/s");
	result_flow(result, &watch,
		watch_last(&watch)->stages[WATCH_COMPLETED] -
			watch.rows[0].stages[WATCH_COMPLETED]);
	result_end(result, &watch);
	watch_fini(&watch);
	stage_close(&stage);
}
