/*
 * node_table.h - the nodes.
 *
 * A row is a node; rows are in the order of node ids, so "the first" is the same
 * on every machine. Beside the rows, orders (order.h) hold those that take tasks, by
 * what is left on them and by their tasks, in columns that are fast to look through; an
 * order is made when it is first asked for, and kept from then on, one changed row
 * at a time.
 *
 * Exactness: CPU is at most 2^30 millicores, memory and disk 2^50 bytes
 * (limits.h), so a column in MiB fits 31 bits, and what is left over, in units of
 * a thousandth of a byte-core, fits 64 bits without rounding.
 *
 * The table is what the manager last said, plus what was taken by
 * node_table_take during one call. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "proto/scheduler.pb-c.h"
#include "services/scheduler/engines.h"
#include "services/scheduler/intern.h"
#include "services/scheduler/order.h"

enum { NODE_ROW_NONE = UINT32_MAX >> 1 };

enum node_attr {
	NODE_ATTR_ADDRESS,
	NODE_ATTR_CLASS,
	NODE_ATTR_ENGINE_VERSION,
	NODE_ATTR_OS,
	NODE_ATTR_ARCH,
	NODE_ATTR_KERNEL,
	NODE_ATTR_TAINTS, /* all of them as one text: taints.h */
	NODE_ATTR_COUNT
};

struct node_label {
	uint32_t key, value; /* numbers of the table's intern */
};

struct node_device {
	uint32_t kind; /* number of the table's intern; gpus are the kind "gpu" */
	uint32_t free, capacity;
};

struct group; /* groups.h */

/* So many tasks of a group hold resources here. */
struct node_running {
	struct group *group;
	uint32_t n;
};

struct amounts {
	int64_t cpu_milli, memory_bytes, disk_bytes;
};

struct node {
	char *id;
	char *name; /* in the same block as id */
	struct node_label *labels;
	struct node_device *devices;
	struct node_running *running;
	uint32_t n_labels, n_running;
	uint32_t attrs[NODE_ATTR_COUNT]; /* interned; 0: not told */
	uint32_t engine;                 /* handle of the table's engines */
	struct amounts free;             /* capacity less what is reserved, never below zero */
	struct amounts capacity;
	uint32_t n_tasks;
	uint32_t n_ports_free; /* dynamic host ports */
	uint8_t n_devices;
	uint8_t state; /* Davit__Node__State */
	bool is_schedulable;
};

/* Devices of one kind that a task wants. */
struct want_device {
	const char *kind; /* borrowed */
	uint32_t number;  /* of the table's intern; 0: no node has any */
	uint32_t n;
};

/* What a task wants of a node. */
struct want {
	struct amounts amounts; /* at most one more than the limits */
	uint32_t n_dynamic_ports;
	uint32_t n_ports, n_devices;
	const uint16_t *ports;             /* static host ports, ascending, each once; borrowed */
	const struct want_device *devices; /* borrowed */
};

/* By what the rows may be ordered. */
enum node_order {
	NODE_ORDER_LEFT,  /* node_table_left */
	NODE_ORDER_TASKS, /* n_tasks */
	NODE_ORDER_COUNT
};

struct node_table {
	struct node *nodes;
	uint32_t n;
	uint32_t tasks_per_node_max;
	uint64_t shape; /* grows when rows, labels or attributes change: what is derived of them is
			   old */
	struct intern *intern;
	struct engines *engines;
	struct order orders[NODE_ORDER_COUNT];
	bool has_order[NODE_ORDER_COUNT];
};

void node_table_init(struct node_table *table, uint32_t tasks_per_node_max);
void node_table_fini(struct node_table *table);

static inline void
node_table_fini_cleanup(struct node_table *table)
{
	node_table_fini(table);
}

/* Forgets every node. */
void node_table_clear(struct node_table *table);

/*
 * Puts new nodes in and changed ones over what was there, and takes removed ones
 * out. Both lists are ascending by id and hold no id twice; an id in both is
 * removed. Ids that are not there are not removed. Everything is copied, but `running`
 * is not looked at: groups_set says what runs.
 */
void node_table_update(struct node_table *table, Davit__PlaceNode *const *changed, size_t n_changed,
	const char *const *removed, size_t n_removed);

/* The node's row, or NODE_ROW_NONE. */
uint32_t node_table_find(const struct node_table *table, const char *id);

/* The row of that id, or of the first greater one; table->n when there is none. */
uint32_t node_table_lower_bound(const struct node_table *table, const char *id);

/* Whether the node takes tasks at all. */
static inline bool
node_table_is_open(const struct node_table *table, uint32_t row)
{
	return table->nodes[row].is_schedulable &&
	       table->nodes[row].n_tasks < table->tasks_per_node_max;
}

/* True when the node takes tasks and has all that is wanted. Exact. */
bool node_table_fits(const struct node_table *table, uint32_t row, const struct want *want);

/* The node's devices of a kind, or NULL. */
struct node_device *node_table_device(const struct node *node, uint32_t kind);

/* Room left over, in thousandths of a byte: a core counts as much as a GiB, a device as 8 cores. */
uint64_t node_table_left(const struct node *node);

/* The least that a node where the task fits can have left. */
uint64_t node_table_left_wanted(const struct want *want);

/* Reserves; the row must fit. node_table_give undoes it. */
void node_table_take(struct node_table *table, uint32_t row, const struct want *want);
void node_table_give(struct node_table *table, uint32_t row, const struct want *want);

/* The rows in that order; made if there is none yet. */
const struct order *node_table_order(struct node_table *table, enum node_order order);

static inline uint64_t
node_table_rank(const struct node_table *table, uint32_t row)
{
	return (uint64_t)table->nodes[row].n_tasks << 32 | row;
}

/* The value of a label as a text, or NULL when the node has no such label. */
const char *node_table_label(const struct node_table *table, uint32_t row, const char *key);
