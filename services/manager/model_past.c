/* Tasks that are on disk only, and who is meant by a text; tested by
 * tests/unit/test_manager_past.c and tests/unit/test_manager_tasks.c. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <utlist.h>

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
	model_element_archive(group, task->index);
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
		if (--group->n_left > 0) {
			model_element_leave(group, (uint32_t)was.id.lo);
			return false;
		}
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
static struct model_found
resolve_name(const struct model *model, const char *namespace, const char *name)
{
	struct model_found found = model_task_by_name(model, namespace, name);

	if (found.group != NULL || (found.task != NULL && !task_state_is_final(found.task->state)))
		return found;
	found.past = find_by_name(model, namespace, name);
	if (found.task == NULL || found.past == NULL)
		return found;
	if (id_is_less(found.task->id, found.past->id))
		found.task = NULL;
	else
		found.past = NULL;
	return found;
}

static bool
begins_with(struct id id, const char *text)
{
	char own[ID_TEXT_SIZE];

	id_format(id, own);
	return strncasecmp(own, text, strlen(text)) == 0;
}

/* The first id that may begin so: what is missing is zero; or the last. */
static struct id
bound_of(const char *text, char missing)
{
	char bound[ID_TEXT_SIZE] = "00000000-0000-0000-0000-000000000000";
	struct id id = {0, 0};

	for (char *digit = bound; *digit != '\0'; digit++)
		*digit = *digit == '-' ? '-' : missing;
	memcpy(bound, text, strlen(text));
	(void)id_parse(bound, &id);
	return id;
}

static size_t
count_past(const struct model *model, const char *text, struct model_found *found)
{
	struct id least = bound_of(text, '0');
	const struct past_entry *entry = past_find(&model->past, least);
	size_t n = 0;

	if (entry == NULL)
		entry = past_after(&model->past, least);
	for (; entry != NULL && n < 2 && begins_with(entry->id, text); n++) {
		found->past = entry;
		entry = past_after(&model->past, entry->id);
	}
	return n;
}

/* Of those without a record, whose ids follow from their numbers. */
static size_t
count_unmade(const struct model *model, const char *text, struct model_found *found)
{
	struct id least = bound_of(text, '0'), last = bound_of(text, 'f');
	const struct rest *rest;
	size_t n = 0;

	DL_FOREACH (model->rests, rest) {
		struct group *group = rest->group;
		uint32_t i = rest->first;

		if (id_is_less(last, id_at(group->id, i)) ||
			id_is_less(id_at(group->id, group->count - 1), least))
			continue;
		if (id_is_less(id_at(group->id, i), least))
			i = model_next_unmade(group, (uint32_t)least.lo);
		for (; n < 2 && i < group->count && !id_is_less(last, id_at(group->id, i)); n++) {
			found->group = group;
			found->index = i;
			i = model_next_unmade(group, i + 1);
		}
	}
	return n;
}

static int
resolve_prefix(const struct model *model, const char *text, struct model_found *found,
	struct err *err)
{
	size_t n = count_past(model, text, found);

	n += count_unmade(model, text, found);
	for (struct task *task = model->oldest; task != NULL && n < 2; task = task->newer) {
		if (model_task_is_going(task) || !begins_with(task->id, text))
			continue;
		found->task = task;
		n++;
	}
	if (n > 1)
		return err_set(err, -ENOTUNIQ,
			"several tasks have ids that begin with '%s': give more of it", text);
	return n == 0 ? -ENOENT : 0;
}

static bool
is_none(const struct model_found *found)
{
	return found->task == NULL && found->past == NULL && found->group == NULL;
}

static struct model_found
resolve_id(const struct model *model, struct id id)
{
	struct model_found found = {.past = past_find(&model->past, id)};
	struct group *group = model_group_of(model, id, &found.index);

	if (group == NULL)
		return found;
	found.task = model_element(group, found.index);
	found.group = model_is_unmade(group, found.index) ? group : NULL;
	return found;
}

int
model_task_resolve(const struct model *model, const char *namespace, const char *text,
	struct model_found *ret_found, struct err *err)
{
	struct model_found found = {0};
	struct id id;
	int rc = 0;

	if (id_parse(text, &id))
		found = resolve_id(model, id);
	if (is_none(&found))
		found = resolve_name(model, namespace, text);
	if (is_none(&found) && model_looks_like_prefix(text))
		rc = resolve_prefix(model, text, &found, err);
	if (rc == -ENOTUNIQ)
		return rc;
	if (is_none(&found))
		return err_set(err, -ENOENT, "no task '%.128s' in namespace '%s'", text, namespace);
	*ret_found = found;
	return 0;
}
