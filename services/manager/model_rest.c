/* Elements of arrays that have no record, yet or any more; tested by
 * tests/unit/test_manager_arrays.c and tests/unit/test_manager_marks.c. */
#include <assert.h>

#include <utlist.h>

#include "services/manager/model_impl.h"

/* In group.tasks, for what will not get a record in memory any more. NULL: it has none yet. */
#define PAST ((struct task *)(uintptr_t)1) /* it is on disk, and past.h has an entry of it */
#define MARK ((struct task *)(uintptr_t)2) /* gone; what the disk has under its key says so */
#define CUT  ((struct task *)(uintptr_t)3) /* gone; the disk has nothing: it is below the cut */

static bool
is_record(const struct task *task)
{
	return (uintptr_t)task > (uintptr_t)CUT;
}

struct task *
model_element(const struct group *group, uint32_t index)
{
	struct task *task = group->tasks[index];

	return is_record(task) ? task : NULL;
}

void
model_element_leave(struct group *group, uint32_t index)
{
	group->tasks[index] = index < model_rest(group)->cut ? CUT : MARK;
}

void
model_element_archive(struct group *group, uint32_t index)
{
	group->tasks[index] = PAST;
}

bool
model_is_on_disk(const struct group *group, uint32_t index)
{
	const struct task *task = group->tasks[index];

	return is_record(task) ? !task->is_new : task == PAST || task == MARK;
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
		if (rest->settled < rest->cut)
			rest->settled = rest->cut;
		take(model, rest);
	}
	return false;
}

bool
model_rest_restore(struct model *model, struct group *group)
{
	struct rest *rest = model_rest(group);
	uint32_t n = 0;

	for (uint32_t i = rest->first; i < rest->settled; i++)
		n += group->tasks[i] == NULL;
	if (n > 0 && model_rest_cut(model, group, n))
		return true;
	rest->cut = rest->settled;
	return false;
}

/* After a restart it is not taken for one that waits, wherever the cut is. */
static bool
is_settled(const struct task *task)
{
	return task != NULL && (!is_record(task) || !task->is_new || task->is_dirty);
}

uint32_t
model_rest_settle(struct group *group, uint32_t leaving)
{
	struct rest *rest = model_rest(group);

	while (rest->settled < group->count &&
		(rest->settled == leaving || is_settled(group->tasks[rest->settled])))
		rest->settled++;
	return rest->settled;
}

bool
model_rest_pass(struct group *group)
{
	struct rest *rest = model_rest(group);
	uint32_t index = rest->cut++;

	assert(index < rest->settled);
	if (group->tasks[index] != MARK)
		return false;
	group->tasks[index] = CUT;
	return true;
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
