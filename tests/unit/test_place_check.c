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
