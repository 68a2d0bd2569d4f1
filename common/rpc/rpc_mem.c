#include "common/rpc/rpc_mem.h"

#include "common/base/mem.h"
#include "common/rpc/envelope.h"

struct caller {
	rpc_done_fn *on_reply;
	void *arg;
};

static void
deliver(const struct caller *caller, const ProtobufCMethodDescriptor *method, const void *data,
	size_t size)
{
	struct rpc_reply reply;

	if (caller->on_reply == NULL)
		return;
	rpc_reply_parse(method, data, size, &reply);
	caller->on_reply(&reply.result, caller->arg);
	rpc_reply_fini(&reply);
}

static void
mem_send(struct rpc_call *call, const void *data, size_t size)
{
	deliver(call->transport_data, &call->service->methods[call->method], data, size);
}

static void
mem_release(struct rpc_call *call)
{
	free(call->transport_data);
}

static const struct rpc_transport mem_transport = {
	.send = mem_send,
	.release = mem_release,
};

struct rpc_call *
rpc_mem_call_with(const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, const struct rpc_mem_options *options,
	rpc_done_fn *on_reply, void *arg)
{
	const ProtobufCServiceDescriptor *const services[] = {service, NULL};
	CLEANUP(buf_fini) struct buf data = {0}, refusal = {0};
	struct caller caller = {on_reply, arg};
	struct rpc_outgoing outgoing = {.method = method,
		.request = request,
		.request_id = options->request_id,
		.deadline_ms = options->deadline_ms,
		.is_json = options->is_json};
	struct rpc_call *call;

	rpc_envelope_print(&outgoing, &data);
	if (rpc_call_parse(services, data.data, data.size, &call, &refusal) < 0) {
		deliver(&caller, &service->methods[0], refusal.data, refusal.size);
		return NULL;
	}
	call->transport = &mem_transport;
	call->transport_data = xmemdup(&caller, sizeof caller);
	return call;
}

struct rpc_call *
rpc_mem_call(const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, const char *request_id, rpc_done_fn *on_reply, void *arg)
{
	struct rpc_mem_options options = {.request_id = request_id};

	return rpc_mem_call_with(service, method, request, &options, on_reply, arg);
}

/* ---- as bytes ---- */

struct receiver {
	rpc_mem_sent_fn *on_sent;
	void *arg;
	bool is_told;
};

static void
wire_send(struct rpc_call *call, const void *data, size_t size)
{
	struct receiver *receiver = call->transport_data;

	receiver->is_told = true;
	receiver->on_sent(data, size, receiver->arg);
}

static void
wire_release(struct rpc_call *call)
{
	struct receiver *receiver = call->transport_data;

	if (!receiver->is_told)
		receiver->on_sent(NULL, 0, receiver->arg);
	free(receiver);
}

static const struct rpc_transport wire_transport = {
	.send = wire_send,
	.release = wire_release,
};

struct rpc_call *
rpc_mem_arrive(const ProtobufCServiceDescriptor *service, const void *data, size_t size,
	rpc_mem_sent_fn *on_sent, void *arg)
{
	const ProtobufCServiceDescriptor *const services[] = {service, NULL};
	struct receiver receiver = {on_sent, arg, false};
	CLEANUP(buf_fini) struct buf refusal = {0};
	struct rpc_call *call;

	if (rpc_call_parse(services, data, size, &call, &refusal) < 0) {
		on_sent(refusal.data, refusal.size, arg);
		return NULL;
	}
	call->transport = &wire_transport;
	call->transport_data = xmemdup(&receiver, sizeof receiver);
	return call;
}

void
rpc_mem_reply(const ProtobufCMethodDescriptor *method, const void *data, size_t size,
	rpc_done_fn *on_reply, void *arg)
{
	struct caller caller = {on_reply, arg};

	deliver(&caller, method, data, size);
}

void
rpc_mem_print(const char *method, const ProtobufCMessage *request, const char *request_id,
	struct buf *out)
{
	struct rpc_outgoing outgoing = {.method = method,
		.request = request,
		.request_id = request_id};

	rpc_envelope_print(&outgoing, out);
}
