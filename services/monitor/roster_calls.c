#include "services/monitor/roster_calls.h"

#include <string.h>

#include "common/base/arena.h"
#include "common/base/mem.h"
#include "services/monitor/limits.h"

#define REFUSE(call, field, ...) \
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, field, __VA_ARGS__)

/* ---- GetTop ---- */

struct top {
	const struct roster *roster;
	const Davit__GetTopRequest *request;
	struct arena arena;
	uint64_t now_s;
	const struct roster_task **found;
	size_t n_found;
};

static uint64_t
sort_value(const struct roster_task *task, Davit__GetTopRequest__Sort sort)
{
	const uint64_t *of = task->now.of;

	switch (sort) {
	case DAVIT__GET_TOP_REQUEST__SORT__MEMORY:
		return of[HISTORY_MEMORY];
	case DAVIT__GET_TOP_REQUEST__SORT__NET:
		return of[HISTORY_NET_RX] + of[HISTORY_NET_TX];
	case DAVIT__GET_TOP_REQUEST__SORT__IO:
		return of[HISTORY_IO_READ] + of[HISTORY_IO_WRITE];
	default:
		return of[HISTORY_CPU];
	}
}

static const char *
name_of(const struct roster_task *task)
{
	return task->about != NULL ? task->about->name : "";
}

static int
compare_names(const struct roster_task *a, const struct roster_task *b)
{
	int order = strcmp(name_of(a), name_of(b));

	if (order != 0)
		return order;
	if (a->id.hi != b->id.hi)
		return a->id.hi < b->id.hi ? -1 : 1;
	return a->id.lo < b->id.lo ? -1 : a->id.lo > b->id.lo;
}

/* The greatest first; equal ones by name, so that lines do not jump about. */
static int
compare_tasks(const void *left, const void *right, void *arg)
{
	const struct roster_task *const *a = left, *const *b = right;
	Davit__GetTopRequest__Sort sort = *(const Davit__GetTopRequest__Sort *)arg;
	uint64_t one, other;

	if (sort == DAVIT__GET_TOP_REQUEST__SORT__NAME)
		return compare_names(*a, *b);
	one = sort_value(*a, sort);
	other = sort_value(*b, sort);
	return one != other ? (one < other ? 1 : -1) : compare_names(*a, *b);
}

static bool
passes(const struct roster_task *task, const Davit__GetTopRequest *request)
{
	const struct roster_about *about = task->about;
	char id[ID_TEXT_SIZE];

	if (request->namespace_ != NULL &&
		(about == NULL || strcmp(about->namespace_name, request->namespace_) != 0))
		return false;
	if (request->filter == NULL || request->filter[0] == '\0')
		return true;
	id_format(task->id, id);
	if (strstr(id, request->filter) != NULL ||
		strstr(task->node->name, request->filter) != NULL)
		return true;
	return about != NULL && (strstr(about->name, request->filter) != NULL ||
					strstr(about->namespace_name, request->filter) != NULL ||
					strstr(about->array_id, request->filter) != NULL);
}

static void
find_tasks(struct top *top)
{
	const struct roster_task *task;
	struct roster_figures figures;

	roster_figures(top->roster, &figures);
	top->found = xcalloc(figures.n_tasks + 1, sizeof(struct roster_task *));
	for (task = roster_tasks(top->roster); task != NULL; task = task->hh.next) {
		if (roster_task_is_live(top->roster, task) && passes(task, top->request))
			top->found[top->n_found++] = task;
	}
}

/* The last points of one figure; NULL when none are wanted. */
static int64_t *
points_of(struct top *top, const struct history *history, enum history_figure figure, size_t *ret_n)
{
	struct history_point points[HISTORY_POINTS];
	unsigned n = top->request->points;
	int64_t *list;

	*ret_n = n;
	if (n == 0)
		return NULL;
	list = arena_array(&top->arena, n, sizeof *list);
	(void)history_read(history, 0, top->now_s, n, points);
	for (unsigned i = 0; i < n; i++)
		list[i] = points[i].is_known ? (int64_t)points[i].values.of[figure] : -1;
	return list;
}

#define SET(message, field, value)             \
	do {                                   \
		(message)->has_##field = true; \
		(message)->field = (value);    \
	} while (0)
#define SET_RATES(message, values)                                          \
	do {                                                                \
		SET(message, net_rx_rate, (values).of[HISTORY_NET_RX]);     \
		SET(message, net_tx_rate, (values).of[HISTORY_NET_TX]);     \
		SET(message, io_read_rate, (values).of[HISTORY_IO_READ]);   \
		SET(message, io_write_rate, (values).of[HISTORY_IO_WRITE]); \
	} while (0)

static Davit__TopTask *
task_view(struct top *top, const struct roster_task *task)
{
	Davit__TopTask *view = arena_alloc(&top->arena, sizeof *view);
	const struct roster_about *about = task->about;
	char *id = arena_alloc(&top->arena, ID_TEXT_SIZE);

	davit__top_task__init(view);
	id_format(task->id, id);
	view->task_id = id;
	view->node_name = task->node->name;
	if (about != NULL) {
		view->name = (char *)(uintptr_t)about->name;
		view->namespace_ = (char *)(uintptr_t)about->namespace_name;
		if (about->array_id[0] != '\0')
			view->array_id = (char *)(uintptr_t)about->array_id;
		SET(view, cpu_milli_limit, about->cpu_milli);
		SET(view, memory_bytes_limit, about->memory_bytes);
		SET(view, restart_count, about->restart_count);
	}
	SET(view, cpu_milli, task->now.of[HISTORY_CPU]);
	SET(view, memory_bytes, task->now.of[HISTORY_MEMORY]);
	SET_RATES(view, task->now);
	SET(view, net_rx_bytes, task->counters[0]);
	SET(view, net_tx_bytes, task->counters[1]);
	SET(view, io_read_bytes, task->counters[2]);
	SET(view, io_write_bytes, task->counters[3]);
	SET(view, pids, task->n_pids);
	view->cpu_points = points_of(top, &task->history, HISTORY_CPU, &view->n_cpu_points);
	view->memory_points =
		points_of(top, &task->history, HISTORY_MEMORY, &view->n_memory_points);
	return view;
}

static Davit__TopNode *
node_view(struct top *top, const struct roster_node *node)
{
	Davit__TopNode *view = arena_alloc(&top->arena, sizeof *view);
	bool is_silent = node->heard_s + ROSTER_LIVE_S < top->now_s;

	davit__top_node__init(view);
	view->node_id = node->id;
	view->name = node->name;
	SET(view, state, node->state);
	SET(view, draining, node->is_draining);
	SET(view, silent, is_silent);
	SET(view, n_tasks, is_silent ? 0 : node->n_tasks);
	view->machine = (Davit__NodeSample *)(uintptr_t)&node->machine;
	if (node->machine.base.descriptor == NULL)
		view->machine = NULL; /* not heard yet */
	SET_RATES(view, node->now);
	view->cpu_points = points_of(top, &node->history, HISTORY_CPU, &view->n_cpu_points);
	view->memory_points =
		points_of(top, &node->history, HISTORY_MEMORY, &view->n_memory_points);
	return view;
}

static int
compare_nodes(const void *left, const void *right)
{
	const Davit__TopNode *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

static void
put_nodes(struct top *top, Davit__GetTopReply *reply)
{
	const struct roster_node *node;
	struct roster_figures figures;

	roster_figures(top->roster, &figures);
	reply->nodes = arena_array(&top->arena, figures.n_nodes + 1, sizeof *reply->nodes);
	for (node = roster_nodes(top->roster); node != NULL; node = node->hh.next)
		reply->nodes[reply->n_nodes++] = node_view(top, node);
	if (reply->n_nodes > 0)
		qsort(reply->nodes, reply->n_nodes, sizeof *reply->nodes, compare_nodes);
}

static void
put_tasks(struct top *top, Davit__GetTopReply *reply)
{
	size_t limit = top->request->has_limit ? top->request->limit : ROSTER_TOP_TASKS;
	Davit__GetTopRequest__Sort sort = top->request->sort;

	find_tasks(top);
	if (top->n_found > 0)
		qsort_r(top->found, top->n_found, sizeof *top->found, compare_tasks, &sort);
	SET(reply, matched, (uint32_t)top->n_found);
	if (limit > top->n_found)
		limit = top->n_found;
	reply->tasks = arena_array(&top->arena, limit + 1, sizeof *reply->tasks);
	for (size_t i = 0; i < limit; i++)
		reply->tasks[reply->n_tasks++] = task_view(top, top->found[i]);
	free(top->found);
}

void
roster_call_top(const struct roster *roster, struct live *live, struct rpc_call *call,
	uint64_t wall_ms)
{
	const Davit__GetTopRequest *request = (const Davit__GetTopRequest *)call->request;
	struct top top = {.roster = roster, .request = request, .now_s = wall_ms / 1000};
	Davit__GetTopReply reply = DAVIT__GET_TOP_REPLY__INIT;
	struct live_figures figures;

	if (request->has_limit && (request->limit < 1 || request->limit > ROSTER_TOP_TASKS_MAX)) {
		REFUSE(call, "limit", "is 1 to %d", ROSTER_TOP_TASKS_MAX);
	} else if (request->points > HISTORY_POINTS) {
		REFUSE(call, "points", "is at most %d", HISTORY_POINTS);
	} else if (request->filter != NULL && strlen(request->filter) > LIVE_ID_MAX) {
		REFUSE(call, "filter", "has at most %d bytes", LIVE_ID_MAX);
	} else if (live_version(live) == 0) {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"nothing was heard yet: is a davit-manager running?");
	} else {
		live_figures(live, 0, &figures);
		SET(&reply, ts_ms, wall_ms);
		SET(&reply, lost, figures.n_lost);
		reply.cluster = (Davit__ClusterStats *)(uintptr_t)live_cluster(live);
		put_nodes(&top, &reply);
		put_tasks(&top, &reply);
		reply.cpu_points =
			points_of(&top, roster_cluster(roster), HISTORY_CPU, &reply.n_cpu_points);
		reply.memory_points = points_of(&top, roster_cluster(roster), HISTORY_MEMORY,
			&reply.n_memory_points);
		rpc_call_answer(call, &reply.base);
	}
	arena_fini(&top.arena);
}

/* ---- GetHistory ---- */

struct asked {
	struct rpc_call *call;
	const Davit__GetHistoryRequest *request;
	Davit__GetHistoryReply reply;
	struct arena arena;
	unsigned tier, n_points;
	uint64_t now_s;
	bool is_refused;
};

static void
put_series(struct asked *asked, Davit__HistorySeries__Kind kind, char *name,
	const struct history *history)
{
	Davit__HistorySeries *series = arena_alloc(&asked->arena, sizeof *series);
	struct history_point points[HISTORY_POINTS];
	int64_t *lists[HISTORY_FIGURE_COUNT];
	uint64_t start_s =
		history_read(history, asked->tier, asked->now_s, asked->n_points, points);

	davit__history_series__init(series);
	SET(series, kind, kind);
	series->name = name;
	SET(series, start_ms, start_s * 1000);
	SET(series, step_ms, history_steps[asked->tier] * UINT64_C(1000));
	for (unsigned f = 0; f < HISTORY_FIGURE_COUNT; f++) {
		lists[f] = arena_array(&asked->arena, asked->n_points, sizeof *lists[f]);
		for (unsigned i = 0; i < asked->n_points; i++)
			lists[f][i] = points[i].is_known ? (int64_t)points[i].values.of[f] : -1;
	}
	series->cpu = lists[HISTORY_CPU];
	series->memory = lists[HISTORY_MEMORY];
	series->net_rx_rate = lists[HISTORY_NET_RX];
	series->net_tx_rate = lists[HISTORY_NET_TX];
	series->io_read_rate = lists[HISTORY_IO_READ];
	series->io_write_rate = lists[HISTORY_IO_WRITE];
	series->n_cpu = series->n_memory = series->n_net_rx_rate = series->n_net_tx_rate =
		series->n_io_read_rate = series->n_io_write_rate = asked->n_points;
	asked->reply.series[asked->reply.n_series++] = series;
}

static void
refuse_unknown(struct asked *asked, const char *field, const char *name)
{
	asked->is_refused = true;
	rpc_call_refuse(asked->call, DAVIT__REPLY__STATUS__NOT_FOUND, field,
		"nothing was heard of '%s' in the last hour", name);
}

static void
put_all(struct asked *asked, const struct roster *roster)
{
	const Davit__GetHistoryRequest *request = asked->request;

	for (size_t i = 0; i < request->n_tasks && !asked->is_refused; i++) {
		const struct roster_task *task = roster_find_task(roster, request->tasks[i]);

		if (task == NULL)
			refuse_unknown(asked, "tasks", request->tasks[i]);
		else
			put_series(asked, DAVIT__HISTORY_SERIES__KIND__TASK, request->tasks[i],
				&task->history);
	}
	for (size_t i = 0; i < request->n_nodes && !asked->is_refused; i++) {
		const struct roster_node *node = roster_find_node(roster, request->nodes[i]);

		if (node == NULL)
			refuse_unknown(asked, "nodes", request->nodes[i]);
		else
			put_series(asked, DAVIT__HISTORY_SERIES__KIND__NODE, request->nodes[i],
				&node->history);
	}
	for (size_t i = 0; i < request->n_namespaces && !asked->is_refused; i++) {
		const struct roster_namespace *sum =
			roster_find_namespace(roster, request->namespaces[i]);

		if (sum == NULL)
			refuse_unknown(asked, "namespaces", request->namespaces[i]);
		else
			put_series(asked, DAVIT__HISTORY_SERIES__KIND__NAMESPACE,
				request->namespaces[i], &sum->history);
	}
	if (request->cluster && !asked->is_refused)
		put_series(asked, DAVIT__HISTORY_SERIES__KIND__CLUSTER, NULL,
			roster_cluster(roster));
}

/* HISTORY_TIERS: there is no such step. */
static unsigned
tier_of(const Davit__GetHistoryRequest *request)
{
	unsigned tier = 0;

	while (request->has_step_ms && tier < HISTORY_TIERS &&
		request->step_ms != history_steps[tier] * UINT64_C(1000))
		tier++;
	return tier;
}

void
roster_call_history(const struct roster *roster, struct rpc_call *call, uint64_t wall_ms)
{
	const Davit__GetHistoryRequest *request = (const Davit__GetHistoryRequest *)call->request;
	struct asked asked = {.call = call,
		.request = request,
		.reply = DAVIT__GET_HISTORY_REPLY__INIT,
		.tier = tier_of(request),
		.n_points = request->has_points ? request->points : HISTORY_POINTS,
		.now_s = wall_ms / 1000};
	size_t n = request->n_tasks + request->n_nodes + request->n_namespaces;

	if (n > ROSTER_SERIES_MAX) {
		REFUSE(call, "tasks", "%zu series, at most %d at once", n, ROSTER_SERIES_MAX);
	} else if (asked.tier == HISTORY_TIERS) {
		REFUSE(call, "step_ms", "is 1000, 10000 or 60000");
	} else if (asked.n_points < 1 || asked.n_points > HISTORY_POINTS) {
		REFUSE(call, "points", "is 1 to %d", HISTORY_POINTS);
	} else {
		asked.reply.series = arena_array(&asked.arena, n + 1, sizeof *asked.reply.series);
		put_all(&asked, roster);
		if (!asked.is_refused)
			rpc_call_answer(call, &asked.reply.base);
	}
	arena_fini(&asked.arena);
}
