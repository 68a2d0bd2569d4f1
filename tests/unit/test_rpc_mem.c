#include "common/rpc/rpc_mem.h"

#include "proto/manager.pb-c.h"
#include "tests/lib/rpc_peer.h"
#include "tests/lib/test.h"

static struct rpc_call *
call_wait(const char *id, const struct rpc_mem_options *options, struct seen *seen)
{
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t)id;
	return rpc_mem_call_with(&davit__manager__descriptor, "WaitTask", &request.base, options,
		peer_on_done, seen);
}

TEST(rpc_mem_call_is_answered_later_in_both_encodings)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rpc_mem_options options = {.request_id = "r",
			.deadline_ms = 9,
			.is_json = i == 1};
		struct seen seen = {0};
		struct rpc_call *call = call_wait("t1", &options, &seen);

		CHECK(call != NULL);
		CHECK_EQ(call->is_json, options.is_json);
		CHECK_EQ(call->deadline_ms, 9);
		CHECK_STR(call->request_id, "r");
		CHECK_EQ(seen.n, 0);
		peer_answer(call);
		CHECK_EQ(seen.n, 1);
		CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__OK);
		CHECK_STR(seen.id, "t1");
	}
}

TEST(rpc_mem_hash_is_the_same_in_both_encodings)
{
	struct rpc_mem_options protobuf = {.request_id = "a"}, json = {"b", 0, true};
	struct rpc_call *one = call_wait("t1", &protobuf, NULL);
	struct rpc_call *two = call_wait("t1", &json, NULL);

	CHECK(one->request_hash == two->request_hash);
	rpc_call_drop(one);
	rpc_call_drop(two);
}

TEST(rpc_mem_call_with_bad_fields_is_refused_at_once)
{
	struct rpc_mem_options options = {.request_id = ""};
	struct seen seen = {0};

	CHECK(call_wait("t1", &options, &seen) == NULL);
	CHECK_EQ(seen.n, 1);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(seen.field, "request_id");
}

TEST(rpc_mem_call_that_was_not_answered_is_internal_and_dropped_is_silent)
{
	struct rpc_mem_options options = {0};
	struct seen seen = {0};

	rpc_call_drop(call_wait("t1", &options, &seen));
	CHECK_EQ(seen.n, 0);
	rpc_call_send(call_wait("t1", &options, &seen));
	CHECK_EQ(seen.n, 1);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__INTERNAL);
	CHECK_HAS(seen.message, "WaitTask");
}

TEST(rpc_mem_note_reaches_the_caller)
{
	Davit__ListNodesRequest request = DAVIT__LIST_NODES_REQUEST__INIT;
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;
	struct seen seen = {0};
	struct rpc_call *call;

	call = rpc_mem_call(&davit__manager__descriptor, "ListNodes", &request.base, NULL,
		peer_on_done, &seen);
	rpc_call_set_note(call, "by the way");
	rpc_call_answer(call, &reply.base);
	rpc_call_send(call);
	CHECK_STR(seen.note, "by the way");
}

struct sent {
	unsigned n;
	struct buf reply;
};

static void
on_sent(const void *data, size_t size, void *arg)
{
	struct sent *sent = arg;

	sent->n++;
	buf_reset(&sent->reply);
	buf_put(&sent->reply, data, size);
}

TEST(rpc_mem_bytes_may_arrive_twice_and_the_answer_later)
{
	const ProtobufCMethodDescriptor *method =
		rpc_method(&davit__manager__descriptor, "WaitTask");
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;
	CLEANUP(buf_fini) struct buf wire = {0};
	struct sent sent = {0};
	struct seen seen = {0};
	struct rpc_call *first, *second;

	request.task = (char *)(uintptr_t) "t1";
	rpc_mem_print("WaitTask", &request.base, "r", &wire);
	first = rpc_mem_arrive(&davit__manager__descriptor, wire.data, wire.size, on_sent, &sent);
	second = rpc_mem_arrive(&davit__manager__descriptor, wire.data, wire.size, on_sent, &sent);
	CHECK_STR(second->request_id, "r");
	CHECK_EQ(sent.n, 0);
	rpc_call_drop(second);
	CHECK_EQ(sent.n, 1);
	CHECK_EQ(sent.reply.size, 0);
	peer_answer(first);
	CHECK_EQ(sent.n, 2);
	rpc_mem_reply(method, sent.reply.data, sent.reply.size, peer_on_done, &seen);
	CHECK_EQ(seen.n, 1);
	CHECK_STR(seen.id, "t1");
	buf_fini(&sent.reply);
}

TEST(rpc_mem_bytes_that_are_no_call_are_refused)
{
	struct sent sent = {0};
	struct seen seen = {0};

	CHECK(rpc_mem_arrive(&davit__manager__descriptor, "\xff", 1, on_sent, &sent) == NULL);
	CHECK_EQ(sent.n, 1);
	rpc_mem_reply(rpc_method(&davit__manager__descriptor, "WaitTask"), sent.reply.data,
		sent.reply.size, peer_on_done, &seen);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	buf_fini(&sent.reply);
}
