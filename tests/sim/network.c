#include "tests/sim/network.h"

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
	struct buf wire; /* the request, as the bytes that travel */
	rpc_done_fn *done;
	void *arg;
	bool is_done, owns_arg;
};

/* An answer on its way. */
struct answer {
	struct exchange *exchange;
	size_t size;
	uint8_t data[];
};

/* What the serving process holds of a call: it may answer after it died. */
struct served {
	struct exchange *exchange;
	uint64_t to_epoch;
};

static void
unref(struct exchange *exchange)
{
	if (--exchange->n_refs > 0)
		return;
	buf_fini(&exchange->wire);
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
finish(const struct rpc_result *result, void *arg)
{
	struct exchange *exchange = arg;

	exchange->is_done = true;
	exchange->done(result, exchange->arg);
}

static bool
on_timeout(struct sim *sim, void *arg)
{
	struct exchange *exchange = arg;
	struct rpc_result result = {.status = DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED,
		.message = "no answer in time",
		.field = "",
		.note = ""};
	bool is_news = !exchange->is_done && caller_lives(exchange);

	if (is_news) {
		sim_count(sim, SIM_GIVEN_UP);
		finish(&result, exchange);
	}
	unref(exchange);
	return is_news;
}

static void send_request(struct exchange *exchange);

static bool
on_resend(struct sim *sim, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange->is_done && caller_lives(exchange)) {
		sim_count(sim, SIM_RESENT);
		send_request(exchange);
	}
	unref(exchange);
	return false; /* nng's own doing: no process of ours hears of it */
}

static void
resend_later(struct exchange *exchange)
{
	struct sim *sim = exchange->sim;

	if (sim->is_ending || exchange->is_done || !caller_lives(exchange))
		return;
	exchange->n_refs++;
	sim_at(sim,
		sim->now_ms + RESEND_MS +
			dice_roll(&sim->links[exchange->from][exchange->to].dice, RESEND_MS),
		on_resend, exchange);
}

/* When a message that is sent now arrives. Each for itself: so they overtake one another. */
static uint64_t
arrival(struct sim *sim, unsigned from, unsigned to)
{
	struct sim_link *link = &sim->links[from][to];
	uint64_t at_ms = sim->now_ms + dice_roll(&link->dice, sim->delay_max_ms + 1);

	if (at_ms < link->last_ms)
		sim_count(sim, SIM_OVERTAKEN);
	else
		link->last_ms = at_ms;
	if (at_ms - sim->now_ms > SIM_DELAY_MS)
		sim_count(sim, SIM_LATE);
	return at_ms;
}

static bool
is_lost(struct sim *sim, unsigned from, unsigned to)
{
	if (!sim->faults_on || !dice_chance(&sim->links[from][to].dice, sim->loss))
		return false;
	sim_count(sim, SIM_LOST);
	return true;
}

/* ---- answers ---- */

static bool
on_answer(struct sim *sim, void *arg)
{
	struct answer *answer = arg;
	struct exchange *exchange = answer->exchange;
	bool is_cut = sim->links[exchange->to][exchange->from].is_cut;
	bool is_news = !is_cut && !exchange->is_done && caller_lives(exchange);

	if (is_cut)
		resend_later(exchange);
	else if (is_news)
		rpc_mem_reply(exchange->method, answer->data, answer->size, finish, exchange);
	else if (exchange->is_done)
		sim_count(sim, SIM_TOO_LATE);
	free(answer);
	unref(exchange);
	return is_news;
}

static void
on_sent(const void *data, size_t size, void *arg)
{
	struct served *served = arg;
	struct exchange *exchange = served->exchange;
	struct sim *sim = exchange->sim;
	bool is_alive = sim->procs[exchange->to].is_up &&
			sim->procs[exchange->to].epoch == served->to_epoch;

	free(served);
	if (data != NULL && is_alive && !is_lost(sim, exchange->to, exchange->from)) {
		struct answer *answer = xmalloc(sizeof *answer + size);

		answer->exchange = exchange;
		answer->size = size;
		memcpy(answer->data, data, size);
		exchange->n_refs++;
		sim_at(sim, arrival(sim, exchange->to, exchange->from), on_answer, answer);
	} else {
		resend_later(exchange);
	}
	unref(exchange);
}

/* ---- requests ---- */

static bool
on_request(struct sim *sim, void *arg)
{
	struct exchange *exchange = arg;
	struct sim_proc *to = &sim->procs[exchange->to];
	struct served *served;
	struct rpc_call *call;

	if (sim->is_ending) {
		unref(exchange);
		return false;
	}
	/* It arrives also when the caller gave up or died meanwhile. */
	if (!to->is_up || sim->links[exchange->from][exchange->to].is_cut) {
		resend_later(exchange);
		unref(exchange);
		return false;
	}
	served = xcalloc(1, sizeof *served);
	served->exchange = exchange; /* takes over the reference */
	served->to_epoch = to->epoch;
	call = rpc_mem_arrive(exchange->service, exchange->wire.data, exchange->wire.size, on_sent,
		served);
	if (call == NULL)
		return true;
	if (exchange->to == SIM_MANAGER)
		host_manager_take(sim, call);
	else
		host_scheduler_take(sim, call);
	return true;
}

static void
send_request(struct exchange *exchange)
{
	struct sim *sim = exchange->sim;

	if (is_lost(sim, exchange->from, exchange->to)) {
		resend_later(exchange);
		return;
	}
	exchange->n_refs++;
	sim_at(sim, arrival(sim, exchange->from, exchange->to), on_request, exchange);
	if (sim->faults_on &&
		dice_chance(&sim->links[exchange->from][exchange->to].dice, sim->doubling)) {
		sim_count(sim, SIM_DOUBLED);
		exchange->n_refs++;
		sim_at(sim, arrival(sim, exchange->from, exchange->to), on_request, exchange);
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
	exchange->done = call->done;
	exchange->arg = call->arg;
	exchange->owns_arg = call->owns_arg;
	exchange->n_refs = 1; /* the timeout's */
	rpc_mem_print(call->method, call->request, call->request_id, &exchange->wire);
	sim_at(sim, sim->now_ms + call->timeout_ms, on_timeout, exchange);
	send_request(exchange);
}
