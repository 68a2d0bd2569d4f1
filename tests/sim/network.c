#include "tests/sim/network.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/rpc_mem.h"
#include "tests/sim/host.h"

enum { RESEND_MS = 300 }; /* about what a reconnect takes */

/* One call; freed when nothing queued refers to it any more. */
struct exchange {
	struct sim *sim;
	unsigned from, to, n_refs;
	uint64_t from_epoch;
	const ProtobufCServiceDescriptor *service;
	const ProtobufCMethodDescriptor *method;
	ProtobufCMessage *request;
	char request_id[RPC_REQUEST_ID_MAX + 1];
	rpc_done_fn *done;
	void *arg;
	bool is_done, owns_arg;
};

/* An answer on its way. */
struct answer {
	struct exchange *exchange;
	Davit__Reply__Status status;
	char message[256], field[64];
	uint8_t *response;
	size_t size;
	bool has_response;
};

/* What the serving process holds of a call: it may answer after it died. */
struct served {
	struct exchange *exchange;
	uint64_t to_epoch;
};

static ProtobufCMessage *
copy_message(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = xmalloc(size);
	ProtobufCMessage *copy;

	(void)protobuf_c_message_pack(message, data);
	copy = protobuf_c_message_unpack(message->descriptor, NULL, size, data);
	free(data);
	return copy;
}

static void
unref(struct exchange *exchange)
{
	if (--exchange->n_refs > 0)
		return;
	protobuf_c_message_free_unpacked(exchange->request, NULL);
	if (exchange->owns_arg)
		free(exchange->arg);
	free(exchange);
}

static bool
caller_lives(const struct exchange *exchange)
{
	const struct sim_proc *proc = &exchange->sim->procs[exchange->from];

	return proc->is_up && proc->epoch == exchange->from_epoch;
}

static void
finish(struct exchange *exchange, const struct rpc_result *result)
{
	if (exchange->is_done)
		return;
	exchange->is_done = true;
	if (caller_lives(exchange))
		exchange->done(result, exchange->arg);
}

static void
on_timeout(struct sim *sim, void *arg)
{
	struct exchange *exchange = arg;
	struct rpc_result result = {.status = DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED,
		.message = "no answer in time",
		.field = "",
		.note = ""};

	(void)sim;
	finish(exchange, &result);
	unref(exchange);
}

static void send_request(struct exchange *exchange);

static void
on_resend(struct sim *sim, void *arg)
{
	struct exchange *exchange = arg;

	(void)sim;
	if (!exchange->is_done && caller_lives(exchange))
		send_request(exchange);
	unref(exchange);
}

static void
resend_later(struct exchange *exchange)
{
	struct sim *sim = exchange->sim;

	if (sim->is_ending)
		return;
	exchange->n_refs++;
	sim_at(sim, sim->now_ms + RESEND_MS + sim_roll(sim, RESEND_MS), on_resend, exchange);
}

static uint64_t
delay(struct sim *sim)
{
	return sim->now_ms + sim_roll(sim, sim->delay_max_ms + 1);
}

/* ---- answers ---- */

static void
on_answer(struct sim *sim, void *arg)
{
	struct answer *answer = arg;
	struct exchange *exchange = answer->exchange;
	struct rpc_result result = {.status = answer->status,
		.message = answer->message,
		.field = answer->field,
		.note = ""};
	ProtobufCMessage *response = NULL;

	if (sim->links[exchange->to][exchange->from].is_cut) {
		resend_later(exchange);
	} else if (!exchange->is_done && caller_lives(exchange)) {
		if (answer->has_response)
			response = protobuf_c_message_unpack(exchange->method->output, NULL,
				answer->size, answer->response);
		result.response = response;
		finish(exchange, &result);
	}
	if (response != NULL)
		protobuf_c_message_free_unpacked(response, NULL);
	free(answer->response);
	free(answer);
	unref(exchange);
}

static void
on_reply(const struct rpc_result *result, void *arg)
{
	struct served *served = arg;
	struct exchange *exchange = served->exchange;
	struct sim *sim = exchange->sim;
	bool is_alive = sim->procs[exchange->to].is_up &&
			sim->procs[exchange->to].epoch == served->to_epoch;

	free(served);
	if (is_alive && (!sim->faults_on || !sim_chance(sim, sim->loss))) {
		struct answer *answer = xcalloc(1, sizeof *answer);

		answer->exchange = exchange;
		answer->status = result->status;
		(void)snprintf(answer->message, sizeof answer->message, "%s", result->message);
		(void)snprintf(answer->field, sizeof answer->field, "%s", result->field);
		if (result->response != NULL) {
			answer->has_response = true;
			answer->size = protobuf_c_message_get_packed_size(result->response);
			answer->response = xmalloc(answer->size);
			(void)protobuf_c_message_pack(result->response, answer->response);
		}
		exchange->n_refs++;
		sim_at(sim, delay(sim), on_answer, answer);
	} else if (!exchange->is_done) {
		resend_later(exchange);
	}
	unref(exchange);
}

/* ---- requests ---- */

static void
on_request(struct sim *sim, void *arg)
{
	struct exchange *exchange = arg;
	struct sim_proc *to = &sim->procs[exchange->to];
	struct served *served;
	struct rpc_call *call;

	if (exchange->is_done || !caller_lives(exchange)) {
		unref(exchange);
		return;
	}
	if (!to->is_up || sim->links[exchange->from][exchange->to].is_cut) {
		resend_later(exchange);
		unref(exchange);
		return;
	}
	served = xcalloc(1, sizeof *served);
	served->exchange = exchange; /* takes over the reference */
	served->to_epoch = to->epoch;
	call = rpc_mem_call(exchange->service, exchange->method->name, exchange->request,
		exchange->request_id[0] != '\0' ? exchange->request_id : NULL, on_reply, served);
	if (call == NULL)
		return;
	if (exchange->to == SIM_MANAGER)
		host_manager_take(sim, call);
	else
		host_scheduler_take(sim, call);
}

static void
send_request(struct exchange *exchange)
{
	struct sim *sim = exchange->sim;

	if (sim->faults_on && sim_chance(sim, sim->loss)) {
		resend_later(exchange);
		return;
	}
	exchange->n_refs++;
	sim_at(sim, delay(sim), on_request, exchange);
	if (sim->faults_on && sim_chance(sim, sim->doubling)) {
		exchange->n_refs++;
		sim_at(sim, delay(sim), on_request, exchange);
	}
}

void
network_call(struct sim *sim, const struct network_call *call)
{
	struct exchange *exchange = xcalloc(1, sizeof *exchange);

	exchange->sim = sim;
	exchange->from = call->from;
	exchange->to = call->to;
	exchange->from_epoch = sim->procs[call->from].epoch;
	exchange->service = call->service;
	exchange->method = rpc_method(call->service, call->method);
	exchange->request = copy_message(call->request);
	exchange->done = call->done;
	exchange->arg = call->arg;
	exchange->owns_arg = call->owns_arg;
	exchange->n_refs = 1; /* the timeout's */
	if (call->request_id != NULL)
		(void)snprintf(exchange->request_id, sizeof exchange->request_id, "%s",
			call->request_id);
	sim_at(sim, sim->now_ms + call->timeout_ms, on_timeout, exchange);
	send_request(exchange);
}
