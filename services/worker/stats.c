#include "services/worker/stats.h"

#include <errno.h>
#include <stdio.h>

#include <uthash.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/worker/cgroup.h"
#include "services/worker/machine.h"

enum {
	SAMPLES_MAX = 4096, /* in one message: a frame has its limit */
	STALE_MS = 5000,    /* a stream's last word is repeated for that long */
	NS_PER_MS = 1000000,
	STREAM_RETRY_MS = 2000,
};

/* One container. */
struct meter {
	UT_hash_handle hh;
	uint64_t serial; /* of the attempt */
	uint64_t round;  /* last one that it ran in */
	struct worker_stats *stats;
	struct engine_op *stream;
	bool is_dropped; /* free it when its stream has ended */
	bool has_files;
	struct worker_cgroup cgroup;
	struct engine_sample now, before;
	uint64_t retry_ms;
};

struct worker_stats {
	struct worker_stats_options options;
	const struct worker *worker;
	struct engine *engine;
	struct meter *meters;
	struct worker_machine machine;
	uint64_t seq, round, now_ms;
	Davit__NodeSample node;
	Davit__TaskSample *samples, **list;
	char (*ids)[ID_TEXT_SIZE];
	size_t n_samples, room;
	uint8_t *message; /* the one before, encoded: its memory is used again */
	size_t message_room;
};

int
worker_stats_source_parse(const char *text, enum worker_stats_source *ret_source, struct err *err)
{
	static const char *const names[WORKER_STATS_SOURCE_COUNT] = {
		[WORKER_STATS_AUTO] = "auto",
		[WORKER_STATS_ENGINE] = "engine",
		[WORKER_STATS_CGROUP] = "cgroup",
	};

	for (unsigned i = 0; i < WORKER_STATS_SOURCE_COUNT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_source = (enum worker_stats_source)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "stats source '%.40s' is not one of auto, engine, cgroup",
		text);
}

/* ---- sources ---- */

static void
meter_free(struct meter *meter)
{
	if (meter->has_files)
		worker_cgroup_close(&meter->cgroup);
	free(meter);
}

static void
on_sample(const struct engine_sample *sample, void *arg)
{
	struct meter *meter = arg;

	if (meter->now.ts_ms != sample->ts_ms && meter->now.ts_ms != 0)
		meter->before = meter->now;
	meter->now = *sample;
}

static void
on_stream_end(const struct err *err, void *arg)
{
	struct meter *meter = arg;

	(void)err; /* the container ended, or the engine did: tried again if it still runs */
	meter->stream = NULL;
	if (meter->is_dropped)
		meter_free(meter);
	else
		meter->retry_ms = meter->stats->now_ms + STREAM_RETRY_MS;
}

static void
open_source(struct meter *meter, const char *container_id)
{
	struct worker_stats *stats = meter->stats;
	const struct worker_stats_options *options = &stats->options;
	struct err err;

	if (options->source != WORKER_STATS_ENGINE &&
		worker_cgroup_open(options->cgroup_root, options->proc_root, container_id,
			&meter->cgroup, &err) == 0) {
		meter->has_files = true;
		return;
	}
	if (options->source == WORKER_STATS_CGROUP) {
		meter->retry_ms = stats->now_ms + STREAM_RETRY_MS;
		return;
	}
	meter->stream = engine_stats(stats->engine, container_id, on_sample, on_stream_end, meter);
}

static void
read_files(struct meter *meter)
{
	struct engine_sample sample;

	if (worker_cgroup_read(&meter->cgroup, &sample) < 0) {
		worker_cgroup_close(&meter->cgroup); /* restarted, or gone: looked for again */
		meter->has_files = false;
		meter->now = meter->before = (struct engine_sample){0};
		return;
	}
	sample.ts_ms = meter->stats->now_ms;
	meter->before = meter->now;
	meter->now = sample;
}

/* ---- a message ---- */

static void
grow(struct worker_stats *stats)
{
	if (stats->n_samples < stats->room)
		return;
	stats->room = stats->room == 0 ? 16 : 2 * stats->room;
	stats->samples = xrealloc(stats->samples, stats->room, sizeof *stats->samples);
	stats->list = xrealloc(stats->list, stats->room, sizeof *stats->list);
	stats->ids = xrealloc(stats->ids, stats->room, sizeof *stats->ids);
}

static void
publish(struct worker_stats *stats)
{
	Davit__NodeStats message = DAVIT__NODE_STATS__INIT;
	char topic[96];
	size_t size;

	for (size_t i = 0; i < stats->n_samples; i++) {
		stats->samples[i].task_id = stats->ids[i];
		stats->list[i] = &stats->samples[i];
	}
	message.node_id = (char *)worker_node_id(stats->worker);
	message.node_name = (char *)stats->options.node_name;
	message.has_seq = message.has_ts_ms = message.has_session = true;
	message.seq = ++stats->seq;
	message.ts_ms = stats->now_ms;
	message.session = worker_session(stats->worker);
	message.node = &stats->node;
	message.tasks = stats->list;
	message.n_tasks = stats->n_samples;
	size = davit__node_stats__get_packed_size(&message);
	if (size > stats->message_room) {
		stats->message_room = 2 * size;
		free(stats->message);
		stats->message = xmalloc(stats->message_room);
	}
	(void)davit__node_stats__pack(&message, stats->message);
	(void)snprintf(topic, sizeof topic, "stats.node.%s", message.node_id);
	stats->options.publish(stats->options.arg, topic, stats->message, size);
	stats->n_samples = 0;
}

static void
put_sample(struct worker_stats *stats, const struct meter *meter,
	const struct worker_running *running)
{
	const struct engine_sample *now = &meter->now, *before = &meter->before;
	Davit__TaskSample *sample;

	grow(stats);
	id_format(running->task, stats->ids[stats->n_samples]);
	sample = &stats->samples[stats->n_samples++];
	davit__task_sample__init(sample);
	sample->has_attempt = sample->has_ts_ms = sample->has_memory_bytes = true;
	sample->has_net_rx_bytes = sample->has_net_tx_bytes = sample->has_pids = true;
	sample->has_io_read_bytes = sample->has_io_write_bytes = true;
	sample->has_memory_bytes_with_cache = true;
	sample->attempt = running->attempt;
	sample->ts_ms = now->ts_ms;
	sample->memory_bytes = now->memory_bytes;
	sample->memory_bytes_with_cache = now->memory_bytes_with_cache;
	sample->net_rx_bytes = now->net_rx_bytes;
	sample->net_tx_bytes = now->net_tx_bytes;
	sample->io_read_bytes = now->io_read_bytes;
	sample->io_write_bytes = now->io_write_bytes;
	sample->pids = now->pids;
	if (before->ts_ms != 0 && now->ts_ms > before->ts_ms &&
		now->cpu_ns_total >= before->cpu_ns_total) {
		sample->has_cpu_milli = true;
		sample->cpu_milli = (now->cpu_ns_total - before->cpu_ns_total) * 1000 / NS_PER_MS /
				    (now->ts_ms - before->ts_ms);
	}
	if (stats->n_samples == SAMPLES_MAX)
		publish(stats);
}

static void
measure(const struct worker_running *running, void *arg)
{
	struct worker_stats *stats = arg;
	struct meter *meter;

	HASH_FIND(hh, stats->meters, &running->serial, sizeof running->serial, meter);
	if (meter == NULL) {
		meter = xcalloc(1, sizeof *meter);
		meter->serial = running->serial;
		meter->stats = stats;
		HASH_ADD(hh, stats->meters, serial, sizeof meter->serial, meter);
	}
	meter->round = stats->round;
	if (!meter->has_files && meter->stream == NULL && stats->now_ms >= meter->retry_ms)
		open_source(meter, running->container_id);
	if (meter->has_files)
		read_files(meter);
	if (meter->now.ts_ms != 0 && meter->now.ts_ms + STALE_MS > stats->now_ms)
		put_sample(stats, meter, running);
}

static void
drop(struct worker_stats *stats, struct meter *meter)
{
	HASH_DELETE(hh, stats->meters, meter);
	meter->is_dropped = true;
	if (meter->stream != NULL)
		engine_cancel(meter->stream); /* its end frees the meter */
	else
		meter_free(meter);
}

void
worker_stats_tick(struct worker_stats *stats, uint64_t wall_ms)
{
	const struct engine_about *facts = worker_engine_facts(stats->worker);
	struct meter *meter, *next;

	if (worker_node_id(stats->worker)[0] == '\0')
		return;
	stats->now_ms = wall_ms;
	stats->round++;
	stats->machine.disk_path = facts == NULL ? NULL : facts->root_dir;
	worker_machine_read(&stats->machine, &stats->node);
	worker_each_running(stats->worker, measure, stats);
	HASH_ITER(hh, stats->meters, meter, next)
	{
		if (meter->round != stats->round)
			drop(stats, meter);
	}
	publish(stats);
}

struct worker_stats *
worker_stats_new(const struct worker_stats_options *options, const struct worker *worker,
	struct engine *engine)
{
	struct worker_stats *stats = xcalloc(1, sizeof *stats);

	stats->options = *options;
	if (options->cgroup_root == NULL)
		stats->options.cgroup_root = "/sys/fs/cgroup";
	if (options->proc_root == NULL)
		stats->options.proc_root = "/proc";
	stats->machine.proc_root = stats->options.proc_root;
	stats->worker = worker;
	stats->engine = engine;
	return stats;
}

void
worker_stats_free(struct worker_stats *stats)
{
	struct meter *meter, *next;

	if (stats == NULL)
		return;
	HASH_ITER(hh, stats->meters, meter, next)
	{
		drop(stats, meter);
	}
	free(stats->message);
	free(stats->samples);
	free(stats->list);
	free(stats->ids);
	free(stats);
}
