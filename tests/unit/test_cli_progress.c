/* Bars of a pull, and the lines that they are made of. */
#include "services/cli/cli_progress.h"

#include "services/cli/cli_task.h"
#include "tests/lib/cli_world.h"

static Davit__PullProgress
pull_of(uint32_t n_done, uint32_t n, uint64_t bytes, uint64_t total)
{
	Davit__PullProgress pull = DAVIT__PULL_PROGRESS__INIT;

	pull.has_n_layers = pull.has_n_layers_done = pull.has_bytes = pull.has_bytes_total = true;
	pull.n_layers_done = n_done;
	pull.n_layers = n;
	pull.bytes = bytes;
	pull.bytes_total = total;
	return pull;
}

static void
check_format(Davit__PullProgress pull, const char *want)
{
	CLEANUP(buf_fini) struct buf line = {0};

	cli_progress_format(&pull, &line);
	CHECK_STR(buf_text(&line), want);
}

TEST(cli_progress_bar_is_as_long_as_layers_and_bytes_are_there)
{
	check_format(pull_of(0, 0, 0, 0), "[....................] 0 of 0 layers");
	check_format(pull_of(1, 2, 0, 0), "[##########..........] 1 of 2 layers");
	check_format(pull_of(0, 2, 1 << 20, 2 << 20),
		"[#####...............] 0 of 2 layers, 1MiB of 2MiB");
	check_format(pull_of(2, 2, 4096, 4096),
		"[####################] 2 of 2 layers, 4KiB of 4KiB");
	/* Nonsense from far away stays within the bar. */
	check_format(pull_of(9, 2, 8192, 4096),
		"[####################] 9 of 2 layers, 8KiB of 4KiB");
}

TEST(cli_progress_reads_lines_of_a_channel)
{
	Davit__PullProgress pull;
	const char *sentence;

	CHECK(cli_progress_parse("1 3 4096 8192 1 of 3 layers, 4KiB of 8KiB", &pull, &sentence));
	CHECK_EQ(pull.n_layers_done, 1);
	CHECK_EQ(pull.n_layers, 3);
	CHECK_EQ(pull.bytes, 4096);
	CHECK_EQ(pull.bytes_total, 8192);
	CHECK_STR(sentence, "1 of 3 layers, 4KiB of 8KiB");
	CHECK(!cli_progress_parse("waits for the engine", &pull, &sentence));
	CHECK(!cli_progress_parse("", &pull, &sentence));
	CHECK(!cli_progress_parse("1 3 4096", &pull, &sentence));
}

/* The first answer is of a task that pulls, the second of one that runs. */
static void
answer_wait(struct cli_world *world, struct rpc_call *call)
{
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__PullProgress pull = pull_of(1, 2, 0, 0);
	Davit__Task task = cli_world_task();
	char pulls[] = "pulls web:1: 1 of 2 layers";
	unsigned *n = world->user;

	if ((*n)++ == 0) {
		task.pull = &pull;
		task.has_phase = true;
		task.phase = DAVIT__TASK__PHASE__PULLING;
		task.message = pulls;
	}
	reply.task = &task;
	reply.has_reached = true;
	reply.reached = *n > 1;
	rpc_call_answer(call, &reply.base);
}

static void
answer_submit(struct cli_world *world, struct rpc_call *call)
{
	Davit__SubmitTasksReply reply = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	char id[] = "id1", name[] = "web", *ids[] = {id};

	(void)world;
	reply.task_ids = ids;
	reply.n_task_ids = 1;
	reply.name = name;
	rpc_call_answer(call, &reply.base);
}

static void
answer_logs(struct cli_world *world, struct rpc_call *call)
{
	Davit__ReadLogsReply reply = DAVIT__READ_LOGS_REPLY__INIT;

	(void)world;
	reply.has_end = reply.end = true;
	rpc_call_answer(call, &reply.base);
}

static const struct cli_script script[] = {{"SubmitTasks", answer_submit},
	{"WaitTask", answer_wait}, {"ReadLogs", answer_logs}, {NULL, NULL}};

TEST(cli_progress_of_a_task_is_a_bar_that_goes_when_it_runs)
{
	struct cli_world world;
	unsigned n = 0;

	cli_world_open(&world, script);
	world.user = &n;
	world.cli.is_err_terminal = true;
	(void)cli_world_run(&world, "run", "--follow", "web:1", NULL);
	CHECK_STR(world.err, "\r\033[Kweb: pulling [##########..........] 1 of 2 layers\r\033[K");
	n = 0;
	(void)cli_world_run(&world, "run", "-q", "--follow", "web:1", NULL);
	CHECK_STR(world.err, "");
	cli_world_close(&world);
}
