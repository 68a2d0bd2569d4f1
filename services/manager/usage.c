#include "services/manager/usage.h"

#include <stdio.h>

#include "common/base/mem.h"
#include "services/manager/cluster_calls.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"

/* Nothing measured is believed beyond these: they only guard the sums. */
#define CPU_MILLI_MAX UINT64_C(10000000)
#define BYTES_MAX     (UINT64_C(1) << 56)

static uint64_t
at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

static void
take_sample(struct task *task, const Davit__TaskSample *sample, uint64_t ts_ms)
{
	struct usage usage = {0};

	if (task->usage != NULL)
		usage = *task->usage;
	usage.last = *sample;
	usage.last.task_id = NULL;
	/* What a newer worker may say beside them goes with its message. */
	usage.last.base.n_unknown_fields = 0;
	usage.last.base.unknown_fields = NULL;
	usage.last.has_ts_ms = true;
	usage.last.ts_ms = sample->has_ts_ms ? sample->ts_ms : ts_ms;
	usage.last.cpu_milli = at_most(sample->cpu_milli, CPU_MILLI_MAX);
	usage.last.memory_bytes = at_most(sample->memory_bytes, BYTES_MAX);
	usage.n_samples++;
	usage.cpu_milli_sum += usage.last.cpu_milli;
	usage.memory_bytes_sum += usage.last.memory_bytes;
	if (usage.last.cpu_milli > usage.cpu_milli_peak)
		usage.cpu_milli_peak = usage.last.cpu_milli;
	if (usage.last.memory_bytes > usage.memory_bytes_peak)
		usage.memory_bytes_peak = usage.last.memory_bytes;
	model_task_set_usage(task, &usage);
}

static struct task *
find_running(struct manager *manager, const struct node *node, const Davit__TaskSample *sample)
{
	struct task *task = NULL;
	struct id id;

	if (sample->task_id != NULL && id_parse(sample->task_id, &id))
		task = model_task_find(&manager->model, id);
	if (task == NULL || task->node != node || task_state_is_final(task->state) ||
		(sample->has_attempt && sample->attempt != task->attempt))
		return NULL;
	return task;
}

void
usage_take(struct manager *manager, const Davit__NodeStats *stats)
{
	char topic[64];
	struct node *node = NULL;
	struct id id;

	if (stats->node_id != NULL && id_parse(stats->node_id, &id))
		node = model_node_find(&manager->model, id);
	if (node == NULL || (stats->has_session && stats->session != node->session) ||
		stats->seq < node->stats_seq)
		return;
	node->stats_seq = stats->seq;
	node->sample_mono_ms = manager->now.mono_ms;
	if (stats->node != NULL)
		node->sample = *stats->node;
	node->sample.base.n_unknown_fields = 0;
	node->sample.base.unknown_fields = NULL;
	node->task_cpu_milli = node->task_memory_bytes = 0;
	for (size_t i = 0; i < stats->n_tasks; i++) {
		struct task *task = find_running(manager, node, stats->tasks[i]);

		if (task == NULL)
			continue;
		take_sample(task, stats->tasks[i], stats->ts_ms);
		node->task_cpu_milli += task->usage->last.cpu_milli;
		node->task_memory_bytes += task->usage->last.memory_bytes;
	}
	(void)snprintf(topic, sizeof topic, "stats.node.%s", node->id_text);
	manager->ports.publish(manager->ports.arg, topic, &stats->base);
}

Davit__TaskUsage *
usage_view(const struct task *task, struct arena *arena)
{
	const struct usage *usage = task->usage;
	Davit__TaskUsage *view;

	if (usage == NULL || usage->n_samples == 0)
		return NULL;
	view = arena_alloc(arena, sizeof *view);
	davit__task_usage__init(view);
	view->last = (Davit__TaskSample *)(uintptr_t)&usage->last;
	view->has_cpu_milli_peak = view->has_memory_bytes_peak = true;
	view->cpu_milli_peak = usage->cpu_milli_peak;
	view->memory_bytes_peak = usage->memory_bytes_peak;
	view->has_cpu_milli_average = view->has_memory_bytes_average = true;
	view->cpu_milli_average = usage->cpu_milli_sum / usage->n_samples;
	view->memory_bytes_average = usage->memory_bytes_sum / usage->n_samples;
	view->has_n_samples = true;
	view->n_samples = usage->n_samples;
	return view;
}

struct usage
usage_from_record(const Davit__TaskUsage *record)
{
	struct usage usage = {0};

	davit__task_sample__init(&usage.last);
	if (record->last != NULL)
		usage.last = *record->last;
	usage.last.task_id = NULL;
	/* A file can be damaged: the sums hold what they are given back. */
	usage.last.cpu_milli = at_most(usage.last.cpu_milli, CPU_MILLI_MAX);
	usage.last.memory_bytes = at_most(usage.last.memory_bytes, BYTES_MAX);
	usage.cpu_milli_peak = record->cpu_milli_peak;
	usage.memory_bytes_peak = record->memory_bytes_peak;
	usage.n_samples = record->n_samples;
	usage.cpu_milli_sum = record->cpu_milli_average * record->n_samples;
	usage.memory_bytes_sum = record->memory_bytes_average * record->n_samples;
	return usage;
}

/* ---- the cluster ---- */

static void
add_resources(Davit__Resources *sum, const struct resources *more)
{
	sum->has_cpu_milli = sum->has_memory_bytes = sum->has_disk_bytes = true;
	sum->cpu_milli += more->cpu_milli;
	sum->memory_bytes += more->memory_bytes;
	sum->disk_bytes += more->disk_bytes;
}

static void
sum_nodes(struct manager *manager, Davit__ClusterStats *stats)
{
	struct node *node, *next;

	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		stats->nodes_total++;
		if (node->state == DAVIT__NODE__STATE__READY)
			stats->nodes_ready++;
		add_resources(stats->capacity, &node->account.capacity);
		add_resources(stats->reserved, &node->account.reserved);
		if (manager->now.mono_ms - node->sample_mono_ms > MANAGER_STALE_STATS_MS)
			continue;
		stats->cpu_milli += node->task_cpu_milli;
		stats->memory_bytes += node->task_memory_bytes;
	}
}

enum { NAMESPACES_SHOWN_MAX = 256 }; /* in one ClusterStats */

static void
sum_namespaces(struct manager *manager, Davit__ClusterStats *stats, struct arena *arena)
{
	struct space *space, *next;

	stats->namespaces = arena_array(arena, NAMESPACES_SHOWN_MAX, sizeof *stats->namespaces);
	HASH_ITER(hh, manager->model.spaces, space, next)
	{
		Davit__NamespaceStats *shown;

		if (space->n_running == 0 || stats->n_namespaces == NAMESPACES_SHOWN_MAX)
			continue;
		shown = arena_alloc(arena, sizeof *shown);
		davit__namespace_stats__init(shown);
		shown->name = space->name;
		shown->has_tasks_running = shown->has_cpu_milli = shown->has_memory_bytes = true;
		shown->tasks_running = space->n_running;
		shown->cpu_milli = space->cpu_milli;
		shown->memory_bytes = space->memory_bytes;
		stats->namespaces[stats->n_namespaces++] = shown;
	}
}

Davit__ClusterStats *
usage_cluster(struct manager *manager, struct arena *arena)
{
	const uint32_t *n = manager->model.n_by_state;
	Davit__ClusterStats *stats = arena_alloc(arena, sizeof *stats);

	davit__cluster_stats__init(stats);
	stats->has_seq = stats->has_ts_ms = stats->has_nodes_ready = stats->has_nodes_total = true;
	stats->seq = manager->usage.seq;
	stats->ts_ms = manager->now.wall_ms;
	stats->has_tasks_pending = stats->has_tasks_scheduled = stats->has_tasks_running = true;
	stats->has_tasks_completed = stats->has_tasks_failed = true;
	stats->tasks_pending = n[TASK_PENDING];
	stats->tasks_scheduled = n[TASK_SCHEDULED];
	stats->tasks_running = n[TASK_RUNNING];
	stats->tasks_completed = n[TASK_COMPLETED];
	stats->tasks_failed = n[TASK_FAILED];
	stats->has_cpu_milli = stats->has_memory_bytes = true;
	stats->capacity = arena_alloc(arena, sizeof *stats->capacity);
	davit__resources__init(stats->capacity);
	stats->reserved = arena_alloc(arena, sizeof *stats->reserved);
	davit__resources__init(stats->reserved);
	sum_nodes(manager, stats);
	sum_namespaces(manager, stats, arena);
	return stats;
}

void
usage_tick(struct manager *manager)
{
	CLEANUP(arena_fini) struct arena arena = {0};

	if (manager->now.mono_ms < manager->usage.next_mono_ms)
		return;
	manager->usage.next_mono_ms = manager->now.mono_ms + MANAGER_STATS_MS;
	manager->usage.seq++;
	manager->ports.publish(manager->ports.arg, "stats.cluster",
		&usage_cluster(manager, &arena)->base);
	cluster_stats_show(manager);
}
