#include "services/scheduler/strategies.h"

#include "common/base/mem.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/measure.h"
#include <assert.h>

enum { RANDOM_TRIES = 16 };

struct strategies {
	char *last_id;   /* node that round-robin chose last; NULL: none yet */
	uint64_t random; /* state of the generator */
};

struct strategies *
strategies_new(uint64_t seed)
{
	struct strategies *strategies = xcalloc(1, sizeof *strategies);

	strategies->random = seed;
	return strategies;
}

struct strategies *
strategies_copy(const struct strategies *strategies)
{
	struct strategies *copy = strategies_new(strategies->random);

	copy->last_id = xstrdup(strategies->last_id);
	return copy;
}

void
strategies_free(struct strategies *strategies)
{
	if (strategies == NULL)
		return;
	free(strategies->last_id);
	free(strategies);
}

/* splitmix64: every seed gives a full period. */
static uint64_t
random_next(struct strategies *strategies)
{
	uint64_t z = strategies->random += 0x9E3779B97F4A7C15U;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
	return z ^ (z >> 31);
}

/* Below n. The bias of a 64-bit product is below 2^-40 for any table. */
static uint32_t
random_below(struct strategies *strategies, uint32_t n)
{
	return (uint32_t)(((random_next(strategies) >> 32) * n) >> 32);
}

/* The row after the one that was chosen last. */
static uint32_t
next_row(const struct strategies *strategies, const struct node_table *table)
{
	uint32_t from = 0;

	if (strategies->last_id == NULL)
		return 0;
	from = node_table_lower_bound(table, strategies->last_id);
	if (from < table->n && strcmp(table->nodes[from].id, strategies->last_id) == 0)
		from++;
	return from;
}

static bool
choose_next(struct strategies *strategies, const struct seek *seek, struct choice *ret_choice)
{
	const struct node_table *table = seek->table;
	uint32_t from = next_row(strategies, table);
	bool has_wishes = seek_has_wishes(seek);
	double least = has_wishes ? seek_wishes_least(seek) : 0;
	struct choice best = {.row = NODE_ROW_NONE};

	for (uint32_t i = 0; i < table->n; i++) {
		uint32_t row = (from + i) % table->n;
		double score = has_wishes ? seek_wishes_at(seek, row) : i;

		if ((best.row != NODE_ROW_NONE && score >= best.score) || !seek_admits(seek, row))
			continue;
		best = (struct choice){.row = row, .score = score};
		if (!has_wishes || score <= least)
			break;
	}
	if (best.row == NODE_ROW_NONE)
		return false;
	free(strategies->last_id);
	strategies->last_id = xstrdup(table->nodes[best.row].id);
	*ret_choice = best;
	return true;
}

/* Among those with the least of wishes, each as likely as the others. */
static bool
choose_random(struct strategies *strategies, const struct seek *seek, struct choice *ret_choice)
{
	const struct node_table *table = seek->table;
	bool has_wishes = seek_has_wishes(seek);
	struct choice best = {.row = NODE_ROW_NONE};
	uint32_t n_equal = 0;

	/* Some blind tries are enough in a cluster with room. */
	for (unsigned i = 0; !has_wishes && table->n > 0 && i < RANDOM_TRIES; i++) {
		best.row = random_below(strategies, table->n);
		if (seek_admits(seek, best.row)) {
			*ret_choice = best;
			return true;
		}
	}
	best.row = NODE_ROW_NONE;
	for (uint32_t row = 0; row < table->n; row++) {
		double score = has_wishes ? seek_wishes_at(seek, row) : 0;

		if ((best.row != NODE_ROW_NONE && score > best.score) || !seek_admits(seek, row))
			continue;
		n_equal = best.row != NODE_ROW_NONE && score == best.score ? n_equal + 1 : 1;
		if (random_below(strategies, n_equal) == 0)
			best = (struct choice){.row = row, .score = score};
	}
	*ret_choice = best;
	return best.row != NODE_ROW_NONE;
}

static bool
has_size(const struct want *want)
{
	return want->amounts.cpu_milli > 0 || want->amounts.memory_bytes > 0 || want->n_devices > 0;
}

/* What a strategy wants the least of; NULL for those that do not measure. */
static const struct measure *
measure_of(Davit__TaskSpec__Strategy strategy, const struct want *want)
{
	switch (strategy) {
	case DAVIT__TASK_SPEC__STRATEGY__BEST_FIT:
		return has_size(want) ? &measure_left : &measure_tasks;
	case DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE:
		/* Without sizes every share is 0: the ties' rule decides, which is spread. */
		return has_size(want) ? &measure_share : &measure_tasks;
	case DAVIT__TASK_SPEC__STRATEGY__SPREAD:
		return &measure_tasks;
	default:
		return NULL;
	}
}

static const struct {
	const char *name;
	bool (*choose)(struct strategies *strategies, const struct seek *seek,
		struct choice *ret_choice); /* NULL: by its measure */
} all_strategies[] = {
	[DAVIT__TASK_SPEC__STRATEGY__BEST_FIT] = {"best-fit", NULL},
	[DAVIT__TASK_SPEC__STRATEGY__SPREAD] = {"spread", NULL},
	[DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN] = {"round-robin", choose_next},
	[DAVIT__TASK_SPEC__STRATEGY__RANDOM] = {"random", choose_random},
	[DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE] = {"resource-aware", NULL},
};
enum { N_STRATEGIES = sizeof all_strategies / sizeof all_strategies[0] };

const char *
strategy_name(Davit__TaskSpec__Strategy strategy)
{
	return (unsigned)strategy < N_STRATEGIES ? all_strategies[strategy].name : NULL;
}

double
strategies_fit(const struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	const struct seek *seek, uint32_t row)
{
	const struct want *want = &seek->demand->want;
	const struct measure *measure = measure_of(strategy, want);
	const struct node *node = &seek->table->nodes[row];
	uint32_t n = seek->table->n;

	if (measure != NULL)
		return seek_has_wishes(seek)
			       ? measure->points(measure->of(node, want), measure->least(want))
			       : measure->score(node, want);
	if (strategy == DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN && !seek_has_wishes(seek))
		return (row + n - next_row(strategies, seek->table) % n) % n;
	return 0;
}

bool
strategies_choose(struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	const struct seek *seek, struct choice *ret_choice)
{
	const struct measure *measure = measure_of(strategy, &seek->demand->want);

	assert(strategy_name(strategy) != NULL);
	if (measure == NULL)
		return all_strategies[strategy].choose(strategies, seek, ret_choice);
	if (!measure_choose(measure, seek, &ret_choice->row))
		return false;
	ret_choice->score = strategies_fit(strategies, strategy, seek, ret_choice->row);
	if (seek_has_wishes(seek))
		ret_choice->score += seek_wishes_at(seek, ret_choice->row);
	return true;
}
