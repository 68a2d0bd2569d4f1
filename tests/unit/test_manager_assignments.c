/* What a worker is told of attempts that nobody knows. */
#include <errno.h>
#include <string.h>

#include "tests/lib/desk.h"
#include "tests/lib/test.h"

/* Whoever shall forget an attempt forgets older ones with it, and the older one is what it was
 * given. */
TEST(r3_manager_tells_nobody_to_forget_an_attempt_that_nobody_was_given)
{
	struct desk desk;
	struct desk_worker worker;
	char id[ID_TEXT_SIZE];

	memset(&desk, 0, sizeof desk);
	memset(&worker, 0, sizeof worker);
	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 1000, false, id);
	desk_worker_poll(&worker, NULL);
	CHECK(desk_worker_assignment(&worker, id) != NULL);
	desk_worker_report(&worker, id, 2, DAVIT__TASK_REPORT__OBSERVED__GONE, 0);
	CHECK_EQ(worker.last->n_dropped, 0);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_SCHEDULED);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* It asked again before it had heard the last answer, and in between the manager died. */
TEST(r3_manager_gives_every_version_of_a_later_life_a_greater_number)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];
	uint64_t before, after;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	before = worker.version;
	desk_submit(&desk, "web", 1000, false, id);
	desk_worker_poll(&worker, NULL);
	after = worker.version;
	CHECK_EQ(before >> 32, 1);
	CHECK_EQ(after >> 32, 1);
	CHECK(after > before);
	for (uint64_t life = 2; life < 5; life++) {
		desk_restart(&desk);
		worker.version = before; /* the answer by the life before is still under way */
		desk_worker_poll(&worker, NULL);
		CHECK(worker.last->complete);
		CHECK_EQ(worker.version >> 32, life);
	}
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

static const char *
set_under_way(const struct desk_worker *worker)
{
	const Davit__PollReply *reply = (const Davit__PollReply *)worker->poll->response;

	return reply == NULL ? "none" : reply->complete ? "complete" : "nothing new";
}

/* The disk is full when it starts: what it says must not be taken for what another life says. */
TEST(r3_manager_tells_nobody_anything_before_its_life_is_in_the_store)
{
	struct desk desk;
	struct desk_worker worker = {0};

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_restart(&desk);
	store_mem_fail_next(desk.store, 0, -ENOSPC);
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(worker.poll->status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	manager_set_store_trouble(desk.manager, "the disk is full");
	desk_worker_poll(&worker, NULL);
	CHECK_STR(set_under_way(&worker), "none");
	desk_pass(&desk, 2 * (uint64_t)desk.config.poll_ms);
	CHECK_STR(set_under_way(&worker), "nothing new"); /* heard, so it is not silent */
	CHECK(!manager_has_writes(desk.manager));
	manager_set_store_trouble(desk.manager, "");
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(worker.version >> 32, 2);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* A commit failed, and the model was built again: the same life, and its versions go on. */
TEST(manager_goes_on_from_its_highest_version_after_a_commit_that_failed)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct err err = {0};
	uint64_t before;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	before = worker.version;
	manager_abort(desk.manager, "test");
	CHECK_OK(manager_load(desk.manager, desk.store, desk.now, &err), &err);
	worker.version = 0; /* it wants everything */
	desk_worker_poll(&worker, NULL);
	desk_worker_poll(&worker, NULL);
	CHECK(worker.version > before);
	CHECK_EQ(worker.version >> 32, before >> 32);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* An old copy of the store was put in its place: lives are counted again. */
TEST(manager_goes_beyond_what_a_worker_has_seen_of_lives_that_its_store_does_not_know)
{
	struct desk desk;
	struct desk_worker worker = {0};
	const uint64_t seen = (UINT64_C(9) << 32) + 5;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	worker.version = seen;
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(worker.version, seen + 1);
	worker.version = UINT64_MAX; /* no honest worker says so */
	desk_worker_poll(&worker, NULL);
	CHECK(worker.version < UINT64_C(10) << 32);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
