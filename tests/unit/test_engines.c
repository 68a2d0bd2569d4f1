#include "services/scheduler/engines.h"
#include "tests/lib/test.h"

TEST(engines_with_one_id_are_one_and_without_an_id_are_many)
{
	CLEANUP(engines_free) struct engines *engines = engines_new();
	uint32_t a = engines_ref(engines, "E1"), b = engines_ref(engines, "E1");
	uint32_t c = engines_ref(engines, ""), d = engines_ref(engines, NULL);

	CHECK_EQ(a, b);
	CHECK(c != d && c != a);
	CHECK_EQ(engines_n_refs(engines, a), 2);
	engines_unref(engines, b);
	CHECK_EQ(engines_n_refs(engines, a), 1);
}

/* Many come, every third goes, and others come in their place. */
TEST(engines_are_found_by_id_whoever_came_and_went)
{
	CLEANUP(engines_free) struct engines *engines = engines_new();
	uint32_t handles[1000];
	char id[16];

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 1000; i++) {
			(void)snprintf(id, sizeof id, "E%u", i);
			if (round == 0 || i % 3 == 0)
				handles[i] = engines_ref(engines, id);
			else
				CHECK_EQ(engines_ref(engines, id), handles[i]);
			CHECK_EQ(engines_n_refs(engines, handles[i]),
				round == 0 || i % 3 == 0 ? 1 : 2);
		}
		for (uint32_t i = 0; i < 1000; i++)
			if (round > 0 || i % 3 == 0)
				engines_unref(engines, handles[i]);
	}
}

TEST(engines_forget_their_ports_with_the_last_node)
{
	CLEANUP(engines_free) struct engines *engines = engines_new();
	const uint32_t ports[] = {80};
	uint32_t engine = engines_ref(engines, "E1");

	engines_ports_set(engines, engine, ports, 1);
	CHECK(engines_port_is_taken(engines, engine, 80));
	engines_unref(engines, engine);
	engine = engines_ref(engines, "E1");
	CHECK(!engines_port_is_taken(engines, engine, 80));
}

TEST(engines_take_and_give_single_ports)
{
	CLEANUP(engines_free) struct engines *engines = engines_new();
	const uint32_t ports[] = {443, 80, 80, 65535, 0};
	uint32_t engine = engines_ref(engines, "E1");

	engines_ports_set(engines, engine, ports, 5);
	for (uint16_t port = 1000; port < 1020; port++)
		engines_port_take(engines, engine, port);
	engines_port_give(engines, engine, 80);
	CHECK(!engines_port_is_taken(engines, engine, 80));
	CHECK(engines_port_is_taken(engines, engine, 0));
	CHECK(engines_port_is_taken(engines, engine, 443));
	CHECK(engines_port_is_taken(engines, engine, 1019));
	CHECK(!engines_port_is_taken(engines, engine, 1020));
	CHECK(engines_port_is_taken(engines, engine, 65535));
	engines_ports_set(engines, engine, NULL, 0);
	CHECK(!engines_port_is_taken(engines, engine, 443));
}
