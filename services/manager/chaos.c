/* Tested by tests/unit/test_manager_chaos.c. */
#include "services/manager/chaos.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/model/chaos_rules.h"
#include "common/model/limits.h"
#include "services/manager/nodes.h"
#include "services/manager/relay_impl.h"
#include "services/manager/task_calls.h"

enum { KILL_WAIT_MS = 20000 }; /* an engine under load takes its time */

/* ---- what is known ---- */

void
node_faults_free(struct node_faults *faults)
{
	if (faults == NULL)
		return;
	for (size_t i = 0; i < NODE_FAULT_KINDS; i++) {
		if (faults->by_kind[i] != NULL)
			davit__fault__free_unpacked(faults->by_kind[i], NULL);
	}
	free(faults);
}

Davit__Fault **
node_faults_view(const struct node_faults *faults, size_t *ret_n, struct arena *arena)
{
	Davit__Fault **list;

	*ret_n = 0;
	if (faults == NULL)
		return NULL;
	list = arena_array(arena, NODE_FAULT_KINDS, sizeof *list);
	for (size_t i = 0; i < NODE_FAULT_KINDS; i++) {
		Davit__Fault *fault;

		if (faults->by_kind[i] == NULL)
			continue;
		fault = arena_alloc(arena, sizeof *fault);
		*fault = *faults->by_kind[i];
		fault->has_left_ms = true;
		fault->left_ms = faults->until_mono_ms[i] > faults->now_mono_ms
					 ? faults->until_mono_ms[i] - faults->now_mono_ms
					 : 0;
		list[(*ret_n)++] = fault;
	}
	return list;
}

static void
tell(struct manager *manager, const struct node *node, const char *what, const Davit__Fault *fault)
{
	char sentence[CHAOS_SENTENCE_SIZE];

	events_node_says(manager, node, what, chaos_sentence(fault, sentence));
}

/* In force from now on, or still. It was judged. */
static void
note(struct manager *manager, struct node *node, const Davit__Fault *said)
{
	Davit__Fault fault = *said, **place;
	char text[CHAOS_TEXT_SIZE];
	bool is_new;

	if (node->faults == NULL)
		node->faults = xcalloc(1, sizeof *node->faults);
	place = &node->faults->by_kind[fault.kind];
	/* A second order of the same kind has another end. */
	is_new = *place == NULL || (*place)->until_ms != fault.until_ms;
	fault.node_id = node->id_text;
	fault.node_name = node->name;
	fault.text = (char *)(uintptr_t)chaos_text(&fault, text);
	fault.has_healing = fault.healing = !is_new && (*place)->healing;
	node->faults->now_mono_ms = manager->now.mono_ms;
	node->faults->until_mono_ms[fault.kind] = manager->now.mono_ms + fault.left_ms;
	manager->chaos.n += *place == NULL;
	if (*place != NULL)
		davit__fault__free_unpacked(*place, NULL);
	*place = chaos_copy(&fault);
	if (is_new)
		tell(manager, node, "fault", &fault);
}

static void
forget_one(struct manager *manager, struct node *node, size_t kind)
{
	davit__fault__free_unpacked(node->faults->by_kind[kind], NULL);
	node->faults->by_kind[kind] = NULL;
	manager->chaos.n--;
}

static void
heal_one(struct manager *manager, struct node *node, size_t kind)
{
	tell(manager, node, "healed", node->faults->by_kind[kind]);
	forget_one(manager, node, kind);
}

void
manager_chaos_forget(struct manager *manager, struct node *node)
{
	for (size_t i = 0; node->faults != NULL && i < NODE_FAULT_KINDS; i++) {
		if (node->faults->by_kind[i] != NULL)
			forget_one(manager, node, i);
	}
}

void
manager_chaos_tick(struct manager *manager)
{
	struct node *node, *next;

	if (manager->chaos.n == 0)
		return;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (node->faults == NULL)
			continue;
		node->faults->now_mono_ms = manager->now.mono_ms;
		for (size_t i = 0; i < NODE_FAULT_KINDS; i++) {
			if (node->faults->by_kind[i] != NULL &&
				node->faults->until_mono_ms[i] + MANAGER_FAULT_MARGIN_MS <=
					manager->now.mono_ms)
				heal_one(manager, node, i);
		}
	}
}

/* ---- orders ---- */

/* What a request asks for; its texts are the request's. */
static Davit__Fault
fault_of(const Davit__InjectFaultRequest *request)
{
	Davit__Fault fault = DAVIT__FAULT__INIT;

	fault.has_kind = true;
	fault.kind = request->kind;
	fault.has_for_ms = request->has_for_ms;
	fault.for_ms = request->for_ms;
	fault.has_direction = request->has_direction;
	fault.direction = request->direction;
	fault.has_delay_ms = request->has_delay_ms;
	fault.delay_ms = request->delay_ms;
	fault.has_loss_percent = request->has_loss_percent;
	fault.loss_percent = request->loss_percent;
	fault.signal = request->signal;
	fault.by = request->by;
	return fault;
}

static void
ask_fault(const struct query *query, Davit__Query *message, struct arena *arena)
{
	const Davit__InjectFaultRequest *request =
		(const Davit__InjectFaultRequest *)query->call->request;
	Davit__ChaosQuery *chaos = arena_alloc(arena, sizeof *chaos);
	Davit__Fault *fault = arena_alloc(arena, sizeof *fault);
	char id[ID_TEXT_SIZE];

	*fault = fault_of(request);
	fault->node_id = query->node->id_text;
	fault->node_name = query->node->name;
	if (fault->kind == DAVIT__FAULT__KIND__KILL_TASK) {
		id_format(query->task_id, id);
		fault->task_id = arena_strdup(arena, id);
		fault->task_name = request->task;
	}
	chaos_fill(fault);
	davit__chaos_query__init(chaos);
	chaos->fault = fault;
	chaos->request_id = (char *)(uintptr_t)query->call->request_id;
	message->chaos = chaos;
}

static const ProtobufCMessage *
pick_fault(const Davit__QueryAnswer *answer)
{
	return (const ProtobufCMessage *)answer->fault;
}

/* Kinds of peers may be anything. */
static bool
lasts(const Davit__Fault *fault)
{
	return fault->kind > DAVIT__FAULT__KIND__KIND_NONE &&
	       (size_t)fault->kind < NODE_FAULT_KINDS;
}

static void
on_fault(struct manager *manager, struct query *query, const ProtobufCMessage *reply)
{
	const Davit__Fault *fault = ((const Davit__InjectFaultReply *)reply)->fault;
	const char *field;
	struct err err;

	if (chaos_check(fault, &field, &err) < 0)
		return;
	if (lasts(fault))
		note(manager, query->node, fault);
	else
		tell(manager, query->node, "fault", fault);
}

static const struct query_kind fault_kind = {.ask = ask_fault,
	.pick = pick_fault,
	.heard = on_fault,
	.field = "node"};

static void
refuse(struct manager *manager, struct rpc_call *call, const char *field, const char *why)
{
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, field, "%s", why);
}

/* Where a task runs; NULL: the call was refused. */
static struct node *
find_task(struct manager *manager, struct rpc_call *call, struct id *ret_id)
{
	const Davit__InjectFaultRequest *request = (const Davit__InjectFaultRequest *)call->request;
	struct task *task;

	if (request->task == NULL || request->node != NULL) {
		refuse(manager, call, request->task == NULL ? "task" : "node",
			request->task == NULL ? "kill which task?"
					      : "means nothing to kill-task: it is where the task "
						"runs");
		return NULL;
	}
	task = task_resolve(manager, call, request->namespace_, request->task, "task");
	if (task == NULL)
		return NULL;
	if ((Davit__Task__State)task->state != DAVIT__TASK__STATE__RUNNING || task->node == NULL) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "task",
			"task '%.128s' is %s: only one that is RUNNING can be killed",
			request->task, task_fsm.state_name[task->state]);
		return NULL;
	}
	*ret_id = task->id;
	return task->node;
}

static struct node *
find_node(struct manager *manager, struct rpc_call *call)
{
	const Davit__InjectFaultRequest *request = (const Davit__InjectFaultRequest *)call->request;

	if (request->node != NULL && request->task == NULL)
		return nodes_resolve(manager, call, request->node);
	if (request->node == NULL)
		refuse(manager, call, "node", "which node?");
	else
		refuse(manager, call, "task", "means nothing to a fault of a node");
	return NULL;
}

static bool
refuse_unless_allowed(struct manager *manager, struct rpc_call *call)
{
	if (manager->config.allows_chaos)
		return false;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, NULL,
		"this cluster does not allow chaos: start davit-manager with --allow-chaos, and "
		"davit-worker on each node that is to take part");
	return true;
}

void
manager_chaos_inject(struct manager *manager, struct rpc_call *call)
{
	const Davit__InjectFaultRequest *request = (const Davit__InjectFaultRequest *)call->request;
	Davit__Fault fault = fault_of(request);
	bool is_task = fault.kind == DAVIT__FAULT__KIND__KILL_TASK;
	struct id task = {0};
	struct query *query;
	struct node *node;
	const char *field;
	struct err err;

	if (refuse_unless_allowed(manager, call))
		return;
	if (chaos_check(&fault, &field, &err) < 0) {
		refuse(manager, call, field, err.text);
		return;
	}
	node = is_task ? find_task(manager, call, &task) : find_node(manager, call);
	if (node == NULL)
		return;
	if (!relay_is_heard(node)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__UNAVAILABLE, "node",
			"node '%s' is silent: it cannot be told now", node->name);
		return;
	}
	if (relay_refuse_too_many(manager, call, 0))
		return;
	query = relay_add(manager, node, &fault_kind, is_task ? KILL_WAIT_MS : 0, 0);
	query->call = call;
	query->task_id = task;
}

/* ---- healing, listing ---- */

/* The node a request names, or all: false if the call was refused. */
static bool
find_which(struct manager *manager, struct rpc_call *call, const char *name, struct node **ret_node)
{
	*ret_node = NULL;
	if (name == NULL)
		return true;
	*ret_node = nodes_resolve(manager, call, name);
	return *ret_node != NULL;
}

/* All faults of one node, or of every one. */
static Davit__Fault **
gather(struct manager *manager, const struct node *only, size_t *ret_n)
{
	struct arena *arena = &manager->batch.arena;
	Davit__Fault **all = arena_array(arena, manager->chaos.n + 1, sizeof *all), **some;
	struct node *node, *next;
	size_t n;

	*ret_n = 0;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (node->faults == NULL || (only != NULL && node != only))
			continue;
		some = node_faults_view(node->faults, &n, arena);
		for (size_t i = 0; i < n; i++)
			all[(*ret_n)++] = some[i];
	}
	return all;
}

void
manager_chaos_heal(struct manager *manager, struct rpc_call *call)
{
	const Davit__HealFaultsRequest *request = (const Davit__HealFaultsRequest *)call->request;
	Davit__HealFaultsReply reply = DAVIT__HEAL_FAULTS_REPLY__INIT;
	struct node *only, *node, *next;
	Davit__Fault **all;
	size_t n;

	if (refuse_unless_allowed(manager, call) ||
		!find_which(manager, call, request->node, &only))
		return;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		for (size_t i = 0; node->faults != NULL && i < NODE_FAULT_KINDS; i++) {
			Davit__Fault *fault = node->faults->by_kind[i];

			if (fault != NULL && (only == NULL || node == only) &&
				(!request->has_kind || fault->kind == request->kind))
				fault->has_healing = fault->healing = true;
		}
	}
	all = gather(manager, only, &n);
	reply.faults = arena_array(&manager->batch.arena, n + 1, sizeof *reply.faults);
	for (size_t i = 0; i < n; i++) {
		if (all[i]->healing)
			reply.faults[reply.n_faults++] = all[i];
	}
	batch_answer(manager, call, &reply.base);
}

void
manager_chaos_list(struct manager *manager, struct rpc_call *call)
{
	const Davit__ListFaultsRequest *request = (const Davit__ListFaultsRequest *)call->request;
	Davit__ListFaultsReply reply = DAVIT__LIST_FAULTS_REPLY__INIT;
	struct node *only;

	if (!find_which(manager, call, request->node, &only))
		return;
	reply.faults = gather(manager, only, &reply.n_faults);
	reply.has_allowed = true;
	reply.allowed = manager->config.allows_chaos;
	batch_answer(manager, call, &reply.base);
}

/* ---- what a worker says ---- */

static bool
is_sound(const Davit__CheckFaultsRequest *request)
{
	const char *field;
	struct err err;

	if (request->n_faults >= NODE_FAULT_KINDS)
		return false;
	for (size_t i = 0; i < request->n_faults; i++) {
		if (!lasts(request->faults[i]) || request->faults[i]->left_ms > CHAOS_FOR_MAX_MS ||
			chaos_check(request->faults[i], &field, &err) < 0)
			return false;
	}
	return true;
}

static void
take(struct manager *manager, struct node *node, const Davit__CheckFaultsRequest *request,
	Davit__CheckFaultsReply *reply)
{
	bool is_there[NODE_FAULT_KINDS] = {false};

	for (size_t i = 0; i < request->n_faults; i++) {
		Davit__Fault__Kind kind = request->faults[i]->kind;

		note(manager, node, request->faults[i]);
		is_there[kind] = true;
		if (node->faults->by_kind[kind]->healing)
			reply->heal[reply->n_heal++] = kind;
	}
	for (size_t i = 0; node->faults != NULL && i < NODE_FAULT_KINDS; i++) {
		if (node->faults->by_kind[i] != NULL && !is_there[i])
			heal_one(manager, node, i);
	}
}

void
manager_chaos_check(struct manager *manager, struct rpc_call *call)
{
	const Davit__CheckFaultsRequest *request = (const Davit__CheckFaultsRequest *)call->request;
	Davit__CheckFaultsReply reply = DAVIT__CHECK_FAULTS_REPLY__INIT;
	struct node *node = NULL;
	struct id id;

	if (id_parse(request->node_id, &id))
		node = model_node_find(&manager->model, id);
	if (node == NULL) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__NOT_FOUND, "node_id",
			"there is no such node");
		return;
	}
	if (!is_sound(request)) {
		refuse(manager, call, "faults", "at most one of each kind, within their limits");
		return;
	}
	reply.heal = arena_array(&manager->batch.arena, NODE_FAULT_KINDS, sizeof *reply.heal);
	if (manager->config.allows_chaos) {
		take(manager, node, request, &reply);
	} else { /* any more: it was started anew */
		for (size_t i = 0; i < request->n_faults; i++)
			reply.heal[reply.n_heal++] = request->faults[i]->kind;
	}
	batch_answer(manager, call, &reply.base);
}
