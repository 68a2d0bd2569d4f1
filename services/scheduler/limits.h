/*
 * limits.h - how much a scheduler takes in.
 *
 * Everything that Place brings is checked against these before it is used;
 * tests/unit/test_place_check.c reaches each.
 */
#pragma once

#include <stdint.h>

enum {
	PLACE_NODES_MAX = 1 << 17,           /* nodes in one cluster */
	PLACE_TASKS_MAX = 1 << 14,           /* tasks in one call: every refusal fits the reply */
	PLACE_SPECS_MAX = 1 << 14,           /* specs in one call */
	PLACE_NODE_LABELS_MAX = 256,         /* labels of one node */
	PLACE_NODE_PORTS_MAX = 65535,        /* host ports taken on one engine */
	PLACE_NAME_MAX = 256,                /* bytes of an id, a name, a label's key */
	PLACE_VALUE_MAX = 4096,              /* bytes of a label's value */
	PLACE_AVOID_MAX = 1024,              /* nodes that one task avoids */
	PLACE_SPEC_PORTS_MAX = 256,          /* ports of one task */
	PLACE_SPEC_CONSTRAINTS_MAX = 64,     /* constraints of one task */
	PLACE_CONSTRAINT_MAX = 1024,         /* bytes of one constraint */
	PLACE_TASKS_PER_NODE_MAX = 1000,     /* default of --tasks-per-node-max */
	PLACE_EXPLAIN_ROWS_MAX = 10000000,   /* rows looked at to explain refusals, in one call */
	PLACE_MESSAGE_MAX = 512,             /* bytes of a refusal's sentence */
	PLACE_CLASSES_MAX = 256,             /* filter results kept during one call */
	PLACE_FACETS_MAX = 64,               /* labels kept as columns from call to call */
	PLACE_COUNTERS_BYTES_MAX = 32 << 20, /* of counters kept from call to call */
	PLACE_GROUPS_MAX = 1 << 20,          /* groups in one call */
	PLACE_NODE_RUNNING_MAX = 1 << 14,    /* groups on one node */
	PLACE_RUNNING_MAX = 1 << 20,         /* tasks of one group on one node */
	PLACE_WEIGHT_MAX = 100,
	PLACE_NODE_TAINTS_MAX = 64, /* of one node */
	PLACE_KINDS_MAX = 16,       /* kinds of devices of a node or a task */
	PLACE_WISHES_MAX = 64,      /* affinities, spreads, … of one task, each */
	PLACE_PRIORITY_DEFAULT = 50,
	PLACE_BEST_MAX = 10, /* nodes of one explanation */
};

/* So large that sums and scores stay exact in 64 bits: see node_table.h. */
#define PLACE_CPU_MILLI_MAX    ((uint64_t)1 << 30) /* a million cores */
#define PLACE_MEMORY_BYTES_MAX ((uint64_t)1 << 50) /* a pebibyte */
#define PLACE_DISK_BYTES_MAX   ((uint64_t)1 << 50)
#define PLACE_DEVICES_MAX      (1u << 16) /* of one kind */
