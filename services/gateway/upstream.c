#include "services/gateway/upstream.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

enum { CHECK_MS = 200 };

struct upstream_client {
	struct rpc_client *client;
	unsigned n_calls;
	uint64_t lost_ms; /* since when it has no connection; 0: it has one */
};

struct upstream_call {
	struct upstream *upstream;
	struct upstream_client *client;
	struct rpc_pending *pending; /* NULL: refused without having been sent, or a pause */
	rpc_done_fn *done;           /* NULL: dropped */
	void *arg;
	struct upstream_pause pause; /* when it is one */
	uint64_t start_ms, pause_end_ms;
	bool waits, is_given_up;
	struct upstream_call *next, *prev;
};

struct upstream {
	uv_loop_t *loop;
	char *url;
	struct upstream_client quick[UPSTREAM_QUICK_CLIENTS], waits[UPSTREAM_WAIT_CLIENTS];
	unsigned n_waits_open, n_quick;
	struct upstream_call *calls;
	uv_timer_t *timer; /* runs while there are calls */
	bool is_closing;
};

static void
finish(struct upstream_call *call, const struct rpc_result *result)
{
	struct upstream *upstream = call->upstream;

	if (call->client != NULL)
		call->client->n_calls--;
	if (!call->waits && call->client != NULL)
		upstream->n_quick--;
	*(call->prev != NULL ? &call->prev->next : &upstream->calls) = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
	if (call->done != NULL)
		call->done(result, call->arg);
	free(call);
}

static const struct rpc_result no_answer = {.status = DAVIT__REPLY__STATUS__UNAVAILABLE,
	.message = "there is no answer from the manager or monitor just now; try again",
	.field = "",
	.note = ""};

static void
on_done(const struct rpc_result *result, void *arg)
{
	struct upstream_call *call = arg;

	finish(call, call->is_given_up ? &no_answer : result);
}

static void
check_client(struct upstream_client *client)
{
	if (client->client == NULL || rpc_client_is_connected(client->client))
		client->lost_ms = 0;
	else if (client->lost_ms == 0)
		client->lost_ms = clock_mono_ms();
}

static void
give_up(struct upstream_call *call, uint64_t now_ms)
{
	uint64_t since_ms = call->client->lost_ms;

	if (since_ms == 0 || call->is_given_up)
		return;
	if (since_ms < call->start_ms)
		since_ms = call->start_ms;
	if (now_ms - since_ms < UPSTREAM_PATIENCE_MS - CHECK_MS)
		return;
	call->is_given_up = true;
	rpc_client_cancel(call->client->client, call->pending);
}

static void
refuse(struct upstream_call *call)
{
	static const struct rpc_result over = {.status = DAVIT__REPLY__STATUS__CANCELLED,
		.message = "the gateway ends",
		.field = "",
		.note = ""};
	static const struct rpc_result busy = {.status = DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED,
		.message = "too many calls are under way here (UPSTREAM_WAITS_MAX, "
			   "UPSTREAM_QUICK_MAX); try again",
		.field = "",
		.note = ""};

	finish(call, call->upstream->is_closing ? &over : &busy);
}

static void
on_timer(uv_timer_t *timer)
{
	struct upstream *upstream = timer->data;
	uint64_t now_ms = clock_mono_ms();
	struct upstream_call *next;

	for (unsigned i = 0; i < UPSTREAM_QUICK_CLIENTS; i++)
		check_client(&upstream->quick[i]);
	for (unsigned i = 0; i < upstream->n_waits_open; i++)
		check_client(&upstream->waits[i]);
	for (struct upstream_call *call = upstream->calls; call != NULL; call = next) {
		next = call->next;
		if (call->client != NULL)
			give_up(call, now_ms);
		else if (call->pause_end_ms == 0)
			refuse(call);
		else if (call->pause_end_ms <= now_ms)
			finish(call, &no_answer);
	}
	if (upstream->calls == NULL)
		(void)uv_timer_stop(timer);
}

int
upstream_open(uv_loop_t *loop, const char *url, struct upstream **ret_upstream, struct err *err)
{
	struct upstream *upstream = xcalloc(1, sizeof *upstream);
	int rc = 0;

	upstream->loop = loop;
	upstream->url = xstrdup(url);
	upstream->timer = xcalloc(1, sizeof *upstream->timer);
	(void)uv_timer_init(loop, upstream->timer);
	upstream->timer->data = upstream;
	for (unsigned i = 0; rc == 0 && i < UPSTREAM_QUICK_CLIENTS; i++)
		rc = rpc_client_open(loop, url, &upstream->quick[i].client, err);
	if (rc < 0)
		upstream_close(upstream);
	else
		*ret_upstream = upstream;
	return rc;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

void
upstream_close(struct upstream *upstream)
{
	if (upstream == NULL)
		return;
	upstream->is_closing = true;
	for (unsigned i = 0; i < UPSTREAM_QUICK_CLIENTS; i++)
		if (upstream->quick[i].client != NULL)
			rpc_client_close(upstream->quick[i].client);
	for (unsigned i = 0; i < upstream->n_waits_open; i++)
		rpc_client_close(upstream->waits[i].client);
	while (upstream->calls != NULL) /* not told yet, or begun by those that were */
		refuse(upstream->calls);
	uv_close((uv_handle_t *)upstream->timer, on_closed);
	free(upstream->url);
	free(upstream);
}

bool
upstream_is_connected(const struct upstream *upstream)
{
	for (unsigned i = 0; i < UPSTREAM_QUICK_CLIENTS; i++)
		if (!rpc_client_is_connected(upstream->quick[i].client))
			return false;
	return true;
}

/* The one with fewer calls. */
static struct upstream_client *
quick_client(struct upstream *upstream)
{
	struct upstream_client *least = &upstream->quick[0];

	for (unsigned i = 1; i < UPSTREAM_QUICK_CLIENTS; i++)
		if (upstream->quick[i].n_calls < least->n_calls)
			least = &upstream->quick[i];
	return upstream->n_quick < UPSTREAM_QUICK_MAX ? least : NULL;
}

/* The first with a free place; NULL when all are full. */
static struct upstream_client *
wait_client(struct upstream *upstream)
{
	struct upstream_client *client;
	struct err err;

	for (unsigned i = 0; i < upstream->n_waits_open; i++)
		if (upstream->waits[i].n_calls < RPC_CLIENT_CALLS_MAX)
			return &upstream->waits[i];
	if (upstream->n_waits_open == UPSTREAM_WAIT_CLIENTS)
		return NULL;
	client = &upstream->waits[upstream->n_waits_open];
	if (rpc_client_open(upstream->loop, upstream->url, &client->client, &err) < 0)
		return NULL;
	upstream->n_waits_open++;
	return client;
}

static struct upstream_call *
add(struct upstream *upstream, rpc_done_fn *done, void *arg)
{
	struct upstream_call *call = xcalloc(1, sizeof *call);

	call->upstream = upstream;
	call->done = done;
	call->arg = arg;
	call->start_ms = clock_mono_ms();
	call->next = upstream->calls;
	if (upstream->calls != NULL)
		upstream->calls->prev = call;
	upstream->calls = call;
	if (!uv_is_active((uv_handle_t *)upstream->timer))
		(void)uv_timer_start(upstream->timer, on_timer, CHECK_MS, CHECK_MS);
	return call;
}

struct upstream_call *
upstream_call(struct upstream *upstream, const ProtobufCMethodDescriptor *method,
	const ProtobufCMessage *request, const char *request_id, uint64_t wait_ms,
	rpc_done_fn *done, void *arg)
{
	struct rpc_call_options options = {.timeout_ms = wait_ms + UPSTREAM_TIMEOUT_MS,
		.request_id = request_id};
	struct upstream_call *call = add(upstream, done, arg);

	call->waits = wait_ms > 0;
	if (!upstream->is_closing)
		call->client = call->waits ? wait_client(upstream) : quick_client(upstream);
	if (call->client == NULL)
		return call; /* the timer refuses it: done never runs from inside this function */
	call->client->n_calls++;
	if (!call->waits)
		upstream->n_quick++;
	call->pending =
		rpc_client_call(call->client->client, method, request, &options, on_done, call);
	return call;
}

static void
on_rested(const struct rpc_result *result, void *arg)
{
	const struct upstream_call *call = arg;

	(void)result;
	*call->pause.place = NULL;
	call->pause.go_on(call->pause.arg);
}

void
upstream_pause(struct upstream *upstream, uint64_t ms, const struct upstream_pause *pause)
{
	struct upstream_call *call = add(upstream, on_rested, NULL);

	call->arg = call;
	call->pause = *pause;
	call->pause_end_ms = call->start_ms + ms;
	*pause->place = call;
}

bool
upstream_is_trouble(Davit__Reply__Status status)
{
	return status == DAVIT__REPLY__STATUS__UNAVAILABLE ||
	       status == DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED ||
	       status == DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED;
}

void
upstream_drop(struct upstream_call *call)
{
	call->done = NULL;
	if (call->client != NULL && !call->is_given_up) {
		call->is_given_up = true;
		rpc_client_cancel(call->client->client, call->pending);
	}
}
