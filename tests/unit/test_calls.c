/* proto/calls.proto: what people encode with protoc is what the servers read. */
#include <stdio.h>

#include "common/base/buf.h"
#include "proto/calls.pb-c.h"
#include "proto/monitor.pb-c.h"
#include "proto/rpc.pb-c.h"
#include "proto/scheduler.pb-c.h"
#include "tests/lib/test.h"

static void
read_all(FILE *file, struct buf *ret)
{
	size_t n;

	CHECK(file != NULL);
	do {
		n = fread(buf_reserve(ret, 4096), 1, 4096, file);
		ret->size += n;
	} while (n > 0);
}

TEST(the_committed_file_is_what_the_services_say)
{
	struct buf made = {0}, committed = {0};
	FILE *script = popen("proto/make_calls.sh", "r"), *file = fopen("proto/calls.proto", "r");

	read_all(script, &made);
	CHECK_EQ(pclose(script), 0);
	read_all(file, &committed);
	(void)fclose(file);
	if (made.size != committed.size || memcmp(made.data, committed.data, made.size) != 0)
		fail_msg("proto/calls.proto is not up to date: run make golden");
	buf_fini(&made);
	buf_fini(&committed);
}

TEST(a_typed_call_is_a_call_on_the_wire)
{
	Davit__Calls__SubmitTasksCall typed = DAVIT__CALLS__SUBMIT_TASKS_CALL__INIT;
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT, *decoded;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	uint8_t bytes[256];
	size_t size;
	Davit__Call *call;

	CHECK_STR(typed.method, "SubmitTasks");
	spec.image = "nginx";
	request.spec = &spec;
	request.has_count = 1;
	request.count = 3;
	typed.method = (char[]){"SubmitTasks"}; /* a default does not travel */
	typed.request = &request;
	typed.request_id = "r1";
	typed.has_deadline_ms = 1;
	typed.deadline_ms = 500;
	typed.token = "t";
	CHECK(davit__calls__submit_tasks_call__get_packed_size(&typed) <= sizeof bytes);
	size = davit__calls__submit_tasks_call__pack(&typed, bytes);
	call = davit__call__unpack(NULL, size, bytes);
	CHECK(call != NULL && call->base.n_unknown_fields == 0);
	CHECK_STR(call->method, "SubmitTasks");
	CHECK_STR(call->request_id, "r1");
	CHECK_EQ(call->deadline_ms, 500);
	CHECK_STR(call->token, "t");
	decoded = davit__submit_tasks_request__unpack(NULL, call->request.len, call->request.data);
	CHECK(decoded != NULL && decoded->base.n_unknown_fields == 0);
	CHECK_STR(decoded->spec->image, "nginx");
	CHECK_EQ(decoded->count, 3);
	davit__submit_tasks_request__free_unpacked(decoded, NULL);
	davit__call__free_unpacked(call, NULL);
}

TEST(a_reply_is_a_typed_reply_on_the_wire)
{
	Davit__GetViewReply view = DAVIT__GET_VIEW_REPLY__INIT;
	Davit__Reply reply = DAVIT__REPLY__INIT;
	Davit__Calls__GetViewReply *typed;
	uint8_t bytes[256], inner[64];
	size_t size;

	view.has_version = 1;
	view.version = 7;
	reply.has_status = 1;
	reply.status = DAVIT__REPLY__STATUS__UNAVAILABLE;
	reply.message = "not yet";
	reply.has_response = 1;
	reply.response.data = inner;
	reply.response.len = davit__get_view_reply__pack(&view, inner);
	reply.field = "a.b";
	reply.note = "n";
	size = davit__reply__pack(&reply, bytes);
	typed = davit__calls__get_view_reply__unpack(NULL, size, bytes);
	CHECK(typed != NULL && typed->base.n_unknown_fields == 0);
	CHECK_EQ(typed->status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	CHECK_STR(typed->message, "not yet");
	CHECK_EQ(typed->response->version, 7);
	CHECK_STR(typed->field, "a.b");
	CHECK_STR(typed->note, "n");
	davit__calls__get_view_reply__free_unpacked(typed, NULL);
}

/* A twin's fields have the envelope's names and numbers, all of them. */
static void
check_twin(const ProtobufCMessageDescriptor *twin, const ProtobufCMessageDescriptor *envelope)
{
	CHECK_EQ(twin->n_fields, envelope->n_fields);
	for (unsigned i = 0; i < twin->n_fields; i++) {
		CHECK_STR(twin->fields[i].name, envelope->fields[i].name);
		CHECK_EQ(twin->fields[i].id, envelope->fields[i].id);
	}
}

TEST(twins_keep_up_with_the_envelope)
{
	check_twin(&davit__calls__submit_tasks_call__descriptor, &davit__call__descriptor);
	check_twin(&davit__calls__submit_tasks_reply__descriptor, &davit__reply__descriptor);
	check_twin(&davit__calls__poll_call__descriptor, &davit__call__descriptor);
	check_twin(&davit__calls__place_reply__descriptor, &davit__reply__descriptor);
}
