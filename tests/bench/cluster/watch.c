#include "tests/bench/cluster/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "services/manager/flow.h"
#include "tests/lib/bench.h"

enum { PERIOD_MS = 200 };

_Static_assert((int)WATCH_DELAYS == (int)FLOW_BUCKETS, "as the manager counts");

const char *const watch_stage_names[WATCH_STAGES] = {"submitted", "placed", "delivered", "running",
	"completed", "failed"};
const char *const watch_part_names[WATCH_PARTS] = {"manager", "scheduler", "crowd", "driver"};

static void
read_flow(const Davit__GetClusterReply *reply, struct watch_row *row)
{
	const Davit__TaskFlow *flow = reply->flow;
	const Davit__ClusterStats *stats = reply->stats;
	const uint64_t counts[WATCH_STAGES] = {flow->submitted, flow->placed, flow->delivered,
		flow->started, flow->completed, flow->failed};

	for (int i = 0; i < WATCH_STAGES; i++)
		row->stages[i] = (double)counts[i];
	for (size_t i = 0; i < flow->n_start_delays && i < WATCH_DELAYS; i++)
		row->delays[i] = flow->start_delays[i];
	row->pending = stats->tasks_pending;
	row->scheduled = stats->tasks_scheduled;
	row->running = stats->tasks_running;
	row->nodes_ready = stats->nodes_ready;
}

static void
read_children(const struct watch *watch, struct watch_row *row)
{
	const struct bench_cluster *cluster = watch->cluster;

	row->cpu_us[WATCH_MANAGER] = bench_child_cpu_us(&cluster->manager);
	row->cpu_us[WATCH_SCHEDULER] = bench_child_cpu_us(&cluster->scheduler);
	row->cpu_us[WATCH_DRIVER] = bench_cpu_us();
	row->rss_kib[WATCH_MANAGER] = bench_child_rss_anon_kib(&cluster->manager);
	row->rss_kib[WATCH_SCHEDULER] = bench_child_rss_anon_kib(&cluster->scheduler);
	row->rss_kib[WATCH_DRIVER] = bench_rss_anon_kib();
	for (unsigned i = 0; i < watch->n_crowds; i++) {
		if (watch->crowds[i].pid <= 0)
			continue;
		row->cpu_us[WATCH_CROWD] += bench_child_cpu_us(&watch->crowds[i]);
		row->rss_kib[WATCH_CROWD] += bench_child_rss_anon_kib(&watch->crowds[i]);
	}
	row->syncs = bench_child_syncs(&cluster->manager);
	row->sync_us = bench_child_sync_us(&cluster->manager);
	row->store_bytes = bench_cluster_store_bytes(cluster);
}

double
watch_now_s(const struct watch *watch)
{
	return (double)(bench_now_ns() - watch->begin_ns) / 1e9;
}

const struct watch_row *
watch_look(struct watch *watch)
{
	Davit__GetClusterRequest request = DAVIT__GET_CLUSTER_REQUEST__INIT;
	ProtobufCMessage *reply = bench_call(watch->cluster, "GetCluster", &request.base, false);
	struct watch_row *row;

	if (watch->n_rows == watch->room) {
		watch->room = watch->room == 0 ? 256 : watch->room * 2;
		watch->rows = xrealloc(watch->rows, watch->room, sizeof *watch->rows);
	}
	row = &watch->rows[watch->n_rows++];
	*row = (struct watch_row){.at_s = watch_now_s(watch)};
	read_flow((const Davit__GetClusterReply *)reply, row);
	read_children(watch, row);
	protobuf_c_message_free_unpacked(reply, NULL);
	return row;
}

void
watch_begin(struct watch *watch, struct bench_cluster *cluster, struct bench_child *crowds,
	unsigned n_crowds)
{
	*watch = (struct watch){.cluster = cluster,
		.crowds = crowds,
		.n_crowds = n_crowds,
		.begin_ns = bench_now_ns(),
		.period_ms = PERIOD_MS};
	(void)watch_look(watch);
}

void
watch_until(struct watch *watch, watch_fn *holds, void *arg, uint64_t max_ms)
{
	double end_s = watch_now_s(watch) + (double)max_ms / 1000;

	while (!holds(watch_look(watch), arg)) {
		if (watch_now_s(watch) > end_s)
			bench_die("the cluster", "does not get there in time");
		bench_cluster_idle(watch->cluster, watch->period_ms);
	}
}

void
watch_fini(struct watch *watch)
{
	free(watch->rows);
	watch->rows = NULL;
}

const struct watch_row *
watch_last(const struct watch *watch)
{
	return &watch->rows[watch->n_rows - 1];
}

double
watch_time_of(const struct watch *watch, enum watch_stage stage, double n)
{
	const struct watch_row *row = watch->rows, *before;

	if (row->stages[stage] >= n)
		return row->at_s;
	for (size_t i = 1; i < watch->n_rows; i++) {
		before = &watch->rows[i - 1];
		row = &watch->rows[i];
		if (row->stages[stage] >= n)
			return before->at_s + (row->at_s - before->at_s) *
						      (n - before->stages[stage]) /
						      (row->stages[stage] - before->stages[stage]);
	}
	return -1;
}

double
watch_delay_ms(const struct watch_row *from, const struct watch_row *to, double p)
{
	double all = 0, so_far = 0;

	for (unsigned i = 0; i < WATCH_DELAYS; i++)
		all += (double)(to->delays[i] - from->delays[i]);
	for (unsigned i = 0; i < WATCH_DELAYS; i++) {
		so_far += (double)(to->delays[i] - from->delays[i]);
		if (so_far > 0 && so_far >= ceil(all * p / 100))
			return (double)flow_bucket_max_ms(i);
	}
	return -1;
}

double
watch_most_rss_kib(const struct watch *watch, enum watch_part part)
{
	double most = 0;

	for (size_t i = 0; i < watch->n_rows; i++)
		most = fmax(most, watch->rows[i].rss_kib[part]);
	return most;
}

void
watch_write(const struct watch *watch, const char *path)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		bench_die(path, "cannot be written");
	(void)fprintf(file, "s");
	for (int i = 0; i < WATCH_STAGES; i++)
		(void)fprintf(file, "\t%s", watch_stage_names[i]);
	(void)fprintf(file, "\tnow_pending\tnow_scheduled\tnow_running\tnodes");
	for (int i = 0; i < WATCH_PARTS; i++)
		(void)fprintf(file, "\tcpu_s_%s\trss_mib_%s", watch_part_names[i],
			watch_part_names[i]);
	(void)fprintf(file, "\tstore_mib\tsyncs\tsync_s\n");
	for (size_t k = 0; k < watch->n_rows; k++) {
		const struct watch_row *row = &watch->rows[k];

		(void)fprintf(file, "%.3f", row->at_s);
		for (int i = 0; i < WATCH_STAGES; i++)
			(void)fprintf(file, "\t%.0f", row->stages[i] - watch->rows[0].stages[i]);
		(void)fprintf(file, "\t%u\t%u\t%u\t%u", row->pending, row->scheduled, row->running,
			row->nodes_ready);
		for (int i = 0; i < WATCH_PARTS; i++)
			(void)fprintf(file, "\t%.3f\t%.1f", row->cpu_us[i] / 1e6,
				row->rss_kib[i] / 1024);
		(void)fprintf(file, "\t%.1f\t%.0f\t%.3f\n", row->store_bytes / 1048576, row->syncs,
			row->sync_us / 1e6);
	}
	(void)fclose(file);
}
