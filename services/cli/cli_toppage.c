#include "services/cli/cli_toppage.h"

#include <stdio.h>
#include <string.h>

#include "common/base/units.h"
#include "services/cli/cli_screen.h"
#include "services/cli/cli_text.h"

enum {
	HEAD_ROWS = 5,   /* above the list: title, two bars, a blank, columns */
	SPARK_LIST = 10, /* points in a line of the list */
	BAR_WIDTH = 20,
	NAME_WIDTH = 24,
	WELL_MAX = 70, /* per cent: above, a bar is yellow … */
	HIGH_MAX = 90, /* … and above, red */
	CELL_SIZE = 128,
};

void
cli_toppage_spark(const int64_t points[CLI_TOP_POINTS], unsigned n, uint64_t max, bool has_utf8,
	struct buf *out)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const marks[] = {"_", ".", ":", "-", "=", "+", "*", "#"};

	for (unsigned i = 0; i < CLI_TOP_POINTS && max == 0; i++)
		max = points[i] > 0 && (uint64_t)points[i] > max ? (uint64_t)points[i] : max;
	for (unsigned i = CLI_TOP_POINTS - n; i < CLI_TOP_POINTS; i++) {
		uint64_t level;

		if (points[i] < 0) {
			buf_puts(out, " ");
			continue;
		}
		level = max == 0 ? 0 : (uint64_t)((double)points[i] * 7 / (double)max + 0.5);
		buf_puts(out, (has_utf8 ? blocks : marks)[level < 7 ? level : 7]);
	}
}

/* Exactly so many columns: cut, or filled with blanks on either side. */
static void
put_cell(struct buf *out, const char *text, unsigned width, bool is_right)
{
	size_t size = cli_text_fit(text, width);
	char cut[CELL_SIZE];
	unsigned blanks;

	if (size >= sizeof cut)
		size = 0;
	memcpy(cut, text, size);
	cut[size] = '\0';
	blanks = width - (unsigned)cli_text_width(cut);
	if (is_right)
		buf_printf(out, "%*s", (int)blanks, "");
	buf_puts(out, cut);
	if (!is_right)
		buf_printf(out, "%*s", (int)blanks, "");
	buf_puts(out, " ");
}

static void
put_bytes(struct buf *out, uint64_t bytes, unsigned width)
{
	char text[UNITS_TEXT_SIZE];

	put_cell(out, units_format_bytes(bytes, text), width, true);
}

/* A rate is rounded to three figures: "1.2MiB" says enough. */
static void
put_rate(struct buf *out, uint64_t rate)
{
	static const char letters[] = " KMGTP";
	char text[CELL_SIZE];
	double value = (double)rate;
	unsigned i = 0;

	while (value >= 999.5 && letters[i + 1] != '\0') {
		value /= 1024;
		i++;
	}
	(void)snprintf(text, sizeof text, value < 9.95 && i > 0 ? "%.1f%c" : "%.0f%c", value,
		letters[i]);
	put_cell(out, text, 6, true);
}

static void
put_cpu(struct buf *out, uint64_t milli, unsigned width)
{
	char text[CELL_SIZE];

	(void)snprintf(text, sizeof text, "%llu.%02llu", (unsigned long long)(milli / 1000),
		(unsigned long long)(milli % 1000 / 10));
	put_cell(out, text, width, true);
}

static unsigned
per_cent(uint64_t used, uint64_t all)
{
	double share = all == 0 ? 0 : (double)used * 100 / (double)all;

	return share > 999 ? 999 : (unsigned)(share + 0.5);
}

/* What the line begins with, for cli_screen: its colour. */
static void
put_style(struct buf *out, enum cli_style style)
{
	char c = (char)style;

	if (style != CLI_STYLE_NONE)
		buf_put(out, &c, 1);
}

static enum cli_style
style_of(unsigned share)
{
	if (share > HIGH_MAX)
		return CLI_STYLE_BAD;
	return share > WELL_MAX ? CLI_STYLE_WARN : CLI_STYLE_GOOD;
}

/* ---- the head ---- */

static void
put_bar(const struct cli_toppage *page, const char *name, uint64_t used, uint64_t all,
	const int64_t *points, bool is_cpu, struct buf *out)
{
	unsigned share = per_cent(used, all), n_points = page->columns > 80 ? CLI_TOP_POINTS : 20;
	unsigned filled = share > 100 ? BAR_WIDTH : share * BAR_WIDTH / 100;

	put_style(out, style_of(share));
	buf_printf(out, "%s [", name);
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		buf_puts(out, i < filled ? "|" : " ");
	buf_printf(out, "] %3u%%  ", share);
	if (is_cpu)
		cli_text_cpu_of(used, all, out);
	else
		cli_text_bytes_of(used, all, out);
	buf_puts(out, "  ");
	cli_toppage_spark(points, n_points, 0, page->has_utf8, out);
	buf_puts(out, "\n");
}

static void
put_head(const struct cli_toppage *page, const struct cli_topmodel *model, struct buf *out)
{
	static const Davit__ClusterStats nothing = DAVIT__CLUSTER_STATS__INIT;
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__ClusterStats *cluster = cli_topmodel_cluster(model);
	const Davit__Resources *capacity;

	if (cluster == NULL)
		cluster = &nothing;
	capacity = cluster->capacity == NULL ? &none : cluster->capacity;
	put_style(out, CLI_STYLE_TITLE);
	buf_printf(out, "davit top  %s  nodes %u of %u ready  tasks %u running", page->time,
		cluster->nodes_ready, cluster->nodes_total, cluster->tasks_running);
	if (cluster->tasks_pending + cluster->tasks_scheduled > 0)
		buf_printf(out, ", %u pending", cluster->tasks_pending + cluster->tasks_scheduled);
	buf_printf(out, ", %u failed  [%s]\n", cluster->tasks_failed, page->source);
	put_bar(page, "cpu   ", cluster->cpu_milli, capacity->cpu_milli,
		cli_topmodel_cpu_points(model), true, out);
	put_bar(page, "memory", cluster->memory_bytes, capacity->memory_bytes,
		cli_topmodel_memory_points(model), false, out);
	buf_puts(out, "\n");
}

static void
put_columns(const struct cli_toppage *page, struct buf *out)
{
	/* The column that the list is sorted by is marked; without colours, too. */
	static const char *const titles[CLI_TOP_ORDER_COUNT] = {[CLI_TOP_BY_CPU] = "CPU",
		[CLI_TOP_BY_MEMORY] = "MEMORY",
		[CLI_TOP_BY_NET] = "NET",
		[CLI_TOP_BY_IO] = "DISK",
		[CLI_TOP_BY_NAME] = "NAME"};
	char cells[CLI_TOP_ORDER_COUNT][16];

	for (unsigned i = 0; i < CLI_TOP_ORDER_COUNT; i++)
		(void)snprintf(cells[i], sizeof cells[i], "%s%s",
			page->view.order == (enum cli_top_order)i ? "*" : "", titles[i]);
	put_style(out, CLI_STYLE_HEAD);
	buf_puts(out, "  ");
	put_cell(out, cells[CLI_TOP_BY_NAME], NAME_WIDTH, false);
	put_cell(out, page->view.shows_nodes ? "STATE" : "NODE", 12, false);
	put_cell(out, cells[CLI_TOP_BY_CPU], 7, true);
	put_cell(out, "", SPARK_LIST, false);
	put_cell(out, cells[CLI_TOP_BY_MEMORY], 9, true);
	put_cell(out, "%", 3, true);
	put_cell(out, cells[CLI_TOP_BY_NET], 6, true);
	put_cell(out, "OUT/s", 6, true);
	put_cell(out, cells[CLI_TOP_BY_IO], 6, true);
	put_cell(out, "WR/s", 6, true);
	put_cell(out, page->view.shows_nodes ? "TASKS" : "PIDS", 5, true);
	if (page->view.shows_nodes)
		put_cell(out, "LOAD", 6, true);
	buf_puts(out, "\n");
}

/* ---- the list ---- */

static void
put_item(const struct cli_toppage *page, const struct cli_top_item *item, bool is_selected,
	struct buf *out)
{
	char text[CELL_SIZE];

	put_style(out, is_selected ? CLI_STYLE_SELECTED
				   : (item->is_well ? CLI_STYLE_NONE : CLI_STYLE_BAD));
	buf_puts(out, is_selected ? "> " : "  ");
	put_cell(out, item->name, NAME_WIDTH, false);
	put_cell(out, item->is_node ? item->state : item->node_name, 12, false);
	put_cpu(out, item->cpu_milli, 7);
	cli_toppage_spark(item->cpu_points, SPARK_LIST, item->cpu_milli_max, page->has_utf8, out);
	buf_puts(out, " ");
	put_bytes(out, item->memory_bytes, 9);
	(void)snprintf(text, sizeof text, "%u",
		per_cent(item->memory_bytes, item->memory_bytes_max));
	put_cell(out, item->memory_bytes_max == 0 ? "-" : text, 3, true);
	for (unsigned i = 0; i < 4; i++)
		put_rate(out, item->rates[i]);
	(void)snprintf(text, sizeof text, "%llu",
		(unsigned long long)(item->is_node ? item->n_tasks : item->pids));
	put_cell(out, text, 5, true);
	if (item->is_node)
		put_cpu(out, item->load1_milli, 6);
	buf_puts(out, "\n");
}

static void
put_group(const struct cli_top_line *line, bool is_selected, struct buf *out)
{
	char cpu[UNITS_TEXT_SIZE], memory[UNITS_TEXT_SIZE];

	put_style(out, is_selected ? CLI_STYLE_SELECTED : CLI_STYLE_GROUP);
	buf_printf(out, "%s%s: %u tasks, cpu %s, memory %s\n", is_selected ? "> " : "  ",
		line->title[0] == '\0' ? "(none)" : line->title, line->n,
		units_format_cpu(line->cpu_milli, cpu),
		units_format_bytes(line->memory_bytes, memory));
}

unsigned
cli_toppage_list_rows(const struct cli_toppage *page)
{
	return page->rows > HEAD_ROWS + 1 ? page->rows - HEAD_ROWS - 1 : 1;
}

static void
put_last(const struct cli_toppage *page, struct buf *out)
{
	static const char *const groups[CLI_TOP_GROUP_COUNT] = {[CLI_TOP_UNGROUPED] = "",
		[CLI_TOP_BY_NODE] = "  by node",
		[CLI_TOP_BY_ARRAY] = "  by array",
		[CLI_TOP_BY_NAMESPACE] = "  by namespace"};

	put_style(out, CLI_STYLE_HEAD);
	if (page->message[0] != '\0')
		buf_printf(out, "%s", page->message);
	else
		buf_printf(out,
			"q quit  h help  / filter  g group  tab %s  enter details  l logs  x stop  e exec%s%s%s",
			page->view.shows_nodes ? "tasks" : "nodes", groups[page->view.group],
			page->view.filter[0] != '\0' ? "  filter: " : "", page->view.filter);
}

void
cli_toppage_list(const struct cli_toppage *page, const struct cli_topmodel *model,
	const struct cli_top_line *lines, size_t n, struct buf *out)
{
	unsigned n_rows = cli_toppage_list_rows(page), row = 0;

	put_head(page, model, out);
	put_columns(page, out);
	for (size_t i = page->first; i < n && row < n_rows; i++, row++) {
		if (lines[i].item != NULL)
			put_item(page, lines[i].item, i == page->selected, out);
		else
			put_group(&lines[i], i == page->selected, out);
	}
	if (n == 0) {
		buf_puts(out, page->view.filter[0] != '\0' ? "  nothing has that in its name\n"
							   : "  nothing runs\n");
		row++;
	}
	for (; row < n_rows; row++)
		buf_puts(out, "\n");
	put_last(page, out);
}

/* ---- other pages ---- */

void
cli_toppage_details(const struct cli_toppage *page, const struct cli_top_item *item,
	struct buf *out)
{
	static const char *const rates[] = {"net in", "net out", "disk read", "disk written"};
	char text[UNITS_TEXT_SIZE];

	put_style(out, CLI_STYLE_TITLE);
	buf_printf(out, "%s %s\n\n", item->is_node ? "node" : "task", item->name);
	buf_printf(out, "id            %s\n", item->id);
	if (item->is_node) {
		buf_printf(out, "state         %s\n", item->state);
		buf_printf(out, "tasks         %u\n", item->n_tasks);
		buf_puts(out, "disk          ");
		cli_text_bytes_of(item->disk_bytes, item->disk_bytes_max, out);
		buf_printf(out, "\nload          %llu.%02llu\n",
			(unsigned long long)(item->load1_milli / 1000),
			(unsigned long long)(item->load1_milli % 1000 / 10));
	} else {
		buf_printf(out, "namespace     %s\n", item->namespace_name);
		buf_printf(out, "node          %s\n", item->node_name);
		if (item->array_id[0] != '\0')
			buf_printf(out, "array         %s\n", item->array_id);
		buf_printf(out, "pids          %llu\n", (unsigned long long)item->pids);
		buf_printf(out, "restarts      %llu\n", (unsigned long long)item->restarts);
	}
	buf_puts(out, "\ncpu           ");
	cli_text_cpu_of(item->cpu_milli, item->cpu_milli_max, out);
	buf_puts(out, "\n              ");
	cli_toppage_spark(item->cpu_points, CLI_TOP_POINTS, 0, page->has_utf8, out);
	buf_puts(out, "\nmemory        ");
	cli_text_bytes_of(item->memory_bytes, item->memory_bytes_max, out);
	buf_puts(out, "\n              ");
	cli_toppage_spark(item->memory_points, CLI_TOP_POINTS, 0, page->has_utf8, out);
	buf_puts(out, "\n");
	for (unsigned i = 0; i < 4; i++)
		buf_printf(out, "%-13s %s/s\n", rates[i], units_format_bytes(item->rates[i], text));
	buf_puts(out, "\nany key returns\n");
}

void
cli_toppage_help(const struct cli_toppage *page, struct buf *out)
{
	(void)page;
	put_style(out, CLI_STYLE_TITLE);
	buf_puts(out,
		"davit top: keys\n\n"
		"up, down, j, k, page up, page down, home, end   move\n"
		"c m w d n     sort by cpu, memory, net, disk, name (the column with the star)\n"
		"/             show only what has this in its name, id, node, namespace or array\n"
		"g             group by node, by array, by namespace, not at all\n"
		"tab           tasks or nodes\n"
		"enter, i      details\n"
		"l             the task's output; ^C returns\n"
		"e             a shell in the task; its end returns\n"
		"x             stop the task, after a question\n"
		"q             quit\n\n"
		"Figures are of the last second, curves of the last minute. any key returns\n");
}
