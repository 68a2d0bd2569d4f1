#include "tests/bench/cluster/courier.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "common/base/clock.h"
#include "common/base/mailbox.h"
#include "common/base/mem.h"
#include "common/rpc/socket.h"

enum {
	NEVER_MS = 3600000,     /* when nng itself would dial again */
	REDIAL_AGAIN_MS = 2000, /* what was dialled and is not there is dialled again */
};

/* One of nng's contexts, which first sends and then receives. nng's threads while busy. */
struct slot {
	struct letter letter; /* first */
	struct courier_line *line;
	nng_ctx ctx;
	nng_aio *aio;
	bool is_open, is_busy, is_receiving;
	/* The loop's. */
	bool is_awaited;
	uint64_t ticket, deadline_ms;
	const ProtobufCMethodDescriptor *method;
};

struct courier_line {
	struct courier *courier;
	void *owner;
	nng_socket socket;
	nng_dialer dialer;
	atomic_bool is_up; /* nng's threads */
	uint64_t dialled_ms;
	struct slot slots[COURIER_CALLS_MAX];
};

struct courier {
	uv_async_t wake;
	struct mailbox *inbox;
	courier_answer_fn *on_answer;
	courier_turn_fn *on_turn;
	void *arg;
	struct courier_line **lines;
	size_t n_lines, next_redial;
	atomic_size_t n_up; /* nng's threads */
	char *url;          /* of all lines */
	struct courier_figures figures;
	struct buf bytes;
};

/* nng's thread. */
static void
wake_loop(void *arg)
{
	(void)uv_async_send(&((struct courier *)arg)->wake);
}

/* nng's thread. */
static void
on_aio(void *arg)
{
	struct slot *slot = arg;

	if (nng_aio_result(slot->aio) == 0 && !slot->is_receiving) {
		slot->is_receiving = true;
		nng_ctx_recv(slot->ctx, slot->aio);
		return;
	}
	(void)mailbox_put(slot->line->courier->inbox, &slot->letter); /* it has room for all */
}

static void
tell(struct slot *slot, const struct rpc_result *result)
{
	struct courier *courier = slot->line->courier;

	slot->is_awaited = false;
	courier->figures.n_answers++;
	courier->on_answer(slot->line->owner, slot->ticket, result);
}

static void
tell_failure(struct slot *slot, Davit__Reply__Status status, const char *message)
{
	tell(slot, &(struct rpc_result){.status = status,
			   .message = message,
			   .field = "",
			   .note = ""});
}

static void
handle(struct slot *slot)
{
	int rv = nng_aio_result(slot->aio);
	nng_msg *msg = nng_aio_get_msg(slot->aio);
	struct rpc_reply reply;

	nng_aio_set_msg(slot->aio, NULL);
	slot->is_busy = false;
	if (slot->is_awaited && rv == 0) {
		slot->line->courier->figures.bytes_in += nng_msg_len(msg);
		rpc_reply_parse(slot->method, nng_msg_body(msg), nng_msg_len(msg), &reply);
		tell(slot, &reply.result);
		rpc_reply_fini(&reply);
	} else if (slot->is_awaited) {
		tell_failure(slot, DAVIT__REPLY__STATUS__UNAVAILABLE, nng_strerror(rv));
	}
	if (msg != NULL)
		nng_msg_free(msg);
}

static void
on_wake(uv_async_t *wake)
{
	struct courier *courier = wake->data;
	struct letter *letter, *next;

	for (letter = mailbox_take_all(courier->inbox); letter != NULL; letter = next) {
		next = letter->next;
		handle((struct slot *)(void *)letter);
	}
	courier->on_turn(courier->arg);
}

struct courier *
courier_new(uv_loop_t *loop, size_t n_lines, courier_answer_fn *on_answer, courier_turn_fn *on_turn,
	void *arg)
{
	struct courier *courier = xcalloc(1, sizeof *courier);

	courier->inbox = mailbox_new(n_lines * COURIER_CALLS_MAX, wake_loop, courier);
	courier->lines = xcalloc(n_lines, sizeof(struct courier_line *));
	courier->on_answer = on_answer;
	courier->on_turn = on_turn;
	courier->arg = arg;
	(void)uv_async_init(loop, &courier->wake, on_wake);
	courier->wake.data = courier;
	return courier;
}

/* nng's thread. */
static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct courier_line *line = arg;
	bool is_up = event == NNG_PIPE_EV_ADD_POST;

	(void)pipe;
	if (atomic_exchange(&line->is_up, is_up) == is_up)
		return;
	if (is_up)
		(void)atomic_fetch_add(&line->courier->n_up, 1);
	else
		(void)atomic_fetch_sub(&line->courier->n_up, 1);
}

static int
dial(struct courier_line *line, struct err *err)
{
	int rc = rpc_socket_dial(line->socket, line->courier->url, &line->dialer, err);

	line->dialled_ms = clock_mono_ms();
	if (rc < 0)
		return rc;
	(void)nng_dialer_set_ms(line->dialer, NNG_OPT_RECONNMINT, NEVER_MS);
	(void)nng_dialer_set_ms(line->dialer, NNG_OPT_RECONNMAXT, NEVER_MS);
	return 0;
}

int
courier_line_open(struct courier *courier, const char *url, void *owner,
	struct courier_line **ret_line, struct err *err)
{
	struct courier_line *line = xcalloc(1, sizeof *line);
	int rv = nng_req0_open(&line->socket), rc;

	if (rv == 0)
		rv = rpc_socket_limit(line->socket, RPC_MESSAGE_MAX);
	/* What was lost is found by the deadline: a timer of nng's for each call is not needed. */
	if (rv == 0)
		rv = nng_socket_set_ms(line->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	if (rv == 0)
		rv = nng_pipe_notify(line->socket, NNG_PIPE_EV_ADD_POST, on_pipe, line);
	if (rv == 0)
		rv = nng_pipe_notify(line->socket, NNG_PIPE_EV_REM_POST, on_pipe, line);
	if (courier->url == NULL)
		courier->url = xstrdup(url);
	line->courier = courier;
	line->owner = owner;
	rc = rv != 0 ? rpc_socket_fail(err, rv, "open a socket for", url) : dial(line, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < COURIER_CALLS_MAX; i++)
		line->slots[i].line = line;
	courier->lines[courier->n_lines++] = line;
	*ret_line = line;
	return 0;
}

static struct slot *
free_slot(struct courier_line *line)
{
	for (int i = 0; i < COURIER_CALLS_MAX; i++) {
		struct slot *slot = &line->slots[i];

		if (slot->is_busy || slot->is_awaited)
			continue;
		if (slot->aio == NULL && nng_aio_alloc(&slot->aio, on_aio, slot) != 0)
			return NULL;
		if (!slot->is_open && nng_ctx_open(&slot->ctx, line->socket) != 0)
			return NULL;
		slot->is_open = true;
		return slot;
	}
	return NULL;
}

void
courier_line_call(struct courier_line *line, uint64_t ticket,
	const ProtobufCMethodDescriptor *method, const ProtobufCMessage *request,
	uint64_t timeout_ms)
{
	struct courier *courier = line->courier;
	struct slot *slot = free_slot(line);

	if (slot == NULL)
		abort(); /* a worker has two polls and a few answers under way */
	buf_reset(&courier->bytes);
	rpc_envelope_print(&(struct rpc_outgoing){.method = method->name,
				   .request = request,
				   .deadline_ms = timeout_ms},
		&courier->bytes);
	courier->figures.n_calls++;
	courier->figures.bytes_out += courier->bytes.size;
	slot->ticket = ticket;
	slot->method = method;
	slot->deadline_ms = clock_mono_ms() + timeout_ms;
	slot->is_busy = slot->is_awaited = true;
	slot->is_receiving = false;
	nng_aio_set_msg(slot->aio, rpc_socket_msg(courier->bytes.data, courier->bytes.size));
	nng_ctx_send(slot->ctx, slot->aio);
}

/* The context is closed, so that nng lets go of the call: its letter finds nobody waiting. */
static void
give_up(struct slot *slot)
{
	slot->is_open = false;
	(void)nng_ctx_close(slot->ctx);
	tell_failure(slot, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED, "no answer in time");
}

void
courier_expire(struct courier *courier)
{
	uint64_t now_ms = clock_mono_ms();

	for (size_t i = 0; i < courier->n_lines; i++)
		for (int k = 0; k < COURIER_CALLS_MAX; k++) {
			struct slot *slot = &courier->lines[i]->slots[k];

			if (slot->is_awaited && slot->deadline_ms <= now_ms)
				give_up(slot);
		}
	courier->on_turn(courier->arg);
}

static bool
does_listen(const char *url)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[16];
	unsigned port;
	int fd;
	bool does;

	if (sscanf(url, "tcp://%15[0-9.]:%u", host, &port) != 2 ||
		inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return true;
	address.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	does = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		(void)close(fd);
	return does;
}

void
courier_redial(struct courier *courier)
{
	size_t most = courier->n_lines / COURIER_REDIALS + 1;
	uint64_t now_ms = clock_mono_ms();
	struct err err;

	if (atomic_load(&courier->n_up) == courier->n_lines || !does_listen(courier->url))
		return;
	for (size_t i = 0; i < courier->n_lines && most > 0; i++) {
		struct courier_line *line =
			courier->lines[courier->next_redial++ % courier->n_lines];

		if (atomic_load(&line->is_up) || now_ms < line->dialled_ms + REDIAL_AGAIN_MS)
			continue;
		(void)nng_dialer_close(line->dialer);
		(void)dial(line, &err); /* what fails is tried again */
		most--;
	}
}

struct courier_figures
courier_figures(const struct courier *courier)
{
	return courier->figures;
}
