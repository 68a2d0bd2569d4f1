#include "services/gateway/launch.h"

#include <unistd.h>

#include "proto/manager.pb-c.h"
#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

static void
on_done(struct errand *errand, const struct launch_result *result, void *arg)
{
	static const char *const ends[] = {"runs", "no room", "rejected", "refused"};

	CHECK(arg == errand_request(errand));
	CHECK_EQ(result->end == LAUNCH_RUNS, result->task != NULL);
	errand_reply_text(errand, 200, "%s: %s", ends[result->end],
		result->task != NULL ? result->task->id : result->why);
}

static void
on_launch(struct http_request *request, void *arg)
{
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;

	spec.image = (char *)(uintptr_t) "x";
	launch_start(errand_begin(request, arg), &spec, on_done, request);
}

static const struct http_route routes[] = {{"POST", "/launch", on_launch}, {NULL, NULL, NULL}};
static const struct http_route *const tables[] = {routes, NULL};

/* The request, up to the first WaitTask. */
static struct rpc_call *
begin(struct gateway_stage *stage)
{
	static char id[] = "task-1";
	char *ids[] = {id};
	Davit__SubmitTasksReply submitted = DAVIT__SUBMIT_TASKS_REPLY__INIT;
	struct rpc_call *call;

	gateway_stage_open(stage, tables);
	gateway_stage_ask(stage, "POST /launch", "");
	call = gateway_stage_call(stage, "SubmitTasks");
	CHECK(call->request_id != NULL);
	submitted.n_task_ids = 1;
	submitted.task_ids = ids;
	gateway_stage_answer(call, &submitted.base);
	return gateway_stage_call(stage, "WaitTask");
}

static void
answer_wait(struct rpc_call *call, Davit__Task__State state, const char *message, uint64_t version)
{
	Davit__WaitTaskReply reply = DAVIT__WAIT_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;

	task.id = (char *)(uintptr_t) "task-1";
	task.has_state = task.has_version = true;
	task.state = state;
	task.message = (char *)(uintptr_t)message;
	task.version = version;
	reply.task = &task;
	gateway_stage_answer(call, &reply.base);
}

static void
expect_removed(struct gateway_stage *stage, const char *words)
{
	Davit__RemoveTasksReply reply = DAVIT__REMOVE_TASKS_REPLY__INIT;
	struct rpc_call *call = gateway_stage_call(stage, "RemoveTasks");
	const Davit__RemoveTasksRequest *request = (const void *)call->request;

	CHECK_STR(request->tasks[0], "task-1");
	CHECK(request->force);
	gateway_stage_answer(call, &reply.base);
	http_client_wait(&stage->client, words);
	gateway_stage_close(stage);
}

TEST(launch_waits_until_it_runs_and_then_has_the_whole_task)
{
	struct gateway_stage stage;
	struct rpc_call *call = begin(&stage);
	Davit__GetTaskReply got = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;

	answer_wait(call, DAVIT__TASK__STATE__PENDING, NULL, 1);
	call = gateway_stage_call(&stage, "WaitTask");
	CHECK_EQ(((const Davit__WaitTaskRequest *)(const void *)call->request)->seen_version, 1);
	answer_wait(call, DAVIT__TASK__STATE__SCHEDULED, "pulling", 2);
	answer_wait(gateway_stage_call(&stage, "WaitTask"), DAVIT__TASK__STATE__RUNNING, NULL, 3);
	call = gateway_stage_call(&stage, "GetTask");
	task.id = (char *)(uintptr_t) "task-1";
	got.task = &task;
	gateway_stage_answer(call, &got.base);
	http_client_wait(&stage.client, "runs: task-1\n");
	gateway_stage_close(&stage);
}

TEST(launch_takes_back_what_no_node_takes)
{
	struct gateway_stage stage;

	answer_wait(begin(&stage), DAVIT__TASK__STATE__PENDING, "no node fits: cpu", 2);
	expect_removed(&stage, "no room: no node fits: cpu\n");
}

TEST(launch_is_patient_while_there_is_no_scheduler)
{
	struct gateway_stage stage;

	answer_wait(begin(&stage), DAVIT__TASK__STATE__PENDING, "waiting for a scheduler", 2);
	answer_wait(gateway_stage_call(&stage, "WaitTask"), DAVIT__TASK__STATE__PENDING,
		"no node fits: memory", 3);
	expect_removed(&stage, "no room: no node fits: memory\n");
}

TEST(launch_takes_back_what_cannot_be_started)
{
	struct gateway_stage stage;

	answer_wait(begin(&stage), DAVIT__TASK__STATE__FAILED, "no such image", 2);
	expect_removed(&stage, "rejected: no such image\n");
}

TEST(launch_says_what_the_manager_refused)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "POST /launch", "");
	call = gateway_stage_call(&stage, "SubmitTasks");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__ALREADY_EXISTS, "spec.name", "taken");
	rpc_call_send(call);
	http_client_wait(&stage.client, "refused: taken\n");
	gateway_stage_close(&stage);
}

static bool
is_gone(void *arg)
{
	struct http_stats stats;

	http_stats(((struct gateway_stage *)arg)->server, &stats);
	return stats.n_connections == 0;
}

TEST(launch_ends_with_its_client)
{
	struct gateway_stage stage;
	struct rpc_call *call = begin(&stage);

	(void)close(stage.client.fd);
	stage.client.fd = -1;
	turn_until(&stage.peer.loop, is_gone, &stage, "the end of the connection");
	answer_wait(call, DAVIT__TASK__STATE__FAILED, "no such image", 2);
	turn_for(&stage.peer.loop, 20);
	CHECK_EQ(stage.peer.n_calls, 0);
	gateway_stage_close(&stage);
}
