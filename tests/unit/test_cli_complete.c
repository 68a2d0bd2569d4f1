#include "services/cli/cli_complete.h"

#include <stdlib.h>

#include "tests/lib/cli_world.h"

static void
answer_nodes(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;
	Davit__Node one = DAVIT__NODE__INIT, other = DAVIT__NODE__INIT;
	Davit__Node *nodes[] = {&one, &other};
	char n1[] = "n1", m2[] = "m2";

	(void)world;
	one.name = n1;
	other.name = m2;
	reply.nodes = nodes;
	reply.n_nodes = 2;
	rpc_call_answer(call, &reply.base);
}

static void
answer_tasks(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task task = cli_world_task();
	Davit__Task *tasks[] = {&task};

	(void)world;
	reply.tasks = tasks;
	reply.n_tasks = 1;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"ListNodes", answer_nodes}, {"ListTasks", answer_tasks},
	{NULL, NULL}};

/* The candidates for the last of up to four words. */
static void
check_words(const char *want, const char *a, const char *b, const char *c, const char *d)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "completion", "--words", "--", a, b, c, d, NULL), CLI_OK);
	CHECK_STR(world.out, want);
	cli_world_close(&world);
}

TEST(cli_complete_commands_and_their_second_words)
{
	check_words("nodes\nnode\nnetwork\n", "n", NULL, NULL, NULL);
	check_words("drain\n", "node", "dr", NULL, NULL);
	check_words("inspect\ndrain\nundrain\nupdate\nrm\n", "node", "", NULL, NULL);
	check_words("", "frob", NULL, NULL, NULL);
}

TEST(cli_complete_flags_of_the_command_and_of_all)
{
	check_words("--follow\n", "logs", "--fo", NULL, NULL);
	check_words("--manager\n", "ps", "--man", NULL, NULL);
	check_words("--quiet\n", "--q", NULL, NULL, NULL);
}

TEST(cli_complete_values_of_flags)
{
	check_words("json\n", "ps", "-o", "j", NULL);
	check_words("completed\n", "ps", "--state", "co", NULL);
	check_words("n1\n", "ps", "-n", "n", NULL);
	check_words("", "run", "--name", "x", NULL);
	check_words("running\n", "wait", "--for", "r", NULL);
}

TEST(cli_complete_names_that_the_manager_knows)
{
	check_words("web\n", "stop", "w", NULL, NULL);
	check_words("", "stop", "x", NULL, NULL);
	check_words("n1\nm2\n", "node", "drain", "", NULL);
}

TEST(cli_complete_knows_chaos)
{
	check_words("kill-node\nkill-task\n", "chaos", "kill", NULL, NULL);
	check_words("n1\nm2\n", "chaos", "heal", "", NULL);
	check_words("web\n", "chaos", "kill-task", "w", NULL);
	check_words("--for\n", "chaos", "partition", "--fo", NULL);
	check_words("out\n", "chaos", "partition", "--direction", "o");
	check_words("", "chaos", "partition", "--for", "r"); /* a time, no state */
}

TEST(cli_complete_scripts_are_for_three_shells)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(cli_world_run(&world, "completion", "bash", NULL), CLI_OK);
	CHECK_HAS(world.out, "complete -o default -F _davit davit");
	CHECK_EQ(cli_world_run(&world, "completion", "zsh", NULL), CLI_OK);
	CHECK_HAS(world.out, "compdef _davit davit");
	CHECK_EQ(cli_world_run(&world, "completion", "fish", NULL), CLI_OK);
	CHECK_EQ(cli_world_run(&world, "completion", "csh", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "completion", NULL), CLI_USAGE);
	cli_world_close(&world);
}
