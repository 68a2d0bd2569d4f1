/* What a fault does to a worker's world: an engine in memory, a manager that never comes. */
#include "services/worker/chaos_shell.h"

#include <errno.h>

#include "common/docker/engine_mem.h"
#include "services/worker/limits.h"
#include "tests/lib/got.h"
#include "tests/lib/test.h"

static uv_loop_t loop;
static struct engine *engine;
static struct rpc_client *client;
static struct chaos_shell *chaos;
static unsigned n_deaths, n_births, n_answers;
static uint64_t now_ms;

static uint32_t
no_chance(void *arg)
{
	(void)arg;
	return 0;
}

static const char *
node_id(void *arg)
{
	(void)arg;
	return n_deaths > n_births ? "" : "n1";
}

static void
die(void *arg)
{
	(void)arg;
	n_deaths++;
}

static void
revive(void *arg)
{
	(void)arg;
	n_births++;
}

static void
begin(void)
{
	static const char nobody[] = "inproc://davit-chaos-test-nobody";
	struct err err;

	n_deaths = n_births = n_answers = 0;
	now_ms = 1000;
	CHECK_EQ(uv_loop_init(&loop), 0);
	engine = engine_mem_open_on_loop(&(struct engine_mem_options){.seed = 1}, &loop);
	CHECK_OK(rpc_client_open(&loop, nobody, &client, &err), &err);
	CHECK_OK(chaos_shell_open(&(struct chaos_shell_options){.loop = &loop,
					  .manager_url = nobody,
					  .client = client,
					  .engine = engine,
					  .random = no_chance,
					  .node_id = node_id,
					  .die = die,
					  .revive = revive},
			 &chaos, &err),
		&err);
	(void)chaos_shell_tick(chaos, now_ms, now_ms);
}

static void
end(void)
{
	rpc_client_close(client);
	chaos_shell_close(chaos);
	engine_close(engine);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	chaos_shell_free(chaos);
	CHECK_EQ(uv_loop_close(&loop), 0);
}

static void
pass(uint64_t ms)
{
	now_ms += ms;
	(void)chaos_shell_tick(chaos, now_ms, now_ms);
}

static void
order(Davit__Fault__Kind kind, uint64_t for_ms)
{
	Davit__ChaosQuery query = DAVIT__CHAOS_QUERY__INIT;
	Davit__Fault fault = DAVIT__FAULT__INIT, accepted;
	struct err err;

	fault.kind = kind;
	fault.has_for_ms = true;
	fault.for_ms = for_ms;
	query.fault = &fault;
	CHECK_OK(chaos_shell_order(chaos, &query, &accepted, &err), &err);
	CHECK_EQ(accepted.until_ms, now_ms + for_ms);
}

static void
wait_for(const struct got *got)
{
	while (got->n == 0) /* UV_RUN_ONCE runs timers, and then waits for what never comes */
		(void)uv_run(&loop, UV_RUN_NOWAIT);
}

/* A container of this node that runs. */
static void
run(const char *name)
{
	struct got created = {0}, started = {0};
	const struct engine_creation creation = {.name = name,
		.body = "{\"Image\": \"run:forever\", \"Labels\": {\"davit.node\": \"n1\"}}"};

	(void)engine_container_create(engine, &creation, got_id, &created);
	wait_for(&created);
	(void)engine_container_start(engine, created.id, got_done, &started);
	wait_for(&started);
	CHECK_EQ(started.err.code, 0);
}

static enum engine_container_status
status_of(const char *name)
{
	struct got got = {0};

	(void)engine_container_inspect(engine, name, got_container, &got);
	wait_for(&got);
	return got.container.status;
}

static void
wait_dead(const char *name)
{
	while (status_of(name) == ENGINE_RUNNING)
		(void)uv_run(&loop, UV_RUN_NOWAIT);
}

TEST(worker_chaos_shell_a_killed_node_has_no_core_and_nothing_that_runs)
{
	begin();
	run("a");
	order(DAVIT__FAULT__KIND__KILL_NODE, 60000);
	CHECK_EQ(n_deaths, 0);
	CHECK(!chaos_shell_loses_stats(chaos));
	pass(WORKER_CHAOS_BEGIN_MS);
	CHECK_EQ(n_deaths, 1);
	CHECK(chaos_shell_loses_stats(chaos));
	wait_dead("a");
	/* Something that the engine was about to start when the node died. */
	run("late");
	pass(WORKER_CHAOS_SWEEP_MS);
	wait_dead("late");
	pass(60000);
	CHECK_EQ(n_births, 1);
	run("b");
	pass(WORKER_CHAOS_SWEEP_MS);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	CHECK_EQ(status_of("b"), ENGINE_RUNNING);
	end();
}

TEST(worker_chaos_shell_a_paused_engine_hangs_for_the_core_only)
{
	struct got seen = {0}, after = {0};

	begin();
	order(DAVIT__FAULT__KIND__PAUSE_ENGINE, 60000);
	pass(WORKER_CHAOS_BEGIN_MS);
	(void)engine_about(chaos_shell_engine(chaos), got_about, &seen);
	run("a"); /* the engine itself is well */
	CHECK_EQ(seen.n, 0);
	pass(60000);
	wait_for(&seen);
	CHECK_EQ(seen.err.code, -ETIMEDOUT);
	(void)engine_about(chaos_shell_engine(chaos), got_about, &after);
	wait_for(&after);
	CHECK_EQ(after.err.code, 0);
	end();
}

static void
on_answer(const struct rpc_result *result, void *arg)
{
	(void)arg;
	CHECK(result->status != DAVIT__REPLY__STATUS__OK);
	n_answers++;
}

/* Also when that was not heard, for nobody is there: the order was accepted. */
TEST(worker_chaos_shell_begins_when_its_acceptance_is_over)
{
	Davit__AnswerQueriesRequest request = DAVIT__ANSWER_QUERIES_REQUEST__INIT;
	Davit__QueryAnswer answer = DAVIT__QUERY_ANSWER__INIT, *answers[] = {&answer};
	Davit__InjectFaultReply reply = DAVIT__INJECT_FAULT_REPLY__INIT;
	Davit__Fault fault = DAVIT__FAULT__INIT;
	char node[] = "n1";

	begin();
	order(DAVIT__FAULT__KIND__PARTITION, 60000);
	pass(1);
	CHECK(!chaos_shell_loses_stats(chaos));
	reply.fault = &fault;
	answer.fault = &reply;
	request.node_id = node;
	request.answers = answers;
	request.n_answers = 1;
	chaos_shell_call(chaos, "AnswerQueries", &request.base, 50, on_answer, NULL);
	while (n_answers == 0)
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	pass(1);
	CHECK(chaos_shell_loses_stats(chaos));
	pass(60000);
	CHECK(!chaos_shell_loses_stats(chaos));
	end();
	CHECK_EQ(n_answers, 1);
}
