/*
 * A small call over loopback: alone, and 32 in flight, beside what bare nng takes to
 * echo as many bytes between the same two processes in the same run. Then what a
 * service with a server and a client costs in memory, and each connection with a
 * parked call. The servers are children, so that processor time can be told apart.
 */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "common/base/mem.h"
#include "common/base/process.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/bench.h"

enum {
	DEPTH = RPC_CLIENT_CALLS_MAX,
	N_ALONE = 20000,
	N_DEEP = 200000,
	N_PARKED = 1000,
	ECHO_SIZE = 24, /* about what the call and its answer have */
	URL_MAX = 64,
	MEMORY_WARM_UP = 1000,
};

/* A server in a child; it answers each byte on the pipe with its figures. */
struct child {
	pid_t pid;
	int ask, tell;
	char url[URL_MAX];
};

struct child_figures {
	double cpu_us, rss_anon_kib;
};

static struct child_figures
child_ask(const struct child *child)
{
	struct child_figures figures;
	bool is_told = write(child->ask, "?", 1) == 1 &&
		       read(child->tell, &figures, sizeof figures) == (ssize_t)sizeof figures;

	assert(is_told);
	return figures;
}

static bool
child_tell(int in, int out)
{
	struct child_figures figures;
	char byte;

	if (read(in, &byte, 1) != 1)
		return false;
	figures = (struct child_figures){bench_cpu_us(), bench_rss_anon_kib()};
	return write(out, &figures, sizeof figures) == (ssize_t)sizeof figures;
}

/* One context of the bare server: receive, send back, again. */
struct echo {
	nng_ctx ctx;
	nng_aio *aio;
	bool is_sending;
};

static void
on_echo(void *arg)
{
	struct echo *echo = arg;

	if (nng_aio_result(echo->aio) != 0)
		return;
	echo->is_sending = !echo->is_sending;
	if (echo->is_sending)
		nng_ctx_send(echo->ctx, echo->aio);
	else
		nng_ctx_recv(echo->ctx, echo->aio);
}

static void
tell_url(int out, const char *url)
{
	char text[URL_MAX] = {0};
	ssize_t n;

	(void)snprintf(text, sizeof text, "%s", url);
	n = write(out, text, sizeof text);
	assert(n == (ssize_t)sizeof text);
}

static void
run_echo(int in, int out)
{
	static struct echo echos[DEPTH];
	nng_socket socket;
	nng_listener listener;
	char url[URL_MAX];
	int port, rv;

	rv = nng_rep0_open(&socket);
	assert(rv == 0);
	rv = nng_listen(socket, "tcp://127.0.0.1:0", &listener, 0);
	assert(rv == 0);
	rv = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port);
	assert(rv == 0);
	for (size_t i = 0; i < DEPTH; i++) {
		rv = nng_ctx_open(&echos[i].ctx, socket);
		assert(rv == 0);
		rv = nng_aio_alloc(&echos[i].aio, on_echo, &echos[i]);
		assert(rv == 0);
		nng_ctx_recv(echos[i].ctx, echos[i].aio);
	}
	(void)snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
	tell_url(out, url);
	while (child_tell(in, out))
		;
}

struct service {
	uv_loop_t loop;
	uv_poll_t poll;
	struct rpc_server *server;
	struct rpc_client *client; /* of itself: a service has both */
	int in, out;
	struct rpc_call *parked[N_PARKED + 1];
	size_t n_parked;
};

static void
on_call(struct rpc_call *call, void *arg)
{
	struct service *service = arg;
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;

	if (call->request->descriptor == &davit__wait_task_request__descriptor) {
		service->parked[service->n_parked++] = call;
		return;
	}
	task.id = ((const Davit__GetTaskRequest *)(const void *)call->request)->task;
	reply.task = &task;
	rpc_call_answer(call, &reply.base);
	rpc_call_send(call);
}

static void
on_asked(uv_poll_t *poll, int status, int events)
{
	struct service *service = poll->data;

	(void)status;
	(void)events;
	if (!child_tell(service->in, service->out))
		uv_stop(&service->loop);
}

static void
run_service(int in, int out)
{
	static const ProtobufCServiceDescriptor *const services[] = {&davit__manager__descriptor,
		NULL};
	struct service *service = xcalloc(1, sizeof *service);
	struct err err = {0};
	int rc;

	service->in = in;
	service->out = out;
	rc = uv_loop_init(&service->loop);
	assert(rc == 0);
	rc = rpc_server_open(&service->loop, "tcp://127.0.0.1:0", services, on_call, service,
		&service->server, &err);
	assert(rc == 0);
	rc = rpc_client_open(&service->loop, rpc_server_url(service->server), &service->client,
		&err);
	assert(rc == 0);
	rc = uv_poll_init(&service->loop, &service->poll, in);
	assert(rc == 0);
	service->poll.data = service;
	rc = uv_poll_start(&service->poll, UV_READABLE, on_asked);
	assert(rc == 0);
	tell_url(out, rpc_server_url(service->server));
	(void)uv_run(&service->loop, UV_RUN_DEFAULT);
}

/* Before this process has used nng: its threads do not survive a fork. */
static struct child
child_start(void (*run)(int in, int out))
{
	struct child child;
	int ask[2], tell[2];
	bool is_fine = pipe(ask) == 0 && pipe(tell) == 0;

	assert(is_fine);
	child.pid = fork();
	assert(child.pid >= 0);
	if (child.pid == 0) {
		(void)close(ask[1]);
		(void)close(tell[0]);
		run(ask[0], tell[1]);
		_exit(0);
	}
	(void)close(ask[0]);
	(void)close(tell[1]);
	child.ask = ask[1];
	child.tell = tell[0];
	is_fine = read(child.tell, child.url, sizeof child.url) == (ssize_t)sizeof child.url;
	assert(is_fine);
	return child;
}

static void
child_stop(struct child *child)
{
	(void)close(child->ask);
	(void)close(child->tell);
	(void)waitpid(child->pid, NULL, 0);
}

/* What is counted of a run, whoever makes the calls. */
struct run {
	struct bench_series latency;
	double rate, cpu_us, server_cpu_us;
};

static void
print_run(const char *who, unsigned depth, struct run *run)
{
	char name[64];

	(void)snprintf(name, sizeof name, "rpc.%s.depth%u", who, depth);
	if (depth == 1)
		bench_print_series(name, &run->latency);
	(void)snprintf(name, sizeof name, "rpc.%s.depth%u.rate", who, depth);
	bench_print(name, run->rate, "/s");
	(void)snprintf(name, sizeof name, "rpc.%s.depth%u.client_cpu", who, depth);
	bench_print(name, run->cpu_us, "us/call");
	(void)snprintf(name, sizeof name, "rpc.%s.depth%u.server_cpu", who, depth);
	bench_print(name, run->server_cpu_us, "us/call");
}

struct clock {
	double cpu_us, server_cpu_us;
	uint64_t began_ns;
};

static struct clock
clock_start(const struct child *child)
{
	double server_cpu_us = child_ask(child).cpu_us;

	return (struct clock){bench_cpu_us(), server_cpu_us, bench_now_ns()};
}

static void
clock_stop(const struct clock *clock, const struct child *child, size_t n, struct run *run)
{
	run->rate = (double)n * 1e9 / (double)(bench_now_ns() - clock->began_ns);
	run->cpu_us = (bench_cpu_us() - clock->cpu_us) / (double)n;
	run->server_cpu_us = (child_ask(child).cpu_us - clock->server_cpu_us) / (double)n;
}

/* One context of the bare client. */
struct asker {
	nng_ctx ctx;
	nng_aio *aio;
	bool is_receiving;
	uint64_t began_ns;
	struct bare *bare;
};

struct bare {
	struct asker askers[DEPTH];
	atomic_size_t n_started, n_ended;
	size_t n;
	struct bench_series latency; /* with one asker only */
	unsigned depth;
	pthread_mutex_t lock;
	pthread_cond_t done;
};

static void
asker_send(struct asker *asker)
{
	struct bare *bare = asker->bare;
	nng_msg *msg;
	int rv;

	if (atomic_fetch_add(&bare->n_started, 1) >= bare->n)
		return;
	rv = nng_msg_alloc(&msg, ECHO_SIZE);
	assert(rv == 0);
	asker->began_ns = bench_now_ns();
	asker->is_receiving = false;
	nng_aio_set_msg(asker->aio, msg);
	nng_ctx_send(asker->ctx, asker->aio);
}

static void
on_asker(void *arg)
{
	struct asker *asker = arg;
	struct bare *bare = asker->bare;
	int rv = nng_aio_result(asker->aio);

	assert(rv == 0);
	if (!asker->is_receiving) {
		asker->is_receiving = true;
		nng_ctx_recv(asker->ctx, asker->aio);
		return;
	}
	nng_msg_free(nng_aio_get_msg(asker->aio));
	if (bare->depth == 1)
		bench_series_add(&bare->latency, bench_now_ns() - asker->began_ns);
	if (atomic_fetch_add(&bare->n_ended, 1) + 1 == bare->n) {
		(void)pthread_mutex_lock(&bare->lock);
		(void)pthread_cond_signal(&bare->done);
		(void)pthread_mutex_unlock(&bare->lock);
	}
	asker_send(asker);
}

static struct run
run_bare(const struct child *child, unsigned depth, size_t n)
{
	struct bare *bare = xcalloc(1, sizeof *bare);
	struct run run = {.rate = 0};
	struct clock clock;
	nng_socket socket;
	int rv;

	bare->n = n;
	bare->depth = depth;
	(void)pthread_mutex_init(&bare->lock, NULL);
	(void)pthread_cond_init(&bare->done, NULL);
	rv = nng_req0_open(&socket);
	assert(rv == 0);
	rv = nng_dial(socket, child->url, NULL, 0);
	assert(rv == 0);
	for (unsigned i = 0; i < depth; i++) {
		bare->askers[i].bare = bare;
		rv = nng_ctx_open(&bare->askers[i].ctx, socket);
		assert(rv == 0);
		rv = nng_aio_alloc(&bare->askers[i].aio, on_asker, &bare->askers[i]);
		assert(rv == 0);
	}
	clock = clock_start(child);
	for (unsigned i = 0; i < depth; i++)
		asker_send(&bare->askers[i]);
	(void)pthread_mutex_lock(&bare->lock);
	while (atomic_load(&bare->n_ended) < n)
		(void)pthread_cond_wait(&bare->done, &bare->lock);
	(void)pthread_mutex_unlock(&bare->lock);
	clock_stop(&clock, child, n, &run);
	run.latency = bare->latency;
	for (unsigned i = 0; i < depth; i++)
		nng_aio_stop(bare->askers[i].aio);
	(void)nng_close(socket);
	return run; /* bare itself is left: nng may still look at it */
}

struct caller {
	uv_loop_t loop;
	struct rpc_client *client;
	size_t n, n_started, n_ended;
	struct bench_series latency;
	unsigned depth;
	uint64_t began_ns; /* with one in flight only */
};

static void on_done(const struct rpc_result *result, void *arg);

static void
call_next(struct caller *caller)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = 30000};

	if (caller->n_started == caller->n)
		return;
	caller->n_started++;
	request.task = (char[]){"web"};
	caller->began_ns = bench_now_ns();
	(void)rpc_client_call(caller->client, rpc_method(&davit__manager__descriptor, "GetTask"),
		&request.base, &options, on_done, caller);
}

static void
on_done(const struct rpc_result *result, void *arg)
{
	struct caller *caller = arg;

	assert(result->status == DAVIT__REPLY__STATUS__OK);
	if (caller->depth == 1)
		bench_series_add(&caller->latency, bench_now_ns() - caller->began_ns);
	caller->n_ended++;
	call_next(caller);
}

static struct run
run_calls(const struct child *child, unsigned depth, size_t n)
{
	struct caller caller = {.depth = depth, .n = 1};
	struct run run = {.rate = 0};
	struct err err = {0};
	struct clock clock;
	int rc;

	rc = uv_loop_init(&caller.loop);
	assert(rc == 0);
	rc = rpc_client_open(&caller.loop, child->url, &caller.client, &err);
	assert(rc == 0);
	call_next(&caller); /* once, for the connection */
	while (caller.n_ended < 1)
		(void)uv_run(&caller.loop, UV_RUN_ONCE);
	bench_series_fini(&caller.latency);
	caller.latency = (struct bench_series){0};
	caller.n = n + 1;
	clock = clock_start(child);
	for (unsigned i = 0; i < depth; i++)
		call_next(&caller);
	while (caller.n_ended < caller.n)
		(void)uv_run(&caller.loop, UV_RUN_ONCE);
	clock_stop(&clock, child, n, &run);
	run.latency = caller.latency;
	rpc_client_close(caller.client);
	(void)uv_run(&caller.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&caller.loop);
	return run;
}

static void
compare(const struct child *echo, const struct child *service, unsigned depth, size_t n)
{
	struct run bare = run_bare(echo, depth, n), calls = run_calls(service, depth, n);
	char name[64];

	print_run("bare", depth, &bare);
	print_run("call", depth, &calls);
	if (depth == 1)
		bench_print("rpc.ratio.depth1.p50",
			bench_series_us(&calls.latency, 50) / bench_series_us(&bare.latency, 50),
			"x bare nng");
	(void)snprintf(name, sizeof name, "rpc.ratio.depth%u.rate", depth);
	bench_print(name, calls.rate / bare.rate, "x bare nng");
	bench_series_fini(&bare.latency);
	bench_series_fini(&calls.latency);
}

static void
on_parked_done(const struct rpc_result *result, void *arg)
{
	(void)result;
	(void)arg;
}

static void
turn_once(uv_timer_t *timer)
{
	(void)timer;
}

/* Memory of a service: at rest, and what each connection with a parked call adds. */
static void
measure_memory(const struct child *service)
{
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;
	struct rpc_call_options options = {.timeout_ms = RPC_WAIT_MAX_MS};
	double before = child_ask(service).rss_anon_kib, after;
	uint64_t end_ns = bench_now_ns() + 5000000000u;
	struct rpc_client *client;
	struct err err = {0};
	uv_timer_t timer;
	uv_loop_t loop;

	bench_print("rpc.memory.idle", before, "KiB RssAnon");
	request.task = (char[]){"018f0000-0000-7000-8000-000000000000"};
	(void)uv_loop_init(&loop);
	(void)uv_timer_init(&loop, &timer);
	(void)uv_timer_start(&timer, turn_once, 10, 10);
	for (unsigned i = 0; i < N_PARKED; i++) {
		int rc = rpc_client_open(&loop, service->url, &client, &err);

		assert(rc == 0);
		(void)rpc_client_call(client, rpc_method(&davit__manager__descriptor, "WaitTask"),
			&request.base, &options, on_parked_done, NULL);
	}
	while (bench_now_ns() < end_ns)
		(void)uv_run(&loop, UV_RUN_ONCE);
	after = child_ask(service).rss_anon_kib;
	bench_print("rpc.memory.per_parked_call", (after - before) / N_PARKED, "KiB");
}

int
main(void)
{
	struct child echo, fresh, service;

	process_begin();
	echo = child_start(run_echo);
	service = child_start(run_service);
	fresh = child_start(run_service);
	(void)run_calls(&service, 1, MEMORY_WARM_UP);
	(void)run_calls(&fresh, 1, MEMORY_WARM_UP);
	compare(&echo, &service, 1, N_ALONE);
	compare(&echo, &service, DEPTH, N_DEEP);
	measure_memory(&fresh);
	child_stop(&fresh); /* the last first: it has the others' pipes, too */
	child_stop(&service);
	child_stop(&echo);
	(void)fflush(stdout);
	_exit(0); /* a thousand clients are not worth closing */
}
