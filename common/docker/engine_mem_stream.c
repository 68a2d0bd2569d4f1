/* Events, logs and statistics of the engine in memory.
 * tested by tests/unit/test_engine_mem.c */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

enum {
	EVENTS_MAX = 1 << 16, /* kept for a subscriber that lags */
	SAMPLE_MS = 1000,
	NS_PER_MS = 1000000,
};

/* ---- events ---- */

static void
events_trim(struct engine_mem_world *world)
{
	struct mem_events *events = &world->events;
	uint64_t keep_from = events->base + events->n - ENGINE_MEM_EVENTS_KEPT;
	struct mem_op *op;
	size_t drop;

	if (events->n < EVENTS_MAX)
		DL_FOREACH2(world->subscribers, op, list_next)
	if (op->cursor < keep_from)
		keep_from = op->cursor;
	drop = (size_t)(keep_from - events->base);
	for (size_t i = 0; i < drop; i++)
		engine_mem_container_unref(events->items[i].container);
	memmove(events->items, events->items + drop, (events->n - drop) * sizeof *events->items);
	events->n -= drop;
	events->base += drop;
}

void
engine_mem_event(struct mem_container *container, const char *action, int number)
{
	struct engine_mem_world *world = container->world;
	struct mem_events *events = &world->events;
	struct mem_op *op;

	if (events->n == events->room) {
		if (events->n >= 2 * ENGINE_MEM_EVENTS_KEPT)
			events_trim(world);
		if (events->n * 2 >= events->room) {
			events->room = events->room == 0 ? 64 : events->room * 2;
			events->items =
				xrealloc(events->items, events->room, sizeof *events->items);
		}
	}
	events->items[events->n++] = (struct mem_event){
		.container = engine_mem_container_ref(container),
		.action = action,
		.number = number,
		.time_ns = world->now_ms * NS_PER_MS,
	};
	DL_FOREACH2(world->subscribers, op, list_next)
	if (op->due.slot == 0)
		engine_mem_due_in(world, &op->due, engine_mem_travel(world));
}

void
engine_mem_events_forget(struct engine_mem_world *world)
{
	struct mem_events *events = &world->events;

	for (size_t i = 0; i < events->n; i++)
		engine_mem_container_unref(events->items[i].container);
	events->base += events->n;
	events->n = 0;
}

static void
event_tell(const struct mem_op *op, const struct mem_event *happened)
{
	struct mem_container *container = happened->container;
	struct engine_event event = {
		.type = "container",
		.action = happened->action,
		.id = container->id,
		.attributes = container->attributes,
		.n_attributes = container->n_labels + 2,
		.time_ns = happened->time_ns,
	};
	char number[16];

	if (happened->number >= 0) {
		(void)snprintf(number, sizeof number, "%d", happened->number);
		container->attributes[event.n_attributes++] = (struct engine_label){
			.key = strcmp(happened->action, "kill") == 0 ? "signal" : "exitCode",
			.value = number};
	}
	op->call.on.event(&event, op->call.arg);
}

static void
events_deliver(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);
	struct mem_events *events = &world->events;

	if (world->now_ms < world->hang_until_ms) {
		engine_mem_heap_set(&world->heap, due, world->hang_until_ms);
		return;
	}
	op->busy = true;
	while (op->err.code == 0 && op->cursor < events->base + events->n) {
		struct mem_event event;

		if (op->cursor < events->base)
			op->cursor = events->base;
		event = events->items[op->cursor++ - events->base];
		if (op->call.text != NULL &&
			!engine_mem_container_matches(event.container, op->call.text))
			continue;
		engine_mem_container_ref(event.container);
		event_tell(op, &event);
		engine_mem_container_unref(event.container);
	}
	op->busy = false;
	if (op->dead)
		engine_mem_op_free(op);
}

void
engine_mem_events_open(struct mem_op *op)
{
	struct mem_events *events = &op->world->events;
	size_t kept = events->n < ENGINE_MEM_EVENTS_KEPT ? events->n : ENGINE_MEM_EVENTS_KEPT;

	op->cursor = events->base + events->n;
	if (op->call.ms > 0)
		for (; kept > 0 && events->items[op->cursor - events->base - 1].time_ns >=
					   op->call.ms * NS_PER_MS;
			kept--)
			op->cursor--;
	op->due.run = events_deliver;
	engine_mem_op_listen(op, &op->world->subscribers);
	engine_mem_due_in(op->world, &op->due, engine_mem_travel(op->world));
}

/* ---- logs ---- */

void
engine_mem_log_print(struct mem_container *container, enum engine_stream stream, const char *text)
{
	struct mem_line *line;

	if (container->lines == NULL)
		container->lines = xcalloc(ENGINE_MEM_LOG_LINES, sizeof *container->lines);
	line = &container->lines[container->n_lines % ENGINE_MEM_LOG_LINES];
	free(line->text);
	/* Lines of one millisecond still differ, so that a cursor made of time works. */
	*line = (struct mem_line){
		.ts_ns = container->world->now_ms * NS_PER_MS + container->n_lines % NS_PER_MS,
		.stream = stream,
		.text = xstrdup(text),
	};
	container->n_lines++;
	engine_mem_watchers_wake(container);
}

static bool
line_tell(const struct mem_op *op, const struct mem_line *line)
{
	time_t seconds = (time_t)(line->ts_ns / 1000 / NS_PER_MS);
	char text[512], stamp[40] = "";
	struct tm tm;
	int n;

	if (op->call.logs.timestamps && gmtime_r(&seconds, &tm) != NULL) {
		size_t used = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);

		(void)snprintf(stamp + used, sizeof stamp - used, ".%09lluZ ",
			line->ts_ns % (1000ull * NS_PER_MS));
	}
	n = snprintf(text, sizeof text, "%s%s", stamp, line->text);
	if (op->call.logs.on_message != NULL && !op->call.logs.tty)
		op->call.logs.on_message(line->stream, op->call.arg);
	return op->call.on.log(line->stream, text,
		(size_t)n < sizeof text ? (size_t)n : sizeof text - 1, op->call.arg);
}

static void
log_deliver(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);
	struct mem_container *container = op->container;

	if (world->now_ms < world->hang_until_ms) {
		engine_mem_heap_set(&world->heap, due, world->hang_until_ms);
		return;
	}
	op->busy = true;
	while (op->err.code == 0 && !op->paused && op->cursor < container->n_lines) {
		const struct mem_line *line;

		if (container->n_lines - op->cursor > ENGINE_MEM_LOG_LINES)
			op->cursor = container->n_lines - ENGINE_MEM_LOG_LINES;
		line = &container->lines[op->cursor++ % ENGINE_MEM_LOG_LINES];
		if (line->ts_ns >= op->call.logs.since_ns)
			op->paused = !line_tell(op, line);
	}
	op->busy = false;
	if (op->dead) {
		engine_mem_op_free(op);
	} else if (op->err.code == 0 && !op->paused &&
		   (!op->follow || !engine_mem_container_is_up(container) || container->gone)) {
		engine_mem_op_unlisten(op);
		engine_mem_op_answer(op);
	}
}

void
engine_mem_log_open(struct mem_op *op)
{
	struct mem_container *container = op->container;
	uint32_t tail = op->call.logs.tail;

	op->follow = op->call.logs.follow && engine_mem_container_is_up(container);
	op->cursor = tail > 0 && tail < container->n_lines ? container->n_lines - tail : 0;
	op->due.run = log_deliver;
	engine_mem_op_listen(op, &container->watchers);
	engine_mem_due_in(op->world, &op->due, engine_mem_travel(op->world));
}

/* ---- statistics ---- */

static void
stats_deliver(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_op *op = engine_mem_op_of(due);
	const struct mem_container *container = op->container;
	uint64_t up_ms = world->now_ms - container->started_ms, memory_bytes;

	if (world->now_ms < world->hang_until_ms) {
		engine_mem_heap_set(&world->heap, due, world->hang_until_ms);
		return;
	}
	if (!engine_mem_container_is_up(container) || container->gone) {
		engine_mem_op_unlisten(op);
		engine_mem_op_answer(op);
		return;
	}
	memory_bytes = ((uint64_t)4 << 20) + ((uint64_t)(uint8_t)container->id[9] << 12);
	engine_mem_due_in(world, due, SAMPLE_MS);
	op->busy = true;
	/* A tenth of a core, and some megabytes that differ from container to container. */
	op->call.on.sample(
		&(struct engine_sample){
			.ts_ms = world->now_ms,
			.cpu_ns_total = up_ms * NS_PER_MS / 10,
			.memory_bytes = memory_bytes,
			.memory_bytes_with_cache = memory_bytes + ((uint64_t)1 << 20),
			.net_rx_bytes = up_ms,
			.net_tx_bytes = up_ms / 2,
			.io_read_bytes = 4096,
			.io_write_bytes = up_ms * 4,
			.pids = 1,
		},
		op->call.arg);
	op->busy = false;
	if (op->dead)
		engine_mem_op_free(op);
}

void
engine_mem_stats_open(struct mem_op *op)
{
	op->due.run = stats_deliver;
	engine_mem_op_listen(op, &op->container->watchers);
	engine_mem_due_in(op->world, &op->due,
		engine_mem_container_is_up(op->container) ? SAMPLE_MS : 0);
}

void
engine_mem_watchers_wake(struct mem_container *container)
{
	bool ended = !engine_mem_container_is_up(container) || container->gone;
	struct mem_op *op;

	DL_FOREACH2(container->watchers, op, list_next)
	if (!op->paused && (ended || op->call.kind == ENGINE_CALL_LOGS) &&
		(op->due.slot == 0 || op->due.at_ms > container->world->now_ms))
		engine_mem_due_in(container->world, &op->due, engine_mem_travel(container->world));
}
