/* Tested by tests/unit/test_oracle.c. */
#include "services/scheduler/measure.h"

#include <math.h>

#include "common/base/mem.h"
#include "services/scheduler/tally.h"

/* Thousandths of a byte in a GiB, or in a core: see node_table_left. */
#define UNIT ((double)((uint64_t)1000 << 30))

enum {
	FEW_ROWS = 64, /* so few admitted rows are looked at one by one */
	MIB_SHIFT = 20,
};

/* 0 for 0, towards 1: a sum, a quotient and a difference of ordered numbers stay ordered. */
static inline double
towards_one(double amount, double unit)
{
	return 1.0 - unit / (unit + amount);
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
	return measure <= least ? 0 : towards_one((double)(measure - least), UNIT);
}

NODE_SCAN_VECTORISED static void
left_points_all(const uint64_t *restrict measures, uint64_t least, double *restrict ret_points)
{
	/* Of a row without room it may say anything. */
	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		ret_points[i] = towards_one((double)(measures[i] - least), UNIT);
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
	return towards_one((double)measure, 1);
}

NODE_SCAN_VECTORISED static void
tasks_points_all(const uint64_t *restrict measures, uint64_t least, double *restrict ret_points)
{
	(void)least;
	for (unsigned i = 0; i < NODE_SCAN_BLOCK; i++)
		ret_points[i] = towards_one((double)measures[i], 1);
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
	.points_all = left_points_all,
	.score = left_score};
const struct measure measure_tasks = {.order = NODE_ORDER_TASKS,
	.is_sorted = true,
	.of = tasks_of,
	.least = nothing,
	.points = tasks_points,
	.points_all = tasks_points_all,
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
	struct tally tally; /* only with wishes */
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
consider(struct search *search, uint32_t row, uint64_t measure, uint64_t rank, double score)
{
	if (is_better(search, score, measure, rank) && seek_admits(search->seek, row))
		search->best =
			(struct best){.row = row, .score = score, .measure = measure, .rank = rank};
}

static void
consider_row(struct search *search, uint32_t row, uint64_t rank)
{
	uint64_t measure = search->measure->of(&search->seek->table->nodes[row], search->want);
	double score = points_of(search, measure);

	if (search->has_wishes)
		score += tally_at(&search->tally, row);
	consider(search, row, measure, rank, score);
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
has_room(const struct search *search, const struct node_scan_rows *rows, uint32_t i)
{
	return rows->cpu[i] >= search->scan.cpu && rows->memory[i] >= search->scan.memory &&
	       rows->disk[i] >= search->scan.disk;
}

/* The one that the columns say is the best, if it is admitted; else one after the other. */
static void
consider_block(struct search *search, const struct order_block *block)
{
	const struct node_scan_rows *rows = &block->rows;
	uint64_t rank = node_scan_best(rows, &search->scan);

	if (rank == UINT64_MAX)
		return;
	if (seek_admits(search->seek, (uint32_t)rank)) {
		search->best.row = (uint32_t)rank;
		return;
	}
	for (uint32_t i = 0; i < block->n; i++)
		if (has_room(search, rows, i))
			consider(search, (uint32_t)rows->rank[i], rows->measure[i], rows->rank[i],
				0);
}

/* The best by its score comes first; the next one if it is not admitted. */
static void
consider_wishes(struct search *search, const struct order_block *block)
{
	const struct node_scan_rows *rows = &block->rows;
	uint32_t has_room[NODE_SCAN_BLOCK];
	double points[NODE_SCAN_BLOCK], wishes[NODE_SCAN_BLOCK];
	uint64_t keys[NODE_SCAN_BLOCK], rank;

	node_scan_room(rows, &search->scan, has_room);
	tally_block(&search->tally, rows, has_room, wishes);
	search->measure->points_all(rows->measure, search->least_measure, points);
	node_scan_keys(points, wishes, has_room, keys);
	while ((rank = node_scan_pick(keys, rows->rank)) != UINT64_MAX) {
		uint32_t i = node_scan_find(rows->rank, rank);
		double score = points[i] + wishes[i];

		if (!is_better(search, score, rows->measure[i], rank))
			return;
		if (seek_admits(search->seek, (uint32_t)rank)) {
			search->best = (struct best){.row = (uint32_t)rank,
				.score = score,
				.measure = rows->measure[i],
				.rank = rank};
			return;
		}
		keys[i] = UINT64_MAX;
	}
}

/* Along the order, until no row that follows can be better. */
static void
walk(struct search *search)
{
	const struct order *order = search->order;
	uint32_t at = order_next(order, &search->scan, order_start(order, search->least_measure));

	for (; at < order->n_blocks; at = order_next(order, &search->scan, at + 1)) {
		const struct best *best = &search->best;
		double least;

		if (!search->has_wishes) {
			consider_block(search, order->blocks[at]);
			if (search->best.row != NODE_ROW_NONE)
				return;
			continue;
		}
		least = points_of(search, order->measure[at]) + search->least_wishes;
		if (best->row != NODE_ROW_NONE && least > best->score)
			return;
		/* Among thousands of nodes that are alike the rank decides. */
		if (best->row != NODE_ROW_NONE && least == best->score &&
			order->least_rank[at] > best->rank)
			continue;
		consider_wishes(search, order->blocks[at]);
	}
}

/* ---- shares ---- */

/* No row with a greater share is as good as the best; a little more, for the rounding. */
static double
share_most(const struct search *search)
{
	const struct best *best = &search->best;
	double most = share_points(best->measure, 0);

	if (search->has_wishes)
		most = best->score - search->least_wishes +
		       (fabs(best->score) + fabs(search->least_wishes)) * 1e-12;
	return most * (1 + 1e-9);
}

/* So much must be free for wanted to be no greater a share of it. */
static int32_t
free_least(double wanted, double share, int32_t least)
{
	double free = wanted / share;

	return free <= least ? least : free >= INT32_MAX ? INT32_MAX : (int32_t)free;
}

/* From now on only what may be better than the best has room. */
static void
raise_wants(struct search *search)
{
	const struct amounts *wanted = &search->want->amounts;
	double share;

	if (search->best.row == NODE_ROW_NONE)
		return;
	share = share_most(search);
	if (share <= 0)
		return;
	search->scan.cpu = free_least((double)wanted->cpu_milli, share, search->scan.cpu);
	search->scan.memory = free_least((double)wanted->memory_bytes / (1 << MIB_SHIFT), share,
		search->scan.memory);
}

static void
consider_shares(struct search *search, uint32_t at)
{
	const struct order_block *block = search->order->blocks[at];
	const struct node_scan_rows *rows = &block->rows;

	for (uint32_t i = 0; i < block->n; i++) {
		uint32_t before = search->best.row;

		if (!has_room(search, rows, i))
			continue;
		consider_row(search, (uint32_t)rows->rank[i], rows->rank[i]);
		if (search->best.row != before)
			raise_wants(search);
	}
}

static bool
may_be_better(const struct search *search, uint32_t at)
{
	const struct order *order = search->order;
	const struct best *best = &search->best;
	double bound, most;

	if (best->row == NODE_ROW_NONE)
		return true;
	/* No row of the block has less. */
	bound = measure_share_of(&search->want->amounts, order->cpu[at],
		(int64_t)order->memory[at] << MIB_SHIFT);
	most = search->has_wishes ? best->score : share_points(best->measure, 0);
	bound += search->has_wishes ? search->least_wishes : 0;
	return bound < most || (bound == most && order->least_rank[at] < best->rank);
}

/* Where the most is left the least share is likely: after that most others are left out. */
static void
branch(struct search *search)
{
	const struct order *order = search->order;
	uint32_t first = order->n_blocks;

	while (search->best.row == NODE_ROW_NONE && first > 0) {
		first--;
		if (order_next(order, &search->scan, first) == first)
			consider_shares(search, first);
	}
	for (uint32_t at = order_next(order, &search->scan, 0); at < first;
		at = order_next(order, &search->scan, at + 1))
		if (may_be_better(search, at))
			consider_shares(search, at);
}

bool
measure_choose(const struct measure *measure, const struct seek *seek, uint32_t *ret_row)
{
	const struct want *want = &seek->demand->want;
	struct search search;

	search.measure = measure;
	search.seek = seek;
	search.want = want;
	search.scan.cpu = (int32_t)want->amounts.cpu_milli;
	search.scan.memory = (int32_t)(want->amounts.memory_bytes >> MIB_SHIFT);
	search.scan.disk = (int32_t)(want->amounts.disk_bytes >> MIB_SHIFT);
	search.has_wishes = seek_has_wishes(seek);
	search.least_measure = measure->least(want);
	search.best.row = NODE_ROW_NONE;
	if (search.has_wishes) {
		search.least_wishes = seek_wishes_least(seek);
		tally_init(&search.tally, seek);
	}
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
