/* Lists from many nodes, joined. */
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/relay_impl.h"

enum { IMAGES_MAX = 64 }; /* named in one RemoveImages */

/* One client's question to any number of nodes; answered when the last has spoken. */
struct gather {
	struct rpc_call *call;
	unsigned n_open;
	struct arena arena;
	ProtobufCMessage *reply; /* in the arena, as all that it points to */
	size_t *n_silent;        /* in the reply */
	char **silent;
};

static void
free_gather(struct gather *gather)
{
	arena_fini(&gather->arena);
	free(gather);
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
finish(struct manager *manager, struct gather *gather)
{
	batch_answer(manager, gather->call, gather->reply);
	free_gather(gather);
}

static void
note_silent(struct gather *gather, const char *node_name)
{
	gather->silent[(*gather->n_silent)++] = arena_strdup(&gather->arena, node_name);
}

static void
spoken(struct manager *manager, struct gather *gather)
{
	if (--gather->n_open == 0)
		finish(manager, gather);
}

/* ---- what a node says ---- */

static void *
arena_get(void *arg, size_t size)
{
	return arena_alloc(arg, size);
}

static void
arena_leave(void *arg, void *data)
{
	(void)arg;
	(void)data; /* with the arena */
}

/* A copy of each message, behind those that are there: the answer is freed soon. */
static void *
append(struct gather *gather, void *list, size_t *n, void *more, size_t n_more)
{
	ProtobufCAllocator allocator = {arena_get, arena_leave, &gather->arena};
	ProtobufCMessage **all =
		arena_array(&gather->arena, *n + n_more + 1, sizeof(ProtobufCMessage *));
	ProtobufCMessage **from = more;
	struct buf packed = {0};

	if (*n > 0)
		memcpy(all, list, *n * sizeof *all);
	for (size_t i = 0; i < n_more; i++) {
		size_t size = protobuf_c_message_get_packed_size(from[i]);

		buf_reset(&packed);
		(void)protobuf_c_message_pack(from[i], buf_reserve(&packed, size + 1));
		all[(*n)++] = protobuf_c_message_unpack(from[i]->descriptor, &allocator, size,
			packed.data);
	}
	buf_fini(&packed);
	return all;
}

static bool
has_failed(struct query *query, const Davit__QueryAnswer *answer)
{
	if (answer != NULL && answer->error == NULL)
		return false;
	note_silent(query->gather, query->node->name);
	return true;
}

static void
take_volumes(struct manager *manager, struct query *query, const Davit__QueryAnswer *answer)
{
	struct gather *gather = query->gather;
	Davit__ListVolumesReply *reply = (Davit__ListVolumesReply *)gather->reply;
	size_t i = reply->n_volumes;

	if (!has_failed(query, answer)) {
		reply->volumes = append(gather, reply->volumes, &reply->n_volumes, answer->volumes,
			answer->n_volumes);
		for (; i < reply->n_volumes; i++)
			reply->volumes[i]->node_name =
				arena_strdup(&gather->arena, query->node->name);
	}
	spoken(manager, gather);
}

static void
take_networks(struct manager *manager, struct query *query, const Davit__QueryAnswer *answer)
{
	struct gather *gather = query->gather;
	Davit__ListNetworksReply *reply = (Davit__ListNetworksReply *)gather->reply;
	size_t i = reply->n_networks;

	if (!has_failed(query, answer)) {
		reply->networks = append(gather, reply->networks, &reply->n_networks,
			answer->networks, answer->n_networks);
		for (; i < reply->n_networks; i++)
			reply->networks[i]->node_name =
				arena_strdup(&gather->arena, query->node->name);
	}
	spoken(manager, gather);
}

static void
take_images(struct manager *manager, struct query *query, const Davit__QueryAnswer *answer)
{
	struct gather *gather = query->gather;
	Davit__ListImagesReply *reply = (Davit__ListImagesReply *)gather->reply;
	size_t i = reply->n_images;

	if (!has_failed(query, answer)) {
		reply->images = append(gather, reply->images, &reply->n_images, answer->images,
			answer->n_images);
		for (; i < reply->n_images; i++)
			reply->images[i]->node_name =
				arena_strdup(&gather->arena, query->node->name);
	}
	spoken(manager, gather);
}

static void
take_removals(struct manager *manager, struct query *query, const Davit__QueryAnswer *answer)
{
	struct gather *gather = query->gather;
	Davit__RemoveImagesReply *reply = (Davit__RemoveImagesReply *)gather->reply;
	size_t i = reply->n_results;

	if (!has_failed(query, answer)) {
		reply->results = append(gather, reply->results, &reply->n_results,
			answer->image_results, answer->n_image_results);
		for (; i < reply->n_results; i++)
			reply->results[i]->node_name =
				arena_strdup(&gather->arena, query->node->name);
	}
	spoken(manager, gather);
}

/* ---- what a node is asked ---- */

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

static void
ask_images(const struct query *query, Davit__Query *message, struct arena *arena)
{
	(void)query;
	(void)arena;
	message->has_images = message->images = true;
}

static void
ask_removal(const struct query *query, Davit__Query *message, struct arena *arena)
{
	(void)arena;
	message->remove_images =
		(Davit__RemoveImagesRequest *)(uintptr_t)query->gather->call->request;
}

static const struct query_kind volumes_kind = {.ask = ask_volumes, .gathered = take_volumes};
static const struct query_kind networks_kind = {.ask = ask_networks, .gathered = take_networks};
static const struct query_kind images_kind = {.ask = ask_images, .gathered = take_images};
static const struct query_kind removal_kind = {.ask = ask_removal, .gathered = take_removals};

/* ---- all ---- */

/* A gather with an empty reply of that type; NULL: the call was refused. */
static struct gather *
begin(struct manager *manager, struct rpc_call *call, const ProtobufCMessageDescriptor *type)
{
	struct gather *gather;

	if (relay_refuse_too_many(manager, call, 0))
		return NULL;
	gather = xcalloc(1, sizeof *gather);
	gather->call = call;
	gather->reply = arena_alloc(&gather->arena, type->sizeof_message);
	protobuf_c_message_init(type, gather->reply);
	gather->silent =
		arena_array(&gather->arena, HASH_COUNT(manager->model.nodes) + 1, sizeof(char *));
	return gather;
}

/* Asks one node or all. wait_ms: for which they may take their time. */
static void
ask_nodes(struct manager *manager, struct gather *gather, const char *only,
	const struct query_kind *kind, uint64_t wait_ms)
{
	struct node *one = NULL, *node, *next;
	struct err err = {0};

	if (only != NULL && model_node_resolve(&manager->model, only, &one, &err) < 0) {
		batch_refuse_err(manager, gather->call, "node", &err);
		free_gather(gather);
		return;
	}
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (one != NULL && node != one)
			continue;
		if (!relay_is_heard(node)) {
			note_silent(gather, node->name);
			continue;
		}
		relay_add(manager, node, kind, wait_ms, 0)->gather = gather;
		gather->n_open++;
	}
	if (gather->n_open == 0)
		finish(manager, gather);
}

void
relay_volumes(struct manager *manager, struct rpc_call *call)
{
	const Davit__ListVolumesRequest *request = (const Davit__ListVolumesRequest *)call->request;
	struct gather *gather = begin(manager, call, &davit__list_volumes_reply__descriptor);
	Davit__ListVolumesReply *reply;

	if (gather == NULL)
		return;
	reply = (Davit__ListVolumesReply *)gather->reply;
	reply->silent_nodes = gather->silent;
	gather->n_silent = &reply->n_silent_nodes;
	ask_nodes(manager, gather, request->node, &volumes_kind, 0);
}

void
relay_networks(struct manager *manager, struct rpc_call *call)
{
	const Davit__ListNetworksRequest *request =
		(const Davit__ListNetworksRequest *)call->request;
	struct gather *gather = begin(manager, call, &davit__list_networks_reply__descriptor);
	Davit__ListNetworksReply *reply;

	if (gather == NULL)
		return;
	reply = (Davit__ListNetworksReply *)gather->reply;
	reply->silent_nodes = gather->silent;
	gather->n_silent = &reply->n_silent_nodes;
	ask_nodes(manager, gather, request->node, &networks_kind, 0);
}

void
relay_images(struct manager *manager, struct rpc_call *call)
{
	const Davit__ListImagesRequest *request = (const Davit__ListImagesRequest *)call->request;
	struct gather *gather = begin(manager, call, &davit__list_images_reply__descriptor);
	Davit__ListImagesReply *reply;

	if (gather == NULL)
		return;
	reply = (Davit__ListImagesReply *)gather->reply;
	reply->silent_nodes = gather->silent;
	gather->n_silent = &reply->n_silent_nodes;
	ask_nodes(manager, gather, request->node, &images_kind, 0);
}

void
relay_remove_images(struct manager *manager, struct rpc_call *call)
{
	const Davit__RemoveImagesRequest *request =
		(const Davit__RemoveImagesRequest *)call->request;
	struct gather *gather;
	Davit__RemoveImagesReply *reply;

	if (request->n_images > IMAGES_MAX) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "images",
			"at most %d", IMAGES_MAX);
		return;
	}
	gather = begin(manager, call, &davit__remove_images_reply__descriptor);
	if (gather == NULL)
		return;
	reply = (Davit__RemoveImagesReply *)gather->reply;
	reply->silent_nodes = gather->silent;
	gather->n_silent = &reply->n_silent_nodes;
	ask_nodes(manager, gather, request->node, &removal_kind, RPC_WAIT_MAX_MS / 2);
}
