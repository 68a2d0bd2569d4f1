#include "common/rpc/unpack.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/utf8.h"
#include "common/rpc/decode.h"
#include "common/rpc/pack.h"

static int
unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	struct rpc_decode *decode, ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	ProtobufCMessage *message;

	decode->left = RPC_DECODE_MAX;
	message = rpc_decode(decode, type, data, size);
	if (message != NULL) {
		*ret_message = message;
		return decode->is_doubtful ? rpc_unpack_check(message, err) : 0;
	}
	*ret_message = NULL;
	err->path[0] = '\0';
	if (decode->is_spent)
		return err_set(&err->err, -E2BIG,
			"the message has too many parts: it needs more than %d MiB of memory "
			"(RPC_DECODE_MAX)",
			RPC_DECODE_MAX >> 20);
	return err_set(&err->err, -EINVAL, "not a protobuf message of type %s", type->name);
}

int
rpc_unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	struct rpc_decode decode = {0};
	ProtobufCMessage *message;
	int rc = unpack(type, data, size, &decode, &message, err);

	if (rc < 0)
		protobuf_c_message_free_unpacked(message, NULL);
	else
		*ret_message = message;
	return rc;
}

int
rpc_unpack_in(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	struct arena *arena, ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	struct rpc_decode decode = {.arena = arena};
	ProtobufCMessage *message;
	int rc = unpack(type, data, size, &decode, &message, err);

	if (rc == 0)
		*ret_message = message;
	return rc;
}

int
rpc_unpack_over(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	struct arena *arena, ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	struct rpc_decode decode = {.arena = arena, .borrows_bytes = true};
	ProtobufCMessage *message;
	int rc = unpack(type, data, size, &decode, &message, err);

	if (rc == 0)
		*ret_message = message;
	return rc;
}

void *
rpc_copy(const ProtobufCMessage *message)
{
	CLEANUP(buf_fini) struct buf packed = {0};
	struct rpc_decode decode = {.left = SIZE_MAX};
	ProtobufCMessage *copy;

	rpc_pack(message, &packed);
	copy = rpc_decode(&decode, message->descriptor, packed.data, packed.size);
	assert(copy != NULL); /* it was packed just now */
	return copy;
}

/* Puts "name." or "name[i]." before the path: it is made on the way up. */
static void
path_prepend(struct pbjson_err *err, const char *name, size_t index, bool is_repeated)
{
	char head[PBJSON_PATH_MAX], whole[2 * PBJSON_PATH_MAX + 2];
	const char *dot = err->path[0] != '\0' ? "." : "";

	if (is_repeated)
		(void)snprintf(head, sizeof head, "%s[%zu]", name, index);
	else
		(void)snprintf(head, sizeof head, "%s", name);
	(void)snprintf(whole, sizeof whole, "%s%s%s", head, dot, err->path);
	(void)snprintf(err->path, sizeof err->path, "%.*s", PBJSON_PATH_MAX - 1, whole);
}

static int
check_value(const ProtobufCFieldDescriptor *field, const void *value, struct pbjson_err *err)
{
	const ProtobufCMessage *message;
	const char *text;
	int number;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		memcpy(&text, value, sizeof text);
		if (text == NULL || utf8_is_text(text, strlen(text)))
			return 0;
		err->path[0] = '\0';
		return err_set(&err->err, -EINVAL, "the text is not valid UTF-8");
	case PROTOBUF_C_TYPE_ENUM:
		memcpy(&number, value, sizeof number);
		if (protobuf_c_enum_descriptor_get_value(field->descriptor, number) != NULL)
			return 0;
		err->path[0] = '\0';
		return err_set(&err->err, -EINVAL, "%d is no value of %s", number,
			((const ProtobufCEnumDescriptor *)field->descriptor)->short_name);
	case PROTOBUF_C_TYPE_MESSAGE:
		memcpy(&message, value, sizeof message);
		return message == NULL ? 0 : rpc_unpack_check(message, err);
	default:
		return 0;
	}
}

static size_t
value_size(ProtobufCType type)
{
	return type == PROTOBUF_C_TYPE_ENUM ? sizeof(int) : sizeof(void *);
}

/* Worth a look: of a type that can be wrong, and not the unused part of a union. */
static bool
is_checked(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
	uint32_t chosen;

	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
		memcpy(&chosen, base + field->quantifier_offset, sizeof chosen);
		if (chosen != field->id)
			return false;
	}
	return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_ENUM ||
	       field->type == PROTOBUF_C_TYPE_MESSAGE;
}

int
rpc_unpack_check(const ProtobufCMessage *message, struct pbjson_err *err)
{
	const uint8_t *base = (const uint8_t *)message;

	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
		const uint8_t *value = base + field->offset;
		size_t n = 1;

		if (!is_checked(field, base))
			continue;
		if (is_repeated) {
			memcpy(&n, base + field->quantifier_offset, sizeof n);
			memcpy(&value, base + field->offset, sizeof value);
		}
		for (size_t k = 0; k < n; k++) {
			int rc = check_value(field, value + k * value_size(field->type), err);

			if (rc < 0) {
				path_prepend(err, field->name, k, is_repeated);
				return rc;
			}
		}
	}
	return 0;
}

uint64_t
rpc_hash_bytes(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * 0x100000001b3u;
	return hash;
}

uint64_t
rpc_hash_message(uint64_t hash, const ProtobufCMessage *message)
{
	CLEANUP(buf_fini) struct buf packed = {0};

	rpc_pack(message, &packed);
	return rpc_hash_bytes(hash, packed.data, packed.size);
}
