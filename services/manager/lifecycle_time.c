/* What follows after a start, and with time; the moves themselves are in lifecycle.c. */
#include "services/manager/arrays.h"
#include "services/manager/core.h"
#include "services/manager/ended.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"

void
lifecycle_mind_ttl(struct manager *manager, struct task *task)
{
	uint64_t ttl_ms = task->group->spec->spec->ttl_ms;

	model_task_set_due(&manager->model, task,
		ttl_ms > 0 ? task->group->created_ms + ttl_ms : 0);
}

void
lifecycle_restore_queues(struct manager *manager)
{
	struct model *model = &manager->model;

	for (struct task *task = model->oldest; task != NULL; task = task->newer) {
		const Davit__TaskSpec *spec = task->group->spec->spec;

		if (task->state == TASK_PENDING) {
			waiting_add(manager, task);
			lifecycle_mind_ttl(manager, task);
		} else if (task_state_is_final(task->state) &&
			   task->desired != DAVIT__TASK__DESIRED__REMOVE) {
			model_task_set_due(&manager->model, task,
				spec->auto_remove ? task->finished_ms + MANAGER_AUTO_REMOVE_MS : 0);
		}
	}
	arrays_restore(manager);
	ended_restore(manager);
}

static void
expire(struct manager *manager, struct task *task)
{
	if (task->due_ms == 0 || task->due_ms > manager->now.wall_ms) {
		model_task_set_due(&manager->model, task, task->due_ms);
	} else if (task->state == TASK_PENDING) {
		lifecycle_abandon(manager, task, "its ttl passed before it could be placed");
	} else {
		lifecycle_remove(manager, task);
	}
}

void
lifecycle_tick(struct manager *manager)
{
	struct model *model = &manager->model;

	if (model->next_due_ms <= manager->now.wall_ms) {
		model->next_due_ms = UINT64_MAX; /* found again on the way */
		waiting_each(manager, expire);
		for (struct task *task = model->history.first, *next; task != NULL; task = next) {
			next = task->queue_next;
			expire(manager, task);
		}
		arrays_expire(manager);
	}
	ended_tick(manager);
}
