#include "tests/bench/cluster/stage.h"

#include "common/base/mem.h"
#include "tests/lib/bench.h"

enum {
	CPU_MILLI = 40000,
	MEMORY_GIB = 128,
	TASK_CPU_MILLI = 100,
	TASK_MEMORY_MIB = 256,
	JOIN_MAX_MS = 120000,
	CALL_MAX_MS = 120000,
	DONE_MAX_MS = 270000,
};

void
stage_open(struct stage *stage, uint32_t n_nodes, unsigned n_crowds)
{
	*stage = (struct stage){.n_crowds = n_crowds, .n_nodes = n_nodes};
	bench_cluster_start(&stage->cluster, true, true);
	for (unsigned i = 0; i < n_crowds; i++) {
		uint32_t first = (uint32_t)((uint64_t)n_nodes * i / n_crowds);
		uint32_t end = (uint32_t)((uint64_t)n_nodes * (i + 1) / n_crowds);

		crowd_start(&stage->crowds[i], &stage->cluster,
			&(struct crowd_plan){first, end - first, CPU_MILLI,
				(uint64_t)MEMORY_GIB << 30});
	}
	bench_cluster_wait_nodes(&stage->cluster, n_nodes, JOIN_MAX_MS);
}

void
stage_close(struct stage *stage)
{
	for (unsigned i = 0; i < stage->n_crowds; i++)
		bench_child_stop(&stage->crowds[i]);
	bench_cluster_stop(&stage->cluster);
}

void
stage_tasks_init(struct stage_tasks *tasks, const char *image, uint32_t count)
{
	davit__task_spec__init(&tasks->spec);
	davit__restart_policy__init(&tasks->restart);
	davit__submit_tasks_request__init(&tasks->request);
	tasks->spec.image = (char *)(uintptr_t)image;
	tasks->spec.has_cpu_milli = tasks->spec.has_memory_bytes = true;
	tasks->spec.cpu_milli = TASK_CPU_MILLI;
	tasks->spec.memory_bytes = (uint64_t)TASK_MEMORY_MIB << 20;
	tasks->request.spec = &tasks->spec;
	tasks->request.has_count = true;
	tasks->request.count = count;
}

/* ---- submissions ---- */

struct call {
	struct stage_load *load;
	uint64_t begin_ns;
};

static void
on_submitted(const struct rpc_result *result, void *arg)
{
	struct call *call = arg;
	struct stage_load *load = call->load;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		bench_die("SubmitTasks", result->message);
	if (load->took != NULL)
		bench_series_add(load->took, bench_now_ns() - call->begin_ns);
	free(call);
	load->n_done++;
	stage_load_go(load);
}

void
stage_load_go(struct stage_load *load)
{
	char id[RPC_REQUEST_ID_SIZE];

	while (load->n_begun < load->n_calls && load->n_begun - load->n_done < load->in_flight) {
		struct call *call = xmalloc(sizeof *call);

		*call = (struct call){load, bench_now_ns()};
		load->n_begun++;
		rpc_request_id_make(id);
		(void)rpc_client_call(load->client,
			rpc_method(&davit__manager__descriptor, "SubmitTasks"),
			&load->tasks->request.base,
			&(struct rpc_call_options){.timeout_ms = CALL_MAX_MS, .request_id = id},
			on_submitted, call);
	}
}

void
stage_load_run(struct stage_load *load, struct watch *watch)
{
	stage_load_go(load);
	while (load->n_done < load->n_calls) {
		bench_cluster_idle(watch->cluster, watch->period_ms);
		(void)watch_look(watch);
	}
}

void
stage_submit(struct watch *watch, const struct stage_tasks *tasks, uint32_t n_arrays)
{
	struct stage_load load = {.client = watch->cluster->client,
		.tasks = tasks,
		.n_calls = n_arrays,
		.in_flight = RPC_CLIENT_CALLS_MAX - 1};

	stage_load_run(&load, watch);
}

struct goal {
	enum watch_stage passed;
	double n;
};

static bool
is_reached(const struct watch_row *row, void *arg)
{
	const struct goal *goal = arg;

	if (row->stages[WATCH_FAILED] > 0)
		bench_die("the cluster", "tasks have failed");
	return row->stages[goal->passed] >= goal->n;
}

void
stage_await(struct watch *watch, enum watch_stage passed, double n)
{
	struct goal goal = {passed, watch->rows[0].stages[passed] + n};

	watch_until(watch, is_reached, &goal, DONE_MAX_MS);
}
