#include "services/scheduler/strategies.h"

#include <errno.h>

#include "services/scheduler/limits.h"
#include "tests/unit/place_fixture.h"

enum { N_ROUNDS = 60, N_NODES_MOST = 300, N_PLACED = 150 };

static uint64_t
roll(uint64_t *state, uint64_t below)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return (*state >> 33) % below;
}

/* Sizes that are no whole MiB, so that the columns' rounding is put to the test. */
static uint64_t
odd_bytes(uint64_t *state)
{
	return roll(state, 4) == 0 ? roll(state, 4 * GIB) : roll(state, 8) * 512 * MIB;
}

static void
random_nodes(struct node_table *table, uint64_t *state)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	uint64_t n = 1 + roll(state, N_NODES_MOST);
	char id[32];

	for (uint64_t i = 0; i < n; i++) {
		Davit__PlaceNode *node;

		(void)snprintf(id, sizeof id, "n%03" PRIu64, i);
		node = fixture_node(fixture, id, 500 * roll(state, 17), 2 * odd_bytes(state));
		node->capacity->disk_bytes = odd_bytes(state);
		node->n_tasks = (uint32_t)roll(state, 4);
		node->schedulable = roll(state, 10) > 0;
	}
	node_table_init(table, 20);
	node_table_update(table, fixture->request.nodes, n, NULL, 0);
}

static struct want
random_want(uint64_t *state)
{
	return (struct want){
		.cpu_milli = (int64_t)(250 * roll(state, 9)),
		.memory_bytes = (int64_t)odd_bytes(state),
		.disk_bytes = roll(state, 3) == 0 ? (int64_t)odd_bytes(state) : 0,
	};
}

/* The formulas of the design, written down without any cleverness. */
static long double
oracle_score(Davit__TaskSpec__Strategy strategy, const struct node *node, const struct want *want)
{
	long double cpu = (long double)(node->cpu_milli - want->cpu_milli) / 1000;
	long double memory = (long double)(node->memory_bytes - want->memory_bytes) / (1 << 30);
	double cpu_share, memory_share;

	if (strategy == DAVIT__TASK_SPEC__STRATEGY__SPREAD ||
		(want->cpu_milli == 0 && want->memory_bytes == 0))
		return node->n_tasks;
	if (strategy == DAVIT__TASK_SPEC__STRATEGY__BEST_FIT)
		return cpu + memory;
	cpu_share = want->cpu_milli == 0 ? 0 : (double)want->cpu_milli / (double)node->cpu_milli;
	memory_share = want->memory_bytes == 0
			       ? 0
			       : (double)want->memory_bytes / (double)node->memory_bytes;
	return cpu_share > memory_share ? cpu_share : memory_share;
}

static uint32_t
oracle(Davit__TaskSpec__Strategy strategy, const struct node_table *table, const struct want *want,
	const int32_t *allow)
{
	uint32_t best = NODE_ROW_NONE;
	long double best_score = 0;

	for (uint32_t row = 0; row < table->n; row++) {
		const struct node *node = &table->nodes[row];
		long double score;

		if (!allow[row] || !node_table_fits(table, row, want))
			continue;
		score = oracle_score(strategy, node, want);
		if (best != NODE_ROW_NONE &&
			(score > best_score ||
				(score == best_score &&
					node->n_tasks >= table->nodes[best].n_tasks)))
			continue;
		best = row;
		best_score = score;
	}
	return best;
}

static void
compare_with_oracle(Davit__TaskSpec__Strategy strategy, uint64_t seed)
{
	CLEANUP(strategies_free) struct strategies *strategies = strategies_new(seed);
	uint64_t state = seed;
	unsigned n_placed = 0, n_refused = 0;

	for (unsigned round = 0; round < N_ROUNDS; round++) {
		CLEANUP(node_table_fini) struct node_table table;
		int32_t allow[N_NODES_MOST + NODE_BLOCK] = {0};

		random_nodes(&table, &state);
		for (uint32_t row = 0; row < table.n; row++)
			allow[row] = roll(&state, 5) > 0;
		for (unsigned i = 0; i < N_PLACED; i++) {
			struct want want = random_want(&state);
			uint32_t right = oracle(strategy, &table, &want, allow);
			struct choice choice = {.row = NODE_ROW_NONE};

			(void)strategies_choose(strategies, strategy, &table, &want, allow,
				&choice);
			CHECK_EQ(choice.row, right);
			if (right == NODE_ROW_NONE) {
				n_refused++;
				continue;
			}
			node_table_take(&table, right, &want);
			n_placed++;
		}
	}
	CHECK(n_placed > 1000 && n_refused > 100);
}

TEST(strategies_best_fit_chooses_as_brute_force_does)
{
	compare_with_oracle(DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, 1);
}

TEST(strategies_spread_chooses_as_brute_force_does)
{
	compare_with_oracle(DAVIT__TASK_SPEC__STRATEGY__SPREAD, 2);
}

TEST(strategies_resource_aware_chooses_as_brute_force_does)
{
	compare_with_oracle(DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE, 3);
}

static void
two_nodes(struct node_table *table)
{
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();

	fixture_node(fixture, "node1", 4000, 8 * GIB);
	fixture_node(fixture, "node2", 8000, 16 * GIB);
	node_table_init(table, PLACE_TASKS_PER_NODE_MAX);
	node_table_update(table, fixture->request.nodes, 2, NULL, 0);
}

/* The documented example: a task of 1 core and 2 GiB leaves 9.0 on node1 and 21.0 on node2. */
TEST(strategies_best_fit_gives_the_documented_figures)
{
	CLEANUP(strategies_free) struct strategies *strategies = strategies_new(0);
	CLEANUP(node_table_fini) struct node_table table;
	const struct want want = {.cpu_milli = 1000, .memory_bytes = (int64_t)(2 * GIB)};
	struct choice choice;

	two_nodes(&table);
	CHECK(strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, &table, &want,
		NULL, &choice));
	CHECK_STR(table.nodes[choice.row].id, "node1");
	CHECK(choice.score == 9.0);
}

TEST(strategies_best_fit_fills_both_nodes_with_six_and_refuses_the_seventh)
{
	CLEANUP(strategies_free) struct strategies *strategies = strategies_new(0);
	CLEANUP(node_table_fini) struct node_table table;
	const struct want want = {.cpu_milli = 2000, .memory_bytes = (int64_t)(4 * GIB)};
	struct choice choice;

	two_nodes(&table);
	for (unsigned i = 0; i < 6; i++) {
		CHECK(strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, &table,
			&want, NULL, &choice));
		CHECK_EQ(choice.row, i < 2 ? 0 : 1);
		node_table_take(&table, choice.row, &want);
	}
	CHECK(!strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, &table, &want,
		NULL, &choice));
}

TEST(strategies_best_fit_does_not_pile_up_tasks_that_reserve_nothing)
{
	CLEANUP(strategies_free) struct strategies *strategies = strategies_new(0);
	CLEANUP(node_table_fini) struct node_table table;
	const struct want want = {0};
	struct choice choice;

	two_nodes(&table);
	for (unsigned i = 0; i < 10; i++) {
		CHECK(strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, &table,
			&want, NULL, &choice));
		node_table_take(&table, choice.row, &want);
	}
	CHECK_EQ(table.nodes[0].n_tasks, 5);
	CHECK_EQ(table.nodes[1].n_tasks, 5);
}

TEST(strategies_round_robin_takes_turns_and_keeps_its_place)
{
	CLEANUP(strategies_free) struct strategies *strategies = strategies_new(0);
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const struct want want = {0}, big = {.cpu_milli = 6000};
	const char *const removed[] = {"b"};
	char chosen[64] = "";
	struct choice choice;

	fixture_node(fixture, "a", 4000, GIB);
	fixture_node(fixture, "b", 4000, GIB);
	fixture_node(fixture, "c", 8000, GIB);
	fixture_node(fixture, "d", 4000, GIB)->schedulable = false;
	node_table_init(&table, 100);
	node_table_update(&table, fixture->request.nodes, 4, NULL, 0);
	for (unsigned i = 0; i < 8; i++) {
		if (i == 5) /* the cursor is on b, which goes: c is next all the same */
			node_table_update(&table, NULL, 0, removed, 1);
		CHECK(strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN, &table,
			i == 7 ? &big : &want, NULL, &choice));
		(void)snprintf(chosen + strlen(chosen), sizeof chosen - strlen(chosen), "%s",
			table.nodes[choice.row].id);
	}
	CHECK_STR(chosen, "abcabcac");
}

TEST(strategies_random_is_fair_and_repeats_with_its_seed)
{
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	unsigned counts[40] = {0};
	uint32_t first[100];
	char id[32];

	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(id, sizeof id, "n%02u", i);
		fixture_node(fixture, id, i % 2 == 0 ? 4000 : 1000, GIB);
	}
	node_table_init(&table, 100000);
	node_table_update(&table, fixture->request.nodes, 40, NULL, 0);
	for (unsigned round = 0; round < 2; round++) {
		CLEANUP(strategies_free) struct strategies *strategies = strategies_new(7);
		const struct want want = {.cpu_milli = 2000};
		struct choice choice;

		for (unsigned i = 0; i < 4000; i++) {
			CHECK(strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__RANDOM,
				&table, &want, NULL, &choice));
			counts[choice.row]++;
			if (i < 100 && round == 0)
				first[i] = choice.row;
			if (i < 100)
				CHECK_EQ(choice.row, first[i]);
		}
	}
	for (unsigned i = 0; i < 40; i++)
		CHECK(i % 2 == 0 ? counts[i] > 300 && counts[i] < 500 : counts[i] == 0);
}

TEST(strategies_random_finds_the_only_node_that_fits)
{
	CLEANUP(strategies_free) struct strategies *strategies = strategies_new(7);
	CLEANUP(node_table_fini) struct node_table table;
	CLEANUP(fixture_free) struct fixture *fixture = fixture_new();
	const struct want want = {.cpu_milli = 2000}, none = {.cpu_milli = 9000};
	struct choice choice;
	char id[32];

	for (unsigned i = 0; i < 400; i++) {
		(void)snprintf(id, sizeof id, "n%03u", i);
		fixture_node(fixture, id, i == 333 ? 4000 : 1000, GIB);
	}
	node_table_init(&table, 100);
	node_table_update(&table, fixture->request.nodes, 400, NULL, 0);
	CHECK(strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__RANDOM, &table, &want, NULL,
		&choice));
	CHECK_EQ(choice.row, 333);
	CHECK(!strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__RANDOM, &table, &none,
		NULL, &choice));
}

TEST(strategies_have_names)
{
	Davit__TaskSpec__Strategy strategy = DAVIT__TASK_SPEC__STRATEGY__CLUSTER;
	struct err err = {0};

	CHECK_OK(strategy_parse("resource-aware", &strategy, &err), &err);
	CHECK_EQ(strategy, DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE);
	CHECK_STR(strategy_name(DAVIT__TASK_SPEC__STRATEGY__BEST_FIT), "best-fit");
	CHECK(strategy_name(DAVIT__TASK_SPEC__STRATEGY__CLUSTER) == NULL);
	CHECK(strategy_name((Davit__TaskSpec__Strategy)99) == NULL);
	CHECK_EQ(strategy_parse("worst-fit", &strategy, &err), -EINVAL);
	CHECK_HAS(err.text, "want best-fit, spread, round-robin, random or resource-aware");
}
