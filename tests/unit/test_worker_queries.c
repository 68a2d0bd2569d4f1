/* Questions to a node: logs, volumes, networks. */
#include <errno.h>

#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x) DAVIT__TASK_REPORT__OBSERVED__##x

static struct world world;
static struct world_spec spec;
static uint64_t last_id;
static char task_id[ID_TEXT_SIZE];

static struct world_task *
begin(const char *image)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, image);
	task = world_assign(&world, 1, 1, &spec.spec);
	id_format(world_id(1), task_id);
	return task;
}

/* The answer's text of both streams; cursor is taken and given back. */
static const char *
ask_logs(Davit__LogsQuery *logs, char *cursor, uint64_t max_ms)
{
	static char text[8192];
	Davit__Query query = DAVIT__QUERY__INIT;
	const Davit__ReadLogsReply *reply;

	query.id = ++last_id;
	query.logs = logs;
	logs->task_id = task_id;
	logs->cursor = cursor == NULL || cursor[0] == '\0' ? NULL : cursor;
	world_ask(&world, &query, max_ms);
	CHECK_EQ(world.answer->id, query.id);
	text[0] = '\0';
	if (world.answer->error != NULL)
		return world.answer->error;
	reply = world.answer->logs;
	CHECK(reply != NULL);
	for (size_t i = 0; i < reply->n_chunks; i++)
		(void)strncat(text, (const char *)reply->chunks[i]->data.data,
			reply->chunks[i]->data.len);
	if (cursor != NULL && reply->cursor != NULL)
		(void)snprintf(cursor, WORKER_LOG_CURSOR_SIZE, "%s", reply->cursor);
	return text;
}

TEST(worker_answers_with_the_logs_of_what_has_ended)
{
	struct world_task *task = begin("log:3/exit:0/after:10ms");
	Davit__LogsQuery logs = DAVIT__LOGS_QUERY__INIT;
	char cursor[WORKER_LOG_CURSOR_SIZE] = "";

	world_expect(&world, task, OBS(ENDED), 3000);
	CHECK_STR(ask_logs(&logs, cursor, 1000), "line 1\nline 2\nline 3\n");
	CHECK(world.answer->logs->end);
	CHECK_STR(ask_logs(&logs, cursor, 1000), "");
	CHECK(world.answer->logs->end);
	world_fini(&world);
}

TEST(worker_cuts_logs_into_answers_without_loss_or_repeat)
{
	struct world_task *task = begin("log:20/exit:0/after:10ms");
	Davit__LogsQuery logs = DAVIT__LOGS_QUERY__INIT;
	char cursor[WORKER_LOG_CURSOR_SIZE] = "", all[1024] = "", want[1024] = "", line[16];
	unsigned n = 0;

	world_expect(&world, task, OBS(ENDED), 3000);
	logs.has_max_bytes = true;
	logs.max_bytes = 10;
	do {
		(void)strncat(all, ask_logs(&logs, cursor, 1000), sizeof all - strlen(all) - 1);
		CHECK(++n < 30);
	} while (!world.answer->logs->end);
	for (unsigned i = 1; i <= 20; i++) {
		(void)snprintf(line, sizeof line, "line %u\n", i);
		(void)strncat(want, line, sizeof want - strlen(want) - 1);
	}
	CHECK_STR(all, want);
	world_fini(&world);
}

TEST(worker_holds_the_answer_until_there_is_output_or_the_time_is_up)
{
	struct world_task *task = begin("run:forever");
	Davit__LogsQuery logs = DAVIT__LOGS_QUERY__INIT;
	uint64_t before;

	world_expect(&world, task, OBS(RUNNING), 3000);
	logs.has_wait_ms = true;
	logs.wait_ms = 5000;
	before = engine_mem_now(world.engine_world);
	CHECK_STR(ask_logs(&logs, NULL, 10000), "");
	CHECK(!world.answer->logs->end);
	CHECK(engine_mem_now(world.engine_world) - before >= 4900);
	logs.wait_ms = 0;
	before = engine_mem_now(world.engine_world);
	CHECK_STR(ask_logs(&logs, NULL, 10000), "");
	CHECK(engine_mem_now(world.engine_world) - before < 2500);
	world_fini(&world);
}

TEST(worker_follows_from_before_the_start_to_the_end)
{
	struct world_task *task = begin("missing:1s/log:2/exit:0/after:3s");
	Davit__LogsQuery logs = DAVIT__LOGS_QUERY__INIT;
	char cursor[WORKER_LOG_CURSOR_SIZE] = "", all[256] = "";
	unsigned n = 0;

	world_run(&world, 300);
	CHECK_EQ(task->observed, OBS(PREPARING));
	logs.has_wait_ms = true;
	logs.wait_ms = 2000;
	do {
		(void)strncat(all, ask_logs(&logs, cursor, 5000), sizeof all - strlen(all) - 1);
		CHECK(++n < 10);
	} while (!world.answer->logs->end);
	CHECK_STR(all, "line 1\nline 2\n");
	world_fini(&world);
}

TEST(worker_ends_logs_at_the_time_that_was_asked_for)
{
	struct world_task *task;
	Davit__LogsQuery logs = DAVIT__LOGS_QUERY__INIT;
	char cursor[WORKER_LOG_CURSOR_SIZE] = "", all[256] = "";
	char *words[] = {(char *)"sh", (char *)"-c",
		(char *)"echo one; sleep 5; echo two; sleep 60"};
	unsigned n = 0;

	task = begin("busybox");
	spec.spec.command = words;
	spec.spec.n_command = 3;
	world_expect(&world, task, OBS(RUNNING), 3000);
	logs.has_until_ms = logs.has_wait_ms = true;
	logs.wait_ms = 1000;
	logs.until_ms = engine_mem_now(world.engine_world) + 3000;
	do {
		(void)strncat(all, ask_logs(&logs, cursor, 2000), sizeof all - strlen(all) - 1);
		CHECK(++n < 10);
	} while (!world.answer->logs->end);
	CHECK_STR(all, "one\n"); /* it ended before the second was printed */
	CHECK_EQ(task->observed, OBS(RUNNING));
	world_run(&world, 10000);
	cursor[0] = '\0';
	CHECK_STR(ask_logs(&logs, cursor, 2000), "one\n"); /* and leaves it out afterwards */
	CHECK(world.answer->logs->end);
	world_fini(&world);
}

TEST(worker_says_why_there_are_no_logs)
{
	struct world_task *task = begin("nosuch:1");
	Davit__LogsQuery logs = DAVIT__LOGS_QUERY__INIT;
	char bad[WORKER_LOG_CURSOR_SIZE] = "bad";

	world_expect(&world, task, OBS(REJECTED), 5000);
	CHECK_STR(ask_logs(&logs, NULL, 1000), "");
	CHECK(world.answer->logs->end);
	CHECK_HAS(ask_logs(&logs, bad, 1000), "cursor");
	id_format(world_id(99), task_id);
	CHECK_HAS(ask_logs(&logs, NULL, 1000), "gone");
	(void)snprintf(task_id, sizeof task_id, "x");
	CHECK_HAS(ask_logs(&logs, NULL, 1000), "no task id");
	world_fini(&world);
}

TEST(worker_lists_volumes_and_networks)
{
	Davit__Query query = DAVIT__QUERY__INIT;

	(void)begin("run:forever");
	query.id = ++last_id;
	query.has_networks = query.networks = true;
	world_ask(&world, &query, 2000);
	CHECK(world.answer->error == NULL);
	query.id = ++last_id;
	query.has_networks = query.networks = false;
	query.has_volumes = query.volumes = true;
	world_ask(&world, &query, 2000);
	CHECK(world.answer->error == NULL);
	query.id = ++last_id;
	query.volumes = false;
	world_ask(&world, &query, 2000);
	CHECK_HAS(world.answer->error, "does not know this question");
	world_fini(&world);
}

TEST(worker_refuses_more_questions_than_it_can_hold)
{
	Davit__Query query = DAVIT__QUERY__INIT;
	Davit__LogsQuery logs = DAVIT__LOGS_QUERY__INIT;

	(void)begin("missing:1h/run:forever");
	world_run(&world, 1000);
	logs.task_id = task_id;
	logs.has_wait_ms = true;
	logs.wait_ms = 60000;
	query.logs = &logs;
	for (unsigned i = 0; i < WORKER_QUERIES_MAX; i++) {
		query.id = ++last_id;
		worker_query_begin(world.worker, &query);
		worker_query_begin(world.worker, &query); /* by the other poll, too */
	}
	CHECK_EQ(world.worker->n_queries, WORKER_QUERIES_MAX);
	query.id = ++last_id;
	world_ask(&world, &query, 2000);
	CHECK_HAS(world.answer->error, "busy");
	world_fini(&world);
}

TEST(worker_reads_the_engines_lists)
{
	static const char volumes[] =
		"{\"Volumes\":[{\"Name\":\"v\",\"Driver\":\"local\",\"Mountpoint\":\"/m\","
		"\"Labels\":{\"a\":\"b\"}},{\"Name\":\"w\",\"Labels\":null},7],\"Warnings\":null}";
	static const char networks[] =
		"[{\"Name\":\"bridge\",\"Id\":\"1\",\"Driver\":\"bridge\",\"Scope\":\"local\"}]";
	Davit__QueryAnswer *answer = calloc(1, sizeof *answer);
	struct err err;

	davit__query_answer__init(answer);
	CHECK_OK(worker_inventory_volumes(volumes, sizeof volumes - 1, "n1", answer, &err), &err);
	CHECK_EQ(answer->n_volumes, 3);
	CHECK_STR(answer->volumes[0]->mountpoint, "/m");
	CHECK_STR(answer->volumes[0]->labels[0]->value, "b");
	CHECK(answer->volumes[2]->name == NULL);
	CHECK_OK(worker_inventory_networks(networks, sizeof networks - 1, "n1", answer, &err),
		&err);
	CHECK_STR(answer->networks[0]->name, "bridge");
	davit__query_answer__free_unpacked(answer, NULL);
	answer = calloc(1, sizeof *answer);
	davit__query_answer__init(answer);
	CHECK_EQ(worker_inventory_volumes("{", 1, "n1", answer, &err), -EIO);
	davit__query_answer__free_unpacked(answer, NULL);
}
