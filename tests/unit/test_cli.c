#include "services/cli/cli.h"

#include <stdlib.h>

#include "services/cli/cli_commands.h"
#include "tests/lib/cli_world.h"

static const struct cli_script nothing[] = {{NULL, NULL}};

static void
answer_nodes(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListNodesReply reply = DAVIT__LIST_NODES_REPLY__INIT;

	(void)world;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script nodes[] = {{"ListNodes", answer_nodes}, {NULL, NULL}};

TEST(cli_help_lists_every_command_and_the_exit_codes)
{
	static char program[] = "davit", help[] = "help", flag[] = "--help";
	char *both[][3] = {{program, help, NULL}, {program, flag, NULL}};
	struct cli_world world;
	char *text = NULL;
	size_t size;

	cli_world_open(&world, nothing);
	for (int i = 0; i < 2; i++) {
		world.cli.out = open_memstream(&text, &size);
		CHECK_EQ(cli_main(&world.cli, 2, both[i]), CLI_OK);
		(void)fclose(world.cli.out);
		CHECK_HAS(text, "\n  run ");
		CHECK_HAS(text, "\n  node drain ");
		CHECK_HAS(text, "Exit codes:");
		free(text);
	}
	cli_world_close(&world);
}

TEST(cli_unknown_commands_are_usage_errors_with_a_hint)
{
	struct cli_world world;

	cli_world_open(&world, nothing);
	CHECK_EQ(cli_world_run(&world, "pss", NULL), CLI_USAGE);
	CHECK_STR(world.err, "davit: no command 'pss': did you mean 'ps'?\n");
	CHECK_EQ(cli_world_run(&world, "frobnicate", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "see 'davit --help'");
	CHECK_EQ(cli_world_run(&world, NULL), CLI_USAGE);
	cli_world_close(&world);
}

TEST(cli_a_family_of_commands_lists_itself)
{
	struct cli_world world;

	cli_world_open(&world, nothing);
	CHECK_EQ(cli_world_run(&world, "node", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "node undrain");
	CHECK_EQ(cli_world_run(&world, "node", "--help", NULL), CLI_OK);
	CHECK_HAS(world.out, "node undrain");
	CHECK_EQ(cli_world_run(&world, "node", "explode", NULL), CLI_USAGE);
	cli_world_close(&world);
}

TEST(cli_global_flags_count_before_and_behind_the_command)
{
	struct cli_world world;

	cli_world_open(&world, nodes);
	CHECK_EQ(cli_world_run(&world, "-o", "json", "nodes", NULL), CLI_OK);
	CHECK_STR(world.out, "[]\n");
	CHECK_EQ(cli_world_run(&world, "nodes", "-o", "json", NULL), CLI_OK);
	CHECK_STR(world.out, "[]\n");
	CHECK_EQ(
		cli_world_run(&world, "-o", "yaml", "nodes", "-o", "json", "--timeout", "9s", NULL),
		CLI_OK);
	CHECK_EQ(cli_world_run(&world, "-q", "nodes", NULL), CLI_OK);
	CHECK_STR(world.out, "");
	cli_world_close(&world);
}

TEST(cli_the_environment_is_a_default)
{
	struct cli_world world;

	CHECK_EQ(setenv("DAVIT_OUTPUT", "json", 1), 0);
	cli_world_open(&world, nodes);
	CHECK_EQ(cli_world_run(&world, "nodes", NULL), CLI_OK);
	CHECK_STR(world.out, "[]\n");
	CHECK_EQ(setenv("DAVIT_OUTPUT", "xml", 1), 0);
	CHECK_EQ(cli_world_run(&world, "nodes", NULL), CLI_USAGE);
	CHECK_STR(world.err, "davit: -o xml: want table, wide, json or yaml\n");
	CHECK_EQ(unsetenv("DAVIT_OUTPUT"), 0);
	cli_world_close(&world);
}

TEST(cli_wrong_flags_and_arguments_send_nothing)
{
	struct cli_world world;

	cli_world_open(&world, nodes);
	CHECK_EQ(cli_world_run(&world, "nodes", "--frob", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "--frob");
	CHECK_EQ(cli_world_run(&world, "nodes", "extra", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "inspect", NULL), CLI_USAGE);
	CHECK_STR(world.err,
		"davit: davit inspect wants TASK\xe2\x80\xa6: see 'davit inspect --help'\n");
	CHECK_EQ(cli_world_run(&world, "logs", "a", "b", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "one argument too many");
	CHECK_EQ(cli_world_run(&world, "--timeout", "soon", "nodes", NULL), CLI_USAGE);
	CHECK_EQ(world.n_calls, 0);
	cli_world_close(&world);
}

TEST(cli_aliases_are_commands_too)
{
	char node[] = "node", ls[] = "ls", info[] = "info", volumes[] = "volumes";
	char *words[] = {node, ls};
	char *one[] = {info}, *other[] = {volumes};
	int n = 0;

	CHECK_STR(cli_command_find(2, words, &n)->name, "nodes");
	CHECK_EQ(n, 2);
	CHECK_STR(cli_command_find(1, one, &n)->name, "cluster");
	CHECK_STR(cli_command_find(1, other, &n)->name, "volume ls");
	CHECK(cli_command_find(1, words, &n) == NULL);
}

TEST(cli_every_command_can_be_helped)
{
	for (const struct cli_group *group = cli_groups; group->title != NULL; group++) {
		for (const struct cli_command *const *table = group->tables; *table != NULL;
			table++) {
			const struct cli_command *command = *table;

			for (; command->name != NULL; command++) {
				CHECK(command->summary != NULL && command->examples != NULL);
				CHECK(command->run != NULL && command->defs != NULL);
				CHECK(command->settings_size >= sizeof(struct cli_globals));
				CHECK(command->min_arguments == 0 || command->arguments != NULL);
				CHECK_HAS(command->examples, "davit ");
			}
		}
	}
}
