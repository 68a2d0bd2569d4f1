#include "services/manager/model.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/limits.h"

enum { NAME_KEY_MAX = 256 }; /* namespace, '/', name, '-', index */

/*
 * Every task that has had this name and still has a record, newest first; elements of an array
 * are not among them: they are found by the array's name and their number.
 */
struct name_entry {
	struct task *tasks;
	struct group *arrays;
	uint32_t n_numbered; /* tasks, no elements, that are called like an element of this name */
	UT_hash_handle hh;
	char key[];
};

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
}

/* ---- names ---- */

void
model_task_name(const struct task *task, char *ret_name, size_t size)
{
	if (task->group->count == 1)
		(void)snprintf(ret_name, size, "%s", task->group->name);
	else
		(void)snprintf(ret_name, size, "%s-%u", task->group->name, task->index);
}

static void
name_key(char key[NAME_KEY_MAX], const char *namespace, const char *name)
{
	(void)snprintf(key, NAME_KEY_MAX, "%s/%s", namespace, name);
}

static void
task_key(const struct task *task, char key[NAME_KEY_MAX])
{
	char name[SPEC_NAME_MAX + 16]; /* with an index behind it */

	model_task_name(task, name, sizeof name);
	name_key(key, task->group->spec->spec->namespace_, name);
}

static struct name_entry *
name_find(const struct model *model, const char *key)
{
	struct name_entry *entry;

	HASH_FIND_STR(model->names, key, entry);
	return entry;
}

static struct name_entry *
name_get(struct model *model, const char *key)
{
	struct name_entry *entry = name_find(model, key);
	size_t size = strlen(key) + 1;

	if (entry != NULL)
		return entry;
	entry = xcalloc(1, sizeof *entry + size);
	memcpy(entry->key, key, size);
	HASH_ADD_STR(model->names, key, entry);
	return entry;
}

static void
name_put(struct model *model, struct name_entry *entry)
{
	if (entry->tasks != NULL || entry->arrays != NULL || entry->n_numbered > 0)
		return;
	HASH_DEL(model->names, entry);
	free(entry);
}

/* "…web-12" becomes "…web" and 12; false: it is not called like an element. */
static bool
split_name(char *key, uint32_t *ret_index)
{
	char *dash = strrchr(key, '-');
	uint64_t index = 0;
	size_t n;

	if (dash == NULL)
		return false;
	n = strspn(dash + 1, "0123456789");
	if (n == 0 || n > 9 || dash[1 + n] != '\0' || (dash[1] == '0' && n > 1))
		return false;
	for (const char *digit = dash + 1; *digit != '\0'; digit++)
		index = index * 10 + (uint64_t)(*digit - '0');
	*dash = '\0';
	*ret_index = (uint32_t)index;
	return true;
}

static void
name_enter(struct model *model, struct task *task)
{
	char key[NAME_KEY_MAX];
	struct name_entry *entry;
	uint32_t index;

	task_key(task, key);
	entry = name_get(model, key);
	task->name_next = entry->tasks;
	entry->tasks = task;
	if (split_name(key, &index))
		name_get(model, key)->n_numbered++;
}

static void
name_leave(struct model *model, struct task *task)
{
	char key[NAME_KEY_MAX];
	struct name_entry *entry;
	struct task **link;
	uint32_t index;

	task_key(task, key);
	entry = name_find(model, key);
	assert(entry != NULL);
	for (link = &entry->tasks; *link != task; link = &(*link)->name_next)
		assert(*link != NULL);
	*link = task->name_next;
	name_put(model, entry);
	if (!split_name(key, &index))
		return;
	entry = name_find(model, key);
	assert(entry != NULL && entry->n_numbered > 0);
	entry->n_numbered--;
	name_put(model, entry);
}

static void
array_key(const struct group *group, char key[NAME_KEY_MAX])
{
	name_key(key, group->spec->spec->namespace_, group->name);
}

static void
array_enter(struct model *model, struct group *group)
{
	char key[NAME_KEY_MAX];
	struct name_entry *entry;

	array_key(group, key);
	entry = name_get(model, key);
	group->name_next = entry->arrays;
	entry->arrays = group;
}

static void
array_leave(struct model *model, struct group *group)
{
	char key[NAME_KEY_MAX];
	struct name_entry *entry;
	struct group **link;

	array_key(group, key);
	entry = name_find(model, key);
	assert(entry != NULL);
	for (link = &entry->arrays; *link != group; link = &(*link)->name_next)
		assert(*link != NULL);
	*link = group->name_next;
	name_put(model, entry);
}

/* The better of two of one name: who lives, else the newer that is not on its way out. */
static struct task *
better(struct task *best, struct task *task)
{
	bool is_live = task != NULL && !task_state_is_final(task->state);

	if (task == NULL || (!is_live && model_task_is_going(task)))
		return best;
	if (best == NULL)
		return task;
	if (is_live != !task_state_is_final(best->state))
		return is_live ? task : best;
	return task->group->seq > best->group->seq ? task : best;
}

/* Of those that are no elements; the newest is the first. */
static struct task *
best_single(const struct model *model, const char *key)
{
	const struct name_entry *entry = name_find(model, key);
	struct task *newest = NULL;

	for (struct task *task = entry == NULL ? NULL : entry->tasks; task != NULL;
		task = task->name_next) {
		if (!task_state_is_final(task->state))
			return task;
		if (newest == NULL && !model_task_is_going(task))
			newest = task;
	}
	return newest;
}

struct task *
model_task_by_name(const struct model *model, const char *namespace, const char *name)
{
	char key[NAME_KEY_MAX];
	const struct name_entry *entry;
	struct task *best;
	uint32_t index;

	name_key(key, namespace, name);
	best = best_single(model, key);
	entry = split_name(key, &index) ? name_find(model, key) : NULL;
	for (struct group *group = entry == NULL ? NULL : entry->arrays; group != NULL;
		group = group->name_next) {
		if (index < group->count)
			best = better(best, model_task_find(model, id_at(group->id, index)));
	}
	return best;
}

static bool
is_live_name(const struct model *model, const char *namespace, const char *name)
{
	const struct task *task = model_task_by_name(model, namespace, name);

	return task != NULL && !task_state_is_final(task->state);
}

/* Whether any of the first count elements lives. */
static bool
has_live_element(const struct model *model, const struct group *group, uint32_t count)
{
	uint32_t n_live = group->n_by_state[TASK_PENDING] + group->n_by_state[TASK_SCHEDULED] +
			  group->n_by_state[TASK_RUNNING];

	if (n_live == 0 || count >= group->count)
		return n_live > 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct task *task = model_task_find(model, id_at(group->id, i));

		if (task != NULL && !task_state_is_final(task->state))
			return true;
	}
	return false;
}

bool
model_name_is_taken(const struct model *model, const char *namespace, const char *name,
	uint32_t count)
{
	char key[NAME_KEY_MAX], element[NAME_KEY_MAX];
	const struct name_entry *entry;

	if (count == 1)
		return is_live_name(model, namespace, name);
	name_key(key, namespace, name);
	entry = name_find(model, key);
	if (entry == NULL)
		return false;
	for (const struct group *group = entry->arrays; group != NULL; group = group->name_next) {
		if (has_live_element(model, group, count))
			return true;
	}
	for (uint32_t i = 0; i < count && entry->n_numbered > 0; i++) {
		(void)snprintf(element, sizeof element, "%s-%u", name, i);
		if (is_live_name(model, namespace, element))
			return true;
	}
	return false;
}

/* ---- specs and groups ---- */

struct spec *
model_spec_add_take(struct model *model, const char *id, Davit__TaskSpec *taken)
{
	struct spec *spec = xcalloc(1, sizeof *spec);

	(void)snprintf(spec->id, sizeof spec->id, "%s", id);
	spec->spec = taken;
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
	davit__task_spec__free_unpacked(spec->spec, NULL);
	free(spec);
}

struct group *
model_group_add(struct model *model, struct id id, struct spec *spec, uint32_t count,
	const char *name)
{
	struct group *group = xcalloc(1, sizeof *group);

	group->id = id;
	group->spec = spec;
	group->count = count;
	group->name = xstrdup(name);
	spec->n_groups++;
	HASH_ADD(hh, model->groups, id, sizeof group->id, group);
	if (count > 1)
		array_enter(model, group);
	return group;
}

struct group *
model_group_find(const struct model *model, struct id id)
{
	struct group *group;

	HASH_FIND(hh, model->groups, &id, sizeof id, group);
	return group;
}

static bool
group_free(struct model *model, struct group *group)
{
	struct spec *spec = group->spec;
	bool spec_gone = --spec->n_groups == 0;

	HASH_DEL(model->groups, group);
	if (group->count > 1)
		array_leave(model, group);
	free(group->name);
	free(group);
	if (spec_gone)
		spec_free(model, spec);
	return spec_gone;
}

/* ---- tasks ---- */

struct task *
model_task_add(struct model *model, struct group *group, uint32_t index)
{
	struct task *task = xcalloc(1, sizeof *task);

	task->id = id_at(group->id, index);
	task->group = group;
	task->index = index;
	task->state = TASK_PENDING;
	task->phase = DAVIT__TASK__PHASE__QUEUED;
	task->desired =
		group->spec->spec->hold ? DAVIT__TASK__DESIRED__READY : DAVIT__TASK__DESIRED__RUN;
	group->n_left++;
	group->n_by_state[TASK_PENDING]++;
	group->last_task = task;
	model->n_by_state[TASK_PENDING]++;
	HASH_ADD(hh, model->tasks, id, sizeof task->id, task);
	task->older = model->newest;
	if (model->newest != NULL)
		model->newest->newer = task;
	else
		model->oldest = task;
	model->newest = task;
	if (group->count == 1)
		name_enter(model, task);
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

struct task *
model_task_find(const struct model *model, struct id id)
{
	struct task *task;

	HASH_FIND(hh, model->tasks, &id, sizeof id, task);
	return task;
}

static void
task_free(struct task *task)
{
	free(task->message);
	free(task->pull);
	free(task->container_id);
	free(task->host_ports);
	free(task->usage);
	free(task);
}

bool
model_task_remove(struct model *model, struct task *task, bool *ret_spec_gone)
{
	struct group *group = task->group;

	assert(!task->on_node && !task->holds && !task->is_dirty && !task->is_assign_dirty);
	assert(task->waits == NULL && task->log_waits == NULL);
	model_queue_leave(task);
	if (group->count == 1)
		name_leave(model, task);
	group->n_by_state[task->state]--;
	if (group->last_task == task)
		group->last_task = task->older;
	HASH_DEL(model->tasks, task);
	*(task->older != NULL ? &task->older->newer : &model->oldest) = task->newer;
	*(task->newer != NULL ? &task->newer->older : &model->newest) = task->older;
	model->n_by_state[task->state]--;
	task_free(task);
	if (--group->n_left > 0)
		return false;
	*ret_spec_gone = group_free(model, group);
	return true;
}

void
model_task_set_state(struct model *model, struct task *task, enum task_state state)
{
	model->n_by_state[task->state]--;
	task->group->n_by_state[task->state]--;
	task->group->n_by_state[state]++;
	task->state = state;
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

static int
resolve_prefix(const struct model *model, const char *text, struct task **ret_task, struct err *err)
{
	size_t n = strlen(text);
	struct task *found = NULL;

	for (struct task *task = model->oldest; task != NULL; task = task->newer) {
		char id[ID_TEXT_SIZE];

		id_format(task->id, id);
		if (model_task_is_going(task) || strncasecmp(id, text, n) != 0)
			continue;
		if (found != NULL)
			return err_set(err, -ENOTUNIQ,
				"several tasks have ids that begin with '%s': give more of it",
				text);
		found = task;
	}
	if (found == NULL)
		return -ENOENT;
	*ret_task = found;
	return 0;
}

int
model_task_resolve(const struct model *model, const char *namespace, const char *text,
	struct task **ret_task, struct err *err)
{
	struct task *task = NULL;
	struct id id;
	int rc = -ENOENT;

	if (id_parse(text, &id))
		task = model_task_find(model, id);
	if (task == NULL)
		task = model_task_by_name(model, namespace, text);
	if (task == NULL && model_looks_like_prefix(text))
		rc = resolve_prefix(model, text, &task, err);
	if (rc == -ENOTUNIQ)
		return rc;
	if (task == NULL)
		return err_set(err, -ENOENT, "no task '%.128s' in namespace '%s'", text, namespace);
	*ret_task = task;
	return 0;
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
	struct name_entry *entry, *next_entry;
	struct group *group, *next_group;
	struct spec *spec, *next_spec;
	struct node *node, *next_node;
	struct task *task;

	HASH_CLEAR(hh, model->tasks);
	while ((task = model->oldest) != NULL) {
		model->oldest = task->newer;
		task_free(task);
	}
	HASH_ITER(hh, model->groups, group, next_group)
	(void)group_free(model, group);
	HASH_ITER(hh, model->names, entry, next_entry) /* of tasks that are no elements */
	{
		HASH_DEL(model->names, entry);
		free(entry);
	}
	HASH_ITER(hh, model->specs, spec, next_spec) /* those that no group uses */
	spec_free(model, spec);
	HASH_ITER(hh, model->nodes, node, next_node)
	model_node_free(model, node);
	model_init(model, model->port_range);
}
