/*
 * The contract of a small cloud: containers as lightweight virtual machines with a time to
 * live. Its ids are the engine's (64 hex digits); those of Davit are taken, too.
 */
#include <math.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "services/gateway/api.h"
#include "services/gateway/contracts/contracts.h"
#include "services/gateway/foreign_json.h"
#include "services/gateway/launch.h"
#include "services/gateway/tasks_walk.h"

enum { MIB = 1 << 20 };

static const double ttl_max_ms = 10.0 * 365 * 24 * 3600 * 1000;
static const double cpu_max = 10000, memory_max_mib = 1 << 30;

/* What a ContainerInfo says. */
static json_t *
info_of(const Davit__Task *task)
{
	const Davit__TaskSpec *spec = task->spec;
	char created[FOREIGN_TIME_SIZE];
	bool runs = task->state == DAVIT__TASK__STATE__RUNNING;

	return json_pack("{s:s?,s:s,s:s,s:f,s:I,s:s,s:s,s:I}", "ID", task->container_id, "Name",
		task->name, "Image", task->image == NULL ? "" : task->image, "CPU",
		(double)(spec == NULL ? 0 : spec->cpu_milli) / 1000, "MemoryMB",
		(json_int_t)((spec == NULL ? 0 : spec->memory_bytes) / MIB), "CreatedAt",
		foreign_time(task->created_ms, created), "Status", runs ? "Running" : "Pending",
		"TTL", (json_int_t)(spec == NULL ? 0 : spec->ttl_ms) * 1000000);
}

static bool
is_active(const Davit__Task *task)
{
	return task->state == DAVIT__TASK__STATE__RUNNING && task->container_id != NULL;
}

/* ---- POST /provision ---- */

static void
on_launched(struct errand *errand, const struct launch_result *result, void *arg)
{
	(void)arg;
	switch (result->end) {
	case LAUNCH_RUNS:
		errand_reply_json(errand, 200, info_of(result->task));
		return;
	case LAUNCH_NO_ROOM:
		errand_reply_text(errand, 500,
			"Provision failed: no node has enough resources (%s)", result->why);
		return;
	case LAUNCH_REJECTED:
		errand_reply_text(errand, 500, "Provision failed: %s", result->why);
		return;
	case LAUNCH_REFUSED:
		errand_reply_text(errand,
			result->status == DAVIT__REPLY__STATUS__UNAVAILABLE ? 503 : 500,
			"Provision failed: %s", result->why);
		return;
	}
}

static int
read_wish(const json_t *body, Davit__TaskSpec *spec, struct err *err)
{
	const char *name, *image, *ttl;
	double cpu, ttl_ms;
	int64_t memory;

	if (foreign_text(body, "name", &name, err) < 0 ||
		foreign_text(body, "image", &image, err) < 0 ||
		foreign_text(body, "ttl", &ttl, err) < 0 ||
		foreign_number(body, "cpu", &cpu, err) < 0 ||
		foreign_whole(body, "memory", &memory, err) < 0)
		return err->code;
	if (!(cpu >= 0 && cpu <= cpu_max))
		return err_set(err, -EINVAL, "'cpu': want 0 to %.0f cores", cpu_max);
	if (memory < 0 || (double)memory > memory_max_mib)
		return err_set(err, -EINVAL, "'memory': want 0 to %.0f MB", memory_max_mib);
	if (foreign_duration(ttl, &ttl_ms, err) < 0) {
		err->code = -EDOM; /* told in words of its own */
		return err->code;
	}
	spec->name = name[0] == '\0' ? NULL : (char *)(uintptr_t)name;
	spec->image = (char *)(uintptr_t)image;
	spec->has_cpu_milli = spec->has_memory_bytes = spec->has_ttl_ms = true;
	spec->cpu_milli = (uint64_t)llround(cpu * 1000);
	spec->memory_bytes = (uint64_t)memory * MIB;
	spec->ttl_ms = ttl_ms <= 0 ? 0 : (uint64_t)fmin(ttl_ms, ttl_max_ms);
	spec->has_strategy = true;
	spec->strategy = DAVIT__TASK_SPEC__STRATEGY__BEST_FIT;
	return 0;
}

static void
on_provision(struct http_request *request, void *arg)
{
	CLEANUP(foreign_free) json_t *json = NULL;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct errand *errand = errand_begin(request, arg);
	struct err err = {0};
	size_t size;
	const void *body = http_body(request, &size);

	if (foreign_parse(body, size, &json, &err) < 0 || read_wish(json, &spec, &err) < 0)
		errand_reply_text(errand, 400, "%s: %s",
			err.code == -EDOM ? "Invalid TTL format (example: \"10s\", \"5m\")"
					  : "Invalid JSON",
			err.text);
	else
		launch_start(errand, &spec, on_launched, NULL);
}

/* ---- the others ---- */

static json_t *
show(const Davit__Task *task)
{
	return is_active(task) ? info_of(task) : NULL;
}

static void
refuse_list(struct errand *errand, const struct rpc_result *result)
{
	errand_reply_text(errand, 503, "List failed: %s", result->message);
}

static void
on_list(struct http_request *request, void *arg)
{
	struct tasks_filter running = {.state = DAVIT__TASK__STATE__RUNNING};

	tasks_list(errand_begin(request, arg), &running, show, refuse_list);
}

static void
on_found_status(struct errand *errand, const struct rpc_result *result, const Davit__Task *task,
	void *arg)
{
	(void)arg;
	if (result->status == DAVIT__REPLY__STATUS__UNAVAILABLE)
		errand_reply_text(errand, 503, "Status lookup failed: %s", result->message);
	else if (task == NULL || !is_active(task))
		errand_reply_text(errand, 404, "Status lookup failed: container %.128s not found",
			http_param(errand_request(errand), 0));
	else
		errand_reply_json(errand, 200, info_of(task));
}

static void
on_status(struct http_request *request, void *arg)
{
	tasks_find(errand_begin(request, arg), http_param(request, 0), on_found_status, NULL);
}

static void
on_removed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)arg;
	if (result->status == DAVIT__REPLY__STATUS__OK)
		errand_reply_text(errand, 200, "Container terminated");
	else if (result->status == DAVIT__REPLY__STATUS__NOT_FOUND)
		errand_reply_text(errand, 500, "Terminate failed: container not found");
	else if (result->status == DAVIT__REPLY__STATUS__UNAVAILABLE)
		errand_reply_text(errand, 503, "Terminate failed: %s", result->message);
	else
		errand_reply_text(errand, 500, "Terminate failed: %s", result->message);
}

static void
on_terminate(struct http_request *request, void *arg)
{
	tasks_remove(errand_begin(request, arg), http_param(request, 0), on_removed, NULL);
}

static void
on_no_id(struct http_request *request, void *arg)
{
	errand_reply_text(errand_begin(request, arg), 400, "Missing container ID");
}

static void
on_wrong_method(struct http_request *request, void *arg)
{
	const char *path = http_path(request);

	http_reply_header(request, "Allow",
		path[1] == 'p' || path[1] == 't' ? "POST" : "GET, HEAD");
	errand_reply_text(errand_begin(request, arg), 405, "Method not allowed");
}

const struct http_route contract_provision[] = {
	{"POST", "/provision", on_provision},
	{"*", "/provision", on_wrong_method},
	{"POST", "/terminate/{id}", on_terminate},
	{"POST", "/terminate", on_no_id},
	{"POST", "/terminate/", on_no_id},
	{"POST", "/terminate/{id*}", on_terminate},
	{"*", "/terminate/{id*}", on_wrong_method},
	{"GET", "/status/{id}", on_status},
	{"GET", "/status", on_no_id},
	{"GET", "/status/", on_no_id},
	{"GET", "/status/{id*}", on_status},
	{"*", "/status/{id*}", on_wrong_method},
	{"GET", "/list", on_list},
	{"*", "/list", on_wrong_method},
	{NULL, NULL, NULL},
};
