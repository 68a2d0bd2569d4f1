#include "services/manager/relay.h"

#include <string.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "services/manager/relay_impl.h"

bool
relay_is_heard(const struct node *node)
{
	return node->state == DAVIT__NODE__STATE__READY ||
	       node->state == DAVIT__NODE__STATE__DEGRADED;
}

bool
relay_refuse_too_many(struct manager *manager, struct rpc_call *call, size_t n_bytes)
{
	if (manager->relay.n >= MANAGER_QUERIES_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
			"%d questions to workers are under way (MANAGER_QUERIES_MAX)",
			MANAGER_QUERIES_MAX);
		return true;
	}
	if (n_bytes > 0 && manager->relay.n_bytes + n_bytes > MANAGER_QUERY_BYTES_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
			"%d MiB are on their way to workers (MANAGER_QUERY_BYTES_MAX)",
			MANAGER_QUERY_BYTES_MAX >> 20);
		return true;
	}
	return false;
}

struct query *
relay_add(struct manager *manager, struct node *node, const struct query_kind *kind,
	uint64_t wait_ms, size_t n_bytes)
{
	struct relay *relay = &manager->relay;
	struct query *query = xcalloc(1, sizeof *query);

	if (relay->next_id == 0)
		manager->ports.random(manager->ports.arg, &relay->next_id, sizeof relay->next_id);
	query->id = ++relay->next_id;
	query->kind = kind;
	query->node = node;
	query->n_bytes = n_bytes;
	query->until_mono_ms = manager->now.mono_ms + wait_ms + MANAGER_QUERY_MARGIN_MS;
	DL_APPEND(node->queries, query);
	relay->n++;
	relay->n_bytes += n_bytes;
	assignments_serve(manager, node);
	return query;
}

static void
free_query(struct manager *manager, struct query *query)
{
	if (query->is_asked)
		HASH_DEL(manager->relay.asked, query);
	else
		DL_DELETE(query->node->queries, query);
	manager->relay.n--;
	manager->relay.n_bytes -= query->n_bytes;
	free(query->channel);
	free(query);
}

/* ---- the way down ---- */

void
relay_hand_over(struct manager *manager, struct node *node, Davit__PollReply *reply)
{
	struct arena *arena = &manager->batch.arena;
	struct query *query;
	size_t n = 0, n_bytes = 0;

	DL_FOREACH (node->queries, query)
		n++;
	reply->queries = arena_array(arena, n, sizeof *reply->queries);
	while ((query = node->queries) != NULL) {
		Davit__Query *message;

		n_bytes += query->n_bytes;
		if (n_bytes > MANAGER_HANDOVER_BYTES_MAX && reply->n_queries > 0)
			break; /* with the next Poll */
		message = arena_alloc(arena, sizeof *message);
		davit__query__init(message);
		message->id = query->id;
		query->kind->ask(query, message, arena);
		reply->queries[reply->n_queries++] = message;
		DL_DELETE(node->queries, query);
		query->is_asked = true;
		HASH_ADD(hh, manager->relay.asked, id, sizeof query->id, query);
	}
}

/* ---- the way back ---- */

/* The worker's own status, if it is one that it may give. */
static Davit__Reply__Status
status_of(const Davit__QueryAnswer *answer)
{
	if (!answer->has_status || answer->status == DAVIT__REPLY__STATUS__OK ||
		!protobuf_c_enum_descriptor_get_value(&davit__reply__status__descriptor,
			(int)answer->status))
		return DAVIT__REPLY__STATUS__UNAVAILABLE;
	return answer->status;
}

static void
answer_call(struct manager *manager, struct query *query, const Davit__QueryAnswer *answer)
{
	const ProtobufCMessage *reply = answer->error == NULL ? query->kind->pick(answer) : NULL;

	if (reply != NULL && query->kind->heard != NULL)
		query->kind->heard(manager, query, reply);
	if (reply != NULL)
		batch_answer(manager, query->call, reply);
	else
		batch_refuse(manager, query->call, status_of(answer), query->kind->field,
			"node '%s': %s", query->node->name,
			answer->error != NULL ? answer->error
					      : "its answer is to another question");
}

void
relay_answer(struct manager *manager, struct node *node, const Davit__QueryAnswer *answer)
{
	struct query *query;

	HASH_FIND(hh, manager->relay.asked, &answer->id, sizeof answer->id, query);
	if (query == NULL || query->node != node)
		return; /* too late */
	if (query->gather != NULL)
		query->kind->gathered(manager, query, answer);
	else
		answer_call(manager, query, answer);
	free_query(manager, query);
}

static void
give_up(struct manager *manager, struct query *query, const char *why)
{
	if (query->gather != NULL)
		query->kind->gathered(manager, query, NULL);
	else
		batch_refuse(manager, query->call, DAVIT__REPLY__STATUS__UNAVAILABLE,
			query->kind->field, "node '%s' %s", query->node->name, why);
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
	struct rpc_call *call =
		query->gather != NULL ? relay_gather_abort(query->gather) : query->call;

	if (call == NULL)
		return;
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
