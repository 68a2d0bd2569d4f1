#include "tests/bench/cluster/profiles.h"

#include <stdio.h>

#include "common/rpc/client.h"
#include "tests/bench/cluster/quick_engine.h"
#include "tests/bench/cluster/stage.h"
#include "tests/lib/bench.h"

enum {
	C1M_NODES = 5000,
	C1M_ARRAYS = 1000,
	C2M_NODES = 6100,
	C2M_ARRAYS = 2000,
	CHURN_NODES = 2000,
	CHURN_RATE = 5000, /* starts a second */
	CHURN_SECONDS = 300,
	CHURN_CALLS = 100, /* a second */
	CHURN_WARM_MS = 5000,
	NODES_MIN = 10,
	ENGINE_LIVES = 100000,
};

const struct profile profiles[] = {
	{"c1m", "1,000 arrays of 1,000 short tasks on 5,000 nodes", profile_c1m},
	{"c2m", "2,000,000 tasks that stay, on 6,100 nodes", profile_c2m},
	{"churn", "5,000 starts and ends a second on 2,000 nodes", profile_churn},
	{"burst", "100,000 single submissions by 16 clients", profile_burst},
	{"failover", "a third of 3,000 nodes dies at once", profile_failover},
	{"restart", "the manager is killed with 1,000,000 tasks running", profile_restart},
	{"lists", "pages of 1,000,000 tasks while others come and go", profile_lists},
	{"flat", "cost of a task, of 1,000 to 1,000,000", profile_flat},
	{NULL, NULL, NULL},
};

uint32_t
profile_scaled(const struct result *result, uint32_t n, uint32_t least)
{
	double x = n * result->scale;

	return x < least ? least : (uint32_t)x;
}

uint32_t
profile_nodes(const struct result *result, uint32_t n)
{
	return profile_scaled(result, bench_setting("NODES", n), NODES_MIN);
}

/* n_arrays arrays from submission until all have passed the stage. */
static void
run_arrays(struct result *result, struct stage *stage, const char *image, uint32_t n_arrays,
	enum watch_stage until)
{
	struct stage_tasks tasks;
	struct watch watch;

	stage_tasks_init(&tasks, image, PROFILE_ARRAY);
	watch_begin(&watch, &stage->cluster, stage->crowds, stage->n_crowds);
	stage_submit(&watch, &tasks, n_arrays);
	stage_await(&watch, until, (double)n_arrays * PROFILE_ARRAY);
	result_say(result, "nodes", stage->n_nodes, "");
	result_say(result, "tasks", (double)n_arrays * PROFILE_ARRAY, "");
	result_flow(result, &watch, (double)n_arrays * PROFILE_ARRAY);
	if (until == WATCH_STARTED)
		result_say(result, "manager_bytes_per_task",
			(watch_last(&watch)->rss_kib[WATCH_MANAGER] -
				watch.rows[0].rss_kib[WATCH_MANAGER]) *
				1024 / n_arrays / PROFILE_ARRAY,
			"B");
	result_end(result, &watch);
	watch_fini(&watch);
}

/* What the engines in memory add to each life: they are the driver's, not the worker's. */
static void
say_engine(struct result *result)
{
	static const char body[] =
		"{\"Image\":\"exit:0/after:0\",\"Labels\":{\"davit.task\":"
		"\"01890000-0000-7000-8000-00000000aaaa\",\"davit.attempt\":\"1\"}}";
	struct engine *engine = quick_engine_open(1000, 1 << 30);
	double begin_us = bench_cpu_us();

	for (uint64_t i = 0; i < ENGINE_LIVES; i++)
		quick_engine_live(engine, body, i);
	result_say(result, "engine_alone", (bench_cpu_us() - begin_us) / ENGINE_LIVES, "us");
	engine_close(engine);
}

void
profile_c1m(struct result *result)
{
	struct stage stage;

	say_engine(result);
	stage_open(&stage, profile_nodes(result, C1M_NODES), PROFILE_CROWDS);
	run_arrays(result, &stage, "exit:0/after:0", profile_scaled(result, C1M_ARRAYS, 1),
		WATCH_COMPLETED);
	stage_close(&stage);
}

void
profile_c2m(struct result *result)
{
	struct stage stage;

	stage_open(&stage, profile_nodes(result, C2M_NODES), PROFILE_CROWDS);
	run_arrays(result, &stage, "run:forever", profile_scaled(result, C2M_ARRAYS, 1),
		WATCH_STARTED);
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
	uint32_t rate = profile_scaled(result, bench_setting("RATE", CHURN_RATE), CHURN_CALLS);
	uint32_t seconds = bench_setting("CHURN_SECONDS", CHURN_SECONDS);
	struct stage_load load = {.in_flight = RPC_CLIENT_CALLS_MAX - 1};
	struct stage_tasks tasks;
	struct stage stage;
	struct watch watch;

	stage_open(&stage, profile_nodes(result, CHURN_NODES), PROFILE_CROWDS);
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
