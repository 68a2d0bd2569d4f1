/* Ended tasks; tested by tests/unit/test_manager_history.c and tests/unit/test_manager_past.c. */
#include "services/manager/ended.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/records.h"

void
ended_enter(struct manager *manager, struct task *task)
{
	task->ended_ms = manager->now.wall_ms;
	model_queue_move(task, &manager->model.history);
}

/* What is recorded is when its worker saw it end, and that clock may be wrong. */
static uint64_t
ended_ms(const struct manager *manager, const struct task *task)
{
	bool is_likely = task->finished_ms >= task->group->created_ms &&
			 task->finished_ms <= manager->now.wall_ms;

	return is_likely ? task->finished_ms : manager->now.wall_ms;
}

void
ended_left_node(struct manager *manager, struct task *task)
{
	if (task->is_retired && task->queue == &manager->model.retired)
		model_queue_move(task, &manager->model.leaving);
}

static bool
belongs(const struct task *task)
{
	return task_state_is_final(task->state) && task->desired != DAVIT__TASK__DESIRED__REMOVE;
}

/* False: all that is kept is in memory. */
static bool
has_past(const struct manager *manager)
{
	return manager->config.history_containers < manager->config.history_max;
}

void
ended_restored(struct manager *manager, struct task *task)
{
	if (!has_past(manager) || !belongs(task) || task->on_node ||
		task->group->spec->spec->auto_remove)
		return;
	task->ended_ms = ended_ms(manager, task);
	model_task_archive(&manager->model, task);
}

static int
compare_ends(const void *a, const void *b)
{
	const struct task *left = *(struct task *const *)a, *right = *(struct task *const *)b;

	if (left->ended_ms != right->ended_ms)
		return left->ended_ms < right->ended_ms ? -1 : 1;
	if (left->group != right->group)
		return left->group->seq < right->group->seq ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

void
ended_restore(struct manager *manager)
{
	struct model *model = &manager->model;
	size_t n = 0, n_max = model->n_by_state[TASK_COMPLETED] + model->n_by_state[TASK_FAILED];
	struct task **tasks = xcalloc(n_max + 1, sizeof *tasks);

	for (struct task *task = model->oldest; task != NULL; task = task->newer) {
		if (!belongs(task))
			continue;
		task->ended_ms = ended_ms(manager, task);
		tasks[n++] = task;
	}
	qsort(tasks, n, sizeof *tasks, compare_ends);
	for (size_t i = 0; i < n; i++)
		model_queue_move(tasks[i], &model->history);
	free(tasks);
	past_sort_by_end(&model->past);
}

size_t
ended_count(const struct manager *manager)
{
	const struct model *model = &manager->model;

	return model->past.n + model->leaving.n + model->retired.n + model->history.n;
}

/* ---- with time ---- */

/* Its node forgets it, and then so does the memory. */
static void
retire(struct manager *manager, struct task *task)
{
	struct model *model = &manager->model;

	if (task->due_ms > 0) { /* it would be removed soon */
		lifecycle_remove(manager, task);
		return;
	}
	task->is_retired = true;
	model_queue_move(task, task->on_node ? &model->retired : &model->leaving);
	if (task->on_node)
		assignments_changed(manager, task);
}

/* Its record says all there is to say, and is on disk. */
static bool
may_leave(const struct manager *manager, const struct task *task)
{
	return !task->is_dirty && task->waits == NULL && task->log_waits == NULL &&
	       task->sealed_in < manager->batch.n_sent;
}

static void
move_on(struct manager *manager)
{
	struct model *model = &manager->model;

	for (unsigned n = 0; n < MANAGER_HISTORY_STEP && model->leaving.n > 0 &&
			     may_leave(manager, model->leaving.first);
		n++)
		model_task_archive(model, model->leaving.first);
	for (unsigned n = 0;
		n < MANAGER_HISTORY_STEP && model->history.n > manager->config.history_containers;
		n++)
		retire(manager, model->history.first);
}

/* The first to end, of those in memory; NULL: none. */
static struct task *
first_task(const struct model *model)
{
	if (model->leaving.n > 0)
		return model->leaving.first;
	return model->retired.n > 0 ? model->retired.first : model->history.first;
}

static bool
is_too_long(const struct manager *manager)
{
	const struct past_entry *entry = past_oldest(&manager->model.past);
	const struct task *task = first_task(&manager->model);
	size_t n = ended_count(manager);
	uint64_t age_ms = manager->config.history_age_ms;

	if (n > manager->config.history_max)
		return true;
	return n > 0 && age_ms > 0 &&
	       (entry != NULL ? entry->ended_ms : task->ended_ms) + age_ms <= manager->now.wall_ms;
}

void
ended_tick(struct manager *manager)
{
	const struct past_entry *entry;

	for (unsigned n = 0; n < MANAGER_HISTORY_STEP && is_too_long(manager); n++) {
		entry = past_oldest(&manager->model.past);
		if (entry != NULL)
			ended_forget(manager, entry, NULL);
		else
			lifecycle_remove(manager, first_task(&manager->model));
	}
	if (has_past(manager))
		move_on(manager);
}

/* ---- what is on disk only ---- */

int
ended_read(struct manager *manager, const struct past_entry *entry, struct task **ret_task,
	struct err *err)
{
	struct records_read *read;
	int rc = records_read_task(manager, entry, &read, err);

	if (rc == -ENOENT)
		return err_set(err, -EUCLEAN, "the record of an ended task is not in the store");
	if (rc < 0)
		return rc;
	read->next = manager->ended.reads;
	manager->ended.reads = read;
	*ret_task = &read->task;
	return 0;
}

void
ended_reads_end(struct manager *manager)
{
	struct records_read *read;

	while ((read = manager->ended.reads) != NULL) {
		manager->ended.reads = read->next;
		records_read_free(read);
	}
}

/* Who it was: more is on disk, and not worth a look. */
static void
tell_removed(struct manager *manager, const struct past_entry *entry)
{
	struct group *group = model_past_group(&manager->model, entry), own = {.count = 1};
	struct task task = {.id = entry->id, .state = (enum task_state)entry->state};
	Davit__TaskSpec said = DAVIT__TASK_SPEC__INIT;
	struct spec spec = {.spec = &said};

	task.group = group;
	task.index = (uint32_t)entry->id.lo;
	if (group == NULL) {
		said.namespace_ = entry->space->name;
		own.spec = &spec;
		own.name = entry->name;
		task.group = &own;
	}
	events_task(manager, &task, "removed");
}

void
ended_forget(struct manager *manager, const struct past_entry *entry, const struct task *task)
{
	bool spec_gone;

	if (task != NULL)
		events_task(manager, task, "removed");
	else
		tell_removed(manager, entry);
	records_delete_past(manager, entry);
	(void)model_past_remove(&manager->model, entry, &spec_gone);
}
