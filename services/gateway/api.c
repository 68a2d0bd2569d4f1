#include "services/gateway/api.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/http/http_events.h"
#include "common/http/http_problem.h"
#include "common/rpc/unpack.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/api_etag.h"
#include "services/gateway/api_status.h"
#include "services/gateway/channel_stream.h"
#include "services/gateway/site.h"
#include "services/gateway/transcode.h"

/* One request, from the call to its answer. */
struct exchange {
	const struct api_method *method;
	struct http_request *request;
	struct upstream_call *call; /* under way, or get is */
	struct task_get *get;
	bool is_conditional;
};

/* ---- the answer ---- */

static void
refuse_as(struct http_request *request, unsigned http, Davit__Reply__Status status,
	const char *message, const char *field)
{
	CLEANUP(buf_fini) struct buf body = {0};

	http_problem_print(http, rpc_status_name(status), message, field, &body);
	if (http == 429)
		http_reply_header(request, "Retry-After", "1");
	http_reply(request, http, HTTP_PROBLEM_TYPE, body.data, body.size);
}

void
api_refuse(struct http_request *request, Davit__Reply__Status status, const char *message,
	const char *field)
{
	refuse_as(request, api_status_http(status), status, message, field);
}

/* The message in that field, or the whole one. */
static const ProtobufCMessage *
unwrap(const ProtobufCMessage *response, const char *name)
{
	const ProtobufCFieldDescriptor *field;
	const ProtobufCMessage *inner;

	if (name == NULL)
		return response;
	field = protobuf_c_message_descriptor_get_field_by_name(response->descriptor, name);
	memcpy(&inner, (const uint8_t *)response + field->offset, sizeof inner);
	return inner;
}

/* Of what carries one; NULL: it has none. */
static const uint64_t *
version_of(const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "version");

	if (field == NULL || field->type != PROTOBUF_C_TYPE_UINT64)
		return NULL;
	return (const uint64_t *)(const void *)((const uint8_t *)message + field->offset);
}

void
api_reply_json(struct http_request *request, unsigned status, const struct buf *json,
	const uint64_t *version)
{
	char etag[API_ETAG_SIZE];

	if (strcmp(http_method(request), "GET") == 0 || strcmp(http_method(request), "HEAD") == 0) {
		api_etag_make(version, api_etag_hash(json->data, json->size), etag);
		http_reply_header(request, "ETag", etag);
		http_reply_header(request, "Cache-Control", "no-cache");
		if (api_etag_is_listed(http_header(request, "If-None-Match"), etag)) {
			http_reply(request, 304, NULL, NULL, 0);
			return;
		}
	}
	http_reply(request, status, "application/json", json->data, json->size);
}

static void
answer(struct exchange *exchange, const struct rpc_result *result)
{
	CLEANUP(buf_fini) struct buf body = {0};
	const char *name = exchange->method->unwrap;
	const ProtobufCMessage *message = unwrap(result->response, name);

	if (result->note[0] != '\0')
		http_reply_header(exchange->request, "Davit-Note", result->note);
	pbjson_print(message, name != NULL ? PBJSON_COMPACT : PBJSON_LISTS, &body);
	buf_puts(&body, "\n");
	api_reply_json(exchange->request, exchange->method->status, &body,
		name != NULL ? version_of(message) : NULL);
}

static void
on_done(const struct rpc_result *result, void *arg)
{
	struct exchange *exchange = arg;

	if (result->status == DAVIT__REPLY__STATUS__OK)
		answer(exchange, result);
	else if (result->status == DAVIT__REPLY__STATUS__ABORTED && exchange->is_conditional)
		refuse_as(exchange->request, 412, result->status, result->message, result->field);
	else
		api_refuse(exchange->request, result->status, result->message, result->field);
	free(exchange);
}

static void
on_page(const struct task_page *page, void *arg)
{
	struct exchange *exchange = arg;
	struct buf json = {.data = (uint8_t *)(uintptr_t)page->json, .size = page->size};

	if (page->status == DAVIT__REPLY__STATUS__OK)
		api_reply_json(exchange->request, exchange->method->status, &json, &page->version);
	else
		api_refuse(exchange->request, page->status, page->message, "task");
	free(exchange);
}

static void
on_gone(void *arg)
{
	struct exchange *exchange = arg;

	if (exchange->get != NULL)
		task_gets_drop(exchange->get);
	else
		upstream_drop(exchange->call);
	free(exchange);
}

/* ---- the question ---- */

struct pairs {
	struct transcode_pair items[TRANSCODE_PAIRS_MAX + 1]; /* one too many is refused there */
	size_t n;
	char names[HTTP_PARAMS_MAX][64]; /* of the path's */
	char fixed[64];
	char version[24];
};

static void
add_pair(const char *name, const char *value, void *arg)
{
	struct pairs *pairs = arg;

	if (pairs->n <= TRANSCODE_PAIRS_MAX)
		pairs->items[pairs->n++] = (struct transcode_pair){name, value};
}

static void
add_params(const struct http_request *request, const char *path, struct pairs *pairs)
{
	unsigned n = 0;

	while ((path = strchr(path, '{')) != NULL) {
		size_t size = strcspn(++path, "}");

		assert(size < sizeof pairs->names[n]); /* of our own table */
		memcpy(pairs->names[n], path, size);
		pairs->names[n][size] = '\0';
		add_pair(pairs->names[n], http_param(request, n), pairs);
		n++;
	}
}

static void
add_fixed(const char *fixed, struct pairs *pairs)
{
	char *equals;

	if (fixed == NULL)
		return;
	(void)snprintf(pairs->fixed, sizeof pairs->fixed, "%s", fixed);
	equals = strchr(pairs->fixed, '=');
	*equals = '\0';
	add_pair(pairs->fixed, equals + 1, pairs);
}

/*
 * If-Match asks for a version: a field of the calls that know of it. False: the request was
 * refused.
 */
static bool
add_condition(struct http_request *request, const ProtobufCMethodDescriptor *rpc,
	struct pairs *pairs, bool *ret_is_conditional)
{
	static const char field[] = "if_version";
	const char *header = http_header(request, "If-Match");
	uint64_t version;
	int rc = header == NULL ? -ENOENT : api_etag_version(header, &version);

	*ret_is_conditional = rc == 0;
	if (rc == -ENOENT || strcmp(http_method(request), "GET") == 0 ||
		strcmp(http_method(request), "HEAD") == 0)
		return true;
	if (rc == 0 && protobuf_c_message_descriptor_get_field_by_name(rpc->input, field) == NULL) {
		api_refuse(request, DAVIT__REPLY__STATUS__INVALID_ARGUMENT,
			"If-Match: this cannot be made conditional", NULL);
		return false;
	}
	if (rc < 0) {
		api_refuse(request, DAVIT__REPLY__STATUS__INVALID_ARGUMENT,
			"If-Match: want one ETag that was answered by /v1", NULL);
		return false;
	}
	(void)snprintf(pairs->version, sizeof pairs->version, "%" PRIu64, version);
	add_pair(field, pairs->version, pairs);
	return true;
}

/* How long the call may be parked: what its wait_ms says. 0: it has none. */
static uint64_t
wait_of(const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "wait_ms");
	const uint8_t *at = (const uint8_t *)message;
	protobuf_c_boolean is_set;
	uint64_t wait_ms;

	if (field == NULL)
		return 0;
	memcpy(&is_set, at + field->quantifier_offset, sizeof is_set);
	memcpy(&wait_ms, at + field->offset, sizeof wait_ms);
	return is_set ? wait_ms : API_WAIT_DEFAULT_MS;
}

static bool
is_request_id(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n >= 1 && n <= RPC_REQUEST_ID_MAX;
}

/* NULL: the method changes nothing. */
static const char *
request_id_of(const struct http_request *request, const char *method,
	char random[RPC_REQUEST_ID_SIZE])
{
	const char *given = http_header(request, "Idempotency-Key");

	if (strcmp(method, "GET") == 0)
		return NULL;
	if (given != NULL)
		return given;
	rpc_request_id_make(random);
	return random;
}

/* Who wants a stream of what has one gets it: then true. */
static bool
answer_stream(struct http_request *request, const struct api_method *method, struct site *site)
{
	if (strcmp(method->rpc, "ReadLogs") == 0 && channel_stream_wants_logs(request)) {
		channel_stream_logs(request, site);
		return true;
	}
	if (!http_events_are_wanted(request))
		return false;
	if (strcmp(method->rpc, "ReadEvents") == 0) {
		event_hub_follow(site->events, request);
		return true;
	}
	if (strcmp(method->rpc, "GetStats") == 0) {
		stats_hub_follow(site->stats, request);
		return true;
	}
	return false;
}

static void
ask_task(struct site *site, const Davit__GetTaskRequest *request, struct exchange *exchange)
{
	exchange->get =
		task_gets_ask(site->gets, request->task, request->namespace_, on_page, exchange);
}

void
api_handle(struct http_request *request, void *arg)
{
	struct site *site = arg;
	const struct api_method *method = &api_methods[http_route_index(request)];
	const ProtobufCMethodDescriptor *rpc;
	struct upstream *whom = site_method(site, method->rpc, &rpc);
	struct transcode_input input = {.type = rpc->input};
	char random[RPC_REQUEST_ID_SIZE];
	const char *id = request_id_of(request, method->method, random);
	ProtobufCMessage *message = NULL;
	struct pairs pairs = {.n = 0};
	struct exchange *exchange;
	struct pbjson_err err;
	bool is_conditional;

	if (answer_stream(request, method, site))
		return;
	if (whom == NULL) {
		api_refuse(request, DAVIT__REPLY__STATUS__UNIMPLEMENTED,
			"this gateway knows no monitor (--monitor)", NULL);
		return;
	}
	if (id != NULL && !is_request_id(id)) {
		api_refuse(request, DAVIT__REPLY__STATUS__INVALID_ARGUMENT,
			"Idempotency-Key: want 1 to 64 printable ASCII characters", NULL);
		return;
	}
	add_params(request, method->path, &pairs);
	add_fixed(method->fixed, &pairs);
	http_query_each(request, add_pair, &pairs);
	if (!add_condition(request, rpc, &pairs, &is_conditional))
		return;
	input.pairs = pairs.items;
	input.n_pairs = pairs.n;
	input.body = http_body(request, &input.body_size);
	if (transcode_request(&input, &message, &err) < 0) {
		api_refuse(request, rpc_status_of_errno(err.err.code), err.err.text, err.path);
		return;
	}
	exchange = xcalloc(1, sizeof *exchange);
	*exchange = (struct exchange){.method = method,
		.request = request,
		.is_conditional = is_conditional};
	http_on_gone(request, on_gone, exchange);
	if (message->descriptor == &davit__get_task_request__descriptor)
		ask_task(site, (const Davit__GetTaskRequest *)message, exchange);
	else
		exchange->call =
			upstream_call(whom, rpc, message, id, wait_of(message), on_done, exchange);
	protobuf_c_message_free_unpacked(message, NULL);
}
