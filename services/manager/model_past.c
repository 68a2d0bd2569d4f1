/* Tasks that are on disk only, and who is meant by a text; tested by
 * tests/unit/test_manager_past.c and tests/unit/test_manager_tasks.c. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/base/mem.h"
#include "services/manager/limits.h"
#include "services/manager/model_impl.h"

/* What goes with a group that has one task: its spec, unless others use it. */
static void
archive_single(struct model *model, struct group *group, struct past_entry *entry)
{
	struct spec *spec = group->spec;
	char id[ID_TEXT_SIZE];

	id_format(group->id, id);
	entry->space = spec->space;
	if (spec->n_groups > 1 || strcmp(spec->id, id) != 0) {
		entry->spec = spec;
		spec->n_groups++; /* the entry's, instead of the group's */
	} else {
		spec->space->n_specs++;
	}
	(void)model_group_free(model, group);
}

void
model_task_archive(struct model *model, struct task *task)
{
	struct group *group = task->group;
	struct past_entry entry = {.id = task->id,
		.ended_ms = task->ended_ms,
		.state = (uint8_t)task->state};

	assert(task_state_is_final(task->state) && task->desired != DAVIT__TASK__DESIRED__REMOVE);
	assert(task->due_ms == 0);
	model_task_unlink(model, task);
	model_task_free(task);
	if (group->count == 1) {
		entry.name = xstrdup(group->name);
		archive_single(model, group, &entry);
	}
	past_add_take(&model->past, &entry);
}

struct group *
model_past_group(const struct model *model, const struct past_entry *entry)
{
	struct id base = {entry->id.hi, entry->id.lo & ~(uint64_t)UINT32_MAX};

	return entry->name != NULL ? NULL : model_group_find(model, base);
}

bool
model_past_remove(struct model *model, const struct past_entry *entry, bool *ret_spec_gone)
{
	struct group *group = model_past_group(model, entry);
	struct past_entry was = *entry;
	bool is_single = entry->name != NULL;

	past_remove(&model->past, entry);
	model->n_by_state[was.state]--;
	if (!is_single) {
		group->n_by_state[was.state]--;
		if (--group->n_left > 0)
			return false;
		*ret_spec_gone = model_group_free(model, group);
		return true;
	}
	*ret_spec_gone = was.spec == NULL || model_spec_unref(model, was.spec);
	if (was.spec == NULL)
		model_space_unref(model, was.space);
	return true;
}

/* ---- who is meant ---- */

static const struct past_entry *
find_by_name(const struct model *model, const char *namespace, const char *name)
{
	const struct past *past = &model->past;
	const struct space *space = past->n == 0 ? NULL : model_space_find(model, namespace);
	const struct past_entry *single, *element;

	if (space == NULL)
		return NULL;
	single = past_by_name(past, space, name);
	element = model_past_element(model, namespace, name);
	if (single == NULL || element == NULL)
		return single != NULL ? single : element;
	return id_is_less(single->id, element->id) ? element : single;
}

/* A live task has a name before one that has ended, and of those the newer one. */
static void
resolve_name(const struct model *model, const char *namespace, const char *name,
	struct task **ret_task, const struct past_entry **ret_past)
{
	*ret_task = model_task_by_name(model, namespace, name);
	if (*ret_task != NULL && !task_state_is_final((*ret_task)->state))
		return;
	*ret_past = find_by_name(model, namespace, name);
	if (*ret_task == NULL || *ret_past == NULL)
		return;
	if (id_is_less((*ret_task)->id, (*ret_past)->id))
		*ret_task = NULL;
	else
		*ret_past = NULL;
}

static bool
begins_with(struct id id, const char *text)
{
	char own[ID_TEXT_SIZE];

	id_format(id, own);
	return strncasecmp(own, text, strlen(text)) == 0;
}

/* The first id that may begin so: what is missing is zero. */
static struct id
least_with(const char *text)
{
	char least[ID_TEXT_SIZE] = "00000000-0000-0000-0000-000000000000";
	struct id id = {0, 0};

	memcpy(least, text, strlen(text));
	(void)id_parse(least, &id);
	return id;
}

static size_t
count_past(const struct model *model, const char *text, const struct past_entry **ret_past)
{
	struct id least = least_with(text);
	const struct past_entry *entry = past_find(&model->past, least);
	size_t n = 0;

	if (entry == NULL)
		entry = past_after(&model->past, least);
	for (; entry != NULL && n < 2 && begins_with(entry->id, text); n++) {
		*ret_past = entry;
		entry = past_after(&model->past, entry->id);
	}
	return n;
}

static int
resolve_prefix(const struct model *model, const char *text, struct task **ret_task,
	const struct past_entry **ret_past, struct err *err)
{
	size_t n = count_past(model, text, ret_past);

	for (struct task *task = model->oldest; task != NULL && n < 2; task = task->newer) {
		if (model_task_is_going(task) || !begins_with(task->id, text))
			continue;
		*ret_task = task;
		n++;
	}
	if (n > 1)
		return err_set(err, -ENOTUNIQ,
			"several tasks have ids that begin with '%s': give more of it", text);
	return n == 0 ? -ENOENT : 0;
}

int
model_task_resolve(const struct model *model, const char *namespace, const char *text,
	struct task **ret_task, const struct past_entry **ret_past, struct err *err)
{
	struct task *task = NULL;
	const struct past_entry *past = NULL;
	struct id id;
	int rc = 0;

	if (id_parse(text, &id)) {
		task = model_task_find(model, id);
		past = past_find(&model->past, id);
	}
	if (task == NULL && past == NULL)
		resolve_name(model, namespace, text, &task, &past);
	if (task == NULL && past == NULL && model_looks_like_prefix(text))
		rc = resolve_prefix(model, text, &task, &past, err);
	if (rc == -ENOTUNIQ)
		return rc;
	if (task == NULL && past == NULL)
		return err_set(err, -ENOENT, "no task '%.128s' in namespace '%s'", text, namespace);
	*ret_task = task;
	*ret_past = past;
	return 0;
}
