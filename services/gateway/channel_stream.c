#include "services/gateway/channel_stream.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/gateway/api.h"
#include "services/gateway/channel_input.h"
#include "services/gateway/channel_output.h"
#include "services/gateway/site.h"
#include "services/gateway/transcode.h"

enum {
	WAIT_MS = 30000,
	PATIENCE_MS = 30000, /* with a manager or worker that does not answer, once it has begun */
	READ_BYTES = 256 << 10,
	PAIRS_MAX = TRANSCODE_PAIRS_MAX,
};

/* One client and what it reads; input goes the other way at the same time. */
struct pump {
	struct site *site;
	struct http_request *request; /* until the stream has begun, or it was refused */
	bool is_answer;               /* copies in: nothing is sent until the end */
	struct upstream_call *opening, *reading;
	uint64_t trouble_ms; /* since when nothing can be read; 0: it can */
	char *channel;       /* NULL: logs, or not open yet */
	uint64_t offset;     /* of output */
	bool has_body;
	struct channel_input input;
	struct channel_output output;
	/* Logs. */
	char *task, *namespace, *cursor;
	bool follows, is_log, has_timestamps, has_tail;
	uint32_t tail;
	uint64_t since_ms;
};

static void
pump_free(struct pump *pump, bool is_gone)
{
	if (pump->opening != NULL)
		upstream_drop(pump->opening);
	if (pump->reading != NULL)
		upstream_drop(pump->reading);
	channel_input_fini(&pump->input, is_gone);
	channel_output_fini(&pump->output);
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
	pump_free(arg, true);
}

/* ---- output ---- */

static void read_more(void *arg);

static void
begin(struct pump *pump)
{
	channel_output_begin(&pump->output, TAKE(pump->request), on_gone);
}

static void
on_over(void *arg)
{
	pump_free(arg, false);
}

/* The end of the output. exit_code and error may be NULL. */
static void
finish(struct pump *pump, const int32_t *exit_code, const char *error)
{
	channel_input_stop(&pump->input);
	channel_output_end(&pump->output, exit_code, error);
}

/* It cannot go on: as a problem, or, when something was sent already, by breaking off. */
static void
give_up(struct pump *pump, Davit__Reply__Status status, const char *message, const char *field)
{
	if (pump->request == NULL) {
		log_warn("gateway.broken_off", "task=%s reason=\"%s\"", pump->task, message);
		finish(pump, NULL, message);
		return;
	}
	channel_input_stop(&pump->input);
	api_refuse(TAKE(pump->request), status, message, field);
	pump_free(pump, false);
}

/* ---- trouble ---- */

/* True: what was asked is asked again in a moment, for PATIENCE_MS. It begins where this ended. */
static bool
bear(struct pump *pump, Davit__Reply__Status status)
{
	uint64_t now_ms = clock_mono_ms();

	if (!upstream_is_trouble(status))
		return false;
	if (pump->trouble_ms == 0)
		pump->trouble_ms = now_ms;
	if (now_ms - pump->trouble_ms > PATIENCE_MS)
		return false;
	upstream_pause(pump->site->manager, CHANNEL_RETRY_MS,
		&(struct upstream_pause){&pump->reading, read_more, pump});
	return true;
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
	if (!is_first && bear(pump, result->status))
		return;
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		give_up(pump, result->status, result->message, result->field);
		return;
	}
	pump->trouble_ms = 0;
	if (is_first)
		begin(pump);
	free(pump->cursor);
	pump->cursor = reply->cursor == NULL ? NULL : xstrdup(reply->cursor);
	for (size_t i = 0; i < reply->n_chunks; i++)
		channel_output_put(&pump->output, reply->chunks[i],
			i + 1 == reply->n_chunks ? reply->cursor : NULL);
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

/* All that was sent has been unpacked, or has not. */
static void
answer_copy(struct pump *pump, const char *error)
{
	struct http_request *request = TAKE(pump->request);

	channel_input_stop(&pump->input);
	if (error != NULL)
		api_refuse(request, DAVIT__REPLY__STATUS__INTERNAL, error, NULL);
	else
		http_reply(request, 204, NULL, NULL, 0);
	pump_free(pump, false);
}

static void
on_output(const struct rpc_result *result, void *arg)
{
	struct pump *pump = arg;
	const Davit__ReadChannelReply *reply = (const void *)result->response;

	pump->reading = NULL;
	if (bear(pump, result->status))
		return;
	if (result->status != DAVIT__REPLY__STATUS__OK) {
		give_up(pump, result->status, result->message, NULL);
		return;
	}
	pump->trouble_ms = 0;
	for (size_t i = 0; i < reply->n_chunks && !pump->is_answer; i++)
		channel_output_put(&pump->output, reply->chunks[i], NULL);
	pump->offset = reply->has_offset ? reply->offset : pump->offset;
	if (pump->output.error != NULL) {
		close_channel(pump);
		finish(pump, NULL, NULL);
	} else if (!reply->end) {
		if (reply->n_chunks == 0 || pump->is_answer || channel_input_is_open(&pump->input))
			read_more(pump);
	} else {
		close_channel(pump);
		if (pump->is_answer)
			answer_copy(pump, reply->error);
		else
			finish(pump, reply->has_exit_code ? &reply->exit_code : NULL, reply->error);
	}
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
	if (pump->has_body)
		channel_input_begin(&pump->input, pump->site->manager, pump->request,
			pump->channel);
	if (!pump->is_answer)
		begin(pump);
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
	pump->output.type = type;
	pump->output.form = channel_form_of(request);
	pump->output.on_room = read_more;
	pump->output.on_over = on_over;
	pump->output.arg = pump;
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

	return http_query(request, "follow") != NULL ||
	       channel_form_of(request) != CHANNEL_FORM_RAW ||
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
				: pump->output.form == CHANNEL_FORM_EVENTS;
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

/* What a path opens: the field of OpenChannelRequest, and what its query gives. */
struct opening {
	const ProtobufCMessageDescriptor *options;
	size_t field;
	const char *except; /* of the query: the gateway's own */
	const char *type;   /* of the answer; NULL: it has none */
	bool has_body;      /* always; exec has it if there is one */
	bool is_raw;        /* in one form only */
};

static void
start(struct http_request *request, struct site *site, const struct opening *opening)
{
	Davit__OpenChannelRequest open = DAVIT__OPEN_CHANNEL_REQUEST__INIT;
	ProtobufCMessage *options = read_query(request, opening->options, opening->except);
	struct pump *pump = options == NULL ? NULL : pump_new(request, site, opening->type);

	if (pump != NULL) {
		memcpy((char *)&open + opening->field, &options, sizeof options);
		pump->has_body = opening->has_body;
		pump->is_answer = opening->type == NULL;
		if (opening->is_raw)
			pump->output.form = CHANNEL_FORM_RAW;
		if (open.exec != NULL) {
			pump->has_body = http_body_is_sent(request);
			open.exec->has_stdin = open.exec->stdin = pump->has_body;
		}
		if (open.pull != NULL)
			open.node = (char *)(uintptr_t)http_query(request, "node");
		open_channel(request, pump, &open);
	}
	if (options != NULL)
		protobuf_c_message_free_unpacked(options, NULL);
}

#define FIELD(name) offsetof(Davit__OpenChannelRequest, name)

void
channel_stream_exec(struct http_request *request, void *arg)
{
	static const struct opening exec = {&davit__exec_options__descriptor, FIELD(exec),
		",namespace,", "application/octet-stream", false, false};

	start(request, arg, &exec);
}

void
channel_stream_copy_out(struct http_request *request, void *arg)
{
	static const struct opening copy_out = {&davit__copy_out_options__descriptor,
		FIELD(copy_out), ",namespace,", "application/x-tar", false, true};

	start(request, arg, &copy_out);
}

void
channel_stream_copy_in(struct http_request *request, void *arg)
{
	static const struct opening copy_in = {&davit__copy_in_options__descriptor, FIELD(copy_in),
		",namespace,", NULL, true, true};

	start(request, arg, &copy_in);
}

void
channel_stream_pull(struct http_request *request, void *arg)
{
	static const struct opening pull = {&davit__pull_options__descriptor, FIELD(pull), ",node,",
		"text/plain; charset=utf-8", false, false};

	start(request, arg, &pull);
}

http_handle_fn *const channel_stream_readers[] = {channel_stream_exec, channel_stream_copy_in,
	NULL};
