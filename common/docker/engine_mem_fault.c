/* Making things go wrong in the world in memory, and looking into it.
 * tested by tests/unit/test_engine_mem.c */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

void
engine_mem_restart(struct engine_mem_world *world, bool live, uint64_t down_ms)
{
	struct mem_container *container, *next_container;
	struct mem_op *op, *next;

	DL_FOREACH_SAFE (world->ops, op, next) {
		if (op->op.engine == NULL) {
			engine_mem_op_free(op);
			continue;
		}
		if (op->err.code == -ECANCELED)
			continue;
		engine_mem_op_unlisten(op);
		(void)err_set(&op->err, -ENOTCONN,
			"lost the connection to the Docker Engine at mem://");
		engine_mem_op_answer(op);
	}
	if (!live)
		HASH_ITER(by_id, world->by_id, container, next_container)
		{
			engine_mem_container_die(container, 128 + SIGKILL, false);
		}
	engine_mem_events_forget(world);
	world->down_until_ms = world->now_ms + down_ms;
	world->hang_until_ms = 0;
}

void
engine_mem_hang(struct engine_mem_world *world, uint64_t until_ms)
{
	struct mem_op *op;

	world->hang_until_ms = until_ms;
	/* Those that wait for something else must lose patience, too. */
	DL_FOREACH (world->ops, op)
		if (op->due.slot == 0 && op->call.kind == ENGINE_CALL_STOP) {
			engine_mem_heap_set(&world->heap, &op->due, op->timeout_at_ms);
			op->due.run = engine_mem_op_expire;
		}
}

void
engine_mem_fail_next(struct engine_mem_world *world, enum engine_call_kind kind, int code,
	const char *text)
{
	struct mem_plan *plan = &world->plans[kind];

	plan->code = code;
	plan->lost = false;
	(void)snprintf(plan->text, sizeof plan->text, "%s", text);
}

void
engine_mem_lose_next(struct engine_mem_world *world, enum engine_call_kind kind)
{
	world->plans[kind] = (struct mem_plan){.code = -ENOTCONN, .lost = true};
}

bool
engine_mem_forget(struct engine_mem_world *world, const char *id)
{
	struct mem_container *container = engine_mem_container_find(world, id);

	if (container != NULL)
		engine_mem_container_remove(container, false);
	return container != NULL;
}

bool
engine_mem_jam(struct engine_mem_world *world, const char *id)
{
	struct mem_container *container = engine_mem_container_find(world, id);

	if (container != NULL)
		container->is_jammed = true;
	return container != NULL;
}

bool
engine_mem_end(struct engine_mem_world *world, const char *id, int exit_code, bool oom)
{
	struct mem_container *container = engine_mem_container_find(world, id);

	if (container == NULL || !engine_mem_container_is_up(container))
		return false;
	engine_mem_container_die(container, exit_code, oom);
	return true;
}

bool
engine_mem_begin(struct engine_mem_world *world, const char *id)
{
	struct mem_container *container = engine_mem_container_find(world, id);
	struct err err;

	return container != NULL && engine_mem_container_start(container, &err) == 0;
}

bool
engine_mem_destroy(struct engine_mem_world *world, const char *id)
{
	struct mem_container *container = engine_mem_container_find(world, id);

	if (container != NULL)
		engine_mem_container_remove(container, true);
	return container != NULL;
}

const char *
engine_mem_stranger(struct engine_mem_world *world, const char *name, const char *image)
{
	CLEANUP(engine_mem_container_unref) struct mem_container *container = NULL;
	struct err err = {0};
	json_t *body = json_pack("{s:s}", "Image", image);
	char *text = json_dumps(body, JSON_COMPACT);
	int rc = engine_mem_container_read(world, name, text, &container, &err);

	json_decref(body);
	free(text);
	if (rc < 0 || engine_mem_container_add(container, &err) < 0)
		return NULL;
	(void)engine_mem_container_start(container, &err);
	return container->id;
}

void
engine_mem_hold_port(struct engine_mem_world *world, const char *protocol, unsigned port, bool held)
{
	struct mem_name *name;
	char key[16];

	(void)snprintf(key, sizeof key, "%.6s/%u", protocol, port & UINT16_MAX);
	name = engine_mem_name_find(world->ports, key);
	if (held && name == NULL)
		(void)engine_mem_name_add(&world->ports, key, "");
	else if (!held && name != NULL && name->text[0] == '\0')
		engine_mem_name_drop(&world->ports, name);
}

/* ---- looking in ---- */

uint64_t
engine_mem_n_calls(const struct engine_mem_world *world, enum engine_call_kind kind)
{
	return world->n_calls[kind];
}

static struct engine_mem_view
view_of(const struct mem_container *container)
{
	return (struct engine_mem_view){
		.id = container->id,
		.name = container->name,
		.image = container->image,
		.labels = container->attributes,
		.n_labels = container->n_labels,
		.status = container->status,
		.exit_code = container->exit_code,
		.created_ms = container->created_ms,
		.started_ms = container->started_ms,
		.finished_ms = container->finished_ms,
		.n_starts = container->n_starts,
		.removed = container->gone,
	};
}

void
engine_mem_each(struct engine_mem_world *world, engine_mem_visit_fn *visit, void *arg)
{
	struct mem_container *container, *next;

	HASH_ITER(by_id, world->by_id, container, next)
	{
		struct engine_mem_view view = view_of(container);

		visit(&view, arg);
	}
}

static void
tell_run(struct mem_container *container)
{
	struct engine_mem_world *world = container->world;
	struct engine_mem_view view = view_of(container);

	if (world->on_run != NULL)
		world->on_run(&view, world->on_run_arg);
}

void
engine_mem_on_run(struct engine_mem_world *world, engine_mem_visit_fn *visit, void *arg)
{
	world->on_run = visit;
	world->on_run_arg = arg;
}

static void
add_history(struct engine_mem_world *world, struct mem_container *container)
{
	if (world->n_history == world->history_room) {
		world->history_room = world->history_room == 0 ? 64 : world->history_room * 2;
		world->history =
			xrealloc(world->history, world->history_room, sizeof *world->history);
		world->history_of =
			xrealloc(world->history_of, world->history_room, sizeof *world->history_of);
	}
	container->history_at = world->n_history;
	world->history[world->n_history] = view_of(container);
	world->history_of[world->n_history++] = engine_mem_container_ref(container);
}

void
engine_mem_note_start(struct mem_container *container)
{
	if (container->world->options.history)
		add_history(container->world, container);
	tell_run(container);
}

void
engine_mem_note_end(struct mem_container *container)
{
	struct engine_mem_world *world = container->world;

	if (world->options.history)
		world->history[container->history_at] = view_of(container);
	tell_run(container);
}

void
engine_mem_each_start(struct engine_mem_world *world, engine_mem_visit_fn *visit, void *arg)
{
	for (size_t i = 0; i < world->n_history; i++) {
		struct engine_mem_view view = world->history[i];

		view.removed = world->history_of[i]->gone;
		visit(&view, arg);
	}
}

const char *
engine_mem_label(const struct engine_mem_view *view, const char *key)
{
	for (size_t i = 0; i < view->n_labels; i++)
		if (strcmp(view->labels[i].key, key) == 0)
			return view->labels[i].value;
	return NULL;
}

size_t
engine_mem_count(const struct engine_mem_world *world)
{
	return HASH_CNT(by_id, world->by_id);
}
