/* What the placer does beyond a choice: gangs, evictions, claims, explanations, questions. */
#include "services/scheduler/evict.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/placer.h"
#include "tests/unit/place_fixture.h"

static Davit__PlaceGroup *
add_group(struct fixture *fixture, Davit__PlaceNode *node, const char *id, uint32_t priority,
	uint32_t n)
{
	Davit__PlaceGroup *group = fixture_block(fixture, sizeof *group);
	Davit__PlaceCount *count = fixture_block(fixture, sizeof *count);

	davit__place_group__init(group);
	davit__place_count__init(count);
	group->id = count->group_id = fixture_text(fixture, "%s", id);
	count->n = n;
	group->has_priority = true;
	group->priority = priority;
	group->created_ms = 1000;
	group->resources = fixture_block(fixture, sizeof *group->resources);
	davit__resources__init(group->resources);
	group->resources->cpu_milli = 1000;
	if (fixture->request.groups == NULL)
		fixture->request.groups = fixture_block(fixture, 64 * sizeof(Davit__PlaceGroup *));
	fixture->request.groups[fixture->request.n_groups++] = group;
	fixture->request.has_groups = true;
	if (node->running == NULL)
		node->running = fixture_block(fixture, 64 * sizeof(Davit__PlaceCount *));
	node->running[node->n_running++] = count;
	node->n_tasks += n;
	node->reserved->cpu_milli += 1000 * n;
	return group;
}

static const Davit__PlaceReply *
place(struct placer *placer, struct fixture *fixture)
{
	const Davit__PlaceReply *reply = NULL;
	struct place_fault fault = {0};

	CHECK_OK(placer_place(placer, &fixture->request, &reply, &fault), &fault.err);
	return reply;
}

static struct placer *
a_placer(void)
{
	return placer_new(&(const struct placer_options){.seed = 1});
}

/* The tasks of one group, all or none. */
static void
as_gang(struct fixture *fixture, size_t first, size_t n, const char *group)
{
	for (size_t i = first; i < first + n; i++) {
		fixture->tasks[i]->has_gang = fixture->tasks[i]->gang = true;
		fixture->tasks[i]->group_id = fixture_text(fixture, "%s", group);
	}
}

TEST(placing_a_gang_is_all_or_nothing)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 3000, GIB);
	fixture_task(fixture, "g1", 1000, 0);
	fixture_again(fixture, "g2", "g1");
	fixture_again(fixture, "g3", "g1");
	fixture_again(fixture, "g4", "g1");
	fixture_again(fixture, "h1", "g1");
	fixture_again(fixture, "h2", "g1");
	as_gang(fixture, 0, 4, "g");
	as_gang(fixture, 4, 2, "h");
	fixture_task(fixture, "single", 1000, 0);
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_placements, 3); /* what the first gang took is free again */
	CHECK_STR(placed_on(reply, "h1"), "a");
	CHECK_STR(placed_on(reply, "h2"), "a");
	CHECK_STR(placed_on(reply, "single"), "a");
	for (char id[] = "g1"; id[1] < '5'; id[1]++)
		CHECK_HAS(refused_with(reply, id),
			"all or none of 4: only 3 fit now; no node fits: cpu");
}

TEST(placing_for_others_evicts_the_least)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__PlaceNode *a = fixture_node(fixture, "a", 4000, GIB);
	Davit__PlaceNode *b = fixture_node(fixture, "b", 4000, GIB);
	const Davit__PlaceReply *reply;

	add_group(fixture, a, "low", 10, 4);
	add_group(fixture, b, "lowest", 5, 2);
	add_group(fixture, b, "mine", 60, 1);
	add_group(fixture, b, "others", 1, 1)->namespace_ = fixture_text(fixture, "others");
	fixture_task(fixture, "one", 1000, 0);
	fixture_task(fixture, "three", 3000, 0);
	fixture_task(fixture, "four", 4000, 0);
	for (unsigned i = 0; i < 3; i++) {
		fixture->tasks[i]->has_may_preempt = fixture->tasks[i]->may_preempt = true;
		fixture->specs[i]->spec->has_priority = true;
		fixture->specs[i]->spec->priority = 50;
	}
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_placements, 2);
	CHECK_STR(placed_on(reply, "one"), "b"); /* the lowest of all that are below 50 */
	CHECK_EQ(reply->placements[0]->n_evictions, 1);
	CHECK_STR(reply->placements[0]->evictions[0]->group_id, "lowest");
	CHECK_EQ(reply->placements[0]->evictions[0]->n, 1);
	CHECK_STR(placed_on(reply, "three"), "a"); /* b has only one left that may go */
	CHECK_STR(reply->placements[1]->evictions[0]->group_id, "low");
	CHECK_EQ(reply->placements[1]->evictions[0]->n, 3);
	CHECK_HAS(refused_with(reply, "four"), "cpu short"); /* never equals, nor strangers */
}

TEST(placing_prefers_the_youngest_to_go)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	add_group(fixture, fixture_node(fixture, "a", 1000, GIB), "old", 10, 1)->created_ms = 1;
	add_group(fixture, fixture_node(fixture, "b", 1000, GIB), "young", 10, 1)->created_ms = 9;
	fixture_task(fixture, "t", 1000, 0);
	fixture->tasks[0]->may_preempt = true;
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t"), "b");
	CHECK_STR(reply->placements[0]->evictions[0]->group_id, "young");
}

TEST(placing_claims_the_node_that_lacks_least)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 4000, GIB)->reserved->cpu_milli = 3000;
	fixture_node(fixture, "b", 4000, GIB)->reserved->cpu_milli = 2000;
	fixture_node(fixture, "c", 2500, GIB); /* nearest, but never large enough */
	fixture_task(fixture, "big", 3000, 0);
	fixture->tasks[0]->may_claim = true;
	fixture_task(fixture, "small", 2000, 0);
	fixture_task(fixture, "next", 2000, 0);
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "big"), "b");
	CHECK(reply->placements[0]->claim);
	CHECK_STR(placed_on(reply, "small"), "c"); /* what b has is spoken for */
	CHECK(!reply->placements[1]->claim);
	CHECK_STR(placed_on(reply, "next"), "-");
}

TEST(placing_for_others_evicts_of_so_many_groups)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__PlaceNode *node = fixture_node(fixture, "a", 1000 * (EVICT_GROUPS_MAX + 1), GIB);
	const Davit__PlaceReply *reply;

	for (unsigned i = 0; i <= EVICT_GROUPS_MAX; i++)
		add_group(fixture, node, fixture_text(fixture, "low%u", i), i, 1);
	fixture_task(fixture, "t", 1000 * EVICT_GROUPS_MAX, 0);
	fixture->tasks[0]->may_preempt = true;
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t"), "a");
	CHECK_EQ(reply->placements[0]->n_evictions, EVICT_GROUPS_MAX);
	for (size_t i = 0; i < EVICT_GROUPS_MAX; i++) /* all but the highest */
		CHECK(strcmp(reply->placements[0]->evictions[i]->group_id, "low16") != 0);
	fixture->specs[0]->spec->cpu_milli += 1000;
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t"), "-");
}

/* So many that not all sets can be looked at: some are found all the same, and none too many. */
TEST(placing_for_others_of_very_many_evicts_enough_and_no_more)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	Davit__PlaceNode *node = fixture_node(fixture, "a", 600000, GIB);
	const Davit__PlaceReply *reply;
	uint32_t n = 0;

	for (unsigned i = 0; i < 6; i++)
		add_group(fixture, node, fixture_text(fixture, "low%u", i), i, 100);
	fixture_task(fixture, "t", 90500, 0);
	fixture->tasks[0]->may_preempt = true;
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "t"), "a");
	for (size_t i = 0; i < reply->placements[0]->n_evictions; i++)
		n += reply->placements[0]->evictions[i]->n;
	CHECK_EQ(n, 91);
}

/* n tasks of one gang that may do both, of priority 50. */
static void
greedy_gang(struct fixture *fixture, unsigned n, uint64_t cpu_milli)
{
	fixture_task(fixture, "g0", cpu_milli, 0);
	for (unsigned i = 1; i < n; i++)
		fixture_again(fixture, fixture_text(fixture, "g%u", i), "g0");
	as_gang(fixture, 0, n, "g");
	for (unsigned i = 0; i < n; i++)
		fixture->tasks[i]->may_preempt = fixture->tasks[i]->may_claim = true;
}

TEST(placing_a_gang_for_others_evicts_for_all_or_none)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;
	uint32_t n_low = 0, n_evicting = 0;

	add_group(fixture, fixture_node(fixture, "a", 4000, GIB), "low", 10, 4);
	add_group(fixture, fixture_node(fixture, "b", 4000, GIB), "equal", 50, 4);
	fixture_node(fixture, "c", 1500, GIB);
	greedy_gang(fixture, 3, 1500);
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_placements, 3);
	CHECK_STR(placed_on(reply, "g0"), "c"); /* nobody has to go there */
	CHECK_STR(placed_on(reply, "g1"), "a");
	CHECK_STR(placed_on(reply, "g2"), "a");
	for (size_t i = 0; i < 3; i++) {
		n_evicting += reply->placements[i]->n_evictions > 0;
		CHECK(!reply->placements[i]->claim);
		if (reply->placements[i]->n_evictions > 0)
			n_low += reply->placements[i]->evictions[0]->n;
	}
	CHECK_EQ(n_evicting, 2);
	CHECK_EQ(n_low, 3); /* two for the first, which leaves half a core for the second */
	/* One more than all of them could make room for: then nobody goes. */
	fixture_again(fixture, "g3", "g0");
	as_gang(fixture, 3, 1, "g");
	for (unsigned i = 0; i < 4; i++)
		fixture->tasks[i]->may_claim = false;
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_placements, 0);
	CHECK_HAS(refused_with(reply, "g0"), "all or none of 4: only 3 fit");
	CHECK_STR(placed_on(reply, "g3"), "-");
}

TEST(placing_a_gang_claims_room_for_all_or_none)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;
	unsigned n_a = 0;

	fixture_node(fixture, "a", 4000, GIB)->reserved->cpu_milli = 3000;
	fixture_node(fixture, "b", 4000, GIB)->reserved->cpu_milli = 500;
	fixture_node(fixture, "c", 1900, GIB); /* never large enough */
	greedy_gang(fixture, 3, 2000);
	fixture->request.has_groups = true;
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_placements, 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK(reply->placements[i]->claim); /* where there is room already, too */
		CHECK_EQ(reply->placements[i]->n_evictions, 0);
		n_a += strcmp(reply->placements[i]->node_id, "a") == 0;
	}
	CHECK_STR(placed_on(reply, "g0"), "b");
	CHECK_EQ(n_a, 1); /* b is large enough for two, and the nearer one */
	fixture_again(fixture, "g3", "g0")->may_claim = true;
	fixture_again(fixture, "g4", "g0")->may_claim = true;
	as_gang(fixture, 3, 2, "g");
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_placements, 0); /* two nodes of two halves never hold five */
	CHECK_HAS(refused_with(reply, "g4"), "all or none of 5");
	fixture->request.n_tasks = 3;
	fixture->specs[0]->spec->has_max_per_node = true;
	fixture->specs[0]->spec->max_per_node = 1;
	reply = place(placer, fixture);
	CHECK_EQ(reply->n_placements, 0); /* one of them would have no node */
	fixture->request.n_tasks = 2;
	reply = place(placer, fixture);
	CHECK_STR(placed_on(reply, "g0"), "b");
	CHECK_STR(placed_on(reply, "g1"), "a");
}

TEST(placing_asks_for_groups_where_it_needs_them_and_answers_the_rest)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 2000, GIB);
	fixture_task(fixture, "plain", 1000, 0);
	fixture_task(fixture, "apart", 1000, 0)->max_per_node = 1;
	fixture_task(fixture, "pushy", 4000, 0);
	fixture->tasks[2]->may_preempt = true;
	reply = place(placer, fixture);
	CHECK(reply->wants_groups);
	CHECK_EQ(reply->n_placements, 1);
	CHECK_EQ(reply->n_refusals, 0);
	fixture->request.has_groups = true;
	reply = place(placer, fixture);
	CHECK(!reply->wants_groups);
	CHECK_STR(placed_on(reply, "apart"), "a");
	CHECK_HAS(refused_with(reply, "pushy"), "cpu short");
}

TEST(placing_explains_where_and_why)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__Explanation *explanation;
	Davit__TaskSpec *spec;

	fixture_label(fixture, fixture_node(fixture, "a", 1000, GIB), "disk", "ssd");
	fixture_label(fixture, fixture_node(fixture, "b", 2000, GIB), "disk", "ssd");
	fixture_node(fixture, "c", 8000, GIB);
	fixture_node(fixture, "d", 8000, GIB)->schedulable = false;
	fixture_constraint(fixture, fixture_task(fixture, "t", 1000, 0), "node.labels.disk == ssd");
	spec = fixture_task(fixture, "u", 4000, 0);
	fixture_constraint(fixture, spec, "node.labels.disk == ssd");
	fixture->request.explain = fixture->request.dry_run = true;
	explanation = place(placer, fixture)->explanations[0];
	CHECK_STR(explanation->strategy, "best-fit");
	CHECK(explanation->n_nodes == 4 && explanation->n_feasible == 2);
	CHECK_EQ(explanation->n_filters, 2);
	CHECK_STR(explanation->filters[0]->filter, "constraint");
	CHECK_STR(explanation->filters[0]->detail, "node.labels.disk == ssd");
	CHECK_STR(explanation->best[0]->node_id, "a");
	CHECK(explanation->best[0]->score == 1.0 && explanation->best[1]->score == 2.0);
	CHECK_STR(explanation->best[0]->parts[0]->name, "fit");
	explanation = place(placer, fixture)->explanations[1];
	CHECK_EQ(explanation->n_feasible, 0);
	CHECK_STR(explanation->nearest_node_id, "b");
	CHECK_EQ(explanation->lacking->cpu_milli, 2000);
	CHECK_STR(explanation->remedies[0], "2 CPU would have to come free on b");
	CHECK_STR(explanation->remedies[1],
		"without 'node.labels.disk == ssd' it would fit on 1 more node");
	CHECK_STR(explanation->remedies[2],
		"or a node with 'node.labels.disk == ssd' would have to join, with 4 CPU");
}

/* Who would have to end is only known of what runs. */
TEST(placing_explains_what_fits_nowhere_with_what_runs)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	fixture_node(fixture, "a", 4000, GIB)->reserved->cpu_milli = 4000;
	fixture_task(fixture, "t", 4000, 0);
	fixture->request.explain = fixture->request.dry_run = true;
	reply = place(placer, fixture);
	CHECK(reply->wants_groups);
	CHECK_EQ(reply->n_refusals, 0);
	fixture->nodes[0]->reserved->cpu_milli = 0;
	add_group(fixture, fixture->nodes[0], "low", 10, 1)->name = fixture_text(fixture, "low");
	fixture->request.groups[0]->resources->cpu_milli = 4000;
	fixture->nodes[0]->reserved->cpu_milli = 4000;
	reply = place(placer, fixture);
	CHECK(!reply->wants_groups);
	CHECK_STR(reply->explanations[0]->remedies[0], "4 CPU would have to come free on a");
	CHECK_HAS(reply->explanations[0]->remedies[1], "one task of 'low'");
	CHECK_HAS(reply->explanations[0]->remedies[2], "or a node with 4 CPU");
}

TEST(placing_explains_the_ten_best)
{
	CLEANUP(placer_free) struct placer *placer = a_placer();
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const Davit__PlaceReply *reply;

	for (unsigned i = 0; i < PLACE_BEST_MAX + 2; i++)
		fixture_node(fixture, fixture_text(fixture, "n%02u", i), 8000 - 100 * i, GIB);
	fixture_task(fixture, "t", 1000, 0);
	fixture->request.explain = true;
	reply = place(placer, fixture);
	CHECK_EQ(reply->explanations[0]->n_feasible, PLACE_BEST_MAX + 2);
	CHECK_EQ(reply->explanations[0]->n_best, PLACE_BEST_MAX);
	CHECK_STR(reply->explanations[0]->best[0]->node_id, "n11");
	CHECK_STR(reply->explanations[0]->best[PLACE_BEST_MAX - 1]->node_id, "n02");
}

TEST(placing_as_a_question_leaves_turns_as_they_were)
{
	CLEANUP(placer_free)
	struct placer *placer = placer_new(&(const struct placer_options){
		.strategy = DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN});
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();

	fixture_node(fixture, "a", 2000, GIB);
	fixture_node(fixture, "b", 2000, GIB);
	fixture_task(fixture, "t", 0, 0);
	CHECK_STR(placed_on(place(placer, fixture), "t"), "a");
	fixture->request.dry_run = true;
	CHECK_STR(placed_on(place(placer, fixture), "t"), "b");
	CHECK_STR(placed_on(place(placer, fixture), "t"), "b");
	fixture->request.dry_run = false;
	CHECK_STR(placed_on(place(placer, fixture), "t"), "b");
	CHECK_STR(placed_on(place(placer, fixture), "t"), "a");
}
