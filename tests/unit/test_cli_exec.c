/* davit exec and davit attach: what they ask for, and what their exit codes mean. */
#include <stdlib.h>

#include "services/cli/cli_channel.h"
#include "tests/lib/cli_channel_play.h"

static struct channel_play play;

/* Of a task that ended with code 5. */
static void
answer_wait(struct cli_world *world, struct rpc_call *call)
{
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__Task task = cli_world_task();

	(void)world;
	task.state = DAVIT__TASK__STATE__FAILED;
	task.has_exit_code = true;
	task.exit_code = 5;
	reply.task = &task;
	reply.has_reached = reply.reached = true;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {CHANNEL_PLAY, {"WaitTask", answer_wait}, {NULL, NULL}};

static void
begin(struct cli_world *world)
{
	channel_play_init(&play);
	cli_world_open(world, script);
	world->user = &play;
}

static void
end(struct cli_world *world)
{
	cli_world_close(world);
	channel_play_fini(&play);
}

TEST(cli_exec_passes_its_flags_and_every_word_of_the_command_on)
{
	const Davit__ExecOptions *exec;
	struct cli_world world;

	begin(&world);
	CHECK_EQ(setenv("DAVIT_TEST_COLOUR", "blue", 1), 0);
	(void)unsetenv("DAVIT_TEST_NONE");
	CHECK_EQ(cli_world_run(&world, "exec", "-e", "A=b=c", "-e", "DAVIT_TEST_COLOUR", "-e",
			 "DAVIT_TEST_NONE", "-u", "1:2", "-w", "/tmp", "--privileged", "web", "--",
			 "ls", "-l", "--", "a b", NULL),
		CLI_OK);
	CHECK_STR(play.opened->task, "web");
	exec = play.opened->exec;
	CHECK_EQ(exec->n_command, 4);
	CHECK_STR(exec->command[0], "ls");
	CHECK_STR(exec->command[2], "--");
	CHECK_STR(exec->command[3], "a b");
	CHECK_EQ(exec->n_env, 2); /* what is not set here is not set there */
	CHECK_STR(exec->env[0]->key, "A");
	CHECK_STR(exec->env[0]->value, "b=c");
	CHECK_STR(exec->env[1]->value, "blue");
	CHECK_STR(exec->user, "1:2");
	CHECK_STR(exec->workdir, "/tmp");
	CHECK(exec->privileged && !exec->tty && !exec->stdin);
	CHECK_EQ(play.n_closed, 1);
	/* Flags behind the task's name are the command's. */
	CHECK_EQ(cli_world_run(&world, "exec", "web", "ls", "-t", NULL), CLI_OK);
	CHECK_EQ(play.opened->exec->n_command, 2);
	CHECK_STR(play.opened->exec->command[1], "-t");
	CHECK(!play.opened->exec->tty);
	end(&world);
}

TEST(cli_exec_ends_with_the_commands_code_or_says_that_it_is_not_the_commands)
{
	struct cli_world world;

	begin(&world);
	play.out = "hello\n";
	play.has_exit_code = true;
	play.exit_code = 7;
	CHECK_EQ(cli_world_run(&world, "exec", "web", "--", "x", NULL), 7);
	CHECK_STR(world.out, "hello\n");
	play.has_exit_code = false;
	play.error = "the worker of node 'n1' was started anew";
	CHECK_EQ(cli_world_run(&world, "exec", "web", "--", "x", NULL), CLI_CHANNEL_SESSION_CODE);
	CHECK_HAS(world.err, "started anew");
	end(&world);
}

TEST(cli_exec_wants_a_task_a_command_and_sense)
{
	struct cli_world world;

	begin(&world);
	CHECK_EQ(cli_world_run(&world, "exec", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "exec", "web", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "exec", "web", "--", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "exec", "-e", "=x", "web", "--", "ls", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "KEY=VALUE");
	CHECK_EQ(cli_world_run(&world, "exec", "-o", "json", "web", "--", "ls", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "exec", "--nonsense", "web", "--", "ls", NULL), CLI_USAGE);
	CHECK_EQ(play.n_opened, 0);
	end(&world);
}

TEST(cli_attach_shows_what_comes_and_ends_with_the_tasks_code)
{
	struct cli_world world;

	begin(&world);
	play.out = "from now on\n";
	CHECK_EQ(cli_world_run(&world, "attach", "--no-stdin", "web", NULL), 5);
	CHECK_STR(world.out, "from now on\n");
	CHECK_STR(play.opened->task, "web");
	CHECK(play.opened->attach != NULL && !play.opened->attach->stdin);
	CHECK_EQ(cli_world_run(&world, "attach", "web", NULL), 5);
	CHECK(play.opened->attach->stdin);
	CHECK_EQ(play.n_in, 0); /* the container does not read: info.stdin is false */
	CHECK_EQ(cli_world_run(&world, "attach", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "attach", "web", "db", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "attach", "-o", "yaml", "web", NULL), CLI_USAGE);
	end(&world);
}
