#include "services/manager/placing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/view.h"

void
placing_init(struct placing *placing)
{
	*placing = (struct placing){.needs_snapshot = true};
}

void
placing_fini(struct placing *placing)
{
	for (uint32_t i = 0; i < placing->n_removed; i++)
		free(placing->removed[i]);
	free(placing->removed);
}

void
placing_node_changed(struct manager *manager, struct node *node)
{
	if (node->is_place_dirty)
		return;
	node->is_place_dirty = true;
	node->place_next = manager->placing.changed;
	manager->placing.changed = node;
}

void
placing_node_removed(struct manager *manager, struct node *node)
{
	struct placing *placing = &manager->placing;
	struct node **link = &placing->changed;

	if (node->is_place_dirty) {
		while (*link != node)
			link = &(*link)->place_next;
		*link = node->place_next;
		node->is_place_dirty = false;
	}
	placing->removed =
		xrealloc(placing->removed, placing->n_removed + 1, sizeof *placing->removed);
	placing->removed[placing->n_removed++] = xstrdup(node->id_text);
}

void
placing_wake(struct manager *manager)
{
	manager->placing.has_woken = true;
}

/* ---- the question ---- */

/* Nodes that share an engine share its ports: a change of one is news of all. */
static Davit__PlaceNode *
make_node(const struct node *node, struct arena *arena)
{
	Davit__PlaceNode *message = arena_alloc(arena, sizeof *message);
	Davit__Node *view = view_node_without_ports(node, arena);
	const uint32_t *numbers;

	davit__place_node__init(message);
	message->id = view->id;
	message->name = view->name;
	message->has_schedulable = message->has_n_tasks = message->has_n_ports_free = true;
	message->schedulable = node->state == DAVIT__NODE__STATE__READY && !node->draining;
	message->capacity = view->capacity;
	message->reserved = view->reserved;
	message->n_tasks = view->n_tasks;
	message->n_labels = view->n_labels;
	message->labels = view->labels;
	message->engine = view->engine;
	message->address = view->address;
	message->has_state = true;
	message->state = view->state;
	message->n_ports_free = ledger_ports_n_free(node->ports->ports);
	message->n_host_ports = ledger_ports_list(node->ports->ports, &numbers);
	message->host_ports = (uint32_t *)(uintptr_t)numbers;
	return message;
}

static void
add_changed_nodes(struct manager *manager, Davit__PlaceRequest *question)
{
	struct placing *placing = &manager->placing;
	struct arena *arena = &manager->batch.arena;
	bool all = placing->needs_snapshot;
	struct node *node, *next;

	question->nodes =
		arena_array(arena, HASH_COUNT(manager->model.nodes), sizeof *question->nodes);
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (all)
			question->nodes[question->n_nodes++] = make_node(node, arena);
	}
	while ((node = placing->changed) != NULL) {
		placing->changed = node->place_next;
		node->is_place_dirty = false;
		if (!all)
			question->nodes[question->n_nodes++] = make_node(node, arena);
	}
	question->removed_nodes =
		arena_array(arena, placing->n_removed, sizeof *question->removed_nodes);
	for (uint32_t i = 0; i < placing->n_removed; i++) {
		if (!all)
			question->removed_nodes[question->n_removed_nodes++] =
				arena_strdup(arena, placing->removed[i]);
		free(placing->removed[i]);
	}
	placing->n_removed = 0;
}

static void
add_task(struct manager *manager, struct task *task, Davit__PlaceRequest *question)
{
	struct arena *arena = &manager->batch.arena;
	struct spec *spec = task->group->spec;
	Davit__PlaceTask *message = arena_alloc(arena, sizeof *message);

	davit__place_task__init(message);
	message->task_id = view_id(task->id, arena);
	message->spec_id = spec->id;
	question->tasks[question->n_tasks++] = message;
	if (spec->mark != manager->assignments.mark) {
		Davit__PlaceSpec *entry = arena_alloc(arena, sizeof *entry);

		spec->mark = manager->assignments.mark;
		davit__place_spec__init(entry);
		entry->id = spec->id;
		entry->spec = spec->spec;
		question->specs[question->n_specs++] = entry;
	}
}

bool
placing_has_work(const struct manager *manager)
{
	const struct placing *placing = &manager->placing;

	return !placing->is_asking && placing->retry_mono_ms <= manager->now.mono_ms &&
	       (manager->model.pending.n > 0 ||
		       (placing->has_woken && manager->model.blocked.n > 0));
}

void
placing_seal(struct manager *manager)
{
	struct placing *placing = &manager->placing;
	struct model *model = &manager->model;
	struct arena *arena = &manager->batch.arena;
	Davit__PlaceRequest *question;

	if (!placing_has_work(manager))
		return;
	if (placing->has_woken && model->blocked.n > 0)
		model_queue_splice(&model->blocked, &model->pending);
	placing->has_woken = false;
	question = arena_alloc(arena, sizeof *question);
	davit__place_request__init(question);
	question->has_base_version = question->has_version = question->has_snapshot = true;
	question->snapshot = placing->needs_snapshot;
	question->base_version = placing->needs_snapshot ? 0 : placing->version;
	placing->sent_version = placing->version + 1;
	question->version = placing->sent_version;
	add_changed_nodes(manager, question);
	manager->assignments.mark++;
	question->tasks = arena_array(arena, MANAGER_PLACE_MAX, sizeof *question->tasks);
	question->specs = arena_array(arena, MANAGER_PLACE_MAX, sizeof *question->specs);
	for (struct task *task = model->pending.first;
		task != NULL && question->n_tasks < MANAGER_PLACE_MAX; task = task->queue_next)
		add_task(manager, task, question);
	placing->question = question;
	placing->is_asking = true;
}

void
placing_ask(struct manager *manager)
{
	Davit__PlaceRequest *question = manager->placing.question;

	manager->placing.question = NULL;
	if (question != NULL)
		manager->ports.place(manager->ports.arg, question);
}

/* ---- the answer ---- */

static struct task *
find_task(struct manager *manager, const char *text)
{
	struct id id;

	return id_parse(text, &id) ? model_task_find(&manager->model, id) : NULL;
}

static void
take_placement(struct manager *manager, const Davit__Placement *placement)
{
	struct task *task = find_task(manager, placement->task_id);
	struct node *node = NULL;
	struct err err = {0};
	struct id id;
	int rc;

	if (task == NULL || task->state != TASK_PENDING)
		return; /* stopped or removed meanwhile */
	if (id_parse(placement->node_id, &id))
		node = model_node_find(&manager->model, id);
	if (node == NULL)
		rc = err_set(&err, -ENOENT, "the scheduler chose an unknown node");
	else
		rc = lifecycle_place(manager, task, node, &err);
	if (rc == 0)
		return;
	manager->placing.n_refused++;
	if (node != NULL)
		placing_node_changed(manager, node);
	log_debug("placing.refused", "task=%s node=%s reason=\"%s\"", placement->task_id,
		placement->node_id, err.text);
	lifecycle_block(manager, task, err.text);
}

/* The scheduler is not there: whoever waits is told why, and tried again soon. */
static void
explain_trouble(struct manager *manager, const char *message)
{
	struct placing *placing = &manager->placing;

	if (strcmp(placing->trouble, message) == 0)
		return;
	(void)snprintf(placing->trouble, sizeof placing->trouble, "%s", message);
	log_warn("placing.unavailable", "reason=\"%s\", retrying in %d ms", message,
		MANAGER_PLACE_RETRY_MS);
	for (struct task *task = manager->model.pending.first; task != NULL;
		task = task->queue_next) {
		model_set_text(&task->message, message);
		batch_touch_task(manager, task);
	}
}

void
placing_answer(struct manager *manager, Davit__Reply__Status status, const char *message,
	const Davit__PlaceReply *reply)
{
	struct placing *placing = &manager->placing;
	char text[ERR_TEXT_MAX];

	placing->is_asking = false;
	if (status != DAVIT__REPLY__STATUS__OK) {
		bool was_cached = !placing->needs_snapshot;

		placing->needs_snapshot = true;
		if (status == DAVIT__REPLY__STATUS__FAILED_PRECONDITION && was_cached)
			return; /* it was restarted: ask again at once, with everything */
		placing->retry_mono_ms = manager->now.mono_ms + MANAGER_PLACE_RETRY_MS;
		(void)snprintf(text, sizeof text, "waiting for a scheduler at %s: %.150s",
			manager->config.scheduler_url, message);
		explain_trouble(manager, text);
		return;
	}
	placing->needs_snapshot = false;
	placing->version = placing->sent_version;
	placing->trouble[0] = '\0';
	for (size_t i = 0; i < reply->n_placements; i++)
		take_placement(manager, reply->placements[i]);
	for (size_t i = 0; i < reply->n_refusals; i++) {
		struct task *task = find_task(manager, reply->refusals[i]->task_id);
		const char *why = reply->refusals[i]->message;

		if (task != NULL && task->state == TASK_PENDING)
			lifecycle_block(manager, task, why == NULL ? "no node fits" : why);
	}
}

static void
expire_strangers(struct manager *manager)
{
	struct engine_ports *engine, *next;

	HASH_ITER(hh, manager->model.engines, engine, next)
	{
		if (ledger_port_expire(engine->ports, manager->now.mono_ms))
			placing_wake(manager);
	}
}

void
placing_tick(struct manager *manager)
{
	struct placing *placing = &manager->placing;

	if (manager->now.mono_ms - placing->sweep_mono_ms < MANAGER_SWEEP_MS)
		return;
	placing->sweep_mono_ms = manager->now.mono_ms;
	expire_strangers(manager);
	placing_wake(manager);
}
