#include "services/scheduler/order.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "tests/lib/test.h"

enum { N_MOST = 600, N_STEPS = 6000 };

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

static int
compare(const void *a, const void *b)
{
	const struct order_entry *left = a, *right = b;

	return order_key_less(left->key, right->key) ? -1 : 1;
}

/* Every row once, in order, and what is said of the blocks is so. */
static void
check_order(const struct order *order, const struct order_entry *entries, uint32_t n)
{
	struct order_entry *sorted = xmemdup(entries, n * sizeof entries[0]);
	uint32_t at = 0;

	qsort(sorted, n, sizeof sorted[0], compare);
	for (uint32_t b = 0; b < order->n_blocks; b++) {
		const struct order_block *block = order->blocks[b];
		int32_t cpu = -1, memory = -1, disk = -1;
		uint64_t least = UINT64_MAX;

		CHECK(block->n > 0);
		CHECK(order->first[b].rank == block->keys[0].rank);
		for (uint32_t i = 0; i < block->n; i++, at++) {
			CHECK(at < n && sorted[at].key.rank == block->keys[i].rank);
			CHECK(sorted[at].cpu == block->cpu[i] && sorted[at].disk == block->disk[i]);
			cpu = block->cpu[i] > cpu ? block->cpu[i] : cpu;
			memory = block->memory[i] > memory ? block->memory[i] : memory;
			disk = block->disk[i] > disk ? block->disk[i] : disk;
			least = block->keys[i].rank < least ? block->keys[i].rank : least;
		}
		for (uint32_t i = block->n; i < ORDER_BLOCK; i++)
			CHECK(block->cpu[i] == -1 && block->memory[i] == -1);
		CHECK(cpu == order->cpu[b] && memory == order->memory[b] && disk == order->disk[b]);
		CHECK(least == order->least_rank[b]);
	}
	CHECK_EQ(at, n);
	free(sorted);
}

TEST(order_stays_in_order_whatever_comes_and_goes)
{
	struct order_entry entries[N_MOST];
	struct order order = {0};
	uint32_t n = 0, row = 0;

	for (unsigned step = 0; step < N_STEPS; step++) {
		/* It grows, shrinks to nothing, and grows again. */
		bool grows =
			n == 0 || (n < N_MOST && roll(100) < (step / 1500 % 2 == 0 ? 70U : 20U));

		if (grows) {
			entries[n] = random_entry(row++);
			order_add(&order, &entries[n++]);
		} else {
			uint32_t out = roll(n);

			order_remove(&order, entries[out].key);
			entries[out] = entries[--n];
		}
		if (step % 16 == 0)
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
	CHECK(at + 1 == order.n_blocks || order.first[at + 1].measure >= 25);
	CHECK(order.first[at].measure <= 25);
	at = order_next(&order, &want, 0);
	for (uint32_t i = 0; i < at; i++)
		CHECK(order.cpu[i] < 99 || order.memory[i] < 50);
	want.cpu = 1000;
	CHECK_EQ(order_next(&order, &want, 0), order.n_blocks);
	order_fini(&order);
	CHECK_EQ(order_start(&order, 25), 0);
}
