#include "services/monitor/roster.h"

#include <utlist.h>

#include "common/base/mem.h"
#include "services/monitor/limits.h"
#include "services/monitor/roster_about.h"

struct roster {
	struct roster_task *tasks, *by_heard;
	struct roster_node *nodes;
	struct roster_namespace *namespaces;
	struct history cluster;
	uint64_t now_s; /* of the last message or tick */
	uint64_t n_left_out;
	bool wants_list;
};

struct roster *
roster_new(void)
{
	return xcalloc(1, sizeof(struct roster));
}

static void
task_free(struct roster *roster, struct roster_task *task)
{
	HASH_DEL(roster->tasks, task);
	DL_DELETE(roster->by_heard, task);
	history_fini(&task->history);
	free(task->about);
	free(task);
}

static void
node_free(struct roster *roster, struct roster_node *node)
{
	HASH_DEL(roster->nodes, node);
	history_fini(&node->history);
	free(node->id);
	free(node->name);
	free(node->address);
	free(node);
}

static void
namespace_free(struct roster *roster, struct roster_namespace *sum)
{
	HASH_DEL(roster->namespaces, sum);
	history_fini(&sum->history);
	free(sum->name);
	free(sum);
}

void
roster_free(struct roster *roster)
{
	struct roster_task *task, *next_task;
	struct roster_node *node, *next_node;
	struct roster_namespace *sum, *next;

	if (roster == NULL)
		return;
	HASH_ITER(hh, roster->tasks, task, next_task)
	{
		task_free(roster, task);
	}
	HASH_ITER(hh, roster->nodes, node, next_node)
	{
		node_free(roster, node);
	}
	HASH_ITER(hh, roster->namespaces, sum, next)
	{
		namespace_free(roster, sum);
	}
	history_fini(&roster->cluster);
	free(roster);
}

/* ---- tasks ---- */

static struct roster_task *
task_find(const struct roster *roster, struct id id)
{
	struct roster_task *task;

	HASH_FIND(hh, roster->tasks, &id, sizeof id, task);
	return task;
}

/* NULL: no place, counted. */
static struct roster_task *
task_need(struct roster *roster, struct id id)
{
	struct roster_task *task = task_find(roster, id), *oldest = roster->by_heard;

	if (task != NULL)
		return task;
	if (HASH_COUNT(roster->tasks) >= ROSTER_TASKS_MAX) {
		if (oldest->heard_s + ROSTER_LIVE_S >= roster->now_s) {
			roster->n_left_out++;
			return NULL;
		}
		task_free(roster, oldest);
	}
	task = xcalloc(1, sizeof *task);
	task->id = id;
	task->heard_s = roster->now_s;
	HASH_ADD(hh, roster->tasks, id, sizeof task->id, task);
	DL_APPEND(roster->by_heard, task);
	return task;
}

/* Bytes a second since the counter was read last; 0 when it began anew. */
static uint64_t
rate(uint64_t before, uint64_t now, uint64_t ms)
{
	return now <= before || ms == 0 ? 0
					: (uint64_t)((double)(now - before) * 1000 / (double)ms);
}

static void
task_measure(struct roster *roster, struct roster_task *task, const Davit__TaskSample *sample,
	uint64_t ts_ms)
{
	const uint64_t counters[4] = {sample->net_rx_bytes, sample->net_tx_bytes,
		sample->io_read_bytes, sample->io_write_bytes};

	task->now.of[HISTORY_CPU] = sample->cpu_milli;
	task->now.of[HISTORY_MEMORY] = sample->memory_bytes;
	for (unsigned i = 0; i < 4; i++) {
		task->now.of[HISTORY_NET_RX + i] =
			task->counted_ms == 0 || ts_ms <= task->counted_ms
				? 0
				: rate(task->counters[i], counters[i], ts_ms - task->counted_ms);
		task->counters[i] = counters[i];
	}
	task->counted_ms = ts_ms;
	task->n_pids = sample->pids;
	task->heard_s = roster->now_s;
	DL_DELETE(roster->by_heard, task);
	DL_APPEND(roster->by_heard, task);
	history_put(&task->history, roster->now_s, &task->now);
	if (task->about == NULL || !task->about->is_listed)
		roster->wants_list = true;
}

/* ---- nodes ---- */

static struct roster_node *
node_need(struct roster *roster, const char *id)
{
	struct roster_node *node;

	HASH_FIND_STR(roster->nodes, id, node);
	if (node != NULL)
		return node;
	if (HASH_COUNT(roster->nodes) >= ROSTER_NODES_MAX || strlen(id) > LIVE_ID_MAX) {
		roster->n_left_out++;
		return NULL;
	}
	node = xcalloc(1, sizeof *node);
	node->id = xstrdup(id);
	node->name = xstrdup(id);
	HASH_ADD_KEYPTR(hh, roster->nodes, node->id, (unsigned)strlen(node->id), node);
	return node;
}

static void
set_text(char **text, const char *value)
{
	if (value == NULL || (*text != NULL && strcmp(*text, value) == 0))
		return;
	free(*text);
	*text = strndup(value, LIVE_ID_MAX);
}

/* Without what a newer sender may have put there: that goes with its message. */
static void
machine_copy(Davit__NodeSample *machine, const Davit__NodeSample *sample)
{
	*machine = *sample;
	machine->base.n_unknown_fields = 0;
	machine->base.unknown_fields = NULL;
}

void
roster_take_stats(struct roster *roster, const Davit__NodeStats *stats, uint64_t wall_ms)
{
	struct roster_node *node;

	roster->now_s = wall_ms / 1000;
	node = stats->node_id == NULL ? NULL : node_need(roster, stats->node_id);
	if (node == NULL)
		return;
	set_text(&node->name, stats->node_name);
	node->heard_s = roster->now_s;
	node->n_tasks = (uint32_t)stats->n_tasks;
	node->now = (struct history_values){0};
	for (size_t i = 0; i < stats->n_tasks; i++) {
		const Davit__TaskSample *sample = stats->tasks[i];
		struct roster_task *task = NULL;
		struct id id;

		if (sample->task_id != NULL && id_parse(sample->task_id, &id))
			task = task_need(roster, id);
		if (task == NULL)
			continue;
		task->node = node;
		task_measure(roster, task, sample, sample->has_ts_ms ? sample->ts_ms : wall_ms);
		for (unsigned f = HISTORY_NET_RX; f < HISTORY_FIGURE_COUNT; f++)
			node->now.of[f] += task->now.of[f];
	}
	if (stats->node != NULL) {
		machine_copy(&node->machine, stats->node);
		node->now.of[HISTORY_CPU] = stats->node->cpu_milli;
		node->now.of[HISTORY_MEMORY] = stats->node->memory_bytes;
	}
	history_put(&node->history, roster->now_s, &node->now);
}

/* ---- what the manager says ---- */

static void
node_remove(struct roster *roster, const char *id)
{
	struct roster_node *node;
	struct roster_task *task;

	HASH_FIND_STR(roster->nodes, id, node);
	if (node == NULL)
		return;
	DL_FOREACH (roster->by_heard, task) {
		if (task->node == node)
			task->node = NULL;
	}
	node_free(roster, node);
}

static void
take_node_event(struct roster *roster, const Davit__Event *event)
{
	static const struct {
		const char *what;
		Davit__Node__State state;
	} states[] = {{"ready", DAVIT__NODE__STATE__READY},
		{"unknown", DAVIT__NODE__STATE__UNKNOWN}, {"down", DAVIT__NODE__STATE__DOWN},
		{"degraded", DAVIT__NODE__STATE__DEGRADED}};
	struct roster_node *node;

	if (event->node_id == NULL || event->what == NULL)
		return;
	if (strcmp(event->what, "removed") == 0) {
		node_remove(roster, event->node_id);
		return;
	}
	node = node_need(roster, event->node_id);
	if (node == NULL)
		return;
	set_text(&node->name, event->node_name);
	for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
		if (strcmp(event->what, states[i].what) == 0)
			node->state = states[i].state;
	}
	if (strcmp(event->what, "draining") == 0 || strcmp(event->what, "undrained") == 0)
		node->is_draining = event->what[0] == 'd';
}

/* One that ended before anything was measured has no past to show. */
static void
forget_unmeasured(struct roster *roster, struct roster_task *task)
{
	if (task != NULL && task->counted_ms == 0)
		task_free(roster, task);
}

static void
take_task_event(struct roster *roster, const Davit__Event *event)
{
	struct roster_task *task;
	struct id id;

	if (event->task_id == NULL || !id_parse(event->task_id, &id))
		return;
	if (event->state == DAVIT__TASK__STATE__COMPLETED ||
		event->state == DAVIT__TASK__STATE__FAILED)
		forget_unmeasured(roster, task_find(roster, id));
	if (event->state != DAVIT__TASK__STATE__RUNNING)
		return;
	task = task_need(roster, id);
	if (task == NULL || task->about != NULL)
		return;
	task->about = roster_about_of_event(event);
	roster->wants_list = true;
}

void
roster_take_event(struct roster *roster, const Davit__Event *event)
{
	if (event->kind == DAVIT__EVENT__KIND__NODE)
		take_node_event(roster, event);
	if (event->kind == DAVIT__EVENT__KIND__TASK)
		take_task_event(roster, event);
}

void
roster_take_task(struct roster *roster, const Davit__Task *task)
{
	struct roster_task *known;
	struct id id;

	if (task->id == NULL || !id_parse(task->id, &id))
		return;
	known = task_need(roster, id);
	if (known == NULL)
		return;
	free(known->about);
	known->about = roster_about_of_task(task);
	if (known->node == NULL && task->node_id != NULL)
		known->node = node_need(roster, task->node_id);
}

void
roster_take_node(struct roster *roster, const Davit__Node *listed)
{
	struct roster_node *node = listed->id == NULL ? NULL : node_need(roster, listed->id);

	if (node == NULL)
		return;
	set_text(&node->name, listed->name);
	set_text(&node->address, listed->address);
	node->state = listed->state;
	node->is_draining = listed->draining;
	if (listed->usage != NULL && node->heard_s == 0)
		machine_copy(&node->machine, listed->usage);
}

/* ---- sums ---- */

static struct roster_namespace *
namespace_need(struct roster *roster, const char *name)
{
	struct roster_namespace *sum;

	HASH_FIND_STR(roster->namespaces, name, sum);
	if (sum != NULL || HASH_COUNT(roster->namespaces) >= ROSTER_NAMESPACES_MAX)
		return sum;
	sum = xcalloc(1, sizeof *sum);
	sum->name = xstrdup(name);
	HASH_ADD_KEYPTR(hh, roster->namespaces, sum->name, (unsigned)strlen(sum->name), sum);
	return sum;
}

bool
roster_task_is_live(const struct roster *roster, const struct roster_task *task)
{
	return task->node != NULL && task->counted_ms > 0 &&
	       task->heard_s + ROSTER_LIVE_S >= roster->now_s;
}

static void
add(struct history_values *sum, const struct history_values *more)
{
	for (unsigned f = 0; f < HISTORY_FIGURE_COUNT; f++)
		sum->of[f] += more->of[f];
}

void
roster_tick(struct roster *roster, uint64_t wall_ms)
{
	struct history_values cluster = {0};
	struct roster_namespace *sum, *next;
	struct roster_task *task;

	roster->now_s = wall_ms / 1000;
	while (roster->by_heard != NULL &&
		roster->by_heard->heard_s + HISTORY_SPAN_S < roster->now_s)
		task_free(roster, roster->by_heard);
	HASH_ITER(hh, roster->namespaces, sum, next)
	{
		sum->now = (struct history_values){0};
		sum->n_tasks = 0;
	}
	DL_FOREACH (roster->by_heard, task) {
		if (!roster_task_is_live(roster, task))
			continue;
		add(&cluster, &task->now);
		sum = task->about == NULL ? NULL
					  : namespace_need(roster, task->about->namespace_name);
		if (sum == NULL)
			continue;
		sum->n_tasks++;
		add(&sum->now, &task->now);
	}
	HASH_ITER(hh, roster->namespaces, sum, next)
	{
		if (sum->n_tasks > 0)
			history_put(&sum->history, roster->now_s, &sum->now);
		else if (sum->history.newest_s + HISTORY_SPAN_S < roster->now_s)
			namespace_free(roster, sum);
	}
	history_put(&roster->cluster, roster->now_s, &cluster);
}

/* ---- for whoever asks ---- */

bool
roster_wants_list(const struct roster *roster)
{
	return roster->wants_list;
}

void
roster_listed(struct roster *roster)
{
	roster->wants_list = false;
}

struct roster_task *
roster_tasks(const struct roster *roster)
{
	return roster->tasks;
}

struct roster_node *
roster_nodes(const struct roster *roster)
{
	return roster->nodes;
}

struct roster_namespace *
roster_namespaces(const struct roster *roster)
{
	return roster->namespaces;
}

const struct history *
roster_cluster(const struct roster *roster)
{
	return &roster->cluster;
}

const struct roster_task *
roster_find_task(const struct roster *roster, const char *text)
{
	const struct roster_task *task, *found = NULL;
	struct id id;

	if (id_parse(text, &id))
		return task_find(roster, id);
	DL_FOREACH (roster->by_heard, task) {
		if (task->about != NULL && strcmp(task->about->name, text) == 0)
			found = task;
	}
	return found;
}

const struct roster_node *
roster_find_node(const struct roster *roster, const char *text)
{
	struct roster_node *node, *next;

	HASH_ITER(hh, roster->nodes, node, next)
	{
		if (strcmp(node->id, text) == 0 || strcmp(node->name, text) == 0)
			return node;
	}
	return NULL;
}

const struct roster_namespace *
roster_find_namespace(const struct roster *roster, const char *name)
{
	struct roster_namespace *sum;

	HASH_FIND_STR(roster->namespaces, name, sum);
	return sum;
}

void
roster_figures(const struct roster *roster, struct roster_figures *ret_figures)
{
	*ret_figures = (struct roster_figures){HASH_COUNT(roster->tasks), HASH_COUNT(roster->nodes),
		HASH_COUNT(roster->namespaces), roster->n_left_out};
}
