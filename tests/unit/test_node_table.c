#include "services/scheduler/node_table.h"

#include "services/scheduler/limits.h"
#include "tests/unit/place_fixture.h"

static void
update(struct node_table *table, struct fixture *fixture, const char *const *removed,
	size_t n_removed)
{
	node_table_update(table, fixture->request.nodes, fixture->request.n_nodes, removed,
		n_removed);
}

static void
check_order(const struct node_table *table, const char *ids)
{
	char text[256] = "";

	for (uint32_t i = 0; i < table->n; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
			i > 0 ? " " : "", table->nodes[i].id);
	CHECK_STR(text, ids);
}

/* Rows that may be chosen. */
static unsigned
n_in_order(struct node_table *table)
{
	const struct order *order = node_table_order(table, NODE_ORDER_LEFT);
	unsigned n = 0;

	for (uint32_t i = 0; i < order->n_blocks; i++)
		n += order->blocks[i]->n;
	return n;
}

TEST(node_table_keeps_rows_in_the_order_of_ids)
{
	CLEANUP(fixture_free) struct fixture *first = fixture_new(), *second = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	const char *const removed[] = {"a", "d", "e", "nobody"};

	node_table_init(&table, 10);
	fixture_node(first, "b", 1000, GIB);
	fixture_node(first, "d", 2000, GIB);
	update(&table, first, NULL, 0);
	fixture_node(second, "a", 1000, GIB);
	fixture_node(second, "c", 4000, GIB);
	fixture_node(second, "d", 8000, GIB);
	fixture_node(second, "e", 1000, GIB);
	update(&table, second, NULL, 0);
	check_order(&table, "a b c d e");
	CHECK_EQ(table.nodes[node_table_find(&table, "d")].free.cpu_milli, 8000);
	CHECK_EQ(n_in_order(&table), 5);
	CHECK_EQ(node_table_find(&table, "cc"), NODE_ROW_NONE);
	CHECK_EQ(node_table_lower_bound(&table, "cc"), 3);
	node_table_update(&table, NULL, 0, removed, 4);
	check_order(&table, "b c");
	CHECK_EQ(n_in_order(&table), 2);
}

TEST(node_table_removes_what_is_both_changed_and_removed)
{
	CLEANUP(fixture_free) struct fixture *first = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	const char *const removed[] = {"a"};

	node_table_init(&table, 10);
	fixture_node(first, "a", 1000, GIB);
	fixture_node(first, "b", 1000, GIB);
	update(&table, first, removed, 1);
	check_order(&table, "b");
	update(&table, first, removed, 1);
	check_order(&table, "b");
}

TEST(node_table_fits_up_to_the_last_byte)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	struct want want = {.amounts = {.cpu_milli = 500, .memory_bytes = 100}};

	node_table_init(&table, 2);
	fixture_node(fixture, "a", 1000, 200);
	update(&table, fixture, NULL, 0);
	CHECK(node_table_fits(&table, 0, &want));
	node_table_take(&table, 0, &want);
	CHECK(node_table_fits(&table, 0, &want));
	want.amounts.memory_bytes = 101;
	CHECK(!node_table_fits(&table, 0, &want));
	want = (struct want){.amounts = {.cpu_milli = 501}};
	CHECK(!node_table_fits(&table, 0, &want));
	want = (struct want){.amounts = {.disk_bytes = (int64_t)(100 * GIB)}};
	CHECK(node_table_fits(&table, 0, &want));
	want.amounts.disk_bytes++;
	CHECK(!node_table_fits(&table, 0, &want));
}

TEST(node_table_counts_slots_devices_and_dynamic_ports)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	struct want_device gpu = {.kind = "gpu", .n = 1};
	struct want want = {.devices = &gpu, .n_devices = 1, .n_dynamic_ports = 60};
	Davit__PlaceNode *node = fixture_node(fixture, "a", 1000, GIB);

	node_table_init(&table, 2);
	node->capacity->gpus = 2;
	update(&table, fixture, NULL, 0);
	gpu.number = intern_find(table.intern, "gpu");
	node_table_take(&table, 0, &want);
	CHECK(!node_table_fits(&table, 0, &want)); /* 40 ports are left */
	want.n_dynamic_ports = 40;
	CHECK(node_table_fits(&table, 0, &want));
	gpu.n = 2;
	CHECK(!node_table_fits(&table, 0, &want));
	want = (struct want){0};
	CHECK_EQ(n_in_order(&table), 1);
	node_table_take(&table, 0, &want);
	CHECK(!node_table_fits(&table, 0, &want)); /* two tasks are the limit here */
	CHECK_EQ(n_in_order(&table), 0);
	node_table_give(&table, 0, &want);
	CHECK_EQ(n_in_order(&table), 1);
}

TEST(node_table_shares_host_ports_between_nodes_of_one_engine)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	const uint16_t port = 80;
	const struct want want = {.ports = &port, .n_ports = 1};

	node_table_init(&table, 10);
	fixture_engine(fixture, fixture_node(fixture, "a", 1000, GIB), "E1", "linux", "amd64");
	fixture_engine(fixture, fixture_node(fixture, "b", 1000, GIB), "E1", "linux", "amd64");
	fixture_engine(fixture, fixture_node(fixture, "c", 1000, GIB), "E2", "linux", "amd64");
	update(&table, fixture, NULL, 0);
	node_table_take(&table, 0, &want);
	CHECK(!node_table_fits(&table, 1, &want));
	CHECK(node_table_fits(&table, 2, &want));
	node_table_give(&table, 0, &want);
	CHECK(node_table_fits(&table, 1, &want));
}

TEST(node_table_treats_what_is_overbooked_as_full)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	struct want want = {0};
	Davit__PlaceNode *node = fixture_node(fixture, "a", 1000, GIB);

	node_table_init(&table, 10);
	node->reserved->cpu_milli = 3000;
	update(&table, fixture, NULL, 0);
	CHECK_EQ(table.nodes[0].free.cpu_milli, 0);
	CHECK(node_table_fits(&table, 0, &want)); /* it wants nothing of what is short */
	want.amounts.cpu_milli = 1;
	CHECK(!node_table_fits(&table, 0, &want));
}

TEST(node_table_holds_the_greatest_node_exactly)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	struct want want = {.amounts = {.cpu_milli = (int64_t)PLACE_CPU_MILLI_MAX,
				    .memory_bytes = (int64_t)PLACE_MEMORY_BYTES_MAX,
				    .disk_bytes = (int64_t)PLACE_DISK_BYTES_MAX}};

	node_table_init(&table, 10);
	fixture_node(fixture, "a", PLACE_CPU_MILLI_MAX, PLACE_MEMORY_BYTES_MAX)
		->capacity->disk_bytes = PLACE_DISK_BYTES_MAX;
	update(&table, fixture, NULL, 0);
	CHECK_EQ(node_table_order(&table, NODE_ORDER_LEFT)->memory[0], 1 << 30);
	CHECK(node_table_fits(&table, 0, &want));
	want.amounts.memory_bytes++;
	CHECK(!node_table_fits(&table, 0, &want));
	CHECK(node_table_left(&table.nodes[0]) < UINT64_MAX / 2);
}

TEST(node_table_forgets_labels_of_nodes_that_changed)
{
	CLEANUP(fixture_free) struct fixture *first = fixture_new(), *second = fixture_new();
	CLEANUP(node_table_fini) struct node_table table;
	Davit__PlaceNode *node = fixture_node(first, "a", 1000, GIB);

	node_table_init(&table, 10);
	fixture_label(first, node, "disk", "ssd");
	fixture_label(first, node, "empty", NULL);
	update(&table, first, NULL, 0);
	CHECK_STR(node_table_label(&table, 0, "disk"), "ssd");
	CHECK_STR(node_table_label(&table, 0, "empty"), "");
	CHECK(node_table_label(&table, 0, "zone") == NULL);
	fixture_label(second, fixture_node(second, "a", 1000, GIB), "disk", "hdd");
	update(&table, second, NULL, 0);
	CHECK_STR(node_table_label(&table, 0, "disk"), "hdd");
	CHECK_EQ(intern_count(table.intern), 2);
	node_table_clear(&table);
	CHECK_EQ(intern_count(table.intern), 0);
}
