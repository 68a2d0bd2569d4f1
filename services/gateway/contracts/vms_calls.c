/* Making, listing and removing VMs, and running commands in them, at both tiers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/model/vm.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/contracts/vms_impl.h"
#include "services/gateway/exec_run.h"
#include "services/gateway/foreign_json.h"
#include "services/gateway/launch.h"
#include "services/gateway/tasks_walk.h"

enum { ID_DIGITS = 12 }; /* of the engine's id, as its own lists have it */

void
vms_refuse(struct errand *errand, unsigned status, const char *why)
{
	errand_reply_json(errand, status, json_pack("{s:s}", "error", why));
}

void
vms_refuse_call(struct errand *errand, const struct rpc_result *result)
{
	vms_refuse(errand, result->status == DAVIT__REPLY__STATUS__UNAVAILABLE ? 503 : 500,
		result->message);
}

const json_t *
vms_body(struct errand *errand)
{
	json_t *json = NULL;
	struct err err = {0};
	size_t size;
	const void *body = http_body(errand_request(errand), &size);

	if (foreign_parse(body, size, &json, &err) < 0) {
		vms_refuse(errand, 400, err.text);
		return NULL;
	}
	return errand_keep(errand, json);
}

/* ---- the VM that a request is about ---- */

bool
vms_read_target(struct errand *errand, const json_t *body, struct vms_ask *ask, const char *key,
	const char *missing)
{
	const char *server, *name;
	struct err err = {0};

	if (foreign_text(body, "server", &server, &err) < 0 ||
		foreign_text(body, key, &name, &err) < 0) {
		vms_refuse(errand, 400, err.text);
		return false;
	}
	if (name[0] == '\0') {
		vms_refuse(errand, 400, missing);
		return false;
	}
	ask->name = name;
	ask->server = server[0] == '\0' ? -1 : vms_server_find(ask->vms, server);
	/* A worker that no server stands for is in the list by its own name. */
	if (server[0] != '\0' && ask->server < 0)
		ask->node = server;
	return true;
}

static void
on_found(struct errand *errand, const struct rpc_result *result, const Davit__Task *task, void *arg)
{
	struct vms_ask *ask = arg;
	bool is_there = task != NULL && vm_is(task) && task->state < DAVIT__TASK__STATE__COMPLETED;

	if (task == NULL && result->status != DAVIT__REPLY__STATUS__NOT_FOUND)
		vms_refuse_call(errand, result);
	else if (!is_there ||
		 (ask->node != NULL &&
			 (task->node_name == NULL || strcmp(task->node_name, ask->node) != 0)))
		vms_refuse(errand, 404, ask->missing);
	else
		ask->found(errand, ask, task);
}

static void
on_nodes_to_find(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct vms_ask *ask = arg;
	struct vms_places places;

	if (result->response == NULL) {
		vms_refuse_call(errand, result);
		return;
	}
	vms_places_find(ask->vms, (const void *)result->response, &places);
	if (places.nodes[ask->server] == NULL) {
		vms_refuse(errand, 404, ask->missing);
		return;
	}
	ask->node = arena_strdup(errand_arena(errand), places.nodes[ask->server]->name);
	tasks_find(errand, ask->name, on_found, ask);
}

void
vms_find(struct errand *errand, struct vms_ask *ask)
{
	Davit__ListNodesRequest nodes = DAVIT__LIST_NODES_REQUEST__INIT;

	if (ask->server >= 0)
		errand_ask(errand, "ListNodes", &nodes.base, 0, on_nodes_to_find, ask);
	else
		tasks_find(errand, ask->name, on_found, ask);
}

void
vms_find_named(struct errand *errand, struct http_request *request, struct vms_ask *ask)
{
	const json_t *body;

	if (ask->server >= 0) {
		ask->name = http_param(request, 0);
		vms_find(errand, ask);
		return;
	}
	body = vms_body(errand);
	if (body != NULL && vms_read_target(errand, body, ask, "name", "Missing server or name"))
		vms_find(errand, ask);
}

static struct vms_ask *
new_ask(struct errand *errand, const struct vms_door *door)
{
	struct vms_ask *ask = arena_alloc(errand_arena(errand), sizeof *ask);

	*ask = (struct vms_ask){.vms = door->vms, .server = door->server, .missing = "Not found"};
	return ask;
}

/* ---- /create_vm ---- */

struct creation {
	struct vms *vms;
	int server; /* -1: the next one's turn */
	struct vm_wish wish;
	char password[VM_PASSWORD_SIZE];
	const char *name, *host, *port;
};

static void
on_ready(struct errand *errand, const struct exec_result *result, void *arg)
{
	const struct creation *creation = arg;

	/* An image without a shell, or with another sshd: what it can do is for its user to know.
	 */
	if (result->end == EXEC_DONE && result->exit_code == 1)
		vms_refuse(errand, 500, "the VM runs, but its sshd did not begin to listen");
	else
		errand_reply_json(errand, 201,
			json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", creation->name, "password",
				creation->wish.password, "ssh_host", creation->host, "ssh_port",
				creation->port, "status", "created", "username", VM_USER));
}

static void
on_launched(struct errand *errand, const struct launch_result *result, void *arg)
{
	struct creation *creation = arg;
	struct exec_wish ready = {.command = vm_ready_command};

	if (result->end == LAUNCH_REFUSED &&
		result->status == DAVIT__REPLY__STATUS__ALREADY_EXISTS) {
		vms_refuse(errand, 400, "VM already exists");
	} else if (result->end == LAUNCH_REFUSED) {
		vms_refuse(errand,
			result->status == DAVIT__REPLY__STATUS__UNAVAILABLE        ? 503
			: result->status == DAVIT__REPLY__STATUS__INVALID_ARGUMENT ? 400
										   : 500,
			result->why);
	} else if (result->end != LAUNCH_RUNS) {
		vms_refuse(errand, 500, result->why);
	} else {
		creation->name = arena_strdup(errand_arena(errand), result->task->name);
		creation->port = arena_printf(errand_arena(errand), "%u", vm_port(result->task));
		ready.task = result->task->id;
		exec_run(errand, &ready, on_ready, creation);
	}
}

/* The next server that a worker stands behind; -1: there is none. */
static int
take_turn(struct vms *vms, const struct vms_places *places)
{
	for (unsigned i = 0; i < vms->n_servers; i++) {
		unsigned server = vms->turn++ % vms->n_servers;

		if (places->nodes[server] != NULL)
			return (int)server;
	}
	return -1;
}

static void
on_nodes_to_create(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct creation *creation = arg;
	struct arena *arena = errand_arena(errand);
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	const Davit__Node *node;
	struct vms_places places;
	struct err err = {0};

	if (result->response == NULL) {
		vms_refuse_call(errand, result);
		return;
	}
	vms_places_find(creation->vms, (const void *)result->response, &places);
	if (creation->server < 0)
		creation->server = take_turn(creation->vms, &places);
	node = creation->server < 0 ? NULL : places.nodes[creation->server];
	if (node == NULL) {
		vms_refuse(errand, 503, "no worker stands behind this server yet");
		return;
	}
	creation->wish.node = node->name;
	creation->host = arena_strdup(arena, node->address == NULL ? "127.0.0.1" : node->address);
	if (vm_spec_fill(&creation->wish, &spec, arena, &err) < 0)
		vms_refuse(errand, 400, err.text);
	else
		launch_start(errand, &spec, on_launched, creation);
}

static void
set_password(struct creation *creation)
{
	uint8_t random[VM_PASSWORD_SIZE - 1] = {0};

	arc4random_buf(random, sizeof random);
	arc4random_buf(creation->wish.salt, sizeof creation->wish.salt);
	vm_password_make(random, creation->password);
	creation->wish.password =
		creation->vms->password != NULL ? creation->vms->password : creation->password;
}

static void
on_create(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	struct creation *creation = arena_alloc(errand_arena(errand), sizeof *creation);
	Davit__ListNodesRequest nodes = DAVIT__LIST_NODES_REQUEST__INIT;
	const json_t *body = vms_body(errand);
	const char *name, *key, *image;
	struct err err = {0};

	if (body == NULL)
		return;
	if (foreign_text(body, "name", &name, &err) < 0 ||
		foreign_text(body, "public_key", &key, &err) < 0 ||
		foreign_text(body, "image", &image, &err) < 0) {
		vms_refuse(errand, 400, err.text);
		return;
	}
	*creation = (struct creation){.vms = door->vms, .server = door->server};
	creation->wish.name = name[0] != '\0' ? name
					      : arena_printf(errand_arena(errand), "vm_%llu",
							(unsigned long long)clock_wall_ms() / 1000);
	creation->wish.public_key = key[0] == '\0' ? NULL : key;
	creation->wish.image = image[0] != '\0' ? image : door->vms->image;
	set_password(creation);
	errand_ask(errand, "ListNodes", &nodes.base, 0, on_nodes_to_create, creation);
}

/* ---- /list_vms, /list_all ---- */

/* One that has ended is stale: nobody sees it any more, nor one that is being removed. */
static json_t *
show(const Davit__Task *task)
{
	const char *id = task->container_id == NULL ? task->id : task->container_id;

	return task->state >= DAVIT__TASK__STATE__COMPLETED ||
			       task->desired == DAVIT__TASK__DESIRED__REMOVE
		       ? NULL
		       : json_pack("{s:s%,s:s,s:s}", "id", id, (size_t)ID_DIGITS, "name",
				 task->name, "status", vm_status(task));
}

static void
on_nodes_to_list(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const struct vms_door *door = arg;
	struct tasks_filter filter = {.label = VM_LABEL};
	struct vms_places places;

	if (result->response == NULL) {
		vms_refuse_call(errand, result);
		return;
	}
	vms_places_find(door->vms, (const void *)result->response, &places);
	if (places.nodes[door->server] == NULL) {
		errand_reply_json(errand, 200, json_array());
		return;
	}
	filter.node = places.nodes[door->server]->name;
	tasks_list(errand, &filter, show, vms_refuse_call);
}

static void
on_list(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	Davit__ListNodesRequest nodes = DAVIT__LIST_NODES_REQUEST__INIT;

	errand_ask(errand_begin(request, door->vms->site), "ListNodes", &nodes.base, 0,
		on_nodes_to_list, arg);
}

struct overview {
	struct vms *vms;
	json_t *servers; /* the errand's: an object by URL, and behind those by worker */
	const char *names[VMS_SERVERS_MAX];
};

static bool
add_to_overview(const Davit__Task *task, void *arg)
{
	struct overview *overview = arg;
	const char *node = task->node_name == NULL ? "" : task->node_name, *key = node;
	json_t *vm = node[0] == '\0' ? NULL : show(task);

	if (vm == NULL)
		return true;
	for (unsigned i = 0; i < overview->vms->n_servers; i++)
		if (overview->names[i] != NULL && strcmp(overview->names[i], node) == 0)
			key = overview->vms->servers[i].url;
	if (json_object_get(overview->servers, key) == NULL)
		(void)json_object_set_new(overview->servers, key, json_array());
	(void)json_array_append_new(json_object_get(overview->servers, key), vm);
	return true;
}

/* Each server is an object of its own; one that cannot be asked has a text for a list. */
static void
on_overview(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct overview *overview = arg;
	json_t *all = json_array(), *value;
	char error[512];
	const char *key;

	(void)snprintf(error, sizeof error, "Error: %.400s", result->message);
	json_object_foreach(overview->servers, key, value)
	{
		(void)json_array_append_new(all, result->status == DAVIT__REPLY__STATUS__OK
							 ? json_pack("{s:O}", key, value)
							 : json_pack("{s:s}", key, error));
	}
	errand_reply_json(errand, 200, all);
}

static void
on_nodes_to_overview(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct overview *overview = arg;
	struct tasks_filter filter = {.label = VM_LABEL};
	struct vms_places places;

	for (unsigned i = 0; i < overview->vms->n_servers; i++)
		(void)json_object_set_new(overview->servers, overview->vms->servers[i].url,
			json_array());
	if (result->response == NULL) {
		on_overview(errand, result, overview);
		return;
	}
	vms_places_find(overview->vms, (const void *)result->response, &places);
	for (unsigned i = 0; i < overview->vms->n_servers; i++)
		if (places.nodes[i] != NULL)
			overview->names[i] =
				arena_strdup(errand_arena(errand), places.nodes[i]->name);
	tasks_walk(errand, &filter, add_to_overview, on_overview, overview);
}

static void
on_list_all(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	struct overview *overview = arena_alloc(errand_arena(errand), sizeof *overview);
	Davit__ListNodesRequest nodes = DAVIT__LIST_NODES_REQUEST__INIT;

	*overview =
		(struct overview){.vms = door->vms, .servers = errand_keep(errand, json_object())};
	errand_ask(errand, "ListNodes", &nodes.base, 0, on_nodes_to_overview, overview);
}

/* ---- /delete_vm ---- */

static void
on_removed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const struct vms_ask *ask = arg;

	if (result->status == DAVIT__REPLY__STATUS__OK)
		errand_reply_json(errand, 200,
			json_pack("{s:s,s:s}", "name", ask->text, "status", "deleted"));
	else
		vms_refuse_call(errand, result);
}

/* When it is told its name is free, and nothing of it runs. */
static void
remove_vm(struct errand *errand, struct vms_ask *ask, const Davit__Task *task)
{
	ask->text = arena_strdup(errand_arena(errand), task->name);
	tasks_end(errand, task, on_removed, ask);
}

static void
on_delete(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	struct vms_ask *ask = new_ask(errand, door);

	ask->found = remove_vm;
	vms_find_named(errand, request, ask);
}

/* ---- /exec_vm ---- */

static void
on_run(struct errand *errand, const struct exec_result *result, void *arg)
{
	(void)arg;
	if (result->end == EXEC_DONE)
		errand_reply(errand, 200, "text/plain; charset=utf-8",
			result->output->size > 0 ? (const void *)result->output->data : "",
			result->output->size);
	else
		vms_refuse(errand, result->status == DAVIT__REPLY__STATUS__UNAVAILABLE ? 503 : 500,
			result->why);
}

static void
run_command(struct errand *errand, struct vms_ask *ask, const Davit__Task *task)
{
	const char *command[] = {"/bin/sh", "-c", ask->text, NULL};
	struct exec_wish wish = {task->id, command, ask->limit_ms};

	exec_run(errand, &wish, on_run, ask);
}

static void
on_exec(struct http_request *request, void *arg)
{
	const struct vms_door *door = arg;
	struct errand *errand = errand_begin(request, door->vms->site);
	struct vms_ask *ask = new_ask(errand, door);
	const json_t *body = vms_body(errand);
	struct err err = {0};

	if (body == NULL)
		return;
	ask->found = run_command;
	ask->missing = "VM not found";
	if (foreign_text(body, "cmd", &ask->text, &err) < 0) {
		vms_refuse(errand, 400, err.text);
		return;
	}
	if (strlen(ask->text) > VMS_CMD_MAX) {
		vms_refuse(errand, 400, "'cmd': at most 100 KiB (VMS_CMD_MAX)");
		return;
	}
	ask->text = ask->text[0] == '\0' ? "/bin/sh" : ask->text;
	if (door->server >= 0)
		ask->name = http_param(request, 0);
	else if (!vms_read_target(errand, body, ask, "name", "Missing server or name"))
		return;
	ask->limit_ms = door->server >= 0 ? 0 : VMS_EXEC_MS;
	vms_find(errand, ask);
}

const struct http_route vms_balancer_routes[] = {
	{"POST", "/create_vm", on_create},
	{"GET", "/list_all", on_list_all},
	{"POST", "/delete_vm", on_delete},
	{"POST", "/exec_vm", on_exec},
	{"POST", "/shell_session", vms_on_shell_session},
	{"POST", "/shell_input", vms_on_shell_input},
	{"POST", "/shell_output", vms_on_shell_output},
	{"POST", "/shell_close", vms_on_shell_close},
	{NULL, NULL, NULL},
};

const struct http_route vms_server_routes[] = {
	{"POST", "/create_vm", on_create},
	{"GET", "/list_vms", on_list},
	{"DELETE", "/delete_vm/{name}", on_delete},
	{"POST", "/exec_vm/{name}", on_exec},
	{"POST", "/shell_session/{name}", vms_on_shell_session},
	{"POST", "/shell_input/{id}", vms_on_shell_input},
	{"GET", "/shell_output/{id}", vms_on_shell_output},
	{"POST", "/shell_close/{id}", vms_on_shell_close},
	{NULL, NULL, NULL},
};
