#include "services/manager/arrays.h"

#include <utlist.h>

#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/records.h"

/* ---- making ---- */

/* Its group's record says all of it. */
static uint64_t
sealed_in(const struct manager *manager, const struct group *group)
{
	return group->count > 1 ? model_rest(group)->sealed_in : manager->batch.n_seals;
}

/* It waits from here on. */
static struct task *
make_waiting(struct manager *manager, struct group *group, uint32_t index)
{
	struct task *task = model_task_make(&manager->model, group, index);

	if (manager->placing.trouble[0] != '\0') /* those before it know already */
		model_set_text(&task->message, manager->placing.trouble);
	task->is_new = true;
	task->sealed_in = sealed_in(manager, group);
	lifecycle_mind_ttl(manager, task);
	waiting_add(manager, task);
	return task;
}

struct task *
arrays_make(struct manager *manager, struct group *group, uint32_t index)
{
	struct task *task = make_waiting(manager, group, index);

	events_task(manager, task, NULL);
	return task;
}

/* A question's worth while few wait in all; then so many that it takes part in the next. */
static bool
wants_record(const struct manager *manager, const struct group *group, size_t n)
{
	const struct manager_config *config = &manager->config;

	if (model_n_unmade(group) == 0)
		return false;
	return n < config->array_ahead_low || placing_is_gang(group->spec->spec) ||
	       (n < config->array_ahead &&
		       waiting_count_all(&manager->waiting) < config->array_ahead_all);
}

/* At least one more waits. */
static void
fill(struct manager *manager, struct group *group, bool is_told)
{
	size_t n = waiting_count(&manager->waiting, group);

	do {
		struct task *task = make_waiting(manager, group, model_next_unmade(group, 0));

		if (is_told)
			events_task(manager, task, NULL);
	} while (wants_record(manager, group, ++n));
}

void
arrays_begin(struct manager *manager, struct group *group)
{
	batch_touch_group(manager, group);
	if (group->count == 1)
		(void)arrays_make(manager, group, 0);
	else
		fill(manager, group, true);
}

static void
fill_all(struct manager *manager, bool is_told)
{
	struct rest *rest, *next;

	manager->waiting.is_hungry = false;
	DL_FOREACH_SAFE (manager->model.rests, rest, next) {
		if (waiting_is_short(manager, rest->group))
			fill(manager, rest->group, is_told);
	}
}

void
arrays_restore(struct manager *manager)
{
	fill_all(manager, false);
}

void
arrays_expand(struct manager *manager)
{
	if (manager->waiting.is_hungry)
		fill_all(manager, true);
}

void
arrays_imagine(const struct manager *manager, const struct group *group, uint32_t index,
	struct task *ret_task)
{
	const char *trouble = manager->placing.trouble;
	const char *says = trouble[0] != '\0' ? trouble : waiting_says(&manager->waiting, group);

	model_task_imagine(group, index, ret_task);
	ret_task->sealed_in = sealed_in(manager, group);
	ret_task->message = (char *)(uintptr_t)says;
}

/* ---- ending ---- */

/*
 * Of those without a record the first go, n_kept of them stay. False: that was all of the group,
 * and it is gone.
 */
static bool
cut(struct manager *manager, struct group *group, uint32_t n_kept)
{
	uint32_t n = model_n_unmade(group);

	if (n <= n_kept)
		return true;
	n -= n_kept;
	batch_forget_past(manager); /* a list may lack them from now on */
	batch_touch_group(manager, group);
	if (n == group->n_left)
		records_delete_group(manager, group, group->spec->n_groups == 1);
	if (model_rest_cut(&manager->model, group, n))
		return false;
	records_put_group(manager, group);
	return true;
}

void
arrays_stop(struct manager *manager, struct group *group, bool has_timeout, uint64_t timeout_ms)
{
	uint32_t n = model_n_unmade(group);

	if (!cut(manager, group, manager->config.history_max)) {
		manager->flow.completed += n;
		return;
	}
	manager->flow.completed += n - model_n_unmade(group);
	for (uint32_t i = 0; i < group->count; i++) {
		struct task *task = model_is_unmade(group, i) ? arrays_make(manager, group, i)
							      : model_element(group, i);

		if (task != NULL)
			lifecycle_stop(manager, task, has_timeout, timeout_ms);
	}
}

void
arrays_remove_rest(struct manager *manager, struct group *group)
{
	manager->flow.completed += model_n_unmade(group); /* as all that are stopped in time */
	(void)cut(manager, group, 0);
}

static void
expire(struct manager *manager, struct group *group)
{
	uint32_t n = model_n_unmade(group);

	if (!cut(manager, group, manager->config.history_max)) {
		manager->flow.failed += n;
		return;
	}
	manager->flow.failed += n - model_n_unmade(group);
	while (model_n_unmade(group) > 0)
		lifecycle_abandon(manager, arrays_make(manager, group, model_next_unmade(group, 0)),
			"its ttl passed before it could be placed");
}

void
arrays_expire(struct manager *manager)
{
	struct model *model = &manager->model;
	struct rest *rest, *next;

	DL_FOREACH_SAFE (model->rests, rest, next) {
		struct group *group = rest->group;
		uint64_t ttl_ms = group->spec->spec->ttl_ms;
		uint64_t due_ms = ttl_ms > 0 ? group->created_ms + ttl_ms : UINT64_MAX;

		if (due_ms <= manager->now.wall_ms)
			expire(manager, group);
		else if (due_ms < model->next_due_ms)
			model->next_due_ms = due_ms;
	}
}
