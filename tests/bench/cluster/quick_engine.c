#include "tests/bench/cluster/quick_engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/docker/engine_impl.h"

enum { LABELS = 4, LABEL_SIZE = 40, NAME_SIZE = 80, PID = 4242 };
#define NAME_PREFIX "davit-" /* what follows is the task's id */

struct container {
	char id[ENGINE_ID_MAX + 1], task[LABEL_SIZE], attempt[12];
	enum engine_container_status status;
	int exit_code;
	bool ends;
	uint64_t lives_ms; /* where it ends by itself */
	uint64_t created_ms, started_ms, finished_ms, end_ms;
	unsigned place;                /* in the engine's table */
	struct container *prev, *next; /* of those that will end, soonest first */
};

struct op {
	struct engine_op base;
	struct engine_call call; /* its strings are gone */
	struct container *container;
	int code;
	const char *event; /* to tell the watcher instead of an answer */
	struct op *prev, *next;
};

struct quick_engine {
	struct engine base;
	uint64_t cpu_milli, memory_bytes, now_ms, n_created;
	struct container **table; /* by place; NULL: free */
	unsigned n_table, n_free;
	unsigned *free_places;
	char node[LABEL_SIZE], cluster[LABEL_SIZE]; /* labels that all containers share */
	struct container *ending;
	struct op *waiting; /* in the order of their answers */
	struct op *watcher; /* of events */
	size_t n_running;
};

/* ---- containers ---- */

/* Its id begins with its place, so that it is found without a search. */
static void
give_id(struct quick_engine *engine, struct container *container)
{
	(void)snprintf(container->id, sizeof container->id, "%08x%016llx%040x", container->place,
		(unsigned long long)++engine->n_created, 0xdau);
}

static struct container *
find(const struct quick_engine *engine, const char *target)
{
	const size_t n_prefix = sizeof NAME_PREFIX - 1;
	char digits[9] = "";
	unsigned place;

	if (strncmp(target, NAME_PREFIX, n_prefix) != 0) {
		(void)snprintf(digits, sizeof digits, "%.8s", target);
		place = (unsigned)strtoul(digits, NULL, 16);
		return place < engine->n_table && engine->table[place] != NULL &&
				       strcmp(engine->table[place]->id, target) == 0
			       ? engine->table[place]
			       : NULL;
	}
	for (place = 0; place < engine->n_table; place++)
		if (engine->table[place] != NULL &&
			strcmp(engine->table[place]->task, target + n_prefix) == 0)
			return engine->table[place];
	return NULL;
}

static void
take_place(struct quick_engine *engine, struct container *container)
{
	if (engine->n_free == 0) {
		unsigned n = engine->n_table == 0 ? 8 : engine->n_table * 2;

		engine->table = xrealloc(engine->table, n, sizeof *engine->table);
		engine->free_places = xrealloc(engine->free_places, n, sizeof *engine->free_places);
		for (unsigned i = n; i-- > engine->n_table;) {
			engine->table[i] = NULL;
			engine->free_places[engine->n_free++] = i;
		}
		engine->n_table = n;
	}
	container->place = engine->free_places[--engine->n_free];
	engine->table[container->place] = container;
}

/* The text behind "key":" in the body, cut at its end or at size. */
static void
read_text(const char *body, const char *key, char *ret_text, size_t size)
{
	char quoted[64];
	const char *from;
	size_t n;

	(void)snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
	from = strstr(body, quoted);
	ret_text[0] = '\0';
	if (from == NULL)
		return;
	from += strlen(quoted);
	n = strcspn(from, "\"");
	(void)snprintf(ret_text, size, "%.*s", (int)(n < size ? n : size - 1), from);
}

static void
read_image(struct container *container, char *image)
{
	char *rest = NULL;
	struct err err;

	for (char *word = strtok_r(image, "/", &rest); word != NULL;
		word = strtok_r(NULL, "/", &rest)) {
		if (strncmp(word, "exit:", 5) == 0) {
			container->ends = true;
			container->exit_code = (int)strtol(word + 5, NULL, 10);
		} else if (strncmp(word, "after:", 6) == 0) {
			(void)units_parse_duration(word + 6, &container->lives_ms, &err);
		}
	}
}

static struct container *
create(struct quick_engine *engine, const char *body)
{
	struct container *container = xcalloc(1, sizeof *container);
	char image[NAME_SIZE];

	read_text(body, "davit.task", container->task, sizeof container->task);
	read_text(body, "davit.attempt", container->attempt, sizeof container->attempt);
	if (engine->node[0] == '\0') {
		read_text(body, "davit.node", engine->node, sizeof engine->node);
		read_text(body, "davit.cluster", engine->cluster, sizeof engine->cluster);
	}
	read_text(body, "Image", image, sizeof image);
	read_image(container, image);
	container->status = ENGINE_CREATED;
	container->created_ms = engine->now_ms;
	take_place(engine, container);
	give_id(engine, container);
	return container;
}

/* ---- answers and events wait in one queue ---- */

static struct op *
queue(struct quick_engine *engine, const struct engine_call *call, struct container *container,
	int code)
{
	struct op *op = xcalloc(1, sizeof *op);

	op->base.engine = &engine->base;
	op->call = *call;
	op->container = container;
	op->code = code;
	DL_APPEND(engine->waiting, op);
	return op;
}

static void
tell_event(struct quick_engine *engine, struct container *container, const char *action)
{
	static const struct engine_call none = {.kind = ENGINE_CALL_NONE};

	if (engine->watcher != NULL)
		queue(engine, &none, container, 0)->event = action;
}

static void
die(struct quick_engine *engine, struct container *container, int exit_code)
{
	if (container->status != ENGINE_RUNNING && container->status != ENGINE_PAUSED)
		return;
	if (container->ends)
		DL_DELETE(engine->ending, container);
	container->status = ENGINE_EXITED;
	container->exit_code = exit_code;
	container->finished_ms = engine->now_ms;
	engine->n_running--;
	tell_event(engine, container, "die");
}

static void
start(struct quick_engine *engine, struct container *container)
{
	struct container *before;

	if (container->status != ENGINE_CREATED && container->status != ENGINE_EXITED)
		return;
	container->status = ENGINE_RUNNING;
	container->started_ms = engine->now_ms;
	container->finished_ms = 0;
	engine->n_running++;
	tell_event(engine, container, "start");
	if (!container->ends)
		return;
	container->end_ms = engine->now_ms + container->lives_ms;
	/* Most lives are of one length, so its place is at the end, or near. */
	before = engine->ending == NULL ? NULL : engine->ending->prev;
	while (before != NULL && before->end_ms > container->end_ms)
		before = before == engine->ending ? NULL : before->prev;
	if (before == NULL)
		DL_PREPEND(engine->ending, container);
	else
		DL_APPEND_ELEM(engine->ending, before, container);
}

/* Out of the table at once; freed when its last event was told. */
static void
remove_container(struct quick_engine *engine, struct container *container)
{
	die(engine, container, 137);
	engine->table[container->place] = NULL;
	engine->free_places[engine->n_free++] = container->place;
	queue(engine, &(struct engine_call){.kind = ENGINE_CALL_NONE}, container, 0)->event =
		"destroy";
}

/* ---- what is asked ---- */

static void
act(struct quick_engine *engine, const struct engine_call *call, struct container *container)
{
	switch (call->kind) {
	case ENGINE_CALL_START:
		start(engine, container);
		break;
	case ENGINE_CALL_STOP:
		die(engine, container, 143);
		break;
	case ENGINE_CALL_KILL:
		die(engine, container, 137);
		break;
	case ENGINE_CALL_PAUSE:
		container->status = ENGINE_PAUSED;
		break;
	case ENGINE_CALL_UNPAUSE:
		container->status = ENGINE_RUNNING;
		break;
	default:
		break;
	}
}

static struct engine_op *
quick_start(struct engine *base, const struct engine_call *call)
{
	struct quick_engine *engine = (struct quick_engine *)base;
	struct container *container = NULL;
	struct op *op;

	switch (call->kind) {
	case ENGINE_CALL_CREATE:
		container = create(engine, call->text);
		break;
	case ENGINE_CALL_REMOVE:
		container = find(engine, call->target);
		op = queue(engine, call, NULL, 0);
		if (container != NULL)
			remove_container(engine, container);
		return &op->base;
	case ENGINE_CALL_START:
	case ENGINE_CALL_STOP:
	case ENGINE_CALL_KILL:
	case ENGINE_CALL_PAUSE:
	case ENGINE_CALL_UNPAUSE:
	case ENGINE_CALL_INSPECT:
		container = find(engine, call->target);
		if (container == NULL)
			return &queue(engine, call, NULL, -ENOENT)->base;
		act(engine, call, container);
		break;
	case ENGINE_CALL_EVENTS:
		op = xcalloc(1, sizeof *op);
		op->base.engine = base;
		op->call = *call;
		engine->watcher = op;
		return &op->base;
	default:
		break;
	}
	return &queue(engine, call, container, 0)->base;
}

static void
quick_cancel(struct engine_op *base)
{
	struct quick_engine *engine = (struct quick_engine *)base->engine;
	struct op *op = (struct op *)base;

	op->code = -ECANCELED;
	if (op == engine->watcher) {
		engine->watcher = NULL;
		DL_APPEND(engine->waiting, op);
	}
}

/* ---- what is answered ---- */

/* A container as others see it; the texts live as long as this and the container. */
struct view {
	char name[NAME_SIZE];
	struct engine_label labels[LABELS];
};

static void
fill_view(const struct quick_engine *engine, const struct container *container, struct view *view)
{
	(void)snprintf(view->name, sizeof view->name, NAME_PREFIX "%s", container->task);
	view->labels[0] = (struct engine_label){"davit.task", container->task};
	view->labels[1] = (struct engine_label){"davit.attempt", container->attempt};
	view->labels[2] = (struct engine_label){"davit.node", engine->node};
	view->labels[3] = (struct engine_label){"davit.cluster", engine->cluster};
}

static struct engine_container
seen(const struct quick_engine *engine, const struct container *container, struct view *view)
{
	fill_view(engine, container, view);
	return (struct engine_container){.id = container->id,
		.name = view->name,
		.status = container->status,
		.labels = view->labels,
		.n_labels = LABELS,
		.exit_code = container->status == ENGINE_EXITED ? container->exit_code : 0,
		.error = "",
		.created_ms = container->created_ms,
		.started_ms = container->started_ms,
		.finished_ms = container->finished_ms,
		.pid = container->status == ENGINE_RUNNING ? PID : 0,
		.health = "",
		.log_path = "",
		.address = ""};
}

static void
answer_list(const struct quick_engine *engine, const struct op *op, const struct err *err)
{
	struct engine_container *list = xcalloc(engine->n_table + 1, sizeof *list);
	struct view *views = xcalloc(engine->n_table + 1, sizeof *views);
	size_t n = 0;

	for (unsigned i = 0; i < engine->n_table; i++) {
		if (engine->table[i] == NULL)
			continue;
		list[n] = seen(engine, engine->table[i], &views[n]);
		n++;
	}
	op->call.done.list(err, list, n, op->call.arg);
	free(views);
	free(list);
}

static void
answer_about(const struct quick_engine *engine, const struct op *op, const struct err *err)
{
	op->call.done.about(err,
		&(struct engine_about){.id = "quick",
			.version = "quick",
			.api_version = "1.41",
			.os = "linux",
			.arch = "x86_64",
			.kernel = "quick",
			.root_dir = "/",
			.cgroup_driver = "none",
			.cgroup_version = "2",
			.storage_driver = "quick",
			.backing_fs = "",
			.cpu_milli = engine->cpu_milli,
			.memory_bytes = engine->memory_bytes},
		op->call.arg);
}

static void
answer(const struct quick_engine *engine, const struct op *op)
{
	const struct engine_call *call = &op->call;
	struct err err = {0};
	struct engine_container one;
	struct view view;

	if (op->code < 0)
		(void)err_set(&err, op->code, "%s: no such container, or given up",
			engine_call_name(call->kind));
	switch (op->code < 0 ? ENGINE_CALL_NONE : call->kind) {
	case ENGINE_CALL_ABOUT:
		answer_about(engine, op, &err);
		break;
	case ENGINE_CALL_CREATE:
		call->done.id(&err, op->container->id, call->arg);
		break;
	case ENGINE_CALL_INSPECT:
		one = seen(engine, op->container, &view);
		call->done.container(&err, &one, call->arg);
		break;
	case ENGINE_CALL_LIST:
		answer_list(engine, op, &err);
		break;
	case ENGINE_CALL_VOLUME_LIST:
	case ENGINE_CALL_NETWORK_LIST:
	case ENGINE_CALL_IMAGE_LIST:
	case ENGINE_CALL_IMAGE_REMOVE:
	case ENGINE_CALL_IMAGE_PRUNE:
		call->done.json(&err, "[]", 2, call->arg);
		break;
	default:
		engine_call_finish(call, &err);
		break;
	}
}

static void
give(struct quick_engine *engine, struct op *op)
{
	struct container *container = op->container;
	struct view view;

	if (op->event == NULL) {
		answer(engine, op);
		return;
	}
	fill_view(engine, container, &view);
	if (engine->watcher != NULL)
		engine->watcher->call.on.event(&(struct engine_event){.type = "container",
						       .action = op->event,
						       .id = container->id,
						       .attributes = view.labels,
						       .n_attributes = LABELS,
						       .time_ns = engine->now_ms * 1000000},
			engine->watcher->call.arg);
	if (strcmp(op->event, "destroy") == 0)
		free(container);
}

void
quick_engine_run(struct engine *base, uint64_t now_ms)
{
	struct quick_engine *engine = (struct quick_engine *)base;
	struct op *op;

	engine->now_ms = now_ms;
	while (engine->ending != NULL && engine->ending->end_ms <= now_ms)
		die(engine, engine->ending, engine->ending->exit_code);
	while ((op = engine->waiting) != NULL) {
		DL_DELETE(engine->waiting, op);
		give(engine, op);
		free(op);
	}
}

uint64_t
quick_engine_next(const struct engine *base)
{
	const struct quick_engine *engine = (const struct quick_engine *)base;

	if (engine->waiting != NULL)
		return 0;
	return engine->ending == NULL ? UINT64_MAX : engine->ending->end_ms;
}

size_t
quick_engine_n_running(const struct engine *base)
{
	return ((const struct quick_engine *)base)->n_running;
}

static void
keep_id(const struct err *err, const char *id, void *arg)
{
	(void)err;
	(void)snprintf(arg, ENGINE_ID_MAX + 1, "%s", id);
}

static void
pass_over(const struct err *err, void *arg)
{
	(void)err;
	(void)arg;
}

static void
look_over(const struct err *err, const struct engine_container *container, void *arg)
{
	(void)err;
	(void)container;
	(void)arg;
}

void
quick_engine_live(struct engine *engine, const char *body, uint64_t now_ms)
{
	char id[ENGINE_ID_MAX + 1];

	(void)engine_container_create(engine, &(struct engine_creation){.name = "", .body = body},
		keep_id, id);
	quick_engine_run(engine, now_ms);
	(void)engine_container_start(engine, id, pass_over, NULL);
	quick_engine_run(engine, now_ms + 1);
	(void)engine_container_inspect(engine, id, look_over, NULL);
	quick_engine_run(engine, now_ms + 1);
	(void)engine_container_remove(engine, id, pass_over, NULL);
	quick_engine_run(engine, now_ms + 1);
}

static void
quick_resume(struct engine_op *op)
{
	(void)op;
}

static size_t
quick_write(struct engine_op *op, const void *data, size_t size)
{
	(void)op;
	(void)data;
	return size;
}

static void
quick_close(struct engine *base)
{
	struct quick_engine *engine = (struct quick_engine *)base;
	struct op *op;

	if (engine->watcher != NULL)
		quick_cancel(&engine->watcher->base);
	while ((op = engine->waiting) != NULL) {
		DL_DELETE(engine->waiting, op);
		if (op->event == NULL)
			op->code = -ECANCELED;
		give(engine, op);
		free(op);
	}
	for (unsigned i = 0; i < engine->n_table; i++)
		free(engine->table[i]);
	free(engine->table);
	free(engine->free_places);
	free(engine);
}

struct engine *
quick_engine_open(uint64_t cpu_milli, uint64_t memory_bytes)
{
	static const struct engine_ops ops = {.start = quick_start,
		.cancel = quick_cancel,
		.resume = quick_resume,
		.write = quick_write,
		.write_end = quick_resume,
		.close = quick_close};
	struct quick_engine *engine = xcalloc(1, sizeof *engine);

	engine->base.ops = &ops;
	engine->cpu_milli = cpu_milli;
	engine->memory_bytes = memory_bytes;
	return &engine->base;
}
