/* A task whose ttl is over is removed at most a second later, however busy its worker is: in
 * virtual time, against an engine in memory that answers slowly. */
#include <errno.h>

#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x)  DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x) DAVIT__TASK__DESIRED__##x

enum {
	TTL_MS = 60000,
	LATE_MS = 1000, /* at most, behind its time */
	N_TASKS = 160,
};

static struct world world;
static struct world_spec obeys, deaf, fails; /* the last one has no ttl, and restarts */

static void
begin(void)
{
	world_init_with(&world, &(struct engine_mem_options){.seed = 6, .latency_ms = 20});
	world_spec_init(&obeys, "run:forever");
	world_spec_init(&deaf, "run:forever/stubborn:TERM");
	world_spec_init(&fails, "exit:1/after:100ms");
	obeys.spec.has_ttl_ms = deaf.spec.has_ttl_ms = true;
	obeys.spec.ttl_ms = deaf.spec.ttl_ms = TTL_MS;
	deaf.spec.has_stop_timeout_ms = true;
	deaf.spec.stop_timeout_ms = 90000;
	fails.restart.has_condition = fails.restart.has_max_delay_ms = true;
	fails.restart.condition = DAVIT__RESTART_POLICY__CONDITION__ALWAYS;
	fails.restart.max_delay_ms = 100;
	fails.spec.restart = &fails.restart;
}

static void
check_all_gone(unsigned n_left)
{
	unsigned n_gone = 0;

	for (unsigned i = 0; i < N_TASKS; i++)
		n_gone += world.tasks[i].observed == OBS(GONE);
	CHECK_EQ(n_gone, N_TASKS - n_left);
	CHECK_EQ(engine_mem_count(world.engine_world), n_left);
}

/* All of them at the same moment, every other one deaf to TERM and with a grace that is longer. */
TEST(worker_removes_all_whose_ttl_is_over_at_one_moment)
{
	begin();
	for (unsigned i = 0; i < N_TASKS; i++)
		(void)world_assign(&world, i, 1, i % 2 == 0 ? &obeys.spec : &deaf.spec);
	world_run(&world, TTL_MS - 100);
	CHECK_EQ(engine_mem_count(world.engine_world), N_TASKS);
	world_run(&world, 100 + LATE_MS);
	check_all_gone(0);
	world_fini(&world);
}

/* Of the others every second one restarts all the time, and the rest is being stopped, when the
 * time of a few is over. */
TEST(worker_removes_whose_ttl_is_over_while_others_start_and_stop)
{
	enum { N_MORTAL = 20 };
	struct world_spec stays;

	begin();
	stays = deaf;
	stays.spec.has_ttl_ms = false;
	stays.spec.ttl_ms = 0;
	for (unsigned i = 0; i < N_MORTAL; i++)
		(void)world_assign(&world, i, 1, i % 2 == 0 ? &obeys.spec : &deaf.spec);
	for (unsigned i = N_MORTAL; i < N_TASKS; i++)
		(void)world_assign(&world, i, 1, i % 2 == 0 ? &fails.spec : &stays.spec);
	world_run(&world, TTL_MS - 100);
	CHECK_EQ(engine_mem_count(world.engine_world), N_TASKS);
	for (unsigned i = N_MORTAL + 1; i < N_TASKS; i += 2)
		world_want(&world, &world.tasks[i], WANT(STOP));
	world_run(&world, 100 + LATE_MS);
	check_all_gone(N_TASKS - N_MORTAL);
	for (unsigned i = 0; i < N_MORTAL; i++)
		CHECK_EQ(world.tasks[i].observed, OBS(GONE));
	world_fini(&world);
}

/* Its time is over as well while it is paused, or while a stop gives it a longer grace. */
TEST(worker_removes_whose_ttl_is_over_in_a_pause_or_in_the_grace_of_a_stop)
{
	begin();
	for (unsigned i = 0; i < N_TASKS; i++)
		(void)world_assign(&world, i, 1, i % 2 == 0 ? &deaf.spec : &obeys.spec);
	world_run(&world, TTL_MS / 2);
	for (unsigned i = 0; i < N_TASKS; i++) {
		struct world_task *task = &world.tasks[i];

		task->wants_pause = i % 2 != 0;
		task->pause_generation = i % 2;
		world_want(&world, task, i % 2 == 0 ? WANT(STOP) : WANT(RUN));
	}
	world_run(&world, TTL_MS / 2 - 100);
	CHECK_EQ(engine_mem_count(world.engine_world), N_TASKS);
	world_run(&world, 100 + LATE_MS);
	check_all_gone(0);
	world_fini(&world);
}

/* … and while its failed health check stops it, to restart it after a longer grace. */
TEST(worker_removes_whose_ttl_is_over_while_its_health_check_stops_it)
{
	Davit__Healthcheck check = DAVIT__HEALTHCHECK__INIT;
	struct world_task *task;

	begin();
	check.has_interval_ms = check.has_retries = true;
	check.interval_ms = 1000;
	check.retries = 2;
	check.http_get = (char *)"http://:8080/ok";
	deaf.spec.healthcheck = &check;
	deaf.spec.restart = &fails.restart;
	world.probe_fails = true;
	task = world_assign(&world, 0, 1, &deaf.spec);
	world_run(&world, TTL_MS - 100);
	CHECK_EQ(task->observed, OBS(RUNNING));
	CHECK_EQ(task->restart_count, 0);
	world_run(&world, 100 + LATE_MS);
	CHECK_EQ(task->observed, OBS(GONE));
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	world_fini(&world);
}

/* Nor behind others that are removed: these have no place at all. */
TEST(worker_removes_whose_ttl_is_over_while_many_others_are_removed)
{
	struct world_spec stays, ends;

	begin();
	stays = obeys;
	stays.spec.has_ttl_ms = false;
	stays.spec.ttl_ms = 0;
	world_spec_init(&ends, "exit:0/after:100ms");
	ends.spec.has_ttl_ms = true;
	ends.spec.ttl_ms = TTL_MS;
	(void)world_assign(&world, 0, 1, &deaf.spec);
	(void)world_assign(&world, 1, 1, &ends.spec);
	for (unsigned i = 2; i < N_TASKS; i++)
		(void)world_assign(&world, i, 1, &stays.spec);
	world_run(&world, TTL_MS - 2000);
	world.worker->n_removals = world.worker->start_width.min = 0;
	for (unsigned i = 2; i < N_TASKS; i++)
		world_want(&world, &world.tasks[i], WANT(REMOVE));
	world_run(&world, 2000);
	CHECK(world.worker->remove_lane.waiting != NULL);
	CHECK_EQ(world.tasks[0].observed, OBS(RUNNING));
	CHECK_EQ(world.tasks[1].observed, OBS(ENDED));
	world_run(&world, LATE_MS);
	CHECK_EQ(world.tasks[0].observed, OBS(GONE));
	CHECK_EQ(world.tasks[1].observed, OBS(GONE));
	CHECK(world.worker->remove_lane.waiting != NULL);
	world_fini(&world);
}

/* One that has host ports is told of, too, and they are free when it is. */
TEST(worker_tells_how_it_ended_whose_ttl_was_over)
{
	for (unsigned host_port = 0; host_port <= 30001; host_port += 30001) {
		struct world_task *task;

		begin();
		task = world_assign(&world, 0, 1, &obeys.spec);
		task->host_port = host_port;
		task->container_port = 80;
		world_run(&world, TTL_MS - 100);
		CHECK_EQ(task->observed, OBS(RUNNING));
		world_run(&world, 100 + LATE_MS);
		CHECK_EQ(task->observed, OBS(GONE));
		CHECK_EQ(task->cause, DAVIT__TASK_REPORT__CAUSE__TTL);
		CHECK_EQ(task->exit_code, 137);
		CHECK(task->finished_ms >= TTL_MS);
		CHECK_EQ(engine_mem_n_calls(world.engine_world, ENGINE_CALL_INSPECT), 0);
		CHECK_EQ(engine_mem_n_calls(world.engine_world, ENGINE_CALL_STOP), 0);
		CHECK_EQ(engine_mem_n_calls(world.engine_world, ENGINE_CALL_REMOVE), 1);
		world_fini(&world);
	}
}

/* The engine refuses to remove it, the first time. */
TEST(worker_removes_whose_ttl_is_over_in_the_end_although_that_fails_once)
{
	struct world_task *task;

	begin();
	task = world_assign(&world, 0, 1, &obeys.spec);
	world_run(&world, TTL_MS - 100);
	engine_mem_fail_next(world.engine_world, ENGINE_CALL_REMOVE, -EIO,
		"device or resource busy");
	world_expect(&world, task, OBS(GONE), 20000);
	CHECK_EQ(task->cause, DAVIT__TASK_REPORT__CAUSE__TTL);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	world_fini(&world);
}

/* What is about to begin makes room, and afterwards there is as much of it as before. */
TEST(worker_begins_less_while_a_ttl_is_about_to_be_over)
{
	const struct worker *worker;

	begin();
	world.adapts = true;
	world_crash(&world); /* one that finds out how many starts are best */
	worker = world.worker;
	(void)world_assign(&world, 0, 1, &obeys.spec);
	world_run(&world, TTL_MS - 2 * WORKER_QUIET_MS);
	CHECK_EQ(worker->start_lane.limit, worker->start_width.now);
	CHECK(worker->start_width.now > worker->start_width.min);
	CHECK_EQ(worker->remove_lane.limit, worker->n_removals);
	world_run(&world, WORKER_QUIET_MS + WORKER_QUIET_MS / 2);
	CHECK_EQ(worker->start_lane.limit, worker->start_width.min);
	CHECK_EQ(worker->remove_lane.limit, worker->start_width.min);
	world_run(&world, 2 * WORKER_QUIET_MS);
	CHECK_EQ(worker->start_lane.limit, worker->start_width.now);
	CHECK_EQ(worker->remove_lane.limit, worker->n_removals);
	world_fini(&world);
}
