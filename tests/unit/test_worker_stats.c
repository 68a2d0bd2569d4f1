/* Measurements of what runs: from the engine's streams, at the world's pace. */
#include <errno.h>
#include <stdlib.h>

#include "services/worker/stats.h"
#include "tests/lib/worker_world.h"

#define OBS(x) DAVIT__TASK_REPORT__OBSERVED__##x

static struct world world;
static Davit__NodeStats *last;
static unsigned n_messages;

static void
keep(void *arg, const char *topic, const void *data, size_t size)
{
	(void)arg;
	CHECK_STR(topic, "stats.node." WORLD_NODE);
	if (last != NULL)
		davit__node_stats__free_unpacked(last, NULL);
	last = davit__node_stats__unpack(NULL, size, data);
	CHECK(last != NULL);
	n_messages++;
}

static struct worker_stats *
begin(enum worker_stats_source source)
{
	last = NULL;
	n_messages = 0;
	world_init(&world);
	return worker_stats_new(&(struct worker_stats_options){.node_name = "n1",
					.source = source,
					.cgroup_root = "/nowhere",
					.publish = keep},
		world.worker, world.engine);
}

static void
end(struct worker_stats *stats)
{
	worker_stats_free(stats);
	world_run(&world, 100); /* streams end */
	world_fini(&world);
	if (last != NULL)
		davit__node_stats__free_unpacked(last, NULL);
}

static void
tick(struct worker_stats *stats, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		world_run(&world, 1000);
		worker_stats_tick(stats, engine_mem_now(world.engine_world));
	}
}

TEST(worker_stats_follow_what_runs)
{
	struct worker_stats *stats = begin(WORKER_STATS_AUTO);
	struct world_spec spec;
	struct world_task *task;
	char id[ID_TEXT_SIZE];

	worker_stats_tick(stats, 1);
	CHECK_EQ(n_messages, 0); /* no name yet */
	world_spec_init(&spec, "run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	tick(stats, 5);
	CHECK_EQ(n_messages, 5);
	CHECK_EQ(last->seq, 5);
	CHECK_EQ(last->session, 1);
	CHECK_STR(last->node_name, "n1");
	CHECK(last->node->cpu_milli_total > 0);
	CHECK_EQ(last->n_tasks, 1);
	id_format(world_id(1), id);
	CHECK_STR(last->tasks[0]->task_id, id);
	CHECK_EQ(last->tasks[0]->attempt, 1);
	CHECK(last->tasks[0]->has_cpu_milli);
	world_want(&world, task, DAVIT__TASK__DESIRED__STOP);
	world_expect(&world, task, OBS(ENDED), 3000);
	tick(stats, 2);
	CHECK_EQ(last->n_tasks, 0);
	end(stats);
}

TEST(worker_stats_by_files_alone_open_no_streams)
{
	struct worker_stats *stats = begin(WORKER_STATS_CGROUP);
	struct world_spec spec;

	world_spec_init(&spec, "run:forever");
	world_expect(&world, world_assign(&world, 1, 1, &spec.spec), OBS(RUNNING), 3000);
	tick(stats, 4);
	CHECK_EQ(last->n_tasks, 0);
	end(stats);
}

TEST(worker_stats_open_a_stream_again_that_ended)
{
	struct worker_stats *stats = begin(WORKER_STATS_ENGINE);
	struct world_spec spec;

	world_spec_init(&spec, "run:forever");
	world_expect(&world, world_assign(&world, 1, 1, &spec.spec), OBS(RUNNING), 3000);
	tick(stats, 3);
	CHECK_EQ(last->n_tasks, 1);
	engine_mem_restart(world.engine_world, true, 500);
	tick(stats, 8);
	CHECK_EQ(last->n_tasks, 1);
	end(stats);
}

TEST(worker_stats_source_has_three_names)
{
	enum worker_stats_source source;
	struct err err;

	CHECK_OK(worker_stats_source_parse("cgroup", &source, &err), &err);
	CHECK_EQ(source, WORKER_STATS_CGROUP);
	CHECK_EQ(worker_stats_source_parse("magic", &source, &err), -EINVAL);
	CHECK_HAS(err.text, "auto, engine, cgroup");
}
