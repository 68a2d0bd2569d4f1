/* Reading output in pieces, whatever breaks: tested by tests/unit/test_cli_logs.c. */
#include <string.h>

#include "common/base/mem.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_task.h"

enum {
	READ_PATIENCE_MS = 5000, /* following a node that is silent; then the task is looked at */
	READ_BYTES = 1 << 20,
	CONTAINER_PAUSE_MS = 100, /* for a task that runs, but whose output is not there yet */
};

enum step {
	STEP_AGAIN, /* there may be more */
	STEP_END,   /* that was all */
	STEP_FAIL,  /* code says why */
};

struct reading {
	struct cli *cli;
	struct cli_logs *logs;
	bool has_noted; /* that it is silent: once is enough */
	int code;
};

void
cli_logs_fini(struct cli_logs *logs)
{
	free(logs->cursor);
	logs->cursor = NULL;
}

static enum step
fail(struct reading *reading, int code)
{
	reading->code = code;
	return STEP_FAIL;
}

static void
write_chunks(struct cli *cli, const Davit__ReadLogsReply *reply)
{
	for (size_t i = 0; i < reply->n_chunks; i++) {
		const Davit__LogChunk *chunk = reply->chunks[i];
		bool is_err = chunk->stream == DAVIT__LOG_CHUNK__STREAM__STDERR;

		(void)fwrite(chunk->data.data, 1, chunk->data.len, is_err ? cli->err : cli->out);
	}
	(void)fflush(cli->out);
	(void)fflush(cli->err);
}

static enum step
take_reply(struct reading *reading, Davit__ReadLogsReply *reply)
{
	write_chunks(reading->cli, reply);
	reading->has_noted = false;
	if (reply->cursor != NULL) {
		free(reading->logs->cursor);
		reading->logs->cursor = TAKE(reply->cursor);
	}
	if (ferror(reading->cli->out))
		return fail(reading, CLI_FAILED);
	if (reply->end || (!reading->logs->follows && reply->n_chunks == 0))
		return STEP_END;
	return STEP_AGAIN;
}

/* The task as it is now, or NULL after having said why. */
static Davit__Task *
get_task(struct reading *reading)
{
	Davit__GetTaskRequest request = DAVIT__GET_TASK_REQUEST__INIT;
	CLEANUP(cli_response_free) ProtobufCMessage *response = NULL;

	request.task = (char *)(uintptr_t)reading->logs->task;
	request.namespace_ = reading->cli->globals->namespace_name;
	reading->code = cli_call(reading->cli, "GetTask", &request.base, &response);
	return reading->code == CLI_OK ? TAKE(((Davit__GetTaskReply *)response)->task) : NULL;
}

/* There is no container: not yet, or there will be none. */
static enum step
wait_for_container(struct reading *reading, const struct cli_reply *reply)
{
	struct cli_wait wait = {.task = reading->logs->task, .until = DAVIT__TASK__STATE__RUNNING};
	CLEANUP(cli_task_free) Davit__Task *task = NULL;

	if (!reading->logs->follows)
		return fail(reading, cli_reply_code(reading->cli, reply));
	reading->code = cli_task_wait(reading->cli, &wait, &task);
	if (reading->code != CLI_OK)
		return STEP_FAIL;
	if (cli_task_has_ended(task))
		return STEP_END;
	cli_pause(reading->cli, CONTAINER_PAUSE_MS);
	return STEP_AGAIN;
}

/* Its node or the manager does not answer. */
static enum step
wait_for_node(struct reading *reading, const struct cli_reply *reply)
{
	CLEANUP(cli_task_free) Davit__Task *task = NULL;

	if (!reading->logs->follows || reading->cli->globals->timeout_ms > 0)
		return fail(reading, cli_reply_code(reading->cli, reply));
	if (!reply->is_unreachable) {
		task = get_task(reading);
		if (task == NULL && reading->code != CLI_UNREACHABLE)
			return STEP_FAIL;
		if (task != NULL && cli_task_has_ended(task))
			return fail(reading, cli_reply_code(reading->cli, reply));
	}
	if (!reading->has_noted)
		cli_note(reading->cli, "%s; trying again",
			reply->is_unreachable ? "the manager does not answer" : reply->message);
	reading->has_noted = true;
	return STEP_AGAIN;
}

static enum step
read_once(struct reading *reading)
{
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	Davit__ReadLogsRequest request = DAVIT__READ_LOGS_REQUEST__INIT;
	struct cli_ask ask = {.method = "ReadLogs", .request = &request.base};
	struct cli_logs *logs = reading->logs;

	request.task = (char *)(uintptr_t)logs->task;
	request.namespace_ = reading->cli->globals->namespace_name;
	request.cursor = logs->cursor;
	request.has_wait_ms = true;
	request.wait_ms = ask.wait_ms = logs->follows ? CLI_POLL_MS : 0;
	request.has_max_bytes = true;
	request.max_bytes = READ_BYTES;
	request.has_tail = logs->has_tail && logs->cursor == NULL;
	request.tail = logs->tail;
	request.has_since_ms = logs->since_ms > 0;
	request.since_ms = logs->since_ms;
	request.has_until_ms = logs->until_ms > 0;
	request.until_ms = logs->until_ms;
	request.has_timestamps = logs->has_timestamps;
	request.timestamps = logs->has_timestamps;
	if (logs->follows && reading->cli->globals->timeout_ms == 0)
		ask.timeout_ms =
			READ_PATIENCE_MS; /* else as long as any call, asked again meanwhile */
	cli_ask(reading->cli, &ask, &reply);
	switch (reply.status) {
	case DAVIT__REPLY__STATUS__OK:
		return take_reply(reading, (Davit__ReadLogsReply *)reply.response);
	case DAVIT__REPLY__STATUS__FAILED_PRECONDITION:
		return wait_for_container(reading, &reply);
	case DAVIT__REPLY__STATUS__UNAVAILABLE:
	case DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED:
		if (reading->cli->was_connected)
			return wait_for_node(reading, &reply);
		break;
	default:
		break;
	}
	return fail(reading, cli_reply_code(reading->cli, &reply));
}

int
cli_logs_read(struct cli *cli, struct cli_logs *logs)
{
	struct reading reading = {.cli = cli, .logs = logs};
	enum step step;

	do
		step = read_once(&reading);
	while (step == STEP_AGAIN);
	return step == STEP_END ? CLI_OK : reading.code;
}
