/*
 * The contract of a container tool: create and start, list what runs with its figures, stop,
 * remove. Its ids are the engine's, Davit's or names.
 */
#include <errno.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/units.h"
#include "services/gateway/contracts/contracts.h"
#include "services/gateway/contracts/ports.h"
#include "services/gateway/foreign_json.h"
#include "services/gateway/launch.h"
#include "services/gateway/task_chain.h"

static const char *
health_of(const Davit__Task *task)
{
	return task->phase == DAVIT__TASK__PHASE__HEALTHY     ? "healthy"
	       : task->phase == DAVIT__TASK__PHASE__UNHEALTHY ? "unhealthy"
							      : "";
}

static json_t *
container_of(const Davit__Task *task, const char *status)
{
	const Davit__TaskSample *last = task->usage == NULL ? NULL : task->usage->last;
	char created[FOREIGN_TIME_SIZE];

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:I,s:i}", "id",
		task->container_id == NULL ? task->id : task->container_id, "name", task->name,
		"image", task->image == NULL ? "" : task->image, "status", status, "created_at",
		foreign_time(task->created_ms, created), "health", health_of(task), "cpu_usage",
		last == NULL ? 0.0 : (double)last->cpu_milli / 10, "memory_usage",
		(json_int_t)(last == NULL ? 0 : last->memory_bytes), "restart_count",
		(int)task->restart_count);
}

static unsigned
http_of(Davit__Reply__Status status)
{
	return status == DAVIT__REPLY__STATUS__UNAVAILABLE        ? 503
	       : status == DAVIT__REPLY__STATUS__NOT_FOUND        ? 404
	       : status == DAVIT__REPLY__STATUS__ALREADY_EXISTS   ? 409
	       : status == DAVIT__REPLY__STATUS__INVALID_ARGUMENT ? 400
								  : 500;
}

/* ---- POST /containers ---- */

static int
read_env(const json_t *object, Davit__TaskSpec *spec, struct arena *arena, struct err *err)
{
	json_t *all = (json_t *)(uintptr_t)object, *value;
	const char *key;

	spec->env = arena_array(arena, json_object_size(object), sizeof *spec->env);
	json_object_foreach(all, key, value)
	{
		Davit__StringEntry *entry = arena_alloc(arena, sizeof *entry);

		davit__string_entry__init(entry);
		if (!json_is_string(value))
			return err_set(err, -EINVAL, "'env.%.60s': want a string", key);
		entry->key = arena_strdup(arena, key);
		entry->value = arena_strdup(arena, json_string_value(value));
		spec->env[spec->n_env++] = entry;
	}
	return 0;
}

static int
read_body(const json_t *json, Davit__TaskSpec *spec, struct arena *arena, struct err *err)
{
	const json_t *env, *ports;
	const char *name, *image;

	if (foreign_text(json, "name", &name, err) < 0 ||
		foreign_text(json, "image", &image, err) < 0 ||
		foreign_object(json, "env", &env, err) < 0 ||
		foreign_object(json, "ports", &ports, err) < 0 ||
		read_env(env, spec, arena, err) < 0 ||
		contract_ports_add(ports, spec, arena, err) < 0)
		return err->code;
	spec->name = name[0] == '\0' ? NULL : arena_strdup(arena, name);
	spec->image = arena_strdup(arena, image);
	return contract_restart_set("unless-stopped", spec, arena, err);
}

static void
on_launched(struct errand *errand, const struct launch_result *result, void *arg)
{
	(void)arg;
	if (result->end == LAUNCH_RUNS)
		errand_reply_json(errand, 200, container_of(result->task, "running"));
	else
		errand_reply_text(errand,
			result->end == LAUNCH_REFUSED ? http_of(result->status) : 500, "%s",
			result->why);
}

static void
on_create(struct http_request *request, void *arg)
{
	CLEANUP(foreign_free) json_t *json = NULL;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct errand *errand = errand_begin(request, arg);
	struct err err = {0};
	size_t size;
	const void *body = http_body(request, &size);

	if (foreign_parse(body, size, &json, &err) < 0 ||
		read_body(json, &spec, errand_arena(errand), &err) < 0)
		errand_reply_text(errand, 400, "%s", err.text);
	else
		launch_start(errand, &spec, on_launched, NULL);
}

/* ---- GET /containers ---- */

static json_t *
show(const Davit__Task *task)
{
	uint64_t now_ms = clock_wall_ms(), since_ms = task->started_ms;
	char text[UNITS_TEXT_SIZE], status[UNITS_TEXT_SIZE + 8];

	(void)snprintf(status, sizeof status, "Up %s",
		units_format_duration(now_ms > since_ms ? now_ms - since_ms : 0, text));
	return container_of(task, status);
}

static void
refuse(struct errand *errand, const struct rpc_result *result)
{
	errand_reply_text(errand, http_of(result->status), "%s", result->message);
}

static void
on_list(struct http_request *request, void *arg)
{
	struct tasks_filter running = {.state = DAVIT__TASK__STATE__RUNNING};

	tasks_list(errand_begin(request, arg), &running, show, refuse);
}

/* ---- one of them: by its id or the id of one whose place it took ---- */

static void
on_done(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)arg;
	if (result->status == DAVIT__REPLY__STATUS__OK)
		errand_reply(errand, 204, NULL, NULL, 0);
	else
		refuse(errand, result);
}

/* Whatever the wait came to: what was asked for was taken. */
static void
on_ended(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)result;
	(void)arg;
	errand_reply(errand, 204, NULL, NULL, 0);
}

/* As in the original, the answer says that it no longer runs. arg: its id. */
static void
on_told(struct errand *errand, const struct rpc_result *result, void *arg)
{
	if (result->status == DAVIT__REPLY__STATUS__OK)
		tasks_await_end(errand, arg, on_ended, NULL);
	else
		refuse(errand, result);
}

static void
on_found_to_stop(struct errand *errand, const struct rpc_result *result,
	const struct task_chain *chain, void *arg)
{
	Davit__StopTasksRequest ask = DAVIT__STOP_TASKS_REQUEST__INIT;
	char *id;

	(void)arg;
	if (chain->latest == NULL) {
		refuse(errand, result);
		return;
	}
	id = arena_strdup(errand_arena(errand), chain->latest->id);
	ask.tasks = &id;
	ask.n_tasks = 1;
	errand_ask(errand, "StopTasks", &ask.base, 0, on_told, id);
}

static void
on_stop(struct http_request *request, void *arg)
{
	task_chain_find(errand_begin(request, arg), http_param(request, 0), on_found_to_stop, NULL);
}

/* With those before it, of which only the records are left. */
static void
on_found_to_remove(struct errand *errand, const struct rpc_result *result,
	const struct task_chain *chain, void *arg)
{
	Davit__RemoveTasksRequest ask = DAVIT__REMOVE_TASKS_REQUEST__INIT;

	(void)arg;
	if (chain->latest == NULL) {
		refuse(errand, result);
		return;
	}
	ask.tasks = (char **)(uintptr_t)chain->ids;
	ask.n_tasks = chain->n_ids;
	ask.has_force = ask.force = true;
	errand_ask(errand, "RemoveTasks", &ask.base, 0, on_told,
		arena_strdup(errand_arena(errand), chain->latest->id));
}

static void
on_remove(struct http_request *request, void *arg)
{
	task_chain_find(errand_begin(request, arg), http_param(request, 0), on_found_to_remove,
		NULL);
}

static void
on_started(struct errand *errand, const struct launch_result *result, void *arg)
{
	(void)arg;
	if (result->end == LAUNCH_RUNS)
		errand_reply(errand, 204, NULL, NULL, 0);
	else
		errand_reply_text(errand,
			result->end == LAUNCH_REFUSED ? http_of(result->status) : 500, "%s",
			result->why);
}

static void
on_found_to_start(struct errand *errand, const struct rpc_result *result,
	const struct task_chain *chain, void *arg)
{
	const Davit__Task *task = chain->latest;
	Davit__StartTasksRequest ask = DAVIT__START_TASKS_REQUEST__INIT;

	if (task == NULL) {
		refuse(errand, result);
	} else if (task->state == DAVIT__TASK__STATE__COMPLETED ||
		   task->state == DAVIT__TASK__STATE__FAILED) {
		task_chain_start(errand, task, on_started, arg);
	} else {
		ask.tasks = (char **)(uintptr_t)&task->id;
		ask.n_tasks = 1;
		errand_ask(errand, "StartTasks", &ask.base, 0, on_done, arg);
	}
}

static void
on_start(struct http_request *request, void *arg)
{
	task_chain_find(errand_begin(request, arg), http_param(request, 0), on_found_to_start,
		NULL);
}

const struct http_route contract_containers[] = {
	{"POST", "/containers", on_create},
	{"GET", "/containers", on_list},
	{"POST", "/containers/{id}", on_stop},
	{"POST", "/containers/{id}/start", on_start},
	{"DELETE", "/containers/{id}", on_remove},
	{NULL, NULL, NULL},
};
