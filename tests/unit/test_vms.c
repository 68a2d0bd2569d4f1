/* The contract of the mini cloud against a scripted manager; the rest is in tests/e2e/vms.bats. */
#include "services/gateway/contracts/vms.h"

#include <errno.h>
#include <unistd.h>

#include "common/model/vm.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

struct scene {
	struct gateway_stage stage;
	struct vms *vms;
};

static char *
text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static void
open_scene(struct scene *scene)
{
	static const struct http_route *const none[] = {NULL};
	static char any[] = "http://127.0.0.1:0", named[] = "http://127.0.0.1:0=n3";
	static char *items[] = {any, named, any};
	const struct option_list servers = {items, 3};
	struct vms_options options = {.listen = any, .servers = &servers, .password = "root"};
	struct err err = {0};

	gateway_stage_open(&scene->stage, none);
	CHECK_OK(vms_open(&scene->stage.peer.loop, scene->stage.site, &options, &scene->vms, &err),
		&err);
}

static void
close_scene(struct scene *scene)
{
	if (scene->stage.client.fd >= 0)
		(void)close(scene->stage.client.fd);
	scene->stage.client.fd = -1;
	vms_close(scene->vms);
	gateway_stage_close(&scene->stage);
}

/* As gateway_stage_ask, at the balancer (-1) or a server. */
static void
ask(struct scene *scene, int server, const char *line, const char *body)
{
	struct gateway_stage *stage = &scene->stage;
	char request[1024];

	if (stage->client.fd >= 0)
		(void)close(stage->client.fd);
	(void)snprintf(request, sizeof request,
		"%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", line, strlen(body),
		body);
	http_client_open(&stage->client, &stage->peer.loop, vms_url(scene->vms, server), request);
}

/* n1 came first, then n2 and n3; "rest" has no worker. */
static void
answer_nodes(struct scene *scene, size_t n)
{
	static const char *const names[] = {"n3", "n2", "n1", "rest"};
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;
	Davit__Node nodes[4], *all[4];

	for (size_t i = 0; i < 4; i++) {
		davit__node__init(&nodes[i]);
		nodes[i].name = text(names[i]);
		nodes[i].id = text(names[i]);
		nodes[i].has_registered_ms = nodes[i].has_session = true;
		nodes[i].registered_ms = 4 - i;
		nodes[i].session = i < 3;
		nodes[i].address = text("192.0.2.9");
		all[i] = &nodes[i];
	}
	reply.nodes = all + (4 - n);
	reply.n_nodes = n;
	gateway_stage_answer(gateway_stage_call(&scene->stage, "ListNodes"), &reply.base);
}

/* The node that the VM which is asked for shall run on. */
static const char *
submitted_to(struct scene *scene, struct rpc_call **ret_call)
{
	*ret_call = gateway_stage_call(&scene->stage, "SubmitTasks");
	return ((const Davit__SubmitTasksRequest *)(const void *)(*ret_call)->request)
		->spec->constraints[0];
}

static void
refuse(struct rpc_call *call, Davit__Reply__Status status)
{
	rpc_call_refuse(call, status, NULL, "no");
	rpc_call_send(call);
}

TEST(vms_go_to_the_servers_in_turn_and_those_to_the_workers_in_the_order_they_came)
{
	static const char *const want[] = {"node.name == n1", "node.name == n3", "node.name == n2",
		"node.name == n1"};
	struct scene scene;
	struct rpc_call *call;

	open_scene(&scene);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		ask(&scene, -1, "POST /create_vm", "{\"name\": \"vm_1\"}");
		answer_nodes(&scene, 4);
		CHECK_STR(submitted_to(&scene, &call), want[i]);
		refuse(call, DAVIT__REPLY__STATUS__ALREADY_EXISTS);
		http_client_wait(&scene.stage.client, "{\"error\":\"VM already exists\"}\n");
		CHECK_HAS(scene.stage.client.text, "HTTP/1.1 400 ");
	}
	close_scene(&scene);
}

TEST(vms_skip_a_server_without_a_worker_and_say_so_when_it_is_asked_itself)
{
	struct scene scene;
	struct rpc_call *call;

	open_scene(&scene);
	for (size_t i = 0; i < 2; i++) {
		ask(&scene, -1, "POST /create_vm", "{}");
		answer_nodes(&scene, 2); /* n1 alone has a worker */
		CHECK_STR(submitted_to(&scene, &call), "node.name == n1");
		refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE);
		http_client_wait(&scene.stage.client, "HTTP/1.1 503 ");
		CHECK_HAS(scene.stage.client.text, "Retry-After: 1\r\n");
	}
	ask(&scene, 1, "POST /create_vm", "{}");
	answer_nodes(&scene, 2);
	http_client_wait(&scene.stage.client, "no worker stands behind this server yet");
	close_scene(&scene);
}

TEST(vms_refuse_bodies_that_are_none)
{
	static const char *const wrong[] = {"", "{", "[]", "{\"name\": 7}", "{\"public_key\": 7}"};
	struct scene scene;

	open_scene(&scene);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ask(&scene, i % 2 == 0 ? -1 : 0, "POST /create_vm", wrong[i]);
		http_client_wait(&scene.stage.client, "{\"error\":");
		CHECK_HAS(scene.stage.client.text, "HTTP/1.1 400 ");
	}
	ask(&scene, -1, "POST /create_vm", "{\"public_key\": \"two\\nlines\"}");
	answer_nodes(&scene, 4);
	http_client_wait(&scene.stage.client, "a public key is one line");
	ask(&scene, -1, "POST /delete_vm", "{}");
	http_client_wait(&scene.stage.client, "{\"error\":\"Missing server or name\"}\n");
	ask(&scene, -1, "POST /shell_input", "{}");
	http_client_wait(&scene.stage.client, "{\"error\":\"Missing server or session_id\"}\n");
	close_scene(&scene);
}

TEST(vms_list_says_who_cannot_be_asked)
{
	struct scene scene;

	open_scene(&scene);
	ask(&scene, -1, "GET /list_all", "");
	refuse(gateway_stage_call(&scene.stage, "ListNodes"), DAVIT__REPLY__STATUS__UNAVAILABLE);
	http_client_wait(&scene.stage.client, "\"Error: no\"}]\n");
	CHECK_HAS(scene.stage.client.text, "HTTP/1.1 200 ");
	close_scene(&scene);
}

static void
answer_task(struct scene *scene, const char *node, bool is_vm)
{
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};

	spec.image = text("x");
	label.key = text(VM_LABEL);
	spec.labels = labels;
	spec.n_labels = is_vm;
	task.id = text("task-1");
	task.name = text("vm_1");
	task.node_name = text(node);
	task.has_state = true;
	task.state = DAVIT__TASK__STATE__RUNNING;
	task.spec = &spec;
	reply.task = &task;
	gateway_stage_answer(gateway_stage_call(&scene->stage, "GetTask"), &reply.base);
}

TEST(vms_touch_nothing_that_is_no_vm_or_elsewhere)
{
	struct scene scene;

	open_scene(&scene);
	ask(&scene, 0, "DELETE /delete_vm/vm_1", "");
	answer_nodes(&scene, 4);
	answer_task(&scene, "n2", true);
	http_client_wait(&scene.stage.client, "{\"error\":\"Not found\"}\n");
	ask(&scene, -1, "POST /delete_vm", "{\"name\": \"vm_1\"}");
	answer_task(&scene, "n2", false);
	http_client_wait(&scene.stage.client, "{\"error\":\"Not found\"}\n");
	ask(&scene, -1, "POST /exec_vm", "{\"name\": \"vm_1\", \"server\": \"http://evil\"}");
	answer_task(&scene, "n2", true);
	http_client_wait(&scene.stage.client, "{\"error\":\"VM not found\"}\n");
	CHECK_EQ(scene.stage.peer.n_calls, 0);
	close_scene(&scene);
}

/* Opens a shell and puts its id there. */
static void
open_shell(struct scene *scene, char ret_id[40])
{
	Davit__OpenChannelReply opened = DAVIT__OPEN_CHANNEL_REPLY__INIT;
	const char *at;

	ask(scene, -1, "POST /shell_session", "{\"name\": \"vm_1\"}");
	answer_task(scene, "n1", true);
	opened.channel = text("channel-1");
	gateway_stage_answer(gateway_stage_call(&scene->stage, "OpenChannel"), &opened.base);
	http_client_wait(&scene->stage.client, "\"status\":\"active\"}\n");
	at = strstr(scene->stage.client.text, "session_id\":\"");
	CHECK(at != NULL);
	(void)snprintf(ret_id, 40, "%.32s", at + 13);
}

static void
write_to(struct scene *scene, const char *id, const char *input)
{
	char body[256];

	(void)snprintf(body, sizeof body, "{\"session_id\": \"%s\", \"input\": \"%s\"}", id, input);
	ask(scene, -1, "POST /shell_input", body);
}

TEST(vms_shell_sends_what_was_not_taken_again_and_lets_nobody_between)
{
	struct scene scene;
	Davit__WriteChannelReply written = DAVIT__WRITE_CHANNEL_REPLY__INIT;
	const Davit__WriteChannelRequest *request;
	struct http_client other = {.fd = -1};
	struct rpc_call *call;
	char id[40], line[256];

	open_scene(&scene);
	open_shell(&scene, id);
	write_to(&scene, id, "ls");
	call = gateway_stage_call(&scene.stage, "WriteChannel");
	request = (const void *)call->request;
	CHECK_EQ(request->offset, 0);
	CHECK_EQ(request->data.len, 3);
	(void)snprintf(line, sizeof line,
		"POST /shell_input/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", id);
	http_client_open(&other, &scene.stage.peer.loop, vms_url(scene.vms, 0), line);
	http_client_wait(&other, "HTTP/1.1 409 ");
	(void)close(other.fd);
	written.has_offset = true;
	written.offset = 1;
	gateway_stage_answer(call, &written.base);
	call = gateway_stage_call(&scene.stage, "WriteChannel");
	request = (const void *)call->request;
	CHECK_EQ(request->offset, 1);
	CHECK_EQ(request->data.len, 2);
	written.offset = 3;
	gateway_stage_answer(call, &written.base);
	http_client_wait(&scene.stage.client, "{\"status\":\"sent\"}\n");
	write_to(&scene, id, "pwd");
	call = gateway_stage_call(&scene.stage, "WriteChannel");
	CHECK_EQ(((const Davit__WriteChannelRequest *)(const void *)call->request)->offset, 3);
	refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND);
	http_client_wait(&scene.stage.client, "{\"error\":\"Session not found\"}\n");
	close_scene(&scene);
}

TEST(vms_shells_have_an_end)
{
	struct scene scene;
	char id[40];

	open_scene(&scene);
	for (unsigned i = 0; i < VMS_SHELLS_MAX; i++)
		open_shell(&scene, id);
	ask(&scene, -1, "POST /shell_session", "{\"name\": \"vm_1\"}");
	answer_task(&scene, "n1", true);
	http_client_wait(&scene.stage.client, "HTTP/1.1 429 ");
	close_scene(&scene);
}

TEST(vms_need_their_ports_unless_they_are_optional)
{
	struct scene scene;
	struct vms *second;
	char *items[1];
	struct option_list servers = {items, 1};
	struct vms_options options = {.servers = &servers};
	struct err err = {0};

	open_scene(&scene);
	options.listen = items[0] = text(vms_url(scene.vms, 0));
	CHECK_EQ(vms_open(&scene.stage.peer.loop, scene.stage.site, &options, &second, &err),
		-EADDRINUSE);
	CHECK_HAS(err.text, "the contract 'vms'");
	options.is_optional = true;
	CHECK_OK(vms_open(&scene.stage.peer.loop, scene.stage.site, &options, &second, &err), &err);
	CHECK(second == NULL);
	close_scene(&scene);
}
