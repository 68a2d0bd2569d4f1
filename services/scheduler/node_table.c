#include "services/scheduler/node_table.h"

#include <assert.h>

#include "common/base/mem.h"
#include "services/scheduler/groups.h"
#include "services/scheduler/node_read.h"

/* What a device left over counts, in thousandths of a byte: so much as 8 cores. */
#define DEVICE_LEFT ((uint64_t)8000 << 30)

void
node_table_init(struct node_table *table, uint32_t tasks_per_node_max)
{
	*table = (struct node_table){
		.tasks_per_node_max = tasks_per_node_max,
		.intern = intern_new(),
		.engines = engines_new(),
	};
}

static void
orders_fini(struct node_table *table)
{
	for (unsigned i = 0; i < NODE_ORDER_COUNT; i++) {
		order_fini(&table->orders[i]);
		table->has_order[i] = false;
	}
}

void
node_table_clear(struct node_table *table)
{
	for (uint32_t i = 0; i < table->n; i++)
		node_fini(table, &table->nodes[i]);
	orders_fini(table);
	free(table->nodes);
	table->nodes = NULL;
	table->n = 0;
	table->shape++;
}

void
node_table_fini(struct node_table *table)
{
	node_table_clear(table);
	intern_free(table->intern);
	engines_free(table->engines);
	table->intern = NULL;
	table->engines = NULL;
}

static int32_t
mebibytes_up(int64_t bytes)
{
	return (int32_t)((bytes + ((1 << 20) - 1)) >> 20);
}

static uint64_t
left_of(const struct amounts *amounts)
{
	return ((uint64_t)amounts->cpu_milli << 30) + (uint64_t)amounts->memory_bytes * 1000;
}

uint64_t
node_table_left(const struct node *node)
{
	uint64_t left = left_of(&node->free);

	for (uint8_t i = 0; i < node->n_devices; i++)
		left += node->devices[i].free * DEVICE_LEFT;
	return left;
}

uint64_t
node_table_left_wanted(const struct want *want)
{
	uint64_t left = left_of(&want->amounts);

	for (uint32_t i = 0; i < want->n_devices; i++)
		left += want->devices[i].n * DEVICE_LEFT;
	return left;
}

static struct order_entry
entry_of(const struct node_table *table, uint32_t row, enum node_order order)
{
	const struct node *node = &table->nodes[row];

	return (struct order_entry){
		.key = {.measure = order == NODE_ORDER_LEFT ? node_table_left(node) : node->n_tasks,
			.rank = node_table_rank(table, row)},
		.cpu = (int32_t)node->free.cpu_milli,
		.memory = mebibytes_up(node->free.memory_bytes),
		.disk = mebibytes_up(node->free.disk_bytes),
	};
}

/* Around every change of a row: out of the orders with what it was, in with what it is. */
static void
row_out(struct node_table *table, uint32_t row)
{
	if (!node_table_is_open(table, row))
		return;
	for (unsigned i = 0; i < NODE_ORDER_COUNT; i++)
		if (table->has_order[i])
			order_remove(&table->orders[i],
				entry_of(table, row, (enum node_order)i).key);
}

static void
row_in(struct node_table *table, uint32_t row)
{
	if (!node_table_is_open(table, row))
		return;
	for (unsigned i = 0; i < NODE_ORDER_COUNT; i++) {
		struct order_entry entry;

		if (!table->has_order[i])
			continue;
		entry = entry_of(table, row, (enum node_order)i);
		order_add(&table->orders[i], &entry);
	}
}

const struct order *
node_table_order(struct node_table *table, enum node_order order)
{
	struct order_entry *entries;
	uint32_t n = 0;

	if (table->has_order[order])
		return &table->orders[order];
	entries = xcalloc((size_t)table->n + 1, sizeof entries[0]);
	for (uint32_t row = 0; row < table->n; row++)
		if (node_table_is_open(table, row))
			entries[n++] = entry_of(table, row, order);
	order_build(&table->orders[order], entries, n);
	free(entries);
	table->has_order[order] = true;
	return &table->orders[order];
}

uint32_t
node_table_lower_bound(const struct node_table *table, const char *id)
{
	uint32_t low = 0, high = table->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(table->nodes[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t
node_table_find(const struct node_table *table, const char *id)
{
	uint32_t row = node_table_lower_bound(table, id);

	return row < table->n && strcmp(table->nodes[row].id, id) == 0 ? row : NODE_ROW_NONE;
}

/* Overwrites rows that are there; what is left in ret_new are nodes without a row. */
static size_t
update_in_place(struct node_table *table, Davit__PlaceNode *const *changed, size_t n_changed,
	Davit__PlaceNode **ret_new)
{
	size_t n_new = 0;

	for (size_t i = 0; i < n_changed; i++) {
		uint32_t row = node_table_find(table, changed[i]->id);
		struct node old;

		if (row == NODE_ROW_NONE) {
			ret_new[n_new++] = changed[i];
			continue;
		}
		row_out(table, row);
		/* The new one first: texts and engine that stay keep their numbers. */
		old = table->nodes[row];
		node_read(table, &table->nodes[row], changed[i]);
		table->nodes[row].running = TAKE(old.running);
		table->nodes[row].n_running = old.n_running;
		old.n_running = 0;
		if (!node_is_alike(&table->nodes[row], &old))
			table->shape++;
		node_fini(table, &old);
		row_in(table, row);
	}
	return n_new;
}

/* Merges the rows that stay with the new nodes, both in the order of their ids. */
static void
rows_merge(struct node_table *table, Davit__PlaceNode *const *new, size_t n_new)
{
	uint32_t n = table->n + (uint32_t)n_new;
	struct node *old = table->nodes, *nodes = xcalloc((size_t)n + 1, sizeof *nodes);
	uint32_t from_old = 0;
	size_t from_new = 0;

	for (uint32_t row = 0; row < n; row++) {
		if (from_new < n_new &&
			(from_old == table->n || strcmp(new[from_new]->id, old[from_old].id) < 0))
			node_read(table, &nodes[row], new[from_new++]);
		else
			nodes[row] = old[from_old++];
	}
	free(old);
	orders_fini(table);
	table->nodes = nodes;
	table->n = n;
	table->shape++;
}

/* Takes rows out; the orders are wrong until rows_merge. Returns how many went. */
static uint32_t
rows_remove(struct node_table *table, const char *const *removed, size_t n_removed)
{
	uint32_t kept = 0;
	size_t at = 0;

	for (uint32_t row = 0; row < table->n; row++) {
		struct node *node = &table->nodes[row];

		while (at < n_removed && strcmp(removed[at], node->id) < 0)
			at++;
		if (at < n_removed && strcmp(removed[at], node->id) == 0)
			node_fini(table, node);
		else
			table->nodes[kept++] = *node;
	}
	at = table->n - kept;
	table->n = kept;
	return (uint32_t)at;
}

void
node_table_update(struct node_table *table, Davit__PlaceNode *const *changed, size_t n_changed,
	const char *const *removed, size_t n_removed)
{
	CLEANUP(free) char *room = xmalloc(n_changed * sizeof(Davit__PlaceNode *));
	Davit__PlaceNode **new = (Davit__PlaceNode **)(void *)room;
	size_t n_new = update_in_place(table, changed, n_changed, new), kept = 0, at = 0;
	uint32_t n_gone = n_removed > 0 ? rows_remove(table, removed, n_removed) : 0;

	for (size_t i = 0; i < n_new; i++) {
		while (at < n_removed && strcmp(removed[at], new[i]->id) < 0)
			at++;
		if (at == n_removed || strcmp(removed[at], new[i]->id) != 0)
			new[kept++] = new[i];
	}
	if (kept > 0 || n_gone > 0)
		rows_merge(table, new, kept);
}

struct node_device *
node_table_device(const struct node *node, uint32_t kind)
{
	for (uint8_t i = 0; kind != 0 && i < node->n_devices; i++)
		if (node->devices[i].kind == kind)
			return &node->devices[i];
	return NULL;
}

static bool
fits_otherwise(const struct node_table *table, const struct node *node, const struct want *want)
{
	if (want->n_dynamic_ports > node->n_ports_free)
		return false;
	for (uint32_t i = 0; i < want->n_devices; i++) {
		const struct node_device *device = node_table_device(node, want->devices[i].number);

		if (device == NULL || device->free < want->devices[i].n)
			return false;
	}
	for (uint32_t i = 0; i < want->n_ports; i++)
		if (engines_port_is_taken(table->engines, node->engine, want->ports[i]))
			return false;
	return true;
}

bool
node_table_fits(const struct node_table *table, uint32_t row, const struct want *want)
{
	const struct node *node = &table->nodes[row];

	return node_table_is_open(table, row) && want->amounts.cpu_milli <= node->free.cpu_milli &&
	       want->amounts.memory_bytes <= node->free.memory_bytes &&
	       want->amounts.disk_bytes <= node->free.disk_bytes &&
	       fits_otherwise(table, node, want);
}

void
node_table_take(struct node_table *table, uint32_t row, const struct want *want)
{
	struct node *node = &table->nodes[row];

	row_out(table, row);
	node->free.cpu_milli -= want->amounts.cpu_milli;
	node->free.memory_bytes -= want->amounts.memory_bytes;
	node->free.disk_bytes -= want->amounts.disk_bytes;
	node->n_ports_free -= want->n_dynamic_ports;
	node->n_tasks++;
	for (uint32_t i = 0; i < want->n_devices; i++)
		node_table_device(node, want->devices[i].number)->free -= want->devices[i].n;
	for (uint32_t i = 0; i < want->n_ports; i++)
		engines_port_take(table->engines, node->engine, want->ports[i]);
	row_in(table, row);
}

void
node_table_give(struct node_table *table, uint32_t row, const struct want *want)
{
	struct node *node = &table->nodes[row];

	row_out(table, row);
	node->free.cpu_milli += want->amounts.cpu_milli;
	node->free.memory_bytes += want->amounts.memory_bytes;
	node->free.disk_bytes += want->amounts.disk_bytes;
	node->n_ports_free += want->n_dynamic_ports;
	node->n_tasks--;
	for (uint32_t i = 0; i < want->n_devices; i++)
		node_table_device(node, want->devices[i].number)->free += want->devices[i].n;
	for (uint32_t i = 0; i < want->n_ports; i++)
		engines_port_give(table->engines, node->engine, want->ports[i]);
	row_in(table, row);
}

const char *
node_table_label(const struct node_table *table, uint32_t row, const char *key)
{
	const struct node *node = &table->nodes[row];
	uint32_t number = intern_find(table->intern, key);

	for (uint32_t i = 0; number != 0 && i < node->n_labels; i++) {
		if (node->labels[i].key == number)
			return intern_text(table->intern, node->labels[i].value);
	}
	return NULL;
}
