#include "common/rpc/envelope.h"

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/test.h"

static const ProtobufCMethodDescriptor *
method(void)
{
	return rpc_method(&davit__manager__descriptor, "GetTask");
}

TEST(envelope_call_survives_both_encodings)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	struct rpc_outgoing outgoing = {.method = "GetTask",
		.request = &request.base,
		.request_id = "a\"b",
		.deadline_ms = 1234567};

	request.task = (char[]){"caf\xc3\xa9"};
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(buf_fini) struct buf data = {0};
		CLEANUP(rpc_envelope_fini) struct rpc_envelope envelope = {0};
		struct arena arena = {0};
		ProtobufCMessage *message;
		struct pbjson_err err = {0};

		outgoing.is_json = i == 1;
		rpc_envelope_print(&outgoing, &data);
		CHECK_EQ(rpc_envelope_parse(data.data, data.size, &envelope, &err), 0);
		CHECK_EQ(envelope.is_json, outgoing.is_json);
		CHECK_STR(envelope.call->method, "GetTask");
		CHECK_STR(envelope.call->request_id, "a\"b");
		CHECK_EQ(envelope.call->deadline_ms, 1234567);
		CHECK_EQ(rpc_envelope_request(&envelope, method()->input, &arena, &message, &err),
			0);
		CHECK_STR(((Davit__GetTaskRequest *)(void *)message)->task, "caf\xc3\xa9");
		rpc_body_free(message, &arena);
	}
}

/* The bytes written by hand are those that protobuf-c would write, at every length of length. */
TEST(envelope_nested_bytes_are_those_of_protobuf)
{
	static const size_t sizes[] = {0, 1, 120, 127, 128, 16000, 16384, 3000000};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		CLEANUP(free) char *text = xcalloc(1, sizes[i] + 1);
		CLEANUP(buf_fini) struct buf data = {0};
		Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
		struct rpc_outgoing outgoing = {.method = "GetTask", .request = &request.base};
		CLEANUP(rpc_envelope_fini) struct rpc_envelope envelope = {0};
		struct arena arena = {0};
		struct pbjson_err err;
		ProtobufCMessage *message;
		Davit__Call *call;
		Davit__GetTaskRequest *got;

		memset(text, 'x', sizes[i]);
		request.task = text;
		rpc_envelope_print(&outgoing, &data);
		call = davit__call__unpack(NULL, data.size, data.data);
		CHECK(call != NULL && call->has_request && !call->has_deadline_ms);
		got = davit__get_task_request__unpack(NULL, call->request.len, call->request.data);
		CHECK(got != NULL);
		CHECK_EQ(strlen(got->task), sizes[i]);
		davit__get_task_request__free_unpacked(got, NULL);
		davit__call__free_unpacked(call, NULL);
		/* Small ones by their parts, large ones in an arena: it reads the same. */
		CHECK_EQ(rpc_envelope_parse(data.data, data.size, &envelope, &err), 0);
		CHECK_EQ(rpc_envelope_request(&envelope, method()->input, &arena, &message, &err),
			0);
		CHECK_STR(((Davit__GetTaskRequest *)(void *)message)->task, text);
		rpc_body_free(message, &arena);
	}
}

TEST(envelope_reply_survives_both_encodings)
{
	Davit__GetTaskReply response = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;
	struct rpc_result ok = {.response = &response.base, .note = "n"};
	struct rpc_result refused = {.status = DAVIT__REPLY__STATUS__NOT_FOUND,
		.message = "no \xe2\x82\xac",
		.field = "f"};

	response.task = &task;
	task.id = (char[]){"t1"};
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(buf_fini) struct buf data = {0};
		struct rpc_reply reply;

		rpc_reply_print(&ok, i == 1, &data);
		rpc_reply_parse(method(), data.data, data.size, &reply);
		CHECK_STR(rpc_status_name(reply.result.status), "OK");
		CHECK_STR(reply.result.message, "");
		CHECK_STR(reply.result.note, "n");
		CHECK_STR(((const Davit__GetTaskReply *)(const void *)reply.result.response)
				  ->task->id,
			"t1");
		rpc_reply_fini(&reply);
		buf_reset(&data);
		rpc_reply_print(&refused, i == 1, &data);
		rpc_reply_parse(method(), data.data, data.size, &reply);
		CHECK_STR(rpc_status_name(reply.result.status), "NOT_FOUND");
		CHECK_STR(reply.result.message, "no \xe2\x82\xac");
		CHECK_STR(reply.result.field, "f");
		CHECK_STR(reply.result.note, "");
		CHECK(reply.result.response == NULL);
		rpc_reply_fini(&reply);
	}
}

TEST(envelope_reply_that_cannot_be_read_is_internal)
{
	static const char *const texts[] = {"x", "{", "{\"status\":\"OK\"}", "\x08\x00",
		"\x08\x00\x1a\x01x", "\x08\x63", "{\"status\":\"OK\",\"response\":{\"task\":7}}"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t size = texts[i][0] == '\x08' && texts[i][1] == '\0'
				      ? (texts[i][2] == '\x1a' ? 5 : 2)
				      : strlen(texts[i]);
		struct rpc_reply reply;

		rpc_reply_parse(method(), texts[i], size, &reply);
		if (reply.result.status != DAVIT__REPLY__STATUS__INTERNAL)
			fail_msg("row %zu: %s", i, rpc_status_name(reply.result.status));
		CHECK_HAS(reply.result.message, "the answer cannot be read");
		CHECK(reply.result.response == NULL);
		rpc_reply_fini(&reply);
	}
}
