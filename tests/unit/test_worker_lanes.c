/* Jobs that outlive their owner, and lanes that bound how much is under way. */
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x) DAVIT__TASK_REPORT__OBSERVED__##x

static struct world world;

static struct worker_slot *
slot_with_priority(unsigned n, uint32_t priority, struct worker_spec *spec, Davit__TaskSpec *inner)
{
	struct worker_slot *slot = worker_slot_new(world.worker, world_id(n), 1);

	davit__task_spec__init(inner);
	inner->has_priority = true;
	inner->priority = priority;
	spec->spec = inner;
	slot->spec = spec;
	return slot;
}

TEST(worker_lane_lets_in_so_many_then_by_priority_then_by_age)
{
	enum { N = 6 };
	static const uint32_t priority[N] = {50, 50, 10, 50, 90, 50};
	static const unsigned order[N] = {0, 4, 1, 3, 5, 2};
	struct worker_slot *slots[N];
	struct worker_spec *specs[N];
	Davit__TaskSpec inner[N];
	struct worker_lane lane = {.limit = 1};

	world_init(&world);
	for (unsigned i = 0; i < N; i++) {
		specs[i] = calloc(1, sizeof **specs + 1);
		slots[i] = slot_with_priority(i, priority[i], specs[i], &inner[i]);
		CHECK_EQ(worker_lane_enter(&lane, &slots[i]->pass), i == 0);
		CHECK_EQ(worker_lane_enter(&lane, &slots[i]->pass), i == 0); /* asking again */
	}
	for (unsigned i = 0; i < N; i++) {
		CHECK_EQ(lane.n_held, 1);
		CHECK_EQ(slots[order[i]]->pass.state, WORKER_PASS_HELD);
		worker_lane_leave(&slots[order[i]]->pass);
	}
	CHECK_EQ(lane.n_held, 0);
	CHECK(lane.waiting == NULL);
	while (world.worker->touched != NULL)
		DL_DELETE2(world.worker->touched, world.worker->touched, touched_prev,
			touched_next);
	for (unsigned i = 0; i < N; i++) {
		slots[i]->spec = NULL;
		worker_slot_free(slots[i]);
		free(specs[i]);
	}
	world_fini(&world);
}

/* Two that come back for ever, and one below them. */
TEST(worker_lane_lets_the_oldest_in_now_and_then_whatever_its_priority)
{
	static const uint32_t priority[] = {90, 90, 10};
	struct worker_slot *slots[3];
	struct worker_spec *specs[3];
	Davit__TaskSpec inner[3];
	struct worker_lane lane = {.limit = 1};
	unsigned n = 0;

	world_init(&world);
	for (unsigned i = 0; i < 3; i++) {
		specs[i] = calloc(1, sizeof **specs + 1);
		slots[i] = slot_with_priority(i, priority[i], specs[i], &inner[i]);
		(void)worker_lane_enter(&lane, &slots[i]->pass);
	}
	for (; slots[2]->pass.state != WORKER_PASS_HELD && n < 1000; n++) {
		struct worker_slot *held = slots[slots[0]->pass.state == WORKER_PASS_HELD ? 0 : 1];

		worker_lane_leave(&held->pass);
		CHECK(!worker_lane_enter(&lane, &held->pass));
	}
	CHECK_EQ(n, WORKER_LANE_TURNS);
	for (unsigned i = 0; i < 3; i++)
		worker_lane_leave(&slots[i]->pass);
	while (world.worker->touched != NULL)
		DL_DELETE2(world.worker->touched, world.worker->touched, touched_prev,
			touched_next);
	for (unsigned i = 0; i < 3; i++) {
		slots[i]->spec = NULL;
		worker_slot_free(slots[i]);
		free(specs[i]);
	}
	world_fini(&world);
}

TEST(worker_lane_is_left_from_the_queue_too)
{
	struct worker_lane lane = {.limit = 1};
	struct worker_pass a = {0}, b = {0};
	struct worker_slot *slot;

	world_init(&world);
	slot = worker_slot_new(world.worker, world_id(1), 1);
	a.slot = b.slot = slot;
	CHECK(worker_lane_enter(&lane, &a));
	CHECK(!worker_lane_enter(&lane, &b));
	worker_lane_leave(&b);
	worker_lane_leave(&b);
	worker_lane_leave(&a);
	CHECK_EQ(lane.n_held, 0);
	CHECK(!slot->is_touched);
	worker_slot_free(slot);
	world_fini(&world);
}

static unsigned n_inspected;

static void
on_inspected(const struct err *err, const struct engine_container *container, void *arg)
{
	(void)err;
	(void)container;
	CHECK(worker_job_owner(arg) == NULL);
	CHECK(worker_job_end(arg) == NULL);
	n_inspected++;
}

TEST(worker_job_outlives_its_owner)
{
	struct worker_job *place = NULL, *job;
	int owner;

	world_init(&world);
	n_inspected = 0;
	job = worker_job_new(&place, &owner);
	job->op = engine_container_inspect(world.engine, "x", on_inspected, job);
	CHECK(place == job);
	worker_job_abandon(&place);
	CHECK(place == NULL);
	worker_job_abandon(&place);
	world_run(&world, 100);
	CHECK_EQ(n_inspected, 1);
	world_fini(&world);
}

TEST(worker_lane_lets_more_in_when_it_is_widened)
{
	struct worker_lane lane = {.limit = 1};
	struct worker_slot *slots[4];

	world_init(&world);
	for (unsigned i = 0; i < 4; i++) {
		slots[i] = worker_slot_new(world.worker, world_id(i), 1);
		(void)worker_lane_enter(&lane, &slots[i]->pass);
	}
	worker_lane_widen(&lane, 3);
	CHECK_EQ(lane.n_held, 3);
	worker_lane_widen(&lane, 1); /* those inside stay until they leave */
	CHECK_EQ(lane.n_held, 3);
	worker_lane_leave(&slots[0]->pass);
	worker_lane_leave(&slots[1]->pass);
	CHECK_EQ(lane.n_held, 1);
	CHECK_EQ(lane.n_ended, 2);
	CHECK_EQ(slots[3]->pass.state, WORKER_PASS_WAITING);
	worker_lane_leave(&slots[2]->pass);
	CHECK_EQ(slots[3]->pass.state, WORKER_PASS_HELD);
	while (world.worker->touched != NULL)
		DL_DELETE2(world.worker->touched, world.worker->touched, touched_prev,
			touched_next);
	for (unsigned i = 0; i < 4; i++)
		worker_slot_free(slots[i]);
	world_fini(&world);
}

TEST(worker_stops_do_not_wait_behind_starts)
{
	static struct world_spec slow, runs;
	struct world_task *task;
	uint64_t asked_ms;

	world_init(&world);
	world_spec_init(&runs, "run:forever");
	world_spec_init(&slow, "run:forever/slow:20s");
	task = world_assign(&world, 1, 1, &runs.spec);
	world_expect(&world, task, OBS(RUNNING), 3000);
	for (unsigned i = 2; i < 42; i++) /* ten times as many as may start at one time */
		(void)world_assign(&world, i, 1, &slow.spec);
	world_run(&world, 3000);
	CHECK_EQ(world.worker->start_lane.n_held, 4);
	CHECK(world.worker->start_lane.waiting != NULL);
	asked_ms = engine_mem_now(world.engine_world);
	world_want(&world, task, DAVIT__TASK__DESIRED__REMOVE);
	world_expect(&world, task, OBS(GONE), 5000);
	CHECK(engine_mem_now(world.engine_world) - asked_ms < 2000);
	CHECK_EQ(world.worker->start_lane.n_held, 4); /* they were at it all the while */
	world_fini(&world);
}

static bool
all_run(struct world *it)
{
	for (size_t i = 0; i < it->n_tasks; i++) {
		if (it->tasks[i].observed != OBS(RUNNING))
			return false;
	}
	return true;
}

/* What ignores its signal is only waited for: the engine has nothing to do for it. */
TEST(worker_stops_do_not_wait_behind_those_of_deaf_containers)
{
	enum { N_DEAF = WORKER_STOPS_MAX + WORKER_GRACES_MAX };
	static struct world_spec deaf, runs;
	struct world_task *first, *second;
	uint64_t n_before;

	world_init(&world);
	world_spec_init(&runs, "run:forever");
	world_spec_init(&deaf, "run:forever/stubborn:TERM");
	deaf.spec.has_stop_timeout_ms = true;
	deaf.spec.stop_timeout_ms = 60000;
	for (unsigned i = 0; i < N_DEAF; i++)
		(void)world_assign(&world, i, 1, &deaf.spec);
	first = world_assign(&world, N_DEAF, 1, &runs.spec);
	second = world_assign(&world, N_DEAF + 1, 1, &runs.spec);
	CHECK(world_until(&world, all_run, 100000));
	n_before = engine_mem_n_calls(world.engine_world, ENGINE_CALL_STOP);
	for (unsigned i = 0; i < WORKER_STOPS_MAX; i++)
		world_want(&world, &world.tasks[i], DAVIT__TASK__DESIRED__STOP);
	world_run(&world, 100);
	CHECK_EQ(world.worker->stop_lane.n_held, WORKER_STOPS_MAX);
	world_want(&world, first, DAVIT__TASK__DESIRED__STOP);
	world_expect(&world, first, OBS(ENDED), 3 * WORKER_STOP_BUSY_MS);

	/* Also of those there may be no more than so many. */
	for (unsigned i = WORKER_STOPS_MAX; i < N_DEAF; i++)
		world_want(&world, &world.tasks[i], DAVIT__TASK__DESIRED__STOP);
	world_run(&world, 20000);
	CHECK_EQ(world.worker->grace_lane.n_held, WORKER_GRACES_MAX);
	CHECK_EQ(world.worker->stop_lane.n_held, WORKER_STOPS_MAX);
	world_want(&world, second, DAVIT__TASK__DESIRED__STOP);
	world_run(&world, 10000);
	CHECK_EQ(second->observed, OBS(RUNNING));
	CHECK_EQ(engine_mem_n_calls(world.engine_world, ENGINE_CALL_STOP), n_before + N_DEAF + 1);
	world_expect(&world, second, OBS(ENDED), 60000);
	world_run(&world, 60000);
	CHECK_EQ(world.worker->grace_lane.n_held, 0);
	CHECK_EQ(world.worker->stop_lane.n_held, 0);
	world_fini(&world);
}

/* As long as starts wait, another width is tried now and then; it never leaves its bounds. */
TEST(worker_finds_out_how_many_starts_the_engine_takes)
{
	static struct world_spec slow;
	unsigned least = UINT32_MAX, most = 0;

	world_init(&world);
	world.adapts = true;
	world_crash(&world);
	world_spec_init(&slow, "run:forever/slow:100ms"); /* however many start: more is faster */
	for (unsigned i = 0; i < 1000; i++)
		(void)world_assign(&world, i, 1, &slow.spec);
	for (unsigned i = 0; i < 1000 && !all_run(&world); i++) {
		unsigned held = world.worker->start_lane.n_held;

		world_run(&world, 100);
		least = held < least ? held : least;
		most = held > most ? held : most;
	}
	CHECK(all_run(&world));
	CHECK(most > 4);
	CHECK(most <= 16);
	/* An engine without an answer is asked less. */
	most = worker_start_width(world.worker);
	for (unsigned i = 1000; i < 1040; i++)
		(void)world_assign(&world, i, 1, &slow.spec);
	for (unsigned i = 0; i < 100 && world.worker->start_lane.n_held == 0; i++)
		world_run(&world, 10);
	engine_mem_hang(world.engine_world, engine_mem_now(world.engine_world) + 40000);
	world_run(&world, 39000);
	CHECK(worker_start_width(world.worker) <= most / 2 + 1);
	world_run(&world, 30000);
	/* Those that it was asked for run; the others were handed back while it was away. */
	for (size_t i = 0; i < world.n_tasks; i++)
		CHECK(world.tasks[i].observed == DAVIT__TASK_REPORT__OBSERVED__RUNNING ||
			world.tasks[i].observed == DAVIT__TASK_REPORT__OBSERVED__RETURNED);
	world_fini(&world);
}
