/*
 * node_table.h - the nodes, as columns that are fast to look through.
 *
 * A row is a node; rows are in the order of node ids, so "the first" is the same
 * on every machine. What every placement reads lies in columns of 32-bit numbers
 * (struct node_columns), a cache line holding 16 nodes; everything else about a
 * node is in its struct node. Columns are rounded so that a node may look a
 * little larger than it is, never smaller: whoever finds a row in the columns
 * asks node_table_fits, which is exact, before choosing it.
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

enum {
	NODE_BLOCK = 64, /* rows are allocated and looked through by so many */
	NODE_ROW_NONE = UINT32_MAX >> 1,
};

enum node_attr {
	NODE_ATTR_ADDRESS,
	NODE_ATTR_CLASS,
	NODE_ATTR_ENGINE_VERSION,
	NODE_ATTR_OS,
	NODE_ATTR_ARCH,
	NODE_ATTR_KERNEL,
	NODE_ATTR_COUNT
};

struct node_label {
	uint32_t key, value; /* numbers of the table's intern */
};

struct node {
	char *id;
	char *name;
	struct node_label *labels;
	uint32_t n_labels;
	uint32_t attrs[NODE_ATTR_COUNT]; /* interned; 0: not told */
	uint32_t engine;                 /* handle of the table's engines */
	Davit__Node__State state;
	bool is_schedulable;
	/* Free: capacity less what is reserved, never below zero. */
	int64_t cpu_milli, memory_bytes, disk_bytes;
	uint32_t gpus;
	uint32_t n_tasks;
	uint32_t n_ports_free; /* dynamic host ports */
};

/* What a task wants of a node. */
struct want {
	int64_t cpu_milli, memory_bytes, disk_bytes; /* at most one more than the limits */
	uint32_t gpus;
	uint32_t n_dynamic_ports;
	const uint16_t *ports; /* static host ports, ascending, each once; borrowed */
	uint32_t n_ports;
};

/* Indexed by row; rows behind the last, up to a whole block, fit nothing. */
struct node_columns {
	int32_t *cpu;    /* free millicores; -1: nothing may be placed here */
	int32_t *memory; /* free MiB, rounded up */
	int32_t *disk;   /* free MiB, rounded up */
	int32_t *left;   /* bits of the float of node_table_left: compare as integers */
	int32_t *n_tasks;
	float *cpu_inverse;    /* 1 / free millicores; 0 when there are none */
	float *memory_inverse; /* 1 / free bytes */
};

struct node_table {
	struct node *nodes;
	struct node_columns columns;
	uint32_t n;
	uint32_t room; /* a multiple of NODE_BLOCK */
	uint32_t tasks_per_node_max;
	struct intern *intern;
	struct engines *engines;
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
 * removed. Ids that are not there are not removed. Everything is copied.
 */
void node_table_update(struct node_table *table, Davit__PlaceNode *const *changed, size_t n_changed,
	const char *const *removed, size_t n_removed);

/* The node's row, or NODE_ROW_NONE. */
uint32_t node_table_find(const struct node_table *table, const char *id);

/* The row of that id, or of the first greater one; table->n when there is none. */
uint32_t node_table_lower_bound(const struct node_table *table, const char *id);

/* True when the node takes tasks and has all that is wanted. Exact. */
bool node_table_fits(const struct node_table *table, uint32_t row, const struct want *want);

/* Room left over, in thousandths of a byte: a core counts as much as a GiB. */
uint64_t node_table_left(const struct node *node);

/* Reserves; the row must fit. node_table_give undoes it. */
void node_table_take(struct node_table *table, uint32_t row, const struct want *want);
void node_table_give(struct node_table *table, uint32_t row, const struct want *want);

/* Hides a row from the columns, or shows it again. */
void node_table_hide(struct node_table *table, uint32_t row);
void node_table_show(struct node_table *table, uint32_t row);

/* The value of a label as a text, or NULL when the node has no such label. */
const char *node_table_label(const struct node_table *table, uint32_t row, const char *key);
