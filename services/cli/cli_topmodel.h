/*
 * cli_topmodel.h - what `davit top` shows: tasks and nodes with their last minute, arranged.
 *
 * Fed by the monitor (GetTop), or by the manager alone (GetStats): then rates and the last minute
 * are gathered here, from one answer to the next. Pure; times are arguments. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "common/base/cleanup.h"
#include "proto/manager.pb-c.h"
#include "proto/monitor.pb-c.h"

enum { CLI_TOP_POINTS = 60, CLI_TOP_TASKS_MAX = 2000 };

enum cli_top_order {
	CLI_TOP_BY_CPU,
	CLI_TOP_BY_MEMORY,
	CLI_TOP_BY_NET,
	CLI_TOP_BY_IO,
	CLI_TOP_BY_NAME,
	CLI_TOP_ORDER_COUNT
};
enum cli_top_group {
	CLI_TOP_UNGROUPED,
	CLI_TOP_BY_NODE,
	CLI_TOP_BY_ARRAY,
	CLI_TOP_BY_NAMESPACE,
	CLI_TOP_GROUP_COUNT
};

/* A task or a node. Figures that are not known are 0. */
struct cli_top_item {
	UT_hash_handle hh;
	char *id, *name, *namespace_name, *array_id, *node_name; /* "" where there is none */
	char state[40];                                          /* of a node, for people */
	bool is_node, is_well;
	uint32_t n_tasks;
	uint64_t cpu_milli, cpu_milli_max; /* of the limit or the machine; 0: none */
	uint64_t memory_bytes, memory_bytes_max;
	uint64_t disk_bytes, disk_bytes_max, load1_milli; /* of a node */
	uint64_t rates[4]; /* bytes a second: net in, net out, disk read, disk written */
	uint64_t counters[4], counted_ms;
	uint64_t pids, restarts;
	int64_t cpu_points[CLI_TOP_POINTS],
		memory_points[CLI_TOP_POINTS]; /* oldest first; -1: none */
	unsigned round;                        /* in which it was seen last */
};

/* One line: an item, or the head of a group with the sums of what follows. */
struct cli_top_line {
	const struct cli_top_item *item; /* NULL: a head */
	const char *title;
	unsigned n;
	uint64_t cpu_milli, memory_bytes;
};

struct cli_topmodel;

struct cli_topmodel *cli_topmodel_new(void);
void cli_topmodel_free(struct cli_topmodel *model);
CLEANUP_DEFINE(struct cli_topmodel *, cli_topmodel_free)

void cli_topmodel_take_stats(struct cli_topmodel *model, const Davit__GetStatsReply *reply,
	uint64_t now_ms);
void cli_topmodel_take_top(struct cli_topmodel *model, const Davit__GetTopReply *reply);

/* The latest; NULL: none yet. Borrowed until the next answer is taken. */
const Davit__ClusterStats *cli_topmodel_cluster(const struct cli_topmodel *model);
const int64_t *cli_topmodel_cpu_points(const struct cli_topmodel *model);
const int64_t *cli_topmodel_memory_points(const struct cli_topmodel *model);

struct cli_top_view {
	bool shows_nodes; /* else tasks */
	enum cli_top_order order;
	enum cli_top_group group;
	const char *filter; /* part of a name, id, node, namespace or array; "": all */
};

/* The lines in their order. Borrowed until the next call of any function here. */
const struct cli_top_line *cli_topmodel_arrange(struct cli_topmodel *model,
	const struct cli_top_view *view, size_t *ret_n);
