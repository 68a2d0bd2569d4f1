#include "services/gateway/channel_input.h"

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"

enum { WAIT_MS = 30000 };

static void write_more(void *arg);

static void
on_written(const struct rpc_result *result, void *arg)
{
	struct channel_input *input = arg;
	const Davit__WriteChannelReply *reply = (const void *)result->response;
	uint64_t taken;

	input->call = NULL;
	if (upstream_is_trouble(result->status)) {
		/* Until who reads the output gives up. */
		upstream_pause(input->manager, CHANNEL_RETRY_MS,
			&(struct upstream_pause){&input->call, write_more, input});
		return;
	}
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		channel_input_stop(input); /* it has ended, or broke off: its output says so */
		return;
	}
	taken = reply->offset > input->n_written ? reply->offset - input->n_written : 0;
	if (taken > input->waiting.size)
		taken = input->waiting.size;
	input->n_written += taken;
	buf_shift(&input->waiting, (size_t)taken);
	if (input->waiting.size == 0)
		buf_fini(&input->waiting);
	input->is_over = input->is_ending && input->waiting.size == 0;
	write_more(input);
	if (input->request != NULL)
		http_body_more(input->request);
}

static void
write_more(void *arg)
{
	struct channel_input *input = arg;
	Davit__WriteChannelRequest request = DAVIT__WRITE_CHANNEL_REQUEST__INIT;
	size_t size = input->waiting.size;

	if (input->call != NULL || input->is_over || (size == 0 && !input->is_whole))
		return;
	request.channel = (char *)(uintptr_t)input->channel;
	request.has_offset = request.has_data = request.has_end = request.has_wait_ms = true;
	request.offset = input->n_written;
	request.data.data = input->waiting.data;
	request.data.len = size < CHANNEL_INPUT_WRITE_BYTES ? size : CHANNEL_INPUT_WRITE_BYTES;
	request.end = input->is_ending = input->is_whole && size <= CHANNEL_INPUT_WRITE_BYTES;
	request.wait_ms = WAIT_MS;
	input->call = upstream_call(input->manager,
		rpc_method(&davit__manager__descriptor, "WriteChannel"), &request.base, NULL,
		WAIT_MS, on_written, input);
}

static size_t
on_body(const void *data, size_t size, void *arg)
{
	struct channel_input *input = arg;
	size_t room = CHANNEL_INPUT_BYTES - input->waiting.size;

	if (data == NULL) {
		input->is_whole = true;
		input->request = NULL;
	} else {
		size = size < room ? size : room;
		buf_put(&input->waiting, data, size);
	}
	write_more(input);
	return size;
}

void
channel_input_begin(struct channel_input *input, struct upstream *manager,
	struct http_request *request, const char *channel)
{
	input->manager = manager;
	input->channel = channel;
	input->request = request;
	http_body_read(request, on_body, input);
}

bool
channel_input_is_open(const struct channel_input *input)
{
	return input->request != NULL;
}

void
channel_input_stop(struct channel_input *input)
{
	struct http_request *request = TAKE(input->request);

	input->is_over = true;
	buf_fini(&input->waiting);
	if (request != NULL)
		http_body_drop(request);
}

void
channel_input_fini(struct channel_input *input, bool is_gone)
{
	if (is_gone)
		input->request = NULL;
	channel_input_stop(input);
	if (input->call != NULL)
		upstream_drop(TAKE(input->call));
}
