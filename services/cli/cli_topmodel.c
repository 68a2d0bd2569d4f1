#include "services/cli/cli_topmodel.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/cli/cli_text.h"

struct cli_topmodel {
	struct cli_top_item *items;
	Davit__ClusterStats *cluster;
	int64_t cpu_points[CLI_TOP_POINTS], memory_points[CLI_TOP_POINTS];
	unsigned round;
	struct cli_top_line *lines;
};

static void
forget_points(int64_t *points)
{
	for (unsigned i = 0; i < CLI_TOP_POINTS; i++)
		points[i] = -1;
}

struct cli_topmodel *
cli_topmodel_new(void)
{
	struct cli_topmodel *model = xcalloc(1, sizeof *model);

	forget_points(model->cpu_points);
	forget_points(model->memory_points);
	return model;
}

static void
item_free(struct cli_topmodel *model, struct cli_top_item *item)
{
	HASH_DEL(model->items, item);
	free(item->id);
	free(item->name);
	free(item->namespace_name);
	free(item->array_id);
	free(item->node_name);
	free(item);
}

void
cli_topmodel_free(struct cli_topmodel *model)
{
	struct cli_top_item *item, *next;

	if (model == NULL)
		return;
	HASH_ITER(hh, model->items, item, next)
	{
		item_free(model, item);
	}
	davit__cluster_stats__free_unpacked(model->cluster, NULL);
	free(model->lines);
	free(model);
}

/* ---- what comes in ---- */

static struct cli_top_item *
item_need(struct cli_topmodel *model, const char *id)
{
	struct cli_top_item *item;

	HASH_FIND_STR(model->items, id, item);
	if (item == NULL) {
		item = xcalloc(1, sizeof *item);
		item->id = xstrdup(id);
		forget_points(item->cpu_points);
		forget_points(item->memory_points);
		HASH_ADD_KEYPTR(hh, model->items, item->id, (unsigned)strlen(item->id), item);
	}
	item->round = model->round;
	item->is_well = true;
	return item;
}

/* What a peer says is clean before it comes near a terminal. */
static void
set_text(char **text, const char *value)
{
	struct buf clean = {0};

	free(*text);
	cli_text_clean(value == NULL ? "" : value, &clean);
	(void)buf_text(&clean);
	*text = buf_take(&clean, NULL);
}

static void
push(int64_t *points, uint64_t value)
{
	memmove(points, points + 1, (CLI_TOP_POINTS - 1) * sizeof *points);
	points[CLI_TOP_POINTS - 1] = (int64_t)value;
}

/* The last ones of a list that may be shorter. */
static void
set_points(int64_t *points, const int64_t *list, size_t n)
{
	if (n > CLI_TOP_POINTS) {
		list += n - CLI_TOP_POINTS;
		n = CLI_TOP_POINTS;
	}
	forget_points(points);
	if (n > 0)
		memcpy(points + CLI_TOP_POINTS - n, list, n * sizeof *points);
}

static void
count(struct cli_top_item *item, const Davit__TaskSample *last)
{
	const uint64_t counters[4] = {last->net_rx_bytes, last->net_tx_bytes, last->io_read_bytes,
		last->io_write_bytes};
	uint64_t ms = last->ts_ms - item->counted_ms;

	if (last->ts_ms <= item->counted_ms)
		return; /* the same figures again */
	for (unsigned i = 0; i < 4; i++) {
		bool goes_on = item->counted_ms > 0 && counters[i] >= item->counters[i];

		item->rates[i] = goes_on ? (counters[i] - item->counters[i]) * 1000 / ms : 0;
		item->counters[i] = counters[i];
	}
	item->counted_ms = last->ts_ms;
}

static void
take_task(struct cli_topmodel *model, const Davit__Task *task)
{
	struct cli_top_item *item = item_need(model, task->id);

	set_text(&item->name, task->name);
	set_text(&item->namespace_name, task->namespace_);
	set_text(&item->array_id, task->array_id);
	set_text(&item->node_name, task->node_name);
	item->restarts = task->restart_count;
	if (task->usage != NULL && task->usage->last != NULL) {
		const Davit__TaskSample *last = task->usage->last;

		item->cpu_milli = last->cpu_milli;
		item->memory_bytes = last->memory_bytes;
		item->pids = last->pids;
		count(item, last);
	}
	push(item->cpu_points, item->cpu_milli);
	push(item->memory_points, item->memory_bytes);
}

static void
set_machine(struct cli_top_item *item, const Davit__NodeSample *machine)
{
	if (machine == NULL)
		return;
	item->cpu_milli = machine->cpu_milli;
	item->cpu_milli_max = machine->cpu_milli_total;
	item->memory_bytes = machine->memory_bytes;
	item->memory_bytes_max = machine->memory_bytes_total;
	item->disk_bytes = machine->disk_bytes;
	item->disk_bytes_max = machine->disk_bytes_total;
	item->load1_milli = machine->load1_milli;
}

static void
set_state(struct cli_top_item *item, Davit__Node__State state, bool is_draining, bool is_silent)
{
	static const char *const names[] = {"ready", "ready", "unknown", "down", "degraded"};

	item->is_node = true;
	item->is_well = state <= DAVIT__NODE__STATE__READY && !is_silent;
	(void)snprintf(item->state, sizeof item->state, "%s%s%s", state < 5 ? names[state] : "?",
		is_draining ? ", draining" : "", is_silent ? ", silent" : "");
}

static void
take_node(struct cli_topmodel *model, const Davit__Node *node)
{
	struct cli_top_item *item = item_need(model, node->id);

	set_text(&item->name, node->name);
	set_text(&item->node_name, node->name);
	set_state(item, node->state, node->draining, false);
	item->n_tasks = node->n_tasks;
	set_machine(item, node->usage);
	push(item->cpu_points, item->cpu_milli);
	push(item->memory_points, item->memory_bytes);
}

static void
take_cluster(struct cli_topmodel *model, const Davit__ClusterStats *cluster)
{
	size_t size = cluster == NULL ? 0 : davit__cluster_stats__get_packed_size(cluster);
	CLEANUP(free) char *bytes = xmalloc(size);

	if (cluster == NULL)
		return;
	(void)davit__cluster_stats__pack(cluster, (uint8_t *)bytes);
	davit__cluster_stats__free_unpacked(model->cluster, NULL);
	model->cluster = davit__cluster_stats__unpack(NULL, size, (const uint8_t *)bytes);
}

/* What this answer did not have is gone. */
static void
end_round(struct cli_topmodel *model)
{
	struct cli_top_item *item, *next;

	HASH_ITER(hh, model->items, item, next)
	{
		if (item->round != model->round)
			item_free(model, item);
	}
}

void
cli_topmodel_take_stats(struct cli_topmodel *model, const Davit__GetStatsReply *reply,
	uint64_t now_ms)
{
	(void)now_ms;
	model->round++;
	take_cluster(model, reply->cluster);
	for (size_t i = 0; i < reply->n_nodes; i++) {
		if (reply->nodes[i]->id != NULL)
			take_node(model, reply->nodes[i]);
	}
	for (size_t i = 0; i < reply->n_tasks && i < CLI_TOP_TASKS_MAX; i++) {
		if (reply->tasks[i]->id != NULL)
			take_task(model, reply->tasks[i]);
	}
	if (model->cluster != NULL) {
		push(model->cpu_points, model->cluster->cpu_milli);
		push(model->memory_points, model->cluster->memory_bytes);
	}
	end_round(model);
}

#define SET_RATES(item, from)                             \
	do {                                              \
		(item)->rates[0] = (from)->net_rx_rate;   \
		(item)->rates[1] = (from)->net_tx_rate;   \
		(item)->rates[2] = (from)->io_read_rate;  \
		(item)->rates[3] = (from)->io_write_rate; \
	} while (0)

static void
take_top_task(struct cli_topmodel *model, const Davit__TopTask *task)
{
	struct cli_top_item *item = item_need(model, task->task_id);

	set_text(&item->name, task->name != NULL ? task->name : task->task_id);
	set_text(&item->namespace_name, task->namespace_);
	set_text(&item->array_id, task->array_id);
	set_text(&item->node_name, task->node_name);
	item->cpu_milli = task->cpu_milli;
	item->cpu_milli_max = task->cpu_milli_limit;
	item->memory_bytes = task->memory_bytes;
	item->memory_bytes_max = task->memory_bytes_limit;
	item->pids = task->pids;
	item->restarts = task->restart_count;
	SET_RATES(item, task);
	set_points(item->cpu_points, task->cpu_points, task->n_cpu_points);
	set_points(item->memory_points, task->memory_points, task->n_memory_points);
}

void
cli_topmodel_take_top(struct cli_topmodel *model, const Davit__GetTopReply *reply)
{
	model->round++;
	take_cluster(model, reply->cluster);
	for (size_t i = 0; i < reply->n_nodes; i++) {
		const Davit__TopNode *node = reply->nodes[i];
		struct cli_top_item *item;

		if (node->node_id == NULL)
			continue;
		item = item_need(model, node->node_id);
		set_text(&item->name, node->name);
		set_text(&item->node_name, node->name);
		set_state(item, node->state, node->draining, node->silent);
		item->n_tasks = node->n_tasks;
		set_machine(item, node->machine);
		SET_RATES(item, node);
		set_points(item->cpu_points, node->cpu_points, node->n_cpu_points);
		set_points(item->memory_points, node->memory_points, node->n_memory_points);
	}
	for (size_t i = 0; i < reply->n_tasks; i++) {
		if (reply->tasks[i]->task_id != NULL)
			take_top_task(model, reply->tasks[i]);
	}
	set_points(model->cpu_points, reply->cpu_points, reply->n_cpu_points);
	set_points(model->memory_points, reply->memory_points, reply->n_memory_points);
	end_round(model);
}

const Davit__ClusterStats *
cli_topmodel_cluster(const struct cli_topmodel *model)
{
	return model->cluster;
}

const int64_t *
cli_topmodel_cpu_points(const struct cli_topmodel *model)
{
	return model->cpu_points;
}

const int64_t *
cli_topmodel_memory_points(const struct cli_topmodel *model)
{
	return model->memory_points;
}

/* ---- what goes out ---- */

static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

static bool
passes(const struct cli_top_item *item, const struct cli_top_view *view)
{
	const char *const texts[] = {item->name, item->id, item->node_name, item->namespace_name,
		item->array_id};

	if (item->is_node != view->shows_nodes)
		return false;
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (strstr(text_of(texts[i]), view->filter) != NULL)
			return true;
	}
	return view->filter[0] == '\0';
}

static const char *
group_of(const struct cli_top_item *item, enum cli_top_group group)
{
	switch (group) {
	case CLI_TOP_BY_NODE:
		return text_of(item->node_name);
	case CLI_TOP_BY_ARRAY:
		return text_of(item->array_id);
	case CLI_TOP_BY_NAMESPACE:
		return text_of(item->namespace_name);
	default:
		return "";
	}
}

static uint64_t
order_value(const struct cli_top_item *item, enum cli_top_order order)
{
	switch (order) {
	case CLI_TOP_BY_MEMORY:
		return item->memory_bytes;
	case CLI_TOP_BY_NET:
		return item->rates[0] + item->rates[1];
	case CLI_TOP_BY_IO:
		return item->rates[2] + item->rates[3];
	default:
		return item->cpu_milli;
	}
}

/* The greatest first; equal ones by name, so that lines do not jump about. */
static int
compare(const void *left, const void *right, void *arg)
{
	const struct cli_top_item *a = ((const struct cli_top_line *)left)->item;
	const struct cli_top_item *b = ((const struct cli_top_line *)right)->item;
	const struct cli_top_view *view = arg;
	uint64_t one = order_value(a, view->order), other = order_value(b, view->order);
	int by_group =
		view->shows_nodes ? 0 : strcmp(group_of(a, view->group), group_of(b, view->group));
	int by_name = strcmp(text_of(a->name), text_of(b->name));

	if (by_group != 0)
		return by_group;
	if (view->order != CLI_TOP_BY_NAME && one != other)
		return one < other ? 1 : -1;
	return by_name != 0 ? by_name : strcmp(a->id, b->id);
}

/* Puts a head before each group; lines has room for as many more. */
static size_t
put_heads(struct cli_top_line *lines, size_t n, enum cli_top_group group)
{
	struct cli_top_line *items = xmemdup(lines, n * sizeof *lines), *head = NULL;
	size_t n_lines = 0;

	for (size_t i = 0; i < n; i++) {
		const char *title = group_of(items[i].item, group);

		if (head == NULL || strcmp(head->title, title) != 0) {
			head = &lines[n_lines++];
			*head = (struct cli_top_line){.title = title};
		}
		head->n++;
		head->cpu_milli += items[i].item->cpu_milli;
		head->memory_bytes += items[i].item->memory_bytes;
		lines[n_lines++] = items[i];
	}
	free(items);
	return n_lines;
}

const struct cli_top_line *
cli_topmodel_arrange(struct cli_topmodel *model, const struct cli_top_view *view, size_t *ret_n)
{
	struct cli_top_view as = *view;
	struct cli_top_item *item, *next;
	size_t n = 0;

	free(model->lines);
	model->lines = xcalloc(2 * HASH_COUNT(model->items) + 1, sizeof *model->lines);
	HASH_ITER(hh, model->items, item, next)
	{
		if (passes(item, view))
			model->lines[n++].item = item;
	}
	qsort_r(model->lines, n, sizeof *model->lines, compare, &as);
	if (view->group != CLI_TOP_UNGROUPED && !view->shows_nodes)
		n = put_heads(model->lines, n, view->group);
	*ret_n = n;
	return model->lines;
}
