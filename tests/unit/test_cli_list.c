/* davit ps, against a manager that follows a script. */
#include "services/cli/cli_table.h"

#include "tests/lib/cli_world.h"

enum { PAGES = 2 };

/* What the last ListTasks asked for. */
struct asked {
	size_t n_states, n_labels;
	char node[32], namespace_name[32], label[64];
};

static void
note_request(struct asked *asked, const Davit__ListTasksRequest *request)
{
	*asked = (struct asked){.n_states = request->n_states, .n_labels = request->n_labels};
	(void)snprintf(asked->node, sizeof asked->node, "%s",
		request->node == NULL ? "" : request->node);
	(void)snprintf(asked->namespace_name, sizeof asked->namespace_name, "%s",
		request->namespace_ == NULL ? "" : request->namespace_);
	if (request->n_labels > 0)
		(void)snprintf(asked->label, sizeof asked->label, "%s=%s", request->labels[0]->key,
			request->labels[0]->value);
}

static void
answer_two(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task web = cli_world_task(), job = cli_world_task();
	Davit__Task *tasks[] = {&web, &job};
	char id[] = "0198c0de-0001-7000-8000-000000000002", name[] = "job", node[] = "";
	char why[] = "no node has 64 cores free\n: the nearest, n1, has 4";

	if (world->user != NULL)
		note_request(world->user, (const void *)call->request);
	job.id = id;
	job.name = name;
	job.node_name = node;
	job.state = DAVIT__TASK__STATE__PENDING;
	job.phase = DAVIT__TASK__PHASE__QUEUED;
	job.n_ports = 0;
	job.message = why;
	reply.tasks = tasks;
	reply.n_tasks = 2;
	rpc_call_answer(call, &reply.base);
}

static void
answer_pages(struct cli_world *world, struct rpc_call *call)
{
	const Davit__ListTasksRequest *request = (const void *)call->request;
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task web = cli_world_task();
	Davit__Task *tasks[] = {&web};
	char next[] = "page2";

	if (world->n_calls % PAGES == 1) {
		CHECK(request->after == NULL);
		reply.next = next;
	} else {
		CHECK_STR(request->after, "page2");
	}
	reply.tasks = tasks;
	reply.n_tasks = 1;
	rpc_call_answer(call, &reply.base);
}

static void
answer_none(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;

	(void)world;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script two[] = {{"ListTasks", answer_two}, {NULL, NULL}};
static const struct cli_script pages[] = {{"ListTasks", answer_pages}, {NULL, NULL}};
static const struct cli_script none[] = {{"ListTasks", answer_none}, {NULL, NULL}};

TEST(cli_list_shows_what_runs_and_why_the_rest_does_not)
{
	struct cli_world world;

	cli_world_open(&world, two);
	CHECK_EQ(cli_world_run(&world, "ps", NULL), CLI_OK);
	CHECK_STR(world.out,
		"ID             NAME  IMAGE  STATE          NODE  PORTS                  AGE  MESSAGE\n"
		"0198c0de-0000  web   nginx  RUNNING 3m20s  n1    0.0.0.0:30001->80/tcp  5m\n"
		"0198c0de-0001  job   nginx  PENDING 5m     -     -                      5m   no node "
		"has 64 cores free : the nearest, n1, has 4\n");
	cli_world_close(&world);
}

TEST(cli_list_cuts_messages_at_the_terminal_unless_told_not_to)
{
	struct cli_world world;

	cli_world_open(&world, two);
	world.cli.width = 100;
	CHECK_EQ(cli_world_run(&world, "ps", NULL), CLI_OK);
	CHECK_HAS(world.out, "no node has 64 cores f\xe2\x80\xa6\n");
	CHECK_EQ(cli_world_run(&world, "ps", "--no-trunc", NULL), CLI_OK);
	CHECK_HAS(world.out, "the nearest, n1, has 4\n");
	CHECK_HAS(world.out, "0198c0de-0001-7000-8000-000000000002");
	cli_world_close(&world);
}

TEST(cli_list_asks_for_live_tasks_unless_told_otherwise)
{
	struct cli_world world;
	struct asked asked;

	cli_world_open(&world, two);
	world.user = &asked;
	CHECK_EQ(cli_world_run(&world, "ps", NULL), CLI_OK);
	CHECK_EQ(asked.n_states, 3);
	CHECK_STR(asked.namespace_name, "");
	CHECK_EQ(cli_world_run(&world, "ps", "-a", NULL), CLI_OK);
	CHECK_EQ(asked.n_states, 0);
	CHECK_EQ(cli_world_run(&world, "ps", "-s", "failed", "-n", "n1", "-l", "a=b", "--namespace",
			 "x", NULL),
		CLI_OK);
	CHECK_EQ(asked.n_states, 1);
	CHECK_STR(asked.node, "n1");
	CHECK_STR(asked.label, "a=b");
	CHECK_STR(asked.namespace_name, "x");
	CHECK_EQ(cli_world_run(&world, "ps", "-s", "dead", NULL), CLI_USAGE);
	CHECK_HAS(world.err, "--state: 'dead' is none of pending, ");
	cli_world_close(&world);
}

TEST(cli_list_quiet_is_ids_only)
{
	struct cli_world world;

	cli_world_open(&world, two);
	CHECK_EQ(cli_world_run(&world, "ps", "-aq", NULL), CLI_OK);
	CHECK_STR(world.out, "0198c0de-0000-7000-8000-000000000001\n"
			     "0198c0de-0001-7000-8000-000000000002\n");
	cli_world_close(&world);
}

TEST(cli_list_reads_page_after_page)
{
	struct cli_world world;

	cli_world_open(&world, pages);
	CHECK_EQ(cli_world_run(&world, "ps", "-q", NULL), CLI_OK);
	CHECK_STR(world.out, "0198c0de-0000-7000-8000-000000000001\n"
			     "0198c0de-0000-7000-8000-000000000001\n");
	CHECK_EQ(cli_world_run(&world, "ps", NULL), CLI_OK);
	CHECK_HAS(world.out, "0198c0de-0000-7000-8000-000000000001  web");
	CHECK_EQ(cli_world_run(&world, "ps", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "  },\n  {\n");
	cli_world_close(&world);
}

TEST(cli_list_wide_shows_more)
{
	struct cli_world world;

	cli_world_open(&world, two);
	CHECK_EQ(cli_world_run(&world, "ps", "-o", "wide", NULL), CLI_OK);
	CHECK_HAS(world.out, "NAMESPACE");
	CHECK_HAS(world.out, "RESTARTS");
	CHECK_HAS(world.out, "0198c0de-0000-7000-8000-000000000001");
	cli_world_close(&world);
}

TEST(cli_list_helps_when_there_is_nothing)
{
	struct cli_world world;

	cli_world_open(&world, none);
	world.cli.is_err_terminal = true;
	CHECK_EQ(cli_world_run(&world, "ps", NULL), CLI_OK);
	CHECK_HAS(world.err, "davit run IMAGE");
	world.cli.is_err_terminal = false;
	CHECK_EQ(cli_world_run(&world, "ps", NULL), CLI_OK);
	CHECK_STR(world.err, "");
	CHECK_EQ(cli_world_run(&world, "ps", "-o", "json", NULL), CLI_OK);
	CHECK_STR(world.out, "[]\n");
	cli_world_close(&world);
}
