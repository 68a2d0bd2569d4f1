#include "services/cli/cli_channel.h"

#include <errno.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "services/cli/cli_call.h"
#include "services/cli/cli_input.h"

enum { CTRL_P = 16, CTRL_Q = 17 };

/* One direction: at most one call under way. */
struct flow {
	struct cli_pump *pump;
	struct rpc_pending *pending; /* NULL: none */
	uint64_t offset;
	uint64_t retry_ms, pause_ms, trouble_ms; /* trouble: since when nothing works; 0: it does */
	bool is_over;
};

struct cli_pump {
	struct cli_channel *channel;
	struct cli_input *input;
	struct flow reading, writing;
	struct buf in; /* from writing.offset on */
	bool in_ended, end_is_sent, end_is_told, has_new_size, saw_ctrl_p;
	int code; /* of the whole, once it is over */
	bool is_over;
};

static void
end(struct cli_pump *pump, int code)
{
	if (!pump->is_over)
		pump->code = code;
	pump->is_over = true;
}

/* ---- trouble ---- */

static uint64_t
patience_ms(const struct cli *cli)
{
	return cli->globals->timeout_ms > 0 ? cli->globals->timeout_ms : CLI_TIMEOUT_MS;
}

/* True: it is worth asking again. */
static bool
bear(struct flow *flow, const struct rpc_result *result)
{
	struct cli *cli = flow->pump->channel->cli;
	uint64_t now = clock_mono_ms();

	if (result->status != DAVIT__REPLY__STATUS__UNAVAILABLE &&
		result->status != DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED &&
		result->status != DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED)
		return false;
	if (flow->trouble_ms == 0)
		flow->trouble_ms = now;
	if (now - flow->trouble_ms > patience_ms(cli))
		return false;
	flow->pause_ms = flow->pause_ms == 0 ? CLI_RETRY_MIN_MS : flow->pause_ms * 2;
	if (flow->pause_ms > CLI_RETRY_MAX_MS)
		flow->pause_ms = CLI_RETRY_MAX_MS;
	flow->retry_ms = now + flow->pause_ms;
	return true;
}

static void
recover(struct flow *flow)
{
	flow->trouble_ms = flow->pause_ms = flow->retry_ms = 0;
}

static void
call(struct flow *flow, const char *method, const ProtobufCMessage *request, rpc_done_fn *done)
{
	struct cli *cli = flow->pump->channel->cli;

	flow->pending = rpc_client_call(cli->client,
		rpc_method(&davit__manager__descriptor, method), request,
		&(struct rpc_call_options){.timeout_ms = CLI_POLL_MS + CLI_ATTEMPT_MS}, done, flow);
}

/* ---- out ---- */

static void
take_chunks(struct cli_pump *pump, const Davit__ReadChannelReply *reply)
{
	struct cli_channel *channel = pump->channel;

	for (size_t i = 0; i < reply->n_chunks && !pump->is_over; i++) {
		const Davit__LogChunk *chunk = reply->chunks[i];

		if (channel->sink(chunk->stream == DAVIT__LOG_CHUNK__STREAM__STDERR,
			    chunk->data.data, chunk->data.len, channel->arg) < 0)
			end(pump, CLI_FAILED);
	}
}

static void
on_read(const struct rpc_result *result, void *arg)
{
	struct flow *flow = arg;
	struct cli_pump *pump = flow->pump;
	struct cli_channel *channel = pump->channel;
	const Davit__ReadChannelReply *reply = (const Davit__ReadChannelReply *)result->response;

	flow->pending = NULL;
	if (pump->is_over)
		return;
	if (reply == NULL) {
		if (!bear(flow, result))
			end(pump, cli_fail(channel->cli, CLI_CHANNEL_SESSION_CODE, "%s",
					  result->message));
		return;
	}
	recover(flow);
	take_chunks(pump, reply);
	flow->offset = reply->offset;
	if (!reply->end)
		return;
	channel->has_ended = true;
	channel->has_exit_code = reply->has_exit_code;
	channel->exit_code = reply->exit_code;
	channel->error = reply->error == NULL ? NULL : xstrdup(reply->error);
	end(pump, CLI_OK);
}

static void
start_read(struct cli_pump *pump)
{
	Davit__ReadChannelRequest request = DAVIT__READ_CHANNEL_REQUEST__INIT;

	request.channel = pump->channel->info->channel;
	request.has_offset = request.has_wait_ms = request.has_max_bytes = true;
	request.offset = pump->reading.offset;
	request.wait_ms = CLI_POLL_MS;
	request.max_bytes = CLI_CHANNEL_PIECE;
	call(&pump->reading, "ReadChannel", &request.base, on_read);
}

/* ---- in ---- */

static void
on_written(const struct rpc_result *result, void *arg)
{
	struct flow *flow = arg;
	struct cli_pump *pump = flow->pump;
	const Davit__WriteChannelReply *reply = (const Davit__WriteChannelReply *)result->response;

	flow->pending = NULL;
	if (pump->is_over)
		return;
	if (reply == NULL) {
		/* What came out, and why it ended, is for the reading to tell. */
		flow->is_over = !bear(flow, result);
		return;
	}
	recover(flow);
	if (reply->offset < flow->offset || reply->offset > flow->offset + pump->in.size) {
		flow->is_over = true;
		return;
	}
	/* The input may have ended since the call was made: then its end is still to be told. */
	pump->end_is_told = pump->end_is_sent && reply->offset == flow->offset + pump->in.size;
	buf_shift(&pump->in, (size_t)(reply->offset - flow->offset));
	flow->offset = reply->offset;
}

static void
start_write(struct cli_pump *pump)
{
	Davit__WriteChannelRequest request = DAVIT__WRITE_CHANNEL_REQUEST__INIT;
	size_t n = pump->in.size < CLI_CHANNEL_PIECE ? pump->in.size : CLI_CHANNEL_PIECE;

	request.channel = pump->channel->info->channel;
	request.has_offset = request.has_wait_ms = request.has_data = true;
	request.offset = pump->writing.offset;
	request.wait_ms = CLI_POLL_MS;
	request.data.data = pump->in.data;
	request.data.len = n;
	request.has_end = request.end = pump->in_ended && n == pump->in.size;
	if (pump->has_new_size && cli_input_size(pump->input, &request.rows, &request.columns))
		request.has_rows = request.has_columns = true;
	pump->has_new_size = false;
	pump->end_is_sent = request.end;
	call(&pump->writing, "WriteChannel", &request.base, on_written);
}

/* Looks for ctrl-p ctrl-q; a ctrl-p alone is held back until it is known what follows. */
static void
filter_keys(struct cli_pump *pump, const uint8_t *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (pump->saw_ctrl_p && keys[i] == CTRL_Q) {
			pump->channel->is_detached = true;
			end(pump, CLI_OK);
			return;
		}
		if (pump->saw_ctrl_p)
			buf_put(&pump->in, &(uint8_t){CTRL_P}, 1);
		pump->saw_ctrl_p = keys[i] == CTRL_P;
		if (!pump->saw_ctrl_p)
			buf_put(&pump->in, &keys[i], 1);
	}
}

static void
read_input(struct cli_pump *pump)
{
	while (!pump->in_ended && !pump->is_over && pump->in.size < 2 * CLI_CHANNEL_PIECE) {
		uint8_t data[1 << 16];
		ssize_t n = cli_input_read(pump->input, data, sizeof data);

		if (n == 0)
			return;
		if (n < 0)
			pump->in_ended = true;
		else if (pump->channel->has_detach_keys)
			filter_keys(pump, data, (size_t)n);
		else
			buf_put(&pump->in, data, (size_t)n);
	}
}

static void
on_input_news(void *arg)
{
	struct cli_pump *pump = arg;

	if (cli_input_is_over(pump->input))
		end(pump, CLI_INTERRUPTED);
	pump->has_new_size |= pump->channel->is_raw;
}

/* ---- all ---- */

static bool
may_start(const struct flow *flow)
{
	return flow->pending == NULL && !flow->is_over &&
	       (flow->retry_ms == 0 || flow->retry_ms <= clock_mono_ms());
}

static void
turn(struct cli_pump *pump)
{
	if (may_start(&pump->reading))
		start_read(pump);
	if (pump->input != NULL && !pump->writing.is_over) {
		read_input(pump);
		if (!pump->is_over && may_start(&pump->writing) &&
			(pump->in.size > 0 || pump->has_new_size ||
				(pump->in_ended && !pump->end_is_told)))
			start_write(pump);
	}
	if (!pump->is_over)
		(void)uv_run(pump->channel->cli->loop, UV_RUN_ONCE);
}

static void
cancel(struct cli_pump *pump, struct flow *flow)
{
	if (flow->pending != NULL)
		rpc_client_cancel(pump->channel->cli->client, flow->pending);
	while (flow->pending != NULL)
		(void)uv_run(pump->channel->cli->loop, UV_RUN_ONCE);
}

int
cli_channel_run(struct cli_channel *channel)
{
	struct cli *cli = channel->cli;
	struct cli_pump pump = {.channel = channel};
	unsigned n_interrupts = cli->n_interrupts;

	pump.reading.pump = pump.writing.pump = &pump;
	channel->pump = &pump;
	cli_catch_interrupts(cli);
	if (channel->in_fd >= 0)
		pump.input = cli_input_open(cli->loop, channel->in_fd, channel->is_raw,
			on_input_news, &pump);
	while (!pump.is_over) {
		turn(&pump);
		if (cli->n_interrupts != n_interrupts)
			end(&pump, CLI_INTERRUPTED);
	}
	cancel(&pump, &pump.reading);
	cancel(&pump, &pump.writing);
	cli_input_close(pump.input);
	buf_fini(&pump.in);
	channel->pump = NULL;
	return pump.code;
}

int
cli_channel_open(struct cli *cli, const Davit__OpenChannelRequest *request,
	struct cli_channel *channel)
{
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};
	struct cli_ask ask = {.method = "OpenChannel", .request = &request->base, .changes = true};

	channel->cli = cli;
	cli_ask(cli, &ask, &reply);
	if (reply.status != DAVIT__REPLY__STATUS__OK)
		return cli_reply_code(cli, &reply);
	channel->info = (Davit__OpenChannelReply *)TAKE(reply.response);
	return CLI_OK;
}

void
cli_channel_close(struct cli_channel *channel)
{
	Davit__CloseChannelRequest request = DAVIT__CLOSE_CHANNEL_REQUEST__INIT;
	struct cli_ask ask = {.method = "CloseChannel", .request = &request.base, .timeout_ms = 1};
	CLEANUP(cli_reply_fini) struct cli_reply reply = {0};

	if (channel->info != NULL && channel->cli->client != NULL) {
		request.channel = channel->info->channel;
		ask.timeout_ms =
			CLI_RETRY_MAX_MS; /* should it fail, the worker gives it up itself */
		cli_ask(channel->cli, &ask, &reply);
	}
	davit__open_channel_reply__free_unpacked(channel->info, NULL);
	free(channel->error);
	channel->info = NULL;
	channel->error = NULL;
}

int
cli_channel_code(const struct cli_channel *channel)
{
	if (channel->error != NULL)
		return cli_fail(channel->cli, CLI_CHANNEL_SESSION_CODE, "%s", channel->error);
	return channel->has_exit_code ? channel->exit_code : CLI_OK;
}

int
cli_channel_print(bool is_err, const void *data, size_t size, void *arg)
{
	struct cli *cli = arg;
	FILE *to = is_err ? cli->err : cli->out;

	if (fwrite(data, 1, size, to) < size || fflush(to) != 0)
		return -EPIPE;
	return 0;
}
