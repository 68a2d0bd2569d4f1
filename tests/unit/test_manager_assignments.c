/* What a worker is told of attempts that nobody knows. */
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
TEST(manager_gives_no_two_sets_the_same_version_in_two_lives)
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
	CHECK(before != 0 && after > before);
	desk_restart(&desk);
	worker.version = before;
	desk_worker_poll(&worker, NULL);
	CHECK(worker.last->complete);
	CHECK(worker.version > after); /* of the later life, so the worker takes it */
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
