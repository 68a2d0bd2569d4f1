#include "services/manager/task_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/view.h"

const char task_default_namespace[] = "default";

enum { WAIT_DEFAULT_MS = 30000 };

struct task *
task_resolve(struct manager *manager, struct rpc_call *call, const char *namespace,
	const char *text, const char *field)
{
	struct task *task;
	struct err err = {0};

	if (namespace == NULL)
	namespace = task_default_namespace;
	if (model_task_resolve(&manager->model, namespace, text, &task, &err) == 0)
		return task;
	batch_refuse_err(manager, call, field, &err);
	return NULL;
}

/* ---- read ---- */

void
task_get(struct manager *manager, struct rpc_call *call)
{
	const Davit__GetTaskRequest *request = (const Davit__GetTaskRequest *)call->request;
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	struct task *task = task_resolve(manager, call, request->namespace_, request->task, "task");

	if (task == NULL)
		return;
	reply.task = view_task(task, true, &manager->batch.arena);
	batch_answer(manager, call, &reply.base);
}

/* One of many: its view, or why there is none. */
static void
get_one(struct manager *manager, const Davit__GetTaskRequest *request,
	Davit__GetTasksReply__Result *result)
{
	const char *namespace =
		request->namespace_ != NULL ? request->namespace_ : task_default_namespace;
	struct arena *arena = &manager->batch.arena;
	struct task *task;
	struct err err = {0};
	int rc = model_task_resolve(&manager->model, namespace, request->task, &task, &err);

	if (rc == 0) {
		result->task = view_task(task, true, arena);
		return;
	}
	result->has_status = true;
	result->status = rpc_status_of_errno(rc);
	result->message = arena_strdup(arena, err.text);
}

void
task_get_many(struct manager *manager, struct rpc_call *call)
{
	const Davit__GetTasksRequest *request = (const Davit__GetTasksRequest *)call->request;
	Davit__GetTasksReply reply = DAVIT__GET_TASKS_REPLY__INIT;
	struct arena *arena = &manager->batch.arena;

	if (request->n_tasks < 1 || request->n_tasks > MANAGER_LIST_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "tasks",
			"1 to %d tasks at once (MANAGER_LIST_MAX)", MANAGER_LIST_MAX);
		return;
	}
	reply.results = arena_array(arena, request->n_tasks, sizeof *reply.results);
	for (size_t i = 0; i < request->n_tasks; i++) {
		Davit__GetTasksReply__Result *result = arena_alloc(arena, sizeof *result);

		davit__get_tasks_reply__result__init(result);
		get_one(manager, request->tasks[i], result);
		reply.results[reply.n_results++] = result;
	}
	batch_answer(manager, call, &reply.base);
}

struct filter {
	const Davit__ListTasksRequest *request;
	const struct node *node;
	struct id array_id;
	uint32_t states; /* bits; 0: all */
};

static bool
has_label(const Davit__TaskSpec *spec, const Davit__StringEntry *wanted)
{
	for (size_t i = 0; i < spec->n_labels; i++) {
		const Davit__StringEntry *label = spec->labels[i];

		if (strcmp(label->key, wanted->key) == 0)
			return wanted->value == NULL ||
			       strcmp(label->value == NULL ? "" : label->value, wanted->value) == 0;
	}
	return false;
}

static bool
has_name(const struct task *task, const char *wanted)
{
	char name[256];

	model_task_name(task, name, sizeof name);
	return strcmp(name, wanted) == 0;
}

/* False: none of its tasks passes. */
static bool
may_have(const struct filter *filter, const struct group *group)
{
	const Davit__ListTasksRequest *request = filter->request;
	const Davit__TaskSpec *spec = group->spec->spec;
	bool has_state = filter->states == 0;

	for (unsigned state = 0; state < TASK_STATE_COUNT; state++)
		has_state |= (filter->states >> state & 1u) != 0 && group->n_by_state[state] > 0;
	if (!has_state)
		return false;
	if (!id_is_none(filter->array_id) && !id_equal(filter->array_id, group->id))
		return false;
	if (request->namespace_ != NULL && strcmp(request->namespace_, spec->namespace_) != 0)
		return false;
	for (size_t i = 0; i < request->n_labels; i++) {
		if (!has_label(spec, request->labels[i]))
			return false;
	}
	return request->name == NULL ||
	       strncmp(request->name, group->name, strlen(group->name)) == 0;
}

/* A task of a group that may have some. */
static bool
passes(const struct filter *filter, const struct task *task)
{
	if (model_task_is_going(task))
		return false;
	if (filter->states != 0 && (filter->states >> task->state & 1u) == 0)
		return false;
	if (filter->node != NULL && task->node != filter->node)
		return false;
	return filter->request->name == NULL || has_name(task, filter->request->name);
}

/* True if the call was refused. */
static bool
make_filter(struct manager *manager, struct rpc_call *call, struct filter *filter)
{
	const Davit__ListTasksRequest *request = filter->request;
	struct err err = {0};

	for (size_t i = 0; i < request->n_states; i++)
		filter->states |= 1u << (unsigned)request->states[i] % TASK_STATE_COUNT;
	if (request->array_id != NULL && !id_parse(request->array_id, &filter->array_id)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "array_id",
			"an array_id is a whole id, as SubmitTasks answers it");
		return true;
	}
	if (request->node != NULL) {
		struct node *node;

		if (model_node_resolve(&manager->model, request->node, &node, &err) < 0) {
			batch_refuse_err(manager, call, "node", &err);
			return true;
		}
		filter->node = node;
	}
	return false;
}

static bool
is_younger(const struct task *task, struct id id)
{
	return task->id.hi > id.hi || (task->id.hi == id.hi && task->id.lo > id.lo);
}

/* Where a page begins: behind the task with that id; if it is gone, behind its age. */
static struct task *
page_begin(struct manager *manager, const char *after)
{
	struct task *task;
	struct id id;

	if (after == NULL || !id_parse(after, &id))
		return manager->model.oldest;
	task = model_task_find(&manager->model, id);
	if (task != NULL)
		return task->newer;
	/* Arrays that are older as a whole are passed over. */
	for (task = manager->model.oldest; task != NULL && !is_younger(task, id);
		task = task->newer) {
		if (!is_younger(task->group->last_task, id))
			task = task->group->last_task;
	}
	return task;
}

/*
 * One page: at most limit tasks, and what can be looked at in about a millisecond, so that a
 * filter that fits nobody keeps no writer waiting: the page is short then, and `next` goes on.
 */
static void
fill_page(struct manager *manager, const struct filter *filter, size_t limit,
	Davit__ListTasksReply *reply)
{
	struct task *task = page_begin(manager, filter->request->after), *last = NULL;
	struct arena *arena = &manager->batch.arena;
	const struct group *fits = NULL;

	for (size_t n = 0; task != NULL && n < MANAGER_LIST_LOOKS_MAX && reply->n_tasks < limit;
		n++, task = last->newer) {
		last = task;
		if (task->group != fits && !may_have(filter, task->group)) {
			last = task->group->last_task;
			continue;
		}
		fits = task->group;
		if (passes(filter, task))
			reply->tasks[reply->n_tasks++] =
				view_task(task, filter->request->with_spec, arena);
	}
	if (task != NULL && last != NULL)
		reply->next = view_id(last->id, arena);
}

void
task_list(struct manager *manager, struct rpc_call *call)
{
	struct filter filter = {.request = (const Davit__ListTasksRequest *)call->request};
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	size_t limit = filter.request->has_limit ? filter.request->limit : MANAGER_LIST_MAX;
	struct id id;

	if (limit < 1 || limit > MANAGER_LIST_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "limit",
			"limit is 1 to %d (MANAGER_LIST_MAX): use `after` for more",
			MANAGER_LIST_MAX);
		return;
	}
	if (filter.request->after != NULL && !id_parse(filter.request->after, &id)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "after",
			"`after` is the `next` of the page before");
		return;
	}
	if (make_filter(manager, call, &filter))
		return;
	reply.tasks = arena_array(&manager->batch.arena, limit, sizeof *reply.tasks);
	fill_page(manager, &filter, limit, &reply);
	batch_answer(manager, call, &reply.base);
}

/* ---- wait ---- */

static bool
has_reached(const struct task *task, const Davit__WaitTaskRequest *request)
{
	if (task_state_is_final(task->state))
		return true;
	switch (request->has_until ? request->until : DAVIT__TASK__STATE__COMPLETED) {
	case DAVIT__TASK__STATE__PENDING:
		return true;
	case DAVIT__TASK__STATE__SCHEDULED:
		return task->state >= TASK_SCHEDULED;
	case DAVIT__TASK__STATE__RUNNING:
		return task->state >= TASK_RUNNING;
	default:
		return false;
	}
}

static void
answer_wait(struct manager *manager, struct rpc_call *call, const struct task *task)
{
	const Davit__WaitTaskRequest *request = (const Davit__WaitTaskRequest *)call->request;
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;

	reply.task = view_task(task, false, &manager->batch.arena);
	reply.has_reached = true;
	reply.reached = has_reached(task, request);
	batch_answer(manager, call, &reply.base);
}

static void
expire_wait(struct manager *manager, struct wait *wait)
{
	struct task *task = wait->owner;

	waits_unlink(&task->waits, wait);
	answer_wait(manager, waits_end(manager, wait), task);
}

static bool
is_satisfied(const struct rpc_call *call, const struct task *task)
{
	const Davit__WaitTaskRequest *request = (const Davit__WaitTaskRequest *)call->request;

	return has_reached(task, request) ||
	       (request->has_seen_version && task->version > request->seen_version);
}

void
task_wait(struct manager *manager, struct rpc_call *call)
{
	const Davit__WaitTaskRequest *request = (const Davit__WaitTaskRequest *)call->request;
	struct task *task = task_resolve(manager, call, request->namespace_, request->task, "task");
	uint64_t wait_ms = request->has_wait_ms ? request->wait_ms : (uint64_t)WAIT_DEFAULT_MS;
	struct wait *wait;

	if (task == NULL)
		return;
	if (is_satisfied(call, task) || wait_ms == 0) {
		answer_wait(manager, call, task);
		return;
	}
	wait = waits_add(manager, call, wait_ms, expire_wait, task);
	if (wait == NULL)
		return;
	wait->next = task->waits;
	task->waits = wait;
}

void
task_waits_check(struct manager *manager, struct task *task)
{
	struct wait *next;

	for (struct wait *wait = task->waits; wait != NULL; wait = next) {
		next = wait->next;
		if (is_satisfied(wait->call, task))
			expire_wait(manager, wait);
	}
}

void
task_waits_end(struct manager *manager, struct task *task)
{
	struct wait *wait;

	while ((wait = task->waits) != NULL) {
		task->waits = wait->next;
		if (task_state_is_final(task->state))
			answer_wait(manager, waits_end(manager, wait), task);
		else
			batch_refuse(manager, waits_end(manager, wait),
				DAVIT__REPLY__STATUS__NOT_FOUND, "task", "the task was removed");
	}
	while ((wait = task->log_waits) != NULL) {
		task->log_waits = wait->next;
		batch_refuse(manager, waits_end(manager, wait), DAVIT__REPLY__STATUS__NOT_FOUND,
			"task", "the task was removed");
	}
}
