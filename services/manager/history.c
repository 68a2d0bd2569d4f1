/* Ended tasks; tested by tests/unit/test_manager_history.c. */
#include "services/manager/history.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"

void
history_enter(struct manager *manager, struct task *task)
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

static bool
belongs(const struct task *task)
{
	return task_state_is_final(task->state) && task->desired != DAVIT__TASK__DESIRED__REMOVE;
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
history_restore(struct manager *manager)
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
}

static bool
is_too_long(const struct manager *manager)
{
	const struct task_queue *history = &manager->model.history;
	uint64_t age_ms = manager->config.history_age_ms;

	if (history->n > manager->config.history_max)
		return true;
	return history->n > 0 && age_ms > 0 &&
	       history->first->ended_ms + age_ms <= manager->now.wall_ms;
}

void
history_tick(struct manager *manager)
{
	for (unsigned n = 0; n < MANAGER_HISTORY_STEP && is_too_long(manager); n++)
		lifecycle_remove(manager, manager->model.history.first);
}
