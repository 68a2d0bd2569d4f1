/* The calls that say what is wanted of tasks: stop, start, pause, remove; tested by
 * tests/unit/test_manager_wishes.c and tests/unit/test_manager_tasks.c. */
#include "services/manager/task_calls.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/manager/arrays.h"
#include "services/manager/assignments.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/view.h"

/* All named tasks, or NULL and the call was refused: then nothing is done to any. */
static struct task **
resolve_all(struct manager *manager, struct rpc_call *call, const char *namespace, char **texts,
	size_t n)
{
	struct task **tasks;

	if (n > MANAGER_LIST_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "tasks",
			"at most %d tasks at once (MANAGER_LIST_MAX)", MANAGER_LIST_MAX);
		return NULL;
	}
	tasks = arena_array(&manager->batch.arena, n + 1, sizeof *tasks);
	for (size_t i = 0; i < n; i++) {
		char field[32];

		(void)snprintf(field, sizeof field, "tasks[%zu]", i);
		tasks[i] = task_resolve(manager, call, namespace, texts[i], field);
		if (tasks[i] == NULL)
			return NULL;
	}
	return tasks;
}

/* True if the call was refused: it is about a version, and that is not the task's any more. */
static bool
refuse_version(struct manager *manager, struct rpc_call *call, struct task *const *tasks, size_t n,
	const uint64_t *if_version)
{
	if (if_version == NULL || tasks == NULL)
		return false;
	if (n != 1)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "if_version",
			"a version is one task's: name just one");
	else if (tasks[0]->version != *if_version)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__ABORTED, "if_version",
			"the task has changed: its version is %" PRIu64, tasks[0]->version);
	return n != 1 || tasks[0]->version != *if_version;
}

/* The group of an array_id, or NULL and the call was refused. */
static struct group *
resolve_array(struct manager *manager, struct rpc_call *call, const char *text)
{
	struct group *group = NULL;
	struct id id;

	if (id_parse(text, &id))
		group = model_group_find(&manager->model, id);
	if (group == NULL)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__NOT_FOUND, "array_id",
			"no array '%.40s'", text);
	return group;
}

void
task_stop(struct manager *manager, struct rpc_call *call)
{
	const Davit__StopTasksRequest *request = (const Davit__StopTasksRequest *)call->request;
	Davit__StopTasksReply reply = DAVIT__STOP_TASKS_REPLY__INIT;
	struct arena *arena = &manager->batch.arena;
	struct task **tasks =
		resolve_all(manager, call, request->namespace_, request->tasks, request->n_tasks);
	struct group *group = NULL;

	if (tasks == NULL || refuse_version(manager, call, tasks, request->n_tasks,
				     request->has_if_version ? &request->if_version : NULL))
		return;
	if (request->array_id != NULL) {
		group = resolve_array(manager, call, request->array_id);
		if (group == NULL)
			return;
	}
	reply.task_ids = arena_array(arena, request->n_tasks, sizeof *reply.task_ids);
	for (size_t i = 0; i < request->n_tasks; i++) {
		reply.task_ids[reply.n_task_ids++] = view_id(tasks[i]->id, arena);
		lifecycle_stop(manager, tasks[i], request->has_timeout_ms, request->timeout_ms);
	}
	if (group != NULL)
		arrays_stop(manager, group, request->has_timeout_ms, request->timeout_ms);
	batch_answer(manager, call, &reply.base);
}

/* As resolve_all, but none of them may have ended. */
static struct task **
resolve_live(struct manager *manager, struct rpc_call *call, const char *namespace, char **texts,
	size_t n)
{
	struct task **tasks = resolve_all(manager, call, namespace, texts, n);
	char name[256];

	for (size_t i = 0; tasks != NULL && i < n; i++) {
		if (!task_state_is_final(tasks[i]->state))
			continue;
		model_task_name(tasks[i], name, sizeof name);
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "tasks",
			"task '%s' has ended: it is %s", name,
			task_fsm.state_name[tasks[i]->state]);
		return NULL;
	}
	return tasks;
}

static void
start(struct manager *manager, struct task *task)
{
	if (task_state_is_final(task->state) || task->desired != DAVIT__TASK__DESIRED__READY)
		return;
	task->desired = DAVIT__TASK__DESIRED__RUN;
	batch_touch_task(manager, task);
	if (task->on_node)
		assignments_changed(manager, task);
}

static void
set_paused(struct manager *manager, struct task *task, bool is_paused)
{
	if (task_state_is_final(task->state) || task->is_paused == is_paused)
		return;
	task->is_paused = is_paused;
	task->pause_generation++;
	batch_touch_task(manager, task);
	if (task->on_node)
		assignments_changed(manager, task);
}

static char **
ids_of(struct manager *manager, struct task *const *tasks, size_t n)
{
	struct arena *arena = &manager->batch.arena;
	char **ids = arena_array(arena, n + 1, sizeof *ids);

	for (size_t i = 0; i < n; i++)
		ids[i] = view_id(tasks[i]->id, arena);
	return ids;
}

void
task_start(struct manager *manager, struct rpc_call *call)
{
	const Davit__StartTasksRequest *request = (const Davit__StartTasksRequest *)call->request;
	Davit__StartTasksReply reply = DAVIT__START_TASKS_REPLY__INIT;
	struct task **tasks =
		resolve_live(manager, call, request->namespace_, request->tasks, request->n_tasks);

	if (tasks == NULL || refuse_version(manager, call, tasks, request->n_tasks,
				     request->has_if_version ? &request->if_version : NULL))
		return;
	for (size_t i = 0; i < request->n_tasks; i++)
		start(manager, tasks[i]);
	reply.n_task_ids = request->n_tasks;
	reply.task_ids = ids_of(manager, tasks, request->n_tasks);
	batch_answer(manager, call, &reply.base);
}

void
task_pause(struct manager *manager, struct rpc_call *call)
{
	const Davit__PauseTasksRequest *request = (const Davit__PauseTasksRequest *)call->request;
	Davit__PauseTasksReply reply = DAVIT__PAUSE_TASKS_REPLY__INIT;
	struct task **tasks =
		resolve_live(manager, call, request->namespace_, request->tasks, request->n_tasks);

	if (tasks == NULL || refuse_version(manager, call, tasks, request->n_tasks,
				     request->has_if_version ? &request->if_version : NULL))
		return;
	for (size_t i = 0; i < request->n_tasks; i++)
		set_paused(manager, tasks[i], !request->unpause);
	reply.n_task_ids = request->n_tasks;
	reply.task_ids = ids_of(manager, tasks, request->n_tasks);
	batch_answer(manager, call, &reply.base);
}

/* True if it is live, and the call was refused for that. */
static bool
refuse_live(struct manager *manager, struct rpc_call *call, const struct task *task)
{
	char name[256];

	if (task_state_is_final(task->state))
		return false;
	model_task_name(task, name, sizeof name);
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "tasks",
		"task '%s' is %s: stop it first, or use force", name,
		task_fsm.state_name[task->state]);
	return true;
}

static bool
is_live(const struct group *group)
{
	return group->n_by_state[TASK_PENDING] > 0 || group->n_by_state[TASK_SCHEDULED] > 0 ||
	       group->n_by_state[TASK_RUNNING] > 0;
}

/* All are looked at only to name the first that is live. */
static bool
refuse_live_element(struct manager *manager, struct rpc_call *call, const struct group *group)
{
	struct task look;

	if (!is_live(group))
		return false;
	for (uint32_t i = 0; i < group->count; i++) {
		const struct task *task = model_element(group, i);

		if (model_is_unmade(group, i)) {
			arrays_imagine(manager, group, i, &look);
			task = &look;
		}
		if (task != NULL && refuse_live(manager, call, task))
			return true;
	}
	return false;
}

/* True if the call was refused: something is live, and force was not given. */
static bool
refuse_any_live(struct manager *manager, struct rpc_call *call, const struct group *group,
	struct task *const *tasks, size_t n)
{
	if (group != NULL)
		return refuse_live_element(manager, call, group);
	for (size_t i = 0; i < n; i++) {
		if (refuse_live(manager, call, tasks[i]))
			return true;
	}
	return false;
}

/* What is to be removed, in the order of the answer. */
struct removal {
	struct id *ids;
	const struct task **reads; /* of the store, each or NULL; NULL: none was */
	size_t n;
};

/* Elements that are on disk only, too, but not those without a record. */
static struct removal
all_of(struct manager *manager, const struct group *group)
{
	uint32_t n_max = group->n_left - model_n_unmade(group);
	struct removal removal = {
		arena_array(&manager->batch.arena, n_max + 1, sizeof *removal.ids), NULL, 0};

	for (uint32_t i = 0; i < group->count && removal.n < n_max; i++) {
		struct id id = id_at(group->id, i);

		if (model_element(group, i) != NULL || past_find(&manager->model.past, id) != NULL)
			removal.ids[removal.n++] = id;
	}
	return removal;
}

/* The first of them, for the answer. */
static void
tell_array(struct manager *manager, const struct group *group, Davit__RemoveTasksReply *reply)
{
	struct arena *arena = &manager->batch.arena;

	reply->task_ids = arena_array(arena, MANAGER_LIST_MAX, sizeof *reply->task_ids);
	for (uint32_t i = 0; i < group->count && reply->n_task_ids < MANAGER_LIST_MAX; i++) {
		struct id id = id_at(group->id, i);

		if (model_is_unmade(group, i) || model_element(group, i) != NULL ||
			past_find(&manager->model.past, id) != NULL)
			reply->task_ids[reply->n_task_ids++] = view_id(id, arena);
	}
}

/* Noted before the first goes: who is named twice is gone when it is met again. */
static struct removal
each_of(struct manager *manager, struct task *const *tasks, size_t n)
{
	struct arena *arena = &manager->batch.arena;
	struct removal removal = {arena_array(arena, n + 1, sizeof *removal.ids),
		arena_array(arena, n + 1, sizeof *removal.reads), n};

	for (size_t i = 0; i < n; i++) {
		removal.ids[i] = tasks[i]->id;
		removal.reads[i] = tasks[i]->is_read ? tasks[i] : NULL;
	}
	return removal;
}

/* Named twice, it is gone after the first. read: of the store, or NULL. */
static void
remove_one(struct manager *manager, struct id id, const struct task *read)
{
	struct task *task = model_task_find(&manager->model, id);
	const struct past_entry *entry;

	if (task != NULL) {
		lifecycle_remove(manager, task);
		return;
	}
	entry = past_find(&manager->model.past, id);
	if (entry == NULL)
		return;
	batch_forget_past(manager);
	ended_forget(manager, entry, read);
}

static void
tell_named(const struct removal *removal, Davit__RemoveTasksReply *reply, struct arena *arena)
{
	reply->task_ids = arena_array(arena, removal->n + 1, sizeof *reply->task_ids);
	for (size_t i = 0; i < removal->n; i++)
		reply->task_ids[reply->n_task_ids++] = view_id(removal->ids[i], arena);
}

void
task_remove(struct manager *manager, struct rpc_call *call)
{
	const Davit__RemoveTasksRequest *request = (const Davit__RemoveTasksRequest *)call->request;
	Davit__RemoveTasksReply reply = DAVIT__REMOVE_TASKS_REPLY__INIT;
	struct task **tasks =
		resolve_all(manager, call, request->namespace_, request->tasks, request->n_tasks);
	struct group *group = NULL;
	struct removal removal;

	if (tasks == NULL || refuse_version(manager, call, tasks, request->n_tasks,
				     request->has_if_version ? &request->if_version : NULL))
		return;
	if (request->array_id != NULL) {
		group = resolve_array(manager, call, request->array_id);
		if (group == NULL)
			return;
	}
	if (!request->force && refuse_any_live(manager, call, group, tasks, request->n_tasks))
		return;
	if (group != NULL) {
		removal = all_of(manager, group);
		tell_array(manager, group, &reply);
		arrays_remove_rest(manager, group);
	} else {
		removal = each_of(manager, tasks, request->n_tasks);
		tell_named(&removal, &reply, &manager->batch.arena);
	}
	for (size_t i = 0; i < removal.n; i++)
		remove_one(manager, removal.ids[i],
			removal.reads != NULL ? removal.reads[i] : NULL);
	batch_answer(manager, call, &reply.base);
}
