#include "services/scheduler/filters.h"

#include <errno.h>

#include "services/scheduler/limits.h"
#include "tests/unit/place_fixture.h"

static void
three_nodes(struct node_table *table)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__PlaceNode *a = fixture_node(fixture, "a", 4000, GIB);
	Davit__PlaceNode *b = fixture_node(fixture, "b", 4000, GIB);
	Davit__PlaceNode *c = fixture_node(fixture, "c", 4000, GIB);

	fixture_label(fixture, a, "disk", "ssd");
	fixture_label(fixture, b, "disk", "hdd");
	fixture_engine(fixture, a, "E1", "linux", "x86_64");
	fixture_engine(fixture, b, "E1", "linux", "x86_64");
	fixture_engine(fixture, c, "E2", "linux", "aarch64");
	c->n_ports_free = 1;
	c->capacity->gpus = 1;
	node_table_init(table, 100);
	node_table_update(table, fixture->request.nodes, 3, NULL, 0);
}

static const char *
admitted(struct filters *filters, const struct demand *demand, char text[8])
{
	const int32_t *allow = NULL;
	struct err err = {0};

	CHECK_OK(filters_get(filters, demand, &allow, &err), &err);
	CHECK(allow != NULL);
	(void)snprintf(text, 8, "%s%s%s", allow[0] ? "a" : "", allow[1] ? "b" : "",
		allow[2] ? "c" : "");
	return text;
}

TEST(filters_do_nothing_for_a_task_that_has_sizes_only)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(filters_free) struct filters *filters = NULL;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const int32_t *allow = &(const int32_t){1};
	struct demand demand;
	struct err err = {0};

	three_nodes(&table);
	filters = filters_new(&table);
	demand_init(&demand, fixture_task(fixture, "t", 1000, GIB));
	CHECK_OK(filters_get(filters, &demand, &allow, &err), &err);
	CHECK(allow == NULL);
	demand_fini(&demand);
}

TEST(filters_share_their_result_between_equal_demands)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(filters_free) struct filters *filters = NULL;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__TaskSpec *spec;
	struct demand demands[3];
	char text[8];

	three_nodes(&table);
	filters = filters_new(&table);
	for (unsigned i = 0; i < 3; i++) {
		spec = fixture_task(fixture, "t", 1000 * i, GIB);
		fixture_constraint(fixture, spec,
			i < 2 ? "node.labels.disk == ssd" : "node.labels.disk != ssd");
		demand_init(&demands[i], spec);
	}
	CHECK_STR(admitted(filters, &demands[0], text), "a");
	CHECK_STR(admitted(filters, &demands[1], text), "a");
	CHECK_EQ(filters_n_computed(filters), 1);
	CHECK_STR(admitted(filters, &demands[2], text), "bc");
	CHECK_EQ(filters_n_computed(filters), 2);
	filters_reset(filters);
	CHECK_EQ(filters_n_kept(filters), 0);
	for (unsigned i = 0; i < 3; i++)
		demand_fini(&demands[i]);
}

TEST(filters_block_a_port_on_every_node_of_the_engine)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(filters_free) struct filters *filters = NULL;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct demand demand, other;
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	char text[8];

	three_nodes(&table);
	filters = filters_new(&table);
	fixture_port(fixture, spec, 8080);
	fixture_port(fixture, spec, 53); /* tcp and udp: one port here */
	fixture_port(fixture, spec, 53);
	demand_init(&demand, spec);
	CHECK_EQ(demand.want.n_ports, 2);
	spec = fixture_task(fixture, "u", 0, 0);
	fixture_port(fixture, spec, 9090);
	demand_init(&other, spec);
	CHECK_STR(admitted(filters, &demand, text), "abc");
	CHECK_STR(admitted(filters, &other, text), "abc");
	node_table_take(&table, 0, &demand.want);
	filters_taken(filters, 0, &demand.want);
	CHECK_STR(admitted(filters, &demand, text), "c");
	CHECK_STR(admitted(filters, &other, text), "abc");
	CHECK_EQ(filters_n_computed(filters), 2);
	demand_fini(&demand);
	demand_fini(&other);
}

TEST(filters_count_dynamic_ports_and_devices)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(filters_free) struct filters *filters = NULL;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	struct demand ports, gpu, platform;
	char text[8];

	three_nodes(&table);
	filters = filters_new(&table);
	fixture_port(fixture, spec, 0);
	demand_init(&ports, spec);
	CHECK_EQ(ports.want.n_dynamic_ports, 1);
	CHECK_STR(admitted(filters, &ports, text), "abc");
	node_table_take(&table, 2, &ports.want);
	filters_taken(filters, 2, &ports.want);
	CHECK_STR(admitted(filters, &ports, text), "ab");
	spec = fixture_task(fixture, "u", 0, 0);
	spec->gpus = 1;
	demand_init(&gpu, spec);
	CHECK_STR(admitted(filters, &gpu, text), "c");
	spec = fixture_task(fixture, "v", 0, 0);
	spec->platform = fixture_text(fixture, "linux/amd64");
	demand_init(&platform, spec);
	CHECK_STR(admitted(filters, &platform, text), "ab");
	demand_fini(&ports);
	demand_fini(&gpu);
	demand_fini(&platform);
}

TEST(filters_keep_a_bounded_number_of_results)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(filters_free) struct filters *filters = NULL;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	char text[64], names[8];

	three_nodes(&table);
	filters = filters_new(&table);
	for (unsigned i = 0; i < PLACE_CLASSES_MAX + 10; i++) {
		Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
		struct demand demand;

		(void)snprintf(text, sizeof text, "node.labels.disk != d%u", i);
		fixture_constraint(fixture, spec, text);
		demand_init(&demand, spec);
		CHECK_STR(admitted(filters, &demand, names), "abc");
		demand_fini(&demand);
	}
	CHECK_EQ(filters_n_kept(filters), PLACE_CLASSES_MAX);
}

TEST(filters_refuse_a_constraint_that_cannot_be_read)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(filters_free) struct filters *filters = NULL;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__TaskSpec *spec = fixture_task(fixture, "t", 0, 0);
	const int32_t *allow;
	struct demand demand;
	struct err err = {0};

	three_nodes(&table);
	filters = filters_new(&table);
	fixture_constraint(fixture, spec, "node.labels.disk == ssd");
	fixture_constraint(fixture, spec, "moon is full");
	demand_init(&demand, spec);
	CHECK_EQ(filters_get(filters, &demand, &allow, &err), -EINVAL);
	CHECK_HAS(err.text, "'moon is full'");
	demand_fini(&demand);
}

TEST(filters_clamp_what_no_node_can_have)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct demand demand;

	demand_init(&demand, fixture_task(fixture, "t", UINT64_MAX, UINT64_MAX));
	CHECK_EQ(demand.want.cpu_milli, PLACE_CPU_MILLI_MAX + 1);
	CHECK_EQ(demand.want.memory_bytes, PLACE_MEMORY_BYTES_MAX + 1);
	demand_fini(&demand);
	CHECK_STR(filter_name(FILTER_DYNAMIC_PORTS), "dynamic port");
}
