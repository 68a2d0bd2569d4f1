/* Tested by tests/unit/test_measure.c. */
#include "services/scheduler/measure.h"

#include "common/base/mem.h"

/* Thousandths of a byte in a GiB, or in a core: see node_table_left. */
#define UNIT ((double)((uint64_t)1000 << 30))

enum {
	FEW_ROWS = 64, /* so few admitted rows are looked at one by one */
	MIB_SHIFT = 20,
};

/* 0 for 0, towards 1: a sum, a quotient and a difference of ordered numbers stay ordered. */
static double
towards_one(double amount)
{
	return 1.0 - 1.0 / (1.0 + amount);
}

static uint64_t
left_of(const struct node *node, const struct want *want)
{
	(void)want; /* the same for every node */
	return node_table_left(node);
}

static double
left_points(uint64_t measure, uint64_t least)
{
	return measure <= least ? 0 : towards_one((double)(measure - least) / UNIT);
}

static double
left_score(const struct node *node, const struct want *want)
{
	return (double)(node_table_left(node) - node_table_left_wanted(want)) / UNIT;
}

static uint64_t
tasks_of(const struct node *node, const struct want *want)
{
	(void)want;
	return node->n_tasks;
}

static uint64_t
nothing(const struct want *want)
{
	(void)want;
	return 0;
}

static double
tasks_points(uint64_t measure, uint64_t least)
{
	(void)least;
	return towards_one((double)measure);
}

static double
tasks_score(const struct node *node, const struct want *want)
{
	(void)want;
	return node->n_tasks;
}

double
measure_share_of(const struct amounts *wanted, int64_t cpu_milli, int64_t memory_bytes)
{
	double cpu = wanted->cpu_milli == 0 ? 0 : (double)wanted->cpu_milli / (double)cpu_milli;
	double memory =
		wanted->memory_bytes == 0 ? 0 : (double)wanted->memory_bytes / (double)memory_bytes;

	return cpu > memory ? cpu : memory;
}

static double
share_score(const struct node *node, const struct want *want)
{
	return measure_share_of(&want->amounts, node->free.cpu_milli, node->free.memory_bytes);
}

/* Numbers that are not negative are ordered as their bits are. */
static uint64_t
share_of(const struct node *node, const struct want *want)
{
	double share = share_score(node, want);
	uint64_t bits;

	memcpy(&bits, &share, sizeof bits);
	return bits;
}

static double
share_points(uint64_t measure, uint64_t least)
{
	double share;

	(void)least;
	memcpy(&share, &measure, sizeof share);
	return share;
}

const struct measure measure_left = {.order = NODE_ORDER_LEFT,
	.is_sorted = true,
	.of = left_of,
	.least = node_table_left_wanted,
	.points = left_points,
	.score = left_score};
const struct measure measure_tasks = {.order = NODE_ORDER_TASKS,
	.is_sorted = true,
	.of = tasks_of,
	.least = nothing,
	.points = tasks_points,
	.score = tasks_score};
const struct measure measure_share = {.order = NODE_ORDER_LEFT,
	.is_sorted = false,
	.of = share_of,
	.least = nothing,
	.points = share_points,
	.score = share_score};

/* The best so far. */
struct best {
	uint32_t row; /* NODE_ROW_NONE: none yet */
	double score; /* with wishes */
	uint64_t measure, rank;
};

struct search {
	const struct measure *measure;
	const struct seek *seek;
	const struct want *want;
	const struct order *order;
	struct node_scan_want scan;
	bool has_wishes;
	uint64_t least_measure; /* no row that fits has less */
	double least_wishes;    /* no row has less */
	struct best best;
};

static bool
is_better(const struct search *search, double score, uint64_t measure, uint64_t rank)
{
	const struct best *best = &search->best;

	if (best->row == NODE_ROW_NONE)
		return true;
	if (search->has_wishes)
		return score != best->score ? score < best->score : rank < best->rank;
	return measure != best->measure ? measure < best->measure : rank < best->rank;
}

static double
points_of(const struct search *search, uint64_t measure)
{
	return search->has_wishes ? search->measure->points(measure, search->least_measure) : 0;
}

/* The cheap question first: most rows would not be better, fit or not. */
static void
consider(struct search *search, uint32_t row, uint64_t measure, uint64_t rank, double points)
{
	double score = points;

	if (search->has_wishes)
		score += seek_wishes_at(search->seek, row);
	if (is_better(search, score, measure, rank) && seek_admits(search->seek, row))
		search->best =
			(struct best){.row = row, .score = score, .measure = measure, .rank = rank};
}

static void
consider_row(struct search *search, uint32_t row, uint64_t rank)
{
	uint64_t measure = search->measure->of(&search->seek->table->nodes[row], search->want);

	consider(search, row, measure, rank, points_of(search, measure));
}

static void
consider_few(struct search *search)
{
	const struct filter *filter = search->seek->filter;
	const struct node_table *table = search->seek->table;

	for (uint32_t word = 0; word * 64 < table->n; word++) {
		for (uint64_t bits = filter->bits[word]; bits != 0; bits &= bits - 1) {
			uint32_t row = word * 64 + (uint32_t)__builtin_ctzll(bits);

			if (row < table->n && node_table_fits(table, row, search->want))
				consider_row(search, row, node_table_rank(table, row));
		}
	}
}

static bool
has_room(const struct search *search, const struct order_block *block, uint32_t i)
{
	return block->cpu[i] >= search->scan.cpu && block->memory[i] >= search->scan.memory &&
	       block->disk[i] >= search->scan.disk;
}

/* Whether a row of so many points, and all behind it, cannot be better whatever it is. */
static bool
is_over(const struct search *search, double points)
{
	if (search->best.row == NODE_ROW_NONE)
		return false;
	if (!search->has_wishes)
		return true; /* the first of an order is the best */
	return points + search->least_wishes > search->best.score;
}

/* floor: no row of the block has fewer points. True: no better row can follow. */
static bool
walk_block(struct search *search, const struct order_block *block, double floor)
{
	uint32_t i = node_scan_first(block->cpu, block->memory, block->disk, &search->scan, 0);

	for (; i < block->n; i++) {
		struct order_key key = block->keys[i];
		uint32_t row = order_row(key);

		if (!has_room(search, block, i))
			continue;
		if (!search->has_wishes) {
			consider(search, row, key.measure, key.rank, 0);
			if (search->best.row != NODE_ROW_NONE)
				return true; /* the first of an order is the best */
			continue;
		}
		/* Without a division for each row: most are out by their wishes already. */
		if (search->best.row != NODE_ROW_NONE &&
			floor + seek_wishes_at(search->seek, row) > search->best.score)
			continue;
		consider(search, row, key.measure, key.rank, points_of(search, key.measure));
	}
	return false;
}

static void
walk(struct search *search)
{
	const struct order *order = search->order;
	uint32_t at = order_start(order, search->least_measure);

	for (at = order_next(order, &search->scan, at); at < order->n_blocks;
		at = order_next(order, &search->scan, at + 1)) {
		double floor = points_of(search, order->first[at].measure);

		if (is_over(search, floor) || walk_block(search, order->blocks[at], floor))
			return;
	}
}

/* The least that any row of a block can have; only for measure_share. */
static double
block_bound(const struct search *search, uint32_t at)
{
	const struct order *order = search->order;

	return measure_share_of(&search->want->amounts, order->cpu[at],
		       (int64_t)order->memory[at] << MIB_SHIFT) +
	       search->least_wishes;
}

static void
consider_block(struct search *search, uint32_t at)
{
	const struct order_block *block = search->order->blocks[at];

	for (uint32_t i = 0; i < block->n; i++) {
		uint32_t row = order_row(block->keys[i]);

		if (has_room(search, block, i))
			consider_row(search, row, block->keys[i].rank);
	}
}

static double
best_score(const struct search *search)
{
	return search->has_wishes
		       ? search->best.score
		       : search->measure->points(search->best.measure, search->least_measure);
}

/* The most promising block first: after that most others are left out. */
static void
branch(struct search *search)
{
	const struct order *order = search->order;
	uint32_t first = order->n_blocks;
	double least = 0;

	for (uint32_t at = order_next(order, &search->scan, 0); at < order->n_blocks;
		at = order_next(order, &search->scan, at + 1)) {
		double bound = block_bound(search, at);

		if (first == order->n_blocks || bound < least) {
			first = at;
			least = bound;
		}
	}
	if (first == order->n_blocks)
		return;
	consider_block(search, first);
	for (uint32_t at = order_next(order, &search->scan, 0); at < order->n_blocks;
		at = order_next(order, &search->scan, at + 1)) {
		double bound = block_bound(search, at);

		if (at == first)
			continue;
		if (search->best.row != NODE_ROW_NONE &&
			(bound > best_score(search) ||
				(bound == best_score(search) &&
					order->least_rank[at] > search->best.rank)))
			continue;
		consider_block(search, at);
	}
}

bool
measure_choose(const struct measure *measure, const struct seek *seek, uint32_t *ret_row)
{
	const struct want *want = &seek->demand->want;
	struct search search = {.measure = measure,
		.seek = seek,
		.want = want,
		.scan = {.cpu = (int32_t)want->amounts.cpu_milli,
			.memory = (int32_t)(want->amounts.memory_bytes >> MIB_SHIFT),
			.disk = (int32_t)(want->amounts.disk_bytes >> MIB_SHIFT)},
		.has_wishes = seek_has_wishes(seek),
		.least_measure = measure->least(want),
		.best = {.row = NODE_ROW_NONE}};

	if (search.has_wishes)
		search.least_wishes = seek_wishes_least(seek);
	if (seek->filter->bits != NULL && seek->filter->n_admitted <= FEW_ROWS) {
		consider_few(&search);
	} else {
		search.order = node_table_order(seek->table, measure->order);
		if (measure->is_sorted)
			walk(&search);
		else
			branch(&search);
	}
	*ret_row = search.best.row;
	return search.best.row != NODE_ROW_NONE;
}
