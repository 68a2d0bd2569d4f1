#include "services/cli/cli_top.h"

#include <stdlib.h>

#include "services/cli/cli_pb.h"
#include "tests/lib/cli_world.h"

static void
answer_stats(struct cli_world *world, struct rpc_call *call)
{
	Davit__GetStatsReply reply = DAVIT__GET_STATS_REPLY__INIT;
	Davit__ClusterStats cluster = DAVIT__CLUSTER_STATS__INIT;
	Davit__Node node = DAVIT__NODE__INIT;
	Davit__NodeSample machine = DAVIT__NODE_SAMPLE__INIT;
	Davit__Task web = cli_world_task(), job = cli_world_task(), young = cli_world_task();
	Davit__TaskUsage web_usage = DAVIT__TASK_USAGE__INIT, job_usage = DAVIT__TASK_USAGE__INIT;
	Davit__TaskSample web_last = DAVIT__TASK_SAMPLE__INIT, job_last = DAVIT__TASK_SAMPLE__INIT;
	Davit__Task *tasks[] = {&web, &job, &young};
	Davit__Node *nodes[] = {&node};
	char n1[] = "n1", name[] = "job", last[] = "young";

	(void)world;
	CLI_PB_SET(&cluster, nodes_ready, 1);
	CLI_PB_SET(&cluster, nodes_total, 1);
	CLI_PB_SET(&cluster, tasks_running, 3);
	node.name = n1;
	CLI_PB_SET(&node, state, DAVIT__NODE__STATE__READY);
	node.usage = &machine;
	CLI_PB_SET(&machine, cpu_milli, 500);
	CLI_PB_SET(&machine, cpu_milli_total, 2000);
	CLI_PB_SET(&machine, load1_milli, 1250);
	CLI_PB_SET(&web_last, cpu_milli, 100);
	CLI_PB_SET(&web_last, memory_bytes, UINT64_C(64) << 20);
	CLI_PB_SET(&job_last, cpu_milli, 900);
	CLI_PB_SET(&job_last, memory_bytes, UINT64_C(1) << 20);
	web_usage.last = &web_last;
	job_usage.last = &job_last;
	web.usage = &web_usage;
	job.usage = &job_usage;
	job.name = name;
	young.name = last;
	reply.cluster = &cluster;
	reply.nodes = nodes;
	reply.n_nodes = 1;
	reply.tasks = tasks;
	reply.n_tasks = 3;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"GetStats", answer_stats}, {NULL, NULL}};

/* In which order the tasks are: the place of a name in the page. */
static size_t
place_of(const char *page, const char *name)
{
	const char *at = strstr(page, name);

	CHECK(at != NULL);
	return (size_t)(at - page);
}

TEST(cli_top_once_is_one_plain_page)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "top", "--once", NULL), CLI_OK);
	CHECK_HAS(world.out, "nodes   1 of 1 ready\n");
	CHECK_HAS(world.out, "n1    ready      0   0.5/2  25%");
	CHECK_HAS(world.out, "1.25\n");
	CHECK(strchr(world.out, '\x1b') == NULL);
	CHECK(place_of(world.out, "  job  ") < place_of(world.out, "  web  "));
	CHECK(place_of(world.out, "  web  ") < place_of(world.out, "  young  "));
	cli_world_close(&world);
}

TEST(cli_top_sorts_as_told)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "top", "--once", "--sort", "memory", NULL), CLI_OK);
	CHECK(place_of(world.out, "  web  ") < place_of(world.out, "  job  "));
	CHECK_EQ(cli_world_run(&world, "top", "--once", "-s", "name", NULL), CLI_OK);
	CHECK(place_of(world.out, "  web  ") < place_of(world.out, "  young  "));
	CHECK_EQ(cli_world_run(&world, "top", "--sort", "taste", NULL), CLI_USAGE);
	cli_world_close(&world);
}

TEST(cli_top_pages_follow_each_other_when_piped)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "top", "--count", "2", "-i", "10ms", "-o", "json", NULL),
		CLI_OK);
	CHECK_HAS(world.out, "}\n{");
	CHECK_EQ(cli_world_run(&world, "top", "--count", "2", "-i", "10ms", NULL), CLI_OK);
	CHECK_HAS(strstr(world.out, "nodes   1 of 1") + 1, "nodes   1 of 1");
	cli_world_close(&world);
}
