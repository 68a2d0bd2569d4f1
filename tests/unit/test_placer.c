#include "services/scheduler/placer.h"

#include <errno.h>

#include "services/scheduler/limits.h"
#include "services/scheduler/place_reply.h"
#include "tests/unit/place_fixture.h"

static struct placer *
placer_default(void)
{
	return placer_new(&(const struct placer_options){.seed = 1});
}

static const Davit__PlaceReply *
place(struct placer *placer, struct fixture *fixture)
{
	const Davit__PlaceReply *reply = NULL;
	struct place_fault fault = {0};

	CHECK_OK(placer_place(placer, &fixture->request, &reply, &fault), &fault.err);
	return reply;
}

/* Turns a fixture into a change of what was sent before. */
static void
as_change(struct fixture *fixture, uint64_t base_version, uint64_t version)
{
	fixture->request.snapshot = false;
	fixture->request.base_version = base_version;
	fixture->request.version = version;
}

TEST(placer_asks_for_a_snapshot_when_it_has_a_gap)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *first = fixture_new(), *change = fixture_new();
	const Davit__PlaceReply *reply;
	struct place_fault fault = {0};

	as_change(change, 0, 1);
	CHECK_EQ(placer_place(placer, &change->request, &reply, &fault), -ESTALE);
	CHECK_HAS(fault.err.text, "send a snapshot");
	fixture_node(first, "a", 4000, GIB);
	CHECK_EQ(place(placer, first)->version, 1);
	as_change(change, 7, 8);
	CHECK_EQ(placer_place(placer, &change->request, &reply, &fault), -ESTALE);
	CHECK_STR(fault.field, "base_version");
	CHECK_HAS(fault.err.text, "start from version 7, the cache is at 1");
	as_change(change, 1, 8);
	CHECK_EQ(place(placer, change)->version, 8);
	CHECK_EQ(placer_version(placer), 8);
	/* The same call once more, as nng repeats it after a broken connection. */
	CHECK_EQ(placer_place(placer, &change->request, &reply, &fault), -ESTALE);
}

TEST(placer_snapshot_replaces_everything)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *first = fixture_new(), *second = fixture_new();

	fixture_node(first, "a", 4000, GIB);
	fixture_node(first, "b", 4000, GIB);
	(void)place(placer, first);
	fixture_node(second, "c", 4000, GIB);
	fixture_task(second, "t", 1000, 0);
	CHECK_STR(placed_on(place(placer, second), "t"), "c");
	CHECK_EQ(placer_n_nodes(placer), 1);
}

TEST(placer_serves_tasks_in_order_and_each_sees_the_ones_before)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "small", 2000, 4 * GIB);
	fixture_node(fixture, "large", 4000, 8 * GIB);
	fixture_task(fixture, "t1", 2000, GIB);
	fixture_task(fixture, "t2", 3000, GIB);
	fixture_task(fixture, "t3", 2000, GIB);
	fixture_task(fixture, "t4", 1000, GIB);
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t1"), "small");
	CHECK_STR(placed_on(reply, "t2"), "large");
	CHECK_HAS(refused_with(reply, "t3"), "cpu short on 2 of 2 nodes");
	CHECK_STR(placed_on(reply, "t4"), "large");
	CHECK_EQ(reply->n_refusals, 1);
	CHECK_STR(reply->refusals[0]->nearest_node_id, "large");
	CHECK_EQ(reply->refusals[0]->lacking->cpu_milli, 1000);
	CHECK_EQ(reply->refusals[0]->n_filters, 1);
	CHECK_STR(reply->refusals[0]->filters[0]->filter, "cpu");
	CHECK_EQ(reply->refusals[0]->filters[0]->n_nodes, 2);
}

/* Only the manager reserves: what it refuses or never hears of must not be held here. */
TEST(placer_forgets_its_own_placements_when_the_call_ends)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free)
	struct fixture *first = fixture_new(), *second = fixture_new(), *third = fixture_new();

	fixture_node(first, "a", 2000, GIB);
	fixture_port(first, fixture_task(first, "t1", 2000, 0), 80);
	CHECK_STR(placed_on(place(placer, first), "t1"), "a");
	as_change(second, 1, 2);
	fixture_port(second, fixture_task(second, "t2", 2000, 0), 80);
	CHECK_STR(placed_on(place(placer, second), "t2"), "a");
	as_change(third, 2, 3);
	fixture_node(third, "a", 2000, GIB)->reserved->cpu_milli = 1;
	fixture_task(third, "t3", 2000, 0);
	CHECK_STR(placed_on(place(placer, third), "t3"), "-");
}

TEST(placer_avoids_nodes_for_one_task_only)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 2000, GIB);
	fixture_node(fixture, "b", 4000, GIB);
	fixture_task(fixture, "t1", 500, 0);
	fixture_avoid(fixture, fixture->tasks[0], "a");
	fixture_avoid(fixture, fixture->tasks[0], "gone");
	fixture_again(fixture, "t2", "t1");
	fixture_avoid(fixture, fixture_again(fixture, "t3", "t1"), "a");
	fixture_avoid(fixture, fixture->tasks[2], "b");
	fixture_again(fixture, "t4", "t1");
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t1"), "b");
	CHECK_STR(placed_on(reply, "t2"), "a");
	CHECK_STR(refused_with(reply, "t3"), "no node fits: 2 tried before");
	CHECK_STR(placed_on(reply, "t4"), "a");
}

TEST(placer_gives_a_static_port_once_per_engine)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_engine(fixture, fixture_node(fixture, "a", 2000, GIB), "E1", "linux", "amd64");
	fixture_engine(fixture, fixture_node(fixture, "b", 4000, GIB), "E1", "linux", "amd64");
	fixture_engine(fixture, fixture_node(fixture, "c", 8000, GIB), "E2", "linux", "amd64");
	fixture_port(fixture, fixture_task(fixture, "t1", 100, 0), 8080);
	fixture_again(fixture, "t2", "t1");
	fixture_again(fixture, "t3", "t1");
	fixture_port(fixture, fixture_task(fixture, "t4", 100, 0), 9090);
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t1"), "a");
	CHECK_STR(placed_on(reply, "t2"), "c");
	CHECK_STR(refused_with(reply, "t3"), "no node fits: host port 8080 taken on 3 of 3 nodes");
	CHECK_STR(placed_on(reply, "t4"), "a");
}

TEST(placer_obeys_the_strategy_of_the_task_before_its_own)
{
	CLEANUP(placer_free)
	struct placer *placer = placer_new(&(const struct placer_options){
		.strategy = DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE});
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 2000, GIB);
	fixture_node(fixture, "b", 4000, GIB);
	fixture_task(fixture, "t1", 500, 0);
	fixture_task(fixture, "t2", 500, 0)->strategy = DAVIT__TASK_SPEC__STRATEGY__BEST_FIT;
	fixture_task(fixture, "t3", 500, 0)->strategy = (Davit__TaskSpec__Strategy)42;
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t1"), "b");
	CHECK(reply->placements[0]->score == 0.125);
	CHECK_STR(placed_on(reply, "t2"), "a");
	CHECK_HAS(refused_with(reply, "t3"), "does not know the task's strategy");
}

TEST(placer_says_what_it_cannot_read)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 2000, GIB);
	fixture_task(fixture, "t1", 500, 0)->strategy = 99;
	fixture_constraint(fixture, fixture_task(fixture, "t2", 500, 0), "node.labels.x ~ y");
	reply = place(placer, fixture);
	CHECK_HAS(refused_with(reply, "t1"), "does not know the task's strategy");
	CHECK_HAS(refused_with(reply, "t2"), "'node.labels.x ~ y'");
}

TEST(placer_refuses_requests_that_contradict_themselves)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free)
	struct fixture *nodes = fixture_new(), *specs = fixture_new(), *tasks = fixture_new();
	const Davit__PlaceReply *reply;
	struct place_fault fault = {0};

	fixture_node(nodes, "a", 2000, GIB);
	fixture_node(nodes, "b", 2000, GIB);
	fixture_node(nodes, "a", 2000, GIB);
	CHECK_EQ(placer_place(placer, &nodes->request, &reply, &fault), -EINVAL);
	CHECK_STR(fault.field, "nodes");
	fixture_task(specs, "t", 0, 0);
	fixture_task(specs, "t", 0, 0);
	CHECK_EQ(placer_place(placer, &specs->request, &reply, &fault), -EINVAL);
	CHECK_STR(fault.field, "specs");
	fixture_task(tasks, "t", 0, 0);
	fixture_again(tasks, "u", "nobody");
	CHECK_EQ(placer_place(placer, &tasks->request, &reply, &fault), -EINVAL);
	CHECK_STR(fault.field, "tasks[1].spec_id");
	CHECK_EQ(placer_n_nodes(placer), 0);
}

TEST(placer_stops_explaining_when_it_takes_too_long)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;
	char id[16];

	for (unsigned i = 0; i < FIXTURE_MAX; i++) {
		(void)snprintf(id, sizeof id, "n%04u", i);
		fixture_node(fixture, id, 1000, GIB);
		(void)snprintf(id, sizeof id, "t%04u", i);
		fixture_task(fixture, id, 2000 + i, 0);
	}
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_refusals, FIXTURE_MAX);
	CHECK_HAS(refused_with(reply, "t0000"), "cpu short on 4096 of 4096 nodes");
	CHECK_HAS(refused_with(reply, "t4095"), "too many tasks were refused at once");
}

TEST(placer_explains_equal_tasks_once)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 1000, GIB);
	fixture_task(fixture, "t", 2000, 0);
	fixture_again(fixture, "u", "t");
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_refusals, 2);
	CHECK(reply->refusals[0]->message == reply->refusals[1]->message);
}

/* The whole answer goes through the wire's encoding and back. */
TEST(placer_reply_can_be_packed)
{
	CLEANUP(placer_free) struct placer *placer = placer_default();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	CLEANUP(free) char *bytes = NULL;
	const Davit__PlaceReply *reply;
	Davit__PlaceReply *copy;
	size_t size;

	fixture_node(fixture, "a", 1000, GIB);
	fixture_task(fixture, "t", 500, 0);
	fixture_task(fixture, "u", 2000, 0);
	reply = place(placer, fixture);
	size = davit__place_reply__get_packed_size(reply);
	bytes = xmalloc(size);
	(void)davit__place_reply__pack(reply, (uint8_t *)bytes);
	copy = davit__place_reply__unpack(NULL, size, (const uint8_t *)bytes);
	CHECK(copy != NULL);
	CHECK_STR(copy->placements[0]->node_id, "a");
	CHECK_HAS(copy->refusals[0]->message, "nearest a has 0.5 free");
	davit__place_reply__free_unpacked(copy, NULL);
	placer_reply_done(placer);
}
