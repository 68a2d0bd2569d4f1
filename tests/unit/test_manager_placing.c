/* The conversation with the scheduler: it proposes, the ledger disposes. */
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define ENDED_ DAVIT__TASK_REPORT__OBSERVED__ENDED

TEST(manager_tells_why_a_task_waits_for_a_scheduler)
{
	struct desk desk;
	char id[ID_TEXT_SIZE], late[ID_TEXT_SIZE];

	desk_init(&desk);
	desk.no_scheduler = true;
	desk_submit(&desk, "web", 0, false, id);
	manager_placed(desk.manager, desk.now, DAVIT__REPLY__STATUS__UNAVAILABLE, "nobody there",
		NULL);
	davit__place_request__free_unpacked(desk.question, NULL);
	desk.question = NULL;
	desk_turn(&desk);
	CHECK_HAS(desk_task(&desk, id)->message, "waiting for a scheduler");
	/* The trouble is old by now, the task is new. */
	desk_submit(&desk, "late", 0, false, late);
	CHECK_HAS(desk_task(&desk, late)->message, "waiting for a scheduler");
	desk.no_scheduler = false;
	desk_pass(&desk, 2 * MANAGER_PLACE_RETRY_MS);
	CHECK_STR(desk_task(&desk, id)->message, "no node fits");
	desk_fini(&desk);
}

/* The scheduler under way answers with this status. */
static void
fail_question(struct desk *desk, Davit__Reply__Status status)
{
	davit__place_request__free_unpacked(TAKE(desk->question), NULL);
	manager_placed(desk->manager, desk->now, status, "send a snapshot", NULL);
	desk_turn(desk);
}

/* A restarted scheduler knows nothing; one that reads JSON only says so in the same way. */
TEST(manager_asks_at_once_with_everything_when_the_cache_is_another_but_only_once)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "web", 1000, false, id);
	desk.no_scheduler = true;
	desk_submit(&desk, "late", 0, false, id);
	CHECK(!desk.question->snapshot);
	fail_question(&desk, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK(desk.question != NULL && desk.question->snapshot);
	CHECK_EQ(desk.question->n_nodes, 1);
	CHECK_EQ(desk.question->n_tasks, 1);
	fail_question(&desk, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK(desk.question == NULL);
	CHECK_HAS(desk_task(&desk, id)->message, "waiting for a scheduler");
	desk_pass(&desk, MANAGER_PLACE_RETRY_MS);
	CHECK(desk.question != NULL && desk.question->snapshot);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_tries_blocked_tasks_again_when_room_appears)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char first[ID_TEXT_SIZE], second[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "first", 1000, false, first);
	desk_submit(&desk, "second", 1000, false, second);
	CHECK_EQ(desk_task(&desk, second)->state, TASK_PENDING);
	desk_worker_report(&worker, first, 1, ENDED_, 0);
	CHECK_EQ(desk_task(&desk, second)->state, TASK_SCHEDULED);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_refuses_a_scheduler_that_overbooks)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__Placement placement = DAVIT__PLACEMENT__INIT, *placements[] = {&placement};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk.no_scheduler = true;
	desk_submit(&desk, "big", 9000, false, id);
	placement.task_id = id;
	placement.node_id = worker.node_id;
	reply.n_placements = 1;
	reply.placements = placements;
	manager_placed(desk.manager, desk.now, DAVIT__REPLY__STATUS__OK, "", &reply);
	davit__place_request__free_unpacked(desk.question, NULL);
	desk.question = NULL;
	CHECK_EQ(desk_task(&desk, id)->state, TASK_PENDING);
	CHECK_HAS(desk_task(&desk, id)->message, "CPU is short");
	CHECK_EQ(desk.manager->placing.n_refused, 1);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
