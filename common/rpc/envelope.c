#include "common/rpc/envelope.h"

#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/pack.h"

enum { HEAD_ROOM = 384, ARENA_FIRST_MAX = 8 << 10 }; /* bytes */

/* About what it becomes, so that a small message is one small block. */
static void
size_arena(struct arena *arena, const ProtobufCMessageDescriptor *type, size_t size)
{
	size_t room = type->sizeof_message + 4 * size;

	arena->first_size = room < ARENA_FIRST_MAX ? room : ARENA_FIRST_MAX;
}

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
	else {
		ret_envelope->arena.first_size = HEAD_ROOM;
		rc = rpc_unpack_over(&davit__call__descriptor, data, size, &ret_envelope->arena,
			&message, err);
	}
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
	rpc_body_free((ProtobufCMessage *)envelope->call, &envelope->arena);
	*envelope = (struct rpc_envelope){0};
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
	size_arena(arena, type, envelope->body_size);
	return rpc_unpack_in(type, envelope->body, envelope->body_size, arena, ret_request, err);
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
	rpc_pack(&call.base, out);
	rpc_pack_nested(CALL_REQUEST, outgoing->request, out);
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
	rpc_pack(&reply.base, out);
	if (result->response != NULL)
		rpc_pack_nested(REPLY_RESPONSE, result->response, out);
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
	else {
		size_arena(&reply->arena, method->output, size);
		rc = rpc_unpack_over(&davit__reply__descriptor, data, size, &reply->arena, &message,
			&reply->err);
	}
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
	return rpc_unpack_in(method->output, reply->reply->response.data,
		reply->reply->response.len, &reply->arena, &reply->response, &reply->err);
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
	if (reply->reply != NULL && reply->arena.blocks == NULL)
		davit__reply__free_unpacked(reply->reply, NULL);
	rpc_body_free(reply->response, &reply->arena);
	*reply = (struct rpc_reply){0};
}
