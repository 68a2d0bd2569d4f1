#include "services/manager/nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/limits.h"
#include "common/model/rules.h"
#include "common/model/spec.h"
#include "common/model/taint.h"
#include "common/rpc/unpack.h"
#include "services/manager/admission.h"
#include "services/manager/core.h"
#include "services/manager/holds.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "services/manager/records.h"
#include "services/manager/traits.h"
#include "services/manager/view.h"

/* ---- what a node says of itself ---- */

/* declared is borrowed. True if they are others now. */
static bool
set_traits(struct node *node, const Davit__NodeTraits *declared)
{
	Davit__NodeTraits *traits;
	bool are_others;

	traits_replace(&node->declared, traits_copy(declared));
	traits = traits_merge(node->declared, node->wishes);
	are_others = !traits_are_equal(node->traits, traits);
	traits_replace(&node->traits, traits);
	return are_others;
}

static uint32_t
chance(struct manager *manager)
{
	uint32_t value;

	manager->ports.random(manager->ports.arg, &value, sizeof value);
	return value;
}

static void
move_ports(struct node *node, bool give)
{
	for (struct task *task = node->tasks; task != NULL; task = task->node_next) {
		if (task->holds)
			holds_move_ports(task, give);
	}
}

/* Ports belong to the engine: with another engine, what is held moves to its list. */
static void
set_engine(struct manager *manager, struct node *node, const Davit__EngineInfo *engine)
{
	const char *engine_id = engine != NULL && engine->id != NULL ? engine->id : "";
	struct engine_ports *before = node->ports;

	if (node->engine != NULL)
		davit__engine_info__free_unpacked(node->engine, NULL);
	node->engine = engine != NULL ? rpc_copy(&(engine)->base) : NULL;
	if (before != NULL && (engine_id[0] == '\0' || strcmp(before->engine_id, engine_id) == 0))
		return;
	if (before != NULL)
		move_ports(node, true);
	model_node_set_engine(&manager->model, node, engine_id, chance(manager));
	if (before != NULL)
		move_ports(node, false);
}

static void
add_devices(struct ledger_kinds *kinds, const char *kind, uint32_t count,
	struct resources *capacity)
{
	int place = count == 0 ? -1 : ledger_kind_get(kinds, kind);

	if (place >= 0)
		capacity->devices[place] =
			(uint16_t)(count < LEDGER_DEVICES_MAX ? count : LEDGER_DEVICES_MAX);
}

/* New kinds of devices become known with it. */
static struct resources
capacity_of(struct manager *manager, const Davit__Resources *message)
{
	struct ledger_kinds *kinds = &manager->model.kinds;
	struct resources capacity = {0};

	if (message == NULL)
		return capacity;
	capacity.cpu_milli = message->cpu_milli;
	capacity.memory_bytes = message->memory_bytes;
	capacity.disk_bytes = message->disk_bytes;
	add_devices(kinds, "gpu", message->gpus, &capacity);
	for (size_t i = 0; i < message->n_devices; i++)
		add_devices(kinds, message->devices[i]->kind,
			message->devices[i]->has_count ? message->devices[i]->count : 1, &capacity);
	return capacity;
}

static void
restore_traits(struct node *node, const Davit__NodeRecord *record)
{
	Davit__NodeTraits declared = DAVIT__NODE_TRAITS__INIT;

	declared.labels = record->labels;
	declared.n_labels = record->n_labels;
	declared.taints = record->taints;
	declared.n_taints = record->n_taints;
	declared.class_ = record->class_;
	node->wishes = traits_copy(record->wishes);
	(void)set_traits(node, &declared);
}

/* Nobody waits to hear from it, so its silence means nothing. */
static void
be_without_worker(struct node *node)
{
	node->state = DAVIT__NODE__STATE__DOWN;
	model_set_text(&node->message, "it was declared, and no worker has come yet");
}

void
nodes_restore(struct manager *manager, struct id id, const Davit__NodeRecord *record)
{
	struct node *node = model_node_add(&manager->model, id, record->name);

	node->draining = record->draining;
	/* The session of a worker that this version does not let in is over, so that it registers
	 * and is told. */
	node->session = record->session + !admission_is_of_version(record->davit_version);
	node->registered_ms = record->registered_ms;
	node->account.capacity = capacity_of(manager, record->capacity);
	model_set_text(&node->address, record->address);
	model_set_text(&node->davit_version, record->davit_version);
	model_set_text(&node->instance, record->instance);
	model_set_text(&node->message, "not heard since the manager started");
	restore_traits(node, record);
	set_engine(manager, node, record->engine);
	node->heard_mono_ms = node->silent_mono_ms = manager->now.mono_ms;
	if (node->session == 0)
		be_without_worker(node);
	telling_node_changed(manager, node);
}

/* ---- registration ---- */

static bool
is_live(const struct node *node)
{
	return node->state == DAVIT__NODE__STATE__READY ||
	       node->state == DAVIT__NODE__STATE__DEGRADED;
}

/*
 * A node is who has its id; a worker that lost its state directory is known by its
 * name, but only once the one that had the name is silent.
 */
static struct node *
find_or_add(struct manager *manager, struct rpc_call *call,
	const Davit__RegisterNodeRequest *request)
{
	struct model *model = &manager->model;
	struct node *named = model_node_by_name(model, request->name), *node = NULL;
	struct id id;

	if (request->node_id != NULL && !id_parse(request->node_id, &id)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "node_id",
			"a node_id is what an earlier RegisterNode answered");
		return NULL;
	}
	if (request->node_id != NULL)
		node = model_node_find(model, id);
	if ((node != NULL && strcmp(node->name, request->name) != 0) ||
		(node == NULL && named != NULL && is_live(named))) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__ALREADY_EXISTS, "name",
			node != NULL ? "this node is known by another name: its state directory "
				       "belongs to it"
				     : "a live worker has this name: give another --name, or wait "
				       "until it is silent");
		return NULL;
	}
	if (node == NULL)
		node = named;
	if (node != NULL)
		return node;
	if (HASH_COUNT(model->nodes) >= manager->config.nodes_max) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
			"there are %u nodes already (MANAGER_NODES_MAX)",
			manager->config.nodes_max);
		return NULL;
	}
	node = model_node_add(model, request->node_id != NULL ? id : manager_new_id(manager, false),
		request->name);
	node->registered_ms = manager->now.wall_ms;
	return node;
}

/* Never below what is reserved: reservations stay within capacity at any instant. */
static void
set_capacity(struct manager *manager, struct node *node, const Davit__Resources *capacity)
{
	struct resources missing = node->account.reserved;

	node->account.capacity = capacity_of(manager, capacity);
	resources_subtract(&missing, &node->account.capacity);
	resources_add(&node->account.capacity, &missing);
}

static void
declare_traits(struct manager *manager, struct node *node,
	const Davit__RegisterNodeRequest *request)
{
	Davit__NodeTraits declared = DAVIT__NODE_TRAITS__INIT;

	declared.labels = request->labels;
	declared.n_labels = request->n_labels;
	declared.taints = request->taints;
	declared.n_taints = request->n_taints;
	declared.class_ = request->class_;
	if (!set_traits(node, &declared))
		return;
	claims_forget_node(manager, node);
	telling_traits_changed(manager, node);
}

static void
begin_session(struct manager *manager, struct node *node, const Davit__RegisterNodeRequest *request)
{
	assignments_end(manager, node, "a newer session of this node has begun");
	relay_node_lost(manager, node);
	node->session++;
	node->sent_version = 0;
	node->needs_complete = true;
	node->stats_seq = 0;
	node->leave_mono_ms = 0;
	set_capacity(manager, node, request->capacity);
	declare_traits(manager, node, request);
	set_engine(manager, node, request->engine);
	model_set_text(&node->address, request->address);
	model_set_text(&node->davit_version, request->davit_version);
	model_set_text(&node->instance, request->instance);
	batch_touch_node(manager, node);
	telling_node_changed(manager, node);
	waiting_node_changed(manager, node);
	nodes_execute_taints(manager, node);
}

void
nodes_register(struct manager *manager, struct rpc_call *call)
{
	const Davit__RegisterNodeRequest *request =
		(const Davit__RegisterNodeRequest *)call->request;
	Davit__RegisterNodeReply reply = DAVIT__REGISTER_NODE_REPLY__INIT;
	struct node *node;
	bool is_repeat;

	if (admission_refuse(manager, call, request))
		return;
	node = find_or_add(manager, call, request);
	if (node == NULL)
		return;
	is_repeat = request->instance != NULL && node->instance != NULL && is_live(node) &&
		    node->sent_version == 0 && strcmp(request->instance, node->instance) == 0;
	if (!is_repeat) {
		begin_session(manager, node, request);
		events_node(manager, node, "registered");
	}
	liveness_heard(manager, node);
	for (size_t i = 0; i < request->n_tasks; i++)
		lifecycle_report(manager, node, request->tasks[i]);
	reply.node_id = node->id_text;
	reply.session = node->session;
	reply.cluster_id = manager->cluster_id;
	reply.has_poll_ms = true;
	reply.poll_ms = manager->config.poll_ms;
	batch_answer(manager, call, &reply.base);
}

/* ---- nodes without a worker ---- */

static void
declare(struct manager *manager, struct node *node, const Davit__DeclareNodeRequest *request,
	const Davit__RegisterNodeRequest *as)
{
	if (request->capacity != NULL)
		set_capacity(manager, node, request->capacity);
	if (request->n_labels > 0 || !request->update)
		declare_traits(manager, node, as);
	if (request->engine != NULL || !request->update)
		set_engine(manager, node, request->engine);
	if (request->address != NULL)
		model_set_text(&node->address, request->address);
	if (!request->update)
		events_node(manager, node, "registered");
	batch_touch_node(manager, node);
	telling_node_changed(manager, node);
}

void
nodes_declare(struct manager *manager, struct rpc_call *call)
{
	const Davit__DeclareNodeRequest *request = (const Davit__DeclareNodeRequest *)call->request;
	Davit__RegisterNodeRequest as = DAVIT__REGISTER_NODE_REQUEST__INIT;
	Davit__Resources unknown = DAVIT__RESOURCES__INIT;
	Davit__DeclareNodeReply reply = DAVIT__DECLARE_NODE_REPLY__INIT;
	struct node *node;

	unknown.cpu_milli = unknown.memory_bytes = 1; /* only for the check */
	as.name = request->name;
	as.labels = request->labels;
	as.n_labels = request->n_labels;
	as.capacity = request->capacity != NULL ? request->capacity : &unknown;
	if (admission_refuse(manager, call, &as))
		return;
	node = model_node_by_name(&manager->model, request->name);
	if ((node == NULL) == request->update || (node != NULL && node->session > 0)) {
		batch_refuse(manager, call,
			node == NULL       ? DAVIT__REPLY__STATUS__NOT_FOUND
			: !request->update ? DAVIT__REPLY__STATUS__ALREADY_EXISTS
					   : DAVIT__REPLY__STATUS__FAILED_PRECONDITION,
			"name", node == NULL ? "no node '%s'" : "node '%s' is there already",
			request->name);
		return;
	}
	if (node == NULL)
		node = find_or_add(manager, call, &as);
	if (node == NULL)
		return;
	node->heard_ms = manager->now.wall_ms;
	if (!request->update || request->n_labels > 0 || request->capacity != NULL ||
		request->engine != NULL || request->address != NULL) {
		be_without_worker(node);
		declare(manager, node, request, &as);
	}
	reply.node = view_node(node, &manager->batch.arena);
	batch_answer(manager, call, &reply.base);
}

/* ---- sessions ---- */

/* The node of the present session, or NULL and the call was refused. */
static struct node *
find_session(struct manager *manager, struct rpc_call *call, const char *node_id, uint64_t session)
{
	struct node *node = NULL;
	struct id id;

	if (id_parse(node_id, &id))
		node = model_node_find(&manager->model, id);
	if (node == NULL || node->session != session) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "session",
			node == NULL ? "this node is not known: register"
				     : "this session is over: register again");
		return NULL;
	}
	return node;
}

void
nodes_heard(struct manager *manager, const Davit__PollRequest *poll)
{
	struct node *node = NULL;
	struct id id;

	if (id_parse(poll->node_id, &id))
		node = model_node_find(&manager->model, id);
	if (node != NULL && node->session == poll->session)
		liveness_heard(manager, node);
}

void
nodes_poll(struct manager *manager, struct rpc_call *call)
{
	const Davit__PollRequest *request = (const Davit__PollRequest *)call->request;
	struct node *node = find_session(manager, call, request->node_id, request->session);

	if (node == NULL)
		return;
	if (request->n_reports > MANAGER_REPORTS_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "reports",
			"a Poll carries at most %d reports (MANAGER_REPORTS_MAX)",
			MANAGER_REPORTS_MAX);
		return;
	}
	liveness_heard(manager, node);
	liveness_engine(manager, node,
		request->engine_trouble == NULL ? "" : request->engine_trouble);
	for (size_t i = 0; i < request->n_reports; i++)
		lifecycle_report(manager, node, request->reports[i]);
	assignments_poll(manager, node, call, request->n_reports > 0);
}

void
nodes_answer(struct manager *manager, struct rpc_call *call)
{
	const Davit__AnswerQueriesRequest *request =
		(const Davit__AnswerQueriesRequest *)call->request;
	struct node *node = find_session(manager, call, request->node_id, request->session);
	Davit__AnswerQueriesReply reply = DAVIT__ANSWER_QUERIES_REPLY__INIT;

	if (node == NULL)
		return;
	for (size_t i = 0; i < request->n_answers; i++)
		relay_answer(manager, node, request->answers[i]);
	batch_answer(manager, call, &reply.base);
}

void
nodes_leave(struct manager *manager, struct rpc_call *call)
{
	const Davit__LeaveNodeRequest *request = (const Davit__LeaveNodeRequest *)call->request;
	struct node *node = find_session(manager, call, request->node_id, request->session);
	Davit__LeaveNodeReply reply = DAVIT__LEAVE_NODE_REPLY__INIT;

	if (node == NULL)
		return;
	liveness_leave(manager, node,
		request->has_grace_ms ? request->grace_ms : (uint64_t)MANAGER_LEAVE_GRACE_MS);
	batch_answer(manager, call, &reply.base);
}

/* ---- clients ---- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp((*(Davit__Node *const *)a)->name, (*(Davit__Node *const *)b)->name);
}

void
nodes_list(struct manager *manager, struct rpc_call *call)
{
	struct arena *arena = &manager->batch.arena;
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;
	struct node *node, *next;

	reply.nodes = arena_array(arena, HASH_COUNT(manager->model.nodes), sizeof *reply.nodes);
	HASH_ITER(hh, manager->model.nodes, node, next)
	reply.nodes[reply.n_nodes++] = view_node(node, arena);
	if (reply.n_nodes > 0)
		qsort(reply.nodes, reply.n_nodes, sizeof(Davit__Node *), compare_names);
	batch_answer(manager, call, &reply.base);
}

struct node *
nodes_resolve(struct manager *manager, struct rpc_call *call, const char *text)
{
	struct node *node;
	struct err err = {0};

	if (model_node_resolve(&manager->model, text, &node, &err) == 0)
		return node;
	batch_refuse_err(manager, call, "node", &err);
	return NULL;
}

void
nodes_get(struct manager *manager, struct rpc_call *call)
{
	const Davit__GetNodeRequest *request = (const Davit__GetNodeRequest *)call->request;
	Davit__GetNodeReply reply = DAVIT__GET_NODE_REPLY__INIT;
	struct node *node = nodes_resolve(manager, call, request->node);

	if (node == NULL)
		return;
	reply.node = view_node(node, &manager->batch.arena);
	batch_answer(manager, call, &reply.base);
}

void
nodes_remove(struct manager *manager, struct rpc_call *call)
{
	const Davit__RemoveNodeRequest *request = (const Davit__RemoveNodeRequest *)call->request;
	Davit__RemoveNodeReply reply = DAVIT__REMOVE_NODE_REPLY__INIT;
	struct node *node = nodes_resolve(manager, call, request->node);
	struct task *next;

	if (node == NULL || nodes_refuse_version(manager, call, node,
				    request->has_if_version ? &request->if_version : NULL))
		return;
	if (is_live(node)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "node",
			"node '%s' is heard: stop its davit-worker first", node->name);
		return;
	}
	for (struct task *task = node->tasks; task != NULL; task = next) {
		next = task->node_next;
		if (!task_state_is_final(task->state))
			lifecycle_lose(manager, task, liveness_may_replace(task),
				"its node was removed from the cluster");
		lifecycle_forget_node(manager, task);
	}
	events_node(manager, node, "removed");
	assignments_leave(manager, node);
	relay_node_lost(manager, node);
	manager_chaos_forget(manager, node);
	claims_forget_node(manager, node);
	waiting_forget_node(manager, node);
	telling_node_removed(manager, node);
	batch_forget_node(manager, node);
	records_delete(manager, "node", node->id_text);
	model_node_remove(&manager->model, node);
	batch_answer(manager, call, &reply.base);
}
