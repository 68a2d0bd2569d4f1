/* The world of the engine in memory: its clients, its clock, its chance. */
#include "common/docker/engine_mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

enum {
	TIMEOUT_MS = 30000,
	CPU_MILLI = 4000,
};
static const uint64_t MEMORY_BYTES = (uint64_t)8 << 30;

/* splitmix64: one word of state, every seed is good. */
uint64_t
engine_mem_random(struct engine_mem_world *world)
{
	uint64_t z = world->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t
engine_mem_travel(struct engine_mem_world *world)
{
	uint32_t most = world->options.latency_ms;

	return most == 0 ? 0 : engine_mem_random(world) % (most + 1ull);
}

void
engine_mem_due_in(struct engine_mem_world *world, struct mem_due *due, uint64_t in_ms)
{
	uint64_t at_ms = in_ms > UINT64_MAX - world->now_ms ? UINT64_MAX : world->now_ms + in_ms;

	engine_mem_heap_set(&world->heap, due, at_ms);
	if (due->slot == 1)
		engine_mem_loop_wake(world);
}

/* ---- names: images that were pulled, networks, ports that are taken ---- */

struct mem_name *
engine_mem_name_add(struct mem_name **set, const char *name, const char *text)
{
	size_t size = strlen(name) + 1;
	struct mem_name *added = xcalloc(1, sizeof *added + size);

	memcpy(added->name, name, size);
	added->text = xstrdup(text);
	HASH_ADD(hh, *set, name, size - 1, added);
	return added;
}

struct mem_name *
engine_mem_name_find(struct mem_name *set, const char *name)
{
	struct mem_name *found;

	HASH_FIND_STR(set, name, found);
	return found;
}

void
engine_mem_name_drop(struct mem_name **set, struct mem_name *name)
{
	HASH_DEL(*set, name);
	free(name->text);
	free(name);
}

static void
names_fini(struct mem_name **set)
{
	struct mem_name *name, *next;

	HASH_ITER(hh, *set, name, next)
	{
		engine_mem_name_drop(set, name);
	}
}

/* ---- the world ---- */

struct engine_mem_world *
engine_mem_world_new(const struct engine_mem_options *options)
{
	struct engine_mem_world *world = xcalloc(1, sizeof *world);

	world->options = *options;
	world->random = options->seed;
	world->now_ms = options->now_ms != 0 ? options->now_ms : 1;
	if (world->options.timeout_ms == 0)
		world->options.timeout_ms = TIMEOUT_MS;
	if (world->options.cpu_milli == 0)
		world->options.cpu_milli = CPU_MILLI;
	if (world->options.memory_bytes == 0)
		world->options.memory_bytes = MEMORY_BYTES;
	if (options->engine_id != NULL)
		(void)snprintf(world->id, sizeof world->id, "%s", options->engine_id);
	else
		(void)snprintf(world->id, sizeof world->id, "MEM:%016llX",
			(unsigned long long)options->seed);
	return world;
}

void
engine_mem_world_free(struct engine_mem_world *world)
{
	struct mem_container *container, *next;
	struct mem_op *op;

	if (world == NULL)
		return;
	engine_mem_off_loop(world);
	while ((op = world->ops) != NULL) {
		assert(op->op.engine == NULL); /* a client is still there */
		engine_mem_op_free(op);
	}
	HASH_ITER(by_id, world->by_id, container, next)
	{
		engine_mem_container_remove(container, false);
	}
	engine_mem_events_forget(world);
	free(world->events.items);
	for (size_t i = 0; i < world->n_history; i++)
		engine_mem_container_unref(world->history_of[i]);
	free(world->history);
	free(world->history_of);
	names_fini(&world->images);
	names_fini(&world->networks);
	names_fini(&world->ports);
	names_fini(&world->execs);
	buf_fini(&world->archive);
	engine_mem_heap_fini(&world->heap);
	free(world);
}

uint64_t
engine_mem_now(const struct engine_mem_world *world)
{
	return world->now_ms;
}

uint64_t
engine_mem_next(const struct engine_mem_world *world)
{
	const struct mem_due *due = engine_mem_heap_first(&world->heap);

	if (due == NULL)
		return UINT64_MAX;
	return due->at_ms > world->now_ms ? due->at_ms : world->now_ms;
}

/* The first thing that is due by now_ms and was asked for before last_seq happens. */
static bool
happen(struct engine_mem_world *world, uint64_t now_ms, uint64_t last_seq)
{
	struct mem_due *due = engine_mem_heap_first(&world->heap);

	if (due == NULL || due->at_ms > now_ms || due->seq > last_seq)
		return false;
	if (due->at_ms > world->now_ms)
		world->now_ms = due->at_ms;
	engine_mem_heap_drop(&world->heap, due);
	due->run(world, due);
	return true;
}

static void
advance(struct engine_mem_world *world, uint64_t now_ms, uint64_t last_seq)
{
	while (happen(world, now_ms, last_seq))
		;
	if (now_ms > world->now_ms)
		world->now_ms = now_ms;
}

bool
engine_mem_step(struct engine_mem_world *world, uint64_t now_ms)
{
	engine_mem_tell_time(world, now_ms);
	return happen(world, now_ms, UINT64_MAX);
}

void
engine_mem_tell_time(struct engine_mem_world *world, uint64_t now_ms)
{
	if (now_ms > world->now_ms)
		world->now_ms = now_ms;
}

void
engine_mem_advance(struct engine_mem_world *world, uint64_t now_ms)
{
	advance(world, now_ms, UINT64_MAX);
}

void
engine_mem_advance_once(struct engine_mem_world *world, uint64_t now_ms)
{
	advance(world, now_ms, world->heap.seq);
}

/* ---- clients ---- */

static char *
copy(const char *text, char **at)
{
	char *here = *at;
	size_t size;

	if (text == NULL)
		return NULL;
	size = strlen(text) + 1;
	memcpy(here, text, size);
	*at += size;
	return here;
}

static uint64_t
timeout_at(const struct engine_mem_world *world, const struct engine_call *call)
{
	switch (call->kind) {
	case ENGINE_CALL_PULL:
		return UINT64_MAX;
	case ENGINE_CALL_STOP:
		return world->now_ms + world->options.timeout_ms + call->ms;
	case ENGINE_CALL_PING:
		return world->now_ms + call->ms;
	default:
		return world->now_ms + world->options.timeout_ms;
	}
}

static struct engine_op *
mem_start(struct engine *engine, const struct engine_call *call)
{
	struct mem_client *client = (struct mem_client *)engine;
	struct engine_mem_world *world = client->world;
	const char *text = call->kind == ENGINE_CALL_CREATE ? NULL : call->text;
	size_t room = (call->target == NULL ? 0 : strlen(call->target) + 1) +
		      (text == NULL ? 0 : strlen(text) + 1);
	struct mem_op *op = xcalloc(1, sizeof *op + room);
	char *at = (char *)(op + 1);

	op->op.engine = engine;
	op->world = world;
	op->call = *call;
	op->call.target = copy(call->target, &at);
	op->call.text = copy(text, &at);
	op->call.platform = NULL;
	op->timeout_at_ms = timeout_at(world, call);
	op->due.run = engine_mem_op_arrive;
	DL_APPEND(world->ops, op);
	if (world->now_ms < world->down_until_ms) {
		(void)err_set(&op->err, -ECONNREFUSED,
			"cannot reach the Docker Engine at mem://: is it running?");
		op->due.run = engine_mem_op_reply;
	} else if (call->kind == ENGINE_CALL_CREATE) {
		(void)engine_mem_container_read(world, call->target, call->text, &op->container,
			&op->err);
	}
	engine_mem_due_in(world, &op->due, engine_mem_travel(world));
	return &op->op;
}

static void
mem_cancel(struct engine_op *base)
{
	struct mem_op *op = (struct mem_op *)base;

	if (op->err.code == -ECANCELED)
		return;
	engine_mem_op_ghost(op);
	engine_mem_op_unlisten(op);
	(void)err_set(&op->err, -ECANCELED, "canceled");
	op->due.run = engine_mem_op_reply;
	engine_mem_due_in(op->world, &op->due, 0);
}

static void
mem_resume(struct engine_op *base)
{
	struct mem_op *op = (struct mem_op *)base;

	if (!op->paused)
		return;
	op->paused = false;
	engine_mem_due_in(op->world, &op->due, 0);
}

/* Takes the client's operations out of the world; tell: their owners hear of it. */
static void
client_leave(struct mem_client *client, bool tell)
{
	struct engine_mem_world *world = client->world;
	struct mem_op *op, *next, *mine = NULL;

	DL_FOREACH_SAFE (world->ops, op, next) {
		if (op->op.engine != &client->engine)
			continue;
		engine_mem_op_ghost(op);
		(void)err_set(&op->err, -ECANCELED, "the engine was closed");
		DL_DELETE(world->ops, op);
		DL_APPEND(mine, op);
	}
	while ((op = mine) != NULL) {
		DL_DELETE(mine, op);
		DL_APPEND(world->ops, op);
		if (tell)
			engine_call_finish(&op->call, &op->err);
		engine_mem_op_free(op);
	}
	/* What was started from those callbacks is forgotten. */
	DL_FOREACH_SAFE (world->ops, op, next) {
		if (op->op.engine == &client->engine)
			engine_mem_op_free(op);
	}
}

static void
client_close(struct mem_client *client, bool tell)
{
	struct engine_mem_world *world = client->world;
	bool owns_world = client->owns_world;

	client_leave(client, tell);
	free(client);
	if (owns_world)
		engine_mem_loop_end(world);
}

static void
mem_close(struct engine *engine)
{
	client_close((struct mem_client *)engine, true);
}

void
engine_mem_abandon(struct engine *engine)
{
	if (engine != NULL)
		client_close((struct mem_client *)engine, false);
}

static const struct engine_ops mem_ops = {
	.start = mem_start,
	.cancel = mem_cancel,
	.resume = mem_resume,
	.write = engine_mem_write,
	.write_end = engine_mem_write_end,
	.close = mem_close,
};

struct engine *
engine_mem_open(struct engine_mem_world *world)
{
	struct mem_client *client = xcalloc(1, sizeof *client);

	client->engine.ops = &mem_ops;
	client->world = world;
	return &client->engine;
}

struct engine *
engine_mem_open_on_loop(const struct engine_mem_options *options, uv_loop_t *loop)
{
	struct engine_mem_world *world = engine_mem_world_new(options);
	struct engine *engine = engine_mem_open(world);

	((struct mem_client *)engine)->owns_world = true;
	engine_mem_on_loop(world, loop);
	return engine;
}

struct engine_mem_world *
engine_mem_world_of(struct engine *engine)
{
	assert(engine->ops == &mem_ops);
	return ((struct mem_client *)engine)->world;
}
