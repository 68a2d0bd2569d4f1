#include "services/manager/questions.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/unpack.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "services/manager/placing.h"
#include "services/manager/preempting.h"
#include "services/manager/task_calls.h"
#include "services/manager/view.h"

struct question {
	struct rpc_call *call;
	struct question *next;
	struct id id;             /* of the task to explain, or the first of a plan */
	Davit__TaskSpec spec;     /* of a plan: the call's, complete */
	uint32_t count;           /* of a plan; 0: explain */
	Davit__PlaceReply *first; /* of a plan of several: what was said of one alone */
};

static void
question_free(struct question *question)
{
	if (question->first != NULL)
		davit__place_reply__free_unpacked(question->first, NULL);
	free(question);
}

static struct rpc_call *
pop(struct questions *questions)
{
	struct question *question = questions->first;
	struct rpc_call *call = question->call;

	questions->first = question->next;
	if (questions->first == NULL)
		questions->last = NULL;
	questions->n--;
	questions->is_asking = false;
	question_free(question);
	return call;
}

/* NULL and the call was refused, if too many wait. */
static struct question *
push(struct manager *manager, struct rpc_call *call)
{
	struct questions *questions = &manager->questions;
	struct question *question;

	if (questions->n >= MANAGER_QUESTIONS_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
			"%d questions wait for the scheduler already (MANAGER_QUESTIONS_MAX)",
			MANAGER_QUESTIONS_MAX);
		return NULL;
	}
	question = xcalloc(1, sizeof *question);
	question->call = call;
	*(questions->last != NULL ? &questions->last->next : &questions->first) = question;
	questions->last = question;
	questions->n++;
	return question;
}

void
questions_explain(struct manager *manager, struct rpc_call *call)
{
	const Davit__ExplainTaskRequest *request = (const Davit__ExplainTaskRequest *)call->request;
	struct task *task = task_resolve(manager, call, request->namespace_, request->task, "task");
	Davit__ExplainTaskReply reply = DAVIT__EXPLAIN_TASK_REPLY__INIT;
	struct question *question;

	if (task == NULL)
		return;
	if (task_state_is_final(task->state)) {
		reply.task = view_task(task, true, &manager->batch.arena);
		batch_answer(manager, call, &reply.base);
		return;
	}
	question = push(manager, call);
	if (question != NULL)
		question->id = task->id;
}

void
questions_plan(struct manager *manager, struct rpc_call *call)
{
	const Davit__PlanTasksRequest *request = (const Davit__PlanTasksRequest *)call->request;
	uint32_t count = request->has_count ? request->count : 1;
	struct question *question;

	if (count > MANAGER_PLAN_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "count",
			"a plan has 1 to %d tasks (MANAGER_PLAN_MAX)", MANAGER_PLAN_MAX);
		return;
	}
	if (task_refuse_spec(manager, call, request->spec, count, ""))
		return;
	question = push(manager, call);
	if (question == NULL)
		return;
	question->id = manager_new_id(manager, true);
	question->count = count;
	question->spec = *request->spec;
	if (question->spec.namespace_ == NULL)
		question->spec.namespace_ = (char *)(uintptr_t)task_default_namespace;
}

bool
questions_is_due(const struct manager *manager, bool others_wait)
{
	const struct questions *questions = &manager->questions;

	return questions->first != NULL && !(questions->had_turn && others_wait);
}

/* ---- asking ---- */

static void
add_task(Davit__PlaceRequest *request, const struct question *question, const char *spec_id,
	uint32_t index, const Davit__TaskSpec *spec, struct manager *manager)
{
	struct arena *arena = &manager->batch.arena;
	Davit__PlaceTask *message = arena_alloc(arena, sizeof *message);

	davit__place_task__init(message);
	message->task_id = view_id(id_at(question->id, index), arena);
	message->spec_id = message->group_id = (char *)(uintptr_t)spec_id;
	placing_fill_wishes(manager, spec, message);
	message->has_gang = question->count > 1 && placing_is_gang(spec);
	message->gang = message->has_gang;
	request->tasks[request->n_tasks++] = message;
}

static void
add_tasks(struct manager *manager, const struct question *question, Davit__PlaceRequest *request,
	const Davit__TaskSpec *spec, const char *spec_id)
{
	struct arena *arena = &manager->batch.arena;
	/* One alone with its explanation comes first; then all of them. */
	uint32_t n = question->first != NULL ? question->count : 1;
	Davit__PlaceSpec *entry = arena_alloc(arena, sizeof *entry);

	davit__place_spec__init(entry);
	entry->id = arena_strdup(arena, spec_id);
	entry->spec = placing_view_spec(manager, spec);
	request->specs = arena_array(arena, 1, sizeof *request->specs);
	request->specs[request->n_specs++] = entry;
	request->tasks = arena_array(arena, n, sizeof *request->tasks);
	for (uint32_t i = 0; i < n; i++)
		add_task(request, question, entry->id, i, spec, manager);
	request->has_explain = request->has_dry_run = true;
	request->dry_run = true;
	request->explain = question->first == NULL;
}

Davit__PlaceRequest *
questions_seal(struct manager *manager)
{
	struct question *question = manager->questions.first;
	struct arena *arena = &manager->batch.arena;
	Davit__PlaceRequest *request = arena_alloc(arena, sizeof *request);
	struct task *task = NULL;

	manager->questions.had_turn = true;
	if (question->count == 0) {
		task = model_task_find(&manager->model, question->id);
		if (task == NULL || task_state_is_final(task->state)) {
			batch_refuse(manager, pop(&manager->questions),
				DAVIT__REPLY__STATUS__NOT_FOUND, "task",
				"the task ended while the scheduler was asked");
			return NULL;
		}
	}
	davit__place_request__init(request);
	telling_fill(manager, request, task);
	if (task != NULL)
		add_tasks(manager, question, request, task->group->spec->spec,
			task->group->spec->id);
	else
		add_tasks(manager, question, request, &question->spec,
			view_id(question->id, arena));
	manager->questions.is_asking = true;
	return request;
}

/* ---- answering ---- */

static void
answer_explain(struct manager *manager, const Davit__PlaceReply *reply)
{
	struct task *task = model_task_find(&manager->model, manager->questions.first->id);
	struct rpc_call *call = pop(&manager->questions);
	Davit__ExplainTaskReply answer = DAVIT__EXPLAIN_TASK_REPLY__INIT;

	if (task == NULL) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__NOT_FOUND, "task",
			"the task was removed while the scheduler was asked");
		return;
	}
	telling_task_changed(manager, task); /* it is there after all */
	answer.task = view_task(task, true, &manager->batch.arena);
	if (reply->n_explanations > 0)
		answer.explanation = reply->explanations[0];
	batch_answer(manager, call, &answer.base);
}

static struct node *
find_node(struct manager *manager, const char *text)
{
	struct id id;

	return id_parse(text, &id) ? model_node_find(&manager->model, id) : NULL;
}

/* What goes to one node, and who would have to go from there. */
static void
add_planned(struct manager *manager, Davit__PlanTasksReply *answer, const Davit__TaskSpec *spec,
	const struct preempting_site *site)
{
	struct arena *arena = &manager->batch.arena;
	Davit__PlannedNode *planned = arena_alloc(arena, sizeof *planned);
	struct task **evicted = NULL;
	size_t n_evicted = 0;
	struct err err = {0};

	telling_node_changed(manager, site->node); /* for a scheduler that ignores dry_run */
	if (site->n_counts > 0 &&
		preempting_choose(manager, spec, site, &evicted, &n_evicted, &err) < 0) {
		answer->n_refused += site->n_tasks;
		answer->message = arena_strdup(arena, err.text);
		return;
	}
	davit__planned_node__init(planned);
	planned->node_id = site->node->id_text;
	planned->node_name = site->node->name;
	planned->has_n_tasks = true;
	planned->n_tasks = site->n_tasks;
	planned->evicted = arena_array(arena, n_evicted, sizeof *planned->evicted);
	for (size_t i = 0; i < n_evicted; i++)
		planned->evicted[planned->n_evicted++] = view_task(evicted[i], true, arena);
	answer->nodes[answer->n_nodes++] = planned;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp((*(Davit__PlannedNode *const *)a)->node_name,
		(*(Davit__PlannedNode *const *)b)->node_name);
}

static void
answer_plan(struct manager *manager, const Davit__PlaceReply *reply)
{
	struct question *question = manager->questions.first;
	struct arena *arena = &manager->batch.arena;
	const Davit__PlaceReply *explained = question->first != NULL ? question->first : reply;
	size_t n = reply->n_placements < question->count ? reply->n_placements : question->count;
	struct node **nodes = arena_array(arena, n, sizeof *nodes);
	Davit__PlanTasksReply answer = DAVIT__PLAN_TASKS_REPLY__INIT;
	struct preempting_site *sites;
	size_t n_sites;

	answer.has_n_refused = true;
	answer.n_refused = (uint32_t)reply->n_refusals;
	if (reply->n_refusals > 0)
		answer.message = reply->refusals[0]->message;
	for (size_t i = 0; i < n; i++) {
		nodes[i] = reply->placements[i]->claim
				   ? NULL
				   : find_node(manager, reply->placements[i]->node_id);
		answer.n_refused += nodes[i] == NULL;
	}
	sites = preempting_gather(manager, reply->placements, nodes, n, &n_sites);
	answer.nodes = arena_array(arena, n_sites, sizeof *answer.nodes);
	for (size_t i = 0; i < n_sites; i++)
		add_planned(manager, &answer, &question->spec, &sites[i]);
	if (answer.n_nodes > 0)
		qsort(answer.nodes, answer.n_nodes, sizeof(Davit__PlannedNode *), compare_names);
	if (explained->n_explanations > 0)
		answer.explanation = explained->explanations[0];
	batch_answer(manager, question->call, &answer.base);
	(void)pop(&manager->questions);
}

void
questions_answer(struct manager *manager, const Davit__PlaceReply *reply)
{
	struct question *question = manager->questions.first;

	manager->questions.is_asking = false;
	if (question->count == 0) {
		answer_explain(manager, reply);
	} else if (question->count > 1 && question->first == NULL) {
		question->first = rpc_copy(&reply->base);
		for (size_t i = 0; i < reply->n_placements; i++) {
			struct node *node = find_node(manager, reply->placements[i]->node_id);

			if (node != NULL)
				telling_node_changed(manager, node);
		}
	} else {
		answer_plan(manager, reply);
	}
}

void
questions_refuse(struct manager *manager, const char *reason)
{
	while (manager->questions.first != NULL)
		batch_refuse(manager, pop(&manager->questions), DAVIT__REPLY__STATUS__UNAVAILABLE,
			NULL, "%s", reason);
}

void
questions_abort(struct manager *manager, const char *reason)
{
	while (manager->questions.first != NULL) {
		struct rpc_call *call = pop(&manager->questions);

		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "%s", reason);
		rpc_call_send(call);
	}
}
