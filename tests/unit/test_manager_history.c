#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define ENDED_ DAVIT__TASK_REPORT__OBSERVED__ENDED
#define GONE_  DAVIT__TASK_REPORT__OBSERVED__GONE

TEST(history_forgets_by_age_those_that_ended_first)
{
	struct desk desk;
	char first[ID_TEXT_SIZE], second[ID_TEXT_SIZE];

	desk_init(&desk);
	desk.manager->config.history_age_ms = 10000;
	desk_submit(&desk, "first", 0, false, first);
	desk_submit(&desk, "second", 0, false, second);
	desk_stop(&desk, second);
	desk_pass(&desk, 6000);
	desk_stop(&desk, first); /* came first, ended last */
	desk_pass(&desk, 5000);
	CHECK(desk_task(&desk, second) == NULL);
	CHECK(desk_task(&desk, first) != NULL);
	desk_pass(&desk, 5000);
	CHECK(desk_task(&desk, first) == NULL);
	CHECK_EQ(HASH_COUNT(desk.manager->model.groups), 0);
	desk_fini(&desk);
}

TEST(history_keeps_everything_where_no_age_is_set)
{
	struct desk desk;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	CHECK_EQ(desk.manager->config.history_age_ms, MANAGER_HISTORY_AGE_MS);
	desk.manager->config.history_age_ms = 0;
	desk_submit(&desk, "web", 0, false, id);
	desk_stop(&desk, id);
	desk.now.wall_ms += MANAGER_HISTORY_AGE_HIGH_MS;
	desk_pass(&desk, 1000);
	CHECK(desk_task(&desk, id) != NULL);
	desk_fini(&desk);
}

TEST(history_is_in_the_order_of_ends_after_a_restart_too)
{
	struct desk desk;
	char ids[3][ID_TEXT_SIZE];

	desk_init(&desk);
	desk.config.history_max = 2; /* of the manager that comes */
	for (unsigned i = 0; i < 3; i++)
		desk_submit(&desk, NULL, 0, false, ids[i]);
	for (unsigned i = 3; i-- > 0; desk_pass(&desk, 1000))
		desk_stop(&desk, ids[i]);
	desk_restart(&desk);
	desk_pass(&desk, 1000);
	CHECK(desk_task(&desk, ids[2]) == NULL); /* the last that came was the first to end */
	CHECK(desk_task(&desk, ids[0]) != NULL && desk_task(&desk, ids[1]) != NULL);
	desk_fini(&desk);
}

/* Ends the task at that time, by the worker's calendar. */
static void
end_at(struct desk_worker *worker, char *id, uint64_t finished_ms)
{
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;

	report.task_id = id;
	report.has_exit_code = true;
	report.attempt = 1;
	report.observed = ENDED_;
	report.has_finished_ms = true;
	report.finished_ms = finished_ms;
	desk_worker_poll(worker, &report);
}

TEST(history_does_not_trust_the_calendar_of_a_worker)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char past[ID_TEXT_SIZE], future[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "past", 0, false, past);
	desk_submit(&desk, "future", 0, false, future);
	end_at(&worker, past, 1);
	end_at(&worker, future, UINT64_MAX);
	desk_turn(&desk);
	CHECK_EQ(desk_task(&desk, past)->state, TASK_COMPLETED);
	CHECK_EQ(desk_task(&desk, past)->finished_ms, 1);
	CHECK_EQ(desk_task(&desk, past)->ended_ms, desk.now.wall_ms);
	CHECK_EQ(desk_task(&desk, future)->ended_ms, desk.now.wall_ms);
	desk_restart(&desk);
	CHECK_EQ(desk_task(&desk, past)->ended_ms, desk.now.wall_ms);
	CHECK_EQ(desk_task(&desk, future)->ended_ms, desk.now.wall_ms);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(history_goes_in_steps_and_to_the_end)
{
	enum { TASKS = MANAGER_HISTORY_STEP + 5 };
	struct desk desk;
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__StopTasksRequest stop = DAVIT__STOP_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__SubmitTasksReply *reply;

	desk_init(&desk);
	desk.manager->config.history_max = 0;
	desk.manager->config.array_ahead = TASKS; /* else most of them are gone at once */
	spec.image = "demo";
	request.spec = &spec;
	request.has_count = true;
	request.count = TASKS;
	reply = (Davit__SubmitTasksReply *)desk_ask(&desk, "SubmitTasks", &request.base);
	stop.array_id = reply->array_id;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "StopTasks", &stop.base), NULL);
	CHECK_EQ(desk.manager->model.history.n, TASKS);
	desk_pass(&desk, MANAGER_TICK_MS);
	CHECK_EQ(desk.manager->model.history.n, TASKS - MANAGER_HISTORY_STEP);
	desk_pass(&desk, MANAGER_TICK_MS);
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
}

TEST(manager_bounds_history_by_count)
{
	struct desk desk;
	struct desk_worker worker = {0};

	desk_init(&desk);
	desk.manager->config.history_max = 2;
	desk_worker_join(&desk, &worker, "n1", 4000);
	for (unsigned i = 0; i < 5; i++) {
		char id[ID_TEXT_SIZE];

		desk_submit(&desk, NULL, 0, false, id);
		desk_worker_report(&worker, id, 1, ENDED_, 0);
		desk_pass(&desk, 200);
		desk_worker_poll(&worker, NULL);
		for (size_t a = 0; worker.last != NULL && a < worker.last->n_assignments; a++) {
			const Davit__Assignment *assignment = worker.last->assignments[a];

			if (assignment->desired != DAVIT__TASK__DESIRED__REMOVE)
				continue;
			desk_worker_report(&worker, assignment->task_id, 1, GONE_, 0);
			break;
		}
	}
	CHECK_EQ(desk.manager->model.n_tasks, 2);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
