/* A call from anybody, in either encoding; and a reply, as a client reads it. */
#include <assert.h>

#include "common/rpc/call.h"
#include "common/rpc/envelope.h"
#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"
#include "proto/scheduler.pb-c.h"
#include "proto/worker.pb-c.h"
#include "tests/fuzz/fuzz.h"

static void
as_reply(const uint8_t *data, size_t size)
{
	const ProtobufCServiceDescriptor *service = &davit__manager__descriptor;

	for (unsigned i = 0; i < service->n_methods; i++) {
		struct rpc_reply reply;

		rpc_reply_parse(&service->methods[i], data, size, &reply);
		assert(reply.result.status != DAVIT__REPLY__STATUS__OK ||
			reply.result.response != NULL);
		rpc_reply_fini(&reply);
	}
}

/* Whoever is refused can read why, in the encoding of the call. */
static void
check_refusal(struct buf *sent)
{
	struct rpc_reply reply;

	rpc_reply_parse(&davit__manager__descriptor.methods[0], buf_text(sent), sent->size, &reply);
	assert(reply.result.status != DAVIT__REPLY__STATUS__OK);
	assert(reply.result.status != DAVIT__REPLY__STATUS__INTERNAL);
	assert(reply.result.message[0] != '\0');
	rpc_reply_fini(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		&davit__workers__descriptor, &davit__scheduler__descriptor,
		&davit__monitor__descriptor, NULL};
	struct rpc_call *call = NULL;
	struct buf sent = {0};

	if (rpc_call_parse(services, data, size, &call, &sent) < 0) {
		check_refusal(&sent);
	} else {
		assert(call->request != NULL && rpc_call_method(call)[0] != '\0');
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, "a.b", "no");
		rpc_call_send(call);
	}
	buf_fini(&sent);
	as_reply(data, size);
	return 0;
}
