/* davit chaos: what is asked, and how the answers read. */
#include "tests/lib/cli_world.h"

#include "proto/manager.pb-c.h"

static Davit__InjectFaultRequest last; /* numbers only */
static char last_name[64], last_signal[16], last_by[160];
static unsigned n_lists_with_faults; /* so many answers of ListFaults have one */

static Davit__Fault
a_fault(void)
{
	static char node[] = "n1", text[] = "partition", by[] = "ana@desk";
	Davit__Fault fault = DAVIT__FAULT__INIT;

	fault.kind = DAVIT__FAULT__KIND__PARTITION;
	fault.node_name = node;
	fault.text = text;
	fault.by = by;
	fault.has_kind = fault.has_left_ms = fault.has_until_ms = fault.has_for_ms = true;
	fault.left_ms = 12000;
	fault.for_ms = 30000;
	fault.until_ms = 1700000000000;
	return fault;
}

static void
answer_inject(struct cli_world *world, struct rpc_call *call)
{
	const Davit__InjectFaultRequest *request = (const void *)call->request;
	Davit__InjectFaultReply reply = DAVIT__INJECT_FAULT_REPLY__INIT;
	Davit__Fault fault = a_fault();

	(void)world;
	CHECK(call->request_id != NULL);
	last = *request;
	(void)snprintf(last_name, sizeof last_name, "%s",
		request->node != NULL ? request->node : request->task);
	(void)snprintf(last_signal, sizeof last_signal, "%s",
		request->signal != NULL ? request->signal : "");
	(void)snprintf(last_by, sizeof last_by, "%s", request->by);
	reply.fault = &fault;
	rpc_call_answer(call, &reply.base);
}

static void
answer_list(struct cli_world *world, struct rpc_call *call)
{
	Davit__ListFaultsReply reply = DAVIT__LIST_FAULTS_REPLY__INIT;
	Davit__Fault fault = a_fault(), *faults[] = {&fault};

	fault.has_healing = fault.healing = world->user != NULL;
	reply.faults = faults;
	reply.n_faults = n_lists_with_faults > 0;
	n_lists_with_faults -= n_lists_with_faults > 0;
	reply.has_allowed = true;
	reply.allowed = world->user != NULL;
	rpc_call_answer(call, &reply.base);
}

static void
answer_heal(struct cli_world *world, struct rpc_call *call)
{
	Davit__HealFaultsReply reply = DAVIT__HEAL_FAULTS_REPLY__INIT;
	Davit__Fault fault = a_fault(), *faults[] = {&fault};

	(void)world;
	reply.faults = faults;
	reply.n_faults = 1;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"InjectFault", answer_inject},
	{"ListFaults", answer_list}, {"HealFaults", answer_heal}, {NULL, NULL}};

static struct cli_world world;

static void
begin(void)
{
	cli_world_open(&world, script);
	n_lists_with_faults = 0;
}

TEST(cli_chaos_asks_for_each_kind_of_fault)
{
	begin();
	CHECK_EQ(cli_world_run(&world, "chaos", "kill-node", "n1", NULL), CLI_OK);
	CHECK_EQ(last.kind, DAVIT__FAULT__KIND__KILL_NODE);
	CHECK_EQ(last.for_ms, 30000);
	CHECK_HAS(last_by, "@");
	CHECK_HAS(world.out, "n1: partition for 30s, until 2023-11-14T22:13:20Z, by ana@desk");
	CHECK_EQ(cli_world_run(&world, "chaos", "partition", "n1", "n2", "--direction", "out", "-f",
			 "5s", "-q", NULL),
		CLI_OK);
	CHECK_EQ(last.direction, DAVIT__FAULT__DIRECTION__OUT);
	CHECK_EQ(last.for_ms, 5000);
	CHECK_STR(last_name, "n2");
	CHECK_STR(world.out, "n1\nn2\n");
	CHECK_EQ(cli_world_run(&world, "chaos", "pause-engine", "n1", "-o", "json", NULL), CLI_OK);
	CHECK_EQ(last.kind, DAVIT__FAULT__KIND__PAUSE_ENGINE);
	CHECK_HAS(world.out, "\"kind\": \"PARTITION\"");
	CHECK_EQ(cli_world_run(&world, "chaos", "slow", "n1", "--delay", "200ms", "--loss", "30",
			 NULL),
		CLI_OK);
	CHECK_EQ(last.delay_ms, 200);
	CHECK_EQ(last.loss_percent, 30);
	CHECK_EQ(cli_world_run(&world, "chaos", "kill-task", "web", "-s", "SEGV", NULL), CLI_OK);
	CHECK_EQ(last.kind, DAVIT__FAULT__KIND__KILL_TASK);
	CHECK(!last.has_for_ms);
	CHECK_STR(last_name, "web");
	CHECK_STR(last_signal, "SEGV");
	cli_world_close(&world);
}

TEST(cli_chaos_refuses_what_it_does_not_understand)
{
	begin();
	CHECK_EQ(cli_world_run(&world, "chaos", "partition", "n1", "--direction", "up", NULL),
		CLI_USAGE);
	CHECK_HAS(world.err, "want in, out or both");
	CHECK_EQ(cli_world_run(&world, "chaos", "slow", "n1", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "chaos", "kill-node", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "chaos", "heal", NULL), CLI_USAGE);
	CHECK_EQ(cli_world_run(&world, "chaos", "heal", "n1", "--all", NULL), CLI_USAGE);
	CHECK_EQ(world.n_calls, 0);
	cli_world_close(&world);
}

TEST(cli_chaos_lists_what_is_in_force)
{
	begin();
	CHECK_EQ(cli_world_run(&world, "chaos", "ls", NULL), CLI_OK);
	CHECK_HAS(world.err, "--allow-chaos");
	n_lists_with_faults = 3;
	CHECK_EQ(cli_world_run(&world, "chaos", "ls", NULL), CLI_OK);
	CHECK_HAS(world.out, "partition");
	CHECK_HAS(world.out, "12s");
	CHECK_HAS(world.out, "ana@desk");
	CHECK_EQ(cli_world_run(&world, "chaos", "ls", "-q", NULL), CLI_OK);
	CHECK_STR(world.out, "n1\n");
	CHECK_EQ(cli_world_run(&world, "chaos", "ls", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"left_ms\": 12000");
	cli_world_close(&world);
}

TEST(cli_chaos_heal_returns_when_the_worker_has_said_that_it_is_over)
{
	begin();
	world.user = &world;
	n_lists_with_faults = 2;
	CHECK_EQ(cli_world_run(&world, "chaos", "heal", "n1", NULL), CLI_OK);
	CHECK_STR(world.out, "n1: partition is over\n");
	CHECK_HAS(world.asked, "HealFaults ListFaults ListFaults ListFaults");
	CHECK_EQ(cli_world_run(&world, "chaos", "heal", "--all", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"node_name\": \"n1\"");
	cli_world_close(&world);
}
