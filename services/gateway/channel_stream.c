#include "services/gateway/channel_stream.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/http/http_events.h"
#include "common/pbjson/pbjson.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/api.h"
#include "services/gateway/site.h"
#include "services/gateway/transcode.h"

enum {
	WAIT_MS = 30000,
	WRITE_BYTES = 256 << 10, /* of input in one call */
	READ_BYTES = 256 << 10,
	PAIRS_MAX = TRANSCODE_PAIRS_MAX,
	FRAME_HEAD = 8, /* of Docker's: stream, 0, 0, 0, size */
};

enum form { FORM_RAW, FORM_FRAMES, FORM_EVENTS };

/* One client and what it reads; input goes the other way at the same time. */
struct pump {
	struct site *site;
	struct http_request *request; /* until the stream has begun, or it was refused */
	struct http_stream *stream;   /* NULL: not begun; of events.stream for FORM_EVENTS */
	struct http_events events;
	enum form form;
	const char *type; /* of FORM_RAW */
	bool is_answer;   /* copies in: nothing is sent until the end */
	struct upstream_call *opening, *reading, *writing;
	char *channel;   /* NULL: logs, or not open yet */
	uint64_t offset; /* of output */
	struct buf input;
	uint64_t n_written; /* of input */
	/* Logs. */
	char *task, *namespace, *cursor;
	bool follows, is_log, has_timestamps, has_tail;
	uint32_t tail;
	uint64_t since_ms;
};

static void
pump_free(struct pump *pump)
{
	if (pump->opening != NULL)
		upstream_drop(pump->opening);
	if (pump->reading != NULL)
		upstream_drop(pump->reading);
	if (pump->writing != NULL)
		upstream_drop(pump->writing);
	buf_fini(&pump->input);
	free(pump->channel);
	free(pump->task);
	free(pump->namespace);
	free(pump->cursor);
	free(pump);
}

static struct upstream_call *
ask(struct pump *pump, const char *rpc, const ProtobufCMessage *request, uint64_t wait_ms,
	rpc_done_fn *done)
{
	return upstream_call(pump->site->manager, rpc_method(&davit__manager__descriptor, rpc),
		request, NULL, wait_ms, done, pump);
}

static void
on_closed(const struct rpc_result *result, void *arg)
{
	(void)result; /* the worker forgets it by itself, too */
	(void)arg;
}

static void
close_channel(struct pump *pump)
{
	Davit__CloseChannelRequest request = DAVIT__CLOSE_CHANNEL_REQUEST__INIT;

	if (pump->channel == NULL)
		return;
	request.channel = pump->channel;
	(void)upstream_call(pump->site->manager,
		rpc_method(&davit__manager__descriptor, "CloseChannel"), &request.base, NULL, 0,
		on_closed, NULL);
}

static void
on_gone(void *arg)
{
	close_channel(arg);
	pump_free(arg);
}

/* ---- output ---- */

static void read_more(void *arg);

static void
begin(struct pump *pump)
{
	struct http_request *request = TAKE(pump->request);

	if (pump->form == FORM_EVENTS) {
		http_events_begin(&pump->events, request, on_gone, pump);
		pump->stream = pump->events.stream;
	} else {
		http_reply_header(request, "Cache-Control", "no-store");
		http_reply_header(request, "Trailer", "Davit-Exit-Code, Davit-Error");
		http_reply_header(request, "X-Content-Type-Options", "nosniff");
		pump->stream = http_stream(request, 200,
			pump->form == FORM_RAW ? pump->type
					       : "application/vnd.docker.multiplexed-stream",
			on_gone, pump);
	}
	http_stream_on_drained(pump->stream, read_more, pump);
}

static void
put_event(struct pump *pump, const Davit__LogChunk *chunk, const char *id)
{
	CLEANUP(buf_fini) struct buf json = {0}, frame = {0};

	pbjson_print_text((const char *)chunk->data.data, chunk->data.len, &json);
	http_events_print(id,
		chunk->stream == DAVIT__LOG_CHUNK__STREAM__STDERR ? "stderr" : "stdout",
		(const char *)json.data, json.size, &frame);
	(void)http_events_write(&pump->events, frame.data, frame.size);
}

static void
put_chunk(struct pump *pump, const Davit__LogChunk *chunk, const char *id)
{
	uint8_t head[FRAME_HEAD] = {chunk->stream == DAVIT__LOG_CHUNK__STREAM__STDERR ? 2 : 1};
	uint32_t size = htonl((uint32_t)chunk->data.len);

	if (pump->is_answer)
		return;
	if (pump->form == FORM_EVENTS) {
		put_event(pump, chunk, id);
		return;
	}
	if (pump->form == FORM_FRAMES) {
		memcpy(head + 4, &size, sizeof size);
		(void)http_stream_write(pump->stream, head, sizeof head);
	}
	(void)http_stream_write(pump->stream, chunk->data.data, chunk->data.len);
}

/* The end of the output. error may be NULL. */
static void
finish(struct pump *pump, const int32_t *exit_code, const char *error)
{
	CLEANUP(buf_fini) struct buf json = {0}, frame = {0};

	if (pump->form == FORM_EVENTS) {
		buf_puts(&json, "{");
		if (exit_code != NULL)
			buf_printf(&json, "\"exit_code\":%" PRId32, *exit_code);
		if (error != NULL) {
			buf_puts(&json, json.size > 1 ? ",\"error\":" : "\"error\":");
			pbjson_print_text(error, strlen(error), &json);
		}
		buf_puts(&json, "}");
		http_events_print(NULL, "end", (const char *)json.data, json.size, &frame);
		(void)http_events_write(&pump->events, frame.data, frame.size);
	} else if (exit_code != NULL) {
		buf_printf(&json, "%" PRId32, *exit_code);
		http_stream_trailer(pump->stream, "Davit-Exit-Code", buf_text(&json));
	}
	if (error != NULL && pump->form != FORM_EVENTS)
		http_stream_break(pump->stream); /* or it would look whole */
	else
		http_stream_end(pump->stream);
	pump_free(pump);
}

/* It cannot go on: as a problem, or, when something was sent already, by breaking off. */
static void
give_up(struct pump *pump, Davit__Reply__Status status, const char *message, const char *field)
{
	if (pump->request == NULL) {
		finish(pump, NULL, message);
		return;
	}
	api_refuse(TAKE(pump->request), status, message, field);
	pump_free(pump);
}

/* ---- logs ---- */

static void
on_logs(const struct rpc_result *result, void *arg)
{
	struct pump *pump = arg;
	const Davit__ReadLogsReply *reply = (const void *)result->response;
	bool is_first = pump->request != NULL;

	pump->reading = NULL;
	if (result->status == DAVIT__REPLY__STATUS__FAILED_PRECONDITION && is_first &&
		pump->follows) {
		begin(pump); /* there is no container yet */
		read_more(pump);
		return;
	}
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		give_up(pump, result->status, result->message, result->field);
		return;
	}
	if (is_first)
		begin(pump);
	free(pump->cursor);
	pump->cursor = reply->cursor == NULL ? NULL : xstrdup(reply->cursor);
	for (size_t i = 0; i < reply->n_chunks; i++)
		put_chunk(pump, reply->chunks[i], i + 1 == reply->n_chunks ? reply->cursor : NULL);
	if (reply->end || (!pump->follows && reply->n_chunks == 0))
		finish(pump, NULL, NULL);
	else if (reply->n_chunks == 0)
		read_more(pump);
}

static void
read_logs(struct pump *pump)
{
	Davit__ReadLogsRequest request = DAVIT__READ_LOGS_REQUEST__INIT;

	request.task = pump->task;
	request.namespace_ = pump->namespace;
	request.cursor = pump->cursor;
	request.has_wait_ms = request.has_max_bytes = true;
	request.wait_ms = pump->follows && pump->request == NULL ? WAIT_MS : 0;
	request.max_bytes = READ_BYTES;
	request.has_timestamps = request.timestamps = pump->has_timestamps;
	request.has_tail = pump->has_tail && pump->cursor == NULL;
	request.tail = pump->tail;
	request.has_since_ms = pump->since_ms > 0;
	request.since_ms = pump->since_ms;
	pump->reading = ask(pump, "ReadLogs", &request.base, request.wait_ms, on_logs);
}

/* ---- channels ---- */

static void
on_output(const struct rpc_result *result, void *arg)
{
	struct pump *pump = arg;
	const Davit__ReadChannelReply *reply = (const void *)result->response;

	pump->reading = NULL;
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		give_up(pump, result->status, result->message, NULL);
		return;
	}
	for (size_t i = 0; i < reply->n_chunks; i++)
		put_chunk(pump, reply->chunks[i], NULL);
	pump->offset = reply->has_offset ? reply->offset : pump->offset;
	if (!reply->end) {
		if (reply->n_chunks == 0 || pump->is_answer)
			read_more(pump);
		return;
	}
	close_channel(pump);
	if (!pump->is_answer) {
		finish(pump, reply->has_exit_code ? &reply->exit_code : NULL, reply->error);
		return;
	}
	if (reply->error != NULL)
		api_refuse(pump->request, DAVIT__REPLY__STATUS__INTERNAL, reply->error, NULL);
	else
		http_reply(pump->request, 204, NULL, NULL, 0);
	pump->request = NULL;
	pump_free(pump);
}

static void
read_channel(struct pump *pump)
{
	Davit__ReadChannelRequest request = DAVIT__READ_CHANNEL_REQUEST__INIT;

	request.channel = pump->channel;
	request.has_offset = request.has_wait_ms = request.has_max_bytes = true;
	request.offset = pump->offset;
	request.wait_ms = WAIT_MS;
	request.max_bytes = READ_BYTES;
	pump->reading = ask(pump, "ReadChannel", &request.base, WAIT_MS, on_output);
}

/* The client has taken what there was: the next piece is asked for. */
static void
read_more(void *arg)
{
	struct pump *pump = arg;

	if (pump->reading != NULL)
		return;
	if (pump->is_log)
		read_logs(pump);
	else
		read_channel(pump);
}

static void write_more(struct pump *pump);

static void
on_written(const struct rpc_result *result, void *arg)
{
	struct pump *pump = arg;
	const Davit__WriteChannelReply *reply = (const void *)result->response;
	bool was_last = pump->input.size - pump->n_written <= WRITE_BYTES;

	pump->writing = NULL;
	if (result->status != DAVIT__REPLY__STATUS__OK)
		return; /* it has ended, or broke off: its output says so */
	pump->n_written = reply->offset < pump->input.size ? reply->offset : pump->input.size;
	if (pump->n_written < pump->input.size || !was_last)
		write_more(pump);
	else
		buf_fini(&pump->input);
}

static void
write_more(struct pump *pump)
{
	Davit__WriteChannelRequest request = DAVIT__WRITE_CHANNEL_REQUEST__INIT;
	size_t left = pump->input.size - pump->n_written;

	request.channel = pump->channel;
	request.has_offset = request.has_data = request.has_end = request.has_wait_ms = true;
	request.offset = pump->n_written;
	request.data.data = pump->input.data + pump->n_written;
	request.data.len = left < WRITE_BYTES ? left : WRITE_BYTES;
	request.end = left <= WRITE_BYTES;
	request.wait_ms = WAIT_MS;
	pump->writing = ask(pump, "WriteChannel", &request.base, WAIT_MS, on_written);
}

static void
on_open(const struct rpc_result *result, void *arg)
{
	struct pump *pump = arg;
	const Davit__OpenChannelReply *reply = (const void *)result->response;

	pump->opening = NULL;
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		give_up(pump, result->status, result->message, result->field);
		return;
	}
	pump->channel = xstrdup(reply->channel);
	if (!pump->is_answer)
		begin(pump);
	if (pump->is_answer || pump->input.size > 0)
		write_more(pump);
	read_more(pump);
}

/* ---- requests ---- */

struct query {
	struct transcode_pair items[PAIRS_MAX + 1];
	size_t n;
	const char *except; /* names with commas around each: they are the gateway's own */
};

static void
add_pair(const char *name, const char *value, void *arg)
{
	struct query *query = arg;
	char word[64];

	(void)snprintf(word, sizeof word, ",%.60s,", name);
	if (strstr(query->except, word) == NULL && query->n <= PAIRS_MAX)
		query->items[query->n++] = (struct transcode_pair){name, value};
}

/* The query as a message of that type, without those names; NULL: it was refused. */
static ProtobufCMessage *
read_query(struct http_request *request, const ProtobufCMessageDescriptor *type, const char *except)
{
	struct query query = {.except = except};
	struct transcode_input input = {.type = type, .pairs = query.items};
	ProtobufCMessage *message;
	struct pbjson_err err;

	http_query_each(request, add_pair, &query);
	input.n_pairs = query.n;
	if (transcode_request(&input, &message, &err) == 0)
		return message;
	api_refuse(request, rpc_status_of_errno(err.err.code), err.err.text, err.path);
	return NULL;
}

static enum form
form_of(const struct http_request *request)
{
	const char *accept = http_header(request, "Accept");

	if (http_events_are_wanted(request))
		return FORM_EVENTS;
	return accept != NULL && strstr(accept, "multiplexed-stream") != NULL ? FORM_FRAMES
									      : FORM_RAW;
}

/* NULL: it was refused. */
static struct pump *
pump_new(struct http_request *request, struct site *site, const char *type)
{
	struct pump *pump;

	if (http_refuse_stream(request))
		return NULL;
	pump = xcalloc(1, sizeof *pump);
	pump->site = site;
	pump->request = request;
	pump->type = type;
	pump->form = form_of(request);
	http_on_gone(request, on_gone, pump);
	return pump;
}

static bool
is_true(const char *value)
{
	return value != NULL && strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
}

bool
channel_stream_wants_logs(const struct http_request *request)
{
	const char *accept = http_header(request, "Accept");

	return http_query(request, "follow") != NULL || form_of(request) != FORM_RAW ||
	       (accept != NULL && strstr(accept, "text/plain") != NULL);
}

void
channel_stream_logs(struct http_request *request, void *arg)
{
	Davit__ReadLogsRequest *query = NULL;
	struct pump *pump = pump_new(request, arg, "text/plain; charset=utf-8");
	const char *last_id = http_header(request, "Last-Event-ID");
	CLEANUP(buf_fini) struct buf path = {0};
	struct query pairs = {.except = ",follow,task,"};
	struct transcode_input input = {.type = &davit__read_logs_request__descriptor};
	struct pbjson_err err;

	if (pump == NULL)
		return;
	pairs.items[pairs.n++] = (struct transcode_pair){"task", http_param(request, 0)};
	http_query_each(request, add_pair, &pairs);
	input.pairs = pairs.items;
	input.n_pairs = pairs.n;
	if (transcode_request(&input, (ProtobufCMessage **)&query, &err) < 0) {
		give_up(pump, rpc_status_of_errno(err.err.code), err.err.text, err.path);
		return;
	}
	pump->is_log = true;
	pump->follows = http_query(request, "follow") != NULL
				? is_true(http_query(request, "follow"))
				: pump->form == FORM_EVENTS;
	pump->task = xstrdup(query->task);
	pump->namespace = query->namespace_ == NULL ? NULL : xstrdup(query->namespace_);
	pump->cursor = last_id != NULL         ? xstrdup(last_id)
		       : query->cursor != NULL ? xstrdup(query->cursor)
					       : NULL;
	pump->has_tail = query->has_tail;
	pump->tail = query->tail;
	pump->since_ms = query->since_ms;
	pump->has_timestamps = query->timestamps;
	davit__read_logs_request__free_unpacked(query, NULL);
	read_logs(pump);
}

/* Opens the channel that the request wants. */
static void
open_channel(struct http_request *request, struct pump *pump, Davit__OpenChannelRequest *open)
{
	char id[RPC_REQUEST_ID_SIZE];

	if (open->pull == NULL) {
		open->task = (char *)(uintptr_t)http_param(request, 0);
		open->namespace_ = (char *)(uintptr_t)http_query(request, "namespace");
	}
	rpc_request_id_make(id);
	pump->opening = upstream_call(pump->site->manager,
		rpc_method(&davit__manager__descriptor, "OpenChannel"), &open->base, id, WAIT_MS,
		on_open, pump);
}

void
channel_stream_exec(struct http_request *request, void *arg)
{
	Davit__OpenChannelRequest open = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	ProtobufCMessage *options =
		read_query(request, &davit__exec_options__descriptor, ",namespace,");
	struct pump *pump;
	const void *body;
	size_t size;

	if (options == NULL)
		return;
	pump = pump_new(request, arg, "application/octet-stream");
	if (pump != NULL) {
		body = http_body(request, &size);
		buf_put(&pump->input, body, size);
		open.exec = (Davit__ExecOptions *)options;
		open.exec->has_stdin = open.exec->stdin = size > 0;
		open_channel(request, pump, &open);
	}
	protobuf_c_message_free_unpacked(options, NULL);
}

void
channel_stream_copy_out(struct http_request *request, void *arg)
{
	Davit__OpenChannelRequest open = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	ProtobufCMessage *options =
		read_query(request, &davit__copy_out_options__descriptor, ",namespace,");
	struct pump *pump;

	if (options == NULL)
		return;
	pump = pump_new(request, arg, "application/x-tar");
	if (pump != NULL) {
		pump->form = FORM_RAW;
		open.copy_out = (Davit__CopyOutOptions *)options;
		open_channel(request, pump, &open);
	}
	protobuf_c_message_free_unpacked(options, NULL);
}

void
channel_stream_copy_in(struct http_request *request, void *arg)
{
	Davit__OpenChannelRequest open = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	ProtobufCMessage *options =
		read_query(request, &davit__copy_in_options__descriptor, ",namespace,");
	struct pump *pump;
	const void *body;
	size_t size;

	if (options == NULL)
		return;
	pump = pump_new(request, arg, "");
	if (pump != NULL) {
		body = http_body(request, &size);
		buf_put(&pump->input, body, size);
		pump->is_answer = true;
		open.copy_in = (Davit__CopyInOptions *)options;
		open_channel(request, pump, &open);
	}
	protobuf_c_message_free_unpacked(options, NULL);
}

void
channel_stream_pull(struct http_request *request, void *arg)
{
	Davit__OpenChannelRequest open = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	ProtobufCMessage *options = read_query(request, &davit__pull_options__descriptor, ",node,");
	struct pump *pump;

	if (options == NULL)
		return;
	pump = pump_new(request, arg, "text/plain; charset=utf-8");
	if (pump != NULL) {
		open.pull = (Davit__PullOptions *)options;
		open.node = (char *)(uintptr_t)http_query(request, "node");
		open_channel(request, pump, &open);
	}
	protobuf_c_message_free_unpacked(options, NULL);
}
