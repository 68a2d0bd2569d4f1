/*
 * node_scan.h - the loops that look at every node for every placement.
 *
 * They compare 32-bit columns only, without branches, so that the compiler makes
 * vector code of them: microseconds for ten thousand nodes. They may let a node
 * through that is short by less than a MiB; whoever uses the result asks
 * node_table_fits. Pure.
 */
#pragma once

#include <stdint.h>

#include "services/scheduler/node_table.h"

enum {
	NODE_SCAN_NOTHING = INT32_MAX, /* no row of the block comes into question */
	NODE_SCAN_SHARE_SLACK = 8,
};

struct node_scan {
	const struct node_columns *columns;
	const int32_t *allow; /* per row: 1 allowed, 0 not; NULL: all are */
	uint32_t n_blocks;
	int32_t cpu, memory, disk;       /* wanted, in the units of the columns, rounded down */
	float cpu_wanted, memory_wanted; /* for node_scan_share: millicores and bytes */
	int32_t *keys;                   /* for node_scan_share: room for every row, filled by it */
	int32_t *block_least;            /* out: the least key of each block, or NOTHING */
};

/* Keys are a column. Returns the least of all, or NODE_SCAN_NOTHING. */
int32_t node_scan_column(const struct node_scan *scan, const int32_t *key);

/*
 * The key is the bits of the greater of the two shares wanted / free, a float: two
 * rows whose keys differ by no more than NODE_SCAN_SHARE_SLACK may be in either order.
 */
int32_t node_scan_share(const struct node_scan *scan);

/* True when the loops above would let this row through. */
static inline bool
node_scan_passes(const struct node_scan *scan, uint32_t row)
{
	return scan->columns->cpu[row] >= scan->cpu && scan->columns->memory[row] >= scan->memory &&
	       scan->columns->disk[row] >= scan->disk &&
	       (scan->allow == NULL || scan->allow[row] != 0);
}
