/*
 * scheduler_cluster.h - a cluster and a thousand tasks, as a request. For bench_scheduler.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/scheduler/placer.h"
#include "tests/lib/bench.h"

enum {
	BATCH = 1000, /* tasks of one call */
	ID_SIZE = 40,
	N_ZONES = 5,
	N_JOBS = 20, /* of a call's tasks, for spreads */

	FEATURE_WISHES = 1,     /* spread over zones, and a soft and a hard anti-affinity */
	FEATURE_CONSTRAINT = 2, /* one zone of the five */
};
#define GIB ((uint64_t)1 << 30)

static inline uint64_t
roll(uint64_t below)
{
	static uint64_t chance = 1;

	chance = chance * 6364136223846793005U + 1442695040888963407U;
	return (chance >> 33) % below;
}

struct bench_cluster {
	Davit__PlaceRequest request;
	Davit__PlaceNode *nodes, **node_list;
	Davit__Resources *resources;
	char (*ids)[ID_SIZE];
	Davit__StringEntry zones[N_ZONES], *zone_lists[N_ZONES][1];
	char zone_names[N_ZONES][8];
	Davit__PlaceSpec specs[BATCH], *spec_list[BATCH];
	Davit__TaskSpec spec_of[BATCH];
	Davit__PlaceTask tasks[BATCH], *task_list[BATCH];
	char task_ids[BATCH][ID_SIZE], jobs[N_JOBS][ID_SIZE];
	Davit__StringEntry labels[N_JOBS], *label_lists[N_JOBS][1];
	Davit__Spread spread, *spreads[1];
	Davit__Affinity affinities[N_JOBS][2], *affinity_lists[N_JOBS][2];
	char selectors[N_JOBS][ID_SIZE + 8], constraint_texts[N_ZONES][40];
	char *constraints[N_ZONES][1];
};

static inline void
bench_cluster_nodes(struct bench_cluster *cluster, uint32_t n)
{
	static char zone[] = "zone";

	for (unsigned z = 0; z < N_ZONES; z++) {
		davit__string_entry__init(&cluster->zones[z]);
		(void)snprintf(cluster->zone_names[z], sizeof cluster->zone_names[z], "z%u", z);
		cluster->zones[z].key = zone;
		cluster->zones[z].value = cluster->zone_names[z];
		cluster->zone_lists[z][0] = &cluster->zones[z];
	}
	cluster->nodes = xcalloc(n, sizeof cluster->nodes[0]);
	cluster->node_list = xcalloc(n, sizeof(Davit__PlaceNode *));
	cluster->resources = xcalloc((size_t)2 * n, sizeof cluster->resources[0]);
	cluster->ids = xcalloc(n, ID_SIZE);
	for (uint32_t i = 0; i < n; i++) {
		Davit__PlaceNode *node = &cluster->nodes[i];

		(void)snprintf(cluster->ids[i], ID_SIZE, "01930000-0000-7000-8000-%012u", i);
		davit__place_node__init(node);
		davit__resources__init(&cluster->resources[(size_t)2 * i]);
		davit__resources__init(&cluster->resources[(size_t)2 * i + 1]);
		node->id = cluster->ids[i];
		node->has_schedulable = node->schedulable = true;
		node->capacity = &cluster->resources[(size_t)2 * i];
		node->reserved = &cluster->resources[(size_t)2 * i + 1];
		node->capacity->has_cpu_milli = node->capacity->has_memory_bytes = true;
		node->capacity->has_disk_bytes = true;
		node->capacity->cpu_milli = 8000U << roll(4);
		node->capacity->memory_bytes = node->capacity->cpu_milli / 1000 * 4 * GIB;
		node->capacity->disk_bytes = 500 * GIB;
		node->labels = cluster->zone_lists[roll(N_ZONES)];
		node->n_labels = 1;
		cluster->node_list[i] = node;
	}
	cluster->request.nodes = cluster->node_list;
	cluster->request.n_nodes = n;
}

/* Each job keeps its tasks on different nodes (hard), away from the next job's (soft), and spread.
 */
static inline void
bench_cluster_wishes(struct bench_cluster *cluster)
{
	static char job[] = "job", zone[] = "zone";

	davit__spread__init(&cluster->spread);
	cluster->spread.topology = zone;
	cluster->spreads[0] = &cluster->spread;
	for (unsigned j = 0; j < N_JOBS; j++) {
		(void)snprintf(cluster->jobs[j], ID_SIZE, "job-%u", j);
		davit__string_entry__init(&cluster->labels[j]);
		cluster->labels[j].key = job;
		cluster->labels[j].value = cluster->jobs[j];
		cluster->label_lists[j][0] = &cluster->labels[j];
		(void)snprintf(cluster->selectors[j], sizeof cluster->selectors[j], "job=job-%u",
			j);
		davit__affinity__init(&cluster->affinities[j][0]);
		davit__affinity__init(&cluster->affinities[j][1]);
		cluster->affinity_lists[j][0] = &cluster->affinities[j][0];
		cluster->affinity_lists[j][1] = &cluster->affinities[j][1];
		cluster->affinities[j][0].anti = cluster->affinities[j][1].anti = true;
		cluster->affinities[j][0].label = cluster->selectors[j];
		cluster->affinities[(j + 1) % N_JOBS][1].label = cluster->selectors[j];
		cluster->affinities[j][1].has_weight = true;
		cluster->affinities[j][1].weight = 20;
	}
	for (unsigned j = 0; j < N_JOBS; j++)
		cluster->affinities[(j + 1) % N_JOBS][1].label = cluster->selectors[j];
	for (unsigned i = 0; i < BATCH; i++) {
		Davit__TaskSpec *spec = &cluster->spec_of[i];
		unsigned j = i % N_JOBS;

		spec->labels = cluster->label_lists[j];
		spec->spreads = cluster->spreads;
		spec->affinities = cluster->affinity_lists[j];
		spec->n_labels = spec->n_spreads = 1;
		spec->n_affinities = 2;
		cluster->tasks[i].group_id = cluster->jobs[j];
	}
	cluster->request.has_has_groups = cluster->request.has_groups = true;
}

static inline void
bench_cluster_constraints(struct bench_cluster *cluster)
{
	for (unsigned z = 0; z < N_ZONES; z++) {
		(void)snprintf(cluster->constraint_texts[z], sizeof cluster->constraint_texts[z],
			"node.labels.zone == z%u", z);
		cluster->constraints[z][0] = cluster->constraint_texts[z];
	}
	for (unsigned i = 0; i < BATCH; i++) {
		cluster->spec_of[i].constraints = cluster->constraints[i % N_ZONES];
		cluster->spec_of[i].n_constraints = 1;
	}
}

/* A thousand tasks of a thousand sizes. */
static inline void
bench_cluster_tasks(struct bench_cluster *cluster)
{
	for (unsigned i = 0; i < BATCH; i++) {
		Davit__TaskSpec *spec = &cluster->spec_of[i];

		(void)snprintf(cluster->task_ids[i], ID_SIZE, "01940000-0000-7000-8000-%012u", i);
		davit__task_spec__init(spec);
		spec->has_cpu_milli = spec->has_memory_bytes = true;
		spec->cpu_milli = 100 + roll(2000);
		spec->memory_bytes = (64 + roll(8000)) << 20;
		davit__place_spec__init(&cluster->specs[i]);
		cluster->specs[i].id = cluster->task_ids[i];
		cluster->specs[i].spec = spec;
		cluster->spec_list[i] = &cluster->specs[i];
		davit__place_task__init(&cluster->tasks[i]);
		cluster->tasks[i].task_id = cluster->task_ids[i];
		cluster->tasks[i].spec_id = cluster->task_ids[i];
		cluster->task_list[i] = &cluster->tasks[i];
	}
	cluster->request.specs = cluster->spec_list;
	cluster->request.n_specs = BATCH;
	cluster->request.tasks = cluster->task_list;
	cluster->request.n_tasks = BATCH;
}

static inline struct bench_cluster *
bench_cluster_new(uint32_t n_nodes, unsigned features)
{
	struct bench_cluster *cluster = xcalloc(1, sizeof *cluster);

	davit__place_request__init(&cluster->request);
	cluster->request.has_snapshot = cluster->request.snapshot = true;
	cluster->request.has_version = cluster->request.has_base_version = true;
	cluster->request.version = 1;
	bench_cluster_nodes(cluster, n_nodes);
	bench_cluster_tasks(cluster);
	if ((features & FEATURE_WISHES) != 0)
		bench_cluster_wishes(cluster);
	if ((features & FEATURE_CONSTRAINT) != 0)
		bench_cluster_constraints(cluster);
	return cluster;
}

/* From now on a change that changes nothing: the cache stays as it is. */
static inline void
bench_cluster_go_on(struct bench_cluster *cluster)
{
	cluster->request.snapshot = false;
	cluster->request.base_version = 1;
	cluster->request.n_nodes = 0;
}

static inline void
bench_cluster_free(struct bench_cluster *cluster)
{
	free(cluster->nodes);
	free(cluster->node_list);
	free(cluster->resources);
	free(cluster->ids);
	free(cluster);
}
