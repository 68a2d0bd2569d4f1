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
	*placing = (struct placing){0};
}

void
placing_wake(struct manager *manager)
{
	manager->placing.has_woken = true;
}

/* ---- the question ---- */

void
placing_fill_wishes(const struct manager *manager, const Davit__TaskSpec *spec,
	Davit__PlaceTask *message)
{
	(void)manager;
	(void)spec;
	(void)message;
}

Davit__TaskSpec *
placing_view_spec(struct manager *manager, const Davit__TaskSpec *spec)
{
	(void)manager;
	return (Davit__TaskSpec *)(uintptr_t)spec;
}

bool
placing_is_gang(const Davit__TaskSpec *spec)
{
	return spec->gang != NULL && spec->gang->all_or_nothing;
}

static void
add_task(struct manager *manager, struct task *task, Davit__PlaceRequest *question)
{
	struct arena *arena = &manager->batch.arena;
	struct spec *spec = task->group->spec;
	Davit__PlaceTask *message = arena_alloc(arena, sizeof *message);

	davit__place_task__init(message);
	message->task_id = view_id(task->id, arena);
	message->spec_id = message->group_id = spec->id;
	placing_fill_wishes(manager, spec->spec, message);
	question->tasks[question->n_tasks++] = message;
	if (spec->mark != manager->assignments.mark) {
		Davit__PlaceSpec *entry = arena_alloc(arena, sizeof *entry);

		spec->mark = manager->assignments.mark;
		davit__place_spec__init(entry);
		entry->id = spec->id;
		entry->spec = placing_view_spec(manager, spec->spec);
		question->specs[question->n_specs++] = entry;
	}
}

static bool
tasks_wait(const struct manager *manager)
{
	return manager->model.pending.n > 0 ||
	       (manager->placing.has_woken && manager->model.blocked.n > 0);
}

bool
placing_has_work(const struct manager *manager)
{
	const struct placing *placing = &manager->placing;

	return !placing->is_asking && placing->retry_mono_ms <= manager->now.mono_ms &&
	       (tasks_wait(manager) || questions_is_due(manager, false));
}

static Davit__PlaceRequest *
seal_tasks(struct manager *manager)
{
	struct placing *placing = &manager->placing;
	struct model *model = &manager->model;
	struct arena *arena = &manager->batch.arena;
	Davit__PlaceRequest *question = arena_alloc(arena, sizeof *question);

	if (placing->has_woken && model->blocked.n > 0)
		model_queue_splice(&model->blocked, &model->pending);
	placing->has_woken = false;
	davit__place_request__init(question);
	telling_fill(manager, question, NULL);
	manager->assignments.mark++;
	question->tasks = arena_array(arena, MANAGER_PLACE_MAX, sizeof *question->tasks);
	question->specs = arena_array(arena, MANAGER_PLACE_MAX, sizeof *question->specs);
	for (struct task *task = model->pending.first;
		task != NULL && question->n_tasks < MANAGER_PLACE_MAX; task = task->queue_next)
		add_task(manager, task, question);
	manager->questions.had_turn = false;
	return question;
}

void
placing_seal(struct manager *manager)
{
	struct placing *placing = &manager->placing;

	if (!placing_has_work(manager))
		return;
	placing->is_dry = questions_is_due(manager, tasks_wait(manager));
	placing->question = placing->is_dry ? questions_seal(manager) : seal_tasks(manager);
	placing->is_asking = placing->question != NULL;
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
		telling_node_changed(manager, node);
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

static void
take_trouble(struct manager *manager, Davit__Reply__Status status, const char *message)
{
	bool was_cached = !manager->telling.needs_snapshot;
	char text[ERR_TEXT_MAX];

	telling_restart(manager);
	if (status == DAVIT__REPLY__STATUS__FAILED_PRECONDITION && was_cached)
		return; /* it was restarted: ask again at once, with everything */
	manager->placing.retry_mono_ms = manager->now.mono_ms + MANAGER_PLACE_RETRY_MS;
	(void)snprintf(text, sizeof text, "waiting for a scheduler at %s: %.150s",
		manager->config.scheduler_url, message);
	explain_trouble(manager, text);
	questions_refuse(manager, text);
}

static void
take_answer(struct manager *manager, const Davit__PlaceReply *reply)
{
	for (size_t i = 0; i < reply->n_placements; i++)
		take_placement(manager, reply->placements[i]);
	for (size_t i = 0; i < reply->n_refusals; i++) {
		struct task *task = find_task(manager, reply->refusals[i]->task_id);
		const char *why = reply->refusals[i]->message;

		if (task != NULL && task->state == TASK_PENDING)
			lifecycle_block(manager, task, why == NULL ? "no node fits" : why);
	}
}

void
placing_answer(struct manager *manager, Davit__Reply__Status status, const char *message,
	const Davit__PlaceReply *reply)
{
	struct placing *placing = &manager->placing;
	bool is_stale = placing->is_stale;

	placing->is_asking = placing->is_stale = false;
	if (is_stale)
		return;
	if (status == DAVIT__REPLY__STATUS__OK && reply->wants_groups &&
		!telling_want_groups(manager)) {
		status = DAVIT__REPLY__STATUS__INTERNAL;
		message = "it wants to know what runs where, and was told";
	}
	if (status != DAVIT__REPLY__STATUS__OK) {
		take_trouble(manager, status, message);
		return;
	}
	if (!reply->wants_groups)
		telling_confirm(manager);
	placing->trouble[0] = '\0';
	if (!placing->is_dry)
		take_answer(manager, reply);
	else if (!reply->wants_groups)
		questions_answer(manager, reply);
}

static void
engine_changed(struct manager *manager, const struct engine_ports *engine)
{
	struct node *node, *next;

	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (node->ports == engine)
			telling_node_changed(manager, node);
	}
}

/* The scheduler is told, too: it has its own list of what is taken. */
static void
expire_strangers(struct manager *manager)
{
	struct engine_ports *engine, *next;

	HASH_ITER(hh, manager->model.engines, engine, next)
	{
		if (!ledger_port_expire(engine->ports, manager->now.mono_ms))
			continue;
		engine_changed(manager, engine);
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
