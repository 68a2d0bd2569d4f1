#include "services/manager/telling.h"

#include <string.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/holds.h"
#include "services/manager/view.h"

void
telling_init(struct telling *telling)
{
	*telling = (struct telling){.needs_snapshot = true};
}

void
telling_fini(struct telling *telling)
{
	for (uint32_t i = 0; i < telling->n_removed; i++)
		free(telling->removed[i]);
	free(telling->removed);
}

void
telling_node_changed(struct manager *manager, struct node *node)
{
	if (node->is_place_dirty)
		return;
	node->is_place_dirty = true;
	node->place_next = manager->telling.changed;
	manager->telling.changed = node;
}

void
telling_traits_changed(struct manager *manager, struct node *node)
{
	node->has_new_traits = true;
	telling_node_changed(manager, node);
}

void
telling_task_changed(struct manager *manager, const struct task *task)
{
	struct node *node = task->node != NULL ? task->node : claims_node(manager, task);

	if (node != NULL)
		telling_node_changed(manager, node);
}

void
telling_node_removed(struct manager *manager, struct node *node)
{
	struct telling *telling = &manager->telling;
	struct node **link = &telling->changed;

	families_forget_node(manager, node);
	if (node->is_place_dirty) {
		while (*link != node)
			link = &(*link)->place_next;
		*link = node->place_next;
		node->is_place_dirty = false;
	}
	telling->removed = xrealloc(telling->removed, telling->n_removed + 1, sizeof(char *));
	telling->removed[telling->n_removed++] = xstrdup(node->id_text);
}

/* ---- the question's part ---- */

/* Its host ports, but for those that the task has itself. */
static void
leave_out_ports(Davit__PlaceNode *message, const struct task *without, struct arena *arena)
{
	size_t n_ports = without->group->spec->spec->n_ports, n = 0;
	uint32_t *numbers = arena_array(arena, message->n_host_ports, sizeof *numbers);

	for (size_t i = 0; i < message->n_host_ports; i++) {
		bool is_its = false;

		for (size_t k = 0; without->host_ports != NULL && k < n_ports; k++)
			is_its |= without->host_ports[k] == message->host_ports[i];
		if (!is_its)
			numbers[n++] = message->host_ports[i];
	}
	message->host_ports = numbers;
	message->n_host_ports = n;
}

/* By tasks and claims; without what that one has there, or what is kept for it. */
static Davit__Resources *
view_taken(const struct manager *manager, const struct node *node, const struct task *without,
	struct arena *arena)
{
	struct ledger_account account = node->account;
	struct resources taken = account.capacity, room, want;

	if (without != NULL) {
		(void)holds_wants(account.kinds, without->group->spec->spec, &want);
		if (without->holds && without->node == node)
			resources_subtract(&account.reserved, &want);
		else if (claims_node(manager, without) == node)
			resources_subtract(&account.claimed, &want);
	}
	room = ledger_free(&account);
	resources_subtract(&taken, &room);
	return view_resources(&taken, account.kinds, arena);
}

/* Nodes that share an engine share its ports: a change of one is news of all. */
static Davit__PlaceNode *
make_node(struct manager *manager, struct node *node, const struct task *without)
{
	struct arena *arena = &manager->batch.arena;
	Davit__PlaceNode *message = arena_alloc(arena, sizeof *message);
	Davit__Node *view = view_node_without_ports(node, arena);
	const struct task *left_out =
		without != NULL && without->node == node && without->holds ? without : NULL;
	const uint32_t *numbers;

	davit__place_node__init(message);
	message->id = view->id;
	message->name = view->name;
	message->has_schedulable = message->has_n_tasks = message->has_n_ports_free = true;
	message->schedulable = node->state == DAVIT__NODE__STATE__READY && !node->draining;
	message->capacity = view->capacity;
	message->reserved = view_taken(manager, node, without, arena);
	message->n_tasks = view->n_tasks - (left_out != NULL);
	message->n_labels = view->n_labels;
	message->labels = view->labels;
	message->n_taints = view->n_taints;
	message->taints = view->taints;
	message->class_ = view->class_;
	message->engine = view->engine;
	message->address = view->address;
	message->has_state = true;
	message->state = view->state;
	message->n_ports_free = ledger_ports_n_free(node->ports->ports);
	message->n_host_ports = ledger_ports_list(node->ports->ports, &numbers);
	message->host_ports = (uint32_t *)(uintptr_t)numbers;
	if (left_out != NULL)
		leave_out_ports(message, left_out, arena);
	families_tell_node(manager, node, left_out, message, arena);
	return message;
}

/* Removed and registered again under its id since the last question: no list of changes can say so.
 */
static bool
somebody_came_back(const struct manager *manager)
{
	const struct telling *telling = &manager->telling;
	struct id id;

	for (uint32_t i = 0; i < telling->n_removed; i++) {
		if (id_parse(telling->removed[i], &id) &&
			model_node_find(&manager->model, id) != NULL)
			return true;
	}
	return false;
}

static void
add_removed(struct telling *telling, Davit__PlaceRequest *question, struct arena *arena)
{
	question->removed_nodes =
		arena_array(arena, telling->n_removed, sizeof *question->removed_nodes);
	for (uint32_t i = 0; i < telling->n_removed; i++) {
		if (!question->snapshot)
			question->removed_nodes[question->n_removed_nodes++] =
				arena_strdup(arena, telling->removed[i]);
		free(telling->removed[i]);
	}
	telling->n_removed = 0;
}

void
telling_fill(struct manager *manager, Davit__PlaceRequest *question, const struct task *without)
{
	struct telling *telling = &manager->telling;
	struct arena *arena = &manager->batch.arena;
	struct node *node, *next;

	question->has_base_version = question->has_version = question->has_snapshot = true;
	telling->needs_snapshot |= somebody_came_back(manager);
	question->snapshot = telling->needs_snapshot;
	question->base_version = question->snapshot ? 0 : telling->version;
	question->version = telling->sent_version = telling->version + 1;
	if (question->snapshot && telling->families.is_kept)
		families_start(manager);
	if (without != NULL)
		telling_task_changed(manager, without);
	question->nodes =
		arena_array(arena, HASH_COUNT(manager->model.nodes), sizeof *question->nodes);
	while ((node = telling->changed) != NULL) {
		telling->changed = node->place_next;
		node->is_place_dirty = node->has_new_traits = false;
		if (!question->snapshot)
			question->nodes[question->n_nodes++] = make_node(manager, node, without);
	}
	if (question->snapshot) {
		HASH_ITER(hh, manager->model.nodes, node, next)
		question->nodes[question->n_nodes++] = make_node(manager, node, without);
	}
	families_tell(manager, question, arena);
	add_removed(telling, question, arena);
}

void
telling_confirm(struct manager *manager)
{
	manager->telling.needs_snapshot = false;
	manager->telling.version = manager->telling.sent_version;
}

void
telling_restart(struct manager *manager)
{
	manager->telling.needs_snapshot = true;
	families_stop(manager);
}

bool
telling_want_groups(struct manager *manager)
{
	if (manager->telling.families.is_kept)
		return false;
	families_start(manager);
	manager->telling.needs_snapshot = true;
	return true;
}
