#include "common/rpc/client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/mailbox.h"
#include "common/base/mem.h"
#include "common/rpc/envelope.h"
#include "common/rpc/socket.h"

enum {
	RECEIVE_SLACK = 1 << 20,
	TIME_DIGITS = 12, /* of a request id: 48 bits */
};

/*
 * One of nng's REQ contexts with the aio that first sends and then receives. From
 * start to letter it belongs to nng's threads. To give a call up, the context is
 * closed: the aio fails in either phase and the letter comes.
 */
struct slot {
	struct letter letter; /* first */
	struct rpc_client *client;
	struct rpc_pending *pending; /* NULL: given up */
	nng_ctx ctx;
	nng_aio *aio;
	bool is_open;      /* ctx is */
	bool is_busy;      /* until its letter was read */
	bool is_receiving; /* nng's threads while busy */
};

/* Why a call ends when its timer fires. */
enum ending {
	ENDING_TIMEOUT,
	ENDING_CANCELLED,
	ENDING_TOO_LARGE,
	ENDING_QUEUE_FULL,
};

struct rpc_pending {
	uv_timer_t timer;
	struct rpc_client *client;
	const ProtobufCMethodDescriptor *method;
	rpc_done_fn *done;
	void *arg;
	uint64_t timeout_ms;
	size_t size; /* of the encoded call */
	bool is_json;
	nng_msg *msg;      /* while it waits for a slot */
	struct slot *slot; /* while it is on the wire */
	enum ending ending;
	struct rpc_pending *prev, *next;
};

struct rpc_client {
	nng_socket socket;
	nng_dialer dialer;
	char *url;
	uv_async_t wake;
	bool is_closed;
	bool is_leaked; /* nng may still use it: never freed */
	struct mailbox *inbox;
	struct slot slots[RPC_CLIENT_CALLS_MAX];
	struct rpc_pending *queue; /* without a slot, oldest first */
	struct rpc_pending *sent;  /* with a slot, or only waiting for the timer */
	unsigned n_queued;
	atomic_uint n_pipes;
	atomic_uint pipe;   /* id of the last one; 0: it is gone */
	uint32_t pipe_json; /* id of the one whose other end answered protobuf in JSON; 0: none */
	uint64_t redialed_ms;
	unsigned reconnect_max_ms; /* 0: as usual */
	const struct rpc_result *error;
};

static void
client_free(struct rpc_client *client)
{
	mailbox_free(client->inbox);
	free(client->url);
	free(client);
}

/* nng's thread. */
static void
wake_loop(void *arg)
{
	struct rpc_client *client = arg;

	(void)uv_async_send(&client->wake);
}

/* nng's thread. */
static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct rpc_client *client = arg;
	unsigned last = pipe.id;

	if (event == NNG_PIPE_EV_ADD_POST) {
		atomic_store(&client->pipe, pipe.id);
		atomic_fetch_add(&client->n_pipes, 1);
	} else {
		(void)atomic_compare_exchange_strong(&client->pipe, &last, 0);
		atomic_fetch_sub(&client->n_pipes, 1);
	}
}

/* nng's thread: sent, so receive; anything else is for the loop. */
static void
on_aio(void *arg)
{
	struct slot *slot = arg;

	if (nng_aio_result(slot->aio) == 0 && !slot->is_receiving) {
		slot->is_receiving = true;
		nng_ctx_recv(slot->ctx, slot->aio);
		return;
	}
	/* The box has room for the one letter of every slot. */
	(void)mailbox_put(slot->client->inbox, &slot->letter);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Takes the call out of everything, so that done may do what it likes, and tells it. */
static void
finish(struct rpc_pending *pending, const struct rpc_result *result)
{
	struct rpc_client *client = pending->client;
	struct slot *slot = pending->slot;

	if (pending->msg != NULL) {
		nng_msg_free(pending->msg);
		pending->msg = NULL;
		DL_DELETE(client->queue, pending);
		client->n_queued--;
	} else {
		DL_DELETE(client->sent, pending);
	}
	if (slot != NULL) {
		slot->pending = NULL;
		if (slot->is_busy && slot->is_open) {
			slot->is_open = false;
			(void)nng_ctx_close(slot->ctx);
		}
	}
	pending->slot = NULL;
	uv_close((uv_handle_t *)&pending->timer, on_timer_closed);
	pending->done(result, pending->arg);
}

static void __attribute__((format(printf, 3, 4)))
fail(struct rpc_pending *pending, Davit__Reply__Status status, const char *fmt, ...)
{
	char sentence[ERR_TEXT_MAX];
	struct rpc_result result = {.status = status, .message = sentence, .field = "", .note = ""};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	finish(pending, &result);
}

/* Puts the message on the wire. False: nng has no context for it. */
static bool
slot_start(struct slot *slot, struct rpc_pending *pending)
{
	struct rpc_client *client = slot->client;

	if (slot->aio == NULL && nng_aio_alloc(&slot->aio, on_aio, slot) != 0)
		return false;
	if (!slot->is_open && nng_ctx_open(&slot->ctx, client->socket) != 0)
		return false;
	slot->is_open = true;
	slot->is_busy = true;
	slot->is_receiving = false;
	slot->pending = pending;
	pending->slot = slot;
	DL_DELETE(client->queue, pending);
	DL_APPEND(client->sent, pending);
	client->n_queued--;
	nng_aio_set_msg(slot->aio, TAKE(pending->msg));
	nng_ctx_send(slot->ctx, slot->aio);
	return true;
}

/* Gives free slots to calls that wait. */
static void
pump(struct rpc_client *client)
{
	for (size_t i = 0; i < RPC_CLIENT_CALLS_MAX && client->queue != NULL; i++) {
		struct slot *slot = &client->slots[i];

		if (!slot->is_busy && !slot_start(slot, client->queue))
			return; /* out of memory in nng: tried again with the next letter or call */
	}
}

static bool
is_json(nng_msg *msg)
{
	return nng_msg_len(msg) > 0 && *(const char *)nng_msg_body(msg) == '{';
}

static void
handle_letter(struct rpc_client *client, struct slot *slot)
{
	struct rpc_pending *pending = slot->pending;
	int rv = nng_aio_result(slot->aio);
	nng_msg *msg = nng_aio_get_msg(slot->aio); /* the answer, or what was not sent */
	struct rpc_reply reply;

	nng_aio_set_msg(slot->aio, NULL);
	slot->is_busy = false;
	if (pending != NULL && rv == 0) {
		if (!pending->is_json && is_json(msg))
			client->pipe_json = (uint32_t)nng_msg_get_pipe(msg).id;
		rpc_reply_parse(pending->method, nng_msg_body(msg), nng_msg_len(msg), &reply);
		finish(pending, &reply.result);
		rpc_reply_fini(&reply);
	} else if (pending != NULL) {
		fail(pending, DAVIT__REPLY__STATUS__UNAVAILABLE,
			"the call to %s was broken off: %s", client->url, nng_strerror(rv));
	}
	if (msg != NULL)
		nng_msg_free(msg);
}

static void
on_wake(uv_async_t *handle)
{
	struct rpc_client *client = handle->data;
	struct letter *letter, *next;

	for (letter = mailbox_take_all(client->inbox); letter != NULL; letter = next) {
		next = letter->next;
		handle_letter(client, (struct slot *)(void *)letter);
		if (client->is_closed)
			return; /* by done; it has taken care of all slots */
	}
	pump(client);
}

static void
on_timer(uv_timer_t *timer)
{
	struct rpc_pending *pending = timer->data;
	struct rpc_client *client = pending->client;

	switch (pending->ending) {
	case ENDING_TIMEOUT:
		if (rpc_client_is_connected(client))
			fail(pending, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED,
				"no answer from %s within %ju ms", client->url,
				(uintmax_t)pending->timeout_ms);
		else
			fail(pending, DAVIT__REPLY__STATUS__UNAVAILABLE, "cannot reach %s",
				client->url);
		break;
	case ENDING_CANCELLED:
		fail(pending, DAVIT__REPLY__STATUS__CANCELLED, "the call was given up");
		break;
	case ENDING_TOO_LARGE:
		fail(pending, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED,
			"a call of %zu bytes; at most %d are sent (RPC_MESSAGE_MAX)", pending->size,
			RPC_MESSAGE_MAX);
		break;
	case ENDING_QUEUE_FULL:
		fail(pending, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED,
			"%d calls are waiting for %s already (RPC_CLIENT_QUEUE_MAX)",
			RPC_CLIENT_QUEUE_MAX, client->url);
		break;
	}
	if (!client->is_closed)
		pump(client);
}

/* The call leaves the queue; its timer ends it in the loop's next turn. */
static void
end_soon(struct rpc_pending *pending, enum ending ending)
{
	struct rpc_client *client = pending->client;

	pending->ending = ending;
	if (pending->msg != NULL) {
		nng_msg_free(TAKE(pending->msg));
		DL_DELETE(client->queue, pending);
		DL_APPEND(client->sent, pending);
		client->n_queued--;
	}
	(void)uv_timer_start(&pending->timer, on_timer, 0, 0);
}

static void
encode(struct rpc_pending *pending, const ProtobufCMessage *request, const char *request_id)
{
	CLEANUP(buf_fini) struct buf bytes = {0};
	struct rpc_outgoing outgoing = {.method = pending->method->name,
		.request = request,
		.request_id = request_id,
		.deadline_ms = pending->timeout_ms,
		.is_json = pending->is_json};

	rpc_envelope_print(&outgoing, &bytes);
	pending->size = bytes.size;
	pending->msg = rpc_socket_msg(bytes.data, bytes.size);
}

struct rpc_pending *
rpc_client_call(struct rpc_client *client, const ProtobufCMethodDescriptor *method,
	const ProtobufCMessage *request, const struct rpc_call_options *options, rpc_done_fn *done,
	void *arg)
{
	struct rpc_pending *pending = xcalloc(1, sizeof *pending);
	uint64_t timeout_ms = options->timeout_ms;

	assert(!client->is_closed && request->descriptor == method->input);
	pending->client = client;
	pending->method = method;
	pending->done = done;
	pending->arg = arg;
	pending->timeout_ms = timeout_ms < RPC_DEADLINE_MAX_MS ? timeout_ms : RPC_DEADLINE_MAX_MS;
	(void)uv_timer_init(client->wake.loop, &pending->timer);
	pending->timer.data = pending;
	pending->is_json =
		client->pipe_json != 0 && client->pipe_json == atomic_load(&client->pipe);
	encode(pending, request, options->request_id);
	DL_APPEND(client->queue, pending);
	client->n_queued++;
	if (pending->size > RPC_MESSAGE_MAX) {
		end_soon(pending, ENDING_TOO_LARGE);
		return pending;
	}
	(void)uv_timer_start(&pending->timer, on_timer, pending->timeout_ms, 0);
	pump(client);
	if (client->n_queued > RPC_CLIENT_QUEUE_MAX)
		end_soon(pending, ENDING_QUEUE_FULL);
	return pending;
}

void
rpc_client_cancel(struct rpc_client *client, struct rpc_pending *pending)
{
	assert(pending->client == client);
	end_soon(pending, ENDING_CANCELLED);
}

bool
rpc_client_is_connected(const struct rpc_client *client)
{
	return atomic_load(&client->n_pipes) > 0;
}

void
rpc_client_set_reconnect(struct rpc_client *client, unsigned max_ms)
{
	client->reconnect_max_ms = max_ms;
	(void)nng_dialer_set_ms(client->dialer, NNG_OPT_RECONNMAXT, (nng_duration)max_ms);
}

void
rpc_client_redial(struct rpc_client *client)
{
	nng_pipe pipe = {.id = atomic_load(&client->pipe)};
	uint64_t now_ms = clock_mono_ms();
	struct err err = {0};

	if (now_ms < client->redialed_ms + RPC_REDIAL_MIN_MS)
		return;
	client->redialed_ms = now_ms;
	(void)nng_dialer_close(client->dialer);
	if (pipe.id != 0)
		(void)nng_pipe_close(pipe);
	/* The URL was good before; without memory the next redial tries again. */
	if (rpc_socket_dial(client->socket, client->url, &client->dialer, &err) == 0 &&
		client->reconnect_max_ms > 0)
		rpc_client_set_reconnect(client, client->reconnect_max_ms);
}

static int
open_socket(struct rpc_client *client, struct err *err)
{
	int rv;

	rv = nng_req0_open(&client->socket);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "open a socket for", client->url);
	rv = rpc_socket_limit(client->socket, RPC_MESSAGE_MAX + RECEIVE_SLACK);
	if (rv == 0)
		rv = nng_socket_set_ms(client->socket, NNG_OPT_REQ_RESENDTIME,
			RPC_CLIENT_RESEND_MS);
	if (rv == 0)
		rv = nng_pipe_notify(client->socket, NNG_PIPE_EV_ADD_POST, on_pipe, client);
	if (rv == 0)
		rv = nng_pipe_notify(client->socket, NNG_PIPE_EV_REM_POST, on_pipe, client);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "prepare a socket for", client->url);
	return rpc_socket_dial(client->socket, client->url, &client->dialer, err);
}

int
rpc_client_open(uv_loop_t *loop, const char *url, struct rpc_client **ret_client, struct err *err)
{
	struct rpc_client *client = xcalloc(1, sizeof *client);
	int rc;

	client->url = xstrdup(url);
	client->inbox = mailbox_new(RPC_CLIENT_CALLS_MAX, wake_loop, client);
	for (size_t i = 0; i < RPC_CLIENT_CALLS_MAX; i++)
		client->slots[i].client = client;
	client->wake.data = client;
	rc = uv_async_init(loop, &client->wake, on_wake);
	if (rc < 0) {
		client_free(client);
		return err_set(err, rc, "cannot dial %s: %s", url, uv_strerror(rc));
	}
	rc = open_socket(client, err);
	if (rc < 0) {
		rpc_client_close(client);
		return rc;
	}
	*ret_client = client;
	return 0;
}

static void
on_wake_closed(uv_handle_t *handle)
{
	struct rpc_client *client = handle->data;

	if (!client->is_leaked)
		client_free(client);
}

/* The aio first, so that nng does not call back into what is being closed. */
static void
slot_close(struct slot *slot)
{
	nng_msg *msg;

	if (slot->aio == NULL)
		return;
	nng_aio_stop(slot->aio);
	if (slot->is_open)
		(void)nng_ctx_close(slot->ctx);
	msg = slot->is_busy ? nng_aio_get_msg(slot->aio) : NULL;
	if (msg != NULL)
		nng_msg_free(msg);
	nng_aio_free(slot->aio);
	slot->aio = NULL;
	slot->is_open = false;
	slot->is_busy = false;
}

void
rpc_client_close(struct rpc_client *client)
{
	struct rpc_pending *pending;

	if (client == NULL)
		return;
	assert(!client->is_closed);
	client->is_closed = true;
	for (size_t i = 0; i < RPC_CLIENT_CALLS_MAX; i++)
		slot_close(&client->slots[i]);
	client->is_leaked = !rpc_socket_close(client->socket);
	(void)mailbox_take_all(client->inbox);
	while ((pending = client->sent != NULL ? client->sent : client->queue) != NULL)
		fail(pending, DAVIT__REPLY__STATUS__CANCELLED, "the client was closed");
	uv_close((uv_handle_t *)&client->wake, on_wake_closed);
}

const ProtobufCMethodDescriptor *
rpc_method(const ProtobufCServiceDescriptor *service, const char *name)
{
	const ProtobufCMethodDescriptor *method =
		protobuf_c_service_descriptor_get_method_by_name(service, name);

	assert(method != NULL);
	return method;
}

void
rpc_request_id_make(char ret_text[RPC_REQUEST_ID_SIZE])
{
	uint8_t chance[10];
	ssize_t n = getrandom(chance, sizeof chance, 0);

	assert(n == (ssize_t)sizeof chance);
	(void)snprintf(ret_text, TIME_DIGITS + 1, "%0*" PRIx64, TIME_DIGITS,
		clock_wall_ms() & ((UINT64_C(1) << 4 * TIME_DIGITS) - 1));
	for (size_t i = 0; i < sizeof chance; i++)
		(void)snprintf(ret_text + TIME_DIGITS + 2 * i, 3, "%02x", chance[i]);
}

/* What the generated stubs talk to. */
struct stub_service {
	ProtobufCService base; /* first */
	struct rpc_client *client;
};

struct stub_call {
	struct rpc_client *client;
	ProtobufCClosure closure;
	void *arg;
};

static void
on_stub_done(const struct rpc_result *result, void *arg)
{
	struct stub_call *call = arg;

	call->client->error = result->response == NULL ? result : NULL;
	call->closure(result->response, call->arg);
	call->client->error = NULL;
	free(call);
}

static void
stub_invoke(ProtobufCService *service, unsigned method, const ProtobufCMessage *request,
	ProtobufCClosure closure, void *arg)
{
	struct stub_service *stub = (struct stub_service *)(void *)service;
	struct stub_call *call = xcalloc(1, sizeof *call);
	char request_id[RPC_REQUEST_ID_SIZE];
	struct rpc_call_options options = {.timeout_ms = RPC_SERVICE_TIMEOUT_MS,
		.request_id = request_id};

	rpc_request_id_make(request_id);
	*call = (struct stub_call){stub->client, closure, arg};
	(void)rpc_client_call(stub->client, &service->descriptor->methods[method], request,
		&options, on_stub_done, call);
}

static void
stub_destroy(ProtobufCService *service)
{
	free(service);
}

ProtobufCService *
rpc_client_service(struct rpc_client *client, const ProtobufCServiceDescriptor *service)
{
	struct stub_service *stub = xcalloc(1, sizeof *stub);

	stub->base = (ProtobufCService){service, stub_invoke, stub_destroy};
	stub->client = client;
	return &stub->base;
}

const struct rpc_result *
rpc_client_error(const struct rpc_client *client)
{
	return client->error;
}
