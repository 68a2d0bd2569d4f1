/*
 * Many workers that have nothing to do: each has registered, keeps its Poll parked and
 * holds two connections, as a real one does. What do they cost the manager?
 *
 * BENCH_PARKED changes how many they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/process.h"
#include "common/rpc/pubsub.h"
#include "proto/worker.pb-c.h"
#include "tests/lib/bench.h"
#include "tests/lib/bench_cluster.h"

enum {
	PARKED = 4000,
	STEP = 32,    /* dial at a time: the listen queue has 128 places */
	STEP_MS = 25, /* from one step to the next */
	SETTLE_MS = 5000,
	READY_MAX_MS = 90000,
	CALL_MS = 10000,
};

/* ---- the child that plays the workers ---- */

struct parked {
	struct crowd *crowd;
	struct rpc_client *client;
	struct rpc_pub *pub;
	char name[24], node_id[64];
	uint64_t session, have_version, wait_ms;
};

struct crowd {
	uv_loop_t *loop;
	const char *manager_url, *stats_url;
	struct parked *parked;
	unsigned n, n_open;
	uv_timer_t timer;
};

static void enroll(struct parked *parked);
static void park(struct parked *parked);

static void
on_polled(const struct rpc_result *result, void *arg)
{
	struct parked *parked = arg;

	if (result->status == DAVIT__REPLY__STATUS__OK) {
		parked->have_version = ((const Davit__PollReply *)result->response)->results_in;
		park(parked);
	} else if (result->status == DAVIT__REPLY__STATUS__FAILED_PRECONDITION) {
		enroll(parked);
	} else {
		park(parked);
	}
}

static void
park(struct parked *parked)
{
	Davit__PollRequest request = DAVIT__POLL_REQUEST__INIT;

	request.node_id = parked->node_id;
	request.session = parked->session;
	request.has_have_version = request.has_wait_ms = true;
	request.have_version = parked->have_version;
	request.wait_ms = parked->wait_ms;
	(void)rpc_client_call(parked->client, rpc_method(&davit__workers__descriptor, "Poll"),
		&request.base, &(struct rpc_call_options){.timeout_ms = CALL_MS}, on_polled,
		parked);
}

static void
on_enrolled(const struct rpc_result *result, void *arg)
{
	struct parked *parked = arg;
	const Davit__RegisterNodeReply *reply;

	if (result->status != DAVIT__REPLY__STATUS__OK) {
		enroll(parked);
		return;
	}
	reply = (const Davit__RegisterNodeReply *)result->response;
	(void)snprintf(parked->node_id, sizeof parked->node_id, "%.63s", reply->node_id);
	parked->session = reply->session;
	parked->wait_ms = reply->poll_ms;
	parked->have_version = 0;
	park(parked);
}

static void
enroll(struct parked *parked)
{
	Davit__RegisterNodeRequest request = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;

	capacity.has_cpu_milli = capacity.has_memory_bytes = true;
	capacity.cpu_milli = 4000;
	capacity.memory_bytes = UINT64_C(8) << 30;
	request.name = request.instance = parked->name;
	request.node_id = parked->node_id[0] == '\0' ? NULL : parked->node_id;
	request.capacity = &capacity;
	(void)rpc_client_call(parked->client,
		rpc_method(&davit__workers__descriptor, "RegisterNode"), &request.base,
		&(struct rpc_call_options){.timeout_ms = CALL_MS}, on_enrolled, parked);
}

static void
on_step(uv_timer_t *timer)
{
	struct crowd *crowd = timer->data;
	struct err err;

	for (unsigned i = 0; i < STEP && crowd->n_open < crowd->n; i++) {
		struct parked *parked = &crowd->parked[crowd->n_open];

		parked->crowd = crowd;
		(void)snprintf(parked->name, sizeof parked->name, "parked-%u", crowd->n_open++);
		if (rpc_client_open(crowd->loop, crowd->manager_url, &parked->client, &err) < 0 ||
			rpc_pub_open(crowd->stats_url, RPC_DIAL, &parked->pub, &err) < 0)
			bench_die(parked->name, err.text);
		enroll(parked);
	}
	if (crowd->n_open == crowd->n)
		(void)uv_timer_stop(timer);
}

static int
play_crowd(char **argv)
{
	struct crowd crowd = {.loop = uv_default_loop(),
		.manager_url = argv[2],
		.stats_url = argv[3],
		.n = (unsigned)strtoul(argv[4], NULL, 10)};

	crowd.parked = xcalloc(crowd.n, sizeof *crowd.parked);
	(void)uv_timer_init(crowd.loop, &crowd.timer);
	crowd.timer.data = &crowd;
	(void)uv_timer_start(&crowd.timer, on_step, 0, STEP_MS);
	(void)uv_run(crowd.loop, UV_RUN_DEFAULT);
	return EXIT_SUCCESS;
}

/* ---- what they cost ---- */

int
main(int argc, char **argv)
{
	uint32_t n = bench_setting("BENCH_PARKED", PARKED);
	struct bench_child crowd = {.name = "crowd"};
	struct bench_cluster cluster;
	double before_kib, growth_kib, cpu_us;
	uint64_t begin_ns;
	char count[16];

	process_begin();
	if (argc == 5 && strcmp(argv[1], "crowd") == 0)
		return play_crowd(argv);
	bench_cluster_start(&cluster, false, true);
	bench_cluster_idle(&cluster, 1000);
	before_kib = bench_child_rss_anon_kib(&cluster.manager);
	(void)snprintf(count, sizeof count, "%u", n);
	begin_ns = bench_now_ns();
	bench_child_start(&crowd, cluster.folder, "self", false,
		(const char *const[]){"crowd", cluster.manager_url, cluster.stats_url, count,
			NULL});
	bench_cluster_wait_nodes(&cluster, n, READY_MAX_MS);
	bench_print("parked.workers", n, "");
	bench_print("parked.all_ready_after", (double)(bench_now_ns() - begin_ns) / 1e9, "s");
	bench_cluster_idle(&cluster, SETTLE_MS);
	cpu_us = bench_child_cpu_us(&cluster.manager);
	bench_cluster_idle(&cluster, SETTLE_MS);
	cpu_us = bench_child_cpu_us(&cluster.manager) - cpu_us;
	growth_kib = bench_child_rss_anon_kib(&cluster.manager) - before_kib;
	bench_print("parked.manager.before", before_kib, "KiB");
	bench_print("parked.manager.growth", growth_kib, "KiB");
	bench_print("parked.manager.growth_per_worker", growth_kib * 1024 / n, "B");
	bench_print("parked.manager.cpu", cpu_us / (SETTLE_MS * 10.0), "% of a core");
	bench_print("parked.still_ready", bench_cluster_counts(&cluster).nodes_ready, "");
	bench_child_stop(&crowd);
	bench_cluster_stop(&cluster);
	return EXIT_SUCCESS;
}
