/* Many submissions or questions in one call, conditions on versions, and figures by long poll. */
#include "common/base/mem.h"
#include "services/manager/lifecycle.h"
#include "services/manager/limits.h"
#include "tests/lib/desk.h"
#include "tests/lib/test.h"

enum { ROOM = MANAGER_SUBMIT_MAX + 1 };

struct many {
	Davit__SubmitManyRequest request;
	Davit__SubmitTasksRequest items[ROOM], *pointers[ROOM];
	Davit__TaskSpec specs[ROOM];
};

static struct many *
many_new(void)
{
	struct many *many = xcalloc(1, sizeof *many);

	davit__submit_many_request__init(&many->request);
	many->request.tasks = many->pointers;
	return many;
}

static void
add(struct many *many, const char *name, uint32_t count)
{
	size_t n = many->request.n_tasks++;

	davit__task_spec__init(&many->specs[n]);
	davit__submit_tasks_request__init(&many->items[n]);
	many->specs[n].image = (char *)(uintptr_t) "demo:1";
	many->specs[n].name = (char *)(uintptr_t)name;
	many->items[n].spec = &many->specs[n];
	many->items[n].has_count = count > 1;
	many->items[n].count = count;
	many->pointers[n] = &many->items[n];
}

static void
refused(struct desk *desk, struct many *many, Davit__Reply__Status status, const char *field)
{
	struct desk_reply reply;
	unsigned before = desk->manager->model.n_tasks;

	desk_send(desk, "SubmitMany", &many->request.base, "r", &reply);
	desk_turn(desk);
	CHECK_EQ(reply.status, status);
	CHECK_STR(reply.field, field);
	CHECK_EQ(desk->manager->model.n_tasks, before);
	desk_reply_fini(&reply);
	many->request.n_tasks = 0;
}

TEST(manager_submits_many_at_once_in_their_order_and_once_for_one_request_id)
{
	struct many *many = many_new();
	struct desk_reply reply, again;
	const Davit__SubmitManyReply *got;
	struct desk desk;

	desk_init(&desk);
	add(many, "web", 1);
	add(many, "many", 3);
	add(many, NULL, 1);
	desk_send(&desk, "SubmitMany", &many->request.base, "r1", &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	got = (const void *)reply.response;
	CHECK_EQ(got->n_results, 3);
	CHECK_STR(got->results[0]->name, "web");
	CHECK_EQ(got->results[0]->n_task_ids, 1);
	CHECK_EQ(got->results[1]->count, 3);
	CHECK(got->results[1]->array_id != NULL);
	CHECK_EQ(got->results[1]->n_task_ids, 0);
	CHECK_HAS(got->results[2]->name, "demo-");
	CHECK_EQ(desk.manager->model.n_tasks, 5);
	desk_restart(&desk);
	desk_send(&desk, "SubmitMany", &many->request.base, "r1", &again);
	desk_turn(&desk);
	CHECK_STR(((const Davit__SubmitManyReply *)again.response)->results[0]->task_ids[0],
		got->results[0]->task_ids[0]);
	CHECK_EQ(desk.manager->model.n_tasks, 5);
	desk_reply_fini(&reply);
	desk_reply_fini(&again);
	desk_fini(&desk);
	free(many);
}

TEST(manager_answers_an_array_again_with_its_ids_though_it_does_not_keep_them)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	struct desk_reply reply, again;
	const Davit__SubmitTasksReply *first, *second;
	struct desk desk;

	desk_init(&desk);
	spec.image = (char *)"busybox";
	request.spec = &spec;
	request.has_count = true;
	request.count = MANAGER_LIST_MAX + 1;
	desk_send(&desk, "SubmitTasks", &request.base, "r1", &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__OK);
	CHECK(desk.manager->requests.bytes < 1000);
	desk_restart(&desk);
	desk_send(&desk, "SubmitTasks", &request.base, "r1", &again);
	desk_turn(&desk);
	first = (const void *)reply.response;
	second = (const void *)again.response;
	CHECK_EQ(first->n_task_ids, MANAGER_LIST_MAX);
	CHECK_EQ(second->n_task_ids, MANAGER_LIST_MAX);
	for (size_t i = 0; i < first->n_task_ids; i++)
		CHECK_STR(first->task_ids[i], second->task_ids[i]);
	desk_reply_fini(&reply);
	desk_reply_fini(&again);
	desk_fini(&desk);
}

TEST(manager_submits_none_of_many_when_one_is_refused)
{
	struct many *many = many_new();
	char id[ID_TEXT_SIZE];
	struct desk desk;

	desk_init(&desk);
	desk_submit(&desk, "there", 0, false, id);
	refused(&desk, many, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "tasks");
	add(many, "a1", 1);
	add(many, "there", 1);
	refused(&desk, many, DAVIT__REPLY__STATUS__ALREADY_EXISTS, "tasks[1].spec.name");
	add(many, "a1", 1);
	add(many, "b1", 1);
	add(many, "a1", 1);
	refused(&desk, many, DAVIT__REPLY__STATUS__ALREADY_EXISTS, "tasks[2].spec.name");
	add(many, "web-2", 1);
	add(many, "web", 3);
	refused(&desk, many, DAVIT__REPLY__STATUS__ALREADY_EXISTS, "tasks[0].spec.name");
	add(many, "a1", 1);
	add(many, "b1", MANAGER_ARRAY_MAX + 1);
	refused(&desk, many, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "tasks[1].count");
	add(many, "a1", MANAGER_ARRAY_MAX);
	add(many, "b1", MANAGER_ARRAY_MAX);
	refused(&desk, many, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, "tasks");
	add(many, "a1", 1);
	many->specs[0].image = (char *)(uintptr_t) "not an image";
	refused(&desk, many, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "tasks[0].spec.image");
	for (unsigned i = 0; i <= MANAGER_SUBMIT_MAX; i++)
		add(many, NULL, 1);
	refused(&desk, many, DAVIT__REPLY__STATUS__INVALID_ARGUMENT, "tasks");
	desk_fini(&desk);
	free(many);
}

TEST(manager_gives_ten_thousand_tasks_without_names_different_ones)
{
	struct many *many = many_new();
	struct desk desk;

	desk_init(&desk);
	desk.no_scheduler = true;
	for (unsigned i = 0; i < MANAGER_SUBMIT_MAX; i++)
		add(many, NULL, 1);
	protobuf_c_message_free_unpacked(desk_ask(&desk, "SubmitMany", &many->request.base), NULL);
	CHECK_EQ(desk.manager->model.n_tasks, MANAGER_SUBMIT_MAX);
	desk_fini(&desk);
	free(many);
}

TEST(manager_finds_many_tasks_in_one_call_each_for_itself)
{
	Davit__GetTasksRequest request = DAVIT__GET_TASKS_REQUEST__INIT;
	Davit__GetTaskRequest one = DAVIT__GET_TASK_REQUEST__INIT, two = one,
			      *both[] = {&one, &two};
	struct desk_reply reply;
	Davit__GetTasksReply *got;
	char id[ID_TEXT_SIZE];
	struct desk desk;

	desk_init(&desk);
	desk_submit(&desk, "web", 0, false, id);
	one.task = (char *)(uintptr_t) "web";
	two.task = (char *)(uintptr_t) "nobody";
	request.tasks = both;
	request.n_tasks = 2;
	got = (void *)desk_ask(&desk, "GetTasks", &request.base);
	CHECK_EQ(got->n_results, 2);
	CHECK_STR(got->results[0]->task->id, id);
	CHECK(got->results[0]->task->spec != NULL);
	CHECK(got->results[1]->task == NULL);
	CHECK_EQ(got->results[1]->status, DAVIT__REPLY__STATUS__NOT_FOUND);
	CHECK_HAS(got->results[1]->message, "nobody");
	protobuf_c_message_free_unpacked(&got->base, NULL);
	request.n_tasks = 0;
	desk_send(&desk, "GetTasks", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	desk_reply_fini(&reply);
	desk_fini(&desk);
}

static Davit__Reply__Status
stop_if(struct desk *desk, char **ids, size_t n, uint64_t version)
{
	Davit__StopTasksRequest request = DAVIT__STOP_TASKS_REQUEST__INIT;
	Davit__Reply__Status status;
	struct desk_reply reply;

	request.tasks = ids;
	request.n_tasks = n;
	request.has_if_version = true;
	request.if_version = version;
	desk_send(desk, "StopTasks", &request.base, NULL, &reply);
	desk_turn(desk);
	status = reply.status;
	desk_reply_fini(&reply);
	return status;
}

TEST(manager_changes_a_task_only_if_it_has_that_version_still)
{
	Davit__RemoveTasksRequest remove = DAVIT__REMOVE_TASKS_REQUEST__INIT;
	char a[ID_TEXT_SIZE], b[ID_TEXT_SIZE], *ids[] = {a, b};
	struct desk_reply reply;
	struct desk desk;
	uint64_t version;

	desk_init(&desk);
	desk.no_scheduler = true;
	desk_submit(&desk, "a1", 0, false, a);
	desk_submit(&desk, "b1", 0, false, b);
	version = desk_task(&desk, a)->version;
	CHECK_EQ(stop_if(&desk, ids, 2, version), DAVIT__REPLY__STATUS__INVALID_ARGUMENT);
	CHECK_EQ(stop_if(&desk, ids, 1, version + 1), DAVIT__REPLY__STATUS__ABORTED);
	CHECK_EQ(desk_task(&desk, a)->version, version);
	CHECK_EQ(stop_if(&desk, ids, 1, version), DAVIT__REPLY__STATUS__OK);
	CHECK_EQ(stop_if(&desk, ids, 1, version), DAVIT__REPLY__STATUS__ABORTED);
	remove.tasks = ids;
	remove.n_tasks = 1;
	remove.has_if_version = true;
	remove.if_version = version;
	desk_send(&desk, "RemoveTasks", &remove.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__ABORTED);
	desk_reply_fini(&reply);
	desk_fini(&desk);
}

TEST(manager_changes_a_node_only_if_it_has_that_version_still)
{
	Davit__UpdateNodeRequest update = DAVIT__UPDATE_NODE_REQUEST__INIT;
	Davit__RemoveNodeRequest remove = DAVIT__REMOVE_NODE_REQUEST__INIT;
	struct desk_worker worker = {0};
	struct desk_reply reply;
	struct desk desk;

	desk_init(&desk);
	desk_worker_join(&desk, &worker, "n1", 1000);
	update.node = remove.node = (char *)(uintptr_t) "n1";
	update.has_draining = update.draining = true;
	update.has_if_version = remove.has_if_version = true;
	update.if_version = remove.if_version = desk_node(&desk, "n1")->record_version + 1;
	desk_send(&desk, "UpdateNode", &update.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__ABORTED);
	CHECK(!desk_node(&desk, "n1")->draining);
	desk_reply_fini(&reply);
	desk_send(&desk, "RemoveNode", &remove.base, NULL, &reply);
	desk_turn(&desk);
	CHECK_EQ(reply.status, DAVIT__REPLY__STATUS__ABORTED);
	desk_reply_fini(&reply);
	update.if_version--;
	protobuf_c_message_free_unpacked(desk_ask(&desk, "UpdateNode", &update.base), NULL);
	CHECK(desk_node(&desk, "n1")->draining);
	desk_fini(&desk);
	desk_worker_fini(&worker);
}

TEST(manager_answers_who_waits_for_figures_when_there_are_new_ones)
{
	Davit__GetStatsRequest request = DAVIT__GET_STATS_REQUEST__INIT;
	Davit__GetStatsReply *first;
	struct desk_reply reply;
	struct desk desk;

	desk_init(&desk);
	first = (void *)desk_ask(&desk, "GetStats", &request.base);
	request.cursor = first->cursor;
	desk_send(&desk, "GetStats", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK(!reply.is_there);
	desk_pass(&desk, MANAGER_STATS_MS + MANAGER_TICK_MS);
	CHECK(reply.is_there);
	CHECK(strcmp(((Davit__GetStatsReply *)reply.response)->cursor, first->cursor) != 0);
	desk_reply_fini(&reply);
	/* One that has something else, or wants no wait, is answered at once. */
	desk_send(&desk, "GetStats", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK(reply.is_there);
	desk_reply_fini(&reply);
	protobuf_c_message_free_unpacked(&first->base, NULL);
	request.cursor = NULL;
	first = (void *)desk_ask(&desk, "GetStats", &request.base);
	request.cursor = first->cursor;
	request.has_wait_ms = true;
	desk_send(&desk, "GetStats", &request.base, NULL, &reply);
	desk_turn(&desk);
	CHECK(reply.is_there);
	desk_reply_fini(&reply);
	protobuf_c_message_free_unpacked(&first->base, NULL);
	desk_fini(&desk);
}

static const Davit__TaskSpec *
said_by(struct desk *desk, const Davit__SubmitManyReply *reply, size_t i)
{
	return desk_task(desk, reply->results[i]->task_ids[0])->group->spec->spec;
}

TEST(manager_keeps_what_many_submissions_say_once)
{
	enum { SAME = 1000 };
	struct many *many = many_new();
	struct desk desk;
	Davit__SubmitManyReply *reply;
	struct task *last;

	desk_init(&desk);
	for (unsigned i = 0; i < SAME + 2; i++)
		add(many, NULL, 1);
	many->specs[SAME].image = (char *)(uintptr_t) "demo:2";
	many->specs[SAME + 1].namespace_ = (char *)(uintptr_t) "other";
	reply = (Davit__SubmitManyReply *)desk_ask(&desk, "SubmitMany", &many->request.base);
	CHECK_EQ(desk.manager->model.n_wordings, 3);
	desk_restart(&desk);
	CHECK_EQ(desk.manager->model.n_wordings, 3);
	CHECK_EQ(HASH_COUNT(desk.manager->model.specs), SAME + 2); /* a submission's own name */
	for (size_t i = 1; i < SAME; i++)
		CHECK(said_by(&desk, reply, i) == said_by(&desk, reply, 0));
	CHECK_STR(said_by(&desk, reply, SAME)->image, "demo:2");
	CHECK_STR(said_by(&desk, reply, SAME + 1)->namespace_, "other");
	/* The last user takes it along. */
	for (size_t i = 0; i < SAME + 2; i++) {
		last = desk_task(&desk, reply->results[i]->task_ids[0]);
		CHECK_EQ(last->state, TASK_PENDING);
		lifecycle_remove(desk.manager, last);
		CHECK_EQ(desk.manager->model.n_wordings, i < SAME - 1 ? 3 : SAME + 1 - i);
	}
	desk_turn(&desk);
	desk_restart(&desk);
	CHECK_EQ(desk.manager->model.n_wordings, 0);
	davit__submit_many_reply__free_unpacked(reply, NULL);
	desk_fini(&desk);
	free(many);
}
