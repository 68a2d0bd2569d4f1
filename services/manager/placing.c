#include "services/manager/placing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/model/spec.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/preempting.h"
#include "services/manager/view.h"

void
placing_init(struct placing *placing)
{
	*placing = (struct placing){0};
}

/* ---- the question ---- */

bool
placing_is_gang(const Davit__TaskSpec *spec)
{
	return spec->gang != NULL && spec->gang->all_or_nothing;
}

static bool
is_gang(const struct task *task)
{
	return task != NULL && task->group->count > 1 && placing_is_gang(task->group->spec->spec);
}

static bool
may_preempt(const struct manager *manager, const Davit__TaskSpec *spec)
{
	return spec_priority(spec) > manager->config.preempt_above;
}

bool
placing_may_preempt(const struct manager *manager, const struct task *task)
{
	return may_preempt(manager, task->group->spec->spec);
}

/*
 * The scheduler does not know for whom room is kept. For another task of an array with max_per_node
 * it would propose the same node again and again, which that has enough of already.
 */
static bool
keeps_enough(const struct manager *manager, const struct group *group)
{
	return group->spec->spec->max_per_node > 0 && claims_have_group(manager, group);
}

bool
placing_may_claim(const struct manager *manager, const struct task *task, size_t n)
{
	return claims_has_room(manager, n) && claims_node(manager, task) == NULL &&
	       task->group->spec->spec->n_affinities == 0 &&
	       manager->now.wall_ms - task->group->created_ms >= manager->config.claim_after_ms &&
	       !keeps_enough(manager, task->group);
}

void
placing_fill_wishes(const struct manager *manager, const Davit__TaskSpec *spec,
	Davit__PlaceTask *message)
{
	message->has_may_preempt = message->may_preempt = may_preempt(manager, spec);
}

Davit__TaskSpec *
placing_view_spec(struct manager *manager, const Davit__TaskSpec *spec)
{
	const struct manager_config *config = &manager->config;
	Davit__TaskSpec__Strategy strategy = config->strategy;
	Davit__TaskSpec *view = (Davit__TaskSpec *)(uintptr_t)spec;

	if (spec->strategy != DAVIT__TASK_SPEC__STRATEGY__CLUSTER)
		return view;
	for (size_t i = 0; i < config->n_strategies; i++) {
		if (strcmp(config->strategies[i].namespace_name, spec_namespace(spec)) == 0)
			strategy = config->strategies[i].strategy;
	}
	if (strategy == DAVIT__TASK_SPEC__STRATEGY__CLUSTER)
		return view;
	view = arena_alloc(&manager->batch.arena, sizeof *view);
	*view = *spec;
	view->has_strategy = true;
	view->strategy = strategy;
	return view;
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
	message->has_gang = message->gang = is_gang(task);
	placing_fill_wishes(manager, spec->spec, message);
	if (task->avoid != NULL) {
		message->avoid_nodes = arena_array(arena, 1, sizeof(char *));
		message->avoid_nodes[message->n_avoid_nodes++] = task->avoid->id_text;
	}
	message->has_may_claim = message->may_claim =
		placing_may_claim(manager, task, message->gang ? task->group->n_left : 1);
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
	return manager->waiting.n_ready > 0 ||
	       (manager->waiting.is_stirred && manager->waiting.n_blocked > 0);
}

bool
placing_has_work(const struct manager *manager)
{
	const struct placing *placing = &manager->placing;

	return !placing->is_asking && placing->retry_mono_ms <= manager->now.mono_ms &&
	       (tasks_wait(manager) || questions_is_due(manager, false));
}

/* NULL: the news helps nobody. */
static Davit__PlaceRequest *
seal_tasks(struct manager *manager)
{
	struct arena *arena = &manager->batch.arena;
	struct task **tasks = arena_raw(arena, MANAGER_PLACE_MAX * sizeof *tasks);
	Davit__PlaceRequest *question;
	size_t n;

	waiting_wake(manager);
	n = waiting_pull(manager, tasks, MANAGER_PLACE_MAX);
	manager->questions.had_turn = false;
	if (n == 0)
		return NULL;
	question = arena_alloc(arena, sizeof *question);
	davit__place_request__init(question);
	telling_fill(manager, question, NULL);
	manager->assignments.mark++;
	question->tasks = arena_array(arena, n, sizeof *question->tasks);
	question->specs = arena_array(arena, n, sizeof *question->specs);
	for (size_t i = 0; i < n; i++)
		add_task(manager, tasks[i], question);
	manager->placing.asked_n_moves = manager->waiting.n_moves;
	return question;
}

/*
 * The question may go out before the batch is committed, alone of all: it borrows from the model,
 * which goes on, and it promises nobody anything. Should the commit fail, the answer is ignored
 * and the scheduler told everything anew (manager_abort).
 */
void
placing_ask(struct manager *manager)
{
	struct placing *placing = &manager->placing;
	Davit__PlaceRequest *question;

	if (!placing_has_work(manager))
		return;
	placing->is_dry = questions_is_due(manager, tasks_wait(manager));
	question = placing->is_dry ? questions_seal(manager) : seal_tasks(manager);
	placing->is_asking = question != NULL;
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

static struct node *
find_node(struct manager *manager, const char *text)
{
	struct id id;

	return id_parse(text, &id) ? model_node_find(&manager->model, id) : NULL;
}

/* It is counted, and the scheduler is told again how the node is. */
static void
refuse(struct manager *manager, const Davit__Placement *placement, const char *why)
{
	struct placing *placing = &manager->placing;
	struct node *node = find_node(manager, placement->node_id);

	placing->n_refused++;
	(void)snprintf(placing->refused, sizeof placing->refused, "%s", why);
	if (node != NULL)
		telling_node_changed(manager, node);
	log_debug("placing.refused", "task=%.40s node=%.40s reason=\"%s\"", placement->task_id,
		placement->node_id, why);
}

/* The proposal was no good: the task is asked about again before long. */
static void
refuse_task(struct manager *manager, struct task *task, const Davit__Placement *placement,
	const struct err *err)
{
	refuse(manager, placement, err->text);
	if (claims_node(manager, task) != NULL) {
		waiting_claim(manager, task);
		return;
	}
	waiting_block(manager, task, WAITING_ANYTHING);
	lifecycle_say(manager, task, err->text);
}

/* NULL and the placement was refused, unless the task was stopped or removed meanwhile. */
static struct task *
find_asked(struct manager *manager, const Davit__Placement *placement)
{
	struct task *task = find_task(manager, placement->task_id);

	if (task != NULL && waiting_is_asked(task))
		return task;
	if (task == NULL)
		refuse(manager, placement, "the scheduler placed an unknown task");
	else if (!task_state_is_final(task->state))
		refuse(manager, placement,
			"the scheduler placed a task twice, or one that it was not asked about");
	return NULL;
}

static int
accept(struct manager *manager, const struct placing_proposal *proposal, struct err *err)
{
	size_t n_evicting = 0, n_claiming = 0;

	for (size_t i = 0; i < proposal->n; i++) {
		if (proposal->nodes[i] == NULL)
			return err_set(err, -ENOENT, "the scheduler chose an unknown node");
		if (proposal->nodes[i]->has_new_traits)
			return err_set(err, -ESTALE,
				"node '%s' got other labels or taints while the scheduler chose",
				proposal->nodes[i]->name);
		n_evicting += proposal->placements[i]->n_evictions > 0;
		n_claiming += proposal->placements[i]->claim != 0;
	}
	if (n_evicting > 0)
		return preempting_apply(manager, proposal, err);
	if (n_claiming == 0)
		return lifecycle_place_all(manager, proposal->tasks, proposal->nodes, proposal->n,
			err);
	if (!placing_may_claim(manager, proposal->tasks[0], proposal->n))
		return err_set(err, -EPERM, "the scheduler would keep room for one that may not");
	return claims_make(manager, proposal->tasks, proposal->nodes, proposal->n, true, err);
}

static void
take_placement(struct manager *manager, Davit__Placement *placement)
{
	struct task *task = find_asked(manager, placement);
	struct node *node = find_node(manager, placement->node_id);
	struct placing_proposal proposal = {&placement, &task, &node, 1};
	struct err err = {0};

	if (task != NULL && accept(manager, &proposal, &err) < 0)
		refuse_task(manager, task, placement, &err);
}

/* ---- gangs ---- */

static size_t
count_asked(const struct manager *manager, const struct group *group)
{
	size_t n = 0;

	for (const struct task *task = manager->waiting.asked.first; task != NULL;
		task = task->queue_next)
		n += task->group == group;
	return n;
}

static int
compare_pointers(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;

	return x < y ? -1 : x > y;
}

static bool
are_different(struct arena *arena, struct task *const *tasks, size_t n)
{
	struct task **sorted = arena_array(arena, n, sizeof *sorted);

	for (size_t i = 0; i < n; i++)
		sorted[i] = tasks[i];
	if (n > 1)
		qsort(sorted, n, sizeof(struct task *), compare_pointers);
	for (size_t i = 1; i < n; i++) {
		if (sorted[i] == sorted[i - 1])
			return false;
	}
	return true;
}

/* All tasks of the group that were asked about, or none. */
static void
take_gang(struct manager *manager, const struct group *group, Davit__Placement *const *placements,
	size_t n)
{
	struct arena *arena = &manager->batch.arena;
	struct placing_proposal proposal = {placements,
		arena_array(arena, n, sizeof(struct task *)),
		arena_array(arena, n, sizeof(struct node *)), n};
	struct err err = {0};
	bool is_good = n == count_asked(manager, group);
	int rc;

	for (size_t i = 0; i < n; i++) {
		proposal.tasks[i] = find_asked(manager, placements[i]);
		proposal.nodes[i] = find_node(manager, placements[i]->node_id);
		is_good &= proposal.tasks[i] != NULL;
	}
	if (is_good && are_different(arena, proposal.tasks, n))
		rc = accept(manager, &proposal, &err);
	else
		rc = err_set(&err, -EPERM,
			"the scheduler did not place all tasks of the array together");
	for (size_t i = 0; rc < 0 && i < n; i++) {
		if (proposal.tasks[i] != NULL && waiting_is_asked(proposal.tasks[i]))
			refuse_task(manager, proposal.tasks[i], placements[i], &err);
	}
}

/* Those of the i-th placement's gang are taken together; they are marked as done by NULL. */
static void
gather_gang(struct manager *manager, struct group *group, Davit__Placement **placements,
	struct task *const *tasks, size_t from, size_t n)
{
	Davit__Placement **gathered =
		arena_array(&manager->batch.arena, n - from, sizeof(Davit__Placement *));
	size_t n_gathered = 0;

	for (size_t i = from; i < n; i++) {
		if (placements[i] == NULL || tasks[i] == NULL || tasks[i]->group != group)
			continue;
		gathered[n_gathered++] = placements[i];
		placements[i] = NULL;
	}
	take_gang(manager, group, gathered, n_gathered);
}

static void
take_placements(struct manager *manager, const Davit__PlaceReply *reply)
{
	struct arena *arena = &manager->batch.arena;
	size_t n = reply->n_placements;
	Davit__Placement **placements = arena_array(arena, n, sizeof(Davit__Placement *));
	struct task **tasks = arena_array(arena, n, sizeof *tasks);

	for (size_t i = 0; i < n; i++) {
		placements[i] = reply->placements[i];
		tasks[i] = find_task(manager, placements[i]->task_id);
	}
	for (size_t i = 0; i < n; i++) {
		if (placements[i] == NULL)
			continue;
		if (is_gang(tasks[i]))
			gather_gang(manager, tasks[i]->group, placements, tasks, i, n);
		else
			take_placement(manager, placements[i]);
	}
}

/* ---- refusals, and silence ---- */

static void
take_refusal(struct manager *manager, const Davit__Refusal *refusal, uint64_t n_moves)
{
	struct task *task = find_task(manager, refusal->task_id);
	unsigned causes = waiting_causes(refusal);

	if (task == NULL || !waiting_is_asked(task))
		return; /* stopped or removed meanwhile */
	if (claims_node(manager, task) != NULL) {
		waiting_claim(manager, task);
		return;
	}
	/* Nowhere else: then there again. */
	if (task->avoid != NULL)
		causes |= WAITING_AGAIN;
	task->avoid = NULL;
	waiting_block_at(manager, task, causes, n_moves);
	lifecycle_say(manager, task, refusal->message == NULL ? "no node fits" : refusal->message);
}

/* What it was asked about and did not speak of. */
static void
take_silence(struct manager *manager)
{
	struct task *task;

	while ((task = manager->waiting.asked.first) != NULL) {
		manager->placing.n_refused++;
		if (claims_node(manager, task) != NULL) {
			waiting_claim(manager, task);
			continue;
		}
		waiting_block(manager, task, WAITING_ANYTHING);
		lifecycle_say(manager, task, "the scheduler did not answer for it");
	}
}

static void
take_answer(struct manager *manager, const Davit__PlaceReply *reply)
{
	/* Whether others moved while it thought; what it placed itself it knew of. */
	uint64_t n_others = manager->waiting.n_moves - manager->placing.asked_n_moves, n_moves;

	take_placements(manager, reply);
	n_moves = manager->waiting.n_moves - (n_others > 0);
	for (size_t i = 0; i < reply->n_refusals; i++)
		take_refusal(manager, reply->refusals[i], n_moves);
	if (reply->wants_groups)
		waiting_unask(manager);
	else
		take_silence(manager);
}

static void
explain_trouble_to(struct manager *manager, struct task *task)
{
	model_set_text(&task->message, manager->placing.trouble);
	batch_touch_task(manager, task);
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
	waiting_each_ready(manager, explain_trouble_to);
}

static void
take_trouble(struct manager *manager, Davit__Reply__Status status, const char *message)
{
	struct placing *placing = &manager->placing;
	char text[ERR_TEXT_MAX];

	telling_restart(manager);
	waiting_unask(manager);
	/* It was restarted, or reads JSON only: ask again at once, with everything. */
	placing->is_second =
		status == DAVIT__REPLY__STATUS__FAILED_PRECONDITION && !placing->is_second;
	if (placing->is_second)
		return;
	placing->retry_mono_ms = manager->now.mono_ms + MANAGER_PLACE_RETRY_MS;
	(void)snprintf(text, sizeof text, "waiting for a scheduler at %s: %.150s",
		manager->config.scheduler_url, message);
	explain_trouble(manager, text);
	questions_refuse(manager, text);
}

/* Whether so much time has passed since then; if so it begins anew. */
static bool
is_due(const struct manager *manager, uint64_t *since_mono_ms, uint64_t period_ms)
{
	if (manager->now.mono_ms - *since_mono_ms < period_ms)
		return false;
	*since_mono_ms = manager->now.mono_ms;
	return true;
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
	/* It is another one, perhaps, with another opinion; or one that never has a cache. */
	if (placing->trouble[0] != '\0' ||
		(placing->is_second && is_due(manager, &placing->second_mono_ms, MANAGER_SWEEP_MS)))
		waiting_sweep(manager);
	placing->trouble[0] = '\0';
	placing->is_second = false;
	if (!placing->is_dry)
		take_answer(manager, reply);
	else if (!reply->wants_groups)
		questions_answer(manager, reply);
}

/* ---- with time ---- */

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
		waiting_ports_free(manager, UINT32_MAX);
	}
}

void
placing_tick(struct manager *manager)
{
	waiting_repeat(manager);
	if (!is_due(manager, &manager->placing.sweep_mono_ms, manager->config.sweep_ms))
		return;
	expire_strangers(manager);
	if (manager->waiting.n_blocked > 0)
		waiting_sweep(manager);
	claims_sweep(manager);
}
