#include "services/gateway/tasks_walk.h"

#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"

static bool
add(const Davit__Task *task, void *arg)
{
	(void)json_array_append_new(arg, json_string(task->id));
	return strcmp(task->id, "enough") != 0;
}

static void
on_walked(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)json_array_append_new(arg, json_string(rpc_status_name(result->status)));
	errand_reply_json(errand, 200, json_incref(arg));
}

static void
on_all(struct http_request *request, void *arg)
{
	struct tasks_filter running = {.state = DAVIT__TASK__STATE__RUNNING,
		.namespace_name = "prod",
		.label = "app"};
	struct errand *errand = errand_begin(request, arg);

	tasks_walk(errand, &running, add, on_walked, errand_keep(errand, json_array()));
}

static json_t *
show(const Davit__Task *task)
{
	return task->id[0] == 'x' ? NULL : json_string(task->id);
}

static void
refuse(struct errand *errand, const struct rpc_result *result)
{
	errand_reply_text(errand, 503, "%s", result->message);
}

static void
on_list(struct http_request *request, void *arg)
{
	struct tasks_filter all = {.state = DAVIT__TASK__STATE__NONE};

	tasks_list(errand_begin(request, arg), &all, show, refuse);
}

static void
on_removed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	(void)arg;
	errand_reply_text(errand, 200, "%s", rpc_status_name(result->status));
}

static void
on_remove(struct http_request *request, void *arg)
{
	tasks_remove(errand_begin(request, arg), http_param(request, 0), on_removed, NULL);
}

static const struct http_route routes[] = {{"GET", "/all", on_all}, {"GET", "/list", on_list},
	{"DELETE", "/one/{id}", on_remove}, {NULL, NULL, NULL}};
static const struct http_route *const tables[] = {routes, NULL};

static void
answer_page(struct rpc_call *call, const char *id, const char *container, const char *next)
{
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT, *tasks[] = {&task};

	task.id = (char *)(uintptr_t)id;
	task.container_id = (char *)(uintptr_t)container;
	reply.n_tasks = 1;
	reply.tasks = tasks;
	reply.next = (char *)(uintptr_t)next;
	gateway_stage_answer(call, &reply.base);
}

TEST(tasks_walk_goes_through_all_pages)
{
	struct gateway_stage stage;
	const Davit__ListTasksRequest *request;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /all", "");
	call = gateway_stage_call(&stage, "ListTasks");
	answer_page(call, "a", NULL, "page-2");
	call = gateway_stage_call(&stage, "ListTasks");
	request = (const void *)call->request;
	CHECK_STR(request->after, "page-2");
	CHECK_EQ(request->n_states, 1);
	CHECK_EQ(request->states[0], DAVIT__TASK__STATE__RUNNING);
	CHECK(request->with_spec);
	CHECK_STR(request->namespace_, "prod");
	CHECK_STR(request->labels[0]->key, "app");
	CHECK(request->labels[0]->value == NULL);
	answer_page(call, "b", NULL, NULL);
	http_client_wait(&stage.client, "[\"a\",\"b\",\"OK\"]\n");
	gateway_stage_ask(&stage, "GET /all", "");
	answer_page(gateway_stage_call(&stage, "ListTasks"), "enough", NULL, "page-2");
	http_client_wait(&stage.client, "[\"enough\",\"OK\"]\n");
	gateway_stage_close(&stage);
}

TEST(tasks_list_leaves_out_what_is_not_shown_and_tells_a_failure)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /list", "");
	answer_page(gateway_stage_call(&stage, "ListTasks"), "x1", NULL, "more");
	answer_page(gateway_stage_call(&stage, "ListTasks"), "y1", NULL, NULL);
	http_client_wait(&stage.client, "[\"y1\"]\n");
	gateway_stage_ask(&stage, "GET /list", "");
	call = gateway_stage_call(&stage, "ListTasks");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "away");
	rpc_call_send(call);
	http_client_wait(&stage.client, "away\n");
	gateway_stage_close(&stage);
}

#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(tasks_remove_knows_the_engine_s_ids_and_stops_first)
{
	struct gateway_stage stage;
	Davit__RemoveTasksReply removed = DAVIT__REMOVE_TASKS_REPLY__INIT;
	Davit__StopTasksReply stopped = DAVIT__STOP_TASKS_REPLY__INIT;
	Davit__WaitTaskReply waited = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__GetTaskReply got = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "DELETE /one/" CONTAINER, "");
	answer_page(gateway_stage_call(&stage, "ListTasks"), "task-7", CONTAINER, "more");
	call = gateway_stage_call(&stage, "GetTask");
	CHECK_STR(((const Davit__GetTaskRequest *)(const void *)call->request)->task, "task-7");
	task.id = (char *)(uintptr_t) "task-7";
	task.has_state = true;
	task.state = DAVIT__TASK__STATE__RUNNING;
	got.task = &task;
	gateway_stage_answer(call, &got.base);
	call = gateway_stage_call(&stage, "StopTasks");
	CHECK_STR(((const Davit__StopTasksRequest *)(const void *)call->request)->tasks[0],
		"task-7");
	gateway_stage_answer(call, &stopped.base);
	waited.task = &task;
	gateway_stage_answer(gateway_stage_call(&stage, "WaitTask"), &waited.base);
	call = gateway_stage_call(&stage, "RemoveTasks");
	CHECK_STR(((const Davit__RemoveTasksRequest *)(const void *)call->request)->tasks[0],
		"task-7");
	gateway_stage_answer(call, &removed.base);
	http_client_wait(&stage.client, "OK\n");
	gateway_stage_close(&stage);
}

TEST(tasks_find_leaves_other_names_to_the_manager)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "DELETE /one/web", "");
	call = gateway_stage_call(&stage, "GetTask");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL, "none");
	rpc_call_send(call);
	http_client_wait(&stage.client, "NOT_FOUND\n");
	gateway_stage_close(&stage);
}

static void
refuse_get(struct gateway_stage *stage)
{
	struct rpc_call *call = gateway_stage_call(stage, "GetTask");

	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL, "none");
	rpc_call_send(call);
}

/* The id that the engine prints in its own lists, unless it could mean two. */
TEST(tasks_find_knows_the_first_digits_of_the_engine_s_ids)
{
	struct gateway_stage stage;
	const Davit__GetTaskRequest *request;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "DELETE /one/0123456789ab", "");
	refuse_get(&stage);
	answer_page(gateway_stage_call(&stage, "ListTasks"), "task-6", "012345678", "more");
	answer_page(gateway_stage_call(&stage, "ListTasks"), "task-7", CONTAINER, NULL);
	call = gateway_stage_call(&stage, "GetTask");
	request = (const void *)call->request;
	CHECK_STR(request->task, "task-7");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL, "gone just now");
	rpc_call_send(call);
	http_client_wait(&stage.client, "NOT_FOUND\n");
	gateway_stage_ask(&stage, "DELETE /one/0123456789ab", "");
	refuse_get(&stage);
	answer_page(gateway_stage_call(&stage, "ListTasks"), "task-7", CONTAINER, "more");
	answer_page(gateway_stage_call(&stage, "ListTasks"), "task-8", "0123456789abc", "more");
	call = gateway_stage_call(&stage, "GetTask");
	request = (const void *)call->request;
	CHECK_STR(request->task, "0123456789ab");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL, "two of them");
	rpc_call_send(call);
	http_client_wait(&stage.client, "NOT_FOUND\n");
	gateway_stage_close(&stage);
}
