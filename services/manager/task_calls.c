#include "services/manager/task_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/arrays.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/view.h"

const char task_default_namespace[] = "default";

enum { WAIT_DEFAULT_MS = 30000 };

/*
 * As model_task_resolve, but reads what is on disk; -EAGAIN: it cannot be read now. look: where an
 * element without a record is described; NULL: it gets one.
 */
static int
resolve(struct manager *manager, const char *namespace, const char *text, struct task *look,
	struct task **ret_task, struct err *err)
{
	struct model_found found;
	int rc = model_task_resolve(&manager->model,
		namespace != NULL ? namespace : task_default_namespace, text, &found, err);

	if (rc < 0)
		return rc;
	if (found.past != NULL) {
		if (ended_read(manager, found.past, ret_task, err) < 0)
			return err_set(err, -EAGAIN, "the history cannot be read: %.200s",
				err->text);
		return 0;
	}
	*ret_task = found.task;
	if (found.group != NULL && look != NULL) {
		arrays_imagine(manager, found.group, found.index, look);
		*ret_task = look;
	} else if (found.group != NULL) {
		*ret_task = arrays_make(manager, found.group, found.index);
	}
	return 0;
}

struct task *
task_resolve(struct manager *manager, struct rpc_call *call, const char *namespace,
	const char *text, const char *field)
{
	struct task *task;
	struct err err = {0};

	if (resolve(manager, namespace, text, NULL, &task, &err) == 0)
		return task;
	batch_refuse_err(manager, call, field, &err);
	return NULL;
}

/* ---- read ---- */

/* It means one task, whatever others there are. */
static bool
is_whole_id(const char *text)
{
	struct id id;

	return id_parse(text, &id);
}

void
task_get(struct manager *manager, struct rpc_call *call)
{
	const Davit__GetTaskRequest *request = (const Davit__GetTaskRequest *)call->request;
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	struct task look, *task;
	struct err err = {0};

	if (resolve(manager, request->namespace_, request->task, &look, &task, &err) < 0) {
		batch_refuse_err(manager, call, "task", &err);
		return;
	}
	if (is_whole_id(request->task))
		batch_read_narrow(&manager->batch);
	batch_read_task(&manager->batch, task);
	reply.task = view_task(task, true, &manager->batch.arena);
	batch_answer(manager, call, &reply.base);
}

static bool
are_whole_ids(const Davit__GetTasksRequest *request)
{
	for (size_t i = 0; i < request->n_tasks; i++)
		if (!is_whole_id(request->tasks[i]->task))
			return false;
	return true;
}

/* One of many: its view, or why there is none. */
static void
get_one(struct manager *manager, const Davit__GetTaskRequest *request,
	Davit__GetTasksReply__Result *result)
{
	struct arena *arena = &manager->batch.arena;
	struct task look, *task;
	struct err err = {0};
	int rc = resolve(manager, request->namespace_, request->task, &look, &task, &err);

	if (rc == 0) {
		batch_read_task(&manager->batch, task);
		result->task = view_task(task, true, arena);
		return;
	}
	batch_read_begin(&manager->batch); /* why not may depend on anything */
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
	if (are_whole_ids(request))
		batch_read_narrow(&manager->batch);
	for (size_t i = 0; i < request->n_tasks; i++) {
		Davit__GetTasksReply__Result *result = arena_alloc(arena, sizeof *result);

		davit__get_tasks_reply__result__init(result);
		get_one(manager, request->tasks[i], result);
		reply.results[reply.n_results++] = result;
	}
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
