#include "tests/bench/cluster/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/process.h"
#include "services/worker/worker.h"
#include "tests/bench/cluster/courier.h"
#include "tests/bench/cluster/quick_engine.h"

enum {
	JOIN_AT_ONCE = 50,
	JOIN_MS = 20,
	EXPIRE_MS = 200,
	REDIAL_MS = 50, /* COURIER_REDIALS of them are a second, as a worker alone takes at most */
	ARGS = 7,       /* program, "crowd", url, first, n, cpu, memory */
	ROUNDS_MAX = 1000, /* of a worker with its engine, in one turn */
};

struct member {
	struct crowd *crowd;
	struct worker *worker;
	struct engine *engine;
	struct courier_line *line;
	bool is_touched, is_journaling;
	uint64_t due_ms; /* steady clock */
	size_t heap_at;  /* from 1; 0: nowhere */
	struct member *next_touched;
};

struct crowd {
	uv_loop_t *loop;
	struct courier *courier;
	const char *url;
	struct crowd_plan plan;
	struct member *members;
	uint32_t n_joined;
	struct member *touched;
	struct member **heap; /* by due_ms; from 1 */
	size_t n_heap;
	uv_timer_t join_timer, due_timer, expire_timer, redial_timer;
	uint32_t chance;
};

/* ---- who is due when ---- */

static void
heap_put(struct crowd *crowd, size_t at, struct member *member)
{
	crowd->heap[at] = member;
	member->heap_at = at;
}

static void
heap_settle(struct crowd *crowd, struct member *member)
{
	size_t at = member->heap_at, child;

	for (; at > 1 && crowd->heap[at / 2]->due_ms > member->due_ms; at /= 2)
		heap_put(crowd, at, crowd->heap[at / 2]);
	for (; (child = at * 2) <= crowd->n_heap; at = child) {
		if (child < crowd->n_heap &&
			crowd->heap[child + 1]->due_ms < crowd->heap[child]->due_ms)
			child++;
		if (crowd->heap[child]->due_ms >= member->due_ms)
			break;
		heap_put(crowd, at, crowd->heap[child]);
	}
	heap_put(crowd, at, member);
}

static void
set_due(struct member *member, uint64_t due_ms)
{
	struct crowd *crowd = member->crowd;

	if (member->heap_at == 0)
		member->heap_at = ++crowd->n_heap;
	crowd->heap[member->heap_at] = member;
	member->due_ms = due_ms;
	heap_settle(crowd, member);
}

/* ---- ports of the worker ---- */

static void
touch(struct member *member)
{
	if (member->is_touched)
		return;
	member->is_touched = true;
	member->next_touched = member->crowd->touched;
	member->crowd->touched = member;
}

static void
port_call(void *arg, uint64_t ticket, const char *method, const ProtobufCMessage *request,
	uint64_t timeout_ms)
{
	struct member *member = arg;

	courier_line_call(member->line, ticket, rpc_method(&davit__workers__descriptor, method),
		request, timeout_ms);
}

static void
port_journal_add(void *arg, const struct worker_journal_entry *entries, size_t n)
{
	(void)entries;
	(void)n;
	((struct member *)arg)->is_journaling = true;
}

static void
port_journal_drop(void *arg, const struct worker_journal_entry *entry)
{
	(void)arg;
	(void)entry;
}

static uint32_t
port_random(void *arg)
{
	struct crowd *crowd = ((struct member *)arg)->crowd;

	crowd->chance ^= crowd->chance << 13;
	crowd->chance ^= crowd->chance >> 17;
	crowd->chance ^= crowd->chance << 5;
	return crowd->chance;
}

/* ---- turns ---- */

static void
run_member(struct member *member)
{
	static const struct err fine = {0};
	uint64_t wall_ms = clock_wall_ms(), mono_ms = clock_mono_ms(), due_ms = 0, wait_ms;
	bool is_at_rest = false;

	for (int i = 0; i < ROUNDS_MAX && !is_at_rest; i++) {
		quick_engine_run(member->engine, wall_ms);
		worker_tick(member->worker, mono_ms, wall_ms);
		is_at_rest = !member->is_journaling;
		if (member->is_journaling) {
			member->is_journaling = false;
			worker_journaled(member->worker, &fine);
			continue;
		}
		wait_ms = quick_engine_next(member->engine);
		wait_ms -= wait_ms == UINT64_MAX ? 0 : wait_ms < wall_ms ? wait_ms : wall_ms;
		due_ms = worker_due_ms(member->worker);
		is_at_rest = wait_ms > 0 && due_ms > mono_ms;
		if (wait_ms < UINT64_MAX - mono_ms && mono_ms + wait_ms < due_ms)
			due_ms = mono_ms + wait_ms;
	}
	set_due(member, due_ms);
}

static void run_touched(void *arg);

static void
on_due(uv_timer_t *timer)
{
	struct crowd *crowd = timer->data;
	uint64_t now_ms = clock_mono_ms();

	while (crowd->n_heap > 0 && crowd->heap[1]->due_ms <= now_ms) {
		touch(crowd->heap[1]);
		set_due(crowd->heap[1], UINT64_MAX);
	}
	run_touched(crowd);
}

static void
run_touched(void *arg)
{
	struct crowd *crowd = arg;
	struct member *member;
	uint64_t now_ms, due_ms;

	while ((member = crowd->touched) != NULL) {
		crowd->touched = member->next_touched;
		member->is_touched = false;
		run_member(member);
	}
	if (crowd->n_heap == 0)
		return;
	now_ms = clock_mono_ms();
	due_ms = crowd->heap[1]->due_ms;
	uv_update_time(crowd->loop);
	if (due_ms != UINT64_MAX)
		(void)uv_timer_start(&crowd->due_timer, on_due,
			due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void
on_answer(void *owner, uint64_t ticket, const struct rpc_result *result)
{
	struct member *member = owner;

	worker_answered(member->worker, ticket, result->status, result->message, result->response);
	touch(member);
}

static void
on_expire(uv_timer_t *timer)
{
	courier_expire(((struct crowd *)timer->data)->courier);
}

static void
on_redial(uv_timer_t *timer)
{
	courier_redial(((struct crowd *)timer->data)->courier);
}

/* ---- birth ---- */

static void
join(struct crowd *crowd, struct member *member, uint32_t number)
{
	static const struct worker_ports ports = {.call = port_call,
		.journal_add = port_journal_add,
		.journal_drop = port_journal_drop,
		.random = port_random};
	struct worker_ports mine = ports;
	char name[32], instance[RPC_REQUEST_ID_SIZE];
	struct worker_options options = {.name = name,
		.instance = instance,
		.address = "127.0.0.1",
		.start_limit = UINT16_MAX};
	struct err err;

	mine.arg = member;
	member->crowd = crowd;
	(void)snprintf(name, sizeof name, "crowd-%05u", number);
	rpc_request_id_make(instance);
	davit__resources__init(&options.capacity);
	options.capacity.has_cpu_milli = options.capacity.has_memory_bytes = true;
	options.capacity.cpu_milli = crowd->plan.cpu_milli;
	options.capacity.memory_bytes = crowd->plan.memory_bytes;
	options.fallback = options.capacity;
	member->engine = quick_engine_open(crowd->plan.cpu_milli, crowd->plan.memory_bytes);
	if (courier_line_open(crowd->courier, crowd->url, member, &member->line, &err) < 0)
		bench_die(name, err.text);
	member->worker = worker_new(&options, member->engine, &mine);
	touch(member);
}

static void
on_join(uv_timer_t *timer)
{
	struct crowd *crowd = timer->data;

	for (int i = 0; i < JOIN_AT_ONCE && crowd->n_joined < crowd->plan.n; i++) {
		join(crowd, &crowd->members[crowd->n_joined], crowd->plan.first + crowd->n_joined);
		crowd->n_joined++;
	}
	if (crowd->n_joined == crowd->plan.n)
		(void)uv_timer_stop(timer);
	run_touched(crowd);
}

static void
start_timer(struct crowd *crowd, uv_timer_t *timer, uv_timer_cb fn, uint64_t ms)
{
	(void)uv_timer_init(crowd->loop, timer);
	timer->data = crowd;
	if (fn != NULL)
		(void)uv_timer_start(timer, fn, 0, ms);
}

static void
on_stop(void *arg)
{
	(void)arg;
	_exit(EXIT_SUCCESS); /* a kill is what a worker must survive anyway */
}

int
crowd_main(int argc, char **argv)
{
	struct crowd crowd = {.loop = uv_default_loop(), .chance = 1 + (uint32_t)getpid()};
	struct process_signals *signals;
	struct err err;

	if (argc != ARGS)
		return EXIT_FAILURE;
	log_open("crowd", LOG_LVL_ERROR);
	(void)setpriority(PRIO_PROCESS, 0, (int)bench_setting("CROWD_NICENESS", 0));
	crowd.url = argv[2];
	crowd.plan = (struct crowd_plan){(uint32_t)strtoul(argv[3], NULL, 10),
		(uint32_t)strtoul(argv[4], NULL, 10), strtoull(argv[5], NULL, 10),
		strtoull(argv[6], NULL, 10)};
	crowd.members = xcalloc(crowd.plan.n, sizeof *crowd.members);
	crowd.heap = xcalloc(crowd.plan.n + 1, sizeof *crowd.heap);
	crowd.courier = courier_new(crowd.loop, crowd.plan.n, on_answer, run_touched, &crowd);
	start_timer(&crowd, &crowd.due_timer, NULL, 0);
	start_timer(&crowd, &crowd.join_timer, on_join, JOIN_MS);
	start_timer(&crowd, &crowd.expire_timer, on_expire, EXPIRE_MS);
	start_timer(&crowd, &crowd.redial_timer, on_redial, REDIAL_MS);
	if (process_signals_start(crowd.loop, on_stop, NULL, NULL, &signals, &err) < 0)
		bench_die("signals", err.text);
	(void)uv_run(crowd.loop, UV_RUN_DEFAULT);
	return EXIT_FAILURE;
}

void
crowd_start(struct bench_child *child, const struct bench_cluster *cluster,
	const struct crowd_plan *plan)
{
	char first[16], n[16], cpu[24], memory[24];
	const char *const args[] = {"crowd", cluster->manager_url, first, n, cpu, memory, NULL};

	(void)snprintf(first, sizeof first, "%u", plan->first);
	(void)snprintf(n, sizeof n, "%u", plan->n);
	(void)snprintf(cpu, sizeof cpu, "%llu", (unsigned long long)plan->cpu_milli);
	(void)snprintf(memory, sizeof memory, "%llu", (unsigned long long)plan->memory_bytes);
	(void)snprintf(child->name, sizeof child->name, "crowd-%u", plan->first);
	bench_child_start(child, cluster->folder, "self", false, args);
}
