#include "services/scheduler/node_table.h"

#include <assert.h>

#include "common/base/mem.h"

enum { COLUMN_ALIGN = 64 };

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
columns_free(struct node_columns *columns)
{
	free(columns->cpu);
	free(columns->memory);
	free(columns->disk);
	free(columns->left);
	free(columns->n_tasks);
	free(columns->cpu_inverse);
	free(columns->memory_inverse);
	*columns = (struct node_columns){0};
}

static void
node_fini(struct node_table *table, struct node *node)
{
	for (uint32_t i = 0; i < node->n_labels; i++) {
		intern_unref(table->intern, node->labels[i].key);
		intern_unref(table->intern, node->labels[i].value);
	}
	for (unsigned i = 0; i < NODE_ATTR_COUNT; i++)
		intern_unref(table->intern, node->attrs[i]);
	engines_unref(table->engines, node->engine);
	free(node->labels);
	free(node->id);
	free(node->name);
}

void
node_table_clear(struct node_table *table)
{
	for (uint32_t i = 0; i < table->n; i++)
		node_fini(table, &table->nodes[i]);
	free(table->nodes);
	columns_free(&table->columns);
	table->nodes = NULL;
	table->n = 0;
	table->room = 0;
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

static void *
column_new(uint32_t room)
{
	void *p = aligned_alloc(COLUMN_ALIGN, (size_t)room * sizeof(int32_t));

	assert(p != NULL);
	return p;
}

static void
columns_new(struct node_columns *columns, uint32_t room)
{
	columns->cpu = column_new(room);
	columns->memory = column_new(room);
	columns->disk = column_new(room);
	columns->left = column_new(room);
	columns->n_tasks = column_new(room);
	columns->cpu_inverse = column_new(room);
	columns->memory_inverse = column_new(room);
}

static int32_t
mebibytes_up(int64_t bytes)
{
	return (int32_t)((bytes + ((1 << 20) - 1)) >> 20);
}

uint64_t
node_table_left(const struct node *node)
{
	return ((uint64_t)node->cpu_milli << 30) + (uint64_t)node->memory_bytes * 1000;
}

/* The columns of one row, made again from the node. */
static void
row_refresh(struct node_table *table, uint32_t row)
{
	const struct node *node = &table->nodes[row];
	struct node_columns *columns = &table->columns;
	bool is_open = node->is_schedulable && node->n_tasks < table->tasks_per_node_max;
	float left = (float)node_table_left(node);

	columns->cpu[row] = is_open ? (int32_t)node->cpu_milli : -1;
	columns->memory[row] = mebibytes_up(node->memory_bytes);
	columns->disk[row] = mebibytes_up(node->disk_bytes);
	memcpy(&columns->left[row], &left, sizeof left);
	columns->n_tasks[row] = (int32_t)(node->n_tasks > INT32_MAX ? INT32_MAX : node->n_tasks);
	columns->cpu_inverse[row] = node->cpu_milli == 0 ? 0 : 1.0F / (float)node->cpu_milli;
	columns->memory_inverse[row] =
		node->memory_bytes == 0 ? 0 : 1.0F / (float)node->memory_bytes;
}

/* A row behind the last one: so that loops may run over whole blocks. */
static void
row_void(struct node_table *table, uint32_t row)
{
	struct node_columns *columns = &table->columns;

	columns->cpu[row] = -1;
	columns->memory[row] = 0;
	columns->disk[row] = 0;
	columns->left[row] = INT32_MAX;
	columns->n_tasks[row] = INT32_MAX;
	columns->cpu_inverse[row] = 0;
	columns->memory_inverse[row] = 0;
}

static int64_t
free_of(uint64_t capacity, uint64_t reserved)
{
	return capacity > reserved ? (int64_t)(capacity - reserved) : 0;
}

static void
node_set_resources(struct node *node, const Davit__PlaceNode *from)
{
	static const Davit__Resources none = DAVIT__RESOURCES__INIT;
	const Davit__Resources *capacity = from->capacity != NULL ? from->capacity : &none;
	const Davit__Resources *reserved = from->reserved != NULL ? from->reserved : &none;

	node->cpu_milli = free_of(capacity->cpu_milli, reserved->cpu_milli);
	node->memory_bytes = free_of(capacity->memory_bytes, reserved->memory_bytes);
	node->disk_bytes = free_of(capacity->disk_bytes, reserved->disk_bytes);
	node->gpus = (uint32_t)free_of(capacity->gpus, reserved->gpus);
	node->n_tasks = from->n_tasks;
	node->n_ports_free = from->n_ports_free;
}

static void
node_set_attrs(struct node_table *table, struct node *node, const Davit__PlaceNode *from)
{
	const Davit__EngineInfo *engine = from->engine;

	node->attrs[NODE_ATTR_ADDRESS] = intern_ref(table->intern, from->address);
	node->attrs[NODE_ATTR_CLASS] = intern_ref(table->intern, from->class_);
	if (engine == NULL)
		return;
	node->attrs[NODE_ATTR_ENGINE_VERSION] = intern_ref(table->intern, engine->version);
	node->attrs[NODE_ATTR_OS] = intern_ref(table->intern, engine->os);
	node->attrs[NODE_ATTR_ARCH] = intern_ref(table->intern, engine->arch);
	node->attrs[NODE_ATTR_KERNEL] = intern_ref(table->intern, engine->kernel);
}

static void
node_init(struct node_table *table, struct node *node, const Davit__PlaceNode *from)
{
	*node = (struct node){
		.id = xstrdup(from->id),
		.name = xstrdup(
			from->name != NULL && from->name[0] != '\0' ? from->name : from->id),
		.n_labels = (uint32_t)from->n_labels,
		.labels = xcalloc(from->n_labels + 1, sizeof node->labels[0]),
		.engine =
			engines_ref(table->engines, from->engine != NULL ? from->engine->id : NULL),
		.is_schedulable = from->schedulable,
		.state = from->has_state     ? from->state
			 : from->schedulable ? DAVIT__NODE__STATE__READY
					     : DAVIT__NODE__STATE__NONE,
	};
	for (size_t i = 0; i < from->n_labels; i++) {
		const char *value = from->labels[i]->value;

		node->labels[i].key = intern_ref(table->intern, from->labels[i]->key);
		node->labels[i].value = intern_ref(table->intern, value != NULL ? value : "");
	}
	node_set_attrs(table, node, from);
	node_set_resources(node, from);
	engines_ports_set(table->engines, node->engine, from->host_ports, from->n_host_ports);
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
		/* The new one first: texts and engine that stay keep their numbers. */
		old = table->nodes[row];
		node_init(table, &table->nodes[row], changed[i]);
		node_fini(table, &old);
		row_refresh(table, row);
	}
	return n_new;
}

/* Merges the rows that stay with the new nodes, both in the order of their ids. */
static void
rows_merge(struct node_table *table, Davit__PlaceNode *const *new, size_t n_new)
{
	uint32_t n = table->n + (uint32_t)n_new;
	uint32_t room = (n + NODE_BLOCK - 1) / NODE_BLOCK * NODE_BLOCK;
	struct node *old = table->nodes, *nodes = xcalloc(room, sizeof *nodes);
	uint32_t from_old = 0;
	size_t from_new = 0;

	for (uint32_t row = 0; row < n; row++) {
		if (from_new < n_new &&
			(from_old == table->n || strcmp(new[from_new]->id, old[from_old].id) < 0))
			node_init(table, &nodes[row], new[from_new++]);
		else
			nodes[row] = old[from_old++];
	}
	free(old);
	columns_free(&table->columns);
	table->nodes = nodes;
	table->n = n;
	table->room = room;
	if (room > 0)
		columns_new(&table->columns, room);
	for (uint32_t row = 0; row < n; row++)
		row_refresh(table, row);
	for (uint32_t row = n; row < room; row++)
		row_void(table, row);
}

/* Takes rows out; the columns are wrong until rows_merge. Returns how many went. */
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

bool
node_table_fits(const struct node_table *table, uint32_t row, const struct want *want)
{
	const struct node *node = &table->nodes[row];

	if (!node->is_schedulable || node->n_tasks >= table->tasks_per_node_max)
		return false;
	if (want->cpu_milli > node->cpu_milli || want->memory_bytes > node->memory_bytes ||
		want->disk_bytes > node->disk_bytes)
		return false;
	if (want->gpus > node->gpus || want->n_dynamic_ports > node->n_ports_free)
		return false;
	for (uint32_t i = 0; i < want->n_ports; i++) {
		if (engines_port_is_taken(table->engines, node->engine, want->ports[i]))
			return false;
	}
	return true;
}

void
node_table_take(struct node_table *table, uint32_t row, const struct want *want)
{
	struct node *node = &table->nodes[row];

	node->cpu_milli -= want->cpu_milli;
	node->memory_bytes -= want->memory_bytes;
	node->disk_bytes -= want->disk_bytes;
	node->gpus -= want->gpus;
	node->n_ports_free -= want->n_dynamic_ports;
	node->n_tasks++;
	for (uint32_t i = 0; i < want->n_ports; i++)
		engines_port_take(table->engines, node->engine, want->ports[i]);
	row_refresh(table, row);
}

void
node_table_give(struct node_table *table, uint32_t row, const struct want *want)
{
	struct node *node = &table->nodes[row];

	node->cpu_milli += want->cpu_milli;
	node->memory_bytes += want->memory_bytes;
	node->disk_bytes += want->disk_bytes;
	node->gpus += want->gpus;
	node->n_ports_free += want->n_dynamic_ports;
	node->n_tasks--;
	for (uint32_t i = 0; i < want->n_ports; i++)
		engines_port_give(table->engines, node->engine, want->ports[i]);
	row_refresh(table, row);
}

void
node_table_hide(struct node_table *table, uint32_t row)
{
	table->columns.cpu[row] = -1;
}

void
node_table_show(struct node_table *table, uint32_t row)
{
	row_refresh(table, row);
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
