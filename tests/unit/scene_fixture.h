/*
 * scene_fixture.h - the parts of the scheduler below the placer, made of a fixture's nodes.
 *
 * Tests only.
 */
#pragma once

#include "services/scheduler/strategies.h"
#include "tests/unit/place_fixture.h"

struct scene {
	struct cluster cluster;
	struct filters *filters;
	struct strategies *strategies;
	/* Of the latest scene_seek. */
	struct demand demand;
	struct seek seek;
	bool has_demand;
};

static inline void
scene_init(struct scene *scene, struct fixture *fixture, uint32_t tasks_per_node_max)
{
	struct place_fault fault = {0};

	*scene = (struct scene){0};
	cluster_init(&scene->cluster, tasks_per_node_max);
	CHECK_OK(cluster_apply(&scene->cluster, &fixture->request, &fault), &fault.err);
	scene->filters = filters_new(&scene->cluster);
	scene->strategies = strategies_new(7);
}

static inline void
scene_demand_fini(struct scene *scene)
{
	if (scene->has_demand)
		demand_fini(&scene->demand, &scene->cluster);
	scene->has_demand = false;
}

static inline void
scene_fini_cleanup(struct scene *scene)
{
	scene_demand_fini(scene);
	strategies_free(scene->strategies);
	filters_free(scene->filters);
	cluster_fini(&scene->cluster);
}

/* What the spec asks for, read anew. */
static inline const struct seek *
scene_seek(struct scene *scene, const Davit__TaskSpec *spec)
{
	static char id[] = "t";
	Davit__PlaceTask task = DAVIT__PLACE_TASK__INIT;
	struct err err = {0};

	task.task_id = task.spec_id = id;
	scene_demand_fini(scene);
	demand_init(&scene->demand, &scene->cluster.table, spec);
	scene->has_demand = true;
	if (scene->cluster.has_groups)
		demand_wish(&scene->demand, &scene->cluster, &task);
	scene->seek = (struct seek){.table = &scene->cluster.table, .demand = &scene->demand};
	CHECK_OK(filters_get(scene->filters, spec,
			 scene->demand.filter_key != NULL ? scene->demand.filter_key : "",
			 &scene->seek.filter, &err),
		&err);
	return &scene->seek;
}

/* The id of the node that is chosen, and taken; "-" for none. */
static inline const char *
scene_place(struct scene *scene, Davit__TaskSpec__Strategy strategy, const Davit__TaskSpec *spec)
{
	const struct seek *seek = scene_seek(scene, spec);
	struct choice choice;

	if (!strategies_choose(scene->strategies, strategy, seek, &choice))
		return "-";
	node_table_take(&scene->cluster.table, choice.row, &scene->demand.want);
	return scene->cluster.table.nodes[choice.row].id;
}
