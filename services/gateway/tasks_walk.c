#include "services/gateway/tasks_walk.h"

#include <stdio.h>
#include <string.h>

#include "common/base/id.h"

enum { CONTAINER_ID_SIZE = 64, CONTAINER_ID_SHORT = 12 };

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

static void
set_filter(Davit__ListTasksRequest *request, const struct tasks_filter *filter, struct arena *arena)
{
	davit__list_tasks_request__init(request);
	request->namespace_ = arena_strdup(arena, filter->namespace_name);
	request->node = arena_strdup(arena, filter->node);
	request->has_with_spec = request->with_spec = true;
	if (filter->state != DAVIT__TASK__STATE__NONE) {
		request->n_states = 1;
		request->states = arena_alloc(arena, sizeof *request->states);
		request->states[0] = filter->state;
	}
	if (filter->label != NULL) {
		Davit__StringEntry *label = arena_alloc(arena, sizeof *label);

		davit__string_entry__init(label);
		label->key = arena_strdup(arena, filter->label);
		label->value = arena_strdup(arena, filter->value);
		request->n_labels = 1;
		request->labels = arena_alloc(arena, sizeof(void *));
		request->labels[0] = label;
	}
}

void
tasks_walk(struct errand *errand, const struct tasks_filter *filter, tasks_walk_fn *each,
	tasks_walk_done_fn *done, void *arg)
{
	struct walk *walk = arena_alloc(errand_arena(errand), sizeof *walk);

	*walk = (struct walk){.each = each, .done = done, .arg = arg};
	set_filter(&walk->request, filter, errand_arena(errand));
	errand_ask(errand, "ListTasks", &walk->request.base, 0, on_page, walk);
}

/* ---- as an array ---- */

struct list {
	json_t *array; /* the errand's */
	tasks_show_fn *show;
	tasks_refuse_fn *refuse;
};

static bool
add_to_list(const Davit__Task *task, void *arg)
{
	struct list *list = arg;
	json_t *shown = list->show(task);

	if (shown != NULL)
		(void)json_array_append_new(list->array, shown);
	return true;
}

static void
on_listed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct list *list = arg;

	if (result->status == DAVIT__REPLY__STATUS__OK)
		errand_reply_json(errand, 200, json_incref(list->array));
	else
		list->refuse(errand, result);
}

void
tasks_list(struct errand *errand, const struct tasks_filter *filter, tasks_show_fn *show,
	tasks_refuse_fn *refuse)
{
	struct list *list = arena_alloc(errand_arena(errand), sizeof *list);

	*list = (struct list){errand_keep(errand, json_array()), show, refuse};
	tasks_walk(errand, filter, add_to_list, on_listed, list);
}

/* ---- one ---- */

struct find {
	const char *name;
	tasks_find_fn *done;
	void *arg;
	char id[ID_TEXT_SIZE]; /* of the task that was found */
	unsigned n_found;
	bool is_walked; /* the ids of the containers were looked at */
	Davit__GetTaskRequest request;
};

static void find_container(struct errand *errand, struct find *find);

static bool
may_be_container(const char *name)
{
	size_t n = strlen(name);

	return n >= CONTAINER_ID_SHORT && n <= CONTAINER_ID_SIZE &&
	       strspn(name, "0123456789abcdef") == n;
}

static void
on_got(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__GetTaskReply *reply = (const void *)result->response;
	struct find *find = arg;

	if (result->status == DAVIT__REPLY__STATUS__NOT_FOUND && !find->is_walked &&
		may_be_container(find->name))
		find_container(errand, find);
	else
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
	size_t n = strlen(find->name);

	if (task->container_id == NULL || strncmp(task->container_id, find->name, n) != 0)
		return true;
	(void)snprintf(find->id, sizeof find->id, "%s", task->id);
	return ++find->n_found == 1 && n < CONTAINER_ID_SIZE;
}

/* None, or a prefix of several: asked for by that text, which nothing has. */
static void
on_walked(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct find *find = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		find->done(errand, result, NULL, find->arg);
	else
		ask_for(errand, find, find->n_found == 1 ? find->id : find->name);
}

static void
find_container(struct errand *errand, struct find *find)
{
	struct tasks_filter all = {.state = DAVIT__TASK__STATE__NONE};

	find->is_walked = true;
	tasks_walk(errand, &all, is_wanted, on_walked, find);
}

void
tasks_find(struct errand *errand, const char *name, tasks_find_fn *done, void *arg)
{
	struct find *find = arena_alloc(errand_arena(errand), sizeof *find);

	*find = (struct find){.name = arena_strdup(errand_arena(errand), name),
		.done = done,
		.arg = arg};
	if (strlen(name) == CONTAINER_ID_SIZE)
		find_container(errand, find);
	else
		ask_for(errand, find, name);
}

/* ---- remove one ---- */

void
tasks_await_end(struct errand *errand, const char *id, errand_step_fn *done, void *arg)
{
	Davit__WaitTaskRequest wait = DAVIT__WAIT_TASK_REQUEST__INIT;

	wait.task = (char *)(uintptr_t)id;
	wait.has_wait_ms = true;
	wait.wait_ms = TASKS_END_MS;
	errand_ask(errand, "WaitTask", &wait.base, wait.wait_ms, done, arg);
}

struct ending {
	char *id;
	errand_step_fn *done;
	void *arg;
};

static void
remove_now(struct errand *errand, struct ending *ending)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;

	request.tasks = &ending->id;
	request.n_tasks = 1;
	request.has_force = request.force = true;
	errand_ask(errand, "RemoveTasks", &request.base, 0, ending->done, ending->arg);
}

static void
on_ended(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)result; /* whatever became of it: it has to go */
	remove_now(errand, arg);
}

static void
on_stopped(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct ending *ending = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		ending->done(errand, result, ending->arg);
	else
		tasks_await_end(errand, ending->id, on_ended, ending);
}

void
tasks_end(struct errand *errand, const Davit__Task *task, errand_step_fn *done, void *arg)
{
	struct ending *ending = arena_alloc(errand_arena(errand), sizeof *ending);
	Davit__StopTasksRequest stop = DAVIT__STOP_TASKS_REQUEST__INIT;

	*ending = (struct ending){arena_strdup(errand_arena(errand), task->id), done, arg};
	if (task->state == DAVIT__TASK__STATE__COMPLETED ||
		task->state == DAVIT__TASK__STATE__FAILED) {
		remove_now(errand, ending);
		return;
	}
	stop.tasks = &ending->id;
	stop.n_tasks = 1;
	errand_ask(errand, "StopTasks", &stop.base, 0, on_stopped, ending);
}

static void
on_found_to_end(struct errand *errand, const struct rpc_result *result, const Davit__Task *task,
	void *arg)
{
	const struct ending *wish = arg;

	if (task == NULL)
		wish->done(errand, result, wish->arg);
	else
		tasks_end(errand, task, wish->done, wish->arg);
}

void
tasks_remove(struct errand *errand, const char *name, errand_step_fn *done, void *arg)
{
	struct ending *wish = arena_alloc(errand_arena(errand), sizeof *wish);

	*wish = (struct ending){NULL, done, arg};
	tasks_find(errand, name, on_found_to_end, wish);
}
