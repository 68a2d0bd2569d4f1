/* The calls about pods, and the routes of the contract. */
#include "services/gateway/contracts/pods.h"

#include <string.h>

#include "services/gateway/contracts/contracts.h"
#include "services/gateway/foreign_json.h"
#include "services/gateway/tasks_walk.h"

/* One request about one pod. */
struct pod_ask {
	const char *namespace_name, *name;
	json_t *pods; /* the errand's, while they are gathered */
	Davit__TaskSpec *specs[PODS_CONTAINERS_MAX];
	size_t n_specs, n_submitted;
	char *ids[PODS_CONTAINERS_MAX]; /* of the tasks that it is made of */
	size_t n_ids, n_gone;
	unsigned status; /* of the answer */
	errand_step_fn *removed;
	void (*found)(struct errand *errand, struct pod_ask *ask, json_t *pod);
};

static bool
has_namespace(const struct http_request *request)
{
	return strncmp(http_path(request), "/api/v1/namespaces/", 19) == 0;
}

/* Of a URL that ends in a name, or of one that does not. */
static struct pod_ask *
new_ask(struct errand *errand, bool has_name)
{
	struct pod_ask *ask = arena_alloc(errand_arena(errand), sizeof *ask);
	const struct http_request *request = errand_request(errand);
	bool is_spaced = has_namespace(request);

	*ask = (struct pod_ask){.status = 200,
		.namespace_name = is_spaced ? http_param(request, 0) : "default",
		.name = has_name ? http_param(request, is_spaced) : ""};
	return ask;
}

/* ---- finding one ---- */

static bool
gather(const Davit__Task *task, void *arg)
{
	struct pod_ask *ask = arg;

	pods_add(ask->pods, task);
	return true;
}

static bool
gather_one(const Davit__Task *task, void *arg)
{
	struct pod_ask *ask = arg;

	if (task->desired == DAVIT__TASK__DESIRED__REMOVE || task->replaced_by != NULL)
		return true;
	if (ask->n_ids == PODS_CONTAINERS_MAX)
		return false;
	ask->ids[ask->n_ids++] = (char *)(uintptr_t)task->id;
	pods_add(ask->pods, task);
	return true;
}

/* ids are the page's until here. */
static void
keep_ids(struct errand *errand, struct pod_ask *ask)
{
	for (size_t i = 0; i < ask->n_ids; i++)
		ask->ids[i] = arena_strdup(errand_arena(errand), ask->ids[i]);
}

static void
tell_found(struct errand *errand, struct pod_ask *ask)
{
	json_t *items = pods_finish(ask->pods), *pod = json_incref(json_array_get(items, 0));

	json_decref(items);
	ask->found(errand, ask, pod);
}

static void
on_task(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__GetTaskReply *reply = (const void *)result->response;
	struct pod_ask *ask = arg;

	if (reply == NULL && result->status != DAVIT__REPLY__STATUS__NOT_FOUND) {
		pods_refuse_call(errand, "Pod", result);
		return;
	}
	if (reply != NULL)
		(void)gather_one(reply->task, ask);
	keep_ids(errand, ask);
	tell_found(errand, ask);
}

/* No pod of that name: a task may be called so. */
static void
on_gathered(struct errand *errand, const struct rpc_result *result, void *arg)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	struct pod_ask *ask = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK) {
		pods_refuse_call(errand, "Pod", result);
	} else if (ask->n_ids > 0) {
		keep_ids(errand, ask);
		tell_found(errand, ask);
	} else {
		request.task = (char *)(uintptr_t)ask->name;
		request.namespace_ = (char *)(uintptr_t)ask->namespace_name;
		errand_ask(errand, "GetTask", &request.base, 0, on_task, ask);
	}
}

/* found is told NULL when there is none. */
static void
find(struct errand *errand, struct pod_ask *ask)
{
	struct tasks_filter filter = {.namespace_name = ask->namespace_name,
		.label = POD_LABEL,
		.value = ask->name};

	ask->n_ids = 0;
	ask->pods = errand_keep(errand, json_object());
	tasks_walk(errand, &filter, gather_one, on_gathered, ask);
}

/* ---- GET ---- */

static void
show(struct errand *errand, struct pod_ask *ask, json_t *pod)
{
	if (pod == NULL)
		pods_refuse_missing(errand, "Pod", ask->namespace_name, ask->name);
	else
		pods_reply(errand, ask->status, pod);
}

static void
on_get(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	struct pod_ask *ask = new_ask(errand, true);

	ask->found = show;
	find(errand, ask);
}

static void
on_listed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const struct pod_ask *ask = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK)
		pods_refuse_call(errand, "Pod", result);
	else
		pods_reply(errand, 200,
			json_pack("{s:s,s:s,s:o}", "apiVersion", "v1", "kind", "PodList", "items",
				pods_finish(ask->pods)));
}

static void
list(struct errand *errand, const struct tasks_filter *filter)
{
	struct pod_ask *ask = arena_alloc(errand_arena(errand), sizeof *ask);

	*ask = (struct pod_ask){.pods = errand_keep(errand, json_object())};
	tasks_walk(errand, filter, gather, on_listed, ask);
}

static void
on_list(struct http_request *request, void *arg)
{
	const struct tasks_filter all = {.state = DAVIT__TASK__STATE__NONE};

	list(errand_begin(request, arg), &all);
}

static void
on_list_namespace(struct http_request *request, void *arg)
{
	struct tasks_filter filter = {.namespace_name = http_param(request, 0)};

	list(errand_begin(request, arg), &filter);
}

static void
on_node_known(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__GetNodeReply *reply = (const void *)result->response;
	struct tasks_filter filter = {.state = DAVIT__TASK__STATE__NONE};

	(void)arg;
	if (reply == NULL) {
		pods_refuse_call(errand, "Node", result);
		return;
	}
	filter.node = reply->node->name;
	list(errand, &filter);
}

static void
on_list_node(struct http_request *request, void *arg)
{
	Davit__GetNodeRequest ask = DAVIT__GET_NODE_REQUEST__INIT;

	ask.node = (char *)(uintptr_t)http_param(request, 0);
	errand_ask(errand_begin(request, arg), "GetNode", &ask.base, 0, on_node_known, NULL);
}

/* ---- POST ---- */

static void submit_next(struct errand *errand, struct pod_ask *ask);

struct failure {
	const char *message, *field;
	Davit__Reply__Status status;
};

/* What was submitted of it already goes again. */
static void
on_taken_back(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const struct failure *failure = arg;
	struct rpc_result first = {.status = failure->status,
		.message = failure->message,
		.field = failure->field,
		.note = ""};

	(void)result;
	pods_refuse_call(errand, "Pod", &first);
}

static void
on_submitted(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__SubmitTasksReply *reply = (const void *)result->response;
	Davit__RemoveTasksRequest back = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	struct arena *arena = errand_arena(errand);
	struct pod_ask *ask = arg;
	struct failure *failure;

	if (reply != NULL) {
		ask->ids[ask->n_submitted++] = arena_strdup(arena, reply->task_ids[0]);
		submit_next(errand, ask);
	} else if (ask->n_submitted == 0) {
		pods_refuse_call(errand, "Pod", result);
	} else {
		failure = arena_alloc(arena, sizeof *failure);
		*failure = (struct failure){arena_strdup(arena, result->message),
			arena_strdup(arena, result->field), result->status};
		back.tasks = ask->ids;
		back.n_tasks = ask->n_submitted;
		back.has_force = back.force = true;
		errand_ask(errand, "RemoveTasks", &back.base, 0, on_taken_back, failure);
	}
}

static void
submit_next(struct errand *errand, struct pod_ask *ask)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;

	if (ask->n_submitted == ask->n_specs) {
		ask->found = show;
		find(errand, ask);
		return;
	}
	request.spec = ask->specs[ask->n_submitted];
	errand_ask(errand, "SubmitTasks", &request.base, 0, on_submitted, ask);
}

static void
create(struct errand *errand, struct pod_ask *ask, json_t *pod)
{
	if (pod == NULL) {
		submit_next(errand, ask);
		return;
	}
	json_decref(pod);
	pods_refuse(errand, 409, "RESOURCE_EXISTS", "Pod already exists", "error",
		arena_printf(errand_arena(errand), "resource already exists: Pod/%s/%s",
			ask->namespace_name, ask->name));
}

/* Reads the body into the ask; false: it was refused. name "": the body says it. */
static bool
read_pod(struct errand *errand, struct pod_ask *ask)
{
	const json_t *body = pods_body(errand), *metadata;
	struct pods_check check = {0};
	struct pods_specs specs;
	const char *name, *space;
	struct err err;

	if (body == NULL)
		return false;
	metadata = foreign_get(body, "metadata");
	if (metadata == NULL || foreign_text(metadata, "name", &name, &err) < 0)
		name = "";
	if (metadata == NULL || foreign_text(metadata, "namespace", &space, &err) < 0)
		space = "";
	if (space[0] != '\0' && !has_namespace(errand_request(errand)))
		ask->namespace_name = space;
	if (space[0] != '\0' && strcmp(space, ask->namespace_name) != 0) {
		pods_refuse(errand, 400, "NAMESPACE_MISMATCH",
			"Namespace in the body differs from the URL's", NULL, NULL);
		return false;
	}
	if (ask->name[0] != '\0' && strcmp(name, ask->name) != 0) {
		pods_refuse(errand, 400, "NAME_MISMATCH", "metadata.name differs from the URL's",
			NULL, NULL);
		return false;
	}
	ask->name = arena_strdup(errand_arena(errand), name);
	ask->namespace_name = arena_strdup(errand_arena(errand), ask->namespace_name);
	pods_read(body, ask->namespace_name, ask->name, &specs, &check, errand_arena(errand));
	ask->n_specs = specs.n;
	memcpy(ask->specs, specs.items, sizeof ask->specs);
	return pods_check_passes(&check, errand, "Pod");
}

static void
on_create(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	struct pod_ask *ask = new_ask(errand, false);

	ask->status = 201;
	ask->found = create;
	if (read_pod(errand, ask))
		find(errand, ask);
}

/* ---- what a pod is made of is stopped, waited for and removed ---- */

static void wait_next(struct errand *errand, struct pod_ask *ask);

static void
on_ended(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct pod_ask *ask = arg;

	(void)result; /* whatever became of it: it has to go */
	ask->n_gone++;
	wait_next(errand, ask);
}

static void
wait_next(struct errand *errand, struct pod_ask *ask)
{
	Davit__WaitTaskRequest wait = DAVIT__WAIT_TASK_REQUEST__INIT;
	Davit__RemoveTasksRequest remove = DAVIT__REMOVE_TASKS_REQUEST__INIT;

	if (ask->n_gone == ask->n_ids) {
		remove.tasks = ask->ids;
		remove.n_tasks = ask->n_ids;
		remove.has_force = remove.force = true;
		errand_ask(errand, "RemoveTasks", &remove.base, 0, ask->removed, ask);
		return;
	}
	wait.task = ask->ids[ask->n_gone];
	wait.has_wait_ms = true;
	wait.wait_ms = TASKS_END_MS;
	errand_ask(errand, "WaitTask", &wait.base, wait.wait_ms, on_ended, ask);
}

static void
on_stopped(struct errand *errand, const struct rpc_result *result, void *arg)
{
	if (result->response == NULL)
		pods_refuse_call(errand, "Pod", result);
	else
		wait_next(errand, arg);
}

static void
remove_all(struct errand *errand, struct pod_ask *ask, errand_step_fn *next)
{
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;

	ask->removed = next;
	request.tasks = ask->ids;
	request.n_tasks = ask->n_ids;
	errand_ask(errand, "StopTasks", &request.base, 0, on_stopped, ask);
}

/* ---- PUT: a task never changes, so the pod is made anew ---- */

static void
on_old_removed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	if (result->response == NULL)
		pods_refuse_call(errand, "Pod", result);
	else
		submit_next(errand, arg);
}

static void
replace(struct errand *errand, struct pod_ask *ask, json_t *pod)
{
	json_decref(pod);
	if (pod == NULL)
		pods_refuse_missing(errand, "Pod", ask->namespace_name, ask->name);
	else
		remove_all(errand, ask, on_old_removed);
}

static void
on_put(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	struct pod_ask *ask = new_ask(errand, true);

	ask->found = replace;
	if (read_pod(errand, ask))
		find(errand, ask);
}

/* What an agent says of a pod is taken note of by answering: our workers know better. */
static void
on_put_status(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	struct pod_ask *ask = new_ask(errand, true);

	ask->found = show;
	if (pods_body(errand) != NULL)
		find(errand, ask);
}

/* ---- DELETE ---- */

static void
on_deleted(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)arg;
	if (result->response == NULL)
		pods_refuse_call(errand, "Pod", result);
	else
		pods_message(errand, "Pod deleted successfully");
}

static void
delete_found(struct errand *errand, struct pod_ask *ask, json_t *pod)
{
	json_decref(pod);
	if (pod == NULL)
		pods_refuse_missing(errand, "Pod", ask->namespace_name, ask->name);
	else
		remove_all(errand, ask, on_deleted);
}

static void
on_delete(struct http_request *request, void *arg)
{
	struct errand *errand = errand_begin(request, arg);
	struct pod_ask *ask = new_ask(errand, true);

	ask->found = delete_found;
	find(errand, ask);
}

const struct http_route contract_pods[] = {
	{"GET", "/health", pods_on_health},
	{"*", "/health", pods_on_unknown},
	{"POST", "/api/v1/pods", on_create},
	{"GET", "/api/v1/pods", on_list},
	{"GET", "/api/v1/pods/{name}", on_get},
	{"PUT", "/api/v1/pods/{name}", on_put},
	{"DELETE", "/api/v1/pods/{name}", on_delete},
	{"POST", "/api/v1/namespaces/{ns}/pods", on_create},
	{"GET", "/api/v1/namespaces/{ns}/pods", on_list_namespace},
	{"GET", "/api/v1/namespaces/{ns}/pods/{name}", on_get},
	{"PUT", "/api/v1/namespaces/{ns}/pods/{name}", on_put},
	{"DELETE", "/api/v1/namespaces/{ns}/pods/{name}", on_delete},
	{"PUT", "/api/v1/namespaces/{ns}/pods/{name}/status", on_put_status},
	{"POST", "/api/v1/nodes", pods_on_node_create},
	{"GET", "/api/v1/nodes", pods_on_nodes},
	{"GET", "/api/v1/nodes/{name}", pods_on_node},
	{"PUT", "/api/v1/nodes/{name}", pods_on_node_update},
	{"DELETE", "/api/v1/nodes/{name}", pods_on_node_delete},
	{"POST", "/api/v1/nodes/{name}/heartbeat", pods_on_heartbeat},
	{"GET", "/api/v1/nodes/{name}/pods", on_list_node},
	{"*", "/api/v1/services", pods_on_later},
	{"*", "/api/v1/services/{rest*}", pods_on_later},
	{"*", "/api/v1/deployments", pods_on_later},
	{"*", "/api/v1/deployments/{rest*}", pods_on_later},
	{"*", "/api/v1/namespaces/{ns}/services", pods_on_later},
	{"*", "/api/v1/namespaces/{ns}/services/{rest*}", pods_on_later},
	{"*", "/api/v1/namespaces/{ns}/deployments", pods_on_later},
	{"*", "/api/v1/namespaces/{ns}/deployments/{rest*}", pods_on_later},
	{"*", "/api/v1/{rest*}", pods_on_unknown},
	{NULL, NULL, NULL},
};
