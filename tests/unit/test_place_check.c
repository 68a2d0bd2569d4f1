#include "services/scheduler/place_check.h"

#include <errno.h>

#include "services/scheduler/limits.h"
#include "tests/unit/place_fixture.h"

static void
check_fault(struct fixture *fixture, const char *field, const char *words)
{
	struct place_fault fault = {0};

	CHECK_EQ(place_check(&fixture->request, &fault), -EINVAL);
	CHECK_STR(fault.field, field);
	CHECK_HAS(fault.err.text, words);
}

static char *
long_text(struct fixture *fixture, size_t size)
{
	char *text = fixture_block(fixture, size + 1);

	(void)memset(text, 'x', size);
	return text;
}

TEST(place_check_lets_the_ordinary_pass)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct place_fault fault = {0};
	Davit__PlaceNode *node = fixture_node(fixture, "n1", PLACE_CPU_MILLI_MAX, GIB);

	fixture_engine(fixture, node, "", "linux", "amd64");
	fixture_label(fixture, node, long_text(fixture, PLACE_NAME_MAX), long_text(fixture, 400));
	fixture_taken_port(fixture, node, 65535);
	fixture_task(fixture, "t", UINT64_MAX, UINT64_MAX);
	CHECK_OK(place_check(&fixture->request, &fault), &fault.err);
}

/* Lists that are too long are never looked into: the pointers behind them need not exist. */
TEST(place_check_counts_items_first)
{
	static const struct {
		size_t offset;
		size_t max;
		const char *field;
	} lists[] = {
		{offsetof(Davit__PlaceRequest, n_nodes), PLACE_NODES_MAX, "nodes"},
		{offsetof(Davit__PlaceRequest, n_removed_nodes), PLACE_NODES_MAX, "removed_nodes"},
		{offsetof(Davit__PlaceRequest, n_specs), PLACE_SPECS_MAX, "specs"},
		{offsetof(Davit__PlaceRequest, n_tasks), PLACE_TASKS_MAX, "tasks"},
		{offsetof(Davit__PlaceRequest, n_groups), PLACE_GROUPS_MAX, "groups"},
		{offsetof(Davit__PlaceRequest, n_removed_groups), PLACE_GROUPS_MAX,
			"removed_groups"},
	};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
		size_t n = lists[i].max + 1;

		memcpy((char *)&fixture->request + lists[i].offset, &n, sizeof n);
		check_fault(fixture, lists[i].field, "items, at most");
	}
}

TEST(place_check_limits_what_a_node_has)
{
	for (unsigned i = 0; i < 13; i++) {
		CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
		Davit__PlaceNode *node;
		const char *field = "?", *words = "is more than";

		fixture_node(fixture, "n1", 1000, GIB);
		node = fixture_node(fixture, "n2", 1000, GIB);
		fixture_engine(fixture, node, "E", "linux", "amd64");
		switch (i) {
		case 0:
			node->id = fixture_text(fixture, "%s", "");
			field = "nodes[1].id", words = "is empty";
			break;
		case 1:
			node->id = long_text(fixture, PLACE_NAME_MAX + 1);
			field = "nodes[1].id", words = "is too long";
			break;
		case 2:
			node->name = long_text(fixture, PLACE_NAME_MAX + 1);
			field = "nodes[1].name", words = "is too long";
			break;
		case 3:
			node->capacity->cpu_milli = PLACE_CPU_MILLI_MAX + 1;
			field = "nodes[1].capacity.cpu_milli";
			break;
		case 4:
			node->capacity->memory_bytes = PLACE_MEMORY_BYTES_MAX + 1;
			field = "nodes[1].capacity.memory_bytes";
			break;
		case 5:
			node->capacity->disk_bytes = PLACE_DISK_BYTES_MAX + 1;
			field = "nodes[1].capacity.disk_bytes";
			break;
		case 6:
			node->capacity->gpus = PLACE_DEVICES_MAX + 1;
			field = "nodes[1].capacity.gpus";
			break;
		case 7:
			for (unsigned k = 0; k <= PLACE_NODE_LABELS_MAX; k++)
				fixture_label(fixture, node, "k", "v");
			field = "nodes[1].labels", words = "are more than";
			break;
		case 8:
			fixture_label(fixture, node, "", "v");
			field = "nodes[1].labels.key", words = "is empty";
			break;
		case 9:
			fixture_label(fixture, node, "k", "v");
			node->labels[0]->value = long_text(fixture, PLACE_VALUE_MAX + 1);
			field = "nodes[1].labels.value", words = "is too long";
			break;
		case 10:
			node->engine->kernel = long_text(fixture, PLACE_NAME_MAX + 1);
			field = "nodes[1].engine.kernel", words = "is too long";
			break;
		case 11:
			fixture_taken_port(fixture, node, 65536);
			field = "nodes[1].host_ports", words = "has a port over";
			break;
		default:
			node->n_host_ports = PLACE_NODE_PORTS_MAX + 1;
			field = "nodes[1].host_ports", words = "are more than";
			break;
		}
		check_fault(fixture, field, words);
	}
}

TEST(place_check_limits_what_a_task_wants)
{
	for (unsigned i = 0; i < 8; i++) {
		CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
		Davit__TaskSpec *spec = fixture_task(fixture, "t", 1000, GIB);
		const char *field = "?", *words = "are more than";

		switch (i) {
		case 0:
			fixture->specs[0]->id = fixture_text(fixture, "%s", "");
			field = "specs[0].id", words = "is empty";
			break;
		case 1:
			spec->n_ports = PLACE_SPEC_PORTS_MAX + 1;
			field = "specs[0].spec.ports";
			break;
		case 2:
			fixture_port(fixture, spec, 65536);
			field = "specs[0].spec.ports.host_port", words = "is over";
			break;
		case 3:
			spec->n_constraints = PLACE_SPEC_CONSTRAINTS_MAX + 1;
			field = "specs[0].spec.constraints";
			break;
		case 4:
			fixture_constraint(fixture, spec, "x");
			spec->constraints[0] = long_text(fixture, PLACE_CONSTRAINT_MAX + 1);
			field = "specs[0].spec.constraints", words = "is too long";
			break;
		case 5:
			fixture->tasks[0]->task_id = long_text(fixture, PLACE_NAME_MAX + 1);
			field = "tasks[0].task_id", words = "is too long";
			break;
		case 6:
			fixture->tasks[0]->n_avoid_nodes = PLACE_AVOID_MAX + 1;
			field = "tasks[0].avoid_nodes";
			break;
		default:
			spec->platform = long_text(fixture, PLACE_NAME_MAX + 1);
			field = "specs[0].spec.platform", words = "is too long";
			break;
		}
		check_fault(fixture, field, words);
	}
}

/* One thing of each sort that may be wrong, to be made wrong. */
struct parts {
	struct fixture *fixture;
	Davit__PlaceNode *node;
	Davit__TaskSpec *spec;
	Davit__PlaceGroup group, *groups[1];
	Davit__Taint taint, *taints[1];
	Davit__PlaceCount count, *counts[1];
	Davit__DeviceCount device, *devices[1];
	Davit__Affinity affinity, *affinities[1];
	Davit__Spread spread, *spreads[1];
	Davit__Preference preference, *preferences[1];
	Davit__StringEntry label, *labels[1];
	Davit__Resources resources;
};

static void
parts_init(struct parts *parts, struct fixture *fixture)
{
	*parts = (struct parts){.fixture = fixture,
		.groups = {&parts->group},
		.taints = {&parts->taint},
		.counts = {&parts->count},
		.devices = {&parts->device},
		.affinities = {&parts->affinity},
		.spreads = {&parts->spread},
		.preferences = {&parts->preference},
		.labels = {&parts->label}};
	parts->node = fixture_node(fixture, "n", 1000, GIB);
	parts->spec = fixture_task(fixture, "t", 1000, 0);
	davit__place_group__init(&parts->group);
	davit__taint__init(&parts->taint);
	davit__place_count__init(&parts->count);
	davit__device_count__init(&parts->device);
	davit__affinity__init(&parts->affinity);
	davit__spread__init(&parts->spread);
	davit__preference__init(&parts->preference);
	davit__string_entry__init(&parts->label);
	davit__resources__init(&parts->resources);
	parts->group.id = parts->taint.key = parts->count.group_id = parts->device.kind =
		parts->affinity.label = parts->spread.topology = parts->preference.constraint =
			parts->label.key = fixture_text(fixture, "x");
	parts->group.resources = &parts->resources;
	fixture->request.groups = parts->groups;
	fixture->request.n_groups = 1;
#define GIVE(to, field, from) (to)->field = parts->from, (to)->n_##field = 1
	GIVE(parts->node, taints, taints);
	GIVE(parts->node, running, counts);
	GIVE(parts->node->capacity, devices, devices);
	GIVE(parts->spec, affinities, affinities);
	GIVE(parts->spec, spreads, spreads);
	GIVE(parts->spec, preferences, preferences);
	GIVE(parts->spec, device_requests, devices);
	GIVE(&parts->group, labels, labels);
#undef GIVE
}

typedef void break_fn(struct parts *parts);

#define BREAK(name, how)                              \
	static void break_##name(struct parts *parts) \
	{                                             \
		how;                                  \
	}
BREAK(n_taints, parts->node->n_taints = PLACE_NODE_TAINTS_MAX + 1)
BREAK(taint_key, parts->taint.key = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(taint_value, parts->taint.value = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(n_running, parts->node->n_running = PLACE_NODE_RUNNING_MAX + 1)
BREAK(running, parts->count.n = PLACE_RUNNING_MAX + 1)
BREAK(n_kinds, parts->node->capacity->n_devices = PLACE_KINDS_MAX + 1)
BREAK(devices, parts->device.count = PLACE_DEVICES_MAX + 1)
BREAK(address, parts->node->address = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(class, parts->node->class_ = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(group_id, parts->group.id = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(group_name, parts->group.name = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(group_memory, parts->resources.memory_bytes = PLACE_MEMORY_BYTES_MAX + 1)
BREAK(group_labels, parts->group.n_labels = PLACE_NODE_LABELS_MAX + 1)
BREAK(group_label, parts->label.key = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(group_ports, parts->group.n_host_ports = PLACE_SPEC_PORTS_MAX + 1)
BREAK(group_affinities, parts->group.n_affinities = PLACE_WISHES_MAX + 1)
BREAK(n_preferences, parts->spec->n_preferences = PLACE_WISHES_MAX + 1)
BREAK(n_tolerations, parts->spec->n_tolerations = PLACE_WISHES_MAX + 1)
BREAK(preference,
	parts->preference.constraint = long_text(parts->fixture, PLACE_CONSTRAINT_MAX + 1))
BREAK(preference_weight,
	(parts->preference.has_weight = true, parts->preference.weight = -PLACE_WEIGHT_MAX - 1))
BREAK(n_requests, parts->spec->n_device_requests = PLACE_KINDS_MAX + 1)
BREAK(gpus, parts->spec->gpus = PLACE_DEVICES_MAX + 1)
BREAK(n_affinities, parts->spec->n_affinities = PLACE_WISHES_MAX + 1)
BREAK(affinity, parts->affinity.label = long_text(parts->fixture, PLACE_CONSTRAINT_MAX + 1))
BREAK(topology, parts->affinity.topology = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(affinity_weight,
	(parts->affinity.has_weight = true, parts->affinity.weight = PLACE_WEIGHT_MAX + 1))
BREAK(n_spreads, parts->spec->n_spreads = PLACE_WISHES_MAX + 1)
BREAK(spread, parts->spread.topology = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(targets, parts->spread.n_targets = PLACE_WISHES_MAX + 1)
BREAK(spread_weight, (parts->spread.has_weight = true, parts->spread.weight = 0))
BREAK(name, parts->spec->name = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(namespace, parts->spec->namespace_ = long_text(parts->fixture, PLACE_NAME_MAX + 1))
BREAK(task_group,
	parts->fixture->tasks[0]->group_id = long_text(parts->fixture, PLACE_NAME_MAX + 1))
#undef BREAK

TEST(place_check_limits_wishes_groups_and_what_nodes_declare)
{
	static const struct {
		break_fn *break_it;
		const char *field;
	} cases[] = {
		{break_n_taints, "nodes[0].taints"},
		{break_taint_key, "nodes[0].taints.key"},
		{break_taint_value, "nodes[0].taints.value"},
		{break_n_running, "nodes[0].running"},
		{break_running, "nodes[0].running.n"},
		{break_n_kinds, "nodes[0].capacity.devices"},
		{break_devices, "nodes[0].capacity.devices"},
		{break_address, "nodes[0].address"},
		{break_class, "nodes[0].class"},
		{break_group_id, "groups[0].id"},
		{break_group_name, "groups[0].name"},
		{break_group_memory, "groups[0].capacity.memory_bytes"},
		{break_group_labels, "groups[0].labels"},
		{break_group_label, "groups[0].labels.key"},
		{break_group_ports, "groups[0].host_ports"},
		{break_group_affinities, "groups[0].affinities"},
		{break_n_preferences, "specs[0].spec.preferences"},
		{break_n_tolerations, "specs[0].spec.tolerations"},
		{break_preference, "specs[0].spec.preferences"},
		{break_preference_weight, "specs[0].spec.preferences.weight"},
		{break_n_requests, "specs[0].spec.device_requests"},
		{break_gpus, "specs[0].spec.gpus"},
		{break_n_affinities, "specs[0].affinities"},
		{break_affinity, "specs[0].affinities.label"},
		{break_topology, "specs[0].affinities.topology"},
		{break_affinity_weight, "specs[0].affinities.weight"},
		{break_n_spreads, "specs[0].spec.spreads"},
		{break_spread, "specs[0].spec.spreads.topology"},
		{break_targets, "specs[0].spec.spreads.targets"},
		{break_spread_weight, "specs[0].spec.spreads.weight"},
		{break_name, "specs[0].spec.name"},
		{break_namespace, "specs[0].spec.namespace"},
		{break_task_group, "tasks[0].group_id"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
		struct place_fault fault = {0};
		struct parts parts;

		parts_init(&parts, fixture);
		CHECK_OK(place_check(&fixture->request, &fault), &fault.err);
		cases[i].break_it(&parts);
		check_fault(fixture, cases[i].field, "");
	}
}
