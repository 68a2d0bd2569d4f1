#include "common/rpc/envelope.h"

#include <errno.h>
#include <string.h>

#include "common/base/mem.h"

enum { BODY_LARGE = 8 << 10 }; /* bytes, encoded */

/* The text of a member that was kept as it stands; absent and null are an empty object. */
static struct pbjson_raw
raw_object(struct pbjson_raw raw)
{
	static const struct pbjson_raw empty = {"{}", 2};

	if (raw.text == NULL || (raw.size == 4 && memcmp(raw.text, "null", 4) == 0))
		return empty;
	return raw;
}

int
rpc_envelope_parse(const void *data, size_t size, struct rpc_envelope *ret_envelope,
	struct pbjson_err *err)
{
	ProtobufCMessage *message;
	struct pbjson_raw raw = {0};
	int rc;

	*ret_envelope = (struct rpc_envelope){.is_json = size > 0 && *(const char *)data == '{'};
	if (ret_envelope->is_json)
		rc = pbjson_parse_raw(&davit__call__descriptor, data, size, "request", &message,
			&raw, err);
	else
		rc = rpc_unpack(&davit__call__descriptor, data, size, &message, err);
	if (rc < 0)
		return rc;
	ret_envelope->call = (Davit__Call *)(void *)message;
	if (ret_envelope->is_json) {
		raw = raw_object(raw);
		ret_envelope->body = raw.text;
		ret_envelope->body_size = raw.size;
	} else {
		ret_envelope->body = (const char *)ret_envelope->call->request.data;
		ret_envelope->body_size = ret_envelope->call->request.len;
	}
	return 0;
}

void
rpc_envelope_fini(struct rpc_envelope *envelope)
{
	if (envelope->call != NULL)
		davit__call__free_unpacked(envelope->call, NULL);
	*envelope = (struct rpc_envelope){0};
}

/* Thousands of small parts are freed at once; for a few an arena would be wasted room. */
static int
unpack_body(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	struct arena *arena, ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	int rc;

	if (size < BODY_LARGE)
		return rpc_unpack(type, data, size, ret_message, err);
	rc = rpc_unpack_in(type, data, size, arena, ret_message, err);
	if (rc < 0)
		arena_fini(arena);
	return rc;
}

void
rpc_body_free(ProtobufCMessage *message, struct arena *arena)
{
	if (message != NULL && arena->blocks == NULL)
		protobuf_c_message_free_unpacked(message, NULL);
	arena_fini(arena);
}

int
rpc_envelope_request(const struct rpc_envelope *envelope, const ProtobufCMessageDescriptor *type,
	struct arena *arena, ProtobufCMessage **ret_request, struct pbjson_err *err)
{
	if (envelope->is_json)
		return pbjson_parse(type, envelope->body, envelope->body_size, ret_request, err);
	return unpack_body(type, envelope->body, envelope->body_size, arena, ret_request, err);
}

/* Appends an encoded message to a buf. */
static void
put_packed(struct buf *out, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	out->size += protobuf_c_message_pack(message, buf_reserve(out, size));
}

/*
 * Appends a field of bytes whose content is a message, without the copy that
 * packing it first would take.
 */
static void
put_nested(struct buf *out, unsigned field, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message), left = size;
	uint8_t *p = buf_reserve(out, size + 12), *start = p;

	*p++ = (uint8_t)(field << 3 | 2);
	do {
		*p++ = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
		left >>= 7;
	} while (left > 0);
	out->size += (size_t)(p - start) + protobuf_c_message_pack(message, p);
}

enum { CALL_REQUEST = 2, REPLY_RESPONSE = 3 }; /* numbers in rpc.proto; test_envelope.c checks */

static void
put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	pbjson_print_text(text, strlen(text), out);
}

void
rpc_envelope_print(const struct rpc_outgoing *outgoing, struct buf *out)
{
	Davit__Call call = DAVIT__CALL__INIT;

	if (outgoing->is_json) {
		buf_printf(out, "{\"method\":\"%s\"", outgoing->method);
		if (outgoing->request_id != NULL)
			put_member(out, "request_id", outgoing->request_id);
		if (outgoing->deadline_ms > 0)
			buf_printf(out, ",\"deadline_ms\":%ju", (uintmax_t)outgoing->deadline_ms);
		buf_puts(out, ",\"request\":");
		pbjson_print(outgoing->request, PBJSON_COMPACT, out);
		buf_puts(out, "}\n");
		return;
	}
	call.method = (char *)(uintptr_t)outgoing->method;
	call.request_id = (char *)(uintptr_t)outgoing->request_id;
	call.has_deadline_ms = outgoing->deadline_ms > 0;
	call.deadline_ms = outgoing->deadline_ms;
	put_packed(out, &call.base);
	put_nested(out, CALL_REQUEST, outgoing->request);
}

static char *
text_or_null(const char *text)
{
	return text == NULL || *text == '\0' ? NULL : (char *)(uintptr_t)text;
}

static void
print_reply_json(const struct rpc_result *result, struct buf *out)
{
	buf_printf(out, "{\"status\":\"%s\"", rpc_status_name(result->status));
	if (text_or_null(result->message) != NULL)
		put_member(out, "message", result->message);
	if (text_or_null(result->field) != NULL)
		put_member(out, "field", result->field);
	if (result->response != NULL) {
		buf_puts(out, ",\"response\":");
		pbjson_print(result->response, PBJSON_COMPACT, out);
	}
	if (text_or_null(result->note) != NULL)
		put_member(out, "note", result->note);
	buf_puts(out, "}\n");
}

void
rpc_reply_print(const struct rpc_result *result, bool is_json, struct buf *out)
{
	Davit__Reply reply = DAVIT__REPLY__INIT;

	if (is_json) {
		print_reply_json(result, out);
		return;
	}
	reply.has_status = true;
	reply.status = result->status;
	reply.message = text_or_null(result->message);
	reply.field = text_or_null(result->field);
	reply.note = text_or_null(result->note);
	put_packed(out, &reply.base);
	if (result->response != NULL)
		put_nested(out, REPLY_RESPONSE, result->response);
}

static int
parse_reply(const ProtobufCMethodDescriptor *method, const char *data, size_t size,
	struct rpc_reply *reply)
{
	bool is_json = size > 0 && *data == '{';
	ProtobufCMessage *message;
	struct pbjson_raw raw = {0};
	int rc;

	if (is_json)
		rc = pbjson_parse_raw(&davit__reply__descriptor, data, size, "response", &message,
			&raw, &reply->err);
	else
		rc = rpc_unpack(&davit__reply__descriptor, data, size, &message, &reply->err);
	if (rc < 0)
		return rc;
	reply->reply = (Davit__Reply *)(void *)message;
	if (reply->reply->status != DAVIT__REPLY__STATUS__OK)
		return 0;
	if (is_json) {
		raw = raw_object(raw);
		return pbjson_parse(method->output, raw.text, raw.size, &reply->response,
			&reply->err);
	}
	return unpack_body(method->output, reply->reply->response.data, reply->reply->response.len,
		&reply->arena, &reply->response, &reply->err);
}

void
rpc_reply_parse(const ProtobufCMethodDescriptor *method, const void *data, size_t size,
	struct rpc_reply *ret_reply)
{
	const Davit__Reply *reply;

	*ret_reply = (struct rpc_reply){0};
	if (parse_reply(method, data, size, ret_reply) < 0) {
		(void)err_wrap(&ret_reply->err.err, "the answer cannot be read");
		ret_reply->result = (struct rpc_result){.status = DAVIT__REPLY__STATUS__INTERNAL,
			.message = ret_reply->err.err.text,
			.field = ret_reply->err.path,
			.note = ""};
		return;
	}
	reply = ret_reply->reply;
	ret_reply->result = (struct rpc_result){
		.status = reply->status,
		.message = reply->message != NULL ? reply->message : "",
		.field = reply->field != NULL ? reply->field : "",
		.note = reply->note != NULL ? reply->note : "",
		.response = ret_reply->response,
	};
}

void
rpc_reply_fini(struct rpc_reply *reply)
{
	if (reply->reply != NULL)
		davit__reply__free_unpacked(reply->reply, NULL);
	rpc_body_free(reply->response, &reply->arena);
	*reply = (struct rpc_reply){0};
}
