/* Registration, polls and reports: what is said, how often, and until when. */
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x)  DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x) DAVIT__TASK__DESIRED__##x

static struct world world;
static struct world_spec spec;

static void
begin(const char *image)
{
	world_init(&world);
	world_spec_init(&spec, image);
}

static void
end(struct world_task *task)
{
	world_want(&world, task, WANT(REMOVE));
	world_expect(&world, task, OBS(GONE), 20000);
	world_fini(&world);
}

TEST(worker_keeps_one_poll_parked_and_no_more_than_two)
{
	begin("run:forever");
	world_run(&world, 20000);
	CHECK_EQ(world.n_calls, 1);
	CHECK(world.n_polls >= 20 && world.n_polls <= 24); /* one a second */
	CHECK_EQ(world.n_registered, 1);
	CHECK_EQ(world.n_complete, 1);
	CHECK(worker_is_registered(world.worker));
	CHECK_EQ(worker_session(world.worker), 1);
	world_fini(&world);
}

TEST(worker_registers_again_at_once_when_its_session_is_over)
{
	struct world_task *task;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world.dead_session = world.session;
	world_run(&world, 1200);
	CHECK_EQ(world.n_registered, 2);
	CHECK_EQ(world.n_complete, 2); /* and asks for everything */
	CHECK_EQ(task->observed, OBS(RUNNING));
	end(task);
}

TEST(worker_does_not_spin_when_every_session_is_over_at_once)
{
	begin("run:forever");
	world.are_sessions_dead = true;
	world_run(&world, 10000);
	CHECK(world.n_registered < 60);
	world_fini(&world);
}

TEST(worker_retries_a_silent_manager_with_pauses_and_redials)
{
	begin("run:forever");
	world.is_down = true;
	world_run(&world, 60000);
	CHECK_EQ(world.n_registered, 0);
	world.is_down = false;
	world_run(&world, 7000);
	CHECK_EQ(world.n_registered, 1);
	world.is_down = true;
	world_run(&world, 30000);
	CHECK(world.n_redials >= 5 && world.n_redials <= 30);
	CHECK(world.n_polls < 60);
	world.is_down = false;
	world_run(&world, 5000);
	CHECK_EQ(world.n_registered, 1); /* the session still stands */
	world_fini(&world);
}

TEST(worker_reports_what_happened_while_the_manager_was_away)
{
	struct world_task *task;

	begin("exit:4/after:5s");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world.is_down = true;
	world_run(&world, 20000);
	world.is_down = false;
	world_expect(&world, task, OBS(ENDED), 6000);
	CHECK_EQ(task->exit_code, 4);
	end(task);
}

TEST(worker_says_how_it_ended_before_it_says_that_it_is_gone)
{
	struct world_task *task;
	unsigned before;

	begin("exit:4/after:2s");
	spec.spec.has_ttl_ms = true;
	spec.spec.ttl_ms = 5000; /* ends and goes away while nobody listens */
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	before = task->n_reports;
	world.is_down = true;
	world_run(&world, 20000);
	CHECK_EQ(engine_mem_count(world.engine_world), 0);
	world.is_down = false;
	world_expect(&world, task, OBS(GONE), 6000);
	CHECK_EQ(task->n_reports - before, 2);
	CHECK_EQ(task->exit_code, 4);
	end(task);
}

TEST(worker_says_nothing_twice_that_was_heard)
{
	struct world_task *task;
	unsigned n;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	world_run(&world, 500);
	n = task->n_reports;
	world_run(&world, 60000);
	CHECK_EQ(task->n_reports, n);
	CHECK(n <= 4); /* progress is overtaken by facts */
	end(task);
}

TEST(worker_announces_that_it_leaves_and_containers_stay)
{
	struct world_task *task;

	begin("run:forever");
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	worker_leave(world.worker);
	world_run(&world, 1000);
	CHECK(worker_has_left(world.worker));
	CHECK_EQ(world.n_left, 1);
	CHECK_EQ(engine_mem_count(world.engine_world), 1);
	world_crash(&world);
	world_run(&world, 3000);
	CHECK_EQ(task->observed, OBS(RUNNING));
	end(task);
}

TEST(worker_leaves_at_once_when_it_was_not_registered)
{
	begin("run:forever");
	world.is_down = true;
	world_run(&world, 1000);
	worker_leave(world.worker);
	world_run(&world, 10);
	CHECK(worker_has_left(world.worker));
	world_fini(&world);
}

TEST(worker_sends_no_more_reports_in_one_poll_than_allowed)
{
	/* The check itself is in the world's port. */
	unsigned polls;

	begin("run:forever");
	world_run(&world, 2000);
	for (unsigned i = 0; i < WORKER_REPORTS_MAX + 10; i++) {
		struct worker_slot *slot = worker_slots_add(world.worker, world_id(i), 1);

		slot->state = WORKER_SLOT_RUNNING;
		slot->observed = OBS(RUNNING);
		worker_slot_changed(slot);
	}
	polls = world.n_polls;
	world_run(&world, 500);
	CHECK(world.most_reports == WORKER_REPORTS_MAX);
	CHECK(world.n_polls >= polls + 2);
	CHECK(world.worker->uplink.fresh == NULL && world.worker->uplink.sent == NULL);
	world_fini(&world);
}
