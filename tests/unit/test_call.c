#include "common/rpc/call.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/utf8.h"
#include "common/rpc/envelope.h"
#include "proto/manager.pb-c.h"
#include "proto/worker.pb-c.h"
#include "tests/lib/test.h"

static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
	&davit__workers__descriptor, NULL};

/* A protobuf Call with a request of the type, or with raw bytes. */
static void
pack_call(Davit__Call *call, const ProtobufCMessage *request, struct buf *out)
{
	struct buf body = {0};

	if (request != NULL) {
		body.size = protobuf_c_message_pack(request,
			buf_reserve(&body, protobuf_c_message_get_packed_size(request)));
		call->has_request = true;
		call->request.data = body.data;
		call->request.len = body.size;
	}
	out->size = davit__call__pack(call, buf_reserve(out, davit__call__get_packed_size(call)));
	buf_fini(&body);
}

static struct rpc_call *
parse_ok(const void *data, size_t size)
{
	CLEANUP(buf_fini) struct buf reply = {0};
	struct rpc_call *call = NULL;

	if (rpc_call_parse(services, data, size, &call, &reply) < 0)
		fail_msg("refused: %s", buf_text(&reply));
	CHECK_EQ(reply.size, 0);
	return call;
}

static struct rpc_call *
parse_text(const char *text)
{
	return parse_ok(text, strlen(text));
}

/* Parses what must be refused; the reply as the caller would see it. */
static Davit__Reply *
refusal(const void *data, size_t size)
{
	CLEANUP(buf_fini) struct buf bytes = {0};
	struct rpc_call *call;
	Davit__Reply *reply;

	CHECK(rpc_call_parse(services, data, size, &call, &bytes) < 0);
	if (size > 0 && *(const char *)data == '{') {
		struct pbjson_err err;
		ProtobufCMessage *message;

		CHECK(bytes.data[bytes.size - 1] == '\n');
		CHECK_EQ(pbjson_parse(&davit__reply__descriptor, (char *)bytes.data, bytes.size,
				 &message, &err),
			0);
		return (Davit__Reply *)(void *)message;
	}
	reply = davit__reply__unpack(NULL, bytes.size, bytes.data);
	CHECK(reply != NULL);
	return reply;
}

static void
check_refused(const char *text, Davit__Reply__Status status, const char *field, const char *words)
{
	Davit__Reply *reply = refusal(text, strlen(text));

	CHECK_STR(rpc_status_name(reply->status), rpc_status_name(status));
	if (field != NULL)
		CHECK_STR(reply->field == NULL ? "" : reply->field, field);
	CHECK_HAS(reply->message, words);
	davit__reply__free_unpacked(reply, NULL);
}

static void
check_call_refused(Davit__Call *call, Davit__Reply__Status status, const char *field)
{
	CLEANUP(buf_fini) struct buf data = {0};
	Davit__Reply *reply;

	pack_call(call, NULL, &data);
	reply = refusal(data.data, data.size);
	CHECK_STR(rpc_status_name(reply->status), rpc_status_name(status));
	CHECK_STR(reply->field == NULL ? "" : reply->field, field);
	davit__reply__free_unpacked(reply, NULL);
}

TEST(call_in_protobuf_is_decoded)
{
	CLEANUP(buf_fini) struct buf data = {0};
	CLEANUP(rpc_call_drop) struct rpc_call *call = NULL;
	Davit__Call head = DAVIT__CALL__INIT;
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = (char[]){"web"};
	head.method = (char[]){"GetTask"};
	head.request_id = (char[]){"r1"};
	head.has_deadline_ms = true;
	head.deadline_ms = 250;
	pack_call(&head, &request.base, &data);
	call = parse_ok(data.data, data.size);
	CHECK(call->service == &davit__manager__descriptor);
	CHECK_STR(rpc_call_method(call), "GetTask");
	CHECK(call->request->descriptor == &davit__get_task_request__descriptor);
	CHECK_STR(((const Davit__GetTaskRequest *)(const void *)call->request)->task, "web");
	CHECK_STR(call->request_id, "r1");
	CHECK_EQ(call->deadline_ms, 250);
	CHECK(!call->is_json);
}

TEST(call_in_json_is_decoded)
{
	CLEANUP(rpc_call_drop)
	struct rpc_call *call = parse_text("{ \"request\" : {\"task\":\"a}\\\"{b\"} ,\"method\":"
					   "\"GetTask\",\"deadline_ms\":\"7\",\"token\":\"x\"}");

	CHECK(call->is_json);
	CHECK_STR(((const Davit__GetTaskRequest *)(const void *)call->request)->task, "a}\"{b");
	CHECK_EQ(call->deadline_ms, 7);
	CHECK(call->request_id == NULL);
	CHECK_EQ(call->request_hash, 0);
}

TEST(call_without_a_request_has_an_empty_one)
{
	static const char *const texts[] = {"{\"method\":\"ListNodes\"}",
		"{\"method\":\"ListNodes\",\"request\":null}",
		"{\"method\":\"ListNodes\",\"request\": \t\r\n null }",
		"{\"method\":\"ListNodes\",\"request\":{}}"};
	CLEANUP(buf_fini) struct buf data = {0};
	Davit__Call head = DAVIT__CALL__INIT;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		rpc_call_drop(parse_text(texts[i]));
	head.method = (char[]){"ListNodes"};
	pack_call(&head, NULL, &data);
	rpc_call_drop(parse_ok(data.data, data.size));
}

TEST(call_finds_methods_by_short_and_by_full_name)
{
	struct rpc_call *call;

	call = parse_text("{\"method\":\"davit.Manager/ListTasks\"}");
	CHECK_STR(rpc_call_method(call), "ListTasks");
	rpc_call_drop(call);
	call = parse_text("{\"method\":\"Poll\",\"request\":{\"node_id\":\"n\",\"session\":1}}");
	CHECK(call->service == &davit__workers__descriptor);
	rpc_call_drop(call);
	check_refused("{\"method\":\"davit.Workers/ListTasks\"}",
		DAVIT__REPLY__STATUS__UNIMPLEMENTED, "method", "no method");
	check_refused("{\"method\":\"Manager/ListTasks\"}", DAVIT__REPLY__STATUS__UNIMPLEMENTED,
		"method", "no method");
}

TEST(call_of_an_unknown_method_names_the_nearest)
{
	check_refused("{\"method\":\"ListTask\"}", DAVIT__REPLY__STATUS__UNIMPLEMENTED, "method",
		"did you mean 'ListTasks'?");
	check_refused("{\"method\":\"Frobnicate\"}", DAVIT__REPLY__STATUS__UNIMPLEMENTED, "method",
		"docs/PROTOCOL.md");
}

TEST(call_envelope_is_checked)
{
	char text[RPC_TOKEN_MAX + 2];
	Davit__Call head = DAVIT__CALL__INIT;
	const Davit__Reply__Status invalid = DAVIT__REPLY__STATUS__INVALID_ARGUMENT;

	memset(text, 'x', sizeof text);
	check_call_refused(&head, invalid, "method");
	head.method = (char[]){""};
	check_call_refused(&head, invalid, "method");
	head.method = (char[]){"List\nTasks"};
	check_call_refused(&head, invalid, "method");
	text[RPC_METHOD_MAX + 1] = '\0';
	head.method = text;
	check_call_refused(&head, invalid, "method");
	text[RPC_METHOD_MAX] = '\0';
	check_call_refused(&head, DAVIT__REPLY__STATUS__UNIMPLEMENTED, "method");
	memset(text, 'x', sizeof text);
	head.method = (char[]){"ListTasks"};
	head.request_id = (char[]){""};
	check_call_refused(&head, invalid, "request_id");
	text[RPC_REQUEST_ID_MAX + 1] = '\0';
	head.request_id = text;
	check_call_refused(&head, invalid, "request_id");
	head.request_id = (char[]){"\x7f"};
	check_call_refused(&head, invalid, "request_id");
	head.request_id = NULL;
	head.has_deadline_ms = true;
	head.deadline_ms = RPC_DEADLINE_MAX_MS + 1;
	check_call_refused(&head, invalid, "deadline_ms");
	head.has_deadline_ms = false;
	memset(text, 'x', sizeof text);
	text[RPC_TOKEN_MAX + 1] = '\0';
	head.token = text;
	check_call_refused(&head, invalid, "token");
}

TEST(call_limits_themselves_are_allowed)
{
	CLEANUP(buf_fini) struct buf data = {0};
	char id[RPC_REQUEST_ID_MAX + 1], token[RPC_TOKEN_MAX + 1];
	Davit__Call head = DAVIT__CALL__INIT;

	memset(id, '~', sizeof id);
	id[RPC_REQUEST_ID_MAX] = '\0';
	memset(token, ' ', sizeof token);
	token[RPC_TOKEN_MAX] = '\0';
	head.method = (char[]){"ListTasks"};
	head.request_id = id;
	head.token = token;
	head.has_deadline_ms = true;
	head.deadline_ms = RPC_DEADLINE_MAX_MS;
	pack_call(&head, NULL, &data);
	rpc_call_drop(parse_ok(data.data, data.size));
}

TEST(call_that_is_malformed_is_refused_in_its_own_encoding)
{
	static const char *const broken[] = {"{", "{}", "{]", "{\"method\"", "{\"method\":}",
		"{\"request\":{\"task\":\"x\"}", "{\"request\":", "{\"method\":\"ListTasks\"} x",
		"{\"method\":\"ListTasks\",\"request\":[]}",
		"{\"method\":\"ListTasks\",\"request\":",
		"{\"request\":{},\"method\":\"ListTasks\",\"request\":{}}",
		"{\"method\":\"GetTask\",\"request\":\"abc\"}", "{\"method\":\"GetTask\"}",
		"{\"method\":\"ListTasks\",\"nonsense\":1}",
		"{\"method\":\"GetTask\",\"request\":{\"task\":\"\\u0000\"}}", "\x0a", "\x0a\x7f",
		"\xff\xff\xff", "x"};

	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		check_refused(broken[i], DAVIT__REPLY__STATUS__INVALID_ARGUMENT, NULL, "");
}

TEST(call_with_a_wrong_field_names_its_path)
{
	CLEANUP(buf_fini) struct buf data = {0};
	Davit__Call head = DAVIT__CALL__INIT;
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	char *command[] = {(char[]){"fine"}, (char[]){"\xc3\x28"}};
	Davit__Reply *reply;

	check_refused("{\"method\":\"SubmitTasks\",\"request\":{\"spec\":{\"image\":7}}}",
		DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "spec.image", "");
	spec.image = (char[]){"i"};
	spec.command = command;
	spec.n_command = 2;
	request.spec = &spec;
	head.method = (char[]){"SubmitTasks"};
	pack_call(&head, &request.base, &data);
	reply = refusal(data.data, data.size);
	CHECK_EQ(reply->status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(reply->field, "spec.command[1]");
	davit__reply__free_unpacked(reply, NULL);
}

TEST(call_that_is_too_large_names_the_limit)
{
	char *text = xmalloc(RPC_MESSAGE_MAX + 1);
	Davit__Reply *reply;

	memset(text, ' ', RPC_MESSAGE_MAX + 1);
	memcpy(text, "{\"method\":\"ListTasks\"}", 22);
	rpc_call_drop(parse_ok(text, RPC_MESSAGE_MAX));
	reply = refusal(text, RPC_MESSAGE_MAX + 1);
	CHECK_EQ(reply->status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	CHECK_HAS(reply->message, "RPC_MESSAGE_MAX");
	davit__reply__free_unpacked(reply, NULL);
	free(text);
}

static uint64_t
hash_of(const char *text)
{
	struct rpc_call *call = parse_text(text);
	uint64_t hash = call->request_hash;

	rpc_call_drop(call);
	return hash;
}

TEST(call_hash_depends_on_content_not_on_encoding)
{
	CLEANUP(buf_fini) struct buf data = {0};
	Davit__Call head = DAVIT__CALL__INIT;
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	char *tasks[] = {(char[]){"a"}};
	struct rpc_call *call;
	uint64_t hash;

	hash = hash_of(
		"{\"method\":\"StopTasks\",\"request_id\":\"1\",\"request\":{\"tasks\":[\"a\"],"
		"\"timeout\":\"2s\"}}");
	CHECK(hash != 0);
	CHECK(hash ==
		hash_of("{\"request\":{\"timeout_ms\": 2000 ,\"tasks\":[\"a\"]},\"request_id\":"
			"\"2\",\"method\":\"davit.Manager/StopTasks\"}"));
	CHECK(hash !=
		hash_of("{\"method\":\"StopTasks\",\"request_id\":\"1\",\"request\":{\"tasks\":"
			"[\"a\"]}}"));
	CHECK(hash !=
		hash_of("{\"method\":\"RemoveTasks\",\"request_id\":\"1\",\"request\":{\"tasks\":"
			"[\"a\"]}}"));
	request.tasks = tasks;
	request.n_tasks = 1;
	request.has_timeout_ms = true;
	request.timeout_ms = 2000;
	head.method = (char[]){"StopTasks"};
	head.request_id = (char[]){"3"};
	pack_call(&head, &request.base, &data);
	call = parse_ok(data.data, data.size);
	CHECK(call->request_hash == hash);
	rpc_call_drop(call);
}

TEST(call_answer_in_json_ends_with_a_newline_and_carries_the_note)
{
	CLEANUP(rpc_call_drop) struct rpc_call *call = parse_text("{\"method\":\"ListNodes\"}");
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;

	rpc_call_set_note(call, "say \"when\"");
	rpc_call_answer(call, &reply.base);
	CHECK(call->is_answered);
	CHECK_STR(buf_text(&call->reply),
		"{\"status\":\"OK\",\"response\":{},\"note\":\"say \\\"when\\\"\"}\n");
	rpc_call_set_note(call, NULL);
	rpc_call_answer(call, &reply.base);
	CHECK_STR(buf_text(&call->reply), "{\"status\":\"OK\",\"response\":{}}\n");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, "node", "no node '%s'", "n1");
	CHECK_STR(buf_text(&call->reply),
		"{\"status\":\"NOT_FOUND\",\"message\":\"no node 'n1'\",\"field\":\"node\"}\n");
}

TEST(call_answer_that_is_too_large_is_refused)
{
	CLEANUP(rpc_call_drop)
	struct rpc_call *call =
		parse_text("{\"method\":\"ReadLogs\",\"request\":{\"task\":\"t\"}}");
	Davit__ReadLogsReply reply = DAVIT__READ_LOGS_REPLY__INIT;
	Davit__LogChunk chunk = DAVIT__LOG_CHUNK__INIT, *chunks[] = {&chunk};

	chunk.has_data = true;
	chunk.data.len = RPC_MESSAGE_MAX;
	chunk.data.data = xcalloc(1, RPC_MESSAGE_MAX);
	reply.chunks = chunks;
	reply.n_chunks = 1;
	rpc_call_answer(call, &reply.base);
	CHECK_HAS(buf_text(&call->reply), "RESOURCE_EXHAUSTED");
	CHECK_HAS(buf_text(&call->reply), "RPC_MESSAGE_MAX");
	free(chunk.data.data);
}

TEST(call_refusal_is_cut_at_a_whole_character)
{
	CLEANUP(rpc_call_drop) struct rpc_call *call = parse_text("{\"method\":\"ListNodes\"}");
	char text[RPC_SENTENCE_MAX + 8];

	memset(text, 'x', sizeof text);
	memcpy(text + RPC_SENTENCE_MAX - 3, "\xe2\x82\xac", 4);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__INTERNAL, NULL, "%s", text);
	CHECK(utf8_is_text((char *)call->reply.data, call->reply.size));
	CHECK(strstr(buf_text(&call->reply), "\xef\xbf\xbd") == NULL);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__INTERNAL, NULL, "a\xff\x01z and more");
	CHECK_HAS(buf_text(&call->reply), "a??z and more");
}

TEST(call_statuses_have_names_and_every_errno_has_one)
{
	CHECK_STR(rpc_status_name(DAVIT__REPLY__STATUS__OK), "OK");
	CHECK_STR(rpc_status_name(DAVIT__REPLY__STATUS__FAILED_PRECONDITION),
		"FAILED_PRECONDITION");
	CHECK_STR(rpc_status_name((Davit__Reply__Status)99), "UNKNOWN");
	CHECK_EQ(rpc_status_of_errno(0), DAVIT__REPLY__STATUS__OK);
	for (int code = 1; code < 200; code++)
		CHECK(rpc_status_of_errno(-code) != DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(rpc_status_of_errno(-ENOENT), DAVIT__REPLY__STATUS__NOT_FOUND);
	CHECK_EQ(rpc_status_of_errno(-E2BIG), DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
}

/* Any bytes at all: an answer, never a crash. */
TEST(call_parser_survives_garbage)
{
	static const char seed[] = "{\"method\":\"GetTask\",\"request\":{\"task\":\"x\"}}";
	unsigned chance = 1;
	char text[96];

	for (unsigned round = 0; round < 20000; round++) {
		size_t size = sizeof seed - 1;
		CLEANUP(buf_fini) struct buf reply = {0};
		struct rpc_call *call;

		memcpy(text, seed, sizeof seed);
		for (unsigned i = 0; i < 1 + round % 4; i++) {
			chance = chance * 1103515245u + 12345;
			text[(chance >> 16) % size] = (char)(chance >> 8);
		}
		size -= round % 7;
		if (rpc_call_parse(services, text, size, &call, &reply) == 0)
			rpc_call_drop(call);
		else
			CHECK(reply.size > 0);
	}
}
