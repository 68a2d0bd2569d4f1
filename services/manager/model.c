#include "services/manager/model.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/limits.h"
#include "services/manager/model_impl.h"

void
model_set_text(char **text, const char *value)
{
	char *copy = value == NULL || value[0] == '\0' ? NULL : xstrdup(value);

	free(*text);
	*text = copy;
}

void
model_init(struct model *model, struct ledger_range port_range)
{
	*model = (struct model){.next_seq = 1, .next_due_ms = UINT64_MAX, .port_range = port_range};
	ledger_kinds_init(&model->kinds);
	past_init(&model->past);
}

/* ---- namespaces ---- */

static struct space *
space_ref(struct model *model, const char *name)
{
	struct space *space;
	size_t size = strlen(name) + 1;

	HASH_FIND_STR(model->spaces, name, space);
	if (space == NULL) {
		space = xcalloc(1, sizeof *space + size);
		memcpy(space->name, name, size);
		HASH_ADD_STR(model->spaces, name, space);
	}
	space->n_specs++;
	return space;
}

struct space *
model_space_find(const struct model *model, const char *name)
{
	struct space *space;

	HASH_FIND_STR(model->spaces, name, space);
	return space;
}

void
model_space_unref(struct model *model, struct space *space)
{
	if (--space->n_specs > 0)
		return;
	HASH_DEL(model->spaces, space);
	free(space);
}

static void
space_add(const struct task *task)
{
	struct space *space = task->group->spec->space;

	if (task->state != TASK_RUNNING)
		return;
	space->n_running++;
	if (task->usage == NULL)
		return;
	space->cpu_milli += task->usage->last.cpu_milli;
	space->memory_bytes += task->usage->last.memory_bytes;
}

static void
space_subtract(const struct task *task)
{
	struct space *space = task->group->spec->space;

	if (task->state != TASK_RUNNING)
		return;
	space->n_running--;
	if (task->usage == NULL)
		return;
	space->cpu_milli -= task->usage->last.cpu_milli;
	space->memory_bytes -= task->usage->last.memory_bytes;
}

void
model_task_set_usage(struct task *task, const struct usage *usage)
{
	space_subtract(task);
	if (task->usage == NULL)
		task->usage = xmalloc(sizeof *task->usage);
	*task->usage = *usage;
	space_add(task);
}

/* ---- specs and groups ---- */

struct spec *
model_spec_add(struct model *model, const char *id, const Davit__TaskSpec *said)
{
	struct spec *spec = xcalloc(1, sizeof *spec);

	(void)snprintf(spec->id, sizeof spec->id, "%s", id);
	spec->wording = model_wording_ref(model, said);
	spec->spec = model_wording_spec(spec->wording);
	spec->space = space_ref(model, said->namespace_);
	HASH_ADD_STR(model->specs, id, spec);
	return spec;
}

struct spec *
model_spec_find(const struct model *model, const char *id)
{
	struct spec *spec;

	HASH_FIND_STR(model->specs, id, spec);
	return spec;
}

static void
spec_free(struct model *model, struct spec *spec)
{
	HASH_DEL(model->specs, spec);
	model_space_unref(model, spec->space);
	model_wording_unref(model, spec->wording);
	free(spec);
}

struct group *
model_group_add(struct model *model, struct id id, struct spec *spec, uint32_t count,
	const char *name)
{
	size_t rest_size = count > 1 ? sizeof(struct rest) : 0;
	struct group *group = xcalloc(1, sizeof *group + rest_size + count * sizeof(struct task *));

	group->tasks = (struct task **)(void *)((char *)(group + 1) + rest_size);
	group->id = id;
	group->spec = spec;
	group->count = group->n_left = group->n_by_state[TASK_PENDING] = count;
	group->name = xstrdup(name);
	model->n_tasks += count;
	model->n_by_state[TASK_PENDING] += count;
	spec->n_groups++;
	HASH_ADD(hh, model->groups, id, sizeof group->id, group);
	if (count > 1) {
		model_array_enter(model, group);
		model_rest_enter(model, group);
	}
	return group;
}

struct group *
model_group_find(const struct model *model, struct id id)
{
	struct group *group;

	HASH_FIND(hh, model->groups, &id, sizeof id, group);
	return group;
}

bool
model_spec_unref(struct model *model, struct spec *spec)
{
	if (--spec->n_groups > 0)
		return false;
	spec_free(model, spec);
	return true;
}

bool
model_group_free(struct model *model, struct group *group)
{
	struct spec *spec = group->spec;

	HASH_DEL(model->groups, group);
	if (group->count > 1) {
		model_array_leave(model, group);
		model_rest_leave(model, group);
	}
	free(group->name);
	free(group);
	return model_spec_unref(model, spec);
}

/* ---- tasks ---- */

void
model_task_imagine(const struct group *group, uint32_t index, struct task *ret_task)
{
	*ret_task = (struct task){.id = id_at(group->id, index),
		.group = (struct group *)(uintptr_t)group,
		.index = index,
		.state = TASK_PENDING,
		.phase = DAVIT__TASK__PHASE__QUEUED,
		.desired = group->spec->spec->hold ? DAVIT__TASK__DESIRED__READY
						   : DAVIT__TASK__DESIRED__RUN,
		.version = 1};
}

/* Behind whom it is in model.oldest; NULL: it is the first. */
static struct task *
find_before(const struct model *model, const struct group *group, uint32_t index)
{
	struct task *task = group->last_task;

	if (model->newest == NULL || id_is_less(model->newest->id, id_at(group->id, index)))
		return model->newest;
	if (task == NULL || task->index < index)
		return task != NULL ? task : model_task_before(group);
	while (index-- > 0) {
		task = model_element(group, index);
		if (task != NULL)
			return task;
	}
	return model_task_before(group);
}

struct task *
model_task_make(struct model *model, struct group *group, uint32_t index)
{
	struct task *task = xmalloc(sizeof *task);
	struct task *before = find_before(model, group, index);

	assert(group->tasks[index] == NULL);
	model_task_imagine(group, index, task);
	task->older = before;
	task->newer = before != NULL ? before->newer : model->oldest;
	*(before != NULL ? &before->newer : &model->oldest) = task;
	*(task->newer != NULL ? &task->newer->older : &model->newest) = task;
	if (group->last_task == NULL || group->last_task->index < index)
		group->last_task = task;
	group->tasks[index] = task;
	if (group->count > 1)
		model_rest_made(model, group);
	else
		model_name_enter(model, task);
	return task;
}

void
model_task_set_pull(struct task *task, const Davit__PullProgress *pull)
{
	if (pull == NULL) {
		free(task->pull);
		task->pull = NULL;
		return;
	}
	if (task->pull == NULL)
		task->pull = xmalloc(sizeof *task->pull);
	*task->pull = *pull;
	task->pull->base.n_unknown_fields = 0;
	task->pull->base.unknown_fields = NULL;
}

struct group *
model_group_of(const struct model *model, struct id id, uint32_t *ret_index)
{
	struct id base = {id.hi, id.lo & ~(uint64_t)UINT32_MAX};
	struct group *group = model_group_find(model, base);

	*ret_index = (uint32_t)id.lo;
	if (group != NULL && *ret_index < group->count)
		return group;
	group = *ret_index == 0 ? NULL : model_group_find(model, id);
	*ret_index = 0;
	return group;
}

struct task *
model_task_find(const struct model *model, struct id id)
{
	uint32_t index;
	const struct group *group = model_group_of(model, id, &index);

	return group == NULL ? NULL : model_element(group, index);
}

void
model_task_fini(struct task *task)
{
	free(task->message);
	free(task->pull);
	free(task->container_id);
	free(task->host_ports);
	free(task->usage);
}

void
model_task_free(struct task *task)
{
	model_task_fini(task);
	free(task);
}

void
model_task_unlink(struct model *model, struct task *task)
{
	struct group *group = task->group;

	assert(!task->on_node && !task->holds && !task->is_dirty && !task->is_assign_dirty);
	assert(task->waits == NULL && task->log_waits == NULL);
	model_queue_leave(task);
	if (group->count == 1)
		model_name_leave(model, task);
	if (group->last_task == task)
		group->last_task =
			task->older != NULL && task->older->group == group ? task->older : NULL;
	model->n_tasks--;
	*(task->older != NULL ? &task->older->newer : &model->oldest) = task->newer;
	*(task->newer != NULL ? &task->newer->older : &model->newest) = task->older;
}

bool
model_task_remove(struct model *model, struct task *task, bool *ret_spec_gone)
{
	struct group *group = task->group;
	uint32_t index = task->index;

	space_subtract(task);
	model_task_unlink(model, task);
	group->n_by_state[task->state]--;
	model->n_by_state[task->state]--;
	model_task_free(task);
	if (--group->n_left > 0) {
		model_element_leave(group, index);
		return false;
	}
	*ret_spec_gone = model_group_free(model, group);
	return true;
}

void
model_task_set_state(struct model *model, struct task *task, enum task_state state)
{
	space_subtract(task);
	model->n_by_state[task->state]--;
	task->group->n_by_state[task->state]--;
	task->group->n_by_state[state]++;
	task->state = state;
	space_add(task);
	model->n_by_state[state]++;
	if (task_state_is_final(state))
		model_task_sort_on_node(task);
}

void
model_task_set_due(struct model *model, struct task *task, uint64_t due_ms)
{
	task->due_ms = due_ms;
	if (due_ms > 0 && due_ms < model->next_due_ms)
		model->next_due_ms = due_ms;
}

bool
model_looks_like_prefix(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF-");

	return n >= MANAGER_PREFIX_MIN && text[n] == '\0' && n < ID_TEXT_SIZE - 1;
}

/* ---- queues ---- */

void
model_queue_leave(struct task *task)
{
	struct task_queue *queue = task->queue;

	if (queue == NULL)
		return;
	*(task->queue_prev != NULL ? &task->queue_prev->queue_next : &queue->first) =
		task->queue_next;
	*(task->queue_next != NULL ? &task->queue_next->queue_prev : &queue->last) =
		task->queue_prev;
	queue->n--;
	task->queue = NULL;
	task->queue_prev = task->queue_next = NULL;
}

void
model_queue_put(struct task *task, struct task_queue *queue, struct task *after)
{
	assert(task->queue == NULL);
	task->queue = queue;
	task->queue_prev = after;
	task->queue_next = after != NULL ? after->queue_next : queue->first;
	*(after != NULL ? &after->queue_next : &queue->first) = task;
	*(task->queue_next != NULL ? &task->queue_next->queue_prev : &queue->last) = task;
	queue->n++;
}

void
model_queue_move(struct task *task, struct task_queue *queue)
{
	model_queue_leave(task);
	model_queue_put(task, queue, queue->last);
}

void
model_fini(struct model *model)
{
	struct group *group, *next_group;
	struct spec *spec, *next_spec;
	struct node *node, *next_node;
	struct space *space, *next_space;
	struct task *task;

	while ((task = model->oldest) != NULL) {
		model->oldest = task->newer;
		model_task_free(task);
	}
	past_fini(&model->past);
	HASH_ITER(hh, model->groups, group, next_group)
	(void)model_group_free(model, group);
	model_names_fini(model);                     /* of tasks that are no elements */
	HASH_ITER(hh, model->specs, spec, next_spec) /* those that no group uses */
	spec_free(model, spec);
	HASH_ITER(hh, model->spaces, space, next_space) /* of entries whose specs are on disk */
	{
		HASH_DEL(model->spaces, space);
		free(space);
	}
	HASH_ITER(hh, model->nodes, node, next_node)
	model_node_free(model, node);
	model_init(model, model->port_range);
}
