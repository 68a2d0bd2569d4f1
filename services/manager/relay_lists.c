#include <string.h>

#include "common/base/mem.h"
#include "services/manager/relay_impl.h"

/* One client's question to any number of nodes; answered when the last has spoken. */
struct gather {
	struct rpc_call *call;
	unsigned n_open;
	bool is_volumes;
	Davit__ListVolumesReply volumes;
	Davit__ListNetworksReply networks;
	struct arena arena;
};

static void
free_gather(struct gather *gather)
{
	arena_fini(&gather->arena);
	free(gather);
}

static void
finish_gather(struct manager *manager, struct gather *gather)
{
	batch_answer(manager, gather->call,
		gather->is_volumes ? &gather->volumes.base : &gather->networks.base);
	free_gather(gather);
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
gathered(struct manager *manager, struct query *query, const Davit__QueryAnswer *answer)
{
	struct gather *gather = query->gather;

	if (answer == NULL || answer->error != NULL)
		note_silent(gather, query->node->name);
	else if (gather->is_volumes)
		gather_volumes(gather, query->node, answer);
	else
		gather_networks(gather, query->node, answer);
	if (--gather->n_open == 0)
		finish_gather(manager, gather);
}

struct rpc_call *
relay_gather_abort(struct gather *gather)
{
	struct rpc_call *call = gather->call;

	if (--gather->n_open > 0)
		return NULL;
	free_gather(gather);
	return call;
}

static void
ask_volumes(const struct query *query, Davit__Query *message, struct arena *arena)
{
	(void)query;
	(void)arena;
	message->has_volumes = message->volumes = true;
}

static void
ask_networks(const struct query *query, Davit__Query *message, struct arena *arena)
{
	(void)query;
	(void)arena;
	message->has_networks = message->networks = true;
}

static const struct query_kind volumes_kind = {.ask = ask_volumes, .gathered = gathered};
static const struct query_kind networks_kind = {.ask = ask_networks, .gathered = gathered};

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
	if (relay_refuse_too_many(manager, call, 0))
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
		if (!relay_is_heard(node)) {
			note_silent(gather, node->name);
			continue;
		}
		relay_add(manager, node, is_volumes ? &volumes_kind : &networks_kind, 0, 0)
			->gather = gather;
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
