#include "common/rpc/server.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include "common/base/mailbox.h"
#include "common/base/mem.h"
#include "common/rpc/contexts.h"
#include "common/rpc/socket.h"

enum {
	RECEIVE_SLACK = 1 << 20, /* over RPC_MESSAGE_MAX: answered with words, beyond: cut off */
	METHOD_MAX = 64,
};

/* Messages that were taken and are not handed over yet. */
struct line {
	struct letter *first, **end;
};

struct rpc_server {
	nng_socket socket;
	char *url;
	const ProtobufCServiceDescriptor *const *services;
	rpc_on_call_fn *on_call;
	void *arg;
	uv_async_t wake;
	bool is_closed;
	unsigned refs; /* one until closed, one of the loop's handle, one of each kept call */

	struct mailbox *inbox;
	struct rpc_contexts *contexts;
	atomic_size_t n_waiting, n_waiting_bytes;
	atomic_bool is_paused;

	rpc_is_read_fn *_Atomic is_read; /* NULL: turns have no limit */
	uint64_t turn_max_us;
	struct line reads, others;
	atomic_uint n_reads; /* waiting, in the inbox or in reads */
	bool had_reads;      /* the turn before was theirs */
	bool holds;          /* the others wait */

	uint64_t n_calls, n_malformed, n_dropped;
	struct metric *calls, *seconds, *dropped; /* NULL: not measured */
	atomic_uint n_pipes;
};

static struct rpc_context *
context_of(struct letter *letter)
{
	return (struct rpc_context *)(void *)letter;
}

static void
server_unref(struct rpc_server *server)
{
	assert(server->refs > 0);
	if (--server->refs > 0)
		return;
	mailbox_free(server->inbox);
	free(server->url);
	free(server);
}

/* nng's thread. */
static void
wake_loop(void *arg)
{
	struct rpc_server *server = arg;

	(void)uv_async_send(&server->wake);
}

/*
 * The method of a call in protobuf, where every encoder of ours and of others puts it: first. A
 * call that cannot be told, one in JSON for instance, is no read, and waits its turn.
 */
static bool
is_read(struct rpc_server *server, nng_msg *msg)
{
	rpc_is_read_fn *judge = atomic_load(&server->is_read);
	const uint8_t *data = nng_msg_body(msg);
	size_t size = nng_msg_len(msg);
	char method[METHOD_MAX];

	if (judge == NULL || size < 2 || data[0] != 0x0a || data[1] >= METHOD_MAX ||
		size < 2u + data[1])
		return false;
	memcpy(method, data + 2, data[1]);
	method[data[1]] = '\0';
	return judge(method);
}

/* nng's thread. When the box fills up with this one, the loop goes on receiving. */
static bool
on_message(struct rpc_context *context, void *arg)
{
	struct rpc_server *server = arg;
	size_t size = nng_msg_len(context->msg), n, bytes;
	bool is_full;
	int rc;

	context->is_read = is_read(server, context->msg);
	if (context->is_read)
		(void)atomic_fetch_add(&server->n_reads, 1);
	n = atomic_fetch_add(&server->n_waiting, 1) + 1;
	bytes = atomic_fetch_add(&server->n_waiting_bytes, size) + size;
	is_full = n >= RPC_SERVER_QUEUE_MAX || bytes >= RPC_SERVER_QUEUE_BYTES_MAX;
	rc = mailbox_put(server->inbox, &context->letter);
	assert(rc == 0); /* one more than the limit has room */
	if (is_full) {   /* only now: what comes next is put behind it */
		atomic_store(&server->is_paused, true);
		wake_loop(server);
	}
	return !is_full;
}

/* nng's thread. */
static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct rpc_server *server = arg;

	(void)pipe;
	if (event == NNG_PIPE_EV_ADD_POST)
		atomic_fetch_add(&server->n_pipes, 1);
	else
		atomic_fetch_sub(&server->n_pipes, 1);
}

/* ---- one call ---- */

static void
reply(struct rpc_server *server, struct rpc_context *context, const void *data, size_t size)
{
	if (rpc_context_reply(context, rpc_socket_msg(data, size)))
		return;
	server->n_dropped++;
	if (server->dropped != NULL)
		metric_inc(server->dropped, NULL, 1);
}

static void
context_send(struct rpc_call *call, const void *data, size_t size)
{
	struct rpc_context *context = call->transport_data;
	struct rpc_server *server = context->arg;

	if (server->calls != NULL) {
		const char *method = rpc_call_method(call);

		metric_inc(server->calls, METRIC_LABELS(method, rpc_status_name(call->status)), 1);
		metric_observe(server->seconds, METRIC_LABELS(method),
			(double)(uv_hrtime() - context->since_ns) / 1e9);
	}
	call->transport_data = NULL;
	reply(server, context, data, size);
	server_unref(server);
}

static void
context_drop(struct rpc_call *call)
{
	struct rpc_context *context = call->transport_data;
	struct rpc_server *server;

	if (context == NULL)
		return;
	server = context->arg;
	rpc_context_release(context);
	server_unref(server);
}

static const struct rpc_transport nng_transport = {
	.send = context_send,
	.release = context_drop,
};

static void
handle_msg(struct rpc_server *server, struct rpc_context *context)
{
	nng_msg *msg = context->msg;
	CLEANUP(buf_fini) struct buf refusal = {0};
	struct rpc_call *call;

	context->since_ns = uv_hrtime(); /* what is measured is not the wait before */
	if (rpc_call_parse(server->services, nng_msg_body(msg), nng_msg_len(msg), &call, &refusal) <
		0) {
		server->n_malformed++;
		reply(server, context, refusal.data, refusal.size);
		return;
	}
	nng_msg_free(TAKE(context->msg));
	call->connection = context->connection;
	call->transport = &nng_transport;
	call->transport_data = context;
	server->refs++;
	server->n_calls++;
	server->on_call(call, server->arg);
}

/* ---- turns ---- */

static void
line_add(struct line *line, struct rpc_context *context)
{
	context->letter.next = NULL;
	*line->end = &context->letter;
	line->end = &context->letter.next;
}

static struct rpc_context *
line_take(struct line *line)
{
	struct letter *first = line->first;

	if (first == NULL)
		return NULL;
	line->first = first->next;
	if (line->first == NULL)
		line->end = &line->first;
	return context_of(first);
}

static void
take_letters(struct rpc_server *server)
{
	struct letter *letter, *next;

	for (letter = mailbox_take_all(server->inbox); letter != NULL; letter = next) {
		struct rpc_context *context = context_of(letter);

		next = letter->next;
		line_add(context->is_read ? &server->reads : &server->others, context);
	}
}

static void
handle(struct rpc_server *server, struct rpc_context *context)
{
	if (context->is_read)
		(void)atomic_fetch_sub(&server->n_reads, 1);
	(void)atomic_fetch_sub(&server->n_waiting, 1);
	(void)atomic_fetch_sub(&server->n_waiting_bytes, nng_msg_len(context->msg));
	if (server->is_closed)
		rpc_context_release(context);
	else
		handle_msg(server, context);
}

/* Once its time is up, or a read waits; but right behind reads the others have all their time. */
static bool
is_turn_over(const struct rpc_server *server, uint64_t began_ns, bool yields)
{
	return atomic_load(&server->is_read) != NULL &&
	       ((yields && atomic_load(&server->n_reads) > 0) ||
		       uv_hrtime() - began_ns >= server->turn_max_us * 1000);
}

static void
have_turn(struct rpc_server *server)
{
	uint64_t began_ns = uv_hrtime();
	bool others_wait = server->others.first != NULL && !server->holds;
	bool reads = server->reads.first != NULL && (!server->had_reads || !others_wait);
	bool yields = !reads && !server->had_reads;
	struct rpc_context *context;

	if (!reads && !others_wait)
		return;
	server->had_reads = reads;
	while ((context = line_take(reads ? &server->reads : &server->others)) != NULL) {
		handle(server, context);
		if (is_turn_over(server, began_ns, yields))
			break;
	}
}

static void
drop_letters(struct rpc_server *server)
{
	struct rpc_context *context;

	take_letters(server);
	while ((context = line_take(&server->reads)) != NULL ||
		(context = line_take(&server->others)) != NULL)
		handle(server, context);
}

/* Some can be handed over. */
static bool
has_letters(const struct rpc_server *server)
{
	return server->reads.first != NULL || (server->others.first != NULL && !server->holds);
}

/* True when it may receive again. */
static bool
has_room(const struct rpc_server *server)
{
	return atomic_load(&server->n_waiting) < RPC_SERVER_QUEUE_MAX &&
	       atomic_load(&server->n_waiting_bytes) < RPC_SERVER_QUEUE_BYTES_MAX;
}

static void
on_wake(uv_async_t *handle)
{
	struct rpc_server *server = handle->data;

	server->refs++; /* on_call may close the server */
	take_letters(server);
	have_turn(server);
	if (!server->is_closed && has_room(server) && atomic_exchange(&server->is_paused, false))
		rpc_contexts_receive(server->contexts);
	if (!server->is_closed)
		rpc_contexts_trim(server->contexts);
	if (server->is_closed)
		drop_letters(server); /* what the callback left when it closed us */
	else if (has_letters(server))
		wake_loop(server); /* after the loop's other work */
	server_unref(server);
}

void
rpc_server_limit_turns(struct rpc_server *server, rpc_is_read_fn *is_read_method, uint64_t max_us)
{
	server->turn_max_us = max_us;
	atomic_store(&server->is_read, is_read_method);
}

void
rpc_server_hold(struct rpc_server *server, bool holds)
{
	bool is_freed = server->holds && !holds;

	server->holds = holds;
	if (is_freed && has_letters(server))
		wake_loop(server);
}

static int
open_socket(struct rpc_server *server, const char *url, struct err *err)
{
	int rv;

	rv = nng_rep0_open(&server->socket);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "open a socket for", url);
	rv = rpc_socket_limit(server->socket, RPC_MESSAGE_MAX + RECEIVE_SLACK);
	if (rv == 0)
		rv = nng_pipe_notify(server->socket, NNG_PIPE_EV_ADD_POST, on_pipe, server);
	if (rv == 0)
		rv = nng_pipe_notify(server->socket, NNG_PIPE_EV_REM_POST, on_pipe, server);
	if (rv != 0)
		return rpc_socket_fail(err, rv, "prepare a socket for", url);
	return rpc_socket_listen(server->socket, url, &server->url, err);
}

/* The contexts first: nng must not call back into what is being closed. */
static void
close_socket(struct rpc_server *server)
{
	rpc_contexts_close(TAKE(server->contexts));
	if (!rpc_socket_close(server->socket))
		server->refs++; /* nng may still use it: never freed */
}

int
rpc_server_open(uv_loop_t *loop, const char *url, const ProtobufCServiceDescriptor *const *services,
	rpc_on_call_fn *on_call, void *arg, struct rpc_server **ret_server, struct err *err)
{
	struct rpc_server *server = xcalloc(1, sizeof *server);
	int rc;

	server->services = services;
	server->on_call = on_call;
	server->arg = arg;
	server->refs = 1;
	server->reads.end = &server->reads.first;
	server->others.end = &server->others.first;
	server->inbox = mailbox_new(RPC_SERVER_QUEUE_MAX + 1, wake_loop, server);
	server->wake.data = server;
	rc = uv_async_init(loop, &server->wake, on_wake);
	if (rc < 0) {
		server_unref(server);
		return err_set(err, rc, "cannot open %s: %s", url, uv_strerror(rc));
	}
	server->refs++;
	rc = open_socket(server, url, err);
	if (rc < 0) {
		rpc_server_close(server);
		return rc;
	}
	server->contexts = rpc_contexts_open(server->socket, on_message, server);
	rpc_contexts_receive(server->contexts);
	*ret_server = server;
	return 0;
}

const char *
rpc_server_url(const struct rpc_server *server)
{
	return server->url;
}

void
rpc_server_measure(struct rpc_server *server, struct metrics *metrics)
{
	static const struct metric_def calls = {.kind = EXPO_COUNTER,
		.name = "davit_rpc_calls",
		.help = "Calls answered.",
		.labels = {"method", "status"}};
	static const struct metric_def seconds = {.kind = EXPO_HISTOGRAM,
		.name = "davit_rpc_seconds",
		.help = "From a call to its answer; for a long poll its wait is in it.",
		.labels = {"method"},
		.bounds = metric_seconds,
		.n_bounds = METRIC_SECONDS_COUNT};
	static const struct metric_def dropped = {.kind = EXPO_COUNTER,
		.name = "davit_rpc_answers_dropped",
		.help = "Answers to callers that do not read theirs."};

	server->calls = metrics_add(metrics, &calls);
	server->seconds = metrics_add(metrics, &seconds);
	server->dropped = metrics_add(metrics, &dropped);
}

void
rpc_server_stats(const struct rpc_server *server, struct rpc_server_stats *ret_stats)
{
	ret_stats->n_calls = server->n_calls;
	ret_stats->n_malformed = server->n_malformed;
	ret_stats->n_pipes = atomic_load(&server->n_pipes);
	ret_stats->n_dropped = server->n_dropped;
	ret_stats->n_waiting = atomic_load(&server->n_waiting);
	ret_stats->waits_ms =
		server->others.first == NULL
			? 0
			: (uv_hrtime() - context_of(server->others.first)->since_ns) / 1000000;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	server_unref(handle->data);
}

void
rpc_server_close(struct rpc_server *server)
{
	if (server == NULL)
		return;
	assert(!server->is_closed);
	server->is_closed = true;
	close_socket(server);
	drop_letters(server);
	uv_close((uv_handle_t *)&server->wake, on_handle_closed);
	server_unref(server);
}
