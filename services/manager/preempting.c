#include "services/manager/preempting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/holds.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"

static int
compare_youngest(const void *a, const void *b)
{
	const struct task *x = *(struct task *const *)a, *y = *(struct task *const *)b;

	if (x->group->seq != y->group->seq)
		return x->group->seq > y->group->seq ? -1 : 1;
	return x->index > y->index ? -1 : x->index < y->index;
}

static bool
may_end(const Davit__TaskSpec *spec, const struct task *task)
{
	const Davit__TaskSpec *other = task->group->spec->spec;

	return strcmp(spec_namespace(spec), spec_namespace(other)) == 0 &&
	       spec_priority(other) < spec_priority(spec);
}

/*
 * Those of the family that hold something there and were not told to go. Who goes already
 * counts where no claim waits for it: the manager forgot the claim when it was restarted.
 */
static size_t
gather(const struct node *node, const char *family, struct task **tasks)
{
	size_t n = 0;

	for (struct task *task = node->tasks; task != NULL; task = task->node_next) {
		bool is_going = task_state_is_final(task->state) ||
				task->desired >= DAVIT__TASK__DESIRED__STOP;

		if (task->holds && strcmp(task->group->spec->id, family) == 0 &&
			(!is_going || node->claims == NULL))
			tasks[n++] = task;
	}
	return n;
}

static int
add_family(const Davit__TaskSpec *spec, struct node *node, const Davit__PlaceCount *count,
	struct task **tasks, size_t *n, struct err *err)
{
	size_t n_there = gather(node, count->group_id, tasks + *n);

	if (count->n > n_there)
		return err_set(err, -ENOENT,
			"the scheduler would end %u tasks of '%.40s' on node '%s', which has %zu",
			count->n, count->group_id, node->name, n_there);
	if (n_there > 0 && !may_end(spec, tasks[*n]))
		return err_set(err, -EPERM,
			"the scheduler would end tasks of another namespace or of no lower "
			"priority on node '%s'",
			node->name);
	if (n_there > 0)
		qsort(tasks + *n, n_there, sizeof(struct task *), compare_youngest);
	*n += count->n;
	return 0;
}

static int
check_room(struct manager *manager, const Davit__TaskSpec *spec, const struct node *node,
	struct task *const *tasks, size_t n, struct err *err)
{
	struct resources room = ledger_free(&node->account), want;

	for (size_t i = 0; i < n; i++) {
		(void)holds_wants(&manager->model.kinds, tasks[i]->group->spec->spec, &want);
		resources_add(&room, &want);
	}
	if (!holds_wants(&manager->model.kinds, spec, &want) || resources_fit(&room, &want, 1) == 0)
		return err_set(err, -ENOSPC,
			"the scheduler would end %zu tasks on node '%s' without making room enough",
			n, node->name);
	return 0;
}

int
preempting_choose(struct manager *manager, const Davit__TaskSpec *spec, struct node *node,
	const Davit__Placement *placement, struct task ***ret_tasks, size_t *ret_n, struct err *err)
{
	struct task **tasks;
	size_t n = 0;
	int rc = 0;

	if (placement->n_evictions > MANAGER_EVICTIONS_MAX)
		return err_set(err, -EPERM,
			"the scheduler would end tasks of more than %d groups at once "
			"(MANAGER_EVICTIONS_MAX)",
			MANAGER_EVICTIONS_MAX);
	for (size_t i = 0; i < placement->n_evictions; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(placement->evictions[i]->group_id,
				    placement->evictions[k]->group_id) == 0)
				return err_set(err, -EPERM, "the scheduler names a group twice");
		}
	}
	tasks = arena_array(&manager->batch.arena, node->n_on_node + (size_t)1, sizeof *tasks);
	for (size_t i = 0; i < placement->n_evictions && rc == 0; i++)
		rc = add_family(spec, node, placement->evictions[i], tasks, &n, err);
	if (rc == 0)
		rc = check_room(manager, spec, node, tasks, n, err);
	if (rc < 0)
		return rc;
	*ret_tasks = tasks;
	*ret_n = n;
	return 0;
}

int
preempting_apply(struct manager *manager, struct task *task, struct node *node,
	const Davit__Placement *placement, struct err *err)
{
	const Davit__TaskSpec *spec = task->group->spec->spec;
	struct task **tasks;
	char name[256];
	size_t n;
	int rc;

	if (!placing_may_preempt(manager, task))
		return err_set(err, -EPERM,
			"the scheduler would end tasks for one that may not preempt");
	rc = preempting_choose(manager, spec, node, placement, &tasks, &n, err);
	if (rc == 0)
		rc = claims_make(manager, task, node, false, err);
	if (rc < 0)
		return rc;
	model_task_name(task, name, sizeof name);
	for (size_t i = 0; i < n; i++)
		lifecycle_preempt(manager, tasks[i], name);
	return 0;
}
