#include "services/scheduler/rule.h"

#include <errno.h>

#include "tests/unit/place_fixture.h"

static void
one_node(struct node_table *table)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__PlaceNode *node = fixture_node(fixture, "id-1", 1000, GIB);

	node_table_init(table, 10);
	node->name = fixture_text(fixture, "n1");
	node->address = fixture_text(fixture, "10.0.0.1");
	fixture_label(fixture, node, "disk", "ssd");
	fixture_label(fixture, node, "rack", NULL);
	fixture_engine(fixture, node, "E", "linux", "x86_64");
	node->engine->version = fixture_text(fixture, "20.10.24");
	node->engine->kernel = fixture_text(fixture, "6.1.0");
	node_table_update(table, fixture->request.nodes, 1, NULL, 0);
}

TEST(rule_compares_labels_and_attributes)
{
	static const struct {
		const char *text;
		bool admits;
	} cases[] = {
		{"node.labels.disk == ssd", true},
		{"node.labels.disk == hdd", false},
		{"node.labels.disk != hdd", true},
		{"node.labels.disk != ssd", false},
		{"node.labels.zone == a", false},
		{"node.labels.zone != a", true},
		{"node.labels.rack == \"\"", true},
		{"node.labels.zone == \"\"", true},
		{"node.labels.disk == \"\"", false},
		{"node.id == id-1", true},
		{"node.id != id-1", false},
		{"node.name == n1", true},
		{"node.name == n2", false},
		{"node.address == 10.0.0.1", true},
		{"engine.os == linux", true},
		{"engine.os != linux", false},
		{"engine.arch == amd64", true},
		{"engine.arch == x86_64", true},
		{"engine.arch == arm64", false},
		{"engine.version == 20.10.24", true},
		{"engine.version != 20.10.24", false},
		{"node.labels.disk != a == b", true},
		{"node.labels.disk in (hdd, ssd)", true},
		{"node.labels.zone not exists", true},
		{"node.class exists", false},
		{"engine.kernel >= 5.10", true},
		{"node.name =~ ^n[0-9]$", true},
	};
	CLEANUP(node_table_fini) struct node_table table = {0};
	CLEANUP(facets_free) struct facets *facets = facets_new(&table);
	struct err err = {0};

	one_node(&table);
	facets_begin(facets);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rule rule;

		CHECK_OK(rule_init(&rule, &table, facets, cases[i].text, &err), &err);
		if (rule_admits(&rule, 0) != cases[i].admits)
			fail_msg("%s: not as it should be", cases[i].text);
		rule_fini(&rule);
	}
}

TEST(rule_that_cannot_be_read_says_what_would_be_right)
{
	CLEANUP(node_table_fini) struct node_table table = {0};
	CLEANUP(facets_free) struct facets *facets = facets_new(&table);
	struct err err = {0};
	struct rule rule;

	one_node(&table);
	facets_begin(facets);
	CHECK_EQ(rule_init(&rule, &table, facets, "node.labels.disk", &err), -EINVAL);
	CHECK_EQ(rule_init(&rule, &table, facets, "node.color == red", &err), -EINVAL);
	CHECK_HAS(err.text, "node.color");
	CHECK_EQ(rule_init(&rule, &table, facets, "node.labels. == red", &err), -EINVAL);
}

TEST(rule_platform_knows_the_words_for_one_architecture)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();

	one_node(&table);
	CHECK(rule_platform_admits("linux", &table, 0));
	CHECK(rule_platform_admits("linux/amd64", &table, 0));
	CHECK(rule_platform_admits("Linux/x86_64", &table, 0));
	CHECK(rule_platform_admits("amd64", &table, 0));
	CHECK(rule_platform_admits("linux/amd64/v2", &table, 0));
	CHECK(!rule_platform_admits("linux/arm64", &table, 0));
	CHECK(!rule_platform_admits("windows/amd64", &table, 0));
	CHECK(!rule_platform_admits("windows", &table, 0));
	CHECK(!rule_platform_admits("arm", &table, 0));
	CHECK(!rule_platform_admits("linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		&table, 0));
	fixture_node(fixture, "id-1", 1000, GIB); /* says nothing of its engine */
	node_table_update(&table, fixture->request.nodes, 1, NULL, 0);
	CHECK(!rule_platform_admits("linux", &table, 0));
	CHECK(!rule_platform_admits("amd64", &table, 0));
}
