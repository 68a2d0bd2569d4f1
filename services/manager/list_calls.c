/* Lists of tasks, by pages; tested by tests/unit/test_manager_lists.c. */
#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/arrays.h"
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

/*
 * Where a page goes on: among the tasks of the model, and among what is on disk. The task is the
 * next of all that have a record; the element, of the group, the next that has none.
 */
struct place {
	struct group *group; /* NULL: there are no more */
	struct task *task;
	uint32_t unmade; /* the group's count: none */
	const struct past_entry *past;
};

/* What comes next of the group; none of both: nothing. */
static bool
has_unmade_next(const struct place *at)
{
	return at->unmade < at->group->count &&
	       (at->task == NULL || at->task->group != at->group || at->unmade < at->task->index);
}

static bool
has_task_next(const struct place *at)
{
	return at->task != NULL && at->task->group == at->group && !has_unmade_next(at);
}

static void
go_to_group(struct place *at, struct group *group)
{
	at->group = group;
	at->unmade = group == NULL ? 0 : model_next_unmade(group, 0);
}

/* Groups of which all is gone or on disk are passed over. */
static void
settle(struct place *at)
{
	while (at->group != NULL && !has_unmade_next(at) && !has_task_next(at))
		go_to_group(at, at->group->hh.next);
}

static struct id
next_id(const struct place *at)
{
	return has_unmade_next(at) ? id_at(at->group->id, at->unmade) : at->task->id;
}

/* The first with a greater id: looked for from both ends, for most pages follow one another, or
 * are about what is new. */
static struct group *
first_group_after(const struct model *model, struct id id)
{
	struct group *up = model->groups, *down, *best = NULL;

	down = up == NULL ? NULL : ELMT_FROM_HH(up->hh.tbl, up->hh.tbl->tail);
	while (up != NULL && !id_is_less(id, up->id)) {
		if (!id_is_less(id, down->id))
			return best;
		best = down;
		down = down->hh.prev;
		up = up->hh.next;
	}
	return up;
}

/* The first with a record that is behind the index. */
static struct task *
first_task_after(const struct model *model, const struct group *group, uint32_t index)
{
	struct task *task = model_element(group, index);

	if (task != NULL)
		return task->newer;
	if (group->last_task != NULL && index < group->last_task->index) {
		while ((task = model_element(group, ++index)) == NULL)
			;
		return task;
	}
	task = group->last_task != NULL ? group->last_task : model_task_before(group);
	return task != NULL ? task->newer : model->oldest;
}

/* Both are in the order of their ids. */
static struct place
page_begin(struct manager *manager, const char *after)
{
	const struct model *model = &manager->model;
	struct id id = {0, 0};
	struct place at = {.task = model->oldest};
	uint32_t index;

	if (after == NULL || !id_parse(after, &id)) {
		go_to_group(&at, model->groups);
	} else if ((at.group = model_group_of(model, id, &index)) != NULL) {
		at.unmade = model_next_unmade(at.group, index + 1);
		at.task = first_task_after(model, at.group, index);
	} else {
		go_to_group(&at, first_group_after(model, id));
		if (at.group != NULL) {
			struct task *before = model_task_before(at.group);

			at.task = before != NULL ? before->newer : model->oldest;
		}
	}
	settle(&at);
	at.past = past_after(&model->past, id);
	return at;
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

static void
add_task(struct page *page, const struct task *task)
{
	batch_read_task(&page->manager->batch, task);
	if (passes(page->filter, task))
		page->reply->tasks[page->reply->n_tasks++] = view_task(task,
			page->filter->request->with_spec, &page->manager->batch.arena);
}

/* None of its elements without a record passes. */
static bool
skips_unmade(const struct filter *filter)
{
	return filter->node != NULL ||
	       (filter->states != 0 && (filter->states >> TASK_PENDING & 1u) == 0);
}

static void
look_at_unmade(struct page *page, struct place *at)
{
	struct task look;

	if (skips_unmade(page->filter)) {
		at->unmade = at->group->count;
		return;
	}
	arrays_imagine(page->manager, at->group, at->unmade, &look);
	add_task(page, &look);
	at->unmade = model_next_unmade(at->group, at->unmade + 1);
}

/* The last that was looked at, and what was not found fit with it. */
static struct id
look_at_next(struct page *page, struct place *at)
{
	struct group *group = at->group;
	struct id last = next_id(at);

	page->n_looks++;
	if (group != page->fits && !may_have(page, group)) {
		last = id_at(group->id, group->count - 1);
		if (at->task != NULL && at->task->group == group)
			at->task = group->last_task->newer;
		at->unmade = group->count;
	} else if (has_unmade_next(at)) {
		page->fits = group;
		look_at_unmade(page, at);
	} else {
		page->fits = group;
		add_task(page, at->task);
		at->task = at->task->newer;
	}
	settle(at);
	return last;
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

	while (rc == 0 && (at.group != NULL || at.past != NULL) &&
		page->n_looks < MANAGER_LIST_LOOKS_MAX && page->reply->n_tasks < limit) {
		bool is_past = at.past != NULL &&
			       (at.group == NULL || id_is_less(at.past->id, next_id(&at)));

		if (is_past)
			rc = look_at_past(page, &at.past, &last, err);
		else
			last = look_at_next(page, &at);
	}
	if (rc == 0 && (at.group != NULL || at.past != NULL) && !id_is_none(last))
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
