#include "services/scheduler/order.h"

#include "common/base/mem.h"
#include "tests/lib/test.h"

enum { N_MOST = 6000, N_STEPS = 60000 }; /* more than 64 blocks */

static uint32_t
roll(uint32_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((state >> 33) % below);
}

static struct order_entry
random_entry(uint32_t row)
{
	return (struct order_entry){
		.key = {.measure = roll(50), .rank = (uint64_t)roll(3) << 32 | row},
		.cpu = (int32_t)roll(100),
		.memory = (int32_t)roll(100),
		.disk = (int32_t)roll(100)};
}

/* Where the row is in the block, with all that is said of it. */
static bool
holds(const struct order_block *block, const struct order_entry *entry)
{
	const struct node_scan_rows *rows = &block->rows;

	for (uint32_t i = 0; i < block->n; i++)
		if (rows->rank[i] == entry->key.rank)
			return rows->measure[i] == entry->key.measure &&
			       rows->cpu[i] == entry->cpu && rows->memory[i] == entry->memory &&
			       rows->disk[i] == entry->disk;
	return false;
}

/* What the directory says of a block is so, and what is behind its last row is nothing. */
static void
check_block(const struct order *order, uint32_t at)
{
	const struct order_block *block = order->blocks[at];
	const struct node_scan_rows *rows = &block->rows;
	struct order_key from = {order->measure[at], order->rank[at]};
	int32_t cpu = -1, memory = -1, disk = -1;
	uint64_t least = UINT64_MAX;

	CHECK(block->n > 0);
	for (uint32_t i = 0; i < block->n; i++) {
		struct order_key key = {rows->measure[i], rows->rank[i]};

		CHECK(!order_key_less(key, from));
		cpu = rows->cpu[i] > cpu ? rows->cpu[i] : cpu;
		memory = rows->memory[i] > memory ? rows->memory[i] : memory;
		disk = rows->disk[i] > disk ? rows->disk[i] : disk;
		least = rows->rank[i] < least ? rows->rank[i] : least;
		if (at + 1 < order->n_blocks) {
			struct order_key next = {order->measure[at + 1], order->rank[at + 1]};

			CHECK(order_key_less(key, next));
		}
	}
	for (uint32_t i = block->n; i < ORDER_BLOCK; i++)
		CHECK(rows->cpu[i] == -1 && rows->memory[i] == -1 && rows->rank[i] == UINT64_MAX);
	CHECK(cpu == order->cpu[at] && memory == order->memory[at] && disk == order->disk[at]);
	CHECK(least == order->least_rank[at]);
}

/* Every row once, in the block that its key belongs to. */
static void
check_order(const struct order *order, const struct order_entry *entries, uint32_t n)
{
	uint32_t n_rows = 0;

	CHECK(order->n_blocks == 0 || (order->measure[0] == 0 && order->rank[0] == 0));
	for (uint32_t at = 0; at < order->n_blocks; at++) {
		check_block(order, at);
		n_rows += order->blocks[at]->n;
	}
	CHECK_EQ(n_rows, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = order->n_blocks - 1;

		while (order_key_less(entries[i].key,
			(struct order_key){order->measure[at], order->rank[at]}))
			at--;
		CHECK(holds(order->blocks[at], &entries[i]));
	}
	for (uint32_t at = order->n_blocks; at < order->room; at++)
		CHECK(order->measure[at] == UINT64_MAX && order->cpu[at] == -1);
}

TEST(order_stays_in_order_whatever_comes_and_goes)
{
	struct order_entry entries[N_MOST];
	struct order order = {0};
	uint32_t n = 0, row = 0;

	for (unsigned step = 0; step < N_STEPS; step++) {
		/* It grows, shrinks to nothing, and grows again. */
		bool grows =
			n == 0 || (n < N_MOST && roll(100) < (step / 15000 % 2 == 0 ? 70U : 20U));

		if (grows) {
			entries[n] = random_entry(row++);
			order_add(&order, &entries[n++]);
		} else {
			uint32_t out = roll(n);

			order_remove(&order, entries[out].key);
			entries[out] = entries[--n];
		}
		if (step % 500 == 0)
			check_order(&order, entries, n);
	}
	order_fini(&order);
}

TEST(order_is_built_of_many_and_tells_where_to_begin)
{
	struct order_entry entries[N_MOST];
	struct order order = {0};
	struct node_scan_want want = {.cpu = 99, .memory = 50};
	uint32_t at;

	for (uint32_t i = 0; i < N_MOST; i++)
		entries[i] = random_entry(i);
	order_build(&order, entries, N_MOST);
	check_order(&order, entries, N_MOST);
	at = order_start(&order, 25);
	CHECK(at + 1 == order.n_blocks || order.measure[at + 1] >= 25);
	CHECK(order.measure[at] <= 25);
	at = order_next(&order, &want, 0);
	for (uint32_t i = 0; i < at; i++)
		CHECK(order.cpu[i] < 99 || order.memory[i] < 50);
	want.cpu = 1000;
	CHECK_EQ(order_next(&order, &want, 0), order.n_blocks);
	order_fini(&order);
	CHECK_EQ(order_start(&order, 25), 0);
}
