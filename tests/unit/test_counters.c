#include "services/scheduler/counters.h"

#include "services/scheduler/cluster.h"
#include "services/scheduler/limits.h"
#include "tests/unit/place_fixture.h"

static const struct counter *
count(struct cluster *cluster, unsigned n)
{
	char label[32];

	(void)snprintf(label, sizeof label, "app=%u", n);
	return counters_get(cluster->counters, &(struct counter_wish){.kind = COUNTER_MATCH,
						       .namespace = "default",
						       .label = label});
}

TEST(counters_are_forgotten_between_two_calls_when_they_are_too_many)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	struct cluster cluster;
	struct place_fault fault;
	unsigned n = 0;

	cluster_init(&cluster, 10);
	fixture_node(fixture, "a", 1000, GIB);
	CHECK_OK(cluster_apply(&cluster, &fixture->request, &fault), &fault.err);
	counters_begin(cluster.counters);
	facets_begin(cluster.facets);
	for (; n < 10; n++)
		(void)count(&cluster, n);
	counters_begin(cluster.counters);
	CHECK_EQ(counters_n_kept(cluster.counters), 10); /* few are kept from call to call */
	/* Each takes its struct and a figure a row, at least. */
	for (; n <= PLACE_COUNTERS_BYTES_MAX / sizeof(struct counter); n++)
		(void)count(&cluster, n);
	CHECK_EQ(counters_n_kept(cluster.counters), n); /* not within a call: they are in use */
	counters_begin(cluster.counters);
	CHECK_EQ(counters_n_kept(cluster.counters), 0);
	CHECK_EQ(counter_at(count(&cluster, 1), 0), 0);
	cluster_fini(&cluster);
}
