/* What clients send who mean no good, or know no better: a clear 4xx, and nothing is left behind.
 */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/gateway/api.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static const struct http_route *const no_tables[] = {NULL};

struct writing {
	int fd;
	const char *data;
	size_t size, done;
};

static bool
is_written(void *arg)
{
	struct writing *writing = arg;
	ssize_t n = send(writing->fd, writing->data + writing->done, writing->size - writing->done,
		MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return true; /* it has heard enough */
	writing->done += n > 0 ? (size_t)n : 0;
	return writing->done == writing->size;
}

/* Sends the body whole, however long it takes the other side to read it. */
static void
post(struct gateway_stage *stage, const char *body, size_t size)
{
	struct writing writing = {.data = body, .size = size};
	char head[128];

	if (stage->client.fd >= 0)
		(void)close(stage->client.fd);
	(void)snprintf(head, sizeof head,
		"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);
	http_client_open(&stage->client, &stage->peer.loop, http_url(stage->server), head);
	writing.fd = stage->client.fd;
	turn_until(&stage->peer.loop, is_written, &writing, "the body");
	http_client_wait(&stage->client, "}\n");
}

static bool
is_alone(void *arg)
{
	struct gateway_stage *stage = arg;
	struct http_stats stats;

	http_stats(stage->server, &stats);
	return stats.n_connections == 0 && stats.n_waiting == 0 && stats.n_streams == 0;
}

/* Nobody is connected any more, nothing is held, and it goes on answering. */
static void
check_well(struct gateway_stage *stage)
{
	if (stage->client.fd >= 0)
		(void)close(stage->client.fd);
	stage->client.fd = -1;
	turn_until(&stage->peer.loop, is_alone, stage, "the end of all connections");
	CHECK_EQ(stage->peer.n_calls, 0);
	gateway_stage_ask(stage, "GET /v1/health", "");
	http_client_wait(&stage->client, "{\"status\":\"ok\"}\n");
}

TEST(api_hostile_bodies_are_refused_with_what_is_wrong)
{
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"{\"spec\":{\"image\":\"\xff\xfe\"}}", "UTF-8"},
		{"{\"spec\":{\"image\":\"a\\u0000b\"}}", "spec.image"},
		{"{\"spec\":{\"image\":\"\\ud800\"}}", "\"status\":400"},
		{"{\"spec\":{\"image\":\"x\"},\"count\":99999999999999999999999}", "\"count\""},
		{"{\"spec\":{\"image\":\"x\"},\"count\":1e999}", "\"status\":400"},
		{"{\"spec\":{\"image\":\"x\"},\"count\":-1}", "\"count\""},
		{"{\"spec\":{\"image\":\"x\"},\"count\":1.5}", "\"count\""},
		{"{\"spec\":{\"image\":\"x\"},\"count\":1,\"count\":2}", "\"status\":400"},
		{"{\"spec\":{\"image\":\"x\",\"image\":\"y\"}}", "spec.image"},
		{"{\"spec\":{\"image\":\"x\"}} {}", "\"status\":400"},
		{"{\"spec\":{\"image\":\"x\"}", "\"status\":400"},
		{"\"spec\"", "the body is no JSON object"},
	};
	static const char nul[] = "{\"spec\":{\"image\":\"a\0b\"}}";
	struct gateway_stage stage;

	gateway_stage_open(&stage, no_tables);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		post(&stage, cases[i].body, strlen(cases[i].body));
		CHECK_HAS(stage.client.text, "400 Bad Request");
		CHECK_HAS(stage.client.text, "application/problem+json");
		CHECK_HAS(stage.client.text, cases[i].words);
	}
	post(&stage, nul, sizeof nul - 1);
	CHECK_HAS(stage.client.text, "400 Bad Request");
	check_well(&stage);
	gateway_stage_close(&stage);
}

TEST(api_hostile_nesting_is_refused_without_being_followed)
{
	enum { SIZE = 1 << 20 };
	struct gateway_stage stage;
	char *body = malloc(SIZE);

	CHECK(body != NULL);
	gateway_stage_open(&stage, no_tables);
	memset(body, '[', SIZE);
	post(&stage, body, SIZE);
	CHECK_HAS(stage.client.text, "400 Bad Request");
	memcpy(body, "{\"spec\":", 8);
	post(&stage, body, SIZE);
	CHECK_HAS(stage.client.text, "400 Bad Request");
	for (size_t i = 0; i + 5 <= SIZE; i += 5)
		memcpy(body + i, "{\"a\":", 5);
	post(&stage, body, SIZE / 5 * 5);
	CHECK_HAS(stage.client.text, "400 Bad Request");
	check_well(&stage);
	gateway_stage_close(&stage);
	free(body);
}

TEST(api_hostile_heads_are_refused)
{
	static const struct {
		const char *request, *status;
	} cases[] = {
		{"GET /v1/tasks/a%00b HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
		{"GET /v1/tasks?name=%00 HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
		{"GET /v1/tasks?name=%ff HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
		{"GET /v1/tasks?limit=1&limit=2 HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
		{"GET /v1/tasks/../../etc HTTP/1.1\r\nHost: x\r\n\r\n", " 404 "},
		{"GET /v1/tasks HTTP/1.1\r\n\r\n", " 400 "},
		{"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", " 400 "},
		{"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
			" 413 "},
		{"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "zz\r\n{}\r\n0\r\n\r\n",
			" 400 "},
		{"DELETE /v1/tasks/a HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \x01\r\n\r\n",
			" 400 "},
		{"BREW /v1/tasks HTTP/1.1\r\nHost: x\r\n\r\n", " 405 "},
	};
	struct gateway_stage stage;

	gateway_stage_open(&stage, no_tables);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (stage.client.fd >= 0)
			(void)close(stage.client.fd);
		http_client_open(&stage.client, &stage.peer.loop, http_url(stage.server),
			cases[i].request);
		http_client_wait(&stage.client, "\r\n\r\n");
		CHECK_HAS(stage.client.text, cases[i].status);
		http_client_wait(&stage.client, "}\n");
		CHECK_HAS(stage.client.text, "Content-Type: application/problem+json\r\n");
		CHECK_HAS(stage.client.text, "X-Request-Id: ");
	}
	check_well(&stage);
	gateway_stage_close(&stage);
}

/* What libmicrohttpd 1.0 answers with 400. */
#if MHD_VERSION < 0x01000000
#define EXTENSION ";x=y"
#else
#define EXTENSION ""
#endif

TEST(api_hostile_chunks_and_pipelines_are_read_as_what_they_are)
{
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	http_client_open(&stage.client, &stage.peer.loop, http_url(stage.server),
		"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\n{\"spe\r\n15" EXTENSION
		"\r\nc\":{\"image\":\"demo:1\"}\r\n1\r\n}\r\n0\r\n\r\n"
		"GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
	call = gateway_stage_call(&stage, "SubmitTasks");
	CHECK_STR(((const Davit__SubmitTasksRequest *)call->request)->spec->image, "demo:1");
	CHECK(strstr(stage.client.text, "version") == NULL);
	gateway_stage_answer(call, &reply.base);
	http_client_wait(&stage.client, "{\"status\":\"ok\"}\n");
	CHECK(strstr(stage.client.text, "201 Created") < strstr(stage.client.text, "\"version\""));
	check_well(&stage);
	gateway_stage_close(&stage);
}

TEST(api_hostile_clients_that_leave_at_any_byte_leave_nothing_behind)
{
	static const char request[] =
		"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 29\r\n\r\n"
		"{\"spec\":{\"image\":\"demo:1\"}}  ";
	struct gateway_stage stage;

	gateway_stage_open(&stage, no_tables);
	for (size_t n = 1; n < sizeof request - 1; n += 3) {
		char part[sizeof request];

		(void)snprintf(part, sizeof part, "%.*s", (int)n, request);
		http_client_open(&stage.client, &stage.peer.loop, http_url(stage.server), part);
		turn_for(&stage.peer.loop, 0);
		(void)close(stage.client.fd);
	}
	stage.client.fd = -1;
	check_well(&stage);
	gateway_stage_close(&stage);
}
