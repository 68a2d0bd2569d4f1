#include "common/rpc/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "proto/worker.pb-c.h"
#include "tests/lib/test.h"

TEST(unpack_refuses_what_is_no_message)
{
	struct pbjson_err err = {0};
	ProtobufCMessage *message;

	CHECK_EQ(rpc_unpack(&davit__get_task_request__descriptor, "\x0a\x7fx", 3, &message, &err),
		-EINVAL);
	CHECK_HAS(err.err.text, "GetTaskRequest");
	CHECK_EQ(rpc_unpack(&davit__get_task_request__descriptor, NULL, 0, &message, &err),
		-EINVAL); /* `task` is required */
}

TEST(unpack_refuses_unknown_enum_values_with_their_path)
{
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task good = DAVIT__TASK__INIT, bad = DAVIT__TASK__INIT;
	Davit__Task *tasks[] = {&good, &bad};
	uint8_t data[256];
	size_t size;
	struct pbjson_err err = {0};
	ProtobufCMessage *message;

	bad.has_phase = true;
	bad.phase = (Davit__Task__Phase)999;
	reply.tasks = tasks;
	reply.n_tasks = 2;
	size = davit__list_tasks_reply__pack(&reply, data);
	CHECK_EQ(rpc_unpack(&davit__list_tasks_reply__descriptor, data, size, &message, &err),
		-EINVAL);
	CHECK_STR(err.path, "tasks[1].phase");
	CHECK_HAS(err.err.text, "999");
}

TEST(unpack_checks_repeated_enums)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__Task__State states[] = {DAVIT__TASK__STATE__RUNNING, DAVIT__TASK__STATE__FAILED,
		(Davit__Task__State)-5};
	uint8_t data[64];
	size_t size;
	struct pbjson_err err = {0};
	ProtobufCMessage *message;

	request.states = states;
	request.n_states = 3;
	size = davit__list_tasks_request__pack(&request, data);
	CHECK_EQ(rpc_unpack(&davit__list_tasks_request__descriptor, data, size, &message, &err),
		-EINVAL);
	CHECK_STR(err.path, "states[2]");
	request.n_states = 2;
	size = davit__list_tasks_request__pack(&request, data);
	CHECK_EQ(rpc_unpack(&davit__list_tasks_request__descriptor, data, size, &message, &err), 0);
	protobuf_c_message_free_unpacked(message, NULL);
}

/* Two bytes on the wire are a whole Task in memory. */
TEST(unpack_bounds_the_memory_that_a_message_becomes)
{
	size_t n = RPC_DECODE_MAX / sizeof(Davit__Task), size = 2 * n;
	uint8_t *data = xcalloc(1, size);
	struct arena arena = {0};
	struct pbjson_err err = {0};
	ProtobufCMessage *message;

	for (size_t i = 0; i < n; i++)
		data[2 * i] = 1 << 3 | 2; /* field 1, length 0 */
	CHECK_EQ(rpc_unpack(&davit__list_tasks_reply__descriptor, data, size, &message, &err),
		-E2BIG);
	CHECK_HAS(err.err.text, "RPC_DECODE_MAX");
	CHECK_EQ(rpc_unpack(&davit__list_tasks_reply__descriptor, data, size / 2, &message, &err),
		0);
	CHECK_EQ(((Davit__ListTasksReply *)(void *)message)->n_tasks, n / 2);
	protobuf_c_message_free_unpacked(message, NULL);
	CHECK_EQ(rpc_unpack_in(&davit__list_tasks_reply__descriptor, data, size, &arena, &message,
			 &err),
		-E2BIG);
	arena_fini(&arena);
	CHECK_EQ(rpc_unpack_in(&davit__list_tasks_reply__descriptor, data, size / 2, &arena,
			 &message, &err),
		0);
	CHECK_EQ(((Davit__ListTasksReply *)(void *)message)->n_tasks, n / 2);
	arena_fini(&arena);
	free(data);
}

/* protobuf-c recurses as deep as the message nests; the types are what bounds it. */
static unsigned
depth(const ProtobufCMessageDescriptor *type, unsigned above)
{
	unsigned most = above;

	CHECK(above < 16);
	for (unsigned i = 0; i < type->n_fields; i++) {
		unsigned d = type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE
				     ? depth(type->fields[i].descriptor, above + 1)
				     : above;

		most = d > most ? d : most;
	}
	return most;
}

TEST(unpack_nesting_is_bounded_by_the_types)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		&davit__workers__descriptor};

	for (size_t i = 0; i < 2; i++) {
		for (unsigned k = 0; k < services[i]->n_methods; k++) {
			(void)depth(services[i]->methods[k].input, 0);
			(void)depth(services[i]->methods[k].output, 0);
		}
	}
}

TEST(unpack_hash_is_that_of_the_packed_bytes)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	uint8_t data[64];
	size_t size;

	request.task = (char[]){"web"};
	size = davit__get_task_request__pack(&request, data);
	CHECK(rpc_hash_message(RPC_HASH_START, &request.base) ==
		rpc_hash_bytes(RPC_HASH_START, data, size));
	CHECK(rpc_hash_bytes(RPC_HASH_START, "a", 1) == 0xaf63dc4c8601ec8cu); /* FNV's own vector */
}
