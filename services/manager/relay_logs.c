#include "common/base/mem.h"
#include "services/manager/relay_impl.h"
#include "services/manager/task_calls.h"
#include "services/manager/view.h"

enum { LOGS_BYTES_DEFAULT = 256 << 10, LOGS_BYTES_MAX = 1 << 20 };

static void
ask_logs(const struct query *query, Davit__Query *message, struct arena *arena)
{
	const Davit__ReadLogsRequest *request =
		(const Davit__ReadLogsRequest *)query->call->request;
	Davit__LogsQuery *logs = arena_alloc(arena, sizeof *logs);

	davit__logs_query__init(logs);
	logs->task_id = view_id(query->task_id, arena);
	logs->cursor = request->cursor;
	logs->has_wait_ms = logs->has_max_bytes = true;
	logs->wait_ms = request->wait_ms;
	logs->max_bytes = request->max_bytes > 0 ? request->max_bytes : LOGS_BYTES_DEFAULT;
	logs->has_tail = request->has_tail;
	logs->tail = request->tail;
	logs->has_since_ms = request->has_since_ms;
	logs->since_ms = request->since_ms;
	logs->has_timestamps = request->has_timestamps;
	logs->timestamps = request->timestamps;
	logs->has_until_ms = request->has_until_ms;
	logs->until_ms = request->until_ms;
	message->logs = logs;
}

static const ProtobufCMessage *
pick_logs(const Davit__QueryAnswer *answer)
{
	return answer->logs == NULL ? NULL : &answer->logs->base;
}

static const struct query_kind logs_kind = {.ask = ask_logs, .pick = pick_logs, .field = "task"};

static void
answer_empty(struct manager *manager, struct rpc_call *call, const char *cursor, bool end)
{
	Davit__ReadLogsReply reply = DAVIT__READ_LOGS_REPLY__INIT;

	reply.cursor = (char *)(uintptr_t)cursor;
	reply.has_end = true;
	reply.end = end;
	batch_answer(manager, call, &reply.base);
}

/* No container yet, or none any more. */
static void
read_without_node(struct manager *manager, struct rpc_call *call, struct task *task)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;

	if (task_state_is_final(task->state))
		answer_empty(manager, call, request->cursor, true);
	else if (request->wait_ms > 0)
		relay_wait_for_start(manager, call, task);
	else
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "task",
			"the task has no container yet: %s",
			task->message != NULL ? task->message : "it is still being placed");
}

static void
expire_start_wait(struct manager *manager, struct wait *wait)
{
	struct task *task = wait->owner;
	const Davit__ReadLogsRequest *request;
	struct rpc_call *call;

	waits_unlink(&task->log_waits, wait);
	call = waits_end(manager, wait);
	request = (const Davit__ReadLogsRequest *)call->request;
	answer_empty(manager, call, request->cursor, false);
}

void
relay_wait_for_start(struct manager *manager, struct rpc_call *call, struct task *task)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;
	struct wait *wait = waits_add(manager, call, request->wait_ms, expire_start_wait, task);

	if (wait == NULL)
		return;
	wait->next = task->log_waits;
	task->log_waits = wait;
}

static bool
has_output(const struct task *task)
{
	return task->on_node && task->node != NULL &&
	       task->observed >= DAVIT__TASK_REPORT__OBSERVED__RUNNING &&
	       task->observed != DAVIT__TASK_REPORT__OBSERVED__REJECTED;
}

static void
read_from_node(struct manager *manager, struct rpc_call *call, struct task *task)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;
	struct query *query;

	if (!relay_is_heard(task->node)) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__UNAVAILABLE, "task",
			"node '%s' is silent: its logs cannot be read now", task->node->name);
		return;
	}
	if (relay_refuse_too_many(manager, call, 0))
		return;
	query = relay_add(manager, task->node, &logs_kind, request->wait_ms, 0);
	query->call = call;
	query->task_id = task->id;
}

void
relay_logs(struct manager *manager, struct rpc_call *call)
{
	const Davit__ReadLogsRequest *request = (const Davit__ReadLogsRequest *)call->request;
	struct task *task = task_resolve(manager, call, request->namespace_, request->task, "task");

	if (task == NULL)
		return;
	if (request->max_bytes > LOGS_BYTES_MAX || request->wait_ms > RPC_WAIT_MAX_MS) {
		batch_refuse(manager, call, DAVIT__REPLY__STATUS__INVALID_ARGUMENT,
			request->max_bytes > LOGS_BYTES_MAX ? "max_bytes" : "wait_ms",
			"at most %d bytes and %d ms", LOGS_BYTES_MAX, RPC_WAIT_MAX_MS);
		return;
	}
	if (has_output(task))
		read_from_node(manager, call, task);
	else
		read_without_node(manager, call, task);
}

void
relay_task_changed(struct manager *manager, struct task *task)
{
	struct wait *wait;

	if (!has_output(task) && !task_state_is_final(task->state))
		return;
	while ((wait = task->log_waits) != NULL) {
		struct rpc_call *call;

		task->log_waits = wait->next;
		call = waits_end(manager, wait);
		if (has_output(task))
			read_from_node(manager, call, task);
		else
			read_without_node(manager, call, task);
	}
}
