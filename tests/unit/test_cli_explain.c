/* davit explain and plan, against a manager that follows a script. */
#include "tests/lib/cli_world.h"

/* It fits nowhere. */
static void
answer_explain(struct cli_world *world, struct rpc_call *call)
{
	Davit__ExplainTaskReply reply = DAVIT__EXPLAIN_TASK_REPLY__INIT;
	Davit__Explanation explanation = DAVIT__EXPLANATION__INIT;
	Davit__FilterCount cpu = DAVIT__FILTER_COUNT__INIT, *filters[] = {&cpu};
	Davit__Resources lacking = DAVIT__RESOURCES__INIT;
	Davit__Task task = cli_world_task();
	char *remedies[] = {"0.5 CPU freed on n2"};

	(void)world;
	cpu.filter = "cpu";
	cpu.has_n_nodes = 1;
	cpu.n_nodes = 3;
	explanation.task_id = task.id;
	explanation.strategy = "best-fit";
	explanation.has_n_nodes = explanation.has_n_feasible = 1;
	explanation.n_nodes = 3;
	explanation.filters = filters;
	explanation.n_filters = 1;
	explanation.nearest_node_id = "0198c0de-0000-7000-8000-00000000000a";
	explanation.nearest_node_name = "n2";
	lacking.has_cpu_milli = lacking.has_gpus = 1;
	lacking.cpu_milli = 500;
	lacking.gpus = 2;
	explanation.lacking = &lacking;
	explanation.remedies = remedies;
	explanation.n_remedies = 1;
	reply.task = &task;
	reply.explanation = &explanation;
	rpc_call_answer(call, &reply.base);
}

/* Two nodes with components of their own. */
static void
answer_plan(struct cli_world *world, struct rpc_call *call)
{
	const Davit__PlanTasksRequest *request = (const Davit__PlanTasksRequest *)call->request;
	Davit__PlanTasksReply reply = DAVIT__PLAN_TASKS_REPLY__INIT;
	Davit__PlannedNode planned = DAVIT__PLANNED_NODE__INIT, *nodes[] = {&planned};
	Davit__Explanation explanation = DAVIT__EXPLANATION__INIT;
	Davit__ScorePart fit = DAVIT__SCORE_PART__INIT, *parts[] = {&fit};
	Davit__ScorePart zone = DAVIT__SCORE_PART__INIT, *other_parts[] = {&zone};
	Davit__ScoredNode first = DAVIT__SCORED_NODE__INIT, second = DAVIT__SCORED_NODE__INIT;
	Davit__ScoredNode *best[] = {&first, &second};
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Task task = cli_world_task(), *evicted[] = {&task};

	CHECK_STR(request->spec->image, "nginx");
	CHECK_EQ(request->count, 3);
	(void)world;
	spec.has_priority = 1;
	spec.priority = 10;
	task.spec = &spec;
	planned.node_id = "a";
	planned.node_name = "n1";
	planned.has_n_tasks = 1;
	planned.n_tasks = 2;
	planned.evicted = evicted;
	planned.n_evicted = 1;
	reply.nodes = nodes;
	reply.n_nodes = 1;
	reply.has_n_refused = 1;
	reply.n_refused = 1;
	reply.message = "no node fits: cpu short on 1 of 1 node";
	fit.name = "fit";
	fit.value = 0.25;
	zone.name = "spread zone";
	zone.value = -1;
	first.node_id = second.node_id = "a";
	first.node_name = "n1";
	second.node_name = "n2";
	first.has_score = second.has_score = 1;
	first.score = 0.25;
	second.score = -1;
	first.parts = parts;
	second.parts = other_parts;
	first.n_parts = second.n_parts = 1;
	explanation.task_id = task.id;
	explanation.best = best;
	explanation.n_best = 2;
	explanation.has_n_nodes = explanation.has_n_feasible = 1;
	explanation.n_nodes = explanation.n_feasible = 2;
	reply.explanation = &explanation;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"ExplainTask", answer_explain},
	{"PlanTasks", answer_plan}, {NULL, NULL}};

TEST(cli_explain_names_filters_the_nearest_miss_and_remedies)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "explain", "web", NULL), CLI_OK);
	CHECK_HAS(world.out, "strategy  best-fit\n");
	CHECK_HAS(world.out, "nodes     3 looked at, it fits on 0\n");
	CHECK_HAS(world.out, "nearest   n2, which lacks 0.5 CPU, 2 gpu\n");
	CHECK_HAS(world.out, "NODES  REMOVED BY  DETAIL\n    3  cpu\n");
	CHECK_HAS(world.out, "what would help\n  - 0.5 CPU freed on n2\n");
	CHECK_EQ(cli_world_run(&world, "explain", "web", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"nearest_node_name\": \"n2\"");
	cli_world_close(&world);
}

TEST(cli_plan_shows_nodes_evictions_and_what_would_wait)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "plan", "--count", "3", "nginx", NULL), CLI_OK);
	CHECK_HAS(world.out, "NODE  TASKS  WOULD END\nn1        2  web (priority 10)\n");
	CHECK_HAS(world.out, "1 would wait: no node fits: cpu short on 1 of 1 node\n");
	CHECK_EQ(cli_world_run(&world, "plan", "--count", "3", "-o", "wide", "nginx", NULL),
		CLI_OK);
	CHECK_HAS(world.out, "BEST NODES  SCORE   fit  spread zone\n"
			     "n1           0.25  0.25            -\n"
			     "n2             -1     -           -1\n");
	cli_world_close(&world);
}

TEST(cli_plan_wants_a_file_or_an_image)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "plan", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "plan what?");
	CHECK_EQ(cli_world_run(&world, "plan", "-f", "/nowhere.yaml", NULL), CLI_NOT_FOUND);
	cli_world_close(&world);
}
