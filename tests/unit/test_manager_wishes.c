/* What users wish of tasks between their submission and their end: start, pause. */
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

static void
submit_held(struct desk *desk, char ret_id[ID_TEXT_SIZE])
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	ProtobufCMessage *response;

	spec.name = (char *)"web";
	spec.image = (char *)"busybox";
	spec.has_hold = spec.hold = true;
	request.spec = &spec;
	response = desk_ask(desk, "SubmitTasks", &request.base);
	(void)snprintf(ret_id, ID_TEXT_SIZE, "%s",
		((Davit__SubmitTasksReply *)response)->task_ids[0]);
	protobuf_c_message_free_unpacked(response, NULL);
}

static void
ask_start(struct desk *desk, struct desk_reply *reply)
{
	Davit__StartTasksRequest request = DAVIT__START_TASKS_REQUEST__INIT;
	char *names[] = {(char *)"web"};

	request.tasks = names;
	request.n_tasks = 1;
	desk_send(desk, "StartTasks", &request.base, NULL, reply);
	desk_turn(desk);
	CHECK(reply->is_there);
}

static void
ask_pause(struct desk *desk, bool unpause, struct desk_reply *reply)
{
	Davit__PauseTasksRequest request = DAVIT__PAUSE_TASKS_REQUEST__INIT;
	char *names[] = {(char *)"web"};

	request.tasks = names;
	request.n_tasks = 1;
	request.has_unpause = request.unpause = unpause;
	desk_send(desk, "PauseTasks", &request.base, NULL, reply);
	desk_turn(desk);
	CHECK(reply->is_there);
}

TEST(manager_holds_a_task_ready_until_it_is_started_over_restarts_of_its_own)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct desk_reply reply = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	submit_held(&desk, id);
	desk_restart(&desk);
	CHECK_EQ(desk_task(&desk, id)->desired, DAVIT__TASK__DESIRED__READY);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_SCHEDULED);
	CHECK_EQ(worker.last->assignments[0]->desired, DAVIT__TASK__DESIRED__READY);
	ask_start(&desk, &reply);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	desk_reply_fini(&reply);
	desk_restart(&desk);
	CHECK_EQ(desk_task(&desk, id)->desired, DAVIT__TASK__DESIRED__RUN);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(r3_manager_starts_what_takes_the_place_of_a_started_task_over_a_restart_of_its_own)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct desk_reply reply = {0};
	char id[ID_TEXT_SIZE], new_id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	submit_held(&desk, id);
	ask_start(&desk, &reply);
	desk_reply_fini(&reply);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__RUNNING, 0);
	desk_task(&desk, id)->replace_when_ended = true;
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__ENDED, 0);
	CHECK(!id_is_none(desk_task(&desk, id)->replaced_by));
	id_format(desk_task(&desk, id)->replaced_by, new_id);
	desk_restart(&desk);
	CHECK_EQ(desk_task(&desk, new_id)->desired, DAVIT__TASK__DESIRED__RUN);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_remembers_a_pause_and_its_number_and_refuses_it_of_what_has_ended)
{
	struct desk desk;
	struct desk_worker worker = {0};
	struct desk_reply reply = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__RUNNING, 0);
	ask_pause(&desk, false, &reply);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	desk_reply_fini(&reply);
	ask_pause(&desk, false, &reply); /* again changes nothing */
	desk_reply_fini(&reply);
	desk_restart(&desk);
	CHECK(desk_task(&desk, id)->is_paused);
	CHECK_EQ(desk_task(&desk, id)->pause_generation, 1);
	desk_worker_join(&desk, &worker, "n1", 4000);
	ask_pause(&desk, true, &reply);
	desk_reply_fini(&reply);
	CHECK(!desk_task(&desk, id)->is_paused);
	CHECK_EQ(desk_task(&desk, id)->pause_generation, 2);
	desk_worker_report(&worker, id, 1, DAVIT__TASK_REPORT__OBSERVED__ENDED, 0);
	ask_pause(&desk, false, &reply);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK_HAS(reply.message, "has ended");
	desk_reply_fini(&reply);
	ask_start(&desk, &reply);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	desk_reply_fini(&reply);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
