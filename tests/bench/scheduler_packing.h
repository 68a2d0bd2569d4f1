/*
 * scheduler_packing.h - how many equal nodes our choices fill, beside packers that see all tasks
 * at once and may sort them. For bench_scheduler.
 *
 * Tasks come in any order and stay where they are put; first-fit-decreasing and
 * best-fit-decreasing (the bound of 11/9 of the optimum in one dimension is theirs) sort them by
 * size first; the optimum tries everything. Fewer nodes is better.
 */
#pragma once

#include "services/scheduler/strategies.h"
#include "tests/bench/scheduler_cluster.h"

enum {
	PACK_SMALL = 10, /* tasks of a small case */
	PACK_CASES = 200,
	PACK_LARGE = 10000, /* tasks of the large case */
	PACK_CPU = 16000,
	PACK_MEMORY = 65536, /* MiB */
};

struct pack_item {
	int32_t cpu, memory;
};

static inline int
pack_compare(const void *a, const void *b)
{
	const struct pack_item *x = a, *y = b;
	/* The sum of both shares of a node, the greater first. */
	int64_t left = (int64_t)x->cpu * PACK_MEMORY + (int64_t)x->memory * PACK_CPU;
	int64_t right = (int64_t)y->cpu * PACK_MEMORY + (int64_t)y->memory * PACK_CPU;

	return left > right ? -1 : left < right;
}

static inline void
pack_items(struct pack_item *items, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		items[i] = (struct pack_item){.cpu = (int32_t)(500 + roll(7500)),
			.memory = (int32_t)(1024 + roll(30000))};
}

/* Nodes used by the first, or the fullest, that fits. */
static inline unsigned
pack_greedy(const struct pack_item *items, unsigned n, bool best)
{
	struct pack_item *nodes = xcalloc(n, sizeof nodes[0]); /* free */
	unsigned used = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned to = used;
		int64_t least = INT64_MAX;

		for (unsigned k = 0; k < used; k++) {
			int64_t left =
				(int64_t)nodes[k].cpu * 1024 + (int64_t)nodes[k].memory * 1000;

			if (nodes[k].cpu < items[i].cpu || nodes[k].memory < items[i].memory ||
				left >= least)
				continue;
			to = k;
			least = left;
			if (!best)
				break;
		}
		if (to == used)
			nodes[used++] = (struct pack_item){PACK_CPU, PACK_MEMORY};
		nodes[to].cpu -= items[i].cpu;
		nodes[to].memory -= items[i].memory;
	}
	free(nodes);
	return used;
}

struct pack_search {
	const struct pack_item *items;
	unsigned n, best;
	struct pack_item nodes[PACK_SMALL];
};

/* Every way to put item i and those behind it, but for nodes that are alike. */
static inline void
pack_try(struct pack_search *search, unsigned i, unsigned used)
{
	if (used >= search->best)
		return;
	if (i == search->n) {
		search->best = used;
		return;
	}
	for (unsigned k = 0; k <= used && k < search->n; k++) {
		if (k == used)
			search->nodes[k] = (struct pack_item){PACK_CPU, PACK_MEMORY};
		if (search->nodes[k].cpu < search->items[i].cpu ||
			search->nodes[k].memory < search->items[i].memory)
			continue;
		search->nodes[k].cpu -= search->items[i].cpu;
		search->nodes[k].memory -= search->items[i].memory;
		pack_try(search, i + 1, used + (k == used));
		search->nodes[k].cpu += search->items[i].cpu;
		search->nodes[k].memory += search->items[i].memory;
	}
}

static inline unsigned
pack_optimal(const struct pack_item *items, unsigned n)
{
	struct pack_search search = {.items = items, .n = n, .best = n + 1};

	pack_try(&search, 0, 0);
	return search.best;
}

/* Nodes that the scheduler's best-fit uses: equal nodes, as many as tasks. */
static inline unsigned
pack_ours(const struct pack_item *items, unsigned n)
{
	struct bench_cluster *from = bench_cluster_new(n, 0);
	struct strategies *strategies = strategies_new(1);
	struct cluster cluster;
	struct place_fault fault;
	struct filters *filters;
	unsigned used = 0;

	for (unsigned i = 0; i < n; i++) {
		from->nodes[i].capacity->cpu_milli = PACK_CPU;
		from->nodes[i].capacity->memory_bytes = (uint64_t)PACK_MEMORY << 20;
	}
	cluster_init(&cluster, 1000);
	(void)cluster_apply(&cluster, &from->request, &fault);
	filters = filters_new(&cluster);
	for (unsigned i = 0; i < n; i++) {
		Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
		struct demand demand;
		struct seek seek = {.table = &cluster.table, .demand = &demand};
		struct choice choice;

		spec.cpu_milli = (uint64_t)items[i].cpu;
		spec.memory_bytes = (uint64_t)items[i].memory << 20;
		demand_init(&demand, seek.table, &spec);
		(void)filters_get(filters, &spec, "", &seek.filter, &fault.err);
		if (strategies_choose(strategies, DAVIT__TASK_SPEC__STRATEGY__BEST_FIT, &seek,
			    &choice))
			node_table_take(seek.table, choice.row, &demand.want);
		demand_fini(&demand, &cluster);
	}
	for (uint32_t row = 0; row < n; row++)
		used += cluster.table.nodes[row].n_tasks > 0;
	filters_free(filters);
	strategies_free(strategies);
	cluster_fini(&cluster);
	bench_cluster_free(from);
	return used;
}

static inline void
packing_print(void)
{
	struct pack_item *items = xcalloc(PACK_LARGE, sizeof items[0]);
	unsigned ours = 0, optimal = 0, decreasing = 0;

	for (unsigned i = 0; i < PACK_CASES; i++) {
		pack_items(items, PACK_SMALL);
		ours += pack_ours(items, PACK_SMALL);
		optimal += pack_optimal(items, PACK_SMALL);
		qsort(items, PACK_SMALL, sizeof items[0], pack_compare);
		decreasing += pack_greedy(items, PACK_SMALL, true);
	}
	bench_print("scheduler.packing.small.over_optimal", 100.0 * ours / optimal, "%");
	bench_print("scheduler.packing.small.decreasing_over_optimal", 100.0 * decreasing / optimal,
		"%");
	pack_items(items, PACK_LARGE);
	ours = pack_ours(items, PACK_LARGE);
	bench_print("scheduler.packing.large", ours, "nodes");
	qsort(items, PACK_LARGE, sizeof items[0], pack_compare);
	bench_print("scheduler.packing.large.over_first_fit_decreasing",
		100.0 * ours / pack_greedy(items, PACK_LARGE, false), "%");
	bench_print("scheduler.packing.large.over_best_fit_decreasing",
		100.0 * ours / pack_greedy(items, PACK_LARGE, true), "%");
	free(items);
}
