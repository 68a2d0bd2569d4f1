/* The calls about nodes. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "services/gateway/contracts/pods.h"
#include "services/gateway/foreign_json.h"

/* ---- to JSON ---- */

static json_t *
amounts(const Davit__Resources *resources)
{
	char cpu[32], memory[32];
	uint64_t milli = resources == NULL ? 0 : resources->cpu_milli;
	uint64_t bytes = resources == NULL ? 0 : resources->memory_bytes;

	(void)snprintf(cpu, sizeof cpu, milli % 1000 == 0 ? "%llu" : "%llum",
		(unsigned long long)(milli % 1000 == 0 ? milli / 1000 : milli));
	(void)snprintf(memory, sizeof memory, bytes % 1024 == 0 ? "%lluKi" : "%llu",
		(unsigned long long)(bytes % 1024 == 0 ? bytes / 1024 : bytes));
	return json_pack("{s:s,s:s}", "cpu", cpu, "memory", memory);
}

/* A worker's poll is its heartbeat; a node without one has those that come here. */
static json_t *
condition_of(const Davit__Node *node)
{
	const char *status = "Unknown", *reason = "NodeStatusNeverUpdated", *message = "";
	char heard[FOREIGN_TIME_SIZE];
	bool is_fresh = node->heard_ms + PODS_NODE_TIMEOUT_MS > clock_wall_ms();

	if (node->session > 0 ? node->state == DAVIT__NODE__STATE__READY
			      : node->heard_ms > 0 && is_fresh) {
		status = "True";
		reason = "NodeReady";
		message = "Node is ready";
	} else if (node->session > 0 || node->heard_ms > 0) {
		status = "False";
		reason = "NodeNotReady";
		message = node->message == NULL ? "" : node->message;
	}
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "Ready", "status", status,
		"lastHeartbeatTime", foreign_time(node->heard_ms, heard), "reason", reason,
		"message", message);
}

static json_t *
labels_of(const Davit__Node *node)
{
	json_t *labels = json_object();

	for (size_t i = 0; i < node->n_labels; i++)
		(void)json_object_set_new(labels, node->labels[i]->key,
			json_string(node->labels[i]->value == NULL ? "" : node->labels[i]->value));
	return labels;
}

static const char *
text_or_none(const char *text)
{
	return text == NULL ? "" : text;
}

static json_t *
node_of(const Davit__Node *node)
{
	static const Davit__EngineInfo none = DAVIT__ENGINE_INFO__INIT;
	const Davit__EngineInfo *engine = node->engine == NULL ? &none : node->engine;
	bool takes_pods = node->state == DAVIT__NODE__STATE__READY && !node->draining;
	char created[FOREIGN_TIME_SIZE], updated[FOREIGN_TIME_SIZE];
	json_t *addresses = json_pack("[{s:s,s:s}]", "type", "Hostname", "address", node->name);

	if (node->address != NULL)
		(void)json_array_append_new(addresses,
			json_pack("{s:s,s:s}", "type", "InternalIP", "address", node->address));
	return json_pack("{s:s,s:s,s:{s:s,s:o,s:s,s:s,s:s},s:{s:b},s:{s:o,s:o,s:s,s:[o],s:o,s:{s:s,"
			 "s:s,s:s,s:s,s:s}}}",
		"apiVersion", "v1", "kind", "Node", "metadata", "name", node->name, "labels",
		labels_of(node), "uid", node->id, "createdAt",
		foreign_time(node->registered_ms, created), "updatedAt",
		foreign_time(node->heard_ms > 0 ? node->heard_ms : node->registered_ms, updated),
		"spec", "unschedulable", !takes_pods, "status", "capacity", amounts(node->capacity),
		"allocatable", amounts(node->capacity), "phase", takes_pods ? "Running" : "Pending",
		"conditions", condition_of(node), "addresses", addresses, "nodeInfo",
		"kernelVersion", text_or_none(engine->kernel), "osImage", text_or_none(engine->os),
		"containerRuntimeVersion", text_or_none(engine->version), "architecture",
		text_or_none(engine->arch), "operatingSystem", "linux");
}

/* ---- GET, DELETE ---- */

static void
on_nodes(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__ListNodesReply *reply = (const void *)result->response;
	json_t *items;

	(void)arg;
	if (reply == NULL) {
		pods_refuse_call(errand, "Node", result);
		return;
	}
	items = json_array();
	for (size_t i = 0; i < reply->n_nodes; i++)
		(void)json_array_append_new(items, node_of(reply->nodes[i]));
	pods_reply(errand, 200,
		json_pack("{s:s,s:s,s:o}", "apiVersion", "v1", "kind", "NodeList", "items", items));
}

void
pods_on_nodes(struct http_request *request, void *arg)
{
	Davit__ListNodesRequest ask = DAVIT__LIST_NODES_REQUEST__INIT;

	errand_ask(errand_begin(request, arg), "ListNodes", &ask.base, 0, on_nodes, NULL);
}

static void
refuse(struct errand *errand, const struct rpc_result *result)
{
	if (result->status == DAVIT__REPLY__STATUS__NOT_FOUND)
		pods_refuse_missing(errand, "Node", NULL, http_param(errand_request(errand), 0));
	else
		pods_refuse_call(errand, "Node", result);
}

static void
on_node(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__GetNodeReply *reply = (const void *)result->response;

	(void)arg;
	if (reply == NULL)
		refuse(errand, result);
	else
		pods_reply(errand, 200, node_of(reply->node));
}

void
pods_on_node(struct http_request *request, void *arg)
{
	Davit__GetNodeRequest ask = DAVIT__GET_NODE_REQUEST__INIT;

	ask.node = (char *)(uintptr_t)http_param(request, 0);
	errand_ask(errand_begin(request, arg), "GetNode", &ask.base, 0, on_node, NULL);
}

static void
on_removed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)arg;
	if (result->response == NULL)
		refuse(errand, result);
	else
		pods_message(errand, "Node deleted successfully");
}

void
pods_on_node_delete(struct http_request *request, void *arg)
{
	Davit__RemoveNodeRequest ask = DAVIT__REMOVE_NODE_REQUEST__INIT;

	ask.node = (char *)(uintptr_t)http_param(request, 0);
	errand_ask(errand_begin(request, arg), "RemoveNode", &ask.base, 0, on_removed, NULL);
}

/* ---- POST, PUT, heartbeats ---- */

static const json_t *
object_in(const json_t *object, const char *key)
{
	const json_t *found = object == NULL ? NULL : foreign_get(object, key);

	return json_is_object(found) ? found : NULL;
}

static char *
text_in(const json_t *object, const char *key)
{
	const char *text = "";
	struct err err;

	if (object == NULL || foreign_text(object, key, &text, &err) < 0 || text[0] == '\0')
		return NULL;
	return (char *)(uintptr_t)text;
}

/* What can be given away, or else what is there; both of cpu and memory, or nothing. */
static Davit__Resources *
read_capacity(const json_t *status, struct pods_check *check, struct arena *arena)
{
	const json_t *amount = object_in(status, "allocatable");
	Davit__Resources *resources = arena_alloc(arena, sizeof *resources);
	const char *cpu, *memory;

	if (amount == NULL)
		amount = object_in(status, "capacity");
	cpu = text_in(amount, "cpu");
	memory = text_in(amount, "memory");
	davit__resources__init(resources);
	resources->has_cpu_milli = resources->has_memory_bytes = true;
	if (cpu != NULL && !pods_parse_cpu(cpu, &resources->cpu_milli))
		pods_check_add(check, "status.capacity.cpu", "must be like 4 or 3500m");
	if (memory != NULL && !pods_parse_memory(memory, &resources->memory_bytes))
		pods_check_add(check, "status.capacity.memory", "must be like 8Gi");
	return resources->cpu_milli > 0 && resources->memory_bytes > 0 ? resources : NULL;
}

static Davit__EngineInfo *
read_info(const json_t *status, struct arena *arena)
{
	const json_t *info = object_in(status, "nodeInfo");
	Davit__EngineInfo *engine = arena_alloc(arena, sizeof *engine);

	davit__engine_info__init(engine);
	engine->kernel = text_in(info, "kernelVersion");
	engine->os = text_in(info, "osImage");
	engine->version = text_in(info, "containerRuntimeVersion");
	engine->arch = text_in(info, "architecture");
	return info == NULL ? NULL : engine;
}

static char *
read_address(const json_t *status)
{
	const json_t *list = status == NULL ? NULL : foreign_get(status, "addresses");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const char *type = json_is_object(item) ? text_in(item, "type") : NULL;

		if (type != NULL && strcmp(type, "InternalIP") == 0)
			return text_in(item, "address");
	}
	return NULL;
}

static void
read_status(const json_t *status, Davit__DeclareNodeRequest *request, struct pods_check *check,
	struct arena *arena)
{
	if (status == NULL)
		return;
	request->capacity = read_capacity(status, check, arena);
	request->engine = read_info(status, arena);
	request->address = read_address(status);
}

/* The list of the labels; *ret_n is how many. */
static Davit__StringEntry **
read_labels(const json_t *metadata, size_t *ret_n, struct pods_check *check, struct arena *arena)
{
	json_t *labels = (json_t *)(uintptr_t)object_in(metadata, "labels"), *value;
	Davit__StringEntry **list = arena_array(arena, json_object_size(labels), sizeof *list);
	const char *key;

	*ret_n = 0;
	json_object_foreach(labels, key, value)
	{
		Davit__StringEntry *entry = arena_alloc(arena, sizeof *entry);

		davit__string_entry__init(entry);
		entry->key = (char *)(uintptr_t)key;
		entry->value = (char *)(uintptr_t)json_string_value(value);
		if (entry->value == NULL)
			pods_check_add(check, "metadata.labels", "values must be strings");
		list[(*ret_n)++] = entry;
	}
	return list;
}

static void
on_created(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__DeclareNodeReply *reply = (const void *)result->response;

	(void)arg;
	if (reply == NULL)
		pods_refuse_call(errand, "Node", result);
	else
		pods_reply(errand, 201, node_of(reply->node));
}

void
pods_on_node_create(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	Davit__DeclareNodeRequest ask = DAVIT__DECLARE_NODE_REQUEST__INIT;
	const json_t *body = pods_body(errand), *metadata;
	struct pods_check check = {0};
	char *name;

	if (body == NULL)
		return;
	metadata = object_in(body, "metadata");
	name = text_in(metadata, "name");
	ask.name = name == NULL ? (char *)(uintptr_t) "" : name;
	pods_check_name(&check, "metadata.name", ask.name);
	ask.labels = read_labels(metadata, &ask.n_labels, &check, errand_arena(errand));
	read_status(object_in(body, "status"), &ask, &check, errand_arena(errand));
	if (pods_check_passes(&check, errand, "Node"))
		errand_ask(errand, "DeclareNode", &ask.base, 0, on_created, NULL);
}

static void
on_updated(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__UpdateNodeReply *reply = (const void *)result->response;

	(void)arg;
	if (reply == NULL)
		refuse(errand, result);
	else
		pods_reply(errand, 200, node_of(reply->node));
}

/* Of PUT only what an operator may wish: labels, and whether pods come here. */
void
pods_on_node_update(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	Davit__UpdateNodeRequest ask = DAVIT__UPDATE_NODE_REQUEST__INIT;
	const json_t *body = pods_body(errand), *unschedulable;
	const char *name;
	struct pods_check check = {0};

	if (body == NULL)
		return;
	name = text_in(object_in(body, "metadata"), "name");
	if (name == NULL || strcmp(name, http_param(request, 0)) != 0) {
		pods_refuse(errand, 400, "NAME_MISMATCH", "metadata.name differs from the URL's",
			NULL, NULL);
		return;
	}
	ask.node = (char *)(uintptr_t)http_param(request, 0);
	ask.labels = read_labels(object_in(body, "metadata"), &ask.n_labels, &check,
		errand_arena(errand));
	unschedulable = object_in(body, "spec") == NULL
				? NULL
				: foreign_get(object_in(body, "spec"), "unschedulable");
	ask.has_draining = unschedulable != NULL;
	ask.draining = json_is_true(unschedulable);
	if (pods_check_passes(&check, errand, "Node"))
		errand_ask(errand, "UpdateNode", &ask.base, 0, on_updated, NULL);
}

static void
on_heartbeat(struct errand *errand, const struct rpc_result *result, void *arg)
{
	char now[FOREIGN_TIME_SIZE];

	(void)arg;
	/* A worker speaks for this one: that is its heartbeat. */
	if (result->response != NULL || result->status == DAVIT__REPLY__STATUS__FAILED_PRECONDITION)
		pods_reply(errand, 200,
			json_pack("{s:s,s:s}", "message", "Node heartbeat updated successfully",
				"timestamp", foreign_time(clock_wall_ms(), now)));
	else
		refuse(errand, result);
}

void
pods_on_heartbeat(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	Davit__DeclareNodeRequest ask = DAVIT__DECLARE_NODE_REQUEST__INIT;
	struct pods_check check = {0};
	const json_t *status = NULL;
	size_t size;

	(void)http_body(request, &size);
	if (size > 0 && (status = pods_body(errand)) == NULL)
		return;
	ask.name = (char *)(uintptr_t)http_param(request, 0);
	ask.has_update = ask.update = true;
	read_status(status, &ask, &check, errand_arena(errand));
	if (pods_check_passes(&check, errand, "Node"))
		errand_ask(errand, "DeclareNode", &ask.base, 0, on_heartbeat, NULL);
}
