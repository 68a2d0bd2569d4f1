#include "services/monitor/live_calls.h"

#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "services/monitor/limits.h"

struct parked {
	struct parked *prev, *next;
	struct rpc_call *call;
	uint64_t seen_version;
	uint64_t until_ms;
};

struct live_calls {
	struct live *live;
	const char *source;
	struct parked *parked;
	unsigned n_parked;
};

struct live_calls *
live_calls_new(struct live *live, const char *source)
{
	struct live_calls *calls = xcalloc(1, sizeof *calls);

	calls->live = live;
	calls->source = source;
	return calls;
}

static struct rpc_call *
unpark(struct live_calls *calls, struct parked *parked)
{
	struct rpc_call *call = parked->call;

	DL_DELETE(calls->parked, parked);
	calls->n_parked--;
	free(parked);
	return call;
}

void
live_calls_free(struct live_calls *calls)
{
	struct parked *parked, *next;

	if (calls == NULL)
		return;
	DL_FOREACH_SAFE (calls->parked, parked, next) {
		rpc_call_drop(unpark(calls, parked));
	}
	free(calls);
}

static void
answer(struct live_calls *calls, struct rpc_call *call, uint64_t now_ms)
{
	if (live_version(calls->live) == 0)
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"nothing was heard yet from %s: is a davit-manager running there?",
			calls->source);
	else
		rpc_call_answer(call, &live_view(calls->live, now_ms, clock_wall_ms())->base);
	rpc_call_send(call);
}

void
live_calls_take(struct live_calls *calls, struct rpc_call *call, uint64_t now_ms)
{
	const Davit__GetViewRequest *request = (const Davit__GetViewRequest *)call->request;
	struct parked *parked;

	if (request->wait_ms > RPC_WAIT_MAX_MS) {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "wait_ms",
			"is at most %d", RPC_WAIT_MAX_MS);
		rpc_call_send(call);
		return;
	}
	if (request->wait_ms == 0 || !request->has_seen_version ||
		live_version(calls->live) > request->seen_version) {
		answer(calls, call, now_ms);
		return;
	}
	if (calls->n_parked >= MONITOR_WAITS_MAX) {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
			"%d calls are waiting already (MONITOR_WAITS_MAX)", MONITOR_WAITS_MAX);
		rpc_call_send(call);
		return;
	}
	parked = xcalloc(1, sizeof *parked);
	parked->call = call;
	parked->seen_version = request->seen_version;
	parked->until_ms = now_ms + request->wait_ms;
	DL_APPEND(calls->parked, parked);
	calls->n_parked++;
}

void
live_calls_tick(struct live_calls *calls, uint64_t now_ms)
{
	struct parked *parked, *next;

	DL_FOREACH_SAFE (calls->parked, parked, next) {
		if (live_version(calls->live) > parked->seen_version || now_ms >= parked->until_ms)
			answer(calls, unpark(calls, parked), now_ms);
	}
}

unsigned
live_calls_n_parked(const struct live_calls *calls)
{
	return calls->n_parked;
}
