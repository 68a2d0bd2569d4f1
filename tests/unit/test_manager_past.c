/* Ended tasks that are on disk only: all calls go on as before. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

#define RUNNING_ DAVIT__TASK_REPORT__OBSERVED__RUNNING
#define ENDED_   DAVIT__TASK_REPORT__OBSERVED__ENDED
#define GONE_    DAVIT__TASK_REPORT__OBSERVED__GONE

/* The last keep of max ended tasks are in memory. */
static void
init(struct desk *desk, uint32_t keep, uint32_t max)
{
	desk_init(desk);
	desk->config.history_containers = desk->manager->config.history_containers = keep;
	desk->config.history_max = desk->manager->config.history_max = max;
}

/* Submitted and cancelled; on disk after a moment, if none is to stay in memory. */
static void
end(struct desk *desk, const char *name, char id[ID_TEXT_SIZE])
{
	desk_submit(desk, name, 0, false, id);
	desk_stop(desk, id);
}

static Davit__GetTaskReply *
get(struct desk *desk, const char *text)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t)text;
	return (Davit__GetTaskReply *)desk_ask(desk, "GetTask", &request.base);
}

static Davit__Reply__Status
status_of(struct desk *desk, const char *method, const ProtobufCMessage *request)
{
	struct desk_reply reply;
	Davit__Reply__Status status;

	desk_send(desk, method, request, NULL, &reply);
	desk_turn(desk);
	CHECK(reply.is_there);
	status = reply.status;
	desk_reply_fini(&reply);
	return status;
}

static Davit__Reply__Status
status_of_get(struct desk *desk, const char *text)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = (char *)(uintptr_t)text;
	return status_of(desk, "GetTask", &request.base);
}

static void
check_same(const Davit__GetTaskReply *a, const Davit__GetTaskReply *b)
{
	size_t size = davit__get_task_reply__get_packed_size(a);
	uint8_t *left = xmalloc(size), *right = xmalloc(size);

	CHECK_EQ(davit__get_task_reply__get_packed_size(b), size);
	(void)davit__get_task_reply__pack(a, left);
	(void)davit__get_task_reply__pack(b, right);
	CHECK(memcmp(left, right, size) == 0);
	free(left);
	free(right);
}

/* It ran on a node, and its node forgot it. */
static void
run_and_end(struct desk *desk, struct desk_worker *worker, const char *name, char id[ID_TEXT_SIZE])
{
	desk_submit(desk, name, 100, false, id);
	desk_worker_report(worker, id, 1, RUNNING_, 0);
	desk_worker_report(worker, id, 1, ENDED_, 3);
}

TEST(past_task_is_told_as_it_was_while_it_was_in_memory)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__GetTaskReply *before, *after;
	char id[ID_TEXT_SIZE], prefix[20];

	init(&desk, 0, 100);
	desk_worker_join(&desk, &worker, "n1", 4000);
	run_and_end(&desk, &worker, "web", id);
	desk_pass(&desk, MANAGER_TICK_MS);
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(desk_worker_assignment(&worker, id)->desired, DAVIT__TASK__DESIRED__REMOVE);
	CHECK_EQ(desk_task(&desk, id)->desired, DAVIT__TASK__DESIRED__RUN); /* nobody said so */
	desk_worker_report(&worker, id, 1, GONE_, 3);
	before = get(&desk, id);
	CHECK_EQ(before->task->state, DAVIT__TASK__STATE__FAILED);
	CHECK_STR(before->task->node_name, "n1");
	desk_pass(&desk, 2 * MANAGER_TICK_MS);
	CHECK(desk_task(&desk, id) == NULL);
	CHECK_EQ(desk.manager->model.past.n, 1);
	CHECK_EQ(HASH_COUNT(desk.manager->model.groups), 0);
	CHECK_EQ(HASH_COUNT(desk.manager->model.specs), 0);
	(void)snprintf(prefix, sizeof prefix, "%.18s", id);
	for (unsigned round = 0; round < 2; round++) {
		const char *texts[] = {id, "web", prefix};

		for (size_t i = 0; i < 3; i++) {
			after = get(&desk, texts[i]);
			check_same(before, after);
			davit__get_task_reply__free_unpacked(after, NULL);
		}
		desk_restart(&desk);
		CHECK_EQ(desk.manager->model.past.n, 1);
	}
	davit__get_task_reply__free_unpacked(before, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(past_begins_behind_the_tasks_that_keep_their_containers)
{
	struct desk desk;
	char ids[5][ID_TEXT_SIZE];

	init(&desk, 2, 4);
	for (unsigned i = 0; i < 5; i++)
		end(&desk, NULL, ids[i]);
	desk_pass(&desk, 3 * MANAGER_TICK_MS);
	CHECK_EQ(desk.manager->model.history.n, 2);
	CHECK_EQ(desk.manager->model.past.n, 2);
	CHECK_EQ(status_of_get(&desk, ids[0]), DAVIT__REPLY__STATUS__NOT_FOUND);
	for (unsigned i = 1; i < 5; i++)
		CHECK_EQ(status_of_get(&desk, ids[i]), DAVIT__REPLY__STATUS__OK);
	CHECK(desk_task(&desk, ids[2]) == NULL && desk_task(&desk, ids[3]) != NULL);
	desk_fini(&desk);
}

TEST(past_is_bounded_by_age_and_leaves_nothing_in_the_store)
{
	struct desk desk;
	char id[ID_TEXT_SIZE];
	CLEANUP(buf_fini) struct buf value = {0};
	char key[64];
	struct err err;

	init(&desk, 0, 100);
	desk.manager->config.history_age_ms = 10000;
	end(&desk, "web", id);
	desk_pass(&desk, 1000);
	CHECK_EQ(desk.manager->model.past.n, 1);
	CHECK_EQ(desk.manager->model.n_by_state[TASK_COMPLETED] +
			 desk.manager->model.n_by_state[TASK_FAILED],
		1);
	desk_pass(&desk, 10000);
	CHECK_EQ(desk.manager->model.past.n, 0);
	CHECK(desk.manager->model.spaces == NULL);
	for (unsigned i = 0; i < 3; i++) {
		const char *kinds[] = {"task", "group", "spec"};

		(void)snprintf(key, sizeof key, "%s/%s", kinds[i], id);
		CHECK_EQ(store_get(desk.store, key, &value, &err), -ENOENT);
	}
	CHECK_EQ(status_of_get(&desk, "web"), DAVIT__REPLY__STATUS__NOT_FOUND);
	desk_fini(&desk);
}

TEST(past_tasks_are_listed_in_their_places)
{
	enum { TASKS = 12 };
	struct desk desk;
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__ListTasksReply *reply;
	char ids[TASKS][ID_TEXT_SIZE], after[ID_TEXT_SIZE];
	unsigned n = 0;

	init(&desk, 0, 100);
	for (unsigned i = 0; i < TASKS; i++)
		desk_submit(&desk, NULL, 0, false, ids[i]);
	for (unsigned i = 0; i < TASKS; i += 3) {
		desk_stop(&desk, ids[(i + 7) % TASKS]);
		desk_stop(&desk, ids[i]);
	}
	desk_pass(&desk, 3 * MANAGER_TICK_MS);
	CHECK(desk.manager->model.past.n >= 4 && desk.manager->model.n_tasks >= 4);
	request.has_limit = true;
	for (request.limit = 1; request.limit < 6; request.limit++) {
		request.after = NULL;
		for (n = 0; n == 0 || request.after != NULL;) {
			reply = (Davit__ListTasksReply *)desk_ask(&desk, "ListTasks",
				&request.base);
			for (size_t i = 0; i < reply->n_tasks; i++)
				CHECK_STR(reply->tasks[i]->id, ids[n++]);
			request.after = reply->next == NULL ? NULL : after;
			(void)snprintf(after, sizeof after, "%s",
				reply->next == NULL ? "" : reply->next);
			davit__list_tasks_reply__free_unpacked(reply, NULL);
		}
		CHECK_EQ(n, TASKS);
	}
	desk_fini(&desk);
}

static size_t
count(struct desk *desk, const Davit__ListTasksRequest *request)
{
	Davit__ListTasksReply *reply =
		(Davit__ListTasksReply *)desk_ask(desk, "ListTasks", &request->base);
	size_t n = reply->n_tasks;

	davit__list_tasks_reply__free_unpacked(reply, NULL);
	return n;
}

TEST(past_tasks_pass_the_same_filters)
{
	struct desk desk;
	struct desk_worker worker = {0};
	Davit__ListTasksRequest request = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};
	Davit__SubmitTasksRequest submit = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__Task__State states[] = {DAVIT__TASK__STATE__FAILED};
	Davit__SubmitTasksReply *reply;
	char id[ID_TEXT_SIZE];

	init(&desk, 0, 100);
	desk_worker_join(&desk, &worker, "n1", 4000);
	run_and_end(&desk, &worker, "web", id);
	desk_pass(&desk, MANAGER_TICK_MS);
	desk_worker_report(&worker, id, 1, GONE_, 3);
	label.key = (char *)(uintptr_t) "color";
	label.value = (char *)(uintptr_t) "red";
	spec.image = (char *)(uintptr_t) "demo";
	spec.namespace_ = (char *)(uintptr_t) "other";
	spec.has_hold = spec.hold = true;
	spec.labels = labels;
	spec.n_labels = 1;
	submit.spec = &spec;
	reply = (Davit__SubmitTasksReply *)desk_ask(&desk, "SubmitTasks", &submit.base);
	desk.no_scheduler = true;
	{
		Davit__StopTasksRequest request_stop = DAVIT__STOP_TASKS_REQUEST__INIT;

		request_stop.namespace_ = spec.namespace_;
		request_stop.n_tasks = 1;
		request_stop.tasks = reply->task_ids;
		protobuf_c_message_free_unpacked(desk_ask(&desk, "StopTasks", &request_stop.base),
			NULL);
	}
	desk_worker_poll(&worker, NULL);
	CHECK_EQ(count(&desk, &request), 2);
	request.states = states;
	request.n_states = 1;
	CHECK(count(&desk, &request) >= 1);
	request.n_states = 0;
	request.name = (char *)(uintptr_t) "web";
	CHECK_EQ(count(&desk, &request), 1);
	request.name = NULL;
	request.namespace_ = spec.namespace_;
	CHECK_EQ(count(&desk, &request), 1);
	request.namespace_ = NULL;
	request.n_labels = 1;
	request.labels = labels;
	CHECK_EQ(count(&desk, &request), 1);
	request.n_labels = 0;
	request.node = (char *)(uintptr_t) "n1";
	CHECK(count(&desk, &request) >= 1);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(past_elements_leave_their_array_whole)
{
	enum { TASKS = 5 };
	struct desk desk;
	Davit__SubmitTasksRequest submit = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	Davit__ListTasksRequest list = DAVIT__LIST_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__SubmitTasksReply *reply;
	Davit__GetTaskReply *one;
	char *names[] = {"arr-3", "arr-3"};

	init(&desk, 0, 100);
	spec.image = (char *)(uintptr_t) "demo";
	spec.name = (char *)(uintptr_t) "arr";
	submit.spec = &spec;
	submit.has_count = true;
	submit.count = TASKS;
	reply = (Davit__SubmitTasksReply *)desk_ask(&desk, "SubmitTasks", &submit.base);
	for (unsigned i = 1; i < TASKS; i++)
		desk_stop(&desk, reply->task_ids[i]);
	desk_pass(&desk, 3 * MANAGER_TICK_MS);
	CHECK_EQ(desk.manager->model.past.n, TASKS - 1);
	one = get(&desk, "arr-3");
	CHECK_EQ(one->task->index, 3);
	CHECK_STR(one->task->array_id, reply->array_id);
	davit__get_task_reply__free_unpacked(one, NULL);
	list.array_id = reply->array_id;
	CHECK_EQ(count(&desk, &list), TASKS);
	request.n_tasks = 2;
	request.tasks = names;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	CHECK_EQ(count(&desk, &list), TASKS - 1);
	desk_restart(&desk);
	CHECK_EQ(count(&desk, &list), TASKS - 1);
	CHECK_EQ(status_of_get(&desk, "arr-3"), DAVIT__REPLY__STATUS__NOT_FOUND);
	request.n_tasks = 0;
	request.array_id = reply->array_id;
	CHECK_EQ(status_of(&desk, "RemoveTasks", &request.base),
		DAVIT__REPLY__STATUS__FAILED_PRECONDITION); /* arr-0 lives */
	request.has_force = request.force = true;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	CHECK_EQ(HASH_COUNT(desk.manager->model.groups), 0);
	CHECK_EQ(desk.manager->model.past.n, 0);
	desk_restart(&desk);
	CHECK_EQ(HASH_COUNT(desk.manager->model.groups), 0);
	davit__submit_tasks_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
}

TEST(past_names_are_free_and_the_newest_is_meant)
{
	struct desk desk;
	Davit__GetTaskReply *reply;
	char ids[3][ID_TEXT_SIZE];

	init(&desk, 0, 100);
	for (unsigned i = 0; i < 2; i++) {
		end(&desk, "web", ids[i]);
		desk_pass(&desk, 3 * MANAGER_TICK_MS);
	}
	reply = get(&desk, "web");
	CHECK_STR(reply->task->id, ids[1]);
	davit__get_task_reply__free_unpacked(reply, NULL);
	desk_submit(&desk, "web", 0, false, ids[2]);
	reply = get(&desk, "web");
	CHECK_STR(reply->task->id, ids[2]);
	davit__get_task_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
}

TEST(past_task_answers_every_call_about_an_ended_one)
{
	struct desk desk;
	Davit__WaitTaskRequest wait = DAVIT__WAIT_TASK_REQUEST__INIT;
	Davit__ReadLogsRequest logs = DAVIT__READ_LOGS_REQUEST__INIT;
	Davit__StartTasksRequest start = DAVIT__START_TASKS_REQUEST__INIT;
	Davit__ExplainTaskRequest explain = DAVIT__EXPLAIN_TASK_REQUEST__INIT;
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	Davit__GetTaskReply *reply;
	Davit__WaitTaskReply *waited;
	Davit__ReadLogsReply *said;
	char id[ID_TEXT_SIZE], *ids[] = {id};

	init(&desk, 0, 100);
	end(&desk, "web", id);
	desk_pass(&desk, 3 * MANAGER_TICK_MS);
	wait.task = logs.task = explain.task = id;
	waited = (Davit__WaitTaskReply *)desk_ask(&desk, "WaitTask", &wait.base);
	CHECK(waited->reached);
	davit__wait_task_reply__free_unpacked(waited, NULL);
	said = (Davit__ReadLogsReply *)desk_ask(&desk, "ReadLogs", &logs.base);
	CHECK(said->end);
	davit__read_logs_reply__free_unpacked(said, NULL);
	protobuf_c_message_free_unpacked(desk_ask(&desk, "ExplainTask", &explain.base), NULL);
	start.n_tasks = request.n_tasks = 1;
	start.tasks = request.tasks = ids;
	desk_stop(&desk, id); /* it has stopped */
	CHECK_EQ(status_of(&desk, "StartTasks", &start.base),
		DAVIT__REPLY__STATUS__FAILED_PRECONDITION);
	request.has_if_version = true;
	request.if_version = 1;
	CHECK_EQ(status_of(&desk, "RemoveTasks", &request.base), DAVIT__REPLY__STATUS__ABORTED);
	reply = get(&desk, id);
	request.if_version = reply->task->version;
	davit__get_task_reply__free_unpacked(reply, NULL);
	protobuf_c_message_free_unpacked(desk_ask(&desk, "RemoveTasks", &request.base), NULL);
	CHECK_EQ(status_of_get(&desk, id), DAVIT__REPLY__STATUS__NOT_FOUND);
	desk_fini(&desk);
}

TEST(past_says_when_the_store_cannot_be_read)
{
	struct desk desk;
	Davit__ListTasksRequest list = DAVIT__LIST_TASKS_REQUEST__INIT;
	CLEANUP(store_batch_free) struct store_batch *batch = store_batch_new();
	char id[ID_TEXT_SIZE], key[64];
	struct err err;

	init(&desk, 0, 100);
	end(&desk, "web", id);
	desk_pass(&desk, 3 * MANAGER_TICK_MS);
	(void)snprintf(key, sizeof key, "task/%s", id);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			store_batch_put(batch, key, "x", 1);
		else
			store_batch_delete(batch, key);
		CHECK_OK(store_commit(desk.store, batch, &err), &err);
		CHECK_EQ(status_of_get(&desk, "web"), DAVIT__REPLY__STATUS__UNAVAILABLE);
		CHECK_EQ(status_of(&desk, "ListTasks", &list.base),
			DAVIT__REPLY__STATUS__UNAVAILABLE);
	}
	desk_fini(&desk);
}

TEST(past_task_stays_in_memory_until_its_record_is_on_disk)
{
	struct desk desk;
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	const struct store_batch *writes;
	struct desk_reply reply;
	char id[ID_TEXT_SIZE], *ids[] = {id};
	struct err err;

	init(&desk, 0, 100);
	desk_submit(&desk, "web", 0, false, id);
	request.n_tasks = 1;
	request.tasks = ids;
	desk_send(&desk, "StopTasks", &request.base, NULL, &reply);
	writes = manager_seal(desk.manager);
	for (unsigned i = 0; i < 3; i++) { /* the commit takes its time */
		desk.now.mono_ms += MANAGER_TICK_MS;
		manager_tick(desk.manager, desk.now);
		CHECK(desk_task(&desk, id) != NULL);
	}
	CHECK_OK(store_commit(desk.store, writes, &err), &err);
	manager_release(desk.manager);
	desk_pass(&desk, MANAGER_TICK_MS);
	CHECK(desk_task(&desk, id) == NULL);
	CHECK_EQ(status_of_get(&desk, id), DAVIT__REPLY__STATUS__OK);
	CHECK(reply.is_there);
	desk_reply_fini(&reply);
	desk_fini(&desk);
}
