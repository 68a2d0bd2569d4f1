#include "services/scheduler/order.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/mem.h"

enum {
	BLOCK_ALIGN = 64,
	BLOCK_FILL = 48, /* rows of a new block: some may still come */
	BLOCK_LOW = 16,  /* with fewer it joins its neighbour */
};

static void
row_clear(struct order_block *block, uint32_t at)
{
	struct node_scan_rows *rows = &block->rows;

	rows->cpu[at] = rows->memory[at] = rows->disk[at] = -1;
	rows->measure[at] = rows->rank[at] = UINT64_MAX;
}

static struct order_block *
block_new(void)
{
	size_t size = (sizeof(struct order_block) + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
	struct order_block *block = aligned_alloc(BLOCK_ALIGN, size);

	assert(block != NULL);
	block->n = 0;
	for (uint32_t i = 0; i < ORDER_BLOCK; i++)
		row_clear(block, i);
	return block;
}

void
order_fini(struct order *order)
{
	for (uint32_t i = 0; i < order->n_blocks; i++)
		free(order->blocks[i]);
	free(order->blocks);
	free(order->measure);
	free(order->rank);
	free(order->cpu);
	free(order->memory);
	free(order->disk);
	free(order->least_rank);
	*order = (struct order){0};
}

/* Nothing is there: whoever looks through a column passes it over. */
static void
directory_clear(struct order *order, uint32_t at)
{
	order->measure[at] = order->rank[at] = UINT64_MAX;
	order->cpu[at] = order->memory[at] = order->disk[at] = -1;
}

static void
directory_reserve(struct order *order, uint32_t n_blocks)
{
	uint32_t room = order->room;

	if (n_blocks <= room)
		return;
	while (room < n_blocks)
		room = room == 0 ? ORDER_BLOCK : room * 2;
	order->blocks = xrealloc(order->blocks, room, sizeof(struct order_block *));
	order->measure = xrealloc(order->measure, room, sizeof order->measure[0]);
	order->rank = xrealloc(order->rank, room, sizeof order->rank[0]);
	order->cpu = xrealloc(order->cpu, room, sizeof order->cpu[0]);
	order->memory = xrealloc(order->memory, room, sizeof order->memory[0]);
	order->disk = xrealloc(order->disk, room, sizeof order->disk[0]);
	order->least_rank = xrealloc(order->least_rank, room, sizeof order->least_rank[0]);
	for (uint32_t i = order->n_blocks; i < room; i++)
		directory_clear(order, i);
	order->room = room;
}

/* Looks through the block for what the directory says of it. */
static void
block_refresh(struct order *order, uint32_t at)
{
	const struct node_scan_rows *rows = &order->blocks[at]->rows;

	order->cpu[at] = node_scan_most(rows->cpu);
	order->memory[at] = node_scan_most(rows->memory);
	order->disk[at] = node_scan_most(rows->disk);
	order->least_rank[at] = node_scan_least(rows->rank);
}

/* Moves the directory's entries from `from` on by one, to open or close a place. */
static void
directory_move(struct order *order, uint32_t to, uint32_t from)
{
	size_t n = order->n_blocks - from;

	memmove(&order->blocks[to], &order->blocks[from], n * sizeof(struct order_block *));
	memmove(&order->measure[to], &order->measure[from], n * sizeof order->measure[0]);
	memmove(&order->rank[to], &order->rank[from], n * sizeof order->rank[0]);
	memmove(&order->cpu[to], &order->cpu[from], n * sizeof order->cpu[0]);
	memmove(&order->memory[to], &order->memory[from], n * sizeof order->memory[0]);
	memmove(&order->disk[to], &order->disk[from], n * sizeof order->disk[0]);
	memmove(&order->least_rank[to], &order->least_rank[from], n * sizeof order->least_rank[0]);
}

/* A block for the keys from this one on; the first block has all that come before it, too. */
static struct order_block *
directory_insert(struct order *order, uint32_t at, struct order_key from)
{
	directory_reserve(order, order->n_blocks + 1);
	directory_move(order, at + 1, at);
	order->n_blocks++;
	order->measure[at] = at == 0 ? 0 : from.measure;
	order->rank[at] = at == 0 ? 0 : from.rank;
	order->blocks[at] = block_new();
	return order->blocks[at];
}

static void
directory_remove(struct order *order, uint32_t at)
{
	free(order->blocks[at]);
	directory_move(order, at, at + 1);
	directory_clear(order, --order->n_blocks);
	if (order->n_blocks > 0)
		order->measure[0] = order->rank[0] = 0;
}

static void
row_copy(struct order_block *to, uint32_t to_at, const struct order_block *from, uint32_t from_at)
{
	to->rows.cpu[to_at] = from->rows.cpu[from_at];
	to->rows.memory[to_at] = from->rows.memory[from_at];
	to->rows.disk[to_at] = from->rows.disk[from_at];
	to->rows.measure[to_at] = from->rows.measure[from_at];
	to->rows.rank[to_at] = from->rows.rank[from_at];
}

static void
row_put(struct order_block *block, const struct order_entry *entry)
{
	uint32_t at = block->n++;

	block->rows.cpu[at] = entry->cpu;
	block->rows.memory[at] = entry->memory;
	block->rows.disk[at] = entry->disk;
	block->rows.measure[at] = entry->key.measure;
	block->rows.rank[at] = entry->key.rank;
}

/* The last row fills the gap. */
static void
row_drop(struct order_block *block, uint32_t at)
{
	row_copy(block, at, block, --block->n);
	row_clear(block, block->n);
}

static int
key_compare(const void *a, const void *b)
{
	const struct order_key *left = a, *right = b;

	return order_key_less(*left, *right) ? -1 : order_key_less(*right, *left);
}

static int
entry_compare(const void *a, const void *b)
{
	const struct order_entry *left = a, *right = b;

	return key_compare(&left->key, &right->key);
}

void
order_build(struct order *order, struct order_entry *entries, uint32_t n)
{
	struct order_block *block = NULL;

	order_fini(order);
	if (n > 1)
		qsort(entries, n, sizeof entries[0], entry_compare);
	for (uint32_t i = 0; i < n; i++) {
		if (i % BLOCK_FILL == 0)
			block = directory_insert(order, order->n_blocks, entries[i].key);
		row_put(block, &entries[i]);
	}
	for (uint32_t i = 0; i < order->n_blocks; i++)
		block_refresh(order, i);
}

/* The last block that begins at or before the key. The order is not empty. */
static uint32_t
block_of(const struct order *order, struct order_key key)
{
	uint32_t low = 0, high = (order->n_blocks + ORDER_BLOCK - 1) / ORDER_BLOCK;

	while (high - low > 1) { /* by the first of each 64 */
		uint32_t middle = low + (high - low) / 2, at = middle * ORDER_BLOCK;
		struct order_key first = {.measure = order->measure[at], .rank = order->rank[at]};

		if (order_key_less(key, first))
			high = middle;
		else
			low = middle;
	}
	low *= ORDER_BLOCK;
	return low +
	       node_scan_count(&order->measure[low], &order->rank[low], key.measure, key.rank) - 1;
}

/* The greater half goes to a block of its own. */
static void
block_split(struct order *order, uint32_t at)
{
	struct order_block *block = order->blocks[at], *half;
	struct order_key keys[ORDER_BLOCK], middle;

	for (uint32_t i = 0; i < ORDER_BLOCK; i++)
		keys[i] = (struct order_key){block->rows.measure[i], block->rows.rank[i]};
	qsort(keys, ORDER_BLOCK, sizeof keys[0], key_compare);
	middle = keys[ORDER_BLOCK / 2];
	half = directory_insert(order, at + 1, middle);
	for (uint32_t i = ORDER_BLOCK; i-- > 0;) {
		struct order_key key = {block->rows.measure[i], block->rows.rank[i]};

		if (order_key_less(key, middle))
			continue;
		row_copy(half, half->n++, block, i);
		row_drop(block, i);
	}
	block_refresh(order, at);
	block_refresh(order, at + 1);
}

void
order_add(struct order *order, const struct order_entry *entry)
{
	uint32_t at;

	if (order->n_blocks == 0) {
		(void)directory_insert(order, 0, entry->key);
		block_refresh(order, 0);
	}
	at = block_of(order, entry->key);
	if (order->blocks[at]->n == ORDER_BLOCK) {
		block_split(order, at);
		at = block_of(order, entry->key);
	}
	row_put(order->blocks[at], entry);
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
	for (uint32_t i = 0; i < next->n; i++)
		row_copy(block, block->n++, next, i);
	directory_remove(order, at + 1);
	block_refresh(order, at);
}

void
order_remove(struct order *order, struct order_key key)
{
	uint32_t at = block_of(order, key);
	struct order_block *block = order->blocks[at];
	struct node_scan_rows *rows = &block->rows;
	uint32_t place = node_scan_find(rows->rank, key.rank);
	int32_t cpu = rows->cpu[place], memory = rows->memory[place], disk = rows->disk[place];

	assert(place < block->n && rows->rank[place] == key.rank);
	row_drop(block, place);
	if (cpu == order->cpu[at])
		order->cpu[at] = node_scan_most(rows->cpu);
	if (memory == order->memory[at])
		order->memory[at] = node_scan_most(rows->memory);
	if (disk == order->disk[at])
		order->disk[at] = node_scan_most(rows->disk);
	if (key.rank == order->least_rank[at])
		order->least_rank[at] = node_scan_least(rows->rank);
	if (block->n < BLOCK_LOW)
		block_join(order, at);
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
