/*
 * order.h - rows in the order of something, kept so while they change.
 *
 * Blocks of up to 64 rows, ascending by key from block to block; within a block the rows lie in
 * no order, so that one that comes or goes moves no other. For each block the most that any
 * row of it has free is kept, so that blocks where nothing fits are passed over, 64 at a time.
 * Finding the best row that fits means going from the block where the least key that could fit
 * may be, and the best of the first block with one is it. A change touches one block: the
 * cost grows with the logarithm of the rows.
 *
 * Columns are in units that make a row look a little larger than it is, never smaller:
 * whoever finds a row asks node_table_fits, which is exact. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/scheduler/node_scan.h"

enum { ORDER_BLOCK = NODE_SCAN_BLOCK };

/* Ascending by measure, then by rank: tasks << 32 | row, so fewer tasks, then the first id. */
struct order_key {
	uint64_t measure, rank;
};

struct order_entry {
	struct order_key key;
	int32_t cpu, memory, disk; /* free: millicores, MiB rounded up, MiB rounded up */
};

struct order_block {
	struct node_scan_rows rows; /* behind the last: -1, and the greatest rank */
	uint32_t n;
};

/*
 * A zeroed one is empty. The columns have a number per block, rounded up to whole 64s: with
 * -1, or the greatest number.
 */
struct order {
	struct order_block **blocks;
	uint64_t *measure, *rank;     /* no key of the block is less, none of those before is not */
	int32_t *cpu, *memory, *disk; /* the most of each block */
	uint64_t *least_rank;         /* of each block: what equal scores are decided by */
	uint32_t n_blocks, room;
};

static inline bool
order_key_less(struct order_key a, struct order_key b)
{
	return a.measure != b.measure ? a.measure < b.measure : a.rank < b.rank;
}

void order_fini(struct order *order);

/* Makes it of n entries, which are sorted for that. */
void order_build(struct order *order, struct order_entry *entries, uint32_t n);

void order_add(struct order *order, const struct order_entry *entry);

/* The key must be there. */
void order_remove(struct order *order, struct order_key key);

/* The block where the first key of that measure or a greater one may be. */
uint32_t order_start(const struct order *order, uint64_t measure);

/* The first block from `from` on that may hold a row with room, or n_blocks. */
uint32_t order_next(const struct order *order, const struct node_scan_want *want, uint32_t from);
