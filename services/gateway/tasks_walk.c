#include "services/gateway/tasks_walk.h"

#include <stdio.h>
#include <string.h>

#include "common/base/id.h"

enum { CONTAINER_ID_SIZE = 64 };

struct walk {
	Davit__ListTasksRequest request;
	tasks_walk_fn *each;
	tasks_walk_done_fn *done;
	void *arg;
};

static void
on_page(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__ListTasksReply *reply = (const void *)result->response;
	struct walk *walk = arg;
	bool more = result->status == DAVIT__REPLY__STATUS__OK && reply->next != NULL;

	for (size_t i = 0; result->response != NULL && i < reply->n_tasks; i++) {
		if (!walk->each(reply->tasks[i], walk->arg)) {
			more = false;
			break;
		}
	}
	if (!more) {
		walk->done(errand, result, walk->arg);
		return;
	}
	walk->request.after = arena_strdup(errand_arena(errand), reply->next);
	errand_ask(errand, "ListTasks", &walk->request.base, 0, on_page, walk);
}

void
tasks_walk(struct errand *errand, const Davit__ListTasksRequest *filter, tasks_walk_fn *each,
	tasks_walk_done_fn *done, void *arg)
{
	struct walk *walk = arena_alloc(errand_arena(errand), sizeof *walk);

	*walk = (struct walk){DAVIT__LIST_TASKS_REQUEST__INIT, each, done, arg};
	walk->request.n_states = filter->n_states;
	walk->request.states =
		arena_array(errand_arena(errand), filter->n_states, sizeof *filter->states);
	for (size_t i = 0; i < filter->n_states; i++)
		walk->request.states[i] = filter->states[i];
	walk->request.has_with_spec = walk->request.with_spec = true;
	errand_ask(errand, "ListTasks", &walk->request.base, 0, on_page, walk);
}

/* ---- one ---- */

struct find {
	const char *name;
	tasks_find_fn *done;
	void *arg;
	char id[ID_TEXT_SIZE]; /* of the task that was found */
	Davit__GetTaskRequest request;
};

static void
on_got(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__GetTaskReply *reply = (const void *)result->response;
	struct find *find = arg;

	find->done(errand, result, reply == NULL ? NULL : reply->task, find->arg);
}

static void
ask_for(struct errand *errand, struct find *find, const char *name)
{
	davit__get_task_request__init(&find->request);
	find->request.task = arena_strdup(errand_arena(errand), name);
	errand_ask(errand, "GetTask", &find->request.base, 0, on_got, find);
}

static bool
is_wanted(const Davit__Task *task, void *arg)
{
	struct find *find = arg;

	if (task->container_id == NULL || strcmp(task->container_id, find->name) != 0)
		return true;
	(void)snprintf(find->id, sizeof find->id, "%s", task->id);
	find->name = find->id;
	return false;
}

/* name is the id of the task by now, if there is one. */
static void
on_walked(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct find *find = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		find->done(errand, result, NULL, find->arg);
	else
		ask_for(errand, find, find->name);
}

void
tasks_find(struct errand *errand, const char *name, tasks_find_fn *done, void *arg)
{
	struct find *find = arena_alloc(errand_arena(errand), sizeof *find);
	Davit__ListTasksRequest all = DAVIT__LIST_TASKS_REQUEST__INIT;

	*find = (struct find){.name = arena_strdup(errand_arena(errand), name),
		.done = done,
		.arg = arg};
	if (strlen(name) == CONTAINER_ID_SIZE)
		tasks_walk(errand, &all, is_wanted, on_walked, find);
	else
		ask_for(errand, find, name);
}

/* ---- change one ---- */

struct change {
	errand_step_fn *done;
	void *arg;
};

static void
on_found_to_stop(struct errand *errand, const struct rpc_result *result, const Davit__Task *task,
	void *arg)
{
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	struct change *change = arg;

	if (task == NULL) {
		change->done(errand, result, change->arg);
		return;
	}
	request.tasks = (char **)(uintptr_t)&task->id;
	request.n_tasks = 1;
	errand_ask(errand, "StopTasks", &request.base, 0, change->done, change->arg);
}

static void
on_found_to_remove(struct errand *errand, const struct rpc_result *result, const Davit__Task *task,
	void *arg)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	struct change *change = arg;

	if (task == NULL) {
		change->done(errand, result, change->arg);
		return;
	}
	request.tasks = (char **)(uintptr_t)&task->id;
	request.n_tasks = 1;
	request.has_force = request.force = true;
	errand_ask(errand, "RemoveTasks", &request.base, 0, change->done, change->arg);
}

static struct change *
new_change(struct errand *errand, errand_step_fn *done, void *arg)
{
	struct change *change = arena_alloc(errand_arena(errand), sizeof *change);

	*change = (struct change){done, arg};
	return change;
}

void
tasks_stop(struct errand *errand, const char *name, errand_step_fn *done, void *arg)
{
	tasks_find(errand, name, on_found_to_stop, new_change(errand, done, arg));
}

void
tasks_remove(struct errand *errand, const char *name, errand_step_fn *done, void *arg)
{
	tasks_find(errand, name, on_found_to_remove, new_change(errand, done, arg));
}
