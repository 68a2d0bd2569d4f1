/* Health checks from outside, and what else is wished of a task that runs: pause, hold, counts. */
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x)   DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x)  DAVIT__TASK__DESIRED__##x
#define PHASE(x) DAVIT__TASK__PHASE__##x

static struct world world;
static struct world_spec spec;
static Davit__Healthcheck check;

static struct world_task *
run_checked(const char *image, Davit__RestartPolicy__Condition condition)
{
	struct world_task *task;

	world_init(&world);
	world_spec_init(&spec, image);
	davit__healthcheck__init(&check);
	check.has_interval_ms = check.has_retries = true;
	check.interval_ms = 1000;
	check.retries = 2;
	check.http_get = (char *)"http://:8080/ok";
	spec.spec.healthcheck = &check;
	spec.spec.restart = &spec.restart;
	spec.restart.has_condition = true;
	spec.restart.condition = condition;
	task = world_assign(&world, 1, 1, &spec.spec);
	return task;
}

TEST(worker_health_is_looked_at_from_outside_and_reported)
{
	struct world_task *task = run_checked("run:forever", DAVIT__RESTART_POLICY__CONDITION__NO);

	world_expect(&world, task, OBS(RUNNING), 5000);
	world_run(&world, 2500);
	CHECK_EQ(task->phase, PHASE(HEALTHY));
	CHECK_STR(world.probe_address, "10.0.0.1");
	CHECK_EQ(world.probe.port, 8080);
	CHECK_STR(world.probe.path, "/ok");
	world.probe_fails = true;
	world_run(&world, 1000);
	CHECK_EQ(task->phase, PHASE(HEALTHY)); /* once is not yet unhealthy */
	world_run(&world, 1500);
	CHECK_EQ(task->phase, PHASE(UNHEALTHY));
	CHECK_HAS(task->message, "cannot connect");
	world.probe_fails = false;
	world_run(&world, 1500);
	CHECK_EQ(task->phase, PHASE(HEALTHY));
	CHECK_STR(task->message, "");
	CHECK_EQ(task->restart_count, 0);
	world_fini(&world);
}

TEST(worker_health_looks_at_no_port_that_is_none)
{
	static const uint32_t ports[] = {0, UINT16_MAX + 1, UINT32_MAX};

	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		struct world_task *task =
			run_checked("run:forever", DAVIT__RESTART_POLICY__CONDITION__NO);

		check.http_get = NULL;
		check.has_tcp_port = true;
		check.tcp_port = ports[i];
		world_expect(&world, task, OBS(RUNNING), 5000);
		world_run(&world, 5000);
		CHECK_EQ(world.n_probes, 0);
		CHECK_EQ(task->phase, PHASE(STARTED));
		world_fini(&world);
	}
}

TEST(worker_health_does_not_count_failures_of_the_start_period)
{
	struct world_task *task;

	world.probe_fails = true;
	task = run_checked("run:forever", DAVIT__RESTART_POLICY__CONDITION__NO);
	check.has_start_period_ms = true;
	check.start_period_ms = 20000;
	world.probe_fails = true;
	world_expect(&world, task, OBS(RUNNING), 5000);
	world_run(&world, 15000);
	CHECK(world.n_probes > 5);
	CHECK_EQ(task->phase, PHASE(STARTED));
	world_run(&world, 10000);
	CHECK_EQ(task->phase, PHASE(UNHEALTHY));
	world_fini(&world);
}

TEST(worker_health_drives_the_restart_policy_until_that_is_used_up)
{
	struct world_task *task =
		run_checked("run:forever/stop:0", DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE);

	spec.restart.has_max_attempts = true;
	spec.restart.max_attempts = 2;
	world.probe_fails = true;
	world_expect(&world, task, OBS(ENDED), 60000);
	CHECK_EQ(task->restart_count, 2);
	CHECK_EQ(task->cause, DAVIT__TASK_REPORT__CAUSE__UNHEALTHY);
	CHECK_HAS(task->message, "health check failed");
	world_fini(&world);
}

TEST(worker_health_by_a_command_restarts_as_well)
{
	struct world_task *task = run_checked("run:forever/health:bad/after:1s",
		DAVIT__RESTART_POLICY__CONDITION__ALWAYS);

	check.http_get = NULL; /* the engine looks */
	world_expect(&world, task, OBS(RUNNING), 5000);
	world_run(&world, 5000);
	CHECK(task->restart_count > 0);
	CHECK_EQ(world.n_probes, 0);
	world_fini(&world);
}

TEST(worker_pauses_and_goes_on_as_wished_whatever_comes_between)
{
	struct world_task *task = run_checked("run:forever", DAVIT__RESTART_POLICY__CONDITION__NO);

	world_expect(&world, task, OBS(RUNNING), 5000);
	task->wants_pause = true;
	task->pause_generation = 1;
	world_want(&world, task, WANT(RUN));
	world_run(&world, 2000);
	CHECK_EQ(task->phase, PHASE(PAUSED));
	world.probe_fails = true;
	world_crash(&world);
	world_run(&world, 10000);
	CHECK_EQ(task->phase, PHASE(PAUSED)); /* nobody asks the frozen how they are */
	world.probe_fails = false;
	task->wants_pause = false;
	task->pause_generation = 2;
	world_want(&world, task, WANT(RUN));
	world_run(&world, 4000);
	CHECK_EQ(task->phase, PHASE(HEALTHY));
	task->wants_pause = true;
	task->pause_generation = 3;
	world_want(&world, task, WANT(RUN));
	world_run(&world, 2000);
	world_want(&world, task, WANT(STOP));
	world_expect(&world, task, OBS(ENDED), 20000);
	world_fini(&world);
}

TEST(worker_holds_a_task_ready_until_it_shall_run)
{
	struct world_task *task =
		run_checked("missing:1s/run:forever", DAVIT__RESTART_POLICY__CONDITION__NO);

	world_want(&world, task, WANT(READY));
	task->desired = WANT(READY);
	world_run(&world, 5000);
	CHECK_EQ(task->observed, OBS(PREPARING));
	CHECK_EQ(task->phase, PHASE(CREATED));
	CHECK(task->container_id[0] != '\0');
	CHECK_EQ(world.worker->start_lane.n_held, 0);
	world_crash(&world);
	world_run(&world, 5000);
	CHECK_EQ(task->phase, PHASE(CREATED));
	world_want(&world, task, WANT(RUN));
	world_expect(&world, task, OBS(RUNNING), 5000);
	world_fini(&world);
}

TEST(worker_counts_restarts_on_from_what_the_manager_knows)
{
	struct world_task *task =
		run_checked("exit:1/after:5s", DAVIT__RESTART_POLICY__CONDITION__ON_FAILURE);

	spec.restart.has_max_attempts = true;
	spec.restart.max_attempts = 4;
	check.interval_ms = 3600000;
	while (task->restart_count < 2)
		world_run(&world, 1000);
	task->known_restarts = task->restart_count;
	world_crash(&world);
	world_expect(&world, task, OBS(ENDED), 120000);
	CHECK_EQ(task->restart_count, 4);
	world_fini(&world);
}

TEST(worker_ends_a_task_whose_ttl_is_over_without_its_grace)
{
	struct world_task *task =
		run_checked("run:forever/stubborn:TERM", DAVIT__RESTART_POLICY__CONDITION__NO);

	spec.spec.has_ttl_ms = true;
	spec.spec.ttl_ms = 3000;
	world_expect(&world, task, OBS(GONE), 4000);
	world_fini(&world);
}
