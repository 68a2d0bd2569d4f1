/* The manager's wishes: sets, increments, gaps, stale and foolish ones. */
#include "services/worker/core.h"
#include "tests/lib/worker_world.h"

#define OBS(x)  DAVIT__TASK_REPORT__OBSERVED__##x
#define WANT(x) DAVIT__TASK__DESIRED__##x

static struct world world;
static struct world_spec spec;

static void
begin(void)
{
	world_init(&world);
	world_spec_init(&spec, "run:forever");
	world_run(&world, 1000);
}

TEST(worker_asks_for_everything_after_a_gap)
{
	struct world_task *task;

	begin();
	CHECK_EQ(world.n_complete, 1);
	world.skip_version = true;
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 5000);
	CHECK_EQ(world.n_complete, 2);
	world_fini(&world);
}

/* A reply handed to the core as if a poll had brought it. */
static void
apply(uint64_t applies_to, uint64_t results_in, Davit__Assignment *assignment,
	Davit__SpecEntry *entry)
{
	Davit__PollReply reply = DAVIT__POLL_REPLY__INIT;

	reply.has_applies_to = applies_to != 0;
	reply.applies_to = applies_to;
	reply.has_results_in = true;
	reply.results_in = results_in;
	reply.has_complete = reply.complete = applies_to == 0;
	reply.assignments = &assignment;
	reply.n_assignments = assignment != NULL;
	reply.specs = &entry;
	reply.n_specs = entry != NULL;
	worker_assign(world.worker, &reply);
}

struct wish {
	Davit__Assignment assignment;
	Davit__SpecEntry entry;
	char id[ID_TEXT_SIZE];
};

static void
wish_init(struct wish *wish, unsigned n, uint32_t attempt)
{
	davit__assignment__init(&wish->assignment);
	davit__spec_entry__init(&wish->entry);
	id_format(world_id(n), wish->id);
	wish->assignment.task_id = wish->id;
	wish->assignment.attempt = attempt;
	wish->assignment.desired = WANT(READY);
	wish->assignment.spec_id = wish->entry.id = (char *)"s1";
	wish->entry.spec = &spec.spec;
}

TEST(worker_hears_the_same_increment_twice_and_an_overlap)
{
	struct wish wish;
	uint64_t have;

	begin();
	have = world.worker->uplink.have_version;
	wish_init(&wish, 1, 1);
	apply(have, have + 2, &wish.assignment, &wish.entry);
	CHECK_EQ(worker_n_slots(world.worker), 1);
	apply(have, have + 1, NULL, NULL); /* the other poll's, older */
	CHECK_EQ(world.worker->uplink.have_version, have + 2);
	CHECK(world.worker->uplink.has_set);
	apply(have + 1, have + 3, &wish.assignment, &wish.entry);
	CHECK_EQ(world.worker->uplink.have_version, have + 3);
	apply(have + 9, have + 10, NULL, NULL); /* a gap */
	CHECK_EQ(world.worker->uplink.have_version, 0);
	world_fini(&world);
}

/* It asks for a complete set: that is no reason to take an old one, of the manager's life before.
 */
TEST(r3_worker_takes_no_set_older_than_what_it_has_seen_also_after_a_gap)
{
	const uint64_t life = UINT64_C(1) << 32;
	struct wish wish;

	begin();
	wish_init(&wish, 1, 1);
	apply(0, 7 * life + 4, &wish.assignment, &wish.entry);
	CHECK_EQ(worker_n_slots(world.worker), 1);
	apply(7 * life + 9, 7 * life + 10, NULL, NULL); /* a gap */
	CHECK_EQ(world.worker->uplink.have_version, 0);
	apply(0, 6 * life + 1000, NULL, NULL);
	CHECK_EQ(world.worker->uplink.have_version, 0);
	CHECK(!worker_slots_find(world.worker, world_id(1))->is_unwanted);
	apply(0, 7 * life + 11, NULL, NULL);
	CHECK_EQ(world.worker->uplink.have_version, 7 * life + 11);
	CHECK(worker_slots_find(world.worker, world_id(1))->is_unwanted);
	world_fini(&world);
}

TEST(worker_never_goes_back_in_what_is_wanted)
{
	struct worker_slot *slot;
	struct wish wish;

	begin();
	wish_init(&wish, 1, 1);
	wish.assignment.desired = WANT(STOP);
	apply(0, 100, &wish.assignment, &wish.entry);
	wish.assignment.desired = WANT(RUN);
	apply(100, 101, &wish.assignment, NULL);
	slot = worker_slots_find(world.worker, world_id(1));
	CHECK_EQ(slot->desired, WANT(STOP));
	world_fini(&world);
}

TEST(worker_leaves_out_what_makes_no_sense)
{
	struct wish wish;

	begin();
	wish_init(&wish, 1, 5);
	apply(0, 100, &wish.assignment, &wish.entry);
	CHECK_EQ(worker_n_slots(world.worker), 1);
	wish.assignment.attempt = 4; /* older than what we have */
	apply(100, 101, &wish.assignment, NULL);
	CHECK_EQ(worker_slots_find(world.worker, world_id(1))->attempt, 5);
	wish.assignment.task_id = (char *)"no-id";
	apply(101, 102, &wish.assignment, NULL);
	CHECK_EQ(worker_n_slots(world.worker), 1);
	wish_init(&wish, 2, 1);
	wish.assignment.spec_id = (char *)"unknown";
	apply(102, 103, &wish.assignment, NULL);
	CHECK_EQ(worker_n_slots(world.worker), 1);
	CHECK_EQ(world.worker->uplink.have_version, 0); /* something is missing: ask */
	world_fini(&world);
}

TEST(worker_asks_for_everything_before_it_drops_an_attempt_that_is_not_the_one_named)
{
	Davit__PollReply reply = DAVIT__POLL_REPLY__INIT;
	Davit__TaskRef ref = DAVIT__TASK_REF__INIT, *refs = &ref;
	struct world_task *task;
	char id[ID_TEXT_SIZE];

	begin();
	task = world_assign(&world, 1, 1, &spec.spec);
	world_expect(&world, task, OBS(RUNNING), 5000);
	id_format(task->id, id);
	ref.task_id = id;
	ref.has_attempt = true;
	ref.attempt = 2;
	reply.has_applies_to = reply.has_results_in = true;
	reply.applies_to = world.worker->uplink.have_version;
	reply.results_in = reply.applies_to + 1;
	reply.dropped = &refs;
	reply.n_dropped = 1;
	worker_assign(world.worker, &reply);
	world_run(&world, 3000);
	CHECK_EQ(world.n_complete, 2);
	CHECK_EQ(task->observed, OBS(RUNNING));
	world_fini(&world);
}

TEST(worker_keeps_a_spec_as_long_as_somebody_has_it)
{
	struct wish wish, other;

	begin();
	wish_init(&wish, 1, 1);
	wish_init(&other, 2, 1);
	apply(0, 100, &wish.assignment, &wish.entry);
	apply(100, 101, &other.assignment, NULL);
	CHECK_EQ(HASH_COUNT(world.worker->specs), 1);
	CHECK_EQ(world.worker->specs->n_refs, 2);
	apply(0, 102, NULL, NULL); /* a complete set without either */
	world.version = 102;
	world_run(&world, 5000);
	CHECK_EQ(worker_n_slots(world.worker), 0);
	CHECK(world.worker->specs == NULL);
	world_fini(&world);
}

TEST(worker_does_not_take_more_than_it_can_hold)
{
	struct wish wish;

	begin();
	world.worker->n_slots += WORKER_SLOTS_MAX;
	wish_init(&wish, 1, 1);
	apply(0, 100, &wish.assignment, &wish.entry);
	world.worker->n_slots -= WORKER_SLOTS_MAX;
	CHECK_EQ(worker_n_slots(world.worker), 0);
	world_fini(&world);
}

TEST(worker_forgets_the_journal_of_what_is_not_assigned)
{
	begin();
	world.journal[world.n_journal++] = (struct worker_journal_entry){world_id(7), 1};
	world_crash(&world);
	world_run(&world, 5000);
	CHECK_EQ(world.n_journal, 0);
	world_fini(&world);
}
