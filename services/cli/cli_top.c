#include "services/cli/cli_top.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_text.h"

static uint64_t
task_cpu(const Davit__Task *task)
{
	return task->usage != NULL && task->usage->last != NULL ? task->usage->last->cpu_milli : 0;
}

static uint64_t
task_memory(const Davit__Task *task)
{
	return task->usage != NULL && task->usage->last != NULL ? task->usage->last->memory_bytes
								: 0;
}

static int
compare_name(const void *a, const void *b)
{
	const Davit__Task *one = *(Davit__Task *const *)a, *other = *(Davit__Task *const *)b;
	int order =
		strcmp(one->name == NULL ? "" : one->name, other->name == NULL ? "" : other->name);

	return order != 0 ? order : strcmp(one->id, other->id);
}

/* The greatest first; equal ones by name, so that lines do not jump about. */
static int
compare_cpu(const void *a, const void *b)
{
	uint64_t one = task_cpu(*(Davit__Task *const *)a),
		 other = task_cpu(*(Davit__Task *const *)b);

	return one != other ? (one < other ? 1 : -1) : compare_name(a, b);
}

static int
compare_memory(const void *a, const void *b)
{
	uint64_t one = task_memory(*(Davit__Task *const *)a);
	uint64_t other = task_memory(*(Davit__Task *const *)b);

	return one != other ? (one < other ? 1 : -1) : compare_name(a, b);
}

static void
print_cluster(const Davit__ClusterStats *stats, FILE *out)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *capacity = stats->capacity == NULL ? &none : stats->capacity;
	const Davit__Resources *reserved = stats->reserved == NULL ? &none : stats->reserved;
	char used[UNITS_TEXT_SIZE], held[UNITS_TEXT_SIZE], all[UNITS_TEXT_SIZE];

	(void)fprintf(out, "nodes   %u of %u ready\n", stats->nodes_ready, stats->nodes_total);
	(void)fprintf(out,
		"tasks   %u running, %u scheduled, %u pending, %u completed, %u failed\n",
		stats->tasks_running, stats->tasks_scheduled, stats->tasks_pending,
		stats->tasks_completed, stats->tasks_failed);
	(void)fprintf(out, "cpu     %s used by tasks, %s reserved of %s\n",
		units_format_cpu(stats->cpu_milli, used),
		units_format_cpu(reserved->cpu_milli, held),
		units_format_cpu(capacity->cpu_milli, all));
	(void)fprintf(out, "memory  %s used by tasks, %s reserved of %s\n",
		units_format_bytes(stats->memory_bytes, used),
		units_format_bytes(reserved->memory_bytes, held),
		units_format_bytes(capacity->memory_bytes, all));
}

/* "1.5/4 37%" of the machine. */
static void
put_share(struct cli_table *table, uint64_t used, uint64_t total, bool is_cpu)
{
	CLEANUP(buf_fini) struct buf text = {0};

	if (total == 0) {
		cli_table_cell(table, NULL);
		return;
	}
	if (is_cpu)
		cli_text_cpu_of(used, total, &text);
	else
		cli_text_bytes_of(used, total, &text);
	buf_printf(&text, " %3u%%", (unsigned)((double)used * 100 / (double)total + 0.5));
	cli_table_cell(table, buf_text(&text));
}

static void
put_node(struct cli_table *table, const Davit__Node *node)
{
	const Davit__NodeSample *usage = node->usage;
	CLEANUP(buf_fini) struct buf text = {0};

	cli_table_cell(table, node->name);
	cli_text_node_state(node, &text);
	cli_table_cell(table, buf_text(&text));
	cli_table_cellf(table, "%u", node->n_tasks);
	if (usage == NULL) {
		for (int i = 0; i < 4; i++)
			cli_table_cell(table, NULL);
		return;
	}
	put_share(table, usage->cpu_milli, usage->cpu_milli_total, true);
	put_share(table, usage->memory_bytes, usage->memory_bytes_total, false);
	put_share(table, usage->disk_bytes, usage->disk_bytes_total, false);
	cli_table_cellf(table, "%u.%02u", usage->load1_milli / 1000,
		usage->load1_milli % 1000 / 10);
}

static void
print_nodes(const Davit__GetStatsReply *reply, FILE *out)
{
	static const struct cli_column columns[] = {{"NODE", false, false}, {"STATE", false, false},
		{"TASKS", true, false}, {"MACHINE CPU", true, false},
		{"MACHINE MEMORY", true, false}, {"MACHINE DISK", true, false},
		{"LOAD", true, false}, {NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);

	for (size_t i = 0; i < reply->n_nodes; i++)
		put_node(table, reply->nodes[i]);
	cli_table_print(table, 0, out);
}

static void
put_pair(struct cli_table *table, uint64_t in, uint64_t out)
{
	char one[UNITS_TEXT_SIZE], other[UNITS_TEXT_SIZE];

	cli_table_cellf(table, "%s/%s", units_format_bytes(in, one),
		units_format_bytes(out, other));
}

static void
put_task(struct cli_table *table, const Davit__Task *task, int id_length)
{
	static const Davit__TaskSample none = DAVIT__TASK_SAMPLE__INIT;
	const Davit__TaskUsage *usage = task->usage;
	const Davit__TaskSample *last = usage == NULL || usage->last == NULL ? &none : usage->last;
	char text[UNITS_TEXT_SIZE];

	cli_table_cellf(table, "%.*s", id_length, task->id);
	cli_table_cell(table, task->name);
	cli_table_cell(table, task->node_name);
	if (usage == NULL || usage->last == NULL) {
		for (int i = 0; i < 7; i++)
			cli_table_cell(table, NULL);
		return;
	}
	cli_table_cell(table, units_format_cpu(last->cpu_milli, text));
	cli_table_cell(table, units_format_cpu(usage->cpu_milli_peak, text));
	cli_table_cell(table, units_format_bytes(last->memory_bytes, text));
	cli_table_cell(table, units_format_bytes(usage->memory_bytes_peak, text));
	put_pair(table, last->net_rx_bytes, last->net_tx_bytes);
	put_pair(table, last->io_read_bytes, last->io_write_bytes);
	cli_table_cellf(table, "%llu", (unsigned long long)last->pids);
}

static int *
short_lengths(const Davit__GetStatsReply *reply)
{
	const char **ids = xcalloc(reply->n_tasks + 1, sizeof *ids);
	int *lengths;

	for (size_t i = 0; i < reply->n_tasks; i++)
		ids[i] = reply->tasks[i]->id;
	lengths = cli_ids_short(ids, reply->n_tasks);
	free(ids);
	return lengths;
}

void
cli_top_print(const Davit__GetStatsReply *reply, enum cli_top_sort sort, FILE *out)
{
	static const struct cli_column columns[] = {{"ID", false, false}, {"TASK", false, false},
		{"NODE", false, false}, {"CPU", true, false}, {"PEAK", true, false},
		{"MEMORY", true, false}, {"PEAK", true, false}, {"NET IN/OUT", true, false},
		{"DISK IN/OUT", true, false}, {"PIDS", true, false}, {NULL, false, false}};
	static int (*const compare[])(const void *, const void *) = {[CLI_TOP_CPU] = compare_cpu,
		[CLI_TOP_MEMORY] = compare_memory,
		[CLI_TOP_NAME] = compare_name};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);
	int *lengths;

	if (reply->cluster != NULL)
		print_cluster(reply->cluster, out);
	(void)fputc('\n', out);
	print_nodes(reply, out);
	(void)fputc('\n', out);
	if (reply->n_tasks > 0)
		qsort(reply->tasks, reply->n_tasks, sizeof *reply->tasks, compare[sort]);
	lengths = short_lengths(reply);
	for (size_t i = 0; i < reply->n_tasks; i++)
		put_task(table, reply->tasks[i], lengths[i]);
	free(lengths);
	cli_table_print(table, 0, out);
}
