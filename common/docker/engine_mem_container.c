/* Containers of the engine in memory: birth, life, death, and the host ports between them.
 * tested by tests/unit/test_engine_mem.c */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <utlist.h>

#include "common/base/mem.h"
#include "common/docker/engine_mem_impl.h"

enum { WRITES_MS = 1000 }; /* after its start a container has written what it writes */

CLEANUP_DEFINE(json_t *, json_decref)

static void live(struct engine_mem_world *world, struct mem_due *due);
static void end(struct engine_mem_world *world, struct mem_due *due);

struct mem_container *
engine_mem_container_ref(struct mem_container *container)
{
	container->refs++;
	return container;
}

void
engine_mem_container_unref(struct mem_container *container)
{
	if (container == NULL || --container->refs > 0)
		return;
	for (size_t i = 0; container->lines != NULL && i < ENGINE_MEM_LOG_LINES; i++)
		free(container->lines[i].text);
	free(container->lines);
	engine_mem_behaviour_fini(&container->behaviour);
	free(container->ports);
	free(container->attributes);
	free(container->name);
	free(container->strings);
	free(container);
}

struct mem_container *
engine_mem_container_find(struct engine_mem_world *world, const char *id)
{
	struct mem_container *container;

	HASH_FIND(by_id, world->by_id, id, strlen(id), container);
	if (container == NULL)
		HASH_FIND(by_name, world->by_name, id, strlen(id), container);
	return container;
}

bool
engine_mem_container_matches(const struct mem_container *container, const char *filter)
{
	size_t n_key = strcspn(filter, "=");

	for (size_t i = 0; i < container->n_labels; i++) {
		const struct engine_label *label = &container->attributes[i];

		if (strncmp(label->key, filter, n_key) == 0 && label->key[n_key] == '\0' &&
			(filter[n_key] == '\0' || strcmp(label->value, filter + n_key + 1) == 0))
			return true;
	}
	return false;
}

/* ---- reading what is asked for ---- */

/* Of the body: together they are shorter than its text, which has quotation marks around them. */
static const char *
keep(struct mem_container *container, const char *text)
{
	size_t size = strlen(text) + 1;
	char *kept = memcpy(container->strings + container->n_strings, text, size);

	container->n_strings += size;
	return kept;
}

static void
read_labels(struct mem_container *container, const json_t *body)
{
	json_t *labels = json_object_get(body, "Labels"), *value;
	struct engine_label *at;
	const char *key;

	container->attributes =
		xcalloc(json_object_size(labels) + 3, sizeof *container->attributes);
	at = container->attributes;
	json_object_foreach(labels, key, value)
	{
		const char *text = json_string_value(value);

		*at++ = (struct engine_label){.key = keep(container, key),
			.value = text == NULL ? "" : keep(container, text)};
	}
	container->n_labels = (size_t)(at - container->attributes);
	*at++ = (struct engine_label){.key = "image", .value = container->image};
	*at = (struct engine_label){.key = "name", .value = container->name};
}

static void
read_port(struct mem_container *container, const char *key, const json_t *binding)
{
	const char *text = json_string_value(json_object_get(binding, "HostPort"));
	const char *protocol = strchr(key, '/');
	unsigned long port = text == NULL ? 0 : strtoul(text, NULL, 10);
	struct mem_port *at;

	if (port == 0 || port > UINT16_MAX || container->n_ports >= ENGINE_MEM_PORTS_MAX)
		return; /* the engine would choose one: nobody looks */
	container->ports = xrealloc(container->ports, container->n_ports + 1, sizeof *at);
	at = &container->ports[container->n_ports++];
	(void)snprintf(at->key, sizeof at->key, "%.6s/%lu", protocol == NULL ? "tcp" : protocol + 1,
		port);
}

static void
read_host(struct mem_container *container, const json_t *body)
{
	json_t *host = json_object_get(body, "HostConfig"), *bindings, *binding;
	const char *network = json_string_value(json_object_get(host, "NetworkMode")), *key;
	size_t i;

	container->network = network == NULL ? "default" : keep(container, network);
	json_object_foreach(json_object_get(host, "PortBindings"), key, bindings)
	{
		json_array_foreach(bindings, i, binding)
		{
			read_port(container, key, binding);
		}
	}
}

static void
read_behaviour(struct mem_container *container, const json_t *body)
{
	struct mem_behaviour *behaviour = &container->behaviour;

	for (size_t i = 0; i < container->n_labels; i++)
		if (strcmp(container->attributes[i].key, ENGINE_MEM_LABEL) == 0 &&
			engine_mem_behaviour_words(behaviour, container->attributes[i].value))
			return;
	if (engine_mem_behaviour_words(behaviour, container->image))
		return;
	engine_mem_behaviour_command(behaviour, json_object_get(body, "Entrypoint"),
		json_object_get(body, "Cmd"));
}

/* 64 hexadecimal digits that differ from the others' and come from the seed. */
static void
make_id(struct engine_mem_world *world, char ret_id[ENGINE_ID_MAX + 1])
{
	for (size_t i = 0; i < ENGINE_ID_MAX; i += 16) {
		uint64_t bits = i == 0 ? (engine_mem_random(world) & 0xffffffff00000000) |
						 (++world->n_created & 0xffffffff)
				       : engine_mem_random(world);

		for (size_t digit = 0; digit < 16; digit++, bits >>= 4)
			ret_id[i + digit] = "0123456789abcdef"[bits & 15];
	}
	ret_id[ENGINE_ID_MAX] = '\0';
}

int
engine_mem_container_read(struct engine_mem_world *world, const char *name, const char *text,
	struct mem_container **ret_container, struct err *err)
{
	CLEANUP(engine_mem_container_unref) struct mem_container *container = NULL;
	CLEANUP(json_decref) json_t *body = NULL;
	const char *image;
	json_error_t error;

	container = xcalloc(1, sizeof *container);
	container->refs = 1;
	container->world = world;
	body = json_loads(text, 0, &error);
	if (body == NULL)
		return err_set(err, -EINVAL, "%s", error.text);
	image = json_string_value(json_object_get(body, "Image"));
	if (image == NULL || image[0] == '\0')
		return err_set(err, -EINVAL, "No image specified");
	container->strings = xmalloc(strlen(text) + 1);
	container->image = keep(container, image);
	make_id(world, container->id);
	container->name = xstrdup(name);
	if (name == NULL || name[0] == '\0') {
		free(container->name);
		container->name = xcalloc(1, 32);
		(void)snprintf(container->name, 32, "unnamed_%llu",
			(unsigned long long)world->n_created);
	}
	read_labels(container, body);
	read_host(container, body);
	read_behaviour(container, body);
	container->tty = json_is_true(json_object_get(body, "Tty"));
	container->health = "";
	container->life.run = live;
	container->end.run = end;
	*ret_container = TAKE(container);
	return 0;
}

/* ---- life ---- */

int
engine_mem_container_add(struct mem_container *container, struct err *err)
{
	struct engine_mem_world *world = container->world;
	struct mem_container *other;
	uint64_t pull_ms;

	if (engine_mem_image_kind(container->image, &pull_ms) != MEM_IMAGE_THERE &&
		engine_mem_name_find(world->images, container->image) == NULL)
		return err_set(err, -ENOENT, "No such image: %s", container->image);
	HASH_FIND(by_name, world->by_name, container->name, strlen(container->name), other);
	if (other != NULL)
		return err_set(err, -EEXIST,
			"Conflict. The container name \"/%s\" is already in use by container "
			"\"%s\".",
			container->name, other->id);
	container->status = ENGINE_CREATED;
	container->created_ms = world->now_ms;
	engine_mem_container_ref(container);
	HASH_ADD(by_id, world->by_id, id[0], ENGINE_ID_MAX, container);
	HASH_ADD_KEYPTR(by_name, world->by_name, container->name, strlen(container->name),
		container);
	engine_mem_event(container, "create", -1);
	return 0;
}

bool
engine_mem_has_network(struct engine_mem_world *world, const char *network)
{
	static const char *const always[] = {"default", "bridge", "host", "none"};

	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		if (strcmp(network, always[i]) == 0)
			return true;
	return strncmp(network, "container:", 10) == 0 ||
	       engine_mem_name_find(world->networks, network) != NULL;
}

uint64_t
engine_mem_written(const struct mem_container *container)
{
	bool has = container->started_ms != 0 &&
		   container->world->now_ms >= container->started_ms + WRITES_MS;

	return has ? container->behaviour.writes : 0;
}

bool
engine_mem_container_is_up(const struct mem_container *container)
{
	return container->status == ENGINE_RUNNING || container->status == ENGINE_PAUSED;
}

static int
take_ports(struct mem_container *container, struct err *err)
{
	struct engine_mem_world *world = container->world;

	for (size_t i = 0; i < container->n_ports; i++)
		if (engine_mem_name_find(world->ports, container->ports[i].key) != NULL)
			return err_set(err, -EADDRINUSE,
				"driver failed programming external connectivity on endpoint %s: "
				"Bind for 0.0.0.0:%s failed: port is already allocated",
				container->name, strchr(container->ports[i].key, '/') + 1);
	for (size_t i = 0; i < container->n_ports; i++)
		(void)engine_mem_name_add(&world->ports, container->ports[i].key, container->id);
	return 0;
}

static void
release_ports(struct mem_container *container)
{
	struct engine_mem_world *world = container->world;

	for (size_t i = 0; i < container->n_ports; i++) {
		struct mem_name *port = engine_mem_name_find(world->ports, container->ports[i].key);

		if (port != NULL && strcmp(port->text, container->id) == 0)
			engine_mem_name_drop(&world->ports, port);
	}
}

uint64_t
engine_mem_container_starting_ms(struct mem_container *container)
{
	uint64_t now_ms = container->world->now_ms;

	if (container->start_until_ms <= now_ms)
		container->start_until_ms = now_ms + container->behaviour.slow_ms;
	return container->start_until_ms - now_ms;
}

int
engine_mem_container_start(struct mem_container *container, struct err *err)
{
	struct engine_mem_world *world = container->world;
	int rc;

	if (container->status == ENGINE_RUNNING)
		return 0;
	if (container->status == ENGINE_PAUSED)
		return err_set(err, -EBUSY, "cannot start a paused container, try unpause instead");
	if (container->is_jammed)
		return err_set(err, -EEXIST, "task %s: already exists", container->id);
	if (!engine_mem_has_network(world, container->network))
		return err_set(err, -ENOENT, "network %s not found", container->network);
	if (container->behaviour.bad_command)
		return err_set(err, -EINVAL,
			"failed to create shim task: OCI runtime create failed: exec: \"nosuch\": "
			"stat nosuch: no such file or directory: unknown");
	rc = take_ports(container, err);
	if (rc < 0)
		return rc;
	container->status = ENGINE_RUNNING;
	container->started_ms = world->now_ms;
	container->finished_ms = 0;
	container->exit_code = 0;
	container->oom_killed = false;
	container->n_starts++;
	container->step = 0;
	engine_mem_note_start(container);
	engine_mem_event(container, "start", -1);
	engine_mem_due_in(world, &container->life, 0);
	return 0;
}

/* One step. False: the container has ended, or nothing is to be done for now. */
static bool
live_step(struct mem_container *container, const struct mem_step *step)
{
	switch (step->kind) {
	case MEM_STEP_SLEEP:
		engine_mem_due_in(container->world, &container->life, step->n);
		return false;
	case MEM_STEP_PRINT:
		engine_mem_log_print(container, (enum engine_stream)step->n, step->text);
		return true;
	case MEM_STEP_LINES:
		for (uint64_t i = 1; i <= step->n && i <= ENGINE_MEM_LOG_LINES; i++) {
			char line[32];

			(void)snprintf(line, sizeof line, "line %llu\n", (unsigned long long)i);
			engine_mem_log_print(container, ENGINE_STDOUT, line);
		}
		return true;
	case MEM_STEP_HEALTH:
		container->health = step->n != 0 ? "healthy" : "unhealthy";
		engine_mem_event(container,
			step->n != 0 ? "health_status: healthy" : "health_status: unhealthy", -1);
		return true;
	case MEM_STEP_OOM:
		engine_mem_container_die(container, 128 + SIGKILL, true);
		return false;
	case MEM_STEP_EXIT:
		engine_mem_container_die(container, (int)step->n, false);
		return false;
	case MEM_STEP_FOREVER:
		return false;
	}
	return false;
}

static void
live(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_container *container =
		(struct mem_container *)((char *)due - offsetof(struct mem_container, life));

	(void)world;
	container->is_late = container->status == ENGINE_PAUSED;
	if (container->is_late)
		return;
	while (container->step < container->behaviour.n_steps)
		if (!live_step(container, &container->behaviour.steps[container->step++]))
			return;
	engine_mem_container_die(container, 0, false);
}

int
engine_mem_container_pause(struct mem_container *container, bool pause, struct err *err)
{
	if (!engine_mem_container_is_up(container))
		return err_set(err, -EBUSY, "Container %s is not running", container->id);
	if ((container->status == ENGINE_PAUSED) == pause)
		return 0;
	container->status = pause ? ENGINE_PAUSED : ENGINE_RUNNING;
	engine_mem_event(container, pause ? "pause" : "unpause", -1);
	if (!pause && container->is_late)
		engine_mem_due_in(container->world, &container->life, 0);
	return 0;
}

/* ---- death ---- */

static void
end(struct engine_mem_world *world, struct mem_due *due)
{
	struct mem_container *container =
		(struct mem_container *)((char *)due - offsetof(struct mem_container, end));

	(void)world;
	engine_mem_container_die(container, container->end_code, false);
}

void
engine_mem_container_die(struct mem_container *container, int exit_code, bool oom)
{
	struct engine_mem_world *world = container->world;
	struct mem_op *op, *next;

	if (!engine_mem_container_is_up(container))
		return;
	engine_mem_heap_drop(&world->heap, &container->life);
	engine_mem_heap_drop(&world->heap, &container->end);
	release_ports(container);
	container->status = ENGINE_EXITED;
	container->exit_code = exit_code;
	container->oom_killed = oom;
	container->finished_ms = world->now_ms;
	engine_mem_note_end(container);
	if (oom)
		engine_mem_event(container, "oom", -1);
	engine_mem_event(container, "die", exit_code);
	if (container->stoppers != NULL)
		engine_mem_event(container, "stop", -1);
	DL_FOREACH_SAFE2(container->stoppers, op, next, list_next)
	{
		engine_mem_op_unlisten(op);
		engine_mem_op_answer(op);
	}
	engine_mem_watchers_wake(container);
}

static const struct {
	const char *name;
	int number;
} signals[] = {
	{"HUP", SIGHUP},
	{"INT", SIGINT},
	{"QUIT", SIGQUIT},
	{"KILL", SIGKILL},
	{"USR1", SIGUSR1},
	{"USR2", SIGUSR2},
	{"TERM", SIGTERM},
	{"STOP", SIGSTOP},
	{"CONT", SIGCONT},
};

static int
signal_of(const char *text)
{
	const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (strcmp(name, signals[i].name) == 0)
			return signals[i].number;
	return (int)strtol(text, NULL, 10);
}

int
engine_mem_container_signal(struct mem_container *container, const char *text, struct err *err)
{
	int number = signal_of(text);
	int stop_code = container->behaviour.stop_code;

	if (number <= 0 || number > 64)
		return err_set(err, -EINVAL, "Invalid signal: %s", text);
	if (!engine_mem_container_is_up(container))
		return err_set(err, -EBUSY,
			"Cannot kill container: %s: Container %s is not running", container->name,
			container->id);
	engine_mem_event(container, "kill", number);
	if (number == SIGKILL)
		engine_mem_container_die(container, 128 + number, false);
	else if (!container->behaviour.stubborn &&
		 (number == SIGTERM || number == SIGINT || number == SIGQUIT))
		engine_mem_container_die(container, stop_code != 0 ? stop_code : 128 + number,
			false);
	return 0;
}

void
engine_mem_container_stop(struct mem_container *container, uint64_t grace_ms)
{
	struct engine_mem_world *world = container->world;
	struct mem_due *end_due = &container->end;
	bool stubborn = container->behaviour.stubborn;
	uint64_t in_ms = stubborn ? grace_ms : engine_mem_travel(world);

	engine_mem_event(container, "kill", SIGTERM);
	if (end_due->slot != 0 && end_due->at_ms <= world->now_ms + in_ms)
		return; /* it ends before that */
	container->end_code = stubborn                              ? 128 + SIGKILL
			      : container->behaviour.stop_code != 0 ? container->behaviour.stop_code
								    : 128 + SIGTERM;
	engine_mem_due_in(world, end_due, in_ms);
}

void
engine_mem_container_remove(struct mem_container *container, bool tell)
{
	struct engine_mem_world *world = container->world;

	if (container->gone)
		return;
	if (tell)
		engine_mem_container_die(container, 128 + SIGKILL, false);
	engine_mem_heap_drop(&world->heap, &container->life);
	engine_mem_heap_drop(&world->heap, &container->end);
	if (engine_mem_container_is_up(container)) {
		release_ports(container);
		container->status = ENGINE_DEAD;
		container->finished_ms = world->now_ms;
		engine_mem_note_end(container);
	}
	container->gone = true;
	if (tell)
		engine_mem_event(container, "destroy", -1);
	engine_mem_watchers_wake(container);
	while (container->stoppers != NULL) {
		struct mem_op *op = container->stoppers;

		engine_mem_op_unlisten(op);
		engine_mem_op_answer(op);
	}
	HASH_DELETE(by_id, world->by_id, container);
	HASH_DELETE(by_name, world->by_name, container);
	engine_mem_container_unref(container);
}
