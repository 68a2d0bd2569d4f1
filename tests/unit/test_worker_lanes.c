/* Jobs that outlive their owner, and lanes that bound how much is under way. */
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

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
