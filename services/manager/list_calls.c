/* Lists of tasks, by pages; tested by tests/unit/test_manager_lists.c. */
#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "services/manager/task_calls.h"
#include "services/manager/view.h"

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
has_labels(const struct filter *filter, const Davit__TaskSpec *spec)
{
	for (size_t i = 0; i < filter->request->n_labels; i++) {
		if (!has_label(spec, filter->request->labels[i]))
			return false;
	}
	return true;
}

static bool
has_name(const struct task *task, const char *wanted)
{
	char name[256];

	model_task_name(task, name, sizeof name);
	return strcmp(name, wanted) == 0;
}

/* False: none of its tasks passes, whatever becomes of them. */
static bool
could_have(const struct filter *filter, const struct group *group)
{
	const Davit__ListTasksRequest *request = filter->request;
	const Davit__TaskSpec *spec = group->spec->spec;

	if (!id_is_none(filter->array_id) && !id_equal(filter->array_id, group->id))
		return false;
	if (request->namespace_ != NULL && strcmp(request->namespace_, spec->namespace_) != 0)
		return false;
	return has_labels(filter, spec) &&
	       (request->name == NULL ||
		       strncmp(request->name, group->name, strlen(group->name)) == 0);
}

/* False: none of its tasks passes as they are now. */
static bool
has_state(const struct filter *filter, const struct group *group)
{
	bool has = filter->states == 0;

	for (unsigned state = 0; state < TASK_STATE_COUNT; state++)
		has |= (filter->states >> state & 1u) != 0 && group->n_by_state[state] > 0;
	return has;
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

/* ---- pages ---- */

/* Where a page goes on: among the tasks of the model, and among what is on disk. */
struct place {
	struct task *task;
	const struct past_entry *past;
};

/*
 * The first task with a greater id. It is looked for from both ends: those on disk are between
 * what runs for long and what is new. Arrays that are older as a whole are passed over.
 */
static struct task *
first_after(const struct model *model, struct id id)
{
	struct task *up = model->oldest, *down = model->newest, *best = NULL;

	while (up != NULL && !id_is_less(id, up->id)) {
		if (!id_is_less(id, down->id))
			return best;
		best = down;
		down = down->older;
		if (!id_is_less(id, up->group->last_task->id))
			up = up->group->last_task;
		up = up->newer;
	}
	return up;
}

/* Both are in the order of their ids. */
static struct place
page_begin(struct manager *manager, const char *after)
{
	const struct model *model = &manager->model;
	struct id id = {0, 0};
	struct task *task = NULL;

	if (after == NULL || !id_parse(after, &id))
		return (struct place){model->oldest, past_after(&model->past, id)};
	task = model_task_find(model, id);
	return (struct place){task != NULL ? task->newer : first_after(model, id),
		past_after(&model->past, id)};
}

struct page {
	struct manager *manager;
	const struct filter *filter;
	const struct group *fits; /* may have some */
	Davit__ListTasksReply *reply;
	size_t n_looks;
};

static bool
may_have(struct page *page, const struct group *group)
{
	if (!could_have(page->filter, group))
		return false;
	if (has_state(page->filter, group))
		return true;
	batch_read_group(&page->manager->batch, group);
	return false;
}

/* The last that was looked at, and what was not found fit with it. */
static struct id
look_at_task(struct page *page, struct task **task)
{
	const struct filter *filter = page->filter;
	struct task *last = *task;

	page->n_looks++;
	if (last->group != page->fits && !may_have(page, last->group)) {
		last = last->group->last_task;
	} else {
		page->fits = last->group;
		batch_read_task(&page->manager->batch, last);
		if (passes(filter, last))
			page->reply->tasks[page->reply->n_tasks++] = view_task(last,
				filter->request->with_spec, &page->manager->batch.arena);
	}
	*task = last->newer;
	return last->id;
}

/* As far as its entry tells; the rest is read. */
static bool
may_be(struct page *page, const struct past_entry *entry)
{
	const struct filter *filter = page->filter;
	const Davit__ListTasksRequest *request = filter->request;
	const struct group *group;

	if (filter->states != 0 && (filter->states >> entry->state & 1u) == 0)
		return false;
	if (entry->name == NULL) {
		group = model_past_group(&page->manager->model, entry);
		return could_have(filter, group);
	}
	if (!id_is_none(filter->array_id) && !id_equal(filter->array_id, entry->id))
		return false;
	if (request->namespace_ != NULL && strcmp(request->namespace_, entry->space->name) != 0)
		return false;
	return request->name == NULL || strcmp(request->name, entry->name) == 0;
}

static int
look_at_past(struct page *page, const struct past_entry **past, struct id *ret_id, struct err *err)
{
	const struct past_entry *entry = *past;
	const struct filter *filter = page->filter;
	struct task *task;
	int rc;

	*ret_id = entry->id;
	page->n_looks++;
	if (may_be(page, entry)) {
		page->n_looks += MANAGER_HISTORY_READ_LOOKS;
		rc = ended_read(page->manager, entry, &task, err);
		if (rc < 0)
			return rc;
		if (has_labels(filter, task->group->spec->spec) && passes(filter, task))
			page->reply->tasks[page->reply->n_tasks++] = view_task(task,
				filter->request->with_spec, &page->manager->batch.arena);
	}
	*past = past_after(&page->manager->model.past, entry->id);
	return 0;
}

/*
 * One page: at most limit tasks, and what can be looked at in about a millisecond, so that a
 * filter that fits nobody keeps no writer waiting: the page is short then, and `next` goes on.
 */
static int
fill_page(struct page *page, size_t limit, struct err *err)
{
	struct place at = page_begin(page->manager, page->filter->request->after);
	struct id last = {0, 0};
	int rc = 0;

	while (rc == 0 && (at.task != NULL || at.past != NULL) &&
		page->n_looks < MANAGER_LIST_LOOKS_MAX && page->reply->n_tasks < limit) {
		bool is_past = at.past != NULL &&
			       (at.task == NULL || id_is_less(at.past->id, at.task->id));

		if (is_past)
			rc = look_at_past(page, &at.past, &last, err);
		else
			last = look_at_task(page, &at.task);
	}
	if (rc == 0 && (at.task != NULL || at.past != NULL) && !id_is_none(last))
		page->reply->next = view_id(last, &page->manager->batch.arena);
	return rc;
}

void
task_list(struct manager *manager, struct rpc_call *call)
{
	struct filter filter = {.request = (const Davit__ListTasksRequest *)call->request};
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	size_t limit = filter.request->has_limit ? filter.request->limit : MANAGER_LIST_MAX;
	struct page page = {.manager = manager, .filter = &filter, .reply = &reply};
	struct err err = {0};
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
	batch_read_narrow(&manager->batch);
	reply.tasks = arena_array(&manager->batch.arena, limit, sizeof *reply.tasks);
	if (fill_page(&page, limit, &err) < 0)
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"the history cannot be read: %s", err.text);
	else
		batch_answer(manager, call, &reply.base);
}
