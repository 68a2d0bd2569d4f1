/* Drain, labels and taints, as the operator wishes; tested by tests/unit/test_manager_nodes.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/model/rules.h"
#include "common/model/spec.h"
#include "common/model/taint.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/nodes.h"
#include "services/manager/traits.h"
#include "services/manager/view.h"

void
nodes_execute_taints(struct manager *manager, struct node *node)
{
	struct task *next;
	char text[256];

	for (size_t i = 0; i < node->traits->n_taints; i++) {
		const Davit__Taint *taint = node->traits->taints[i];

		if (taint->effect != DAVIT__TAINT__EFFECT__NO_EXECUTE)
			continue;
		(void)snprintf(text, sizeof text,
			"its node has the taint '%.128s': it will run elsewhere", taint->key);
		for (struct task *task = node->tasks; task != NULL; task = next) {
			next = task->node_next;
			if (!taint_is_tolerated(taint, task->group->spec->spec))
				lifecycle_migrate(manager, task, text);
		}
	}
}

/* What restarts by its policy can be moved; the rest is left to end by itself. */
static void
drain(struct manager *manager, struct node *node)
{
	struct task *next;

	for (struct task *task = node->tasks; task != NULL; task = next) {
		const Davit__TaskSpec *spec = task->group->spec->spec;

		next = task->node_next;
		if (spec_restart_condition(spec) != DAVIT__RESTART_POLICY__CONDITION__NO ||
			(task->state == TASK_SCHEDULED && task->observed == 0))
			lifecycle_migrate(manager, task,
				"its node is being drained: it will run elsewhere");
	}
}

/* True if the call was refused. */
static bool
refuse_traits(struct manager *manager, struct rpc_call *call,
	const Davit__UpdateNodeRequest *request)
{
	const char *field = NULL;

	if (!traits_labels_are_good(request->labels, request->n_labels))
		field = "labels";
	if (!traits_taints_are_good(request->taints, request->n_taints))
		field = "taints";
	for (size_t i = 0; i < request->n_remove_labels; i++) {
		if (!rule_is_label_key(request->remove_labels[i]))
			field = "remove_labels";
	}
	for (size_t i = 0; i < request->n_remove_taints; i++) {
		if (!rule_is_label_key(request->remove_taints[i]))
			field = "remove_taints";
	}
	if (field == NULL)
		return false;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, field,
		"a label has a key without blanks, a taint a key and an effect");
	return true;
}

/* False and the call was refused, if there would be too many. */
static bool
update_traits(struct manager *manager, struct rpc_call *call, struct node *node,
	const Davit__UpdateNodeRequest *request)
{
	Davit__NodeTraits *wishes;

	if (request->n_labels + request->n_remove_labels + request->n_taints +
			request->n_remove_taints ==
		0)
		return true;
	if (refuse_traits(manager, call, request))
		return false;
	wishes = traits_wish(node->wishes, request);
	if (wishes->n_labels > MANAGER_LABELS_MAX || wishes->n_taints > MANAGER_TAINTS_MAX) {
		davit__node_traits__free_unpacked(wishes, NULL);
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "labels",
			"at most %d labels (MANAGER_LABELS_MAX) and %d taints (MANAGER_TAINTS_MAX) "
			"of a node can be set or removed",
			MANAGER_LABELS_MAX, MANAGER_TAINTS_MAX);
		return false;
	}
	traits_replace(&node->wishes, wishes);
	traits_replace(&node->traits, traits_merge(node->declared, wishes));
	batch_touch_node(manager, node);
	claims_forget_node(manager, node);
	telling_traits_changed(manager, node);
	waiting_node_changed(manager, node);
	nodes_execute_taints(manager, node);
	return true;
}

static void
update_drain(struct manager *manager, struct node *node, bool draining)
{
	if (draining == node->draining)
		return;
	node->draining = draining;
	batch_touch_node(manager, node);
	events_node(manager, node, draining ? "draining" : "undrained");
	telling_node_changed(manager, node);
	if (draining)
		drain(manager, node);
	else
		waiting_node_changed(manager, node);
}

bool
nodes_refuse_version(struct manager *manager, struct rpc_call *call, const struct node *node,
	const uint64_t *if_version)
{
	if (if_version == NULL || node->record_version == *if_version)
		return false;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__ABORTED, "if_version",
		"the node has changed: its version is %" PRIu64, node->record_version);
	return true;
}

void
nodes_update(struct manager *manager, struct rpc_call *call)
{
	const Davit__UpdateNodeRequest *request = (const Davit__UpdateNodeRequest *)call->request;
	Davit__UpdateNodeReply reply = DAVIT__UPDATE_NODE_REPLY__INIT;
	struct node *node = nodes_resolve(manager, call, request->node);

	if (node == NULL ||
		nodes_refuse_version(manager, call, node,
			request->has_if_version ? &request->if_version : NULL) ||
		!update_traits(manager, call, node, request))
		return;
	if (request->has_draining)
		update_drain(manager, node, request->draining);
	reply.node = view_node(node, &manager->batch.arena);
	batch_answer(manager, call, &reply.base);
}
