#include "services/gateway/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/http/http_problem.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/api_status.h"
#include "services/gateway/site.h"
#include "services/gateway/transcode.h"

enum { ETAG_SIZE = 32 };

/* One request, from the call to its answer. */
struct exchange {
	const struct api_method *method;
	struct http_request *request;
	struct upstream_call *call;
};

/* ---- the answer ---- */

void
api_refuse(struct http_request *request, Davit__Reply__Status status, const char *message,
	const char *field)
{
	CLEANUP(buf_fini) struct buf body = {0};
	unsigned http = api_status_http(status);

	http_problem_print(http, rpc_status_name(status), message, field, &body);
	if (http == 503 || http == 429)
		http_reply_header(request, "Retry-After", "1");
	http_reply(request, http, HTTP_PROBLEM_TYPE, body.data, body.size);
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

/* Of what carries a version; false: it has none. */
static bool
etag_of(const ProtobufCMessage *message, char ret_etag[ETAG_SIZE])
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "version");
	uint64_t version;

	if (field == NULL || field->type != PROTOBUF_C_TYPE_UINT64)
		return false;
	memcpy(&version, (const uint8_t *)message + field->offset, sizeof version);
	(void)snprintf(ret_etag, ETAG_SIZE, "\"%" PRIu64 "\"", version);
	return true;
}

static void
answer(struct exchange *exchange, const struct rpc_result *result)
{
	CLEANUP(buf_fini) struct buf body = {0};
	struct http_request *request = exchange->request;
	const ProtobufCMessage *message = unwrap(result->response, exchange->method->unwrap);
	const char *known = http_header(request, "If-None-Match");
	char etag[ETAG_SIZE];

	if (result->note[0] != '\0')
		http_reply_header(request, "Davit-Note", result->note);
	if (exchange->method->unwrap != NULL && etag_of(message, etag)) {
		http_reply_header(request, "ETag", etag);
		if (known != NULL && strcmp(known, etag) == 0) {
			http_reply(request, 304, NULL, NULL, 0);
			return;
		}
	}
	pbjson_print(message, exchange->method->unwrap != NULL ? PBJSON_COMPACT : PBJSON_LISTS,
		&body);
	buf_puts(&body, "\n");
	http_reply(request, exchange->method->status, "application/json", body.data, body.size);
}

static void
on_done(const struct rpc_result *result, void *arg)
{
	struct exchange *exchange = arg;

	if (result->status == DAVIT__REPLY__STATUS__OK)
		answer(exchange, result);
	else
		api_refuse(exchange->request, result->status, result->message, result->field);
	free(exchange);
}

static void
on_gone(void *arg)
{
	struct exchange *exchange = arg;

	upstream_drop(exchange->call);
	free(exchange);
}

/* ---- the question ---- */

struct pairs {
	struct transcode_pair items[TRANSCODE_PAIRS_MAX + 1]; /* one too many is refused there */
	size_t n;
	char names[HTTP_PARAMS_MAX][64]; /* of the path's */
	char fixed[64];
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

		(void)snprintf(pairs->names[n], sizeof pairs->names[n], "%.*s", (int)size, path);
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

/* Of the calls that have one, the client that says so gets a stream. */
static bool
wants_stream(const struct http_request *request, const struct api_method *method)
{
	const char *accept = http_header(request, "Accept");

	return strcmp(method->rpc, "ReadEvents") == 0 && accept != NULL &&
	       strstr(accept, "text/event-stream") != NULL;
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

	if (wants_stream(request, method)) {
		event_hub_follow(site->events, request);
		return;
	}
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
	input.pairs = pairs.items;
	input.n_pairs = pairs.n;
	input.body = http_body(request, &input.body_size);
	if (transcode_request(&input, &message, &err) < 0) {
		api_refuse(request, rpc_status_of_errno(err.err.code), err.err.text, err.path);
		return;
	}
	exchange = xcalloc(1, sizeof *exchange);
	*exchange = (struct exchange){.method = method, .request = request};
	http_on_gone(request, on_gone, exchange);
	exchange->call = upstream_call(whom, rpc, message, id, wait_of(message), on_done, exchange);
	protobuf_c_message_free_unpacked(message, NULL);
}
