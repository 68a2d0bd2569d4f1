/* Elements of arrays that have no record yet; tested by tests/unit/test_manager_arrays.c. */
#include <assert.h>

#include <utlist.h>

#include "services/manager/model_impl.h"

/* In group.tasks, for what will not get a record any more. NULL: it has none yet. */
#define GONE ((struct task *)(uintptr_t)1) /* its record on disk says what is left of it */
#define CUT  ((struct task *)(uintptr_t)2) /* it never had one */

struct task *
model_element(const struct group *group, uint32_t index)
{
	struct task *task = group->tasks[index];

	return task == GONE || task == CUT ? NULL : task;
}

void
model_element_leave(struct group *group, uint32_t index)
{
	group->tasks[index] = GONE;
}

bool
model_has_moved(const struct group *group, uint32_t index)
{
	return group->tasks[index] != NULL && group->tasks[index] != CUT;
}

struct rest *
model_rest(const struct group *group)
{
	return group->count > 1 ? (struct rest *)(uintptr_t)(group + 1) : NULL;
}

bool
model_is_unmade(const struct group *group, uint32_t index)
{
	return group->count > 1 && group->tasks[index] == NULL;
}

uint32_t
model_n_unmade(const struct group *group)
{
	return group->count > 1 ? model_rest(group)->n : 0;
}

uint32_t
model_next_unmade(const struct group *group, uint32_t index)
{
	const struct rest *rest = model_rest(group);

	if (rest == NULL || rest->n == 0)
		return group->count;
	if (index < rest->first)
		return rest->first;
	while (index < group->count && group->tasks[index] != NULL)
		index++;
	return index;
}

void
model_rest_enter(struct model *model, struct group *group)
{
	struct rest *rest = model_rest(group);

	rest->group = group;
	rest->n = group->count;
	DL_APPEND(model->rests, rest);
}

void
model_rest_leave(struct model *model, struct group *group)
{
	struct rest *rest = model_rest(group);

	if (rest->n > 0)
		DL_DELETE(model->rests, rest);
	rest->n = 0;
}

/* One of them, at first or behind it, is so no more. */
static void
take(struct model *model, struct rest *rest)
{
	const struct group *group = rest->group;

	while (rest->first < group->count && group->tasks[rest->first] != NULL)
		rest->first++;
	if (--rest->n == 0)
		DL_DELETE(model->rests, rest);
}

void
model_rest_made(struct model *model, struct group *group)
{
	take(model, model_rest(group));
}

bool
model_rest_cut(struct model *model, struct group *group, uint32_t n)
{
	struct rest *rest = model_rest(group);

	assert(n <= rest->n);
	model->n_tasks -= n;
	model->n_by_state[TASK_PENDING] -= n;
	group->n_by_state[TASK_PENDING] -= n;
	group->n_left -= n;
	if (group->n_left == 0) {
		(void)model_group_free(model, group);
		return true;
	}
	for (; n > 0; n--) {
		uint32_t index = rest->first;

		group->tasks[index] = CUT;
		if (rest->cut <= index)
			rest->cut = index + 1;
		take(model, rest);
	}
	return false;
}

bool
model_rest_restore(struct model *model, struct group *group)
{
	const struct rest *rest = model_rest(group);
	uint32_t n = 0;

	for (uint32_t i = rest->first; i < rest->cut; i++)
		n += group->tasks[i] == NULL;
	return n > 0 && model_rest_cut(model, group, n);
}

struct task *
model_task_before(const struct group *group)
{
	for (const struct group *older = group->hh.prev; older != NULL; older = older->hh.prev) {
		if (older->last_task != NULL)
			return older->last_task;
	}
	return NULL;
}
