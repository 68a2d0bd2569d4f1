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
