#include "services/scheduler/strategies.h"

#include <assert.h>
#include <errno.h>

#include "common/base/mem.h"
#include "services/scheduler/limits.h"
#include "services/scheduler/node_scan.h"

enum { RANDOM_TRIES = 16 };

struct strategies {
	char *last_id;        /* node that round-robin chose last; NULL: none yet */
	uint64_t random;      /* state of the generator */
	int32_t *block_least; /* scratch of the scans, one per block */
	int32_t *keys;        /* scratch, one per row */
	uint32_t room;        /* rows that the scratch is for */
	uint32_t *hidden;     /* rows hidden while one choice is made */
	uint32_t n_hidden;
	uint32_t hidden_room;
};

/* A strategy that wants the least of something: a rough key that is fast, and the exact one. */
struct measure {
	int32_t (*scan)(const struct node_scan *scan, const int32_t **ret_keys);
	int32_t slack;
	uint64_t (*order)(const struct node *node, const struct want *want);
	double (*score)(const struct node *node, const struct want *want);
	bool first_wins; /* rows of equal order need no further comparison */
};

struct strategies *
strategies_new(uint64_t seed)
{
	struct strategies *strategies = xcalloc(1, sizeof *strategies);

	strategies->random = seed;
	return strategies;
}

void
strategies_free(struct strategies *strategies)
{
	if (strategies == NULL)
		return;
	free(strategies->last_id);
	free(strategies->block_least);
	free(strategies->keys);
	free(strategies->hidden);
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

static int32_t
scan_left(const struct node_scan *scan, const int32_t **ret_keys)
{
	*ret_keys = scan->columns->left;
	return node_scan_column(scan, *ret_keys);
}

static uint64_t
order_left(const struct node *node, const struct want *want)
{
	(void)want; /* the same for every node */
	return node_table_left(node);
}

static double
score_left(const struct node *node, const struct want *want)
{
	return (double)(node->cpu_milli - want->cpu_milli) / 1000.0 +
	       (double)(node->memory_bytes - want->memory_bytes) / (double)(1 << 30);
}

static int32_t
scan_tasks(const struct node_scan *scan, const int32_t **ret_keys)
{
	*ret_keys = scan->columns->n_tasks;
	return node_scan_column(scan, *ret_keys);
}

static uint64_t
order_tasks(const struct node *node, const struct want *want)
{
	(void)want;
	return node->n_tasks;
}

static double
score_tasks(const struct node *node, const struct want *want)
{
	(void)want;
	return node->n_tasks;
}

static int32_t
scan_share(const struct node_scan *scan, const int32_t **ret_keys)
{
	*ret_keys = scan->keys;
	return node_scan_share(scan);
}

static double
score_share(const struct node *node, const struct want *want)
{
	double cpu = want->cpu_milli == 0 ? 0 : (double)want->cpu_milli / (double)node->cpu_milli;
	double memory = want->memory_bytes == 0
				? 0
				: (double)want->memory_bytes / (double)node->memory_bytes;

	return cpu > memory ? cpu : memory;
}

static uint64_t
order_share(const struct node *node, const struct want *want)
{
	double share = score_share(node, want);
	uint64_t bits;

	memcpy(&bits, &share, sizeof bits); /* positive: ordered as its bits are */
	return bits;
}

static const struct measure measure_best_fit = {.scan = scan_left,
	.order = order_left,
	.score = score_left};
static const struct measure measure_spread = {.scan = scan_tasks,
	.order = order_tasks,
	.score = score_tasks,
	.first_wins = true};
static const struct measure measure_share = {.scan = scan_share,
	.slack = NODE_SCAN_SHARE_SLACK,
	.order = order_share,
	.score = score_share};

static void
scratch_reserve(struct strategies *strategies, const struct node_table *table)
{
	if (table->room <= strategies->room)
		return;
	free(strategies->block_least);
	free(strategies->keys);
	strategies->room = table->room;
	strategies->block_least = xmalloc(table->room / NODE_BLOCK * sizeof(int32_t));
	strategies->keys = aligned_alloc(64, table->room * sizeof(int32_t));
	assert(strategies->keys != NULL);
}

static void
hide(struct strategies *strategies, struct node_table *table, uint32_t row)
{
	if (strategies->n_hidden == strategies->hidden_room) {
		strategies->hidden_room = strategies->hidden_room * 2 + 16;
		strategies->hidden = xrealloc(strategies->hidden, strategies->hidden_room,
			sizeof strategies->hidden[0]);
	}
	strategies->hidden[strategies->n_hidden++] = row;
	node_table_hide(table, row);
}

struct search {
	struct strategies *strategies;
	struct node_table *table;
	const struct want *want;
	const struct measure *measure;
	struct node_scan scan;
	const int32_t *keys;
};

/*
 * Looks at one block's rows whose rough key is at most limit, exactly. A row that does
 * not fit after all (it is short by less than a MiB) is hidden until the choice is made.
 */
static bool
block_search(struct search *search, uint32_t block, int32_t limit, uint64_t *best_order,
	uint32_t *best_row)
{
	const struct node *nodes = search->table->nodes;

	for (uint32_t row = block * NODE_BLOCK; row < (block + 1) * NODE_BLOCK; row++) {
		uint64_t order;

		if (search->keys[row] > limit || !node_scan_passes(&search->scan, row))
			continue;
		if (!node_table_fits(search->table, row, search->want)) {
			hide(search->strategies, search->table, row);
			continue;
		}
		order = search->measure->order(&nodes[row], search->want);
		if (*best_row != NODE_ROW_NONE && order > *best_order)
			continue;
		if (*best_row != NODE_ROW_NONE && order == *best_order &&
			nodes[row].n_tasks >= nodes[*best_row].n_tasks)
			continue;
		*best_order = order;
		*best_row = row;
		if (search->measure->first_wins)
			return true;
	}
	return false;
}

/* NODE_ROW_NONE: nothing fits, or everything that seemed the least was hidden: ret_again. */
static uint32_t
search_once(struct search *search, bool *ret_again)
{
	uint32_t n_hidden = search->strategies->n_hidden, best_row = NODE_ROW_NONE;
	int32_t least = search->measure->scan(&search->scan, &search->keys);
	int32_t limit = least > NODE_SCAN_NOTHING - 1 - search->measure->slack
				? NODE_SCAN_NOTHING - 1
				: least + search->measure->slack;
	uint64_t best_order = 0;

	for (uint32_t block = 0; least != NODE_SCAN_NOTHING && block < search->scan.n_blocks;
		block++) {
		if (search->scan.block_least[block] <= limit &&
			block_search(search, block, limit, &best_order, &best_row))
			break;
	}
	*ret_again = best_row == NODE_ROW_NONE && search->strategies->n_hidden > n_hidden;
	return best_row;
}

static bool
choose_least(struct strategies *strategies, struct node_table *table, const struct want *want,
	const int32_t *allow, const struct measure *measure, struct choice *ret_choice)
{
	struct search search = {.strategies = strategies,
		.table = table,
		.want = want,
		.measure = measure,
		.scan = {.columns = &table->columns,
			.allow = allow,
			.n_blocks = table->room / NODE_BLOCK,
			.cpu = (int32_t)want->cpu_milli,
			.memory = (int32_t)(want->memory_bytes >> 20),
			.disk = (int32_t)(want->disk_bytes >> 20),
			.cpu_wanted = (float)want->cpu_milli,
			.memory_wanted = (float)want->memory_bytes}};
	uint32_t row;
	bool again;

	scratch_reserve(strategies, table);
	search.scan.block_least = strategies->block_least;
	search.scan.keys = strategies->keys;
	do
		row = search_once(&search, &again);
	while (again);
	while (strategies->n_hidden > 0)
		node_table_show(table, strategies->hidden[--strategies->n_hidden]);
	if (row == NODE_ROW_NONE)
		return false;
	*ret_choice =
		(struct choice){.row = row, .score = measure->score(&table->nodes[row], want)};
	return true;
}

/* Hidden rows (nodes to avoid) are seen in the columns only. */
static bool
row_is_open(const struct node_table *table, uint32_t row, const struct want *want,
	const int32_t *allow)
{
	return table->columns.cpu[row] >= 0 && (allow == NULL || allow[row] != 0) &&
	       node_table_fits(table, row, want);
}

static bool
choose_next(struct strategies *strategies, struct node_table *table, const struct want *want,
	const int32_t *allow, struct choice *ret_choice)
{
	uint32_t from = 0;

	if (strategies->last_id != NULL) {
		from = node_table_lower_bound(table, strategies->last_id);
		if (from < table->n && strcmp(table->nodes[from].id, strategies->last_id) == 0)
			from++;
	}
	for (uint32_t i = 0; i < table->n; i++) {
		uint32_t row = (from + i) % table->n;

		if (!row_is_open(table, row, want, allow))
			continue;
		free(strategies->last_id);
		strategies->last_id = xstrdup(table->nodes[row].id);
		*ret_choice = (struct choice){.row = row, .score = i};
		return true;
	}
	return false;
}

/* Some blind tries are enough in a cluster with room; else the k-th of those that fit. */
static bool
choose_random(struct strategies *strategies, struct node_table *table, const struct want *want,
	const int32_t *allow, struct choice *ret_choice)
{
	uint32_t n_open = 0, k;

	*ret_choice = (struct choice){0};
	for (unsigned i = 0; table->n > 0 && i < RANDOM_TRIES; i++) {
		ret_choice->row = random_below(strategies, table->n);
		if (row_is_open(table, ret_choice->row, want, allow))
			return true;
	}
	for (uint32_t row = 0; row < table->n; row++)
		n_open += row_is_open(table, row, want, allow);
	if (n_open == 0)
		return false;
	k = random_below(strategies, n_open);
	for (uint32_t row = 0;; row++) {
		if (row_is_open(table, row, want, allow) && k-- == 0) {
			ret_choice->row = row;
			return true;
		}
	}
}

static bool
choose_best_fit(struct strategies *strategies, struct node_table *table, const struct want *want,
	const int32_t *allow, struct choice *ret_choice)
{
	bool has_size = want->cpu_milli > 0 || want->memory_bytes > 0;

	return choose_least(strategies, table, want, allow,
		has_size ? &measure_best_fit : &measure_spread, ret_choice);
}

static bool
choose_spread(struct strategies *strategies, struct node_table *table, const struct want *want,
	const int32_t *allow, struct choice *ret_choice)
{
	return choose_least(strategies, table, want, allow, &measure_spread, ret_choice);
}

/* Without sizes every share is 0: the ties' rule decides, which is spread. */
static bool
choose_share(struct strategies *strategies, struct node_table *table, const struct want *want,
	const int32_t *allow, struct choice *ret_choice)
{
	bool has_size = want->cpu_milli > 0 || want->memory_bytes > 0;

	return choose_least(strategies, table, want, allow,
		has_size ? &measure_share : &measure_spread, ret_choice);
}

static const struct {
	const char *name;
	bool (*choose)(struct strategies *strategies, struct node_table *table,
		const struct want *want, const int32_t *allow, struct choice *ret_choice);
} all_strategies[] = {
	[DAVIT__TASK_SPEC__STRATEGY__BEST_FIT] = {"best-fit", choose_best_fit},
	[DAVIT__TASK_SPEC__STRATEGY__SPREAD] = {"spread", choose_spread},
	[DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN] = {"round-robin", choose_next},
	[DAVIT__TASK_SPEC__STRATEGY__RANDOM] = {"random", choose_random},
	[DAVIT__TASK_SPEC__STRATEGY__RESOURCE_AWARE] = {"resource-aware", choose_share},
};
enum { N_STRATEGIES = sizeof all_strategies / sizeof all_strategies[0] };

const char *
strategy_name(Davit__TaskSpec__Strategy strategy)
{
	return (unsigned)strategy < N_STRATEGIES ? all_strategies[strategy].name : NULL;
}

int
strategy_parse(const char *name, Davit__TaskSpec__Strategy *ret_strategy, struct err *err)
{
	for (unsigned i = 0; i < N_STRATEGIES; i++) {
		if (all_strategies[i].name != NULL && strcmp(all_strategies[i].name, name) == 0) {
			*ret_strategy = (Davit__TaskSpec__Strategy)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		"'%s' is no strategy: want best-fit, spread, round-robin, random or resource-aware",
		name);
}

bool
strategies_choose(struct strategies *strategies, Davit__TaskSpec__Strategy strategy,
	struct node_table *table, const struct want *want, const int32_t *allow,
	struct choice *ret_choice)
{
	assert(strategy_name(strategy) != NULL);
	return all_strategies[strategy].choose(strategies, table, want, allow, ret_choice);
}
