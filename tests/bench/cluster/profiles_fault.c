/* Profiles in which something dies. */
#include <math.h>
#include <stdlib.h>

#include "tests/bench/cluster/profiles.h"
#include "tests/bench/cluster/stage.h"
#include "tests/lib/bench.h"

enum {
	FAILOVER_NODES = 3000,
	FAILOVER_CROWDS = 3, /* one of them dies */
	FAILOVER_TASKS_PER_NODE = 13,
	FAILOVER_CPU_MILLI = 2000, /* so that 20 fit a node, and the dead ones' on the others */
	FAILOVER_LOOK_MS = 50,
	FAILOVER_MAX_MS = 120000,
	RESTART_NODES = 5000,
	RESTART_ARRAYS = 1000,
	RESTART_LOOK_MS = 20,
	RESTART_MAX_MS = 120000,
};

/* ---- nodes die ---- */

struct loss {
	uint32_t n_before, n_after; /* nodes that are ready */
	double n_tasks;             /* that ran there */
	double first_seen_s, all_seen_s, placed_s;
	const struct watch_row *first;
};

static bool
is_mended(const struct watch_row *row, void *arg)
{
	struct loss *loss = arg;
	double failed = row->stages[WATCH_FAILED] - loss->first->stages[WATCH_FAILED];

	if (loss->first_seen_s < 0 && row->nodes_ready < loss->n_before)
		loss->first_seen_s = row->at_s;
	if (loss->all_seen_s < 0 && row->nodes_ready <= loss->n_after)
		loss->all_seen_s = row->at_s;
	if (loss->placed_s < 0 && failed >= loss->n_tasks && row->pending == 0)
		loss->placed_s = row->at_s;
	return loss->placed_s >= 0 && row->scheduled == 0;
}

void
profile_failover(struct result *result)
{
	struct stage stage;
	struct stage_tasks tasks;
	struct watch watch;
	struct watch_row first;
	struct loss loss = {.first_seen_s = -1, .all_seen_s = -1, .placed_s = -1};
	uint32_t n_arrays, n_nodes = profile_nodes(result, FAILOVER_NODES);
	double kill_s;

	/* For 30 s after its own start a manager moves nothing; here it started just now. */
	(void)setenv("DAVIT_RESTART_GRACE", "1s", 1);
	n_nodes -= n_nodes % FAILOVER_CROWDS;
	stage_open(&stage, n_nodes, FAILOVER_CROWDS);
	n_arrays = stage.n_nodes * FAILOVER_TASKS_PER_NODE / PROFILE_ARRAY + 1;
	stage_tasks_init(&tasks, "run:forever", stage.n_nodes * FAILOVER_TASKS_PER_NODE / n_arrays);
	tasks.spec.cpu_milli = FAILOVER_CPU_MILLI;
	tasks.spec.has_strategy = true;
	tasks.spec.strategy = DAVIT__TASK_SPEC__STRATEGY__SPREAD;
	tasks.restart.has_condition = true;
	tasks.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	tasks.spec.restart = &tasks.restart;
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	stage_submit(&watch, &tasks, n_arrays);
	stage_await(&watch, WATCH_STARTED, (double)n_arrays * tasks.request.count);
	watch_fini(&watch);

	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	watch.period_ms = FAILOVER_LOOK_MS;
	loss.n_before = stage.n_nodes;
	loss.n_after = stage.n_nodes - stage.n_nodes / FAILOVER_CROWDS;
	loss.n_tasks = floor((double)n_arrays * tasks.request.count / FAILOVER_CROWDS * 0.99);
	first = watch.rows[0];
	loss.first = &first;
	kill_s = watch_now_s(&watch);
	bench_child_kill(&stage.crowds[FAILOVER_CROWDS - 1]);
	watch_until(&watch, is_mended, &loss, FAILOVER_MAX_MS);
	result_say(result, "nodes", stage.n_nodes, "");
	result_say(result, "nodes_lost", stage.n_nodes / FAILOVER_CROWDS, "");
	result_say(result, "tasks_running", first.running, "");
	result_say(result, "tasks_lost",
		watch_last(&watch)->stages[WATCH_FAILED] - first.stages[WATCH_FAILED], "");
	result_say(result, "kill_to_first_detected", loss.first_seen_s - kill_s, "s");
	result_say(result, "kill_to_all_detected", loss.all_seen_s - kill_s, "s");
	result_say(result, "first_detected_to_all_placed", loss.placed_s - loss.first_seen_s, "s");
	result_say(result, "kill_to_all_running", watch_last(&watch)->at_s - kill_s, "s");
	result_flow(result, &watch,
		watch_last(&watch)->stages[WATCH_FAILED] - first.stages[WATCH_FAILED]);
	result_end(result, &watch);
	watch_fini(&watch);
	stage_close(&stage);
}

/* ---- the manager dies ---- */

/* Again and again until the manager is there. */
static void
ask_first_page(struct bench_cluster *cluster)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	uint64_t end_ns = bench_now_ns() + RESTART_MAX_MS * UINT64_C(1000000);
	ProtobufCMessage *reply = NULL;

	request.has_limit = true;
	request.limit = 50;
	while (reply == NULL && bench_now_ns() < end_ns)
		reply = bench_call(cluster, "ListTasks", &request.base, true);
	if (reply == NULL || ((const Davit__ListTasksReply *)reply)->n_tasks != request.limit)
		bench_die("ListTasks", "the tasks are not there");
	protobuf_c_message_free_unpacked(reply, NULL);
}

static bool
are_all_back(const struct watch_row *row, void *arg)
{
	const uint32_t *n = arg;

	return row->nodes_ready >= n[0] && row->running >= n[1];
}

void
profile_restart(struct result *result)
{
	uint32_t n_arrays = profile_scaled(result, RESTART_ARRAYS, 1), want[2];
	struct stage stage;
	struct stage_tasks tasks, one;
	struct watch watch;
	uint64_t begin_ns;

	stage_open(&stage, profile_nodes(result, RESTART_NODES), PROFILE_CROWDS);
	stage_tasks_init(&tasks, "run:forever", PROFILE_ARRAY);
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	stage_submit(&watch, &tasks, n_arrays);
	stage_await(&watch, WATCH_STARTED, (double)n_arrays * PROFILE_ARRAY);
	result_say(result, "nodes", stage.n_nodes, "");
	result_say(result, "tasks", (double)n_arrays * PROFILE_ARRAY, "");
	result_say(result, "manager_bytes_per_task",
		(watch_last(&watch)->rss_kib[WATCH_MANAGER] -
			watch.rows[0].rss_kib[WATCH_MANAGER]) *
			1024 / n_arrays / PROFILE_ARRAY,
		"B");
	result_say(result, "store_bytes", watch_last(&watch)->store_bytes, "B");
	watch_fini(&watch);

	begin_ns = bench_now_ns();
	bench_cluster_restart_manager(&stage.cluster);
	ask_first_page(&stage.cluster);
	result_say(result, "kill_to_first_page", (double)(bench_now_ns() - begin_ns) / 1e9, "s");
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	watch.begin_ns = begin_ns;
	watch.period_ms = RESTART_LOOK_MS;
	stage_tasks_init(&one, "exit:0", 1);
	stage_submit(&watch, &one, 1);
	result_say(result, "kill_to_submission", (double)(bench_now_ns() - begin_ns) / 1e9, "s");
	want[0] = stage.n_nodes;
	want[1] = n_arrays * PROFILE_ARRAY;
	watch_until(&watch, are_all_back, want, RESTART_MAX_MS);
	result_say(result, "kill_to_all_nodes_ready", watch_now_s(&watch), "s");
	stage_await(&watch, WATCH_COMPLETED, 1);
	result_say(result, "kill_to_new_task_completed", watch_now_s(&watch), "s");
	result_say(result, "manager_cpu", bench_child_cpu_us(&stage.cluster.manager) / 1e6, "s");
	result_end(result, &watch);
	watch_fini(&watch);
	stage_close(&stage);
}
