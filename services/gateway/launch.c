#include "services/gateway/launch.h"

#include <string.h>

#include "common/base/clock.h"
#include "proto/manager.pb-c.h"

struct launch {
	launch_done_fn *done;
	void *arg;
	char *task_id;
	struct launch_result result; /* what is told once the task has been removed */
	uint64_t start_ms;
	uint64_t seen_version;
};

static void wait_on(struct errand *errand, struct launch *launch);

static void
on_removed(struct errand *errand, const struct rpc_result *result, void *arg)
{
	struct launch *launch = arg;

	(void)result; /* what could not be removed ends by itself or is seen in the list */
	launch->done(errand, &launch->result, launch->arg);
}

static void
give_up(struct errand *errand, struct launch *launch, enum launch_end end, const char *why)
{
	Davit__RemoveTasksRequest request = DAVIT__REMOVE_TASKS_REQUEST__INIT;

	launch->result = (struct launch_result){.end = end,
		.status = DAVIT__REPLY__STATUS__FAILED_PRECONDITION,
		.why = arena_strdup(errand_arena(errand), why)};
	request.tasks = &launch->task_id;
	request.n_tasks = 1;
	request.has_force = request.force = true;
	errand_ask(errand, "RemoveTasks", &request.base, 0, on_removed, launch);
}

/* A scheduler has said no; without one the message begins with "waiting". */
static bool
has_no_room(const Davit__Task *task)
{
	return task->state == DAVIT__TASK__STATE__PENDING && task->message != NULL &&
	       strncmp(task->message, "waiting", 7) != 0;
}

/* It runs: once more, with its spec. */
static void
on_got(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__GetTaskReply *reply = (const void *)result->response;
	struct launch *launch = arg;
	struct launch_result runs = {.end = LAUNCH_RUNS, .why = ""};

	if (reply == NULL)
		runs = (struct launch_result){LAUNCH_REFUSED, NULL, result->status,
			result->message};
	else
		runs.task = reply->task;
	launch->done(errand, &runs, launch->arg);
}

static void
get(struct errand *errand, struct launch *launch)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;

	request.task = launch->task_id;
	errand_ask(errand, "GetTask", &request.base, 0, on_got, launch);
}

static void
on_waited(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__WaitTaskReply *reply = (const void *)result->response;
	struct launch *launch = arg;
	uint64_t spent_ms = clock_mono_ms() - launch->start_ms;
	const Davit__Task *task;
	const char *why;

	if (result->status != DAVIT__REPLY__STATUS__OK) {
		struct launch_result refused = {LAUNCH_REFUSED, NULL, result->status,
			result->message};

		launch->done(errand, &refused, launch->arg);
		return;
	}
	task = reply->task;
	why = task->message == NULL ? "" : task->message;
	if (task->started_ms > 0 || task->state == DAVIT__TASK__STATE__RUNNING) {
		get(errand, launch);
	} else if (has_no_room(task)) {
		give_up(errand, launch, LAUNCH_NO_ROOM, why);
	} else if (task->state == DAVIT__TASK__STATE__FAILED ||
		   task->state == DAVIT__TASK__STATE__COMPLETED) {
		give_up(errand, launch, LAUNCH_REJECTED, why);
	} else if (spent_ms >= LAUNCH_MS ||
		   (task->state == DAVIT__TASK__STATE__PENDING && spent_ms >= LAUNCH_QUEUE_MS)) {
		give_up(errand, launch, LAUNCH_NO_ROOM, why[0] == '\0' ? "no scheduler" : why);
	} else {
		launch->seen_version = task->version;
		wait_on(errand, launch);
	}
}

static void
wait_on(struct errand *errand, struct launch *launch)
{
	Davit__WaitTaskRequest request = DAVIT__WAIT_TASK_REQUEST__INIT;

	request.task = launch->task_id;
	request.has_until = request.has_wait_ms = request.has_seen_version = true;
	request.until = DAVIT__TASK__STATE__RUNNING;
	request.wait_ms = LAUNCH_QUEUE_MS;
	request.seen_version = launch->seen_version;
	errand_ask(errand, "WaitTask", &request.base, request.wait_ms, on_waited, launch);
}

static void
on_submitted(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__SubmitTasksReply *reply = (const void *)result->response;
	struct launch *launch = arg;

	if (result->status != DAVIT__REPLY__STATUS__OK) {
		struct launch_result refused = {LAUNCH_REFUSED, NULL, result->status,
			result->message};

		launch->done(errand, &refused, launch->arg);
		return;
	}
	launch->task_id = arena_strdup(errand_arena(errand), reply->task_ids[0]);
	wait_on(errand, launch);
}

void
launch_start(struct errand *errand, const Davit__TaskSpec *spec, launch_done_fn *done, void *arg)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	struct launch *launch = arena_alloc(errand_arena(errand), sizeof *launch);

	*launch = (struct launch){.done = done, .arg = arg, .start_ms = clock_mono_ms()};
	request.spec = (Davit__TaskSpec *)(uintptr_t)spec;
	errand_ask(errand, "SubmitTasks", &request.base, 0, on_submitted, launch);
}
