#include "tests/lib/rpc_peer.h"

#include "tests/lib/turn.h"

const ProtobufCServiceDescriptor *const peer_services[] = {&davit__manager__descriptor, NULL};

static void
answer_get(struct rpc_call *call)
{
	const Davit__GetTaskRequest *request = (const void *)call->request;
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;

	task.id = request->task;
	reply.task = &task;
	rpc_call_answer(call, &reply.base);
	rpc_call_send(call);
}

static void
answer_gets(struct rpc_call *call)
{
	const Davit__GetTasksRequest *request = (const void *)call->request;
	Davit__GetTasksReply reply = DAVIT__GET_TASKS_REPLY__INIT;
	Davit__GetTasksReply__Result results[PEER_GETS_MAX], *pointers[PEER_GETS_MAX];
	Davit__Task tasks[PEER_GETS_MAX];

	CHECK(request->n_tasks <= PEER_GETS_MAX);
	for (size_t i = 0; i < request->n_tasks; i++) {
		davit__get_tasks_reply__result__init(&results[i]);
		davit__task__init(&tasks[i]);
		tasks[i].id = request->tasks[i]->task;
		results[i].task = &tasks[i];
		pointers[i] = &results[i];
	}
	reply.n_results = request->n_tasks;
	reply.results = pointers;
	rpc_call_answer(call, &reply.base);
	rpc_call_send(call);
}

void
peer_answer(struct rpc_call *call)
{
	const Davit__WaitTaskRequest *request = (const void *)call->request;
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;

	CHECK_STR(rpc_call_method(call), "WaitTask");
	task.id = request->task;
	reply.task = &task;
	rpc_call_answer(call, &reply.base);
	rpc_call_send(call);
}

static void
on_call(struct rpc_call *call, void *arg)
{
	struct peer *peer = arg;

	if (!peer->keeps_gets && strcmp(rpc_call_method(call), "GetTask") == 0) {
		peer->n_gets++;
		answer_get(call);
		return;
	}
	if (!peer->keeps_gets && strcmp(rpc_call_method(call), "GetTasks") == 0) {
		peer->n_gets++;
		answer_gets(call);
		return;
	}
	CHECK(peer->n_calls < PEER_CALLS_MAX);
	peer->calls[peer->n_calls++] = call;
}

void
peer_serve(struct peer *peer, const char *url)
{
	struct err err = {0};

	CHECK_OK(rpc_server_open(&peer->loop, url, peer_services, on_call, peer, &peer->server,
			 &err),
		&err);
}

void
peer_open(struct peer *peer, const char *url)
{
	struct err err = {0};

	memset(peer, 0, sizeof *peer);
	CHECK_EQ(uv_loop_init(&peer->loop), 0);
	peer_serve(peer, url != NULL ? url : "tcp://127.0.0.1:0");
	CHECK_OK(rpc_client_open(&peer->loop, rpc_server_url(peer->server), &peer->client, &err),
		&err);
}

void
peer_close(struct peer *peer)
{
	for (size_t i = 0; i < peer->n_calls; i++)
		rpc_call_drop(peer->calls[i]);
	rpc_client_close(peer->client);
	rpc_server_close(peer->server);
	turn_end(&peer->loop);
}

struct target {
	const void *thing;
	size_t n;
};

static bool
has_calls(void *arg)
{
	const struct target *target = arg;
	const struct peer *peer = target->thing;

	return peer->n_calls >= target->n;
}

void
peer_wait_calls(struct peer *peer, size_t n)
{
	struct target target = {peer, n};

	turn_until(&peer->loop, has_calls, &target, "calls");
}

static bool
has_seen(void *arg)
{
	const struct target *target = arg;
	const struct seen *seen = target->thing;

	return seen->n >= target->n;
}

void
peer_wait_seen(struct peer *peer, const struct seen *seen, unsigned n)
{
	struct target target = {seen, n};

	turn_until(&peer->loop, has_seen, &target, "an answer");
}

static bool
is_connected(void *arg)
{
	struct peer *peer = arg;

	return rpc_client_is_connected(peer->client);
}

void
peer_wait_connected(struct peer *peer)
{
	turn_until(&peer->loop, is_connected, peer, "a connection");
}

void
peer_on_done(const struct rpc_result *result, void *arg)
{
	struct seen *seen = arg;
	const Davit__GetTaskReply *get;
	const Davit__WaitTaskReply *wait;

	seen->n++;
	seen->status = result->status;
	(void)snprintf(seen->message, sizeof seen->message, "%s", result->message);
	(void)snprintf(seen->field, sizeof seen->field, "%s", result->field);
	(void)snprintf(seen->note, sizeof seen->note, "%s", result->note);
	if (result->response == NULL)
		return;
	CHECK_EQ(result->status, DAVIT__REPLY__STATUS__OK);
	if (result->response->descriptor == &davit__get_task_reply__descriptor) {
		get = (const void *)result->response;
		(void)snprintf(seen->id, sizeof seen->id, "%s", get->task->id);
	} else if (result->response->descriptor == &davit__wait_task_reply__descriptor) {
		wait = (const void *)result->response;
		(void)snprintf(seen->id, sizeof seen->id, "%s", wait->task->id);
	}
}

struct rpc_pending *
peer_get(struct peer *peer, const char *id, uint64_t timeout_ms, struct seen *seen)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = timeout_ms};

	request.task = (char *)(uintptr_t)id;
	return rpc_client_call(peer->client, rpc_method(&davit__manager__descriptor, "GetTask"),
		&request.base, &options, peer_on_done, seen);
}

struct rpc_pending *
peer_wait_task(struct peer *peer, const char *id, uint64_t timeout_ms, struct seen *seen)
{
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = timeout_ms};

	request.task = (char *)(uintptr_t)id;
	return rpc_client_call(peer->client, rpc_method(&davit__manager__descriptor, "WaitTask"),
		&request.base, &options, peer_on_done, seen);
}
