#include "services/cli/cli_stats.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/units.h"
#include "services/cli/cli_pb.h"
#include "services/cli/cli_table.h"
#include "services/cli/cli_text.h"

void
cli_stats_task(const Davit__Task *task, Davit__TopTask *ret_task)
{
	const Davit__TaskSample *last = task->usage == NULL ? NULL : task->usage->last;

	davit__top_task__init(ret_task);
	ret_task->task_id = task->id;
	ret_task->name = task->name;
	ret_task->namespace_ = task->namespace_;
	ret_task->array_id = task->array_id;
	ret_task->node_name = task->node_name;
	CLI_PB_SET(ret_task, restart_count, task->restart_count);
	if (task->spec != NULL) {
		CLI_PB_SET(ret_task, cpu_milli_limit, task->spec->cpu_milli);
		CLI_PB_SET(ret_task, memory_bytes_limit, task->spec->memory_bytes);
	}
	if (last == NULL)
		return;
	CLI_PB_SET(ret_task, cpu_milli, last->cpu_milli);
	CLI_PB_SET(ret_task, memory_bytes, last->memory_bytes);
	CLI_PB_SET(ret_task, net_rx_bytes, last->net_rx_bytes);
	CLI_PB_SET(ret_task, net_tx_bytes, last->net_tx_bytes);
	CLI_PB_SET(ret_task, io_read_bytes, last->io_read_bytes);
	CLI_PB_SET(ret_task, io_write_bytes, last->io_write_bytes);
	CLI_PB_SET(ret_task, pids, last->pids);
}

static const char *
text_of(const char *text)
{
	return text == NULL ? "" : text;
}

bool
cli_stats_is_named(const Davit__TopTask *task, const char *name)
{
	return strcmp(text_of(task->name), name) == 0 ||
	       (name[0] != '\0' && strncmp(text_of(task->task_id), name, strlen(name)) == 0);
}

static int
compare(const void *left, const void *right)
{
	const Davit__TopTask *a = *(Davit__TopTask *const *)left;
	const Davit__TopTask *b = *(Davit__TopTask *const *)right;
	int order = strcmp(text_of(a->name), text_of(b->name));

	return order != 0 ? order : strcmp(text_of(a->task_id), text_of(b->task_id));
}

void
cli_stats_sort(Davit__TopTask **tasks, size_t n)
{
	if (n > 0)
		qsort(tasks, n, sizeof(Davit__TopTask *), compare);
}

/* Of one core, as Docker counts: two busy cores are 200 %. */
static void
put_cpu(struct cli_table *table, uint64_t cpu_milli)
{
	cli_table_cellf(table, "%llu.%llu%%", (unsigned long long)(cpu_milli / 10),
		(unsigned long long)(cpu_milli % 10));
}

static void
put_pair(struct cli_table *table, uint64_t in, uint64_t out)
{
	char one[UNITS_TEXT_SIZE], other[UNITS_TEXT_SIZE];

	cli_table_cellf(table, "%s/%s", units_format_bytes(in, one),
		units_format_bytes(out, other));
}

static void
put_figures(struct cli_table *table, const Davit__TopTask *task)
{
	CLEANUP(buf_fini) struct buf memory = {0};

	put_cpu(table, task->cpu_milli);
	cli_text_bytes_of(task->memory_bytes, task->memory_bytes_limit, &memory);
	cli_table_cell(table, buf_text(&memory));
	if (task->memory_bytes_limit > 0)
		cli_table_cellf(table, "%.1f%%",
			(double)task->memory_bytes * 100 / (double)task->memory_bytes_limit);
	else
		cli_table_cell(table, NULL);
	put_pair(table, task->net_rx_bytes, task->net_tx_bytes);
	put_pair(table, task->io_read_bytes, task->io_write_bytes);
	cli_table_cellf(table, "%llu", (unsigned long long)task->pids);
}

static int *
short_lengths(Davit__TopTask **tasks, size_t n)
{
	const char **ids = xcalloc(n + 1, sizeof *ids);
	int *lengths;

	for (size_t i = 0; i < n; i++)
		ids[i] = text_of(tasks[i]->task_id);
	lengths = cli_ids_short(ids, n);
	free(ids);
	return lengths;
}

#define FIGURE_COLUMNS                                                                            \
	{"CPU %", true, false}, {"MEMORY/LIMIT", true, false}, {"MEM %", true, false},            \
		{"NET IN/OUT", true, false}, {"DISK IN/OUT", true, false}, {"PIDS", true, false}, \
		{"RESTARTS", true, false},                                                        \
	{                                                                                         \
		NULL, false, false                                                                \
	}

void
cli_stats_print(Davit__TopTask **tasks, size_t n, bool is_wide, FILE *out)
{
	static const struct cli_column columns[] = {{"ID", false, false}, {"NAME", false, false},
		FIGURE_COLUMNS};
	static const struct cli_column wide_columns[] = {{"ID", false, false},
		{"NAME", false, false}, {"NAMESPACE", false, false}, {"NODE", false, false},
		FIGURE_COLUMNS};
	CLEANUP(cli_table_free)
	struct cli_table *table = cli_table_new(is_wide ? wide_columns : columns);
	int *lengths = short_lengths(tasks, n);

	for (size_t i = 0; i < n; i++) {
		const Davit__TopTask *task = tasks[i];

		if (is_wide)
			cli_table_cell(table, text_of(task->task_id));
		else
			cli_table_cellf(table, "%.*s", lengths[i], text_of(task->task_id));
		cli_table_cell(table, task->name);
		if (is_wide) {
			cli_table_cell(table, task->namespace_);
			cli_table_cell(table, task->node_name);
		}
		if (task->has_cpu_milli)
			put_figures(table, task);
		for (int k = 0; k < 6 && !task->has_cpu_milli; k++)
			cli_table_cell(table, NULL); /* it was not measured yet */
		cli_table_cellf(table, "%u", task->restart_count);
	}
	free(lengths);
	cli_table_print(table, 0, out);
}

static uint64_t
point(const int64_t *points, size_t n, size_t i)
{
	return i < n && points[i] > 0 ? (uint64_t)points[i] : 0;
}

static void
put_series(struct cli_table *table, const Davit__HistorySeries *series)
{
	char time[CLI_TIME_SIZE], memory[UNITS_TEXT_SIZE];

	for (size_t i = 0; i < series->n_cpu; i++) {
		if (series->cpu[i] < 0)
			continue;
		cli_table_cell(table, series->name);
		(void)cli_text_time(series->start_ms + i * series->step_ms, time);
		cli_table_cellf(table, "%.19s", time);
		put_cpu(table, (uint64_t)series->cpu[i]);
		cli_table_cell(table,
			units_format_bytes(point(series->memory, series->n_memory, i), memory));
		put_pair(table, point(series->net_rx_rate, series->n_net_rx_rate, i),
			point(series->net_tx_rate, series->n_net_tx_rate, i));
		put_pair(table, point(series->io_read_rate, series->n_io_read_rate, i),
			point(series->io_write_rate, series->n_io_write_rate, i));
	}
}

void
cli_stats_print_history(Davit__HistorySeries **series, size_t n, FILE *out)
{
	static const struct cli_column columns[] = {{"NAME", false, true}, {"TIME", false, false},
		{"CPU %", true, false}, {"MEMORY", true, false},
		{"NET IN/OUT A SECOND", true, false}, {"DISK IN/OUT A SECOND", true, false},
		{NULL, false, false}};
	CLEANUP(cli_table_free) struct cli_table *table = cli_table_new(columns);

	for (size_t i = 0; i < n; i++)
		put_series(table, series[i]);
	cli_table_print(table, 0, out);
}

void
cli_stats_redraw(const char *text, unsigned rows, FILE *out)
{
	unsigned line = 0;

	(void)fputs("\033[H", out);
	while (*text != '\0' && (rows == 0 || ++line < rows)) {
		size_t n = strcspn(text, "\n");

		(void)fprintf(out, "%.*s\033[K\r\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
	(void)fputs("\033[J", out);
	(void)fflush(out);
}
