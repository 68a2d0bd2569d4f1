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

/* Its port is held by a stranger there: it goes elsewhere, and back only when there is nowhere. */
TEST(manager_has_nodes_avoided_where_a_task_could_not_start_until_there_is_nowhere_else)
{
	struct desk desk;
	struct desk_worker one = {0}, two = {0};
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__Refusal refusal = DAVIT__REFUSAL__INIT, *refusals[] = {&refusal};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &one, "n1", 1000);
	desk_worker_join(&desk, &two, "n2", 1000);
	desk_submit(&desk, "web", 1000, false, id);
	CHECK_STR(desk_task(&desk, id)->node->name, "n1");
	desk.no_scheduler = true;
	report.task_id = id;
	report.attempt = 1;
	report.observed = DAVIT__TASK_REPORT__OBSERVED__RETURNED;
	desk_worker_poll(&one, &report);
	CHECK(desk.question != NULL && desk.question->n_tasks == 1);
	CHECK_EQ(desk.question->tasks[0]->n_avoid_nodes, 1);
	CHECK_STR(desk.question->tasks[0]->avoid_nodes[0], one.node_id);
	refusal.task_id = id;
	refusal.message = "no node fits: 1 avoided, cpu short on 1";
	reply.refusals = refusals;
	reply.n_refusals = 1;
	davit__place_request__free_unpacked(TAKE(desk.question), NULL);
	manager_placed(desk.manager, desk.now, DAVIT__REPLY__STATUS__OK, "", &reply);
	desk_turn(&desk);
	CHECK(desk.question == NULL);
	desk_pass(&desk, MANAGER_TICK_MS);
	CHECK(desk.question != NULL && desk.question->n_tasks == 1);
	CHECK_EQ(desk.question->tasks[0]->n_avoid_nodes, 0);
	desk_fini(&desk);
	desk_worker_fini(&one);
	desk_worker_fini(&two);
}

/* From its placing on the worker minds it, and then nobody would. */
TEST(manager_minds_the_ttl_of_a_task_that_its_node_has_given_back)
{
	char image[] = "demo", name[] = "web";
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;
	Davit__SubmitTasksReply *reply;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	spec.image = image;
	spec.name = name;
	spec.has_ttl_ms = true;
	spec.ttl_ms = 5000;
	request.spec = &spec;
	reply = (Davit__SubmitTasksReply *)desk_ask(&desk, "SubmitTasks", &request.base);
	CHECK_EQ(desk_task(&desk, reply->task_ids[0])->state, TASK_SCHEDULED);
	desk.no_scheduler = true;
	report.task_id = reply->task_ids[0];
	report.attempt = 1;
	report.observed = DAVIT__TASK_REPORT__OBSERVED__RETURNED;
	desk_worker_poll(&worker, &report);
	CHECK_EQ(desk_task(&desk, reply->task_ids[0])->state, TASK_PENDING);
	desk_pass(&desk, 6000);
	CHECK_EQ(desk_task(&desk, reply->task_ids[0])->state, TASK_FAILED);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* What the scheduler is told of one's strategy. */
static Davit__TaskSpec__Strategy
strategy_told(struct desk *desk, const char *namespace_name, Davit__TaskSpec__Strategy own)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__TaskSpec__Strategy told;

	spec.image = "demo";
	spec.namespace_ = (char *)(uintptr_t)namespace_name;
	spec.has_strategy = own != DAVIT__TASK_SPEC__STRATEGY__CLUSTER;
	spec.strategy = own;
	request.spec = &spec;
	protobuf_c_message_free_unpacked(desk_ask(desk, "SubmitTasks", &request.base), NULL);
	CHECK_EQ(desk->question->n_specs, 1);
	told = desk->question->specs[0]->spec->strategy;
	davit__place_request__free_unpacked(TAKE(desk->question), NULL);
	manager_placed(desk->manager, desk->now, DAVIT__REPLY__STATUS__OK, "", &reply);
	desk->manager->placing.retry_mono_ms = 0;
	return told;
}

TEST(manager_tells_the_strategy_of_the_task_else_of_its_namespace_else_of_the_cluster)
{
	static const struct manager_strategy of_web = {"web", DAVIT__TASK_SPEC__STRATEGY__SPREAD};
	struct desk desk;

	desk_init(&desk);
	desk.no_scheduler = true;
	CHECK_EQ(strategy_told(&desk, "web", DAVIT__TASK_SPEC__STRATEGY__CLUSTER),
		DAVIT__TASK_SPEC__STRATEGY__CLUSTER);
	desk.manager->config.strategy = DAVIT__TASK_SPEC__STRATEGY__RANDOM;
	desk.manager->config.strategies = &of_web;
	desk.manager->config.n_strategies = 1;
	CHECK_EQ(strategy_told(&desk, "web", DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN),
		DAVIT__TASK_SPEC__STRATEGY__ROUND_ROBIN);
	CHECK_EQ(strategy_told(&desk, "web", DAVIT__TASK_SPEC__STRATEGY__CLUSTER),
		DAVIT__TASK_SPEC__STRATEGY__SPREAD);
	CHECK_EQ(strategy_told(&desk, "batch", DAVIT__TASK_SPEC__STRATEGY__CLUSTER),
		DAVIT__TASK_SPEC__STRATEGY__RANDOM);
	desk_fini(&desk);
}
