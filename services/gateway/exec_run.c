#include "services/gateway/exec_run.h"

#include "common/base/clock.h"
#include "proto/manager.pb-c.h"

struct exec {
	struct errand *errand;
	exec_done_fn *done;
	void *arg;
	uint64_t deadline_ms; /* 0: none */
	char *channel;        /* NULL: not open */
	uint64_t offset;
	struct buf output;
};

static void read_on(struct exec *exec);

/* The errand is over. Nobody waits for the answer: a channel that is forgotten ends, too. */
static void
give_back(struct errand *errand, void *arg)
{
	struct exec *exec = arg;

	if (exec->channel != NULL) {
		Davit__CloseChannelRequest request = DAVIT__CLOSE_CHANNEL_REQUEST__INIT;

		request.channel = exec->channel;
		errand_tell(errand, "CloseChannel", &request.base);
	}
	buf_fini(&exec->output);
}

static void
finish(struct exec *exec, enum exec_end end, Davit__Reply__Status status, const char *why)
{
	struct exec_result result = {.end = end,
		.status = status,
		.why = why,
		.output = &exec->output};

	exec->done(exec->errand, &result, exec->arg);
}

static bool
is_late(const struct exec *exec)
{
	return exec->deadline_ms > 0 && clock_mono_ms() >= exec->deadline_ms;
}

static void
end_well(struct exec *exec, const Davit__ReadChannelReply *reply)
{
	struct exec_result result = {.end = EXEC_DONE,
		.exit_code = reply->exit_code,
		.why = "",
		.output = &exec->output};

	if (reply->error != NULL)
		finish(exec, EXEC_FAILED, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, reply->error);
	else
		exec->done(exec->errand, &result, exec->arg);
}

static void
on_read(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__ReadChannelReply *reply = (const void *)result->response;
	struct exec *exec = arg;

	(void)errand;
	if (reply == NULL) {
		finish(exec, EXEC_FAILED, result->status, result->message);
		return;
	}
	for (size_t i = 0; i < reply->n_chunks; i++)
		buf_put(&exec->output, reply->chunks[i]->data.data, reply->chunks[i]->data.len);
	exec->offset = reply->offset;
	if (reply->end)
		end_well(exec, reply);
	else if (exec->output.size > EXEC_OUTPUT_MAX)
		finish(exec, EXEC_TOO_MUCH, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED,
			"more than 1 MiB of output (EXEC_OUTPUT_MAX)");
	else if (is_late(exec))
		finish(exec, EXEC_LATE, DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED,
			"the command did not end in time");
	else
		read_on(exec);
}

static void
read_on(struct exec *exec)
{
	Davit__ReadChannelRequest request = DAVIT__READ_CHANNEL_REQUEST__INIT;
	uint64_t now_ms = clock_mono_ms();

	request.channel = exec->channel;
	request.has_offset = request.has_wait_ms = true;
	request.offset = exec->offset;
	request.wait_ms = EXEC_WAIT_MS;
	if (exec->deadline_ms > 0 && exec->deadline_ms < now_ms + EXEC_WAIT_MS)
		request.wait_ms = exec->deadline_ms > now_ms ? exec->deadline_ms - now_ms : 1;
	errand_ask(exec->errand, "ReadChannel", &request.base, request.wait_ms, on_read, exec);
}

static void
on_opened(struct errand *errand, const struct rpc_result *result, void *arg)
{
	const Davit__OpenChannelReply *reply = (const void *)result->response;
	struct exec *exec = arg;

	if (reply == NULL) {
		finish(exec, EXEC_FAILED, result->status, result->message);
		return;
	}
	exec->channel = arena_strdup(errand_arena(errand), reply->channel);
	read_on(exec);
}

void
exec_run(struct errand *errand, const struct exec_wish *wish, exec_done_fn *done, void *arg)
{
	struct exec *exec = arena_alloc(errand_arena(errand), sizeof *exec);
	Davit__OpenChannelRequest request = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	Davit__ExecOptions options = DAVIT__EXEC_OPTIONS__INIT;

	*exec = (struct exec){.errand = errand, .done = done, .arg = arg};
	if (wish->limit_ms > 0)
		exec->deadline_ms = clock_mono_ms() + wish->limit_ms;
	errand_at_end(errand, give_back, exec);
	options.command = (char **)(uintptr_t)wish->command;
	while (wish->command[options.n_command] != NULL)
		options.n_command++;
	request.task = (char *)(uintptr_t)wish->task;
	request.exec = &options;
	/* The manager parks it until the engine has begun. */
	errand_ask(errand, "OpenChannel", &request.base, EXEC_WAIT_MS, on_opened, exec);
}
