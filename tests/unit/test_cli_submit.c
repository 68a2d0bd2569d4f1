/* davit submit, against a manager that follows a script. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/cli_world.h"

struct play {
	unsigned n, count;
	char names[128], namespace_name[32];
};

static void
answer_submit(struct cli_world *world, struct rpc_call *call)
{
	const Davit__SubmitTasksRequest *request = (const void *)call->request;
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	char id[] = "t1", array[] = "a1", *ids[] = {id};
	struct play *play = world->user;
	size_t used = strlen(play->names);

	play->n++;
	play->count = request->count;
	(void)snprintf(play->names + used, sizeof play->names - used, "%s ", request->spec->name);
	(void)snprintf(play->namespace_name, sizeof play->namespace_name, "%s",
		request->spec->namespace_ == NULL ? "" : request->spec->namespace_);
	reply.task_ids = ids;
	reply.n_task_ids = 1;
	reply.array_id = array;
	reply.has_count = 1;
	reply.count = request->has_count ? request->count : 1;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"SubmitTasks", answer_submit}, {NULL, NULL}};

/* A file with that text, to be unlinked. */
static void
write_file(char path[], const char *text)
{
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

TEST(cli_submit_takes_files_with_several_tasks)
{
	char one[] = "/tmp/cli_submit.XXXXXX", other[] = "/tmp/cli_submit.XXXXXX";
	struct play play = {0};
	struct cli_world world;

	write_file(one, "image: box\nname: a\n---\nimage: box\nname: b\nnamespace: own\n");
	write_file(other, "{\"image\": \"box\", \"name\": \"c\"}");
	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "submit", "-f", one, "-f", other, NULL), CLI_OK);
	CHECK_STR(play.names, "a b c ");
	CHECK_STR(world.out, "t1\nt1\nt1\n");
	CHECK_EQ(cli_world_run(&world, "submit", "--namespace", "team", one, NULL), CLI_OK);
	CHECK_STR(play.namespace_name, "own");
	CHECK_EQ(cli_world_run(&world, "submit", "--namespace", "team", other, NULL), CLI_OK);
	CHECK_STR(play.namespace_name, "team");
	CHECK_EQ(cli_world_run(&world, "submit", "-o", "json", other, NULL), CLI_OK);
	CHECK_HAS(world.out, "\"task_ids\": [");
	cli_world_close(&world);
	(void)unlink(one);
	(void)unlink(other);
}

TEST(cli_submit_counts_as_told_or_as_the_file_says)
{
	char path[] = "/tmp/cli_submit.XXXXXX";
	struct play play = {0};
	struct cli_world world;

	write_file(path, "spec:\n  image: box\n  name: a\ncount: 7\n");
	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "submit", "-f", path, NULL), CLI_OK);
	CHECK_EQ(play.count, 7);
	CHECK_STR(world.out, "a1\n");
	CHECK_EQ(cli_world_run(&world, "submit", "-f", path, "--count", "9", NULL), CLI_OK);
	CHECK_EQ(play.count, 9);
	CHECK_EQ(cli_world_run(&world, "submit", "-f", path, "--count", "0", NULL), CLI_USAGE);
	cli_world_close(&world);
	(void)unlink(path);
}

TEST(cli_submit_mistakes)
{
	char path[] = "/tmp/cli_submit.XXXXXX";
	struct play play = {0};
	struct cli_world world;

	write_file(path, "image: box\nports: many\n");
	cli_world_open(&world, script);
	world.user = &play;
	CHECK_EQ(cli_world_run(&world, "submit", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "davit submit -f task.yaml");
	CHECK_EQ(cli_world_run(&world, "submit", "-f", "/nonexistent/x.yaml", NULL), CLI_NOT_FOUND);
	CHECK_HAS(world.err, "cannot read '/nonexistent/x.yaml'");
	CHECK_EQ(cli_world_run(&world, "submit", "-f", path, NULL), CLI_USAGE);
	CHECK_HAS(world.err, "ports");
	CHECK_EQ(play.n, 0);
	cli_world_close(&world);
	(void)unlink(path);
}
