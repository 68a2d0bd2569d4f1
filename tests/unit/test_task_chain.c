#include "services/gateway/task_chain.h"

#include "tests/lib/gateway_stage.h"
#include "tests/lib/test.h"

static void
on_found(struct errand *errand, const struct rpc_result *result, const struct task_chain *chain,
	void *arg)
{
	(void)arg;
	errand_reply_text(errand, 200, "%s after %zu: %s", rpc_status_name(result->status),
		chain->n_ids, chain->latest == NULL ? "none" : chain->latest->id);
}

static void
on_find(struct http_request *request, void *arg)
{
	task_chain_find(errand_begin(request, arg), http_param(request, 0), on_found, NULL);
}

static void
on_launched(struct errand *errand, const struct launch_result *result, void *arg)
{
	(void)arg;
	errand_reply_text(errand, 200, "%s", result->why);
}

static void
on_found_to_start(struct errand *errand, const struct rpc_result *result, const Davit__Task *task,
	void *arg)
{
	(void)result;
	task_chain_start(errand, task, on_launched, arg);
}

static void
on_start(struct http_request *request, void *arg)
{
	tasks_find(errand_begin(request, arg), http_param(request, 0), on_found_to_start, NULL);
}

static const struct http_route routes[] = {{"GET", "/find/{id}", on_find},
	{"POST", "/start/{id}", on_start}, {NULL, NULL, NULL}};
static const struct http_route *const tables[] = {routes, NULL};

static char *
text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

struct link {
	const char *id, *replaced_by, *origin;
	Davit__Task__State state;
};

/* Answers GetTask for that one. */
static void
answer_get(struct gateway_stage *stage, const struct link *link)
{
	struct rpc_call *call = gateway_stage_call(stage, "GetTask");
	Davit__GetTaskReply reply = DAVIT__GET_TASK_REPLY__INIT;
	Davit__Task task = DAVIT__TASK__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	Davit__StringEntry label = DAVIT__STRING_ENTRY__INIT, *labels[] = {&label};

	CHECK_STR(((const Davit__GetTaskRequest *)(const void *)call->request)->task, link->id);
	label.key = text("davit-restart-of");
	label.value = text(link->origin);
	spec.image = text("x");
	spec.n_labels = link->origin != NULL;
	spec.labels = labels;
	task.id = text(link->id);
	task.name = text("web");
	task.has_state = true;
	task.state = link->state;
	task.replaced_by = text(link->replaced_by);
	task.spec = &spec;
	reply.task = &task;
	gateway_stage_answer(call, &reply.base);
}

/* Answers ListTasks for that origin with these, NULL-ended. */
static void
answer_list(struct gateway_stage *stage, const char *origin, const char *const *ids)
{
	struct rpc_call *call = gateway_stage_call(stage, "ListTasks");
	const Davit__ListTasksRequest *request = (const void *)call->request;
	Davit__ListTasksReply reply = DAVIT__LIST_TASKS_REPLY__INIT;
	Davit__Task tasks[8], *all[8];

	CHECK_STR(request->labels[0]->key, "davit-restart-of");
	CHECK_STR(request->labels[0]->value, origin);
	for (size_t i = 0; ids[i] != NULL; i++) {
		davit__task__init(&tasks[i]);
		tasks[i].id = text(ids[i]);
		all[reply.n_tasks++] = &tasks[i];
	}
	reply.tasks = all;
	gateway_stage_answer(call, &reply.base);
}

#define COMPLETED DAVIT__TASK__STATE__COMPLETED
#define FAILED    DAVIT__TASK__STATE__FAILED
#define RUNNING   DAVIT__TASK__STATE__RUNNING

TEST(task_chain_of_a_task_that_runs_is_itself)
{
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /find/a", "");
	answer_get(&stage, &(struct link){"a", NULL, NULL, RUNNING});
	http_client_wait(&stage.client, "OK after 1: a\n");
	gateway_stage_close(&stage);
}

/* a was lost with its node: b; b was stopped and started: c; c again: d; d was lost: e. */
TEST(task_chain_goes_over_replacements_and_restarts_to_the_latest)
{
	static const char *const again[] = {"c", "d", NULL};
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /find/a", "");
	answer_get(&stage, &(struct link){"a", "b", NULL, FAILED});
	answer_get(&stage, &(struct link){"b", NULL, NULL, COMPLETED});
	answer_list(&stage, "b", again);
	answer_get(&stage, &(struct link){"d", "e", "b", FAILED});
	answer_get(&stage, &(struct link){"e", NULL, "b", RUNNING});
	http_client_wait(&stage.client, "OK after 5: e\n");
	gateway_stage_close(&stage);
}

TEST(task_chain_of_one_that_ended_and_was_never_started_again_is_itself)
{
	static const char *const none[] = {NULL};
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /find/a", "");
	answer_get(&stage, &(struct link){"a", NULL, NULL, COMPLETED});
	answer_list(&stage, "a", none);
	answer_get(&stage, &(struct link){"a", NULL, NULL, COMPLETED});
	http_client_wait(&stage.client, "OK after 1: a\n");
	gateway_stage_close(&stage);
}

TEST(task_chain_that_is_too_long_or_a_circle_ends)
{
	struct gateway_stage stage;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /find/a", "");
	for (unsigned i = 0; i <= TASK_CHAIN_MAX; i++)
		answer_get(&stage, &(struct link){"a", "a", NULL, FAILED});
	http_client_wait(&stage.client, "OK after 1: a\n");
	gateway_stage_close(&stage);
}

TEST(task_chain_says_that_there_is_none)
{
	struct gateway_stage stage;
	struct rpc_call *call;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "GET /find/a", "");
	call = gateway_stage_call(&stage, "GetTask");
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__NOT_FOUND, NULL, "none");
	rpc_call_send(call);
	http_client_wait(&stage.client, "NOT_FOUND after 0: none\n");
	gateway_stage_close(&stage);
}

static void
check_started(const struct link *ended, const char *origin)
{
	struct gateway_stage stage;
	struct rpc_call *call;
	const Davit__TaskSpec *spec;

	gateway_stage_open(&stage, tables);
	gateway_stage_ask(&stage, "POST /start/a", "");
	answer_get(&stage, ended);
	call = gateway_stage_call(&stage, "SubmitTasks");
	spec = ((const Davit__SubmitTasksRequest *)(const void *)call->request)->spec;
	CHECK_STR(spec->name, "web");
	CHECK_STR(spec->image, "x");
	CHECK_EQ(spec->n_labels, 1);
	CHECK_STR(spec->labels[0]->key, "davit-restart-of");
	CHECK_STR(spec->labels[0]->value, origin);
	rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL, "away");
	rpc_call_send(call);
	http_client_wait(&stage.client, "away\n");
	gateway_stage_close(&stage);
}

TEST(task_chain_start_submits_the_spec_again_and_says_which_task_was_the_first)
{
	check_started(&(struct link){"a", NULL, NULL, COMPLETED}, "a");
	check_started(&(struct link){"a", NULL, "first", COMPLETED}, "first");
}
