/* A pod as JSON, and as tasks. */
#include <stdio.h>
#include <string.h>

#include "services/gateway/contracts/pods.h"
#include "services/gateway/contracts/ports.h"
#include "services/gateway/foreign_json.h"

/* ---- from JSON ---- */

struct reader {
	struct arena *arena;
	struct pods_check *check;
	char field[128]; /* of what is read just now: "spec.containers[0]" */
};

static void
complain(struct reader *reader, const char *name, const char *why)
{
	char field[256];

	(void)snprintf(field, sizeof field, "%s%s%s", reader->field,
		reader->field[0] != '\0' && name[0] != '\0' ? "." : "", name);
	pods_check_add(reader->check, field, why);
}

static const char *
read_text(struct reader *reader, const json_t *object, const char *key)
{
	const char *text;
	struct err err;

	if (object != NULL && foreign_text(object, key, &text, &err) == 0)
		return text;
	if (object != NULL)
		complain(reader, key, "must be a string");
	return "";
}

static const json_t *
read_object(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *found = object == NULL ? NULL : foreign_get(object, key);

	if (found == NULL || json_is_object(found))
		return found;
	complain(reader, key, "must be an object");
	return NULL;
}

static int64_t
read_whole(struct reader *reader, const json_t *object, const char *key, int64_t most)
{
	const json_t *found = foreign_get(object, key);
	int64_t number = json_integer_value(found);

	if (found != NULL && (!json_is_integer(found) || number < 0 || number > most)) {
		complain(reader, key, "is no number in its range");
		return 0;
	}
	return number;
}

static void
add_entry(Davit__StringEntry **list, size_t *n, struct arena *arena, const char *key,
	const char *value)
{
	Davit__StringEntry *entry = arena_alloc(arena, sizeof *entry);

	davit__string_entry__init(entry);
	entry->key = arena_strdup(arena, key);
	entry->value = arena_strdup(arena, value);
	list[(*n)++] = entry;
}

static void
read_env(struct reader *reader, const json_t *container, Davit__TaskSpec *spec)
{
	const json_t *list = foreign_get(container, "env");

	if (list != NULL && !json_is_array(list))
		complain(reader, "env", "must be a list");
	spec->env = arena_array(reader->arena, json_array_size(list), sizeof *spec->env);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (!json_is_object(item) || read_text(reader, item, "name")[0] == '\0')
			complain(reader, "env", "each has a name");
		else
			add_entry(spec->env, &spec->n_env, reader->arena,
				read_text(reader, item, "name"), read_text(reader, item, "value"));
	}
}

static void
read_port(struct reader *reader, const json_t *item, Davit__Port *port)
{
	const char *protocol = read_text(reader, item, "protocol");

	port->container_port = (uint32_t)read_whole(reader, item, "containerPort", 65535);
	if (port->container_port == 0)
		complain(reader, "ports", "containerPort must be between 1 and 65535");
	port->has_protocol = true;
	if (strcmp(protocol, "UDP") == 0)
		port->protocol = DAVIT__PORT__PROTOCOL__UDP;
	else if (strcmp(protocol, "SCTP") == 0)
		port->protocol = DAVIT__PORT__PROTOCOL__SCTP;
	else if (protocol[0] != '\0' && strcmp(protocol, "TCP") != 0)
		complain(reader, "ports", "protocol must be TCP, UDP or SCTP");
}

static void
read_ports(struct reader *reader, const json_t *container, Davit__TaskSpec *spec)
{
	const json_t *list = foreign_get(container, "ports");

	if (list != NULL && !json_is_array(list))
		complain(reader, "ports", "must be a list");
	spec->ports = arena_array(reader->arena, json_array_size(list), sizeof *spec->ports);
	for (size_t i = 0; i < json_array_size(list); i++) {
		Davit__Port *port = arena_alloc(reader->arena, sizeof *port);

		davit__port__init(port);
		read_port(reader, json_array_get(list, i), port);
		spec->ports[spec->n_ports++] = port;
	}
}

/* What is reserved is also the limit: the limit where one is given, else the request. */
static void
read_resources(struct reader *reader, const json_t *container, Davit__TaskSpec *spec)
{
	static const char *const kinds[] = {"requests", "limits"};
	const json_t *resources = read_object(reader, container, "resources");

	for (size_t i = 0; resources != NULL && i < 2; i++) {
		const json_t *amounts = read_object(reader, resources, kinds[i]);
		const char *cpu = read_text(reader, amounts, "cpu");
		const char *memory = read_text(reader, amounts, "memory");

		if (cpu[0] != '\0' && !pods_parse_cpu(cpu, &spec->cpu_milli))
			complain(reader, "resources", "cpu must be like 500m or 0.5");
		if (memory[0] != '\0' && !pods_parse_memory(memory, &spec->memory_bytes))
			complain(reader, "resources", "memory must be like 64Mi or 1G");
	}
	spec->has_cpu_milli = spec->has_memory_bytes = true;
}

/* A task has one check: who is ready says so, else who lives. */
static void
read_probe(struct reader *reader, const json_t *container, Davit__TaskSpec *spec)
{
	const json_t *ready = read_object(reader, container, "readinessProbe");
	const json_t *probe =
		ready != NULL ? ready : read_object(reader, container, "livenessProbe");
	const json_t *http = read_object(reader, probe, "httpGet");
	const json_t *tcp = read_object(reader, probe, "tcpSocket");
	const json_t *exec = read_object(reader, probe, "exec"), *words;
	Davit__Healthcheck *check;

	if (probe == NULL)
		return;
	check = spec->healthcheck = arena_alloc(reader->arena, sizeof *check);
	davit__healthcheck__init(check);
	if (http != NULL) {
		const char *path = read_text(reader, http, "path");

		check->http_get = arena_printf(reader->arena, "http://:%u%s%s",
			(unsigned)read_whole(reader, http, "port", 65535),
			path[0] == '/' ? "" : "/", path);
	} else if (tcp != NULL) {
		check->has_tcp_port = true;
		check->tcp_port = (uint32_t)read_whole(reader, tcp, "port", 65535);
	} else if (exec != NULL) {
		words = foreign_get(exec, "command");
		check->command = arena_array(reader->arena, json_array_size(words), sizeof(char *));
		for (size_t i = 0; i < json_array_size(words); i++)
			check->command[check->n_command++] = arena_strdup(reader->arena,
				json_is_string(json_array_get(words, i))
					? json_string_value(json_array_get(words, i))
					: "");
	}
	check->has_interval_ms = check->has_timeout_ms = check->has_start_period_ms = true;
	check->interval_ms = (uint64_t)read_whole(reader, probe, "periodSeconds", 86400) * 1000;
	check->timeout_ms = (uint64_t)read_whole(reader, probe, "timeoutSeconds", 86400) * 1000;
	check->start_period_ms =
		(uint64_t)read_whole(reader, probe, "initialDelaySeconds", 86400) * 1000;
	check->interval_ms = check->interval_ms == 0 ? 10000 : check->interval_ms;
	check->timeout_ms = check->timeout_ms == 0 ? 1000 : check->timeout_ms;
	check->has_retries = true;
	check->retries = (uint32_t)read_whole(reader, probe, "failureThreshold", 1000);
	check->retries = check->retries == 0 ? 3 : check->retries;
}

static void
read_restart(struct reader *reader, const json_t *pod, Davit__TaskSpec *spec)
{
	static const char *const names[][2] = {{"Always", "always"}, {"OnFailure", "on-failure"},
		{"Never", "no"}};
	const char *name = read_text(reader, pod, "restartPolicy");
	struct err err;

	name = name[0] == '\0' ? "Always" : name;
	for (size_t i = 0; i < 3; i++)
		if (strcmp(names[i][0], name) == 0 &&
			contract_restart_set(names[i][1], spec, reader->arena, &err) == 0)
			return;
	complain(reader, "restartPolicy", "must be Always, OnFailure or Never");
}

static void
read_placement(struct reader *reader, const json_t *pod, Davit__TaskSpec *spec)
{
	json_t *selector = (json_t *)(uintptr_t)read_object(reader, pod, "nodeSelector"), *value;
	const char *node = read_text(reader, pod, "nodeName"), *key;

	spec->constraints = arena_array(reader->arena, json_object_size(selector) + 1,
		sizeof *spec->constraints);
	json_object_foreach(selector, key, value)
	{
		if (!json_is_string(value))
			complain(reader, "nodeSelector", "values must be strings");
		else
			spec->constraints[spec->n_constraints++] = arena_printf(reader->arena,
				"node.labels.%s == %s", key, json_string_value(value));
	}
	if (node[0] != '\0')
		spec->constraints[spec->n_constraints++] =
			arena_printf(reader->arena, "node.name == %s", node);
	spec->has_strategy = true;
	spec->strategy = DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE;
}

/* The user's own, and ours; those of one pod stay together. */
static void
add_labels(struct reader *reader, const json_t *labels, const char *pod, const char *container,
	const char *spec_text, Davit__TaskSpec *spec)
{
	json_t *all = (json_t *)(uintptr_t)labels, *value;
	const char *key;

	spec->labels =
		arena_array(reader->arena, json_object_size(labels) + 3, sizeof *spec->labels);
	json_object_foreach(all, key, value)
	{
		if (json_is_string(value))
			add_entry(spec->labels, &spec->n_labels, reader->arena, key,
				json_string_value(value));
		else
			complain(reader, "metadata.labels", "values must be strings");
	}
	add_entry(spec->labels, &spec->n_labels, reader->arena, POD_LABEL, pod);
	add_entry(spec->labels, &spec->n_labels, reader->arena, POD_CONTAINER_LABEL, container);
	if (spec_text != NULL)
		add_entry(spec->labels, &spec->n_labels, reader->arena, POD_SPEC_LABEL, spec_text);
}

static void
stay_together(struct reader *reader, const char *pod, Davit__TaskSpec *spec)
{
	Davit__Affinity *affinity = arena_alloc(reader->arena, sizeof *affinity);

	davit__affinity__init(affinity);
	affinity->label = arena_printf(reader->arena, POD_LABEL "=%s", pod);
	spec->affinities = arena_alloc(reader->arena, sizeof *spec->affinities);
	spec->affinities[0] = affinity;
	spec->n_affinities = 1;
}

static Davit__TaskSpec *
read_container(struct reader *reader, const json_t *container, const char *name)
{
	Davit__TaskSpec *spec = arena_alloc(reader->arena, sizeof *spec);
	const char *image = read_text(reader, container, "image");

	davit__task_spec__init(spec);
	spec->name = arena_strdup(reader->arena, name);
	spec->image = arena_strdup(reader->arena, image);
	if (image[0] == '\0')
		complain(reader, "image", "image is required");
	read_env(reader, container, spec);
	read_ports(reader, container, spec);
	read_resources(reader, container, spec);
	read_probe(reader, container, spec);
	return spec;
}

/* NULL: too large. */
static char *
spec_text_of(struct reader *reader, const json_t *spec)
{
	char *text = json_dumps(spec, JSON_COMPACT), *copy = NULL;

	if (text != NULL && strlen(text) <= PODS_SPEC_MAX)
		copy = arena_strdup(reader->arena, text);
	else
		complain(reader, "", "at most 16,000 bytes (PODS_SPEC_MAX)");
	free(text);
	return copy;
}

void
pods_read(const json_t *body, const char *namespace_name, const char *name,
	struct pods_specs *ret_specs, struct pods_check *check, struct arena *arena)
{
	struct reader reader = {.arena = arena, .check = check};
	const json_t *metadata = read_object(&reader, body, "metadata");
	const json_t *pod = read_object(&reader, body, "spec");
	const json_t *list = pod == NULL ? NULL : foreign_get(pod, "containers");
	const json_t *labels = read_object(&reader, metadata, "labels");
	size_t n = json_array_size(list);
	char *spec_text;

	*ret_specs = (struct pods_specs){.n = 0};
	pods_check_name(check, "metadata.name", name);
	(void)snprintf(reader.field, sizeof reader.field, "spec");
	if (n == 0 || n > PODS_CONTAINERS_MAX) {
		complain(&reader, "containers",
			n == 0 ? "at least one container is required"
			       : "at most 32 containers (PODS_CONTAINERS_MAX)");
		return;
	}
	spec_text = spec_text_of(&reader, pod);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *container = json_is_object(item) ? item : NULL;
		const char *own;
		Davit__TaskSpec *spec;

		(void)snprintf(reader.field, sizeof reader.field, "spec.containers[%zu]", i);
		own = read_text(&reader, container, "name");
		pods_check_name(check, arena_printf(arena, "%s.name", reader.field), own);
		spec = read_container(&reader, container,
			n == 1 ? name : arena_printf(arena, "%s.%s", name, own));
		spec->namespace_ = arena_strdup(arena, namespace_name);
		(void)snprintf(reader.field, sizeof reader.field, "spec");
		read_restart(&reader, pod, spec);
		read_placement(&reader, pod, spec);
		reader.field[0] = '\0';
		add_labels(&reader, labels, name, own, i == 0 ? spec_text : NULL, spec);
		if (n > 1)
			stay_together(&reader, name, spec);
		ret_specs->items[ret_specs->n++] = spec;
	}
}

/* ---- to JSON ---- */

static const char *
label_of(const Davit__Task *task, const char *key)
{
	for (size_t i = 0; task->spec != NULL && i < task->spec->n_labels; i++)
		if (strcmp(task->spec->labels[i]->key, key) == 0)
			return task->spec->labels[i]->value;
	return NULL;
}

static json_t *
time_json(uint64_t ms)
{
	char text[FOREIGN_TIME_SIZE];

	return json_string(foreign_time(ms, text));
}

/* Of a task that no pod was asked for. */
static json_t *
spec_of_task(const Davit__Task *task)
{
	json_t *ports = json_array(), *container;

	for (size_t i = 0; task->spec != NULL && i < task->spec->n_ports; i++)
		(void)json_array_append_new(ports,
			json_pack("{s:i}", "containerPort",
				(int)task->spec->ports[i]->container_port));
	container = json_pack("{s:s,s:s,s:o}", "name", task->name, "image",
		task->image == NULL ? "" : task->image, "ports", ports);
	if (task->spec != NULL && (task->spec->cpu_milli > 0 || task->spec->memory_bytes > 0)) {
		char cpu[32], memory[32];

		(void)snprintf(cpu, sizeof cpu, "%llum", (unsigned long long)task->spec->cpu_milli);
		(void)snprintf(memory, sizeof memory, "%llu",
			(unsigned long long)task->spec->memory_bytes);
		(void)json_object_set_new(container, "resources",
			json_pack("{s:{s:s,s:s}}", "requests", "cpu", cpu, "memory", memory));
	}
	return json_pack("{s:[o]}", "containers", container);
}

static json_t *
labels_of(const Davit__Task *task)
{
	json_t *labels = json_object();

	for (size_t i = 0; task->spec != NULL && i < task->spec->n_labels; i++)
		if (strncmp(task->spec->labels[i]->key, "davit-", 6) != 0)
			(void)json_object_set_new(labels, task->spec->labels[i]->key,
				json_string(task->spec->labels[i]->value == NULL
						    ? ""
						    : task->spec->labels[i]->value));
	return labels;
}

static uint64_t
updated_ms(const Davit__Task *task)
{
	return task->finished_ms > 0    ? task->finished_ms
	       : task->started_ms > 0   ? task->started_ms
	       : task->scheduled_ms > 0 ? task->scheduled_ms
					: task->created_ms;
}

static json_t *
new_pod(const Davit__Task *task, const char *name)
{
	return json_pack("{s:s,s:s,s:{s:s,s:s,s:o,s:s,s:o,s:o},s:{},s:{s:[]}}", "apiVersion", "v1",
		"kind", "Pod", "metadata", "name", name, "namespace", task->namespace_, "labels",
		labels_of(task), "uid", task->id, "createdAt", time_json(task->created_ms),
		"updatedAt", time_json(updated_ms(task)), "spec", "status", "containerStatuses");
}

static json_t *
container_state(const Davit__Task *task)
{
	const char *message = task->message == NULL ? "" : task->message;

	if (task->state == DAVIT__TASK__STATE__RUNNING &&
		task->phase != DAVIT__TASK__PHASE__UNREACHABLE)
		return json_pack("{s:{s:o}}", "running", "startedAt", time_json(task->started_ms));
	if (task->state < DAVIT__TASK__STATE__COMPLETED)
		return json_pack("{s:{s:s,s:s}}", "waiting", "reason",
			task->phase == DAVIT__TASK__PHASE__UNREACHABLE ? "ContainerStatusUnknown"
								       : "ContainerCreating",
			"message", message);
	return json_pack("{s:{s:i,s:s,s:s,s:o,s:o}}", "terminated", "exitCode",
		(int)task->exit_code, "reason",
		task->state == DAVIT__TASK__STATE__COMPLETED ? "Completed" : "Error", "message",
		message, "startedAt", time_json(task->started_ms), "finishedAt",
		time_json(task->finished_ms));
}

static json_t *
container_status(const Davit__Task *task, const char *name)
{
	bool waits_for_check = task->spec != NULL && task->spec->healthcheck != NULL;
	bool is_ready = task->state == DAVIT__TASK__STATE__RUNNING &&
			task->phase != DAVIT__TASK__PHASE__UNREACHABLE &&
			(!waits_for_check || task->phase == DAVIT__TASK__PHASE__HEALTHY);
	json_t *ports = json_array();

	for (size_t i = 0; i < task->n_ports; i++)
		(void)json_array_append_new(ports,
			json_pack("{s:i,s:i}", "containerPort", (int)task->ports[i]->container_port,
				"hostPort", (int)task->ports[i]->host_port));
	return json_pack("{s:s,s:b,s:i,s:s,s:s,s:s,s:o,s:o}", "name", name, "ready", is_ready,
		"restartCount", (int)task->restart_count, "image",
		task->image == NULL ? "" : task->image, "imageID", "", "containerID",
		task->container_id == NULL ? "" : task->container_id, "ports", ports, "state",
		container_state(task));
}

/* The task's state, for the phase of the pod: an object that pods_finish takes away again. */
static void
note_state(json_t *status, const Davit__Task *task)
{
	static const char *const keys[] = {"", "pending", "scheduled", "running", "completed",
		"failed"};
	json_t *states = json_object_get(status, "states");
	const char *key = keys[(unsigned)task->state < 6 ? task->state : 0];

	if (states == NULL) {
		states = json_object();
		(void)json_object_set_new(status, "states", states);
	}
	(void)json_object_set_new(states, key,
		json_integer(json_integer_value(json_object_get(states, key)) + 1));
	if (task->state == DAVIT__TASK__STATE__PENDING && task->message != NULL)
		(void)json_object_set_new(states, "why", json_string(task->message));
}

void
pods_add(json_t *pods, const Davit__Task *task)
{
	const char *name = label_of(task, POD_LABEL),
		   *container = label_of(task, POD_CONTAINER_LABEL);
	const char *text = label_of(task, POD_SPEC_LABEL);
	char key[512];
	json_t *pod, *spec, *status;

	/* One that goes, or in whose place another one is, is not the pod any more. */
	if (task->desired == DAVIT__TASK__DESIRED__REMOVE || task->replaced_by != NULL)
		return;
	(void)snprintf(key, sizeof key, "%s/%s", task->namespace_, name == NULL ? task->id : name);
	pod = json_object_get(pods, key);
	if (pod == NULL) {
		pod = new_pod(task, name == NULL ? task->name : name);
		(void)json_object_set_new(pods, key, pod);
	}
	spec = json_object_get(pod, "spec");
	status = json_object_get(pod, "status");
	if (text != NULL || name == NULL) {
		json_t *said = name == NULL ? spec_of_task(task) : json_loads(text, 0, NULL);

		(void)json_object_update_missing(spec, said);
		json_decref(said);
	}
	if (task->node_name != NULL)
		(void)json_object_set_new(spec, "nodeName", json_string(task->node_name));
	if (task->started_ms > 0)
		(void)json_object_set_new(status, "startTime", time_json(task->started_ms));
	(void)json_array_append_new(json_object_get(status, "containerStatuses"),
		container_status(task, container == NULL ? task->name : container));
	note_state(status, task);
}

static json_t *
condition(const char *type, bool holds, const char *reason, const char *message)
{
	return json_pack("{s:s,s:s,s:s,s:s}", "type", type, "status", holds ? "True" : "False",
		"reason", reason, "message", message);
}

static void
finish(json_t *pod)
{
	json_t *status = json_object_get(pod, "status"), *conditions = json_array();
	json_t *states = json_object_get(status, "states"), *metadata, *ready;
	size_t n = json_array_size(json_object_get(status, "containerStatuses")), n_ready = 0;
	json_int_t n_pending = json_integer_value(json_object_get(states, "pending"));
	json_int_t n_running = json_integer_value(json_object_get(states, "running"));
	json_int_t n_completed = json_integer_value(json_object_get(states, "completed"));
	json_int_t n_failed = json_integer_value(json_object_get(states, "failed"));
	const char *why = json_string_value(json_object_get(states, "why"));
	char assigned[600];

	for (size_t i = 0; i < n; i++) {
		ready = json_object_get(
			json_array_get(json_object_get(status, "containerStatuses"), i), "ready");
		n_ready += json_is_true(ready);
	}
	metadata = json_object_get(pod, "metadata");
	(void)snprintf(assigned, sizeof assigned, "Successfully assigned %s/%s to %s",
		json_string_value(json_object_get(metadata, "namespace")),
		json_string_value(json_object_get(metadata, "name")),
		json_string_value(json_object_get(json_object_get(pod, "spec"), "nodeName")) == NULL
			? "no node"
			: json_string_value(
				  json_object_get(json_object_get(pod, "spec"), "nodeName")));
	(void)json_array_append_new(conditions,
		n_pending > 0
			? condition("PodScheduled", false, "Unschedulable",
				  why == NULL || why[0] == '\0' ? "Pod is waiting to be scheduled"
								: why)
			: condition("PodScheduled", true, "Scheduled", assigned));
	(void)json_array_append_new(conditions,
		condition("Ready", n_ready == n, n_ready == n ? "PodReady" : "ContainersNotReady",
			""));
	(void)json_object_set_new(status, "phase",
		json_string(n_failed > 0                               ? "Failed"
			    : n_pending > 0                            ? "Pending"
			    : n_completed == (json_int_t)n             ? "Succeeded"
			    : n_running + n_completed == (json_int_t)n ? "Running"
								       : "Scheduled"));
	(void)json_object_set_new(status, "conditions", conditions);
	(void)json_object_del(status, "states");
}

json_t *
pods_finish(json_t *pods)
{
	json_t *oldest_first = json_array(), *items = json_array(), *pod;
	const char *key;

	json_object_foreach(pods, key, pod)
	{
		finish(pod);
		(void)json_array_append(oldest_first, pod);
	}
	for (size_t i = json_array_size(oldest_first); i-- > 0;)
		(void)json_array_append(items, json_array_get(oldest_first, i));
	json_decref(oldest_first);
	return items;
}
