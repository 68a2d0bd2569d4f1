#include "services/gateway/api.h"

#include <unistd.h>

#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static const struct http_route *const no_tables[] = {NULL};

static void
ask(struct gateway_stage *stage, const char *request)
{
	http_client_open(&stage->client, &stage->peer.loop, http_url(stage->server), request);
}

static void
stage_open(struct gateway_stage *stage)
{
	gateway_stage_open(stage, no_tables);
	stage->peer.keeps_gets = false;
}

TEST(api_unwraps_what_was_asked_for_and_tells_its_version)
{
	char request[256], etag[64];
	struct gateway_stage stage;

	stage_open(&stage);
	ask(&stage, "GET /v1/tasks/web-1 HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "200 OK");
	CHECK_HAS(stage.client.text, "Content-Type: application/json\r\n");
	CHECK_HAS(stage.client.text, "ETag: \"0-");
	(void)snprintf(etag, sizeof etag, "%.19s", strstr(stage.client.text, "ETag: \"") + 6);
	CHECK_HAS(stage.client.text, "\r\n\r\n{\"id\":\"web-1\"}\n");
	(void)close(stage.client.fd);
	(void)snprintf(request, sizeof request,
		"GET /v1/tasks/web-1 HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\"\r\n\r\n", etag);
	ask(&stage, request);
	http_client_wait(&stage.client, "\r\n\r\n");
	CHECK_HAS(stage.client.text, "304 Not Modified");
	gateway_stage_close(&stage);
}

TEST(api_joins_path_query_and_body_and_passes_the_request_id_on)
{
	struct gateway_stage stage;
	const Davit__StopTasksRequest *request;

	stage_open(&stage);
	ask(&stage, "POST /v1/tasks/a/stop?namespace=blue HTTP/1.1\r\nHost: x\r\n"
		    "Idempotency-Key: once\r\nContent-Length: 16\r\n\r\n{\"timeout\":\"5s\"}");
	peer_wait_calls(&stage.peer, 1);
	request = (const void *)stage.peer.calls[0]->request;
	CHECK_STR(rpc_call_method(stage.peer.calls[0]), "StopTasks");
	CHECK_STR(stage.peer.calls[0]->request_id, "once");
	CHECK_EQ(request->n_tasks, 1);
	CHECK_STR(request->tasks[0], "a");
	CHECK_STR(request->namespace_, "blue");
	CHECK_EQ(request->timeout_ms, 5000);
	rpc_call_refuse(stage.peer.calls[0], DAVIT__REPLY__STATUS__NOT_FOUND, "tasks[0]",
		"no task '%s'", "a");
	rpc_call_send(stage.peer.calls[0]);
	stage.peer.n_calls = 0;
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "404 Not Found");
	CHECK_HAS(stage.client.text, "application/problem+json");
	CHECK_HAS(stage.client.text, "\"detail\":\"no task 'a'\"");
	CHECK_HAS(stage.client.text, "\"code\":\"NOT_FOUND\",\"field\":\"tasks[0]\"");
	gateway_stage_close(&stage);
}

TEST(api_refuses_bad_input_without_asking_the_manager)
{
	static const struct {
		const char *request, *words;
	} cases[] = {
		{"GET /v1/tasks?limit=x HTTP/1.1\r\nHost: x\r\n\r\n", "\"field\":\"limit\""},
		{"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]",
			"the body is no JSON object"},
		{"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
			"\"field\":\"spec\""},
		{"DELETE /v1/tasks/a HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a b\r\n\r\n",
			"Idempotency-Key: want 1 to 64"},
	};
	struct gateway_stage stage;

	stage_open(&stage);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ask(&stage, cases[i].request);
		http_client_wait(&stage.client, "}\n");
		CHECK_HAS(stage.client.text, "400 Bad Request");
		CHECK_HAS(stage.client.text, cases[i].words);
		CHECK_EQ(stage.peer.n_calls, 0);
		(void)close(stage.client.fd);
	}
	ask(&stage, "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stage.client, "404 Not Found");
	gateway_stage_close(&stage);
}

static bool
is_dropped(void *arg)
{
	struct gateway_stage *stage = arg;
	struct http_stats stats;

	http_stats(stage->server, &stats);
	return stats.n_connections == 0;
}

TEST(api_forgets_a_client_that_goes_away)
{
	struct gateway_stage stage;

	stage_open(&stage);
	ask(&stage, "GET /v1/tasks/a/wait HTTP/1.1\r\nHost: x\r\n\r\n");
	peer_wait_calls(&stage.peer, 1);
	(void)close(stage.client.fd);
	stage.client.fd = -1;
	turn_until(&stage.peer.loop, is_dropped, &stage, "the end of the connection");
	peer_answer(stage.peer.calls[0]);
	stage.peer.n_calls = 0;
	turn_for(&stage.peer.loop, 20);
	gateway_stage_close(&stage);
}

TEST(api_says_that_the_manager_is_away_and_goes_on_when_it_is_back)
{
	struct gateway_stage stage;
	char url[128];

	stage_open(&stage);
	(void)snprintf(url, sizeof url, "%s", rpc_server_url(stage.peer.server));
	rpc_server_close(stage.peer.server);
	ask(&stage, "GET /v1/tasks/web-1 HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "503 Service Unavailable");
	CHECK_HAS(stage.client.text, "Retry-After: 1\r\n");
	(void)close(stage.client.fd);
	peer_serve(&stage.peer, url);
	peer_wait_connected(&stage.peer);
	do {
		ask(&stage, "GET /v1/tasks/web-1 HTTP/1.1\r\nHost: x\r\n\r\n");
		http_client_wait(&stage.client, "}\n");
		(void)close(stage.client.fd);
	} while (strstr(stage.client.text, "503 ") != NULL);
	stage.client.fd = -1;
	CHECK_HAS(stage.client.text, "{\"id\":\"web-1\"}\n");
	gateway_stage_close(&stage);
}

static const ProtobufCMethodDescriptor *
find_rpc(const char *name)
{
	const ProtobufCMethodDescriptor *rpc =
		protobuf_c_service_descriptor_get_method_by_name(&davit__manager__descriptor, name);

	return rpc != NULL ? rpc : rpc_method(&davit__monitor__descriptor, name);
}

TEST(api_every_method_is_a_call_that_exists_and_every_parameter_a_field_of_it)
{
	for (const struct api_method *method = api_methods; method->method != NULL; method++) {
		const ProtobufCMethodDescriptor *rpc = find_rpc(method->rpc);
		const char *at = method->path;

		while ((at = strchr(at, '{')) != NULL) {
			char name[64];

			(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"),
				at + 1);
			at++;
			CHECK(protobuf_c_message_descriptor_get_field_by_name(rpc->input, name) !=
				NULL);
		}
		CHECK(method->unwrap == NULL || protobuf_c_message_descriptor_get_field_by_name(
							rpc->output, method->unwrap) != NULL);
	}
}

static bool
has_route(const char *rpc)
{
	for (const struct api_method *method = api_methods; method->method != NULL; method++)
		if (strcmp(method->rpc, rpc) == 0)
			return true;
	return false;
}

TEST(api_has_a_path_for_every_call_of_manager_and_monitor)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		&davit__monitor__descriptor};
	/* And why they have none. */
	static const struct {
		const char *rpc, *why;
	} without[] = {{"", ""}};

	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		for (unsigned j = 0; j < services[i]->n_methods; j++) {
			const char *rpc = services[i]->methods[j].name;
			bool is_excused = false;

			for (size_t k = 0; k < sizeof without / sizeof without[0]; k++)
				is_excused = is_excused || strcmp(without[k].rpc, rpc) == 0;
			if (!has_route(rpc) && !is_excused)
				fail_msg("%s has no path", rpc);
		}
	}
}

TEST(api_has_lists_that_are_empty_as_such)
{
	Davit__ListTasksReply none = DAVIT__LIST_TASKS_REPLY__INIT;
	struct gateway_stage stage;

	stage_open(&stage);
	ask(&stage, "GET /v1/tasks HTTP/1.1\r\nHost: x\r\n\r\n");
	gateway_stage_answer(gateway_stage_call(&stage, "ListTasks"), &none.base);
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "\r\n\r\n{\"tasks\":[]}\n");
	gateway_stage_close(&stage);
}

TEST(api_a_path_may_stand_for_a_value)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	stage_open(&stage);
	ask(&stage, "POST /v1/nodes/n1/undrain HTTP/1.1\r\nHost: x\r\n\r\n");
	call = gateway_stage_call(&stage, "UpdateNode");
	CHECK(((const Davit__UpdateNodeRequest *)call->request)->has_draining);
	CHECK(!((const Davit__UpdateNodeRequest *)call->request)->draining);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, "node", "no node 'n1'");
	rpc_call_send(call);
	http_client_wait(&stage.client, "}\n");
	gateway_stage_close(&stage);
}

TEST(api_without_a_monitor_says_so)
{
	struct gateway_stage stage;

	stage_open(&stage);
	ask(&stage, "GET /v1/top HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "501 Not Implemented");
	gateway_stage_close(&stage);
}

static void
conditional(struct gateway_stage *stage, const char *path, const char *etag)
{
	char request[256];

	(void)snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\nIf-Match: %s\r\n\r\n",
		path, etag);
	ask(stage, request);
}

TEST(api_makes_a_change_conditional_on_the_version_that_was_read)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	stage_open(&stage);
	conditional(&stage, "DELETE /v1/tasks/a", "\"7-0123456789abcdef\"");
	call = gateway_stage_call(&stage, "RemoveTasks");
	CHECK(((const Davit__RemoveTasksRequest *)call->request)->has_if_version);
	CHECK_EQ(((const Davit__RemoveTasksRequest *)call->request)->if_version, 7);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__ABORTED, "if_version", "it has changed");
	rpc_call_send(call);
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "412 Precondition Failed");
	(void)close(stage.client.fd);
	conditional(&stage, "DELETE /v1/tasks/a", "*");
	call = gateway_stage_call(&stage, "RemoveTasks");
	CHECK(!((const Davit__RemoveTasksRequest *)call->request)->has_if_version);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__ABORTED, NULL, "something else");
	rpc_call_send(call);
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "409 Conflict");
	(void)close(stage.client.fd);
	conditional(&stage, "DELETE /v1/tasks/a", "\"x\"");
	http_client_wait(&stage.client, "want one ETag");
	(void)close(stage.client.fd);
	conditional(&stage, "POST /v1/tasks", "\"7-0\"");
	http_client_wait(&stage.client, "cannot be made conditional");
	gateway_stage_close(&stage);
}
