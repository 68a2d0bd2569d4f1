#include "services/scheduler/order.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"

enum {
	BLOCK_ALIGN = 64,
	BLOCK_FILL = 48, /* rows of a new block: some may still come */
	BLOCK_LOW = 16,  /* with fewer it joins its neighbour */
};

static struct order_block *
block_new(void)
{
	size_t size = (sizeof(struct order_block) + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
	struct order_block *block = aligned_alloc(BLOCK_ALIGN, size);

	assert(block != NULL);
	block->n = 0;
	for (unsigned i = 0; i < ORDER_BLOCK; i++)
		block->cpu[i] = block->memory[i] = block->disk[i] = -1;
	return block;
}

void
order_fini(struct order *order)
{
	for (uint32_t i = 0; i < order->n_blocks; i++)
		free(order->blocks[i]);
	free(order->blocks);
	free(order->first);
	free(order->cpu);
	free(order->memory);
	free(order->disk);
	free(order->least_rank);
	*order = (struct order){0};
}

/* Columns are read 64 at a time: behind the last block they say that there is nothing. */
static void
directory_reserve(struct order *order, uint32_t n_blocks)
{
	uint32_t room = order->room;

	if (n_blocks <= room)
		return;
	while (room < n_blocks)
		room = room == 0 ? ORDER_BLOCK : room * 2;
	order->blocks = xrealloc(order->blocks, room, sizeof(struct order_block *));
	order->first = xrealloc(order->first, room, sizeof order->first[0]);
	order->cpu = xrealloc(order->cpu, room, sizeof order->cpu[0]);
	order->memory = xrealloc(order->memory, room, sizeof order->memory[0]);
	order->disk = xrealloc(order->disk, room, sizeof order->disk[0]);
	order->least_rank = xrealloc(order->least_rank, room, sizeof order->least_rank[0]);
	for (uint32_t i = order->n_blocks; i < room; i++)
		order->cpu[i] = order->memory[i] = order->disk[i] = -1;
	order->room = room;
}

static void
block_refresh(struct order *order, uint32_t at)
{
	const struct order_block *block = order->blocks[at];
	uint64_t least = UINT64_MAX;

	order->first[at] = block->keys[0];
	order->cpu[at] = node_scan_most(block->cpu);
	order->memory[at] = node_scan_most(block->memory);
	order->disk[at] = node_scan_most(block->disk);
	for (uint32_t i = 0; i < block->n; i++)
		least = block->keys[i].rank < least ? block->keys[i].rank : least;
	order->least_rank[at] = least;
}

/* Moves the directory's entries from `from` on by one, to open or close a place. */
static void
directory_move(struct order *order, uint32_t to, uint32_t from)
{
	size_t n = order->n_blocks - from;

	memmove(&order->blocks[to], &order->blocks[from], n * sizeof(struct order_block *));
	memmove(&order->first[to], &order->first[from], n * sizeof order->first[0]);
	memmove(&order->cpu[to], &order->cpu[from], n * sizeof order->cpu[0]);
	memmove(&order->memory[to], &order->memory[from], n * sizeof order->memory[0]);
	memmove(&order->disk[to], &order->disk[from], n * sizeof order->disk[0]);
	memmove(&order->least_rank[to], &order->least_rank[from], n * sizeof order->least_rank[0]);
}

static void
directory_insert(struct order *order, uint32_t at, struct order_block *block)
{
	directory_reserve(order, order->n_blocks + 1);
	directory_move(order, at + 1, at);
	order->n_blocks++;
	order->blocks[at] = block;
}

static void
directory_remove(struct order *order, uint32_t at)
{
	uint32_t last = order->n_blocks - 1;

	free(order->blocks[at]);
	directory_move(order, at, at + 1);
	order->cpu[last] = order->memory[last] = order->disk[last] = -1;
	order->n_blocks = last;
}

/* Moves n rows of one block to another: they may be one and overlap. */
static void
rows_move(struct order_block *to, uint32_t to_at, const struct order_block *from, uint32_t from_at,
	uint32_t n)
{
	memmove(&to->keys[to_at], &from->keys[from_at], n * sizeof to->keys[0]);
	memmove(&to->cpu[to_at], &from->cpu[from_at], n * sizeof to->cpu[0]);
	memmove(&to->memory[to_at], &from->memory[from_at], n * sizeof to->memory[0]);
	memmove(&to->disk[to_at], &from->disk[from_at], n * sizeof to->disk[0]);
}

/* Forgets rows from `from` to the end. */
static void
rows_cut(struct order_block *block, uint32_t from)
{
	for (uint32_t i = from; i < block->n; i++)
		block->cpu[i] = block->memory[i] = block->disk[i] = -1;
	block->n = from;
}

static void
row_put(struct order_block *block, uint32_t at, const struct order_entry *entry)
{
	rows_move(block, at + 1, block, at, block->n - at);
	block->keys[at] = entry->key;
	block->cpu[at] = entry->cpu;
	block->memory[at] = entry->memory;
	block->disk[at] = entry->disk;
	block->n++;
}

static int
entry_compare(const void *a, const void *b)
{
	const struct order_entry *left = a, *right = b;

	return order_key_less(left->key, right->key)   ? -1
	       : order_key_less(right->key, left->key) ? 1
						       : 0;
}

void
order_build(struct order *order, struct order_entry *entries, uint32_t n)
{
	order_fini(order);
	if (n > 1)
		qsort(entries, n, sizeof entries[0], entry_compare);
	for (uint32_t i = 0; i < n; i++) {
		if (i % BLOCK_FILL == 0)
			directory_insert(order, order->n_blocks, block_new());
		row_put(order->blocks[order->n_blocks - 1], i % BLOCK_FILL, &entries[i]);
	}
	for (uint32_t i = 0; i < order->n_blocks; i++)
		block_refresh(order, i);
}

/* The last block that begins at or before the key; 0 when all begin behind it. */
static uint32_t
block_of(const struct order *order, struct order_key key)
{
	uint32_t low = 0, high = order->n_blocks;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (order_key_less(key, order->first[middle]))
			high = middle;
		else
			low = middle;
	}
	return low;
}

/* Where in the block the first key is that is not less. */
static uint32_t
place_of(const struct order_block *block, struct order_key key)
{
	uint32_t low = 0, high = block->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (order_key_less(block->keys[middle], key))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
block_split(struct order *order, uint32_t at)
{
	struct order_block *block = order->blocks[at], *half = block_new();

	half->n = block->n - block->n / 2;
	rows_move(half, 0, block, block->n / 2, half->n);
	rows_cut(block, block->n / 2);
	directory_insert(order, at + 1, half);
	block_refresh(order, at);
	block_refresh(order, at + 1);
}

void
order_add(struct order *order, const struct order_entry *entry)
{
	struct order_block *block;
	uint32_t at;

	if (order->n_blocks == 0)
		directory_insert(order, 0, block_new());
	at = block_of(order, entry->key);
	if (order->blocks[at]->n == ORDER_BLOCK) {
		block_split(order, at);
		at += !order_key_less(entry->key, order->first[at + 1]);
	}
	block = order->blocks[at];
	row_put(block, place_of(block, entry->key), entry);
	order->first[at] = block->keys[0];
	if (block->n == 1) {
		block_refresh(order, at);
		return;
	}
	order->cpu[at] = entry->cpu > order->cpu[at] ? entry->cpu : order->cpu[at];
	order->memory[at] = entry->memory > order->memory[at] ? entry->memory : order->memory[at];
	order->disk[at] = entry->disk > order->disk[at] ? entry->disk : order->disk[at];
	if (entry->key.rank < order->least_rank[at])
		order->least_rank[at] = entry->key.rank;
}

static void
block_join(struct order *order, uint32_t at)
{
	struct order_block *block = order->blocks[at], *next;

	if (block->n == 0) {
		directory_remove(order, at);
		return;
	}
	if (at + 1 == order->n_blocks || block->n + order->blocks[at + 1]->n > BLOCK_FILL)
		return;
	next = order->blocks[at + 1];
	rows_move(block, block->n, next, 0, next->n);
	block->n += next->n;
	directory_remove(order, at + 1);
	block_refresh(order, at);
}

void
order_remove(struct order *order, struct order_key key)
{
	uint32_t at = block_of(order, key);
	struct order_block *block = order->blocks[at];
	uint32_t place = place_of(block, key);
	int32_t cpu, memory, disk;

	assert(place < block->n && block->keys[place].rank == key.rank);
	cpu = block->cpu[place];
	memory = block->memory[place];
	disk = block->disk[place];
	rows_move(block, place, block, place + 1, block->n - place - 1);
	rows_cut(block, block->n - 1);
	if (block->n < BLOCK_LOW) {
		if (block->n > 0)
			block_refresh(order, at);
		block_join(order, at);
		return;
	}
	order->first[at] = block->keys[0];
	if (cpu == order->cpu[at])
		order->cpu[at] = node_scan_most(block->cpu);
	if (memory == order->memory[at])
		order->memory[at] = node_scan_most(block->memory);
	if (disk == order->disk[at])
		order->disk[at] = node_scan_most(block->disk);
	if (key.rank == order->least_rank[at])
		block_refresh(order, at);
}

uint32_t
order_start(const struct order *order, uint64_t measure)
{
	return order->n_blocks == 0
		       ? 0
		       : block_of(order, (struct order_key){.measure = measure, .rank = 0});
}

uint32_t
order_next(const struct order *order, const struct node_scan_want *want, uint32_t from)
{
	while (from < order->n_blocks) {
		uint32_t begin = from / ORDER_BLOCK * ORDER_BLOCK;
		uint32_t found = node_scan_first(order->cpu + begin, order->memory + begin,
			order->disk + begin, want, from - begin);

		if (found < ORDER_BLOCK)
			return begin + found;
		from = begin + ORDER_BLOCK;
	}
	return order->n_blocks;
}
