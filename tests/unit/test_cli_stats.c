#include "services/cli/cli_stats.h"

#include <stdlib.h>

#include "services/cli/cli_pb.h"
#include "tests/lib/cli_world.h"

static void
answer_stats(struct cli_world *world, struct rpc_call *call)
{
	Davit__GetStatsReply reply = DAVIT__GET_STATS_REPLY__INIT;
	Davit__Task web = cli_world_task(), young = cli_world_task();
	Davit__TaskUsage usage = DAVIT__TASK_USAGE__INIT;
	Davit__TaskSample last = DAVIT__TASK_SAMPLE__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Task *tasks[] = {&young, &web};
	char name[] = "a-young", id[] = "0198c0de-0000-7000-8000-000000000002", other[] = "other";

	(void)world;
	CLI_PB_SET(&last, cpu_milli, 1255);
	CLI_PB_SET(&last, memory_bytes, UINT64_C(64) << 20);
	CLI_PB_SET(&last, net_rx_bytes, 2048);
	CLI_PB_SET(&last, net_tx_bytes, 1024);
	CLI_PB_SET(&last, pids, 7);
	CLI_PB_SET(&spec, memory_bytes, UINT64_C(256) << 20);
	CLI_PB_SET(&web, restart_count, 3);
	usage.last = &last;
	web.usage = &usage;
	web.spec = &spec;
	young.id = id;
	young.name = name;
	young.namespace_ = other;
	reply.tasks = tasks;
	reply.n_tasks = 2;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"GetStats", answer_stats}, {NULL, NULL}};

#define RUN(world, ...) cli_world_run(world, "stats", "--monitor", "", __VA_ARGS__)

TEST(cli_stats_is_one_table_without_a_terminal)
{
	struct cli_world world;
	const char *young;

	cli_world_open(&world, script);
	CHECK_EQ(RUN(&world, NULL), CLI_OK);
	CHECK_HAS(world.out, "NAME      CPU %  MEMORY/LIMIT  MEM %  NET IN/OUT  DISK IN/OUT  PIDS");
	CHECK_HAS(world.out, "web      125.5%  64MiB/256MiB  25.0%   2KiB/1KiB");
	CHECK_HAS(world.out, "7         3\n");
	CHECK(strchr(world.out, '\x1b') == NULL);
	young = strstr(world.out, "a-young       -");
	CHECK(young != NULL && young < strstr(world.out, "web "));
	CHECK_STR(world.asked, "GetStats ");
	cli_world_close(&world);
}

TEST(cli_stats_shows_the_tasks_that_were_named)
{
	struct cli_world world;

	cli_world_open(&world, script);
	CHECK_EQ(RUN(&world, "web", NULL), CLI_OK);
	CHECK(strstr(world.out, "a-young") == NULL);
	CHECK_EQ(RUN(&world, "0198c0de-0000-7000-8000-000000000002", "-o", "json", NULL), CLI_OK);
	CHECK_HAS(world.out, "\"name\": \"a-young\"");
	CHECK(strstr(world.out, "\"web\"") == NULL);
	CHECK_EQ(RUN(&world, "--namespace", "other", "-o", "wide", NULL), CLI_OK);
	CHECK_HAS(world.out, "a-young  other      n1");
	CHECK(strstr(world.out, "web") == NULL);
	CHECK_EQ(RUN(&world, "web", "nobody", NULL), CLI_NOT_FOUND);
	CHECK_HAS(world.err, "no task 'nobody' runs");
	CHECK_STR(world.out, "");
	cli_world_close(&world);
}

TEST(cli_stats_asks_the_manager_where_no_monitor_answers)
{
	struct cli_world world;

	cli_world_open(&world, script);
	/* Somebody answers there, who is no monitor. */
	CHECK_EQ(cli_world_run(&world, "stats", "--monitor", rpc_server_url(world.server), NULL),
		CLI_OK);
	CHECK_HAS(world.out, "web");
	CHECK_EQ(RUN(&world, "--history", "web", NULL), CLI_UNREACHABLE);
	CHECK_HAS(world.err, "only a monitor keeps the last hour");
	cli_world_close(&world);
}

TEST(cli_stats_history_has_a_line_for_each_step_that_was_heard)
{
	Davit__HistorySeries series = DAVIT__HISTORY_SERIES__INIT, *list[] = {&series};
	int64_t cpu[] = {-1, 250, 1000}, memory[] = {-1, 1 << 20, 2 << 20};
	char *text = NULL, name[] = "web";
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out != NULL);
	series.name = name;
	CLI_PB_SET(&series, start_ms, 1700000000000);
	CLI_PB_SET(&series, step_ms, 60000);
	series.cpu = cpu;
	series.memory = memory;
	series.n_cpu = series.n_memory = 3; /* and no rates: a foreign answer may be short */
	cli_stats_print_history(list, 1, out);
	(void)fclose(out);
	CHECK_HAS(text, " 25.0%    1MiB");
	CHECK_HAS(text, "100.0%    2MiB");
	CHECK(strstr(text, "0.0%    0B") == NULL);
	free(text);
}

TEST(cli_stats_redraw_stays_on_the_screen)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out != NULL);
	cli_stats_redraw("one\ntwo\nthree\n", 3, out);
	(void)fclose(out);
	CHECK_STR(text, "\033[Hone\033[K\r\ntwo\033[K\r\n\033[J");
	free(text);
}
