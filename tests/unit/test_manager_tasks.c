/* The calls about tasks, and what survives. */
#include <errno.h>

#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define RUNNING_ DAVIT__TASK_REPORT__OBSERVED__RUNNING
#define ENDED_   DAVIT__TASK_REPORT__OBSERVED__ENDED
#define GONE_    DAVIT__TASK_REPORT__OBSERVED__GONE

struct submission {
	Davit__SubmitTasksRequest request;
	Davit__TaskSpec spec;
};

static const ProtobufCMessage *
submission(struct submission *submission, const char *name, uint32_t count)
{
	davit__submit_tasks_request__init(&submission->request);
	davit__task_spec__init(&submission->spec);
	submission->spec.image = "demo:1";
	submission->spec.name = (char *)(uintptr_t)name;
	submission->request.spec = &submission->spec;
	submission->request.has_count = count > 1;
	submission->request.count = count;
	return &submission->request.base;
}

TEST(manager_lets_nothing_out_before_the_commit)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;
	struct err err;

	desk_init(&desk);
	desk_send(&desk, "SubmitTasks", submission(&s, "web", 1), "r1", &reply);
	CHECK(!reply.is_there);
	CHECK_OK(store_commit(desk.store, manager_seal(desk.manager), &err), &err);
	CHECK(!reply.is_there);
	manager_release(desk.manager);
	CHECK(reply.is_there);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	desk_reply_fini(&reply);
	desk_fini(&desk);
}

TEST(manager_forgets_what_was_not_committed_and_says_so)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;

	desk_init(&desk);
	desk_turn(&desk);
	store_mem_fail_next(desk.store, 0, -ENOSPC);
	desk_send(&desk, "SubmitTasks", submission(&s, "web", 1), "r1", &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__UNAVAILABLE);
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	desk_reply_fini(&reply);
	desk_send(&desk, "SubmitTasks", submission(&s, "web", 1), "r1", &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(desk.manager->model.n_tasks, 1);
	desk_reply_fini(&reply);
	desk_fini(&desk);
}

TEST(manager_answers_the_same_request_id_once_and_the_same_even_after_a_restart)
{
	struct desk desk;
	struct submission s;
	struct desk_reply first, again;

	desk_init(&desk);
	desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), "r1", &first);
	desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), "r1", &again);
	desk_turn(&desk);
	CHECK_STR(((Davit__SubmitTasksReply *)again.response)->task_ids[0],
		((Davit__SubmitTasksReply *)first.response)->task_ids[0]);
	desk_reply_fini(&again);
	desk_restart(&desk);
	desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), "r1", &again);
	desk_turn(&desk);
	CHECK_STR(((Davit__SubmitTasksReply *)again.response)->task_ids[0],
		((Davit__SubmitTasksReply *)first.response)->task_ids[0]);
	CHECK_EQ(desk.manager->model.n_tasks, 1);
	desk_reply_fini(&again);
	desk_send(&desk, "SubmitTasks", submission(&s, "other", 1), "r1", &again);
	desk_turn(&desk);
	CHECK_EQ(again.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(again.field, "request_id");
	desk_reply_fini(&again);
	desk_reply_fini(&first);
	desk_fini(&desk);
}

TEST(manager_forgets_answers_after_an_hour)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;

	desk_init(&desk);
	desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), "r1", &reply);
	desk_turn(&desk);
	desk_reply_fini(&reply);
	CHECK_EQ(desk.manager->requests.n, 1);
	desk.now.wall_ms += MANAGER_REQUEST_KEEP_MS + 1000;
	desk_pass(&desk, 1000);
	CHECK_EQ(desk.manager->requests.n, 0);
	desk_restart(&desk);
	CHECK_EQ(desk.manager->requests.n, 0);
	desk_fini(&desk);
}

TEST(manager_bounds_remembered_answers_by_bytes)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;

	desk_init(&desk);
	desk.manager->config.requests_bytes_max = 4096;
	for (unsigned i = 0; i < 100; i++) {
		char id[16];

		(void)snprintf(id, sizeof id, "r%u", i);
		desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), id, &reply);
		desk_turn(&desk);
		CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
		desk_reply_fini(&reply);
		CHECK(desk.manager->requests.bytes <= 4096);
	}
	CHECK(desk.manager->requests.n > 4 && desk.manager->requests.n < 100);
	desk_restart(&desk); /* what was dropped is not in the store either */
	CHECK(desk.manager->requests.bytes <= 4096 && desk.manager->requests.n > 4);
	desk_fini(&desk);
}

/* Seen in a storm of kill -9: a request that was repeated after the restart was done again. */
TEST(manager_r3_forgets_the_oldest_answers_first_after_a_restart_too)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;

	desk_init(&desk);
	desk.manager->config.requests_bytes_max = 4096;
	for (unsigned i = 0; i < 60; i++) {
		char id[16], before[16];

		(void)snprintf(id, sizeof id, "r%02u",
			98 - i); /* the latest is the first by name */
		(void)snprintf(before, sizeof before, "r%02u", 99 - i);
		desk.manager->config.requests_bytes_max = 4096;
		desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), id, &reply);
		desk_turn(&desk);
		desk_reply_fini(&reply);
		if (i > 0)
			desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), before, &reply);
		desk_turn(&desk);
		CHECK_EQ(desk.manager->model.n_tasks, i + 1);
		if (i > 0)
			desk_reply_fini(&reply);
		desk_restart(&desk);
	}
	CHECK(desk.manager->requests.n < 60); /* the bound was reached */
	desk_fini(&desk);
}

TEST(manager_says_that_a_submission_without_request_id_is_at_least_once)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;

	desk_init(&desk);
	desk_send(&desk, "SubmitTasks", submission(&s, NULL, 1), NULL, &reply);
	desk_turn(&desk);
	CHECK_HAS(reply.note, "request_id");
	desk_reply_fini(&reply);
	desk_fini(&desk);
}

TEST(manager_names_the_field_of_a_bad_spec)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;

	desk_init(&desk);
	(void)submission(&s, "web", 1);
	s.spec.image = "Not An Image";
	desk_send(&desk, "SubmitTasks", &s.request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_STR(reply.field, "spec.image");
	desk_reply_fini(&reply);
	(void)submission(&s, "web", 1);
	desk_send(&desk, "SubmitTasks", submission(&s, "web", MANAGER_ARRAY_MAX + 1), NULL, &reply);
	desk_turn(&desk);
	CHECK_STR(reply.field, "count");
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	desk_reply_fini(&reply);
	desk_fini(&desk);
}

TEST(manager_keeps_names_unique_among_live_tasks)
{
	struct desk desk;
	struct submission s;
	struct desk_reply reply;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE], second[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	desk_send(&desk, "SubmitTasks", submission(&s, "web", 1), NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__ALREADY_EXISTS);
	desk_reply_fini(&reply);
	desk_worker_report(&worker, id, 1, ENDED_, 0);
	desk_submit(&desk, "web", 0, false, second);
	CHECK(desk_task(&desk, second) ==
		model_task_by_name(&desk.manager->model, "default", "web").task);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_makes_arrays_with_one_record_until_they_move)
{
	struct desk desk;
	struct submission s;
	Davit__SubmitTasksReply *reply;
	struct store_figures before, after;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_turn(&desk);
	store_figures(desk.store, &before);
	desk.no_scheduler = true;
	reply = (Davit__SubmitTasksReply *)desk_ask(&desk, "SubmitTasks",
		submission(&s, "a0", 5000));
	store_figures(desk.store, &after);
	CHECK_EQ(after.n_writes - before.n_writes, 2); /* its spec and its group */
	CHECK_EQ(reply->count, 5000);
	CHECK_EQ(reply->n_task_ids, MANAGER_LIST_MAX);
	(void)snprintf(id, sizeof id, "%s", reply->task_ids[999]);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	desk_restart(&desk);
	CHECK_EQ(desk.manager->model.n_by_state[TASK_PENDING], 5000);
	desk_turn(&desk); /* they are asked about */
	CHECK_EQ(desk_task(&desk, id)->index, 999);
	CHECK(model_task_by_name(&desk.manager->model, "default", "a0-4999").group != NULL);
	desk_fini(&desk);
}

static Davit__TaskReport__Observed
step(unsigned i)
{
	return i % 2 == 0 ? RUNNING_ : ENDED_;
}

TEST(manager_reads_back_every_record_after_each_step)
{
	struct desk desk;
	struct desk_worker worker = {0};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 1500, false, id);
	for (unsigned i = 0; i < 2; i++) {
		enum task_state state;
		uint64_t version;

		desk_worker_report(&worker, id, 1, step(i), 3);
		state = desk_task(&desk, id)->state;
		version = desk_task(&desk, id)->version;
		desk_restart(&desk);
		CHECK_EQ(desk_task(&desk, id)->state, state);
		CHECK_EQ(desk_task(&desk, id)->version, version);
		CHECK_STR(desk_task(&desk, id)->node->name, "n1");
		CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, i == 0 ? 1500 : 0);
		desk_worker_join(&desk, &worker, "n1", 4000);
	}
	CHECK_EQ(desk_task(&desk, id)->state, TASK_FAILED);
	CHECK_EQ(desk_task(&desk, id)->exit_code, 3);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_stops_a_pending_task_at_once)
{
	struct desk desk;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_submit(&desk, "web", 1000, false, id);
	desk_stop(&desk, "web");
	CHECK_EQ(desk_task(&desk, id)->state, TASK_COMPLETED);
	CHECK_EQ(desk_task(&desk, id)->phase, DAVIT__TASK__PHASE__CANCELLED);
	desk_fini(&desk);
}

TEST(manager_counts_a_stop_that_was_asked_for_as_completed_whatever_the_exit_code)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, true, id);
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	desk_stop(&desk, "web");
	CHECK_EQ(desk_task(&desk, id)->phase, DAVIT__TASK__PHASE__STOPPING);
	report.task_id = id;
	report.attempt = 1;
	report.observed = ENDED_;
	report.has_cause = report.has_exit_code = true;
	report.cause = DAVIT__TASK_REPORT__CAUSE__STOP;
	report.exit_code = 137;
	desk_worker_poll(&worker, &report);
	CHECK_EQ(desk_task(&desk, id)->state, TASK_COMPLETED);
	CHECK_EQ(desk_task(&desk, id)->phase, DAVIT__TASK__PHASE__STOPPED);
	CHECK_EQ(desk_task(&desk, id)->exit_code, 137);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

/* It goes at once, so the second time it is not there any more; the sanitizer sees who looks. */
TEST(r3_manager_removes_a_waiting_task_that_is_named_twice)
{
	struct desk desk;
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	char *names[] = {"web", "web"};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_submit(&desk, "web", 1000, false, id);
	request.n_tasks = 2;
	request.tasks = names;
	request.has_force = request.force = true;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	desk_fini(&desk);
}

TEST(manager_removes_a_task_only_when_its_node_has_nothing_of_it)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	struct desk_reply reply;
	char *names[] = {"web", "web"};
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 1000, false, id);
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	request.n_tasks = 2; /* twice the same */
	request.tasks = names;
	desk_send(&desk, "RemoveTasks", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	desk_reply_fini(&reply);
	request.has_force = request.force = true;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	CHECK(desk_task(&desk, id) != NULL);
	desk_restart(&desk);
	CHECK_EQ(desk_task(&desk, id)->desired, DAVIT__TASK__DESIRED__REMOVE);
	desk_worker_join(&desk, &worker, "n1", 4000);
	CHECK_EQ(desk_worker_assignment(&worker, id)->desired, DAVIT__TASK__DESIRED__REMOVE);
	desk_worker_report(&worker, id, 1, GONE_, 0);
	CHECK(desk_task(&desk, id) == NULL);
	CHECK_EQ(desk_node(&desk, "n1")->account.reserved.cpu_milli, 0);
	CHECK_EQ(HASH_COUNT(desk.manager->model.specs), 0);
	desk_restart(&desk);
	CHECK_EQ(desk.manager->model.n_tasks, 0);
	CHECK_EQ(HASH_COUNT(desk.manager->model.specs), 0);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_remembers_which_elements_of_an_array_are_gone)
{
	struct desk desk;
	struct submission s;
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	char *names[] = {"arr-1"};

	desk_init(&desk);
	protobuf_c_message_free_unpacked(desk_ask(&desk, "SubmitTasks", submission(&s, "arr", 3)),
		NULL);
	request.n_tasks = 1;
	request.tasks = names;
	request.has_force = request.force = true;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	desk_restart(&desk);
	CHECK_EQ(desk.manager->model.n_tasks, 2);
	CHECK(model_task_by_name(&desk.manager->model, "default", "arr-1").task == NULL);
	names[0] = "arr-0";
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	names[0] = "arr-2";
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	desk_restart(&desk);
	CHECK_EQ(HASH_COUNT(desk.manager->model.groups), 0);
	CHECK_EQ(HASH_COUNT(desk.manager->model.specs), 0);
	desk_fini(&desk);
}

TEST(manager_gives_up_a_pending_task_when_its_ttl_has_passed)
{
	struct desk desk;
	struct submission s;
	Davit__SubmitTasksReply *reply;

	desk_init(&desk);
	(void)submission(&s, "web", 1);
	s.spec.has_ttl_ms = true;
	s.spec.ttl_ms = 5000;
	reply = (Davit__SubmitTasksReply *)desk_ask(&desk, "SubmitTasks", &s.request.base);
	desk_restart(&desk); /* the timer follows from the state */
	desk_pass(&desk, 4000);
	CHECK_EQ(desk_task(&desk, reply->task_ids[0])->state, TASK_PENDING);
	desk_pass(&desk, 2000);
	CHECK_EQ(desk_task(&desk, reply->task_ids[0])->state, TASK_FAILED);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
}

TEST(manager_removes_by_itself_what_asked_for_it)
{
	struct desk desk;
	struct submission s;
	struct desk_worker worker = {0};
	Davit__SubmitTasksReply *reply;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	(void)submission(&s, "job", 1);
	s.spec.has_auto_remove = s.spec.auto_remove = true;
	reply = (Davit__SubmitTasksReply *)desk_ask(&desk, "SubmitTasks", &s.request.base);
	desk_worker_report(&worker, reply->task_ids[0], 1, ENDED_, 0);
	desk_pass(&desk, MANAGER_AUTO_REMOVE_MS - 1000);
	CHECK_EQ(desk_task(&desk, reply->task_ids[0])->desired, DAVIT__TASK__DESIRED__RUN);
	desk_pass(&desk, 2000);
	CHECK_EQ(desk_task(&desk, reply->task_ids[0])->desired, DAVIT__TASK__DESIRED__REMOVE);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_lists_in_pages_without_losing_any)
{
	struct desk desk;
	struct submission s;
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	unsigned n = 0;
	char after[ID_TEXT_SIZE] = "";

	desk_init(&desk);
	protobuf_c_message_free_unpacked(desk_ask(&desk, "SubmitTasks", submission(&s, "arr", 25)),
		NULL);
	request.has_limit = true;
	request.limit = 10;
	for (bool more = true; more;) {
		Davit__ListTasksReply *reply;

		request.after = after[0] != '\0' ? after : NULL;
		reply = (Davit__ListTasksReply *)desk_ask(&desk, "ListTasks", &request.base);
		n += (unsigned)reply->n_tasks;
		more = reply->next != NULL;
		if (more)
			(void)snprintf(after, sizeof after, "%s", reply->next);
		davit__list_tasks_reply__free_unpacked(reply, NULL);
	}
	CHECK_EQ(n, 25);
	desk_fini(&desk);
}

TEST(manager_parks_a_wait_until_the_task_is_there)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;
	struct desk_reply until_running, until_end, in_vain;
	char id[ID_TEXT_SIZE];

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	request.task = id;
	request.has_wait_ms = true;
	request.wait_ms = 60000;
	desk_send(&desk, "WaitTask", &request.base, NULL, &until_end);
	request.wait_ms = 1000;
	desk_send(&desk, "WaitTask", &request.base, NULL, &in_vain);
	request.has_until = true;
	request.until = DAVIT__TASK__STATE__RUNNING;
	desk_send(&desk, "WaitTask", &request.base, NULL, &until_running);
	desk_turn(&desk);
	CHECK(!until_running.is_there);
	desk_worker_report(&worker, id, 1, RUNNING_, 0);
	CHECK(until_running.is_there);
	CHECK(((Davit__WaitTaskReply *)until_running.response)->reached);
	CHECK(!until_end.is_there);
	desk_pass(&desk, 1200);
	CHECK(in_vain.is_there);
	CHECK(!((Davit__WaitTaskReply *)in_vain.response)->reached);
	desk_worker_report(&worker, id, 1, ENDED_, 4);
	CHECK(until_end.is_there);
	CHECK_EQ(((Davit__WaitTaskReply *)until_end.response)->task->exit_code, 4);
	desk_reply_fini(&until_running);
	desk_reply_fini(&until_end);
	desk_reply_fini(&in_vain);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_resolves_ids_names_and_prefixes)
{
	struct desk desk;
	char id[ID_TEXT_SIZE], prefix[9];
	struct model_found found;
	struct err err;

	desk_init(&desk);
	desk_submit(&desk, "web", 0, false, id);
	(void)snprintf(prefix, sizeof prefix, "%.8s", id);
	CHECK_OK(model_task_resolve(&desk.manager->model, "default", id, &found, &err), &err);
	CHECK_OK(model_task_resolve(&desk.manager->model, "default", "web", &found, &err), &err);
	CHECK_OK(model_task_resolve(&desk.manager->model, "default", prefix, &found, &err), &err);
	CHECK_EQ(model_task_resolve(&desk.manager->model, "other", "web", &found, &err), -ENOENT);
	CHECK_HAS(err.text, "no task 'web' in namespace 'other'");
	CHECK_EQ(model_task_resolve(&desk.manager->model, "default", "ab", &found, &err), -ENOENT);
	desk_submit(&desk, "web2", 0, false, id);
	CHECK_EQ(model_task_resolve(&desk.manager->model, "default", prefix, &found, &err),
		-ENOTUNIQ);
	desk_fini(&desk);
}

TEST(manager_lists_no_task_that_a_user_removed)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	Davit__ListTasksRequest list = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__ListTasksReply *reply;
	struct model_found found;
	char *names[] = {"web"};
	char id[ID_TEXT_SIZE];
	struct err err;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 4000);
	desk_submit(&desk, "web", 0, false, id);
	desk_worker_report(&worker, id, 1, ENDED_, 0);
	request.n_tasks = 1;
	request.tasks = names;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	CHECK(desk_task(&desk, id) != NULL); /* its node still has the container */
	reply = (Davit__ListTasksReply *)desk_ask(&desk, "ListTasks", &list.base);
	CHECK_EQ(reply->n_tasks, 0);
	davit__list_tasks_reply__free_unpacked(reply, NULL);
	CHECK_EQ(model_task_resolve(&desk.manager->model, "default", "web", &found, &err), -ENOENT);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}
