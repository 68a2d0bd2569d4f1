#include "services/scheduler/place_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "services/scheduler/limits.h"

int
place_fault_set(struct place_fault *fault, int code, const char *field, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	(void)snprintf(fault->field, sizeof fault->field, "%s", field);
	return err_set(&fault->err, code, "%s", text);
}

/* Where we are: "nodes[3]"; a part is put behind it only when something is wrong. */
struct place_path {
	const char *list;
	size_t index;
};

static int
bad(struct place_fault *fault, struct place_path path, const char *part, const char *why,
	uint64_t limit)
{
	char field[PLACE_FIELD_MAX];

	(void)snprintf(field, sizeof field, "%s[%zu].%s", path.list, path.index, part);
	return place_fault_set(fault, -EINVAL, field, "%s %llu", why, (unsigned long long)limit);
}

static int
check_text(struct place_fault *fault, struct place_path path, const char *part, const char *text,
	size_t max)
{
	if (text != NULL && strnlen(text, max + 1) > max)
		return bad(fault, path, part, "is too long: at most this many bytes:", max);
	return 0;
}

static int
check_id(struct place_fault *fault, struct place_path path, const char *part, const char *id)
{
	if (id[0] == '\0')
		return bad(fault, path, part,
			"is empty: want 1 to this many bytes:", PLACE_NAME_MAX);
	return check_text(fault, path, part, id, PLACE_NAME_MAX);
}

static int
check_count(struct place_fault *fault, const char *list, size_t n, size_t max)
{
	if (n > max)
		return place_fault_set(fault, -EINVAL, list, "has %zu items, at most %zu", n, max);
	return 0;
}

static int
check_kinds(struct place_fault *fault, struct place_path path, const char *part,
	Davit__DeviceCount *const *devices, size_t n)
{
	int rc = 0;

	if (n > PLACE_KINDS_MAX)
		return bad(fault, path, part, "are more than", PLACE_KINDS_MAX);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = check_id(fault, path, part, devices[i]->kind);
		if (rc == 0 && devices[i]->count > PLACE_DEVICES_MAX)
			rc = bad(fault, path, part, "are more than", PLACE_DEVICES_MAX);
	}
	return rc;
}

static int
check_resources(struct place_fault *fault, struct place_path path, const Davit__Resources *r)
{
	if (r == NULL)
		return 0;
	if (r->cpu_milli > PLACE_CPU_MILLI_MAX)
		return bad(fault, path, "capacity.cpu_milli", "is more than", PLACE_CPU_MILLI_MAX);
	if (r->memory_bytes > PLACE_MEMORY_BYTES_MAX)
		return bad(fault, path, "capacity.memory_bytes", "is more than",
			PLACE_MEMORY_BYTES_MAX);
	if (r->disk_bytes > PLACE_DISK_BYTES_MAX)
		return bad(fault, path, "capacity.disk_bytes", "is more than",
			PLACE_DISK_BYTES_MAX);
	if (r->gpus > PLACE_DEVICES_MAX)
		return bad(fault, path, "capacity.gpus", "is more than", PLACE_DEVICES_MAX);
	return check_kinds(fault, path, "capacity.devices", r->devices, r->n_devices);
}

static int
check_labels(struct place_fault *fault, struct place_path path, const Davit__PlaceNode *node)
{
	int rc = 0;

	if (node->n_labels > PLACE_NODE_LABELS_MAX)
		return bad(fault, path, "labels", "are more than", PLACE_NODE_LABELS_MAX);
	for (size_t i = 0; i < node->n_labels && rc == 0; i++) {
		rc = check_id(fault, path, "labels.key", node->labels[i]->key);
		if (rc == 0)
			rc = check_text(fault, path, "labels.value", node->labels[i]->value,
				PLACE_VALUE_MAX);
	}
	return rc;
}

static int
check_engine(struct place_fault *fault, struct place_path path, const Davit__EngineInfo *engine)
{
	int rc;

	if (engine == NULL)
		return 0;
	rc = check_text(fault, path, "engine.id", engine->id, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "engine.version", engine->version, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "engine.os", engine->os, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "engine.arch", engine->arch, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "engine.kernel", engine->kernel, PLACE_NAME_MAX);
	return rc;
}

static int
check_taints(struct place_fault *fault, struct place_path path, const Davit__PlaceNode *node)
{
	int rc = 0;

	if (node->n_taints > PLACE_NODE_TAINTS_MAX)
		return bad(fault, path, "taints", "are more than", PLACE_NODE_TAINTS_MAX);
	for (size_t i = 0; i < node->n_taints && rc == 0; i++) {
		rc = check_id(fault, path, "taints.key", node->taints[i]->key);
		if (rc == 0)
			rc = check_text(fault, path, "taints.value", node->taints[i]->value,
				PLACE_NAME_MAX);
	}
	return rc;
}

static int
check_running(struct place_fault *fault, struct place_path path, const Davit__PlaceNode *node)
{
	int rc = 0;

	if (node->n_running > PLACE_NODE_RUNNING_MAX)
		return bad(fault, path, "running", "are more than", PLACE_NODE_RUNNING_MAX);
	for (size_t i = 0; i < node->n_running && rc == 0; i++) {
		rc = check_id(fault, path, "running.group_id", node->running[i]->group_id);
		if (rc == 0 && node->running[i]->n > PLACE_RUNNING_MAX)
			rc = bad(fault, path, "running.n", "is more than", PLACE_RUNNING_MAX);
	}
	return rc;
}

static int
check_node(struct place_fault *fault, size_t index, const Davit__PlaceNode *node)
{
	struct place_path path = {"nodes", index};
	int rc = check_id(fault, path, "id", node->id);

	if (rc == 0)
		rc = check_text(fault, path, "name", node->name, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "address", node->address, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "class", node->class_, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_resources(fault, path, node->capacity);
	if (rc == 0)
		rc = check_labels(fault, path, node);
	if (rc == 0)
		rc = check_engine(fault, path, node->engine);
	if (rc == 0)
		rc = check_taints(fault, path, node);
	if (rc == 0)
		rc = check_running(fault, path, node);
	if (rc == 0 && node->n_host_ports > PLACE_NODE_PORTS_MAX)
		rc = bad(fault, path, "host_ports", "are more than", PLACE_NODE_PORTS_MAX);
	for (size_t i = 0; i < node->n_host_ports && rc == 0; i++) {
		if (node->host_ports[i] > UINT16_MAX)
			rc = bad(fault, path, "host_ports", "has a port over", UINT16_MAX);
	}
	return rc;
}

static int
check_entries(struct place_fault *fault, struct place_path path, Davit__StringEntry *const *labels,
	size_t n)
{
	int rc = 0;

	if (n > PLACE_NODE_LABELS_MAX)
		return bad(fault, path, "labels", "are more than", PLACE_NODE_LABELS_MAX);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = check_text(fault, path, "labels.key", labels[i]->key, PLACE_NAME_MAX);
	return rc;
}

static int
check_affinities(struct place_fault *fault, struct place_path path,
	Davit__Affinity *const *affinities, size_t n)
{
	int rc = 0;

	if (n > PLACE_WISHES_MAX)
		return bad(fault, path, "affinities", "are more than", PLACE_WISHES_MAX);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = check_text(fault, path, "affinities.label", affinities[i]->label,
			PLACE_CONSTRAINT_MAX);
		if (rc == 0)
			rc = check_text(fault, path, "affinities.topology", affinities[i]->topology,
				PLACE_NAME_MAX);
		if (rc == 0 && affinities[i]->has_weight &&
			(affinities[i]->weight < 1 || affinities[i]->weight > PLACE_WEIGHT_MAX))
			rc = bad(fault, path, "affinities.weight", "is not from 1 to",
				PLACE_WEIGHT_MAX);
	}
	return rc;
}

static int
check_spreads(struct place_fault *fault, struct place_path path, const Davit__TaskSpec *spec)
{
	int rc = 0;

	if (spec->n_spreads > PLACE_WISHES_MAX)
		return bad(fault, path, "spec.spreads", "are more than", PLACE_WISHES_MAX);
	for (size_t i = 0; i < spec->n_spreads && rc == 0; i++) {
		const Davit__Spread *spread = spec->spreads[i];

		rc = check_text(fault, path, "spec.spreads.topology", spread->topology,
			PLACE_NAME_MAX);
		if (rc == 0 && spread->n_targets > PLACE_WISHES_MAX)
			rc = bad(fault, path, "spec.spreads.targets", "are more than",
				PLACE_WISHES_MAX);
		if (rc == 0 && spread->has_weight &&
			(spread->weight < 1 || spread->weight > PLACE_WEIGHT_MAX))
			rc = bad(fault, path, "spec.spreads.weight", "is not from 1 to",
				PLACE_WEIGHT_MAX);
	}
	return rc;
}

/* Preferences, tolerations and devices of a spec. */
static int
check_wishes(struct place_fault *fault, struct place_path path, const Davit__TaskSpec *spec)
{
	int rc = 0;

	if (spec->n_preferences > PLACE_WISHES_MAX)
		return bad(fault, path, "spec.preferences", "are more than", PLACE_WISHES_MAX);
	if (spec->n_tolerations > PLACE_WISHES_MAX)
		return bad(fault, path, "spec.tolerations", "are more than", PLACE_WISHES_MAX);
	for (size_t i = 0; i < spec->n_preferences && rc == 0; i++) {
		const Davit__Preference *preference = spec->preferences[i];

		rc = check_text(fault, path, "spec.preferences", preference->constraint,
			PLACE_CONSTRAINT_MAX);
		if (rc == 0 && preference->has_weight &&
			(preference->weight < -PLACE_WEIGHT_MAX ||
				preference->weight > PLACE_WEIGHT_MAX))
			rc = bad(fault, path, "spec.preferences.weight", "is farther from 0 than",
				PLACE_WEIGHT_MAX);
	}
	if (rc == 0)
		rc = check_kinds(fault, path, "spec.device_requests", spec->device_requests,
			spec->n_device_requests);
	if (rc == 0 && spec->gpus > PLACE_DEVICES_MAX)
		rc = bad(fault, path, "spec.gpus", "is more than", PLACE_DEVICES_MAX);
	if (rc == 0)
		rc = check_affinities(fault, path, spec->affinities, spec->n_affinities);
	if (rc == 0)
		rc = check_spreads(fault, path, spec);
	return rc;
}

static int
check_spec(struct place_fault *fault, size_t index, const Davit__PlaceSpec *item)
{
	struct place_path path = {"specs", index};
	const Davit__TaskSpec *spec = item->spec;
	int rc = check_id(fault, path, "id", item->id);

	if (rc == 0)
		rc = check_text(fault, path, "spec.platform", spec->platform, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "spec.name", spec->name, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "spec.namespace", spec->namespace_, PLACE_NAME_MAX);
	if (rc == 0 && spec->n_ports > PLACE_SPEC_PORTS_MAX)
		rc = bad(fault, path, "spec.ports", "are more than", PLACE_SPEC_PORTS_MAX);
	for (size_t i = 0; rc == 0 && i < spec->n_ports; i++) {
		if (spec->ports[i]->host_port > UINT16_MAX)
			rc = bad(fault, path, "spec.ports.host_port", "is over", UINT16_MAX);
	}
	if (rc == 0 && spec->n_constraints > PLACE_SPEC_CONSTRAINTS_MAX)
		rc = bad(fault, path, "spec.constraints", "are more than",
			PLACE_SPEC_CONSTRAINTS_MAX);
	for (size_t i = 0; rc == 0 && i < spec->n_constraints; i++)
		rc = check_text(fault, path, "spec.constraints", spec->constraints[i],
			PLACE_CONSTRAINT_MAX);
	if (rc == 0)
		rc = check_entries(fault, path, spec->labels, spec->n_labels);
	return rc < 0 ? rc : check_wishes(fault, path, spec);
}

static int
check_group(struct place_fault *fault, size_t index, const Davit__PlaceGroup *group)
{
	struct place_path path = {"groups", index};
	int rc = check_id(fault, path, "id", group->id);

	if (rc == 0)
		rc = check_text(fault, path, "namespace", group->namespace_, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_text(fault, path, "name", group->name, PLACE_NAME_MAX);
	if (rc == 0)
		rc = check_resources(fault, path, group->resources);
	if (rc == 0)
		rc = check_entries(fault, path, group->labels, group->n_labels);
	if (rc == 0 && group->n_host_ports > PLACE_SPEC_PORTS_MAX)
		rc = bad(fault, path, "host_ports", "are more than", PLACE_SPEC_PORTS_MAX);
	for (size_t i = 0; rc == 0 && i < group->n_host_ports; i++)
		if (group->host_ports[i] > UINT16_MAX)
			rc = bad(fault, path, "host_ports", "has a port over", UINT16_MAX);
	return rc < 0 ? rc : check_affinities(fault, path, group->affinities, group->n_affinities);
}

static int
check_task(struct place_fault *fault, size_t index, const Davit__PlaceTask *task)
{
	struct place_path path = {"tasks", index};
	int rc = check_id(fault, path, "task_id", task->task_id);

	if (rc == 0)
		rc = check_id(fault, path, "spec_id", task->spec_id);
	if (rc == 0)
		rc = check_text(fault, path, "group_id", task->group_id, PLACE_NAME_MAX);
	if (rc == 0 && task->n_avoid_nodes > PLACE_AVOID_MAX)
		rc = bad(fault, path, "avoid_nodes", "are more than", PLACE_AVOID_MAX);
	return rc;
}

int
place_check(const Davit__PlaceRequest *request, struct place_fault *fault)
{
	int rc = check_count(fault, "nodes", request->n_nodes, PLACE_NODES_MAX);

	if (rc == 0)
		rc = check_count(fault, "removed_nodes", request->n_removed_nodes, PLACE_NODES_MAX);
	if (rc == 0)
		rc = check_count(fault, "specs", request->n_specs, PLACE_SPECS_MAX);
	if (rc == 0)
		rc = check_count(fault, "tasks", request->n_tasks, PLACE_TASKS_MAX);
	if (rc == 0)
		rc = check_count(fault, "groups", request->n_groups, PLACE_GROUPS_MAX);
	if (rc == 0)
		rc = check_count(fault, "removed_groups", request->n_removed_groups,
			PLACE_GROUPS_MAX);
	for (size_t i = 0; rc == 0 && i < request->n_groups; i++)
		rc = check_group(fault, i, request->groups[i]);
	for (size_t i = 0; rc == 0 && i < request->n_nodes; i++)
		rc = check_node(fault, i, request->nodes[i]);
	for (size_t i = 0; rc == 0 && i < request->n_specs; i++)
		rc = check_spec(fault, i, request->specs[i]);
	for (size_t i = 0; rc == 0 && i < request->n_tasks; i++)
		rc = check_task(fault, i, request->tasks[i]);
	return rc;
}
