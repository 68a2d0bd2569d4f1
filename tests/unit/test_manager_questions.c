/* Explain and plan: asked of the scheduler, and nothing changes. */
#include <string.h>

#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

static Davit__ExplainTaskReply *
explain(struct desk *desk, const char *task)
{
	Davit__ExplainTaskRequest request = DAVIT__EXPLAIN_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t)task;
	return (Davit__ExplainTaskReply *)desk_ask(desk, "ExplainTask", &request.base);
}

struct plan {
	Davit__PlanTasksRequest request;
	Davit__TaskSpec spec;
};

static const ProtobufCMessage *
plan(struct plan *plan, uint64_t cpu_milli, uint32_t count)
{
	davit__plan_tasks_request__init(&plan->request);
	davit__task_spec__init(&plan->spec);
	plan->spec.image = "demo";
	plan->spec.has_cpu_milli = true;
	plan->spec.cpu_milli = cpu_milli;
	plan->request.spec = &plan->spec;
	plan->request.has_count = true;
	plan->request.count = count;
	return &plan->request.base;
}

TEST(questions_explain_a_waiting_task_and_leave_it_waiting)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__ExplainTaskReply *reply;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "big", 9000, false, id);
	reply = explain(&desk, "big");
	CHECK_STR(reply->task->id, id);
	CHECK_EQ(reply->task->state, DAVIT__TASK__STATE__PENDING);
	CHECK(reply->explanation != NULL);
	CHECK_EQ(reply->explanation->n_feasible, 0);
	CHECK_EQ(desk_task(&desk, id)->attempt, 0);
	davit__explain_task_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(questions_explain_a_placed_task_as_if_it_had_no_node)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__ExplainTaskReply *reply;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "web", 1000, false, id);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_SCHEDULED);
	reply = explain(&desk, id);
	CHECK_EQ(reply->explanation->n_feasible, 1); /* its own room counts as free */
	CHECK_STR(reply->explanation->best[0]->node_name, "n1");
	davit__explain_task_reply__free_unpacked(reply, NULL);
	CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, 1000);
	CHECK_EQ(desk_task(&desk, id)->attempt, 1);
	desk_submit(&desk, "other", 10, false, id); /* the node was told as it is again */
	CHECK_EQ(desk_task(&desk, id)->state, TASK_PENDING);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(questions_say_that_an_ended_task_has_ended)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__ExplainTaskReply *reply;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	desk_submit(&desk, "web", 1000, false, id);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__ENDED, 3);
	reply = explain(&desk, id);
	CHECK(reply->explanation == NULL);
	CHECK_EQ(reply->task->state, DAVIT__TASK__STATE__FAILED);
	davit__explain_task_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(questions_plan_what_fits_and_count_what_does_not)
{
	struct desk desk;
	struct desk_worker workers[2] = {{0}};
	Davit__PlanTasksReply *reply;
	struct plan request;

	desk_init(&desk);
	desk_worker_join(&desk, &workers[0], "n1", 2000);
	desk_worker_join(&desk, &workers[1], "n2", 1000);
	reply = (Davit__PlanTasksReply *)desk_ask(&desk, "PlanTasks", plan(&request, 1000, 5));
	CHECK_EQ(reply->n_nodes, 2);
	CHECK_STR(reply->nodes[0]->node_name, "n1");
	CHECK_EQ(reply->nodes[0]->n_tasks, 2);
	CHECK_STR(reply->nodes[1]->node_name, "n2");
	CHECK_EQ(reply->nodes[1]->n_tasks, 1);
	CHECK_EQ(reply->n_refused, 2);
	CHECK_STR(reply->message, "no node fits");
	CHECK_EQ(reply->explanation->n_feasible, 1); /* of the first, alone */
	davit__plan_tasks_reply__free_unpacked(reply, NULL);
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, 0);
	desk_fini(&desk);
	desk_worker_fini(&workers[0]);
	desk_worker_fini(&workers[1]);
}

TEST(questions_refuse_a_plan_as_the_submission_would_be)
{
	struct desk desk;
	struct desk_reply reply;
	struct plan request;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_send(&desk, "PlanTasks", plan(&request, 1000, MANAGER_PLAN_MAX + 1), NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(reply.field, "count");
	desk_submit(&desk, "web", 0, false, id);
	(void)plan(&request, 1000, 1);
	request.spec.name = "web";
	desk_send(&desk, "PlanTasks", &request.request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__ALREADY_EXISTS);
	CHECK_STR(reply.field, "spec.name");
	desk_fini(&desk);
}

/* The scheduler is asked and does not answer. */
static void
lose_question(struct desk *desk, const char *why)
{
	manager_placed(desk->manager, desk->now, DAVIT__REPLY__STATUS__UNAVAILABLE, why, NULL);
	davit__place_request__free_unpacked(desk->question, NULL);
	desk->question = NULL;
}

TEST(questions_are_unavailable_without_a_scheduler)
{
	struct desk desk;
	struct desk_reply reply;
	struct plan request;

	desk_init(&desk);
	desk.no_scheduler = true;
	desk_send(&desk, "PlanTasks", plan(&request, 1000, 2), NULL, &reply);
	desk_turn(&desk);
	CHECK(!reply.is_there);
	lose_question(&desk, "nobody there");
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	CHECK_HAS(reply.message, "waiting for a scheduler");
	desk_fini(&desk);
}

TEST(questions_take_turns_with_tasks_and_are_few)
{
	struct desk desk;
	struct desk_reply replies[MANAGER_QUESTIONS_MAX + 1];
	struct plan request;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk.no_scheduler = true;
	for (size_t i = 0; i <= MANAGER_QUESTIONS_MAX; i++)
		desk_send(&desk, "PlanTasks", plan(&request, 1000, 1), NULL, &replies[i]);
	desk_turn(&desk);
	CHECK_EQ(replies[MANAGER_QUESTIONS_MAX].status, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED);
	CHECK(desk.question->dry_run);
	desk_submit(&desk, "web", 0, false, id);
	{
		Davit__PlaceReply nothing = DAVIT__PLACE_REPLY__INIT;

		davit__place_request__free_unpacked(TAKE(desk.question), NULL);
		manager_placed(desk.manager, desk.now, DAVIT__REPLY__STATUS__OK, "", &nothing);
	}
	desk_turn(&desk);
	CHECK(!desk.question->dry_run); /* the task's turn */
	CHECK_STR(desk.question->tasks[0]->task_id, id);
	desk_fini(&desk);
	CHECK_EQ(replies[0].status, DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(replies[1].status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	desk_reply_fini(&replies[0]);
}

TEST(questions_survive_that_the_scheduler_lost_its_cache)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__PlanTasksReply *reply;
	struct plan request;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 2000);
	desk_submit(&desk, "web", 1000, false, id); /* from here on the desk asks for snapshots */
	reply = (Davit__PlanTasksReply *)desk_ask(&desk, "PlanTasks", plan(&request, 1000, 1));
	CHECK_EQ(reply->n_nodes, 1);
	CHECK_EQ(reply->n_refused, 0);
	davit__plan_tasks_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
