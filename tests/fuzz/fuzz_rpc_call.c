/* An envelope in either encoding, and the same bytes as a reply: read, or refused in words. */
#include <assert.h>

#include "common/rpc/call.h"
#include "common/rpc/envelope.h"
#include "proto/manager.pb-c.h"
#include "proto/worker.pb-c.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
	&davit__workers__descriptor, NULL};

static void
as_reply(const uint8_t *data, size_t size)
{
	const ProtobufCMethodDescriptor *method =
		rpc_method(&davit__manager__descriptor, "SubmitTasks");
	struct rpc_reply reply;

	rpc_reply_parse(method, data, size, &reply);
	assert(reply.result.message != NULL && reply.result.field != NULL);
	assert((reply.result.response != NULL) ==
		(reply.result.status == DAVIT__REPLY__STATUS__OK));
	rpc_reply_fini(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf refusal = {0};
	struct rpc_call *call = NULL;
	struct rpc_reply reply;

	if (rpc_call_parse(services, data, size, &call, &refusal) == 0) {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__ABORTED, NULL, "fuzz");
		rpc_call_send(call);
	} else {
		rpc_reply_parse(&services[0]->methods[0], refusal.data, refusal.size, &reply);
		assert(reply.result.status != DAVIT__REPLY__STATUS__OK);
		assert(reply.result.status != DAVIT__REPLY__STATUS__INTERNAL);
		rpc_reply_fini(&reply);
	}
	buf_fini(&refusal);
	as_reply(data, size);
	return 0;
}
