/*
 * The contract of an orchestrator from scratch: tasks with a state that is a number, given
 * flat or inside a TaskEvent, and what the machine is busy with.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "services/gateway/contracts/contracts.h"
#include "services/gateway/contracts/machine_stats.h"
#include "services/gateway/contracts/ports.h"
#include "services/gateway/foreign_json.h"
#include "services/gateway/tasks_walk.h"

enum { MIB = 1 << 20, GIB = 1 << 30, PORT_KEY_SIZE = 24 };

static const double amount_max = 1e6; /* cores, MiB, GiB: what is more is refused by the manager */

static const char *const event_keys[] = {"ID", "State", "Timestamp", "Task", NULL};
static const char *const task_keys[] = {"ID", "Name", "State", "Cpu", "Image", "Memory", "Disk",
	"ExposedPorts", "PortBindings", "RestartPolicy", "StartTime", "ContainerID", "FinishTime",
	NULL};

/* ---- what is told ---- */

static void
print_port(uint32_t number, Davit__Port__Protocol protocol, char key[PORT_KEY_SIZE])
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};

	(void)snprintf(key, PORT_KEY_SIZE, "%u/%s", number, protocols[(unsigned)protocol % 3]);
}

static json_t *
exposed_ports(const Davit__TaskSpec *spec)
{
	json_t *ports = json_object();
	char key[PORT_KEY_SIZE];

	for (size_t i = 0; spec != NULL && i < spec->n_ports; i++) {
		print_port(spec->ports[i]->container_port, spec->ports[i]->protocol, key);
		(void)json_object_set_new(ports, key, json_object());
	}
	return ports;
}

static json_t *
port_bindings(const Davit__Task *task)
{
	json_t *ports = json_object();
	char key[PORT_KEY_SIZE], value[16];

	for (size_t i = 0; i < task->n_ports; i++) {
		print_port(task->ports[i]->container_port, task->ports[i]->protocol, key);
		(void)snprintf(value, sizeof value, "%u", task->ports[i]->host_port);
		(void)json_object_set_new(ports, key, json_string(value));
	}
	return ports;
}

static const char *
restart_name(const Davit__TaskSpec *spec)
{
	static const char *const names[] = {"", "on-failure", "always", "unless-stopped"};

	return spec == NULL || spec->restart == NULL
		       ? ""
		       : names[(unsigned)spec->restart->condition % 4];
}

static json_t *
task_of(const Davit__Task *task)
{
	const Davit__TaskSpec *spec = task->spec;
	char started[FOREIGN_TIME_SIZE], finished[FOREIGN_TIME_SIZE];
	int state = (int)task->state - DAVIT__TASK__STATE__PENDING;

	return json_pack("{s:s,s:s,s:i,s:f,s:s,s:I,s:I,s:o,s:o,s:s,s:s,s:s,s:s}", "ID", task->id,
		"Name", task->name, "State", state, "Cpu",
		(double)(spec == NULL ? 0 : spec->cpu_milli) / 1000, "Image",
		task->image == NULL ? "" : task->image, "Memory",
		(json_int_t)((spec == NULL ? 0 : spec->memory_bytes) / MIB), "Disk",
		(json_int_t)((spec == NULL ? 0 : spec->disk_bytes) / GIB), "ExposedPorts",
		exposed_ports(spec), "PortBindings", port_bindings(task), "RestartPolicy",
		restart_name(spec), "StartTime", foreign_time(task->started_ms, started),
		"ContainerID", task->container_id == NULL ? "" : task->container_id, "FinishTime",
		foreign_time(task->finished_ms, finished));
}

static void
refuse(struct errand *errand, unsigned status, const char *why)
{
	errand_reply_json(errand, status,
		json_pack("{s:i,s:s}", "status", (int)status, "message", why));
}

static unsigned
http_of(Davit__Reply__Status status)
{
	return status == DAVIT__REPLY__STATUS__UNAVAILABLE      ? 503
	       : status == DAVIT__REPLY__STATUS__NOT_FOUND      ? 404
	       : status == DAVIT__REPLY__STATUS__ALREADY_EXISTS ? 409
	       : status == DAVIT__REPLY__STATUS__INTERNAL       ? 500
								: 400;
}

static void
refuse_call(struct errand *errand, const struct rpc_result *result)
{
	refuse(errand, http_of(result->status), result->message);
}

/* ---- POST /tasks ---- */

static int
check_amount(double amount, const char *name, struct err *err)
{
	if (!(amount >= 0 && amount <= amount_max))
		return err_set(err, -EINVAL, "'%s': want 0 to %.0f", name, amount_max);
	return 0;
}

static int
read_task(const json_t *json, Davit__TaskSpec *spec, struct arena *arena, struct err *err)
{
	const char *name, *image, *restart, *stranger = foreign_stranger(json, task_keys);
	const json_t *ports, *bindings;
	int64_t memory, disk;
	double cpu;

	if (stranger != NULL)
		return err_set(err, -EINVAL, "json: unknown field \"%.60s\"", stranger);
	if (foreign_text(json, "name", &name, err) < 0 ||
		foreign_text(json, "image", &image, err) < 0 ||
		foreign_text(json, "restartPolicy", &restart, err) < 0 ||
		foreign_number(json, "cpu", &cpu, err) < 0 ||
		foreign_whole(json, "memory", &memory, err) < 0 ||
		foreign_whole(json, "disk", &disk, err) < 0 ||
		foreign_object(json, "exposedPorts", &ports, err) < 0 ||
		foreign_object(json, "portBindings", &bindings, err) < 0 ||
		check_amount(cpu, "cpu", err) < 0 ||
		check_amount((double)memory, "memory", err) < 0 ||
		check_amount((double)disk, "disk", err) < 0)
		return err->code;
	spec->name = name[0] == '\0' ? NULL : arena_strdup(arena, name);
	spec->image = arena_strdup(arena, image);
	spec->has_cpu_milli = spec->has_memory_bytes = spec->has_disk_bytes = true;
	spec->cpu_milli = (uint64_t)llround(cpu * 1000);
	spec->memory_bytes = (uint64_t)memory * MIB;
	spec->disk_bytes = (uint64_t)disk * GIB;
	spec->has_strategy = true;
	spec->strategy = DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN;
	if (contract_restart_set(restart, spec, arena, err) < 0 ||
		contract_ports_add(ports, spec, arena, err) < 0)
		return err->code;
	return contract_ports_add(bindings, spec, arena, err);
}

/* Flat, as the README has it, or the task inside of an event. */
static int
read_body(const json_t *json, Davit__TaskSpec *spec, struct arena *arena, struct err *err)
{
	const json_t *task = foreign_get(json, "Task");
	const char *stranger = task == NULL ? NULL : foreign_stranger(json, event_keys);

	if (stranger != NULL)
		return err_set(err, -EINVAL, "json: unknown field \"%.60s\"", stranger);
	if (task != NULL && !json_is_object(task))
		return err_set(err, -EINVAL, "'Task': want an object");
	return read_task(task == NULL ? json : task, spec, arena, err);
}

static void
on_created(struct errand *errand, const struct rpc_result *result, const Davit__Task *task,
	void *arg)
{
	(void)arg;
	if (task == NULL)
		refuse_call(errand, result);
	else
		errand_reply_json(errand, 201, task_of(task));
}

static void
on_submitted(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__SubmitTasksReply *reply = (const void *)result->response;

	(void)arg;
	if (reply == NULL)
		refuse_call(errand, result);
	else
		tasks_find(errand, reply->task_ids[0], on_created, NULL);
}

static void
on_submit(struct http_request *request, void *arg)
{
	CLEANUP(foreign_free) json_t *json = NULL;
	Davit__SubmitTasksRequest submit = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct errand *errand = errand_begin(request, arg);
	struct err err = {0};
	size_t size;
	const void *body = http_body(request, &size);

	if (foreign_parse(body, size, &json, &err) < 0 ||
		read_body(json, &spec, errand_arena(errand), &err) < 0) {
		refuse(errand, 400,
			arena_printf(errand_arena(errand), "Failed to decode request body: %s",
				err.text));
		return;
	}
	submit.spec = &spec;
	errand_ask(errand, "SubmitTasks", &submit.base, 0, on_submitted, NULL);
}

/* ---- the others ---- */

static void
on_list(struct http_request *request, void *arg)
{
	struct tasks_filter all = {.state = DAVIT__TASK__STATE__NONE};

	tasks_list(errand_begin(request, arg), &all, task_of, refuse_call);
}

static void
on_found(struct errand *errand, const struct rpc_result *result, const Davit__Task *task, void *arg)
{
	(void)arg;
	if (task == NULL)
		refuse_call(errand, result);
	else
		errand_reply_json(errand, 200, task_of(task));
}

static void
on_get(struct http_request *request, void *arg)
{
	tasks_find(errand_begin(request, arg), http_param(request, 0), on_found, NULL);
}

static void
on_removed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)arg;
	if (result->status == DAVIT__REPLY__STATUS__OK)
		errand_reply(errand, 204, NULL, NULL, 0);
	else
		refuse_call(errand, result);
}

static void
on_delete(struct http_request *request, void *arg)
{
	tasks_remove(errand_begin(request, arg), http_param(request, 0), on_removed, NULL);
}

static void
on_cluster(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__GetClusterReply *reply = (const void *)result->response;
	json_t *stats;

	(void)arg;
	if (reply == NULL) {
		refuse_call(errand, result);
		return;
	}
	stats = machine_stats();
	(void)json_object_set_new(stats, "TaskCount",
		json_integer(reply->stats == NULL ? 0 : reply->stats->tasks_running));
	errand_reply_json(errand, 200, stats);
}

static void
on_stats(struct http_request *request, void *arg)
{
	Davit__GetClusterRequest ask = DAVIT__GET_CLUSTER_REQUEST__INIT;

	errand_ask(errand_begin(request, arg), "GetCluster", &ask.base, 0, on_cluster, NULL);
}

const struct http_route contract_tasks[] = {
	{"POST", "/tasks", on_submit},
	{"POST", "/tasks/", on_submit},
	{"GET", "/tasks", on_list},
	{"GET", "/tasks/", on_list},
	{"GET", "/tasks/{id}", on_get},
	{"DELETE", "/tasks/{id}", on_delete},
	{"GET", "/stats", on_stats},
	{NULL, NULL, NULL},
};
