#include "common/rpc/call.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/suggest.h"
#include "common/base/utf8.h"
#include "common/rpc/envelope.h"

/* Why a call is refused before there is a call. */
struct refusal {
	Davit__Reply__Status status;
	struct pbjson_err err;
};

static int
refuse(struct refusal *refusal, Davit__Reply__Status status, const char *field)
{
	refusal->status = status;
	(void)snprintf(refusal->err.path, sizeof refusal->err.path, "%s", field);
	return refusal->err.err.code;
}

/* Printable ASCII, at least one character and at most max. */
static bool
is_plain(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	for (size_t i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return n > 0 && n <= max;
}

static int
check_envelope(const Davit__Call *call, struct refusal *refusal)
{
	struct err *err = &refusal->err.err;
	const Davit__Reply__Status invalid = DAVIT__REPLY__STATUS__INVALID_ARGUMENT;

	if (call->method == NULL || !is_plain(call->method, RPC_METHOD_MAX)) {
		(void)err_set(err, -EINVAL,
			"a call names a method, such as \"ListTasks\": 1 to %d printable "
			"characters (RPC_METHOD_MAX)",
			RPC_METHOD_MAX);
		return refuse(refusal, invalid, "method");
	}
	if (call->request_id != NULL && !is_plain(call->request_id, RPC_REQUEST_ID_MAX)) {
		(void)err_set(err, -EINVAL,
			"want 1 to %d printable ASCII characters "
			"(RPC_REQUEST_ID_MAX)",
			RPC_REQUEST_ID_MAX);
		return refuse(refusal, invalid, "request_id");
	}
	if (call->has_deadline_ms && call->deadline_ms > RPC_DEADLINE_MAX_MS) {
		(void)err_set(err, -EINVAL, "at most %d ms from now (RPC_DEADLINE_MAX_MS)",
			RPC_DEADLINE_MAX_MS);
		return refuse(refusal, invalid, "deadline_ms");
	}
	if (call->token != NULL && !is_plain(call->token, RPC_TOKEN_MAX)) {
		(void)err_set(err, -EINVAL,
			"want 1 to %d printable ASCII characters "
			"(RPC_TOKEN_MAX)",
			RPC_TOKEN_MAX);
		return refuse(refusal, invalid, "token");
	}
	return 0;
}

static int
refuse_method(const ProtobufCServiceDescriptor *const *services, const char *name,
	struct refusal *refusal)
{
	const char *slash = strrchr(name, '/'), *short_name = slash != NULL ? slash + 1 : name;
	struct suggest suggest = suggest_begin(short_name, strlen(short_name));
	bool is_near;

	for (; *services != NULL; services++)
		for (unsigned i = 0; i < (*services)->n_methods; i++)
			suggest_try(&suggest, (*services)->methods[i].name);
	is_near = suggest.nearest != NULL;
	(void)err_set(&refusal->err.err, -ENOSYS, "there is no method '%s' here%s%s%s", name,
		is_near ? "; did you mean '" : "", is_near ? suggest.nearest : "",
		is_near ? "'?" : "; docs/PROTOCOL.md lists them");
	return refuse(refusal, DAVIT__REPLY__STATUS__UNIMPLEMENTED, "method");
}

/* Binary search in each service: protobuf-c sorts a service's methods by name. */
static int
find_method(const ProtobufCServiceDescriptor *const *services, const char *name,
	struct rpc_call *call, struct refusal *refusal)
{
	const char *slash = strrchr(name, '/');
	const ProtobufCMethodDescriptor *method;

	for (size_t i = 0; services[i] != NULL; i++) {
		const ProtobufCServiceDescriptor *service = services[i];

		if (slash != NULL &&
			(strlen(service->name) != (size_t)(slash - name) ||
				strncmp(service->name, name, (size_t)(slash - name)) != 0))
			continue;
		method = protobuf_c_service_descriptor_get_method_by_name(service,
			slash != NULL ? slash + 1 : name);
		if (method == NULL)
			continue;
		call->service = service;
		call->method = (unsigned)(method - service->methods);
		return 0;
	}
	return refuse_method(services, name, refusal);
}

static int
decode(const ProtobufCServiceDescriptor *const *services, const struct rpc_envelope *envelope,
	struct rpc_call *call, struct refusal *refusal)
{
	const Davit__Call *head = envelope->call;
	const ProtobufCMethodDescriptor *method;
	ProtobufCMessage *request;
	int rc;

	rc = check_envelope(head, refusal);
	if (rc < 0)
		return rc;
	rc = find_method(services, head->method, call, refusal);
	if (rc < 0)
		return rc;
	method = &call->service->methods[call->method];
	rc = rpc_envelope_request(envelope, method->input, &call->arena, &request, &refusal->err);
	if (rc < 0)
		return rc;
	call->request = request;
	call->request_id = xstrdup(head->request_id);
	call->deadline_ms = head->has_deadline_ms ? head->deadline_ms : 0;
	if (call->request_id != NULL) {
		call->request_hash =
			rpc_hash_bytes(RPC_HASH_START, method->name, strlen(method->name) + 1);
		call->request_hash = rpc_hash_message(call->request_hash, request);
	}
	return 0;
}

static int
parse(const ProtobufCServiceDescriptor *const *services, const void *data, size_t size,
	struct rpc_call *call, struct refusal *refusal)
{
	CLEANUP(rpc_envelope_fini) struct rpc_envelope envelope = {0};
	int rc;

	call->is_json = size > 0 && *(const char *)data == '{';
	if (size > RPC_MESSAGE_MAX) {
		rc = err_set(&refusal->err.err, -E2BIG,
			"a call of %zu bytes; at most %d are taken (RPC_MESSAGE_MAX)", size,
			RPC_MESSAGE_MAX);
	} else {
		rc = rpc_envelope_parse(data, size, &envelope, &refusal->err);
		if (rc == 0)
			return decode(services, &envelope, call, refusal);
	}
	return rc;
}

int
rpc_call_parse(const ProtobufCServiceDescriptor *const *services, const void *data, size_t size,
	struct rpc_call **ret_call, struct buf *ret_reply)
{
	CLEANUP(rpc_call_drop) struct rpc_call *call = xcalloc(1, sizeof *call);
	struct refusal refusal = {.status = DAVIT__REPLY__STATUS__OK};
	int rc;

	rc = parse(services, data, size, call, &refusal);
	if (rc < 0) {
		struct rpc_result result = {
			.status = refusal.status != DAVIT__REPLY__STATUS__OK
					  ? refusal.status
					  : rpc_status_of_errno(rc),
			.message = refusal.err.err.text,
			.field = refusal.err.path,
		};

		rpc_reply_print(&result, call->is_json, ret_reply);
		return rc;
	}
	*ret_call = TAKE(call);
	return 0;
}

const char *
rpc_call_method(const struct rpc_call *call)
{
	return call->service->methods[call->method].name;
}

static void
answer(struct rpc_call *call, const struct rpc_result *result)
{
	buf_fini(&call->reply);
	rpc_reply_print(result, call->is_json, &call->reply);
	call->is_answered = true;
	call->status = result->status;
}

void
rpc_call_answer(struct rpc_call *call, const ProtobufCMessage *response)
{
	struct rpc_result result = {.note = call->note, .response = response};

	assert(response->descriptor == call->service->methods[call->method].output);
	answer(call, &result);
	if (call->reply.size > RPC_MESSAGE_MAX)
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED, NULL,
			"the answer would have %zu bytes, at most %d are sent (RPC_MESSAGE_MAX): "
			"ask for less",
			call->reply.size, RPC_MESSAGE_MAX);
}

void
rpc_call_set_note(struct rpc_call *call, const char *note)
{
	free(call->note);
	call->note = xstrdup(note);
}

/* Takes a broken character from the end, and whatever is no UTF-8 with all that follows it. */
static void
trim_utf8(char *text)
{
	size_t n = strlen(text), tail = n < 3 ? n : 3;

	if (utf8_is_text(text, n))
		return;
	for (size_t k = 1; k <= tail; k++) {
		if (utf8_is_text(text, n - k)) {
			text[n - k] = '\0';
			return;
		}
	}
	for (char *p = text; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}

void
rpc_call_refuse(struct rpc_call *call, Davit__Reply__Status status, const char *field,
	const char *fmt, ...)
{
	char sentence[RPC_SENTENCE_MAX];
	struct rpc_result result = {.status = status, .message = sentence, .field = field};
	va_list ap;

	assert(status != DAVIT__REPLY__STATUS__OK);
	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	trim_utf8(sentence);
	answer(call, &result);
}

void
rpc_call_send(struct rpc_call *call)
{
	if (!call->is_answered)
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__INTERNAL, NULL,
			"%s was given no answer", rpc_call_method(call));
	if (call->transport != NULL)
		call->transport->send(call, call->reply.data, call->reply.size);
	rpc_call_drop(call);
}

void
rpc_call_drop(struct rpc_call *call)
{
	if (call == NULL)
		return;
	if (call->transport != NULL)
		call->transport->release(call);
	rpc_body_free((ProtobufCMessage *)(uintptr_t)call->request, &call->arena);
	free((char *)(uintptr_t)call->request_id);
	free(call->note);
	buf_fini(&call->reply);
	free(call);
}

const char *
rpc_status_name(Davit__Reply__Status status)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
		&davit__reply__status__descriptor, (int)status);

	return value != NULL ? value->name : "UNKNOWN";
}

Davit__Reply__Status
rpc_status_of_errno(int code)
{
	switch (-code) {
	case 0:
		return DAVIT__REPLY__STATUS__OK;
	case EINVAL:
	case EILSEQ:
		return DAVIT__REPLY__STATUS__INVALID_ARGUMENT;
	case ENOENT:
		return DAVIT__REPLY__STATUS__NOT_FOUND;
	case EEXIST:
	case EADDRINUSE:
		return DAVIT__REPLY__STATUS__ALREADY_EXISTS;
	case EPERM:
	case EACCES:
		return DAVIT__REPLY__STATUS__PERMISSION_DENIED;
	case E2BIG:
	case ENOBUFS:
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
		return DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED;
	case EBUSY:
	case ENOTEMPTY:
		return DAVIT__REPLY__STATUS__FAILED_PRECONDITION;
	case ESTALE:
		return DAVIT__REPLY__STATUS__ABORTED;
	case ERANGE:
		return DAVIT__REPLY__STATUS__OUT_OF_RANGE;
	case ENOSYS:
	case EOPNOTSUPP:
		return DAVIT__REPLY__STATUS__UNIMPLEMENTED;
	case ECANCELED:
		return DAVIT__REPLY__STATUS__CANCELLED;
	case ETIMEDOUT:
		return DAVIT__REPLY__STATUS__DEADLINE_EXCEEDED;
	case EAGAIN:
	case EIO:
	case EPIPE:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOTCONN:
		return DAVIT__REPLY__STATUS__UNAVAILABLE;
	case EBADMSG:
		return DAVIT__REPLY__STATUS__DATA_LOSS;
	default:
		return DAVIT__REPLY__STATUS__INTERNAL;
	}
}
