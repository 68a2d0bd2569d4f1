#include "services/manager/task_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/records.h"
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

/* ---- submit ---- */

static Davit__TaskSpec *
copy_spec(const Davit__TaskSpec *spec)
{
	size_t size = davit__task_spec__get_packed_size(spec);
	uint8_t *data = xmalloc(size);
	Davit__TaskSpec *copy;

	(void)davit__task_spec__pack(spec, data);
	copy = davit__task_spec__unpack(NULL, size, data);
	free(data);
	return copy;
}

/* "registry:5000/team/web-app:1.2@sha256:…" gives "web-app". */
static void
name_from_image(const char *image, char *ret_name, size_t size)
{
	const char *slash = strrchr(image, '/');
	const char *base = slash == NULL ? image : slash + 1;
	size_t n = strcspn(base, ":@");

	(void)snprintf(ret_name, size, "%.*s", (int)(n < size ? n : size - 1), base);
	if (n < 2)
		(void)snprintf(ret_name, size, "task");
}

/* "<image>-<six digits of chance>", free in the namespace. */
static void
make_name(struct manager *manager, const Davit__TaskSpec *spec, uint32_t count, char *ret_name,
	size_t size)
{
	char base[64];
	uint32_t value;

	name_from_image(spec->image, base, sizeof base);
	do {
		manager->ports.random(manager->ports.arg, &value, sizeof value);
		(void)snprintf(ret_name, size, "%s-%06x", base, value & 0xffffffu);
	} while (model_name_is_taken(&manager->model, spec->namespace_, ret_name, count));
}

static bool
refuse_name(struct manager *manager, struct rpc_call *call, const Davit__TaskSpec *spec,
	uint32_t count)
{
	const char *namespace =
		spec->namespace_ == NULL ? task_default_namespace : spec->namespace_;

	if (spec->name == NULL ||
		!model_name_is_taken(&manager->model, namespace, spec->name, count))
		return false;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__ALREADY_EXISTS, "spec.name",
		"a live task in namespace '%s' is called '%s' already: stop it, or choose another "
		"name",
		namespace, spec->name);
	return true;
}

bool
task_refuse_spec(struct manager *manager, struct rpc_call *call, const Davit__TaskSpec *spec,
	uint32_t count)
{
	char field[SPEC_FIELD_MAX], path[SPEC_FIELD_MAX + 8];
	struct err err = {0};

	if (count < 1 || count > MANAGER_ARRAY_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "count",
			"count is 1 to %d (MANAGER_ARRAY_MAX)", MANAGER_ARRAY_MAX);
		return true;
	}
	if (placing_is_gang(spec) && count > MANAGER_GANG_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "count",
			"an array that is placed all or nothing has at most %d tasks "
			"(MANAGER_GANG_MAX)",
			MANAGER_GANG_MAX);
		return true;
	}
	if (HASH_COUNT(manager->model.tasks) + count > MANAGER_TASKS_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, "count",
			"there would be more than %d tasks (MANAGER_TASKS_MAX): remove some",
			MANAGER_TASKS_MAX);
		return true;
	}
	if (spec_check(spec, field, &err) == 0)
		return refuse_name(manager, call, spec, count);
	(void)snprintf(path, sizeof path, "spec%s%s", field[0] == '\0' ? "" : ".", field);
	batch_refuse_err(manager, call, path, &err);
	return true;
}

static struct group *
accept(struct manager *manager, const Davit__SubmitTasksRequest *request, uint32_t count,
	const char *name)
{
	struct id id = manager_new_id(manager, count > 1);
	Davit__TaskSpec *copy = copy_spec(request->spec);
	char text[ID_TEXT_SIZE];
	struct group *group;
	struct spec *spec;

	if (copy->namespace_ == NULL)
		copy->namespace_ = xstrdup(task_default_namespace);
	id_format(id, text);
	spec = model_spec_add_take(&manager->model, text, copy);
	group = lifecycle_submit(manager, id, spec, count, name);
	records_put_spec(manager, spec);
	records_put_group(manager, group);
	return group;
}

void
task_submit(struct manager *manager, struct rpc_call *call)
{
	const Davit__SubmitTasksRequest *request = (const Davit__SubmitTasksRequest *)call->request;
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	struct arena *arena = &manager->batch.arena;
	uint32_t count = request->has_count ? request->count : 1;
	const char *namespace = request->spec->namespace_;
	struct group *group;
	char name[256];

	if (task_refuse_spec(manager, call, request->spec, count))
		return;
	namespace = namespace != NULL ? namespace : task_default_namespace;
	if (request->spec->name != NULL) {
		(void)snprintf(name, sizeof name, "%s", request->spec->name);
	} else {
		Davit__TaskSpec spec = *request->spec;

		spec.namespace_ = (char *)(uintptr_t) namespace;
		make_name(manager, &spec, count, name, sizeof name);
	}
	group = accept(manager, request, count, name);
	reply.has_count = true;
	reply.count = count;
	reply.name = name;
	if (count > 1)
		reply.array_id = view_id(group->id, arena);
	reply.task_ids = arena_array(arena, MANAGER_LIST_MAX, sizeof *reply.task_ids);
	while (reply.n_task_ids < count && reply.n_task_ids < MANAGER_LIST_MAX) {
		struct id id = id_at(group->id, (uint32_t)reply.n_task_ids);

		reply.task_ids[reply.n_task_ids++] = view_id(id, arena);
	}
	if (call->request_id == NULL)
		rpc_call_set_note(call, "without a request_id a repeat of this call makes "
					"more tasks");
	batch_answer(manager, call, &reply.base);
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

static bool
passes(const struct filter *filter, const struct task *task)
{
	const Davit__ListTasksRequest *request = filter->request;
	const Davit__TaskSpec *spec = task->group->spec->spec;

	if (model_task_is_going(task))
		return false;
	if (filter->states != 0 && (filter->states >> task->state & 1u) == 0)
		return false;
	if (filter->node != NULL && task->node != filter->node)
		return false;
	if (!id_is_none(filter->array_id) && !id_equal(filter->array_id, task->group->id))
		return false;
	if (request->namespace_ != NULL && strcmp(request->namespace_, spec->namespace_) != 0)
		return false;
	for (size_t i = 0; i < request->n_labels; i++) {
		if (!has_label(spec, request->labels[i]))
			return false;
	}
	return request->name == NULL || has_name(task, request->name);
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
	for (task = manager->model.oldest; task != NULL; task = task->newer) {
		if (task->id.hi > id.hi || (task->id.hi == id.hi && task->id.lo > id.lo))
			break;
	}
	return task;
}

void
task_list(struct manager *manager, struct rpc_call *call)
{
	struct filter filter = {.request = (const Davit__ListTasksRequest *)call->request};
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	struct arena *arena = &manager->batch.arena;
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
	reply.tasks = arena_array(arena, limit, sizeof *reply.tasks);
	for (struct task *task = page_begin(manager, filter.request->after); task != NULL;
		task = task->newer) {
		if (!passes(&filter, task))
			continue;
		if (reply.n_tasks == limit) {
			reply.next = reply.tasks[limit - 1]->id;
			break;
		}
		reply.tasks[reply.n_tasks++] = view_task(task, filter.request->with_spec, arena);
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
