/* Who has a name; tested by tests/unit/test_manager_tasks.c and test_manager_submit.c. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/limits.h"
#include "services/manager/model_impl.h"

enum {
	NAME_KEY_MAX = 256, /* namespace, '/', name, '-', index */
	INDEX_SIZE = sizeof "-4294967295",
};

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
model_task_name(const struct task *task, char *ret_name, size_t size)
{
	char end[INDEX_SIZE] = ""; /* made here, not printed: every event of a task has its name */
	size_t length = strlen(task->group->name), at = sizeof end - 1;
	uint32_t index = task->index;

	assert(length + sizeof end <= size);
	if (task->group->count > 1) {
		do
			end[--at] = (char)('0' + index % 10);
		while ((index /= 10) > 0);
		end[--at] = '-';
	}
	memcpy(ret_name, task->group->name, length);
	memcpy(ret_name + length, end + at, sizeof end - at);
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

void
model_name_enter(struct model *model, struct task *task)
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

void
model_name_leave(struct model *model, struct task *task)
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

void
model_array_enter(struct model *model, struct group *group)
{
	char key[NAME_KEY_MAX];
	struct name_entry *entry;

	array_key(group, key);
	entry = name_get(model, key);
	group->name_next = entry->arrays;
	entry->arrays = group;
}

void
model_array_leave(struct model *model, struct group *group)
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

struct model_found
model_task_by_name(const struct model *model, const char *namespace, const char *name)
{
	char key[NAME_KEY_MAX];
	const struct name_entry *entry;
	struct model_found found = {0};
	uint32_t index;

	name_key(key, namespace, name);
	found.task = best_single(model, key);
	entry = split_name(key, &index) ? name_find(model, key) : NULL;
	for (struct group *group = entry == NULL ? NULL : entry->arrays; group != NULL;
		group = group->name_next) {
		if (index >= group->count)
			continue;
		if (model_is_unmade(group, index)) /* it lives, so nobody else of the name does */
			return (struct model_found){.group = group, .index = index};
		found.task = better(found.task, model_element(group, index));
	}
	return found;
}

const struct past_entry *
model_past_element(const struct model *model, const char *namespace, const char *name)
{
	char key[NAME_KEY_MAX];
	const struct past_entry *best = NULL, *found;
	const struct name_entry *entry;
	uint32_t index;

	name_key(key, namespace, name);
	entry = split_name(key, &index) ? name_find(model, key) : NULL;
	for (const struct group *group = entry == NULL ? NULL : entry->arrays; group != NULL;
		group = group->name_next) {
		found = index < group->count ? past_find(&model->past, id_at(group->id, index))
					     : NULL;
		if (found != NULL && (best == NULL || id_is_less(best->id, found->id)))
			best = found;
	}
	return best;
}

static bool
is_live_name(const struct model *model, const char *namespace, const char *name)
{
	struct model_found found = model_task_by_name(model, namespace, name);

	return found.group != NULL ||
	       (found.task != NULL && !task_state_is_final(found.task->state));
}

/* Whether any of the first count elements lives. */
static bool
has_live_element(const struct group *group, uint32_t count)
{
	uint32_t n_live = group->n_by_state[TASK_PENDING] + group->n_by_state[TASK_SCHEDULED] +
			  group->n_by_state[TASK_RUNNING];

	if (n_live == 0 || count >= group->count)
		return n_live > 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct task *task = model_element(group, i);

		if (model_is_unmade(group, i) ||
			(task != NULL && !task_state_is_final(task->state)))
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
		if (has_live_element(group, count))
			return true;
	}
	for (uint32_t i = 0; i < count && entry->n_numbered > 0; i++) {
		(void)snprintf(element, sizeof element, "%s-%u", name, i);
		if (is_live_name(model, namespace, element))
			return true;
	}
	return false;
}

void
model_names_fini(struct model *model)
{
	struct name_entry *entry, *next;

	HASH_ITER(hh, model->names, entry, next)
	{
		HASH_DEL(model->names, entry);
		free(entry);
	}
}
