#include "services/gateway/channel_stream.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/gateway/channel_input.h"

#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static const struct http_route *const no_tables[] = {NULL};

static void
answer_open(struct gateway_stage *stage)
{
	Davit__OpenChannelReply reply = DAVIT__OPEN_CHANNEL_REPLY__INIT;

	reply.channel = (char *)(uintptr_t) "n1.7";
	gateway_stage_answer(gateway_stage_call(stage, "OpenChannel"), &reply.base);
}

/* What is said last, behind all of the output. */
static void
answer_read(struct rpc_call *call, const char *text, Davit__LogChunk__Stream stream, bool end)
{
	Davit__ReadChannelReply reply = DAVIT__READ_CHANNEL_REPLY__INIT;
	Davit__LogChunk chunk = DAVIT__LOG_CHUNK__INIT, *chunks[] = {&chunk};

	CHECK_STR(rpc_call_method(call), "ReadChannel");
	chunk.has_stream = chunk.has_data = true;
	chunk.stream = stream;
	chunk.data.data = (uint8_t *)(uintptr_t)text;
	chunk.data.len = strlen(text);
	reply.chunks = chunks;
	reply.n_chunks = 1;
	reply.has_offset = true;
	reply.offset = strlen(text);
	reply.has_end = reply.end = end;
	reply.has_exit_code = end;
	reply.exit_code = 3;
	gateway_stage_answer(call, &reply.base);
}

TEST(channel_stream_sends_output_as_it_comes_and_the_exit_code_behind_it)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	gateway_stage_ask(&stage, "POST /v1/tasks/web/exec?command=ls&command=-l&namespace=blue",
		"");
	peer_wait_calls(&stage.peer, 1);
	CHECK_STR(((const Davit__OpenChannelRequest *)stage.peer.calls[0]->request)->task, "web");
	CHECK_STR(((const Davit__OpenChannelRequest *)stage.peer.calls[0]->request)->namespace_,
		"blue");
	CHECK_EQ(((const Davit__OpenChannelRequest *)stage.peer.calls[0]->request)->exec->n_command,
		2);
	answer_open(&stage);
	answer_read(gateway_stage_call(&stage, "ReadChannel"), "first", 0, false);
	http_client_wait(&stage.client, "first");
	call = gateway_stage_call(&stage, "ReadChannel");
	CHECK_EQ(((const Davit__ReadChannelRequest *)call->request)->offset, 5);
	answer_read(call, "last", 0, true);
	http_client_wait(&stage.client, "Davit-Exit-Code: 3\r\n");
	rpc_call_drop(gateway_stage_call(&stage, "CloseChannel"));
	gateway_stage_close(&stage);
}

/* A command whose output comes as events. */
static void
open_events(struct gateway_stage *stage)
{
	http_client_open(&stage->client, &stage->peer.loop, http_url(stage->server),
		"POST /v1/tasks/web/exec?command=x HTTP/1.1\r\nHost: x\r\n"
		"Accept: text/event-stream\r\n\r\n");
	answer_open(stage);
}

TEST(channel_stream_tells_of_both_streams_in_events)
{
	struct gateway_stage stage;

	gateway_stage_open(&stage, no_tables);
	open_events(&stage);
	answer_read(gateway_stage_call(&stage, "ReadChannel"), "bad\n",
		DAVIT__LOG_CHUNK__STREAM__STDERR, true);
	http_client_wait(&stage.client, "event: stderr\ndata: \"bad\\n\"\n\n");
	http_client_wait(&stage.client, "event: end\ndata: {\"exit_code\":3}\n\n");
	rpc_call_drop(gateway_stage_call(&stage, "CloseChannel"));
	gateway_stage_close(&stage);
}

TEST(channel_stream_closes_the_channel_of_a_client_that_goes_away)
{
	struct gateway_stage stage;
	struct rpc_call *read;

	gateway_stage_open(&stage, no_tables);
	gateway_stage_ask(&stage, "POST /v1/tasks/web/exec?command=x", "");
	answer_open(&stage);
	read = gateway_stage_call(&stage, "ReadChannel");
	(void)close(stage.client.fd);
	stage.client.fd = -1;
	rpc_call_drop(gateway_stage_call(&stage, "CloseChannel"));
	rpc_call_drop(read);
	gateway_stage_close(&stage);
}

TEST(channel_stream_refuses_with_a_problem_what_cannot_begin)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	gateway_stage_ask(&stage, "GET /v1/tasks/web/archive?path=/x", "");
	call = gateway_stage_call(&stage, "OpenChannel");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, "copy_out.path", "no such file");
	rpc_call_send(call);
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "404 Not Found");
	gateway_stage_ask(&stage, "GET /v1/tasks/web/archive", "");
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "\"field\":\"path\"");
	gateway_stage_ask(&stage, "GET /v1/tasks/web/logs?follow=true&nonsense=1", "");
	http_client_wait(&stage.client, "}\n");
	CHECK_HAS(stage.client.text, "\"field\":\"nonsense\"");
	gateway_stage_close(&stage);
}

TEST(channel_stream_follows_logs_from_their_cursor_to_the_end)
{
	Davit__ReadLogsReply reply = DAVIT__READ_LOGS_REPLY__INIT;
	Davit__LogChunk chunk = DAVIT__LOG_CHUNK__INIT, *chunks[] = {&chunk};
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	gateway_stage_ask(&stage, "GET /v1/tasks/web/logs?follow=true&tail=5", "");
	call = gateway_stage_call(&stage, "ReadLogs");
	CHECK_EQ(((const Davit__ReadLogsRequest *)call->request)->wait_ms, 0);
	CHECK_EQ(((const Davit__ReadLogsRequest *)call->request)->tail, 5);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, NULL, "no container yet");
	rpc_call_send(call);
	call = gateway_stage_call(&stage, "ReadLogs");
	CHECK(((const Davit__ReadLogsRequest *)call->request)->wait_ms > 0);
	chunk.has_data = true;
	chunk.data.data = (uint8_t *)(uintptr_t) "line\n";
	chunk.data.len = 5;
	reply.chunks = chunks;
	reply.n_chunks = 1;
	reply.cursor = (char *)(uintptr_t) "c1";
	gateway_stage_answer(call, &reply.base);
	http_client_wait(&stage.client, "line\n");
	call = gateway_stage_call(&stage, "ReadLogs");
	CHECK_STR(((const Davit__ReadLogsRequest *)call->request)->cursor, "c1");
	reply.n_chunks = 0;
	reply.has_end = reply.end = true;
	gateway_stage_answer(call, &reply.base);
	http_client_wait(&stage.client, "\r\n0\r\n\r\n");
	gateway_stage_close(&stage);
}

static void
answer_write(struct rpc_call *call, uint64_t offset)
{
	Davit__WriteChannelReply reply = DAVIT__WRITE_CHANNEL_REPLY__INIT;

	reply.has_offset = true;
	reply.offset = offset;
	gateway_stage_answer(call, &reply.base);
}

/* The call that was kept for that method, or NULL; the others stay. */
static struct rpc_call *
kept(struct gateway_stage *stage, const char *method)
{
	for (size_t i = 0; i < stage->peer.n_calls; i++) {
		struct rpc_call *call = stage->peer.calls[i];

		if (strcmp(rpc_call_method(call), method) != 0)
			continue;
		memmove(&stage->peer.calls[i], &stage->peer.calls[i + 1],
			(--stage->peer.n_calls - i) * sizeof call);
		return call;
	}
	return NULL;
}

/* The same; it is waited for. */
static struct rpc_call *
take(struct gateway_stage *stage, const char *method)
{
	for (unsigned turn = 0; turn < TURN_PATIENCE_MS; turn++) {
		struct rpc_call *call = kept(stage, method);

		if (call != NULL)
			return call;
		turn_for(&stage->peer.loop, 1);
	}
	CHECK_STR(method, "a call that came");
	return NULL;
}

static void
refuse(struct rpc_call *call, Davit__Reply__Status status)
{
	rpc_call_refuse(call, status, NULL, "node n1 does not answer just now");
	rpc_call_send(call);
}

TEST(channel_stream_asks_again_both_ways_when_manager_or_worker_do_not_answer)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, no_tables);
	gateway_stage_ask(&stage, "POST /v1/tasks/web/exec?command=cat", "input");
	answer_open(&stage);
	answer_read(take(&stage, "ReadChannel"), "first", 0, false);
	refuse(take(&stage, "WriteChannel"), DAVIT__REPLY__STATUS__UNAVAILABLE);
	http_client_wait(&stage.client, "first");
	refuse(take(&stage, "ReadChannel"), DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED);
	call = take(&stage, "WriteChannel");
	CHECK_EQ(((const Davit__WriteChannelRequest *)call->request)->offset, 0);
	CHECK_EQ(((const Davit__WriteChannelRequest *)call->request)->data.len, 5);
	answer_write(call, 5);
	call = take(&stage, "ReadChannel");
	CHECK_EQ(((const Davit__ReadChannelRequest *)call->request)->offset, 5);
	answer_read(call, "last", 0, true);
	http_client_wait(&stage.client, "Davit-Exit-Code: 3\r\n");
	rpc_call_drop(take(&stage, "CloseChannel"));
	gateway_stage_close(&stage);
}

TEST(channel_stream_ends_at_once_when_its_channel_is_gone)
{
	struct gateway_stage stage;

	gateway_stage_open(&stage, no_tables);
	open_events(&stage);
	refuse(take(&stage, "ReadChannel"), DAVIT__REPLY__STATUS__NOT_FOUND);
	http_client_wait(&stage.client, "does not answer just now");
	gateway_stage_close(&stage);
}

TEST(channel_stream_passes_a_body_on_piece_by_piece_and_what_is_said_meanwhile_behind_it)
{
	enum { SIZE = 3 << 20, SAID = 200000 };
	CLEANUP(free) char *said = calloc(1, SAID + 1);
	const Davit__WriteChannelRequest *write_request;
	struct gateway_stage stage;
	struct rpc_call *call;
	size_t n_sent = 0, n_read = 0, n_said = 0;
	static char body[SIZE];
	bool is_end = false;

	CHECK(said != NULL);
	memset(said, 's', SAID);
	for (size_t i = 0; i < SIZE; i++)
		body[i] = (char)('a' + i % 23);
	gateway_stage_open(&stage, no_tables);
	http_client_open(&stage.client, &stage.peer.loop, http_url(stage.server),
		"POST /v1/tasks/web/exec?command=x HTTP/1.1\r\nHost: x\r\nContent-Length: 3145728\r\n\r\n");
	answer_open(&stage);
	while (!is_end) {
		ssize_t n = send(stage.client.fd, body + n_sent, SIZE - n_sent, MSG_DONTWAIT);

		n_sent += n > 0 ? (size_t)n : 0;
		if (n_sent == 0)
			continue;
		call = take(&stage, "WriteChannel");
		write_request = (const void *)call->request;
		CHECK_EQ(write_request->offset, n_read);
		CHECK(write_request->data.len <= CHANNEL_INPUT_WRITE_BYTES);
		CHECK(memcmp(write_request->data.data, body + n_read, write_request->data.len) ==
			0);
		n_read += write_request->data.len;
		is_end = write_request->end;
		answer_write(call, n_read);
		/* Much more than a stream holds. */
		answer_read(take(&stage, "ReadChannel"), said, 0, false);
		n_said += SAID;
	}
	CHECK_EQ(n_read, SIZE);
	CHECK(n_said > HTTP_STREAM_BYTES_MAX);
	stage.client.want = "Davit-Exit-Code: 3";
	for (unsigned i = 0; !http_client_step(&stage.client); i++) {
		size_t rest = stage.client.size < 32 ? stage.client.size : 32;

		CHECK(i < TURN_PATIENCE_MS);
		/* More is asked for once the client has taken enough: not before it reads. */
		call = kept(&stage, "ReadChannel");
		if (call != NULL)
			answer_read(call, "last", 0, true);
		/* What was said does not matter: room for more. */
		memmove(stage.client.text, stage.client.text + stage.client.size - rest, rest + 1);
		stage.client.size = rest;
		turn_for(&stage.peer.loop, 1);
	}
	rpc_call_drop(take(&stage, "CloseChannel"));
	gateway_stage_close(&stage);
}
