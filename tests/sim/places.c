#include "tests/sim/places.h"

#include <stdio.h>
#include <string.h>

#include "common/model/constraint.h"
#include "common/model/spec.h"
#include "common/model/taint.h"

static const char *
label_of(const struct node *node, const char *key, size_t key_size)
{
	for (size_t i = 0; node->traits != NULL && i < node->traits->n_labels; i++) {
		const Davit__StringEntry *label = node->traits->labels[i];

		if (strlen(label->key) == key_size && memcmp(label->key, key, key_size) == 0)
			return label->value == NULL ? "" : label->value;
	}
	return NULL;
}

static bool
holds(const char *text, const struct node *node)
{
	CLEANUP(constraint_fini) struct constraint constraint = {0};
	struct constraint *one = &constraint;
	struct err err;

	if (constraint_parse(text, one, &err) < 0)
		return false;
	switch (one->subject) {
	case CONSTRAINT_NODE_NAME:
		return constraint_holds(one, node->name);
	case CONSTRAINT_NODE_LABEL:
		return constraint_holds(one, label_of(node, one->key, one->key_size));
	default:
		return true; /* users of the simulator ask for nothing else */
	}
}

bool
places_admit(const struct node *node, const Davit__TaskSpec *spec)
{
	for (size_t i = 0; i < spec->n_constraints; i++) {
		if (!holds(spec->constraints[i], node))
			return false;
	}
	for (size_t i = 0; node->traits != NULL && i < node->traits->n_taints; i++) {
		const Davit__Taint *taint = node->traits->taints[i];

		if (taint->effect != DAVIT__TAINT__EFFECT__PREFER_NO_SCHEDULE &&
			!taint_is_tolerated(taint, spec))
			return false;
	}
	return true;
}

const char *
places_array_complaint(const struct task *task)
{
	uint32_t most = task->group->spec->spec->max_per_node, n = 0;

	if (most == 0 || !task->holds || task->node == NULL)
		return NULL;
	for (const struct task *other = task->node->tasks; other != NULL; other = other->node_next)
		n += other->holds && other->group == task->group;
	return n > most ? "the node has more of the array than max_per_node" : NULL;
}

bool
places_gang_is_torn(const struct model *model, const struct group *group)
{
	uint32_t n_placed = 0, n_waiting = 0;

	for (uint32_t i = 0; i < group->count; i++) {
		const struct task *task = model_task_find(model, id_at(group->id, i));

		n_placed += task != NULL && task->attempt > 0;
		n_waiting += model_is_unmade(group, i) ||
			     (task != NULL && task->attempt == 0 && task->state == TASK_PENDING);
	}
	return n_placed > 0 && n_waiting > 0;
}

static bool
has_right(const struct task *task, const struct task *over)
{
	const Davit__TaskSpec *spec = task->group->spec->spec, *other = over->group->spec->spec;

	return strcmp(spec_namespace(spec), spec_namespace(other)) == 0 &&
	       spec_priority(spec) > spec_priority(other);
}

bool
places_preemption_is_right(const struct model *model, const struct task *task)
{
	unsigned n_known = 0;

	for (const struct task *other = model->oldest; other != NULL; other = other->newer) {
		char name[256], text[300];

		model_task_name(other, name, sizeof name);
		(void)snprintf(text, sizeof text, "preempted by '%s'", name);
		if (task->message == NULL || strcmp(task->message, text) != 0)
			continue;
		if (has_right(other, task))
			return true;
		n_known++;
	}
	return n_known == 0; /* it may have been removed at the same moment */
}
