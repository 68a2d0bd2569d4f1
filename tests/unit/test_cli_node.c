/* davit nodes and node, against a manager that follows a script. */
#include <stdlib.h>

#include "tests/lib/cli_world.h"

static void
fill_node(Davit__Node *node, Davit__Resources *capacity, Davit__NodeSample *usage)
{
	static char id[] = "0198c0de-0000-7000-8000-00000000000a", name[] = "n1", zone[] = "zone";
	static char address[] = "10.0.0.1", value[] = "eu";
	static Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT;
	static Davit__StringEntry *labels[] = {&label};

	label.key = zone;
	label.value = value;
	node->id = id;
	node->name = name;
	node->address = address;
	node->labels = labels;
	node->n_labels = 1;
	node->has_state = node->has_n_tasks = node->has_heard_ms = 1;
	node->state = DAVIT__NODE__STATE__READY;
	node->n_tasks = 2;
	node->heard_ms = CLI_WORLD_NOW_MS - 1000;
	node->capacity = capacity;
	node->usage = usage;
	capacity->has_cpu_milli = capacity->has_memory_bytes = 1;
	capacity->cpu_milli = 4000;
	capacity->memory_bytes = UINT64_C(8) << 30;
	usage->has_cpu_milli = usage->has_memory_bytes = 1;
	usage->cpu_milli = 250;
	usage->memory_bytes = UINT64_C(1) << 30;
}

static void
answer_list(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;
	Davit__Node node = DAVIT__NODE__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	Davit__NodeSample usage = DAVIT__NODE_SAMPLE__INIT;
	Davit__Node *nodes[] = {&node};

	fill_node(&node, &capacity, &usage);
	reply.nodes = nodes;
	reply.n_nodes = world->user == NULL ? 1 : 0;
	rpc_call_answer(call, &reply.base);
}

static void
answer_get(struct cli_world *world, struct rpc_call *call)
{
	Davit__GetNodeReply reply = DAVIT__GET_NODE_REPLY__INIT;
	Davit__Node node = DAVIT__NODE__INIT;
	Davit__Resources capacity = DAVIT__RESOURCES__INIT;
	Davit__NodeSample usage = DAVIT__NODE_SAMPLE__INIT;

	(void)world;
	fill_node(&node, &capacity, &usage);
	reply.node = &node;
	rpc_call_answer(call, &reply.base);
}

static void
answer_update(struct cli_world *world, struct rpc_call *call)
{
	const Davit__UpdateNodeRequest *request = (const void *)call->request;
	Davit__UpdateNodeReply reply = DAVIT__UPDATE_NODE_REPLY__INIT;
	Davit__Node node = DAVIT__NODE__INIT;

	CHECK(call->request_id != NULL);
	CHECK(request->has_draining);
	*(int *)world->user = request->draining;
	node.has_draining = 1;
	node.draining = request->draining;
	reply.node = &node;
	rpc_call_answer(call, &reply.base);
}

static void
refuse_remove(struct cli_world *world, struct rpc_call *call)
{
	(void)world;
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, NULL,
		"node 'n1' is heard: stop its worker first");
}

static const struct cli_script script[] = {{"ListNodes", answer_list}, {"GetNode", answer_get},
	{"UpdateNode", answer_update}, {"RemoveNode", refuse_remove}, {NULL, NULL}};

TEST(cli_nodes_show_what_is_reserved_and_used)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "nodes", NULL), CLI_OK);
	CHECK_STR(world.out,
		"NAME  STATE  TASKS  CPU   MEMORY  USED CPU  USED MEMORY  HEARD  MESSAGE\n"
		"n1    ready      2  0/4  0B/8GiB      0.25         1GiB     1s\n");
	CHECK_EQ(cli_world_run(&world, "nodes", "-o", "wide", NULL), CLI_OK);
	CHECK_HAS(world.out, "zone=eu");
	CHECK_HAS(world.out, "10.0.0.1");
	CHECK_EQ(cli_world_run(&world, "node", "ls", "-q", NULL), CLI_OK);
	CHECK_STR(world.out, "0198c0de-0000-7000-8000-00000000000a\n");
	CHECK_EQ(cli_world_run(&world, "nodes", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"state\": \"READY\"");
	cli_world_close(&world);
}

TEST(cli_nodes_help_when_there_are_none)
{
	struct cli_world world;

	cli_world_open(&world, script);
	world.user = &world;
	world.cli.is_err_terminal = true;
	CHECK_EQ(cli_world_run(&world, "nodes", NULL), CLI_OK);
	CHECK_HAS(world.err, "davit-worker --manager");
	cli_world_close(&world);
}

TEST(cli_node_inspect_drain_undrain)
{
	struct cli_world world;
	int draining = -1;

	cli_world_open(&world, script);
	world.user = &draining;
	CHECK_EQ(cli_world_run(&world, "node", "inspect", "n1", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"cpu_milli\": 4000");
	CHECK_EQ(cli_world_run(&world, "node", "inspect", "n1", "n1", "-o", "yaml", NULL), CLI_OK);
	CHECK_HAS(world.out, "- id: ");
	CHECK_EQ(cli_world_run(&world, "node", "drain", "n1", NULL), CLI_OK);
	CHECK_EQ(draining, 1);
	CHECK_STR(world.out, "n1\n");
	CHECK_EQ(cli_world_run(&world, "node", "undrain", "n1", "-o", "json", NULL), CLI_OK);
	CHECK_EQ(draining, 0);
	CHECK_EQ(cli_world_run(&world, "node", "drain", NULL), CLI_USAGE);
	cli_world_close(&world);
}

TEST(cli_node_rm_says_what_to_do_first)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "node", "rm", "n1", NULL), CLI_FAILED);
	CHECK_STR(world.err, "davit: node 'n1' is heard: stop its worker first\n");
	cli_world_close(&world);
}
