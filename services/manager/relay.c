#include "services/manager/relay.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "services/manager/limits.h"
#include "services/manager/task_calls.h"
#include "services/manager/view.h"

enum { LOGS_BYTES_DEFAULT = 256 << 10, LOGS_BYTES_MAX = 1 << 20 };

/* One client's question to any number of nodes; answered when the last has spoken. */
struct gather {
	struct rpc_call *call;
	unsigned n_open;
	bool is_volumes;
	Davit__ListVolumesReply volumes;
	Davit__ListNetworksReply networks;
	struct arena arena;
};

struct query {
	uint64_t id;
	struct node *node;
	struct rpc_call *call; /* of logs; NULL: of a gather */
	struct gather *gather;
	struct id task_id;
	uint64_t until_mono_ms;
	bool is_asked; /* in relay.asked; else in node->queries */
	struct query *next;
	UT_hash_handle hh;
};

static struct query *
add_query(struct manager *manager, struct node *node, uint64_t wait_ms)
{
	struct query *query = xcalloc(1, sizeof *query);

	query->id = ++manager->relay.next_id;
	query->node = node;
	query->until_mono_ms = manager->now.mono_ms + wait_ms + MANAGER_QUERY_MARGIN_MS;
	query->next = node->queries;
	node->queries = query;
	manager->relay.n++;
	assignments_serve(manager, node);
	return query;
}

static void
free_query(struct manager *manager, struct query *query)
{
	struct query **link = &query->node->queries;

	if (query->is_asked) {
		HASH_DEL(manager->relay.asked, query);
	} else {
		while (*link != query)
			link = &(*link)->next;
		*link = query->next;
	}
	manager->relay.n--;
	free(query);
}

/* True if the call was refused. */
static bool
refuse_too_many(struct manager *manager, struct rpc_call *call)
{
	if (manager->relay.n < MANAGER_QUERIES_MAX)
		return false;
	batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
		"%d questions to workers are under way (MANAGER_QUERIES_MAX)", MANAGER_QUERIES_MAX);
	return true;
}

static bool
is_heard(const struct node *node)
{
	return node->state == DAVIT__NODE__STATE__READY ||
	       node->state == DAVIT__NODE__STATE__DEGRADED;
}

/* ---- logs ---- */

static void
answer_empty(struct manager *manager, struct rpc_call *call, const char *cursor, bool end)
{
	Davit__ReadLogsReply reply = DAVIT__READ_LOGS_REPLY__INIT;

	reply.cursor = (char *)(uintptr_t)cursor;
	reply.has_end = true;
	reply.end = end;
	batch_answer(manager, call, &reply.base);
}

/* No container yet, or none any more. */
static void
read_without_node(struct manager *manager, struct rpc_call *call, struct task *task)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;

	if (task_state_is_final(task->state))
		answer_empty(manager, call, request->cursor, true);
	else if (request->wait_ms > 0)
		relay_wait_for_start(manager, call, task);
	else
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "task",
			"the task has no container yet: %s",
			task->message != NULL ? task->message : "it is still being placed");
}

static void
expire_start_wait(struct manager *manager, struct wait *wait)
{
	struct task *task = wait->owner;
	const Davit__ReadLogsRequest *request;
	struct rpc_call *call;

	waits_unlink(&task->log_waits, wait);
	call = waits_end(manager, wait);
	request = (const Davit__ReadLogsRequest *)call->request;
	answer_empty(manager, call, request->cursor, false);
}

void
relay_wait_for_start(struct manager *manager, struct rpc_call *call, struct task *task)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;
	struct wait *wait = waits_add(manager, call, request->wait_ms, expire_start_wait, task);

	if (wait == NULL)
		return;
	wait->next = task->log_waits;
	task->log_waits = wait;
}

static bool
has_output(const struct task *task)
{
	return task->on_node && task->node != NULL &&
	       task->observed >= DAVIT__TASK_REPORT__OBSERVED__RUNNING &&
	       task->observed != DAVIT__TASK_REPORT__OBSERVED__REJECTED;
}

static void
read_from_node(struct manager *manager, struct rpc_call *call, struct task *task)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;
	struct query *query;

	if (!is_heard(task->node)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__UNAVAILABLE, "task",
			"node '%s' is silent: its logs cannot be read now", task->node->name);
		return;
	}
	if (refuse_too_many(manager, call))
		return;
	query = add_query(manager, task->node, request->wait_ms);
	query->call = call;
	query->task_id = task->id;
}

void
relay_logs(struct manager *manager, struct rpc_call *call)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;
	struct task *task = task_resolve(manager, call, request->namespace_, request->task, "task");

	if (task == NULL)
		return;
	if (request->max_bytes > LOGS_BYTES_MAX || request->wait_ms > RPC_WAIT_MAX_MS) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT,
			request->max_bytes > LOGS_BYTES_MAX ? "max_bytes" : "wait_ms",
			"at most %d bytes and %d ms", LOGS_BYTES_MAX, RPC_WAIT_MAX_MS);
		return;
	}
	if (has_output(task))
		read_from_node(manager, call, task);
	else
		read_without_node(manager, call, task);
}

void
relay_task_changed(struct manager *manager, struct task *task)
{
	struct wait *wait;

	if (!has_output(task) && !task_state_is_final(task->state))
		return;
	while ((wait = task->log_waits) != NULL) {
		struct rpc_call *call;

		task->log_waits = wait->next;
		call = waits_end(manager, wait);
		if (has_output(task))
			read_from_node(manager, call, task);
		else
			read_without_node(manager, call, task);
	}
}

/* ---- lists from many nodes ---- */

static void
finish_gather(struct manager *manager, struct gather *gather)
{
	batch_answer(manager, gather->call,
		gather->is_volumes ? &gather->volumes.base : &gather->networks.base);
	arena_fini(&gather->arena);
	free(gather);
}

static void
note_silent(struct gather *gather, const char *node_name)
{
	char *name = arena_strdup(&gather->arena, node_name);

	if (gather->is_volumes)
		gather->volumes.silent_nodes[gather->volumes.n_silent_nodes++] = name;
	else
		gather->networks.silent_nodes[gather->networks.n_silent_nodes++] = name;
}

static void
begin_gather(struct manager *manager, struct rpc_call *call, const char *only, bool is_volumes)
{
	struct node *one = NULL, *node, *next;
	struct gather *gather;
	struct err err = {0};
	size_t n_nodes = HASH_COUNT(manager->model.nodes);

	if (only != NULL && model_node_resolve(&manager->model, only, &one, &err) < 0) {
		batch_refuse_err(manager, call, "node", &err);
		return;
	}
	if (refuse_too_many(manager, call))
		return;
	gather = xcalloc(1, sizeof *gather);
	gather->call = call;
	gather->is_volumes = is_volumes;
	davit__list_volumes_reply__init(&gather->volumes);
	davit__list_networks_reply__init(&gather->networks);
	gather->volumes.silent_nodes = gather->networks.silent_nodes =
		arena_array(&gather->arena, n_nodes, sizeof(char *));
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (one != NULL && node != one)
			continue;
		if (!is_heard(node)) {
			note_silent(gather, node->name);
			continue;
		}
		add_query(manager, node, 0)->gather = gather;
		gather->n_open++;
	}
	if (gather->n_open == 0)
		finish_gather(manager, gather);
}

void
relay_volumes(struct manager *manager, struct rpc_call *call)
{
	begin_gather(manager, call, ((const Davit__ListVolumesRequest *)call->request)->node, true);
}

void
relay_networks(struct manager *manager, struct rpc_call *call)
{
	begin_gather(manager, call, ((const Davit__ListNetworksRequest *)call->request)->node,
		false);
}

/* Copies the array of pointers and what matters of each, for the answer is freed soon. */
static void
gather_volumes(struct gather *gather, const struct node *node, const Davit__QueryAnswer *answer)
{
	Davit__ListVolumesReply *reply = &gather->volumes;
	Davit__Volume **all = arena_array(&gather->arena, reply->n_volumes + answer->n_volumes,
		sizeof(Davit__Volume *));

	if (reply->n_volumes > 0)
		memcpy(all, reply->volumes, reply->n_volumes * sizeof(Davit__Volume *));
	reply->volumes = all;
	for (size_t i = 0; i < answer->n_volumes; i++) {
		const Davit__Volume *from = answer->volumes[i];
		Davit__Volume *volume = arena_alloc(&gather->arena, sizeof *volume);

		davit__volume__init(volume);
		volume->name = arena_strdup(&gather->arena, from->name);
		volume->driver = arena_strdup(&gather->arena, from->driver);
		volume->mountpoint = arena_strdup(&gather->arena, from->mountpoint);
		volume->node_name = arena_strdup(&gather->arena, node->name);
		all[reply->n_volumes++] = volume;
	}
}

static void
gather_networks(struct gather *gather, const struct node *node, const Davit__QueryAnswer *answer)
{
	Davit__ListNetworksReply *reply = &gather->networks;
	Davit__Network **all = arena_array(&gather->arena, reply->n_networks + answer->n_networks,
		sizeof(Davit__Network *));

	if (reply->n_networks > 0)
		memcpy(all, reply->networks, reply->n_networks * sizeof(Davit__Network *));
	reply->networks = all;
	for (size_t i = 0; i < answer->n_networks; i++) {
		const Davit__Network *from = answer->networks[i];
		Davit__Network *network = arena_alloc(&gather->arena, sizeof *network);

		davit__network__init(network);
		network->name = arena_strdup(&gather->arena, from->name);
		network->id = arena_strdup(&gather->arena, from->id);
		network->driver = arena_strdup(&gather->arena, from->driver);
		network->scope = arena_strdup(&gather->arena, from->scope);
		network->node_name = arena_strdup(&gather->arena, node->name);
		all[reply->n_networks++] = network;
	}
}

static void
close_gather_query(struct manager *manager, struct gather *gather)
{
	if (--gather->n_open == 0)
		finish_gather(manager, gather);
}

/* ---- the way down and back ---- */

static Davit__LogsQuery *
make_logs_query(const struct query *query, struct arena *arena)
{
	const Davit__ReadLogsRequest *request =
		(const Davit__ReadLogsRequest *)query->call->request;
	Davit__LogsQuery *logs = arena_alloc(arena, sizeof *logs);

	davit__logs_query__init(logs);
	logs->task_id = view_id(query->task_id, arena);
	logs->cursor = request->cursor;
	logs->has_wait_ms = logs->has_max_bytes = true;
	logs->wait_ms = request->wait_ms;
	logs->max_bytes = request->max_bytes > 0 ? request->max_bytes : LOGS_BYTES_DEFAULT;
	logs->has_tail = request->has_tail;
	logs->tail = request->tail;
	logs->has_since_ms = request->has_since_ms;
	logs->since_ms = request->since_ms;
	logs->has_timestamps = request->has_timestamps;
	logs->timestamps = request->timestamps;
	return logs;
}

void
relay_hand_over(struct manager *manager, struct node *node, Davit__PollReply *reply)
{
	struct arena *arena = &manager->batch.arena;
	struct query *query;
	size_t n = 0;

	for (query = node->queries; query != NULL; query = query->next)
		n++;
	reply->queries = arena_array(arena, n, sizeof *reply->queries);
	while ((query = node->queries) != NULL) {
		Davit__Query *message = arena_alloc(arena, sizeof *message);

		davit__query__init(message);
		message->id = query->id;
		if (query->call != NULL) {
			message->logs = make_logs_query(query, arena);
		} else {
			message->has_volumes = message->volumes = query->gather->is_volumes;
			message->has_networks = message->networks = !query->gather->is_volumes;
		}
		reply->queries[reply->n_queries++] = message;
		node->queries = query->next;
		query->is_asked = true;
		HASH_ADD(hh, manager->relay.asked, id, sizeof query->id, query);
	}
}

void
relay_answer(struct manager *manager, struct node *node, const Davit__QueryAnswer *answer)
{
	struct query *query;

	HASH_FIND(hh, manager->relay.asked, &answer->id, sizeof answer->id, query);
	if (query == NULL || query->node != node)
		return; /* too late */
	if (query->gather != NULL) {
		if (answer->error != NULL)
			note_silent(query->gather, node->name);
		else if (query->gather->is_volumes)
			gather_volumes(query->gather, node, answer);
		else
			gather_networks(query->gather, node, answer);
		close_gather_query(manager, query->gather);
	} else if (answer->error != NULL || answer->logs == NULL) {
		batch_refuse(manager, query->call, DAVIT__REPLY__STATUS__UNAVAILABLE, "task",
			"node '%s': %s", node->name,
			answer->error != NULL ? answer->error : "no logs in its answer");
	} else {
		batch_answer(manager, query->call, &answer->logs->base);
	}
	free_query(manager, query);
}

static void
give_up(struct manager *manager, struct query *query, const char *why)
{
	if (query->gather != NULL) {
		note_silent(query->gather, query->node->name);
		close_gather_query(manager, query->gather);
	} else {
		batch_refuse(manager, query->call, DAVIT__REPLY__STATUS__UNAVAILABLE, "task",
			"node '%s' %s", query->node->name, why);
	}
	free_query(manager, query);
}

void
relay_node_lost(struct manager *manager, struct node *node)
{
	struct query *query, *next;

	while (node->queries != NULL)
		give_up(manager, node->queries, "is silent");
	HASH_ITER(hh, manager->relay.asked, query, next)
	{
		if (query->node == node)
			give_up(manager, query, "is silent");
	}
}

void
relay_tick(struct manager *manager)
{
	struct query *query, *next;

	HASH_ITER(hh, manager->relay.asked, query, next)
	{
		if (query->until_mono_ms <= manager->now.mono_ms)
			give_up(manager, query, "did not answer in time");
	}
}

static void
abort_query(struct query *query, const char *reason)
{
	struct gather *gather = query->gather;
	struct rpc_call *call = query->call;

	if (gather != NULL) {
		if (--gather->n_open > 0)
			return;
		call = gather->call;
		arena_fini(&gather->arena);
		free(gather);
	}
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "%s", reason);
	rpc_call_send(call);
}

void
relay_abort(struct manager *manager, const char *reason)
{
	struct query *query, *next;
	struct node *node, *next_node;

	HASH_ITER(hh, manager->model.nodes, node, next_node)
	{
		while ((query = node->queries) != NULL) {
			abort_query(query, reason);
			free_query(manager, query);
		}
	}
	HASH_ITER(hh, manager->relay.asked, query, next)
	{
		abort_query(query, reason);
		free_query(manager, query);
	}
}
