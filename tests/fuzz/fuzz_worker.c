/*
 * A manager that says what it likes to a worker, in turns: the first letter of a part says what.
 *
 *     o   the oldest call is answered with this          f   and this is answered to it: a refusal
 *     l   the newest call is answered with this          t   time passes: so many ms
 *     k   the worker dies and is born again              e   the engine restarts, and is away so
 * long
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/docker/engine_mem.h"
#include "services/worker/worker.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/host.h"

enum {
	CALLS_MAX = 64, /* a worker has some at one time */
	JOURNAL_MAX = 1024,
	PASS_MAX_MS = 200000, /* of one part */
	MOMENTS_MAX = 2000,   /* of one part, that something happens in */
	SETTLE_MAX = 100,
	PROBES_MAX = 256, /* under way at one time: one of each task, and those it gave up */
};

static const uint64_t born_ms = UINT64_C(1700000000000);

struct call {
	uint64_t ticket;
	const char *method;
};

struct probing {
	worker_probed_fn *done;
	void *arg;
};

struct world {
	struct engine_mem_world *machine;
	struct engine *engine;
	struct worker *worker;
	struct call calls[CALLS_MAX];
	size_t n_calls;
	struct worker_journal_entry *journal;
	size_t n_journal;
	bool is_journaling;
	struct probing probes[PROBES_MAX];
	size_t n_probes;
	uint32_t chance;
};

/* ---- the ports ---- */

static void
port_call(void *arg, uint64_t ticket, const char *method, const ProtobufCMessage *request,
	uint64_t timeout_ms)
{
	struct world *world = arg;

	assert(timeout_ms > 0 && protobuf_c_message_check(request));
	(void)protobuf_c_message_get_packed_size(request);
	assert(world->n_calls < CALLS_MAX);
	world->calls[world->n_calls++] = (struct call){ticket, method};
}

static void
port_journal_add(void *arg, const struct worker_journal_entry *entries, size_t n)
{
	struct world *world = arg;

	assert(!world->is_journaling);
	world->is_journaling = true;
	for (size_t i = 0; i < n && world->n_journal < JOURNAL_MAX; i++)
		world->journal[world->n_journal++] = entries[i];
}

static void
port_journal_drop(void *arg, const struct worker_journal_entry *entry)
{
	struct world *world = arg;

	for (size_t i = 0; i < world->n_journal; i++) {
		if (!id_equal(world->journal[i].task, entry->task) ||
			world->journal[i].attempt != entry->attempt)
			continue;
		world->journal[i] = world->journal[--world->n_journal];
		return;
	}
}

static void
port_probe(void *arg, const struct worker_probe *probe, worker_probed_fn *done, void *done_arg)
{
	struct world *world = arg;

	assert(probe->address != NULL && probe->port > 0 && probe->port <= UINT16_MAX);
	assert(world->n_probes < PROBES_MAX);
	world->probes[world->n_probes++] = (struct probing){done, done_arg};
}

/* All that are under way: those that are begun meanwhile, too. */
static void
end_probes(struct world *world, bool ok, const char *why)
{
	while (world->n_probes > 0) {
		struct probing probing = world->probes[--world->n_probes];

		probing.done(ok, why, probing.arg);
	}
}

static uint32_t
port_random(void *arg)
{
	struct world *world = arg;

	world->chance = world->chance * 1664525U + 1013904223U;
	return world->chance >> 8;
}

static void
give_birth(struct world *world)
{
	struct worker_ports ports = {.arg = world,
		.call = port_call,
		.journal_add = port_journal_add,
		.journal_drop = port_journal_drop,
		.probe = port_probe,
		.random = port_random};
	struct worker_options options = {.name = "n1",
		.instance = "i",
		.started = world->journal,
		.n_started = world->n_journal};

	davit__resources__init(&options.capacity);
	davit__resources__init(&options.fallback);
	world->engine = engine_mem_open(world->machine);
	world->worker = worker_new(&options, world->engine, &ports);
}

static void
bury(struct world *world)
{
	worker_free(world->worker);
	engine_close(world->engine);
	world->n_calls = 0;
	world->is_journaling = false;
	end_probes(world, false, "gone");
}

/* ---- time ---- */

static void
settle(struct world *world)
{
	uint64_t now_ms = engine_mem_now(world->machine);
	const struct err err = {0};
	bool moved = true;

	for (int i = 0; i < SETTLE_MAX && moved; i++) {
		worker_tick(world->worker, now_ms - born_ms + 1, now_ms);
		moved = world->is_journaling || world->n_probes > 0;
		end_probes(world, now_ms % 2 == 0, "odd");
		if (world->is_journaling) {
			world->is_journaling = false;
			worker_journaled(world->worker, &err);
		}
	}
}

static void
pass(struct world *world, uint64_t ms)
{
	uint64_t end = engine_mem_now(world->machine) + ms;

	settle(world);
	for (int i = 0; i < MOMENTS_MAX && engine_mem_now(world->machine) < end; i++) {
		uint64_t now = engine_mem_now(world->machine);
		uint64_t next = engine_mem_next(world->machine);
		uint64_t due = worker_due_ms(world->worker);

		if (due < next && due < UINT64_MAX - born_ms)
			next = due + born_ms - 1;
		next = next <= now ? now + 1 : next;
		engine_mem_advance(world->machine, next < end ? next : end);
		settle(world);
	}
}

/* ---- what is said ---- */

static const ProtobufCMessageDescriptor *
answer_of(const char *method)
{
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(
		&davit__workers__descriptor, method);

	assert(found != NULL);
	return found->output;
}

static void
answer(struct world *world, size_t at, const char *text, size_t size)
{
	struct call call;
	ProtobufCMessage *reply;

	if (at >= world->n_calls)
		return;
	call = world->calls[at];
	reply = host_message(answer_of(call.method), text, size);
	if (reply == NULL)
		return;
	world->n_calls--;
	memmove(&world->calls[at], &world->calls[at + 1],
		(world->n_calls - at) * sizeof world->calls[0]);
	worker_answered(world->worker, call.ticket, DAVIT__REPLY__STATUS__OK, "", reply);
	protobuf_c_message_free_unpacked(reply, NULL);
}

static void
refuse(struct world *world, const char *text, size_t size)
{
	CLEANUP(free) char *words = strndup(text, size);
	struct call call = world->calls[0];
	unsigned status = size > 0 ? (unsigned)(text[0] & 15) + 1 : 1;

	if (world->n_calls == 0)
		return;
	world->n_calls--;
	memmove(&world->calls[0], &world->calls[1], world->n_calls * sizeof world->calls[0]);
	worker_answered(world->worker, call.ticket, (Davit__Reply__Status)status, words, NULL);
}

static uint64_t
number(const char *text, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size && text[i] >= '0' && text[i] <= '9' && n < PASS_MAX_MS; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	return n < PASS_MAX_MS ? n : PASS_MAX_MS;
}

static void
act(struct world *world, char what, const char *text, size_t size)
{
	switch (what) {
	case 'o':
		answer(world, 0, text, size);
		break;
	case 'l':
		answer(world, world->n_calls - 1, text, size);
		break;
	case 'f':
		refuse(world, text, size);
		break;
	case 't':
		pass(world, number(text, size));
		break;
	case 'k':
		bury(world);
		give_birth(world);
		break;
	case 'e':
		engine_mem_restart(world->machine, true, number(text, size));
		break;
	default:
		break;
	}
	settle(world);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.chance = 7};
	const char *part;
	size_t at = 0, n;

	log_open("fuzz", LOG_LVL_ERROR);
	world.journal = xcalloc(JOURNAL_MAX, sizeof *world.journal);
	world.machine = engine_mem_world_new(
		&(struct engine_mem_options){.seed = 1, .now_ms = born_ms, .latency_ms = 2});
	give_birth(&world);
	pass(&world, 10);
	while (host_part(data, size, &at, &part, &n)) {
		if (n > 0)
			act(&world, part[0], part + 1, n - 1);
	}
	pass(&world, 10);
	bury(&world);
	engine_mem_world_free(world.machine);
	free(world.journal);
	return 0;
}
