/* Arrays most of whose elements have no record yet: they look and end like all others. */
#include <errno.h>

#include "services/manager/arrays.h"
#include "services/manager/limits.h"
#include "tests/unit/array_fixture.h"

static void
array_init(struct array *array)
{
	array_begin(array);
	array->desk.manager->config.array_ahead = AHEAD;
	array->desk.config.array_ahead_low = array->desk.manager->config.array_ahead_low = 1;
	array->desk.config.array_ahead_all = array->desk.manager->config.array_ahead_all = 0;
}

static uint32_t
n_records(struct array *array)
{
	const struct group *group = group_of(array);
	uint32_t n = 0;

	for (uint32_t i = 0; i < group->count; i++)
		n += model_element(group, i) != NULL;
	return n;
}

static char *
element_id(struct array *array, uint32_t index, char text[ID_TEXT_SIZE])
{
	id_format(id_at(array->base, index), text);
	return text;
}

static Davit__Task *
get(struct array *array, const char *text, Davit__GetTaskReply **ret_reply)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t)text;
	*ret_reply = (Davit__GetTaskReply *)desk_ask(&array->desk, "GetTask", &request.base);
	return (*ret_reply)->task;
}

/* How many there are by the pages of a list, in the order of their ids. */
static unsigned
count_listed(struct array *array, Davit__Task__State state)
{
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	char after[ID_TEXT_SIZE] = "";
	struct id last = {0, 0}, id;
	unsigned n = 0;

	request.array_id = array->id;
	request.has_limit = true;
	request.limit = 7;
	request.states = &state;
	request.n_states = state != DAVIT__TASK__STATE__NONE;
	for (bool more = true; more;) {
		Davit__ListTasksReply *reply;

		request.after = after[0] != '\0' ? after : NULL;
		reply = (Davit__ListTasksReply *)desk_ask(&array->desk, "ListTasks", &request.base);
		for (size_t i = 0; i < reply->n_tasks; i++) {
			CHECK(id_parse(reply->tasks[i]->id, &id) && id_is_less(last, id));
			last = id;
		}
		n += (unsigned)reply->n_tasks;
		more = reply->next != NULL;
		if (more)
			(void)snprintf(after, sizeof after, "%s", reply->next);
		davit__list_tasks_reply__free_unpacked(reply, NULL);
	}
	return n;
}

static void
stop_one(struct array *array, uint32_t index)
{
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	char text[ID_TEXT_SIZE], *texts[] = {element_id(array, index, text)};

	request.n_tasks = 1;
	request.tasks = texts;
	protobuf_c_message_free_unpacked(desk_ask(&array->desk, "StopTasks", &request.base), NULL);
}

static void
pause_one(struct array *array, uint32_t index)
{
	Davit__PauseTasksRequest request = DAVIT__PAUSE_TASKS_REQUEST__INIT;
	char text[ID_TEXT_SIZE], *texts[] = {element_id(array, index, text)};

	request.n_tasks = 1;
	request.tasks = texts;
	protobuf_c_message_free_unpacked(desk_ask(&array->desk, "PauseTasks", &request.base), NULL);
}

static void
stop_all(struct array *array)
{
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;

	request.array_id = array->id;
	protobuf_c_message_free_unpacked(desk_ask(&array->desk, "StopTasks", &request.base), NULL);
}

static void
remove_all(struct array *array)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;

	request.array_id = array->id;
	request.has_force = request.force = true;
	protobuf_c_message_free_unpacked(desk_ask(&array->desk, "RemoveTasks", &request.base),
		NULL);
}

TEST(arrays_give_records_to_those_that_are_asked_about_next)
{
	struct array array;
	const struct model *model;

	array_init(&array);
	array.desk.no_scheduler = true;
	submit(&array, COUNT);
	model = &array.desk.manager->model;
	CHECK_EQ(n_records(&array), AHEAD);
	CHECK_EQ(model_n_unmade(group_of(&array)), COUNT - AHEAD);
	CHECK_EQ(model->n_by_state[TASK_PENDING], COUNT);
	CHECK_EQ(model->n_tasks, COUNT);
	CHECK_EQ(array.desk.manager->flow.submitted, COUNT);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__NONE), COUNT);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__PENDING), COUNT);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__RUNNING), 0);
	CHECK_EQ(n_records(&array), AHEAD); /* nobody gets one by being looked at */
	array_fini(&array);
}

TEST(arrays_are_placed_to_the_last)
{
	struct array array;

	array_init(&array);
	desk_worker_join(&array.desk, &array.worker, "n1", 1000 * COUNT);
	submit(&array, COUNT);
	desk_turn(&array.desk);
	CHECK_EQ(n_records(&array), COUNT);
	CHECK_EQ(array.desk.manager->model.n_by_state[TASK_SCHEDULED], COUNT);
	CHECK(array.desk.manager->model.rests == NULL);
	CHECK(array.desk.n_questions >= COUNT / AHEAD);
	array_fini(&array);
}

TEST(arrays_wait_behind_those_that_were_refused)
{
	Davit__GetTaskReply *reply;
	const Davit__Task *task;
	struct array array;

	array_init(&array);
	desk_worker_join(&array.desk, &array.worker, "n1", 10 * 1000);
	submit(&array, COUNT);
	desk_turn(&array.desk);
	CHECK_EQ(array.desk.manager->model.n_by_state[TASK_SCHEDULED], 10);
	CHECK(n_records(&array) <= 10 + AHEAD + AHEAD / 2);
	task = get(&array, "many-99", &reply);
	CHECK_EQ(task->state, DAVIT__TASK__STATE__PENDING);
	CHECK_EQ(task->index, 99);
	CHECK_EQ(task->version, 1);
	CHECK(task->message != NULL && task->message[0] != '\0'); /* why the first waits */
	davit__get_task_reply__free_unpacked(reply, NULL);
	array_fini(&array);
}

TEST(arrays_with_a_gang_have_all_records_at_once)
{
	struct array array;

	array_init(&array);
	array.desk.no_scheduler = true;
	davit__gang__init(&array.gang);
	array.gang.has_all_or_nothing = array.gang.all_or_nothing = true;
	array.spec.gang = &array.gang;
	submit(&array, COUNT);
	CHECK_EQ(n_records(&array), COUNT);
	desk_restart(&array.desk);
	CHECK_EQ(n_records(&array), COUNT);
	pause_one(&array, 0); /* now one of them has a record on disk, and is ready at a start */
	desk_restart(&array.desk);
	CHECK_EQ(n_records(&array), COUNT);
	desk_turn(&array.desk);
	CHECK(array.desk.question != NULL);
	CHECK_EQ(array.desk.question->n_tasks, COUNT);
	array_fini(&array);
}

TEST(arrays_give_a_record_to_who_is_wanted)
{
	struct array array;
	const struct task *task;

	array_init(&array);
	array.desk.no_scheduler = true;
	submit(&array, COUNT);
	stop_one(&array, 70);
	task = model_element(group_of(&array), 70);
	CHECK_EQ(task->state, TASK_COMPLETED);
	CHECK(task->older->index == AHEAD - 1 && task->newer == NULL);
	CHECK_EQ(n_records(&array), AHEAD + 1);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__PENDING), COUNT - 1);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__COMPLETED), 1);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__NONE), COUNT);
	desk_restart(&array.desk);
	CHECK_EQ(model_element(group_of(&array), 70)->state, TASK_COMPLETED);
	CHECK_EQ(n_records(&array), 1 + 1); /* others when they are asked about */
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__NONE), COUNT);
	array_fini(&array);
}

TEST(arrays_are_found_by_name_id_and_prefix)
{
	struct array array;
	struct model *model;
	struct model_found found;
	char text[ID_TEXT_SIZE];
	struct err err = {0};

	array_init(&array);
	array.desk.no_scheduler = true;
	submit(&array, COUNT);
	model = &array.desk.manager->model;
	CHECK_OK(model_task_resolve(model, "default", element_id(&array, 99, text), &found, &err),
		&err);
	CHECK(found.group == group_of(&array) && found.index == 99);
	CHECK_OK(model_task_resolve(model, "default", "many-98", &found, &err), &err);
	CHECK(found.group == group_of(&array) && found.index == 98);
	element_id(&array, 0x50, text);
	text[strlen(text) - 1] = '\0'; /* 80 to 95 */
	CHECK_EQ(model_task_resolve(model, "default", text, &found, &err), -ENOTUNIQ);
	element_id(&array, 0x63, text); /* 96 to 99 are there */
	stop_one(&array, 0x61);
	text[strlen(text) - 1] = '\0';
	CHECK_EQ(model_task_resolve(model, "default", text, &found, &err), -ENOTUNIQ);
	CHECK_EQ(model_task_resolve(model, "default", "many-100", &found, &err), -ENOENT);
	CHECK(model_name_is_taken(model, "default", "many-99", 1));
	CHECK(model_name_is_taken(model, "default", "many", 2));
	array_fini(&array);
}

TEST(arrays_start_again_without_making_records)
{
	struct array array;
	Davit__GetTaskReply *reply;

	array_init(&array);
	desk_worker_join(&array.desk, &array.worker, "n1", 10 * 1000);
	submit(&array, COUNT);
	desk_turn(&array.desk);
	desk_restart(&array.desk);
	CHECK_EQ(array.desk.manager->model.n_by_state[TASK_SCHEDULED], 10);
	CHECK_EQ(array.desk.manager->model.n_by_state[TASK_PENDING], COUNT - 10);
	CHECK(n_records(&array) <= 10 + 2 * AHEAD);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__NONE), COUNT);
	(void)get(&array, "many-99", &reply);
	davit__get_task_reply__free_unpacked(reply, NULL);
	array_fini(&array);
}

TEST(arrays_that_are_stopped_keep_what_the_history_keeps)
{
	struct array array;
	struct model *model;
	struct store_figures figures;

	array_init(&array);
	array.desk.no_scheduler = true;
	array.desk.config.history_max = array.desk.manager->config.history_max = 10;
	submit(&array, COUNT);
	stop_all(&array);
	model = &array.desk.manager->model;
	CHECK_EQ(model->n_by_state[TASK_COMPLETED], 10 + AHEAD); /* as long as no time passes */
	CHECK_EQ(model->n_by_state[TASK_PENDING], 0);
	CHECK_EQ(array.desk.manager->flow.completed, COUNT);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__NONE), 10 + AHEAD);
	desk_restart(&array.desk);
	model = &array.desk.manager->model;
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__COMPLETED), 10 + AHEAD);
	CHECK_EQ(model->n_by_state[TASK_PENDING], 0);
	desk_pass(&array.desk, 1000);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__NONE), 10);
	CHECK_EQ(model_element(group_of(&array), COUNT - 1)->state, TASK_COMPLETED);
	remove_all(&array);
	CHECK(group_of(&array) == NULL);
	CHECK_EQ(model->n_tasks, 0);
	store_figures(array.desk.store, &figures);
	array_fini(&array);
}

TEST(arrays_that_are_stopped_whole_are_gone_without_a_history)
{
	struct array array;

	array_init(&array);
	array.desk.no_scheduler = true;
	array.desk.config.history_max = array.desk.manager->config.history_max = 0;
	submit(&array, COUNT);
	for (uint32_t i = 0; i < AHEAD; i++)
		stop_one(&array, i);
	desk_pass(&array.desk, 1000); /* others take their places, and the history is empty */
	stop_all(&array);
	desk_pass(&array.desk, 1000);
	CHECK(group_of(&array) == NULL);
	CHECK(array.desk.manager->model.specs == NULL);
	desk_restart(&array.desk);
	CHECK_EQ(array.desk.manager->model.n_tasks, 0);
	array_fini(&array);
}

TEST(arrays_that_are_removed_stay_away)
{
	struct array array;
	const struct model *model;

	array_init(&array);
	desk_worker_join(&array.desk, &array.worker, "n1", 2 * 1000);
	submit(&array, COUNT);
	desk_turn(&array.desk);
	remove_all(&array);
	model = &array.desk.manager->model;
	CHECK_EQ(model->n_tasks, 2); /* on their node until it says that they are gone */
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__NONE), 2);
	desk_restart(&array.desk);
	model = &array.desk.manager->model;
	CHECK_EQ(model->n_tasks, 2);
	CHECK(model->rests == NULL);
	desk_worker_join(&array.desk, &array.worker, "n1", 2 * 1000);
	for (uint32_t i = 0; i < 2; i++) {
		char text[ID_TEXT_SIZE];

		desk_worker_report(&array.worker, element_id(&array, i, text), 1, GONE_, 0);
	}
	CHECK_EQ(model->n_tasks, 0);
	CHECK(model->groups == NULL && model->specs == NULL);
	array_fini(&array);
}

TEST(arrays_are_not_removed_while_an_element_lives_unless_by_force)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	struct desk_reply reply;
	struct array array;

	array_init(&array);
	array.desk.no_scheduler = true;
	submit(&array, COUNT);
	for (uint32_t i = 0; i < COUNT - 1; i++)
		stop_one(&array, i);
	request.array_id = array.id;
	desk_send(&array.desk, "RemoveTasks", &request.base, NULL, &reply);
	desk_turn(&array.desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	CHECK_HAS(reply.message, "'many-99' is PENDING");
	desk_reply_fini(&reply);
	array_fini(&array);
}

/* Without force. */
static void
check_remove(struct array *array, const char *message)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	struct desk_reply reply;

	request.array_id = array->id;
	desk_send(&array->desk, "RemoveTasks", &request.base, NULL, &reply);
	desk_turn(&array->desk);
	if (message != NULL)
		CHECK_HAS(reply.message, message);
	else
		CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	desk_reply_fini(&reply);
}

TEST(arrays_are_removed_when_none_of_their_elements_is_live)
{
	struct array array;
	char first[ID_TEXT_SIZE];

	array_init(&array);
	array.worker.is_silent = false;
	desk_worker_join(&array.desk, &array.worker, "n1", 1000);
	submit(&array, 2);
	(void)element_id(&array, 0, first);
	stop_one(&array, 1);
	check_remove(&array, "'many-0' is SCHEDULED");
	desk_worker_report(&array.worker, first, 1, RUNNING_, 0);
	check_remove(&array, "'many-0' is RUNNING");
	desk_worker_report(&array.worker, first, 1, DAVIT__TASK_REPORT__OBSERVED__ENDED, 0);
	check_remove(&array, NULL); /* it goes when the worker says that its container has */
	array_fini(&array);
}

TEST(arrays_end_with_their_ttl)
{
	struct array array;
	const struct model *model;

	array_init(&array);
	array.desk.no_scheduler = true;
	array.desk.config.history_max = array.desk.manager->config.history_max = 10;
	array.spec.has_ttl_ms = true;
	array.spec.ttl_ms = 5000;
	submit(&array, COUNT);
	desk_restart(&array.desk);
	model = &array.desk.manager->model;
	desk_pass(&array.desk, 4000);
	CHECK_EQ(model->n_by_state[TASK_PENDING], COUNT);
	desk_pass(&array.desk, 2000);
	CHECK_EQ(model->n_by_state[TASK_PENDING], 0);
	CHECK_EQ(model->n_by_state[TASK_FAILED], 10);
	CHECK_EQ(array.desk.manager->flow.failed, COUNT);
	array_fini(&array);
}

TEST(arrays_come_back_when_a_batch_fails)
{
	struct array array;
	struct desk_reply reply;
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;

	array_init(&array);
	array.desk.no_scheduler = true;
	submit(&array, COUNT);
	store_mem_fail_next(array.desk.store, 0, -ENOSPC);
	request.array_id = array.id;
	request.has_force = request.force = true;
	desk_send(&array.desk, "RemoveTasks", &request.base, NULL, &reply);
	desk_turn(&array.desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	CHECK_EQ(count_listed(&array, DAVIT__TASK__STATE__PENDING), COUNT);
	CHECK_EQ(n_records(&array), 1); /* the old question is under way */
	desk_reply_fini(&reply);
	array_fini(&array);
}

TEST(r9_what_is_stopped_in_the_batch_of_its_submission_stays_stopped)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__StopTasksRequest stop = DAVIT__STOP_TASKS_REQUEST__INIT;
	char *names[] = {(char *)(uintptr_t) "many"};
	struct desk_reply submitted, stopped;
	struct array array;
	struct model *model;

	array_init(&array);
	desk_turn(&array.desk);
	request.spec = &array.spec;
	stop.n_tasks = 1;
	stop.tasks = names;
	desk_send(&array.desk, "SubmitTasks", &request.base, "r1", &submitted);
	desk_send(&array.desk, "StopTasks", &stop.base, "r2", &stopped);
	desk_turn(&array.desk);
	CHECK_EQ(stopped.status, DAVIT__REPLY__STATUS__OK);
	desk_restart(&array.desk);
	model = &array.desk.manager->model;
	CHECK_EQ(model->n_by_state[TASK_COMPLETED] + model->past.n, 1);
	CHECK_EQ(model->n_by_state[TASK_PENDING], 0);
	desk_reply_fini(&submitted);
	desk_reply_fini(&stopped);
	array_fini(&array);
}

/* Room is kept for the first ones, and a later one has gone ahead: the rest waits as the first do.
 */
TEST(arrays_whose_first_have_room_kept_say_why_the_rest_waits)
{
	struct array array;
	struct desk *desk = &array.desk;
	Davit__PlaceReply reply = DAVIT__PLACE_REPLY__INIT;
	Davit__Placement texts[AHEAD], *placements[AHEAD];
	char ids[AHEAD][ID_TEXT_SIZE];

	array_init(&array);
	desk_worker_join(desk, &array.worker, "n1", 4000);
	desk->config.claim_after_ms = desk->manager->config.claim_after_ms = 0;
	desk->no_scheduler = true;
	array.spec.cpu_milli = 3000;
	submit(&array, COUNT);
	desk_turn(desk);
	CHECK_EQ(desk->question->n_tasks, AHEAD);
	for (uint32_t i = 0; i < AHEAD; i++) { /* the last of them first */
		placements[i] = &texts[i];
		davit__placement__init(&texts[i]);
		id_format(id_at(array.base, AHEAD - 1 - i), ids[i]);
		texts[i].task_id = ids[i];
		texts[i].node_id = array.worker.node_id;
		texts[i].has_claim = texts[i].claim = i > 0;
	}
	reply.placements = placements;
	reply.n_placements = AHEAD;
	davit__place_request__free_unpacked(TAKE(desk->question), NULL);
	manager_placed(desk->manager, desk->now, DAVIT__REPLY__STATUS__OK, "", &reply);
	desk_turn(desk);
	CHECK_EQ(desk->manager->claims.n_parts, AHEAD - 1);
	CHECK_EQ(group_of(&array)->last_task->state, TASK_SCHEDULED);
	CHECK_HAS(waiting_says(&desk->manager->waiting, group_of(&array)), "kept for it");
	array_fini(&array);
}

TEST(arrays_of_a_million_are_a_few_records)
{
	struct array array;

	array_init(&array);
	array.desk.no_scheduler = true;
	array.desk.config.array_ahead = array.desk.manager->config.array_ahead =
		MANAGER_ARRAY_AHEAD;
	submit(&array, MANAGER_ARRAY_MAX);
	CHECK_EQ(n_records(&array), MANAGER_ARRAY_AHEAD);
	CHECK_EQ(array.desk.question->n_tasks, MANAGER_PLACE_MAX);
	stop_one(&array, MANAGER_ARRAY_MAX - 1);
	CHECK_EQ(n_records(&array), MANAGER_ARRAY_AHEAD + 1);
	desk_restart(&array.desk);
	CHECK_EQ(array.desk.manager->model.n_by_state[TASK_PENDING], MANAGER_ARRAY_MAX - 1);
	remove_all(&array);
	CHECK(group_of(&array) == NULL);
	array_fini(&array);
}
