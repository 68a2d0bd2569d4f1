#include "common/rpc/pack.h"

#include <stdbool.h>
#include <string.h>

enum { VARINT_MAX = 10 }; /* bytes */

static size_t
write_varint(uint8_t *to, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		to[n++] = (uint8_t)(value | 0x80);
	to[n++] = (uint8_t)value;
	return n;
}

static inline uint8_t *
reserve(struct buf *out, size_t n)
{
	return out->room - out->size >= n ? out->data + out->size : buf_reserve(out, n);
}

/* Most are tags and small numbers, of one byte. */
static inline void
put_varint(struct buf *out, uint64_t value)
{
	if (value < 0x80 && out->size < out->room)
		out->data[out->size++] = (uint8_t)value;
	else
		out->size += write_varint(reserve(out, VARINT_MAX), value);
}

static void
put_fixed(struct buf *out, uint64_t value, size_t size)
{
	uint8_t *to = reserve(out, size);

	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * i);
	out->size += size;
}

static void
put_tag(struct buf *out, unsigned number, unsigned wire)
{
	put_varint(out, (uint64_t)number << 3 | wire);
}

static void
put_sized(struct buf *out, const void *data, size_t size)
{
	uint8_t *to = reserve(out, VARINT_MAX + size), *at = to + write_varint(to, size);

	if (size > 0)
		memcpy(at, data, size);
	out->size += (size_t)(at - to) + size;
}

/* One byte is left for the length; what is behind moves when it takes more. */
static size_t
begin_sized(struct buf *out)
{
	(void)reserve(out, VARINT_MAX);
	return ++out->size;
}

static void
end_sized(struct buf *out, size_t begin)
{
	uint8_t length[VARINT_MAX];
	size_t size = out->size - begin, n = write_varint(length, size);

	if (n > 1) {
		(void)buf_reserve(out, n - 1);
		memmove(out->data + begin + n - 1, out->data + begin, size);
		out->size += n - 1;
	}
	memcpy(out->data + begin - 1, length, n);
}

static uint32_t
read32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static uint64_t
read64(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static const void *
read_pointer(const void *at)
{
	const void *value;

	memcpy(&value, at, sizeof value);
	return value;
}

/* Negative numbers of 32 bits travel as 64. */
static uint64_t
widened(uint32_t value)
{
	return (uint64_t)(int64_t)(int32_t)value;
}

static unsigned
wire_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return PROTOBUF_C_WIRE_TYPE_32BIT;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return PROTOBUF_C_WIRE_TYPE_64BIT;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	default:
		return PROTOBUF_C_WIRE_TYPE_VARINT;
	}
}

static size_t
size_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT64:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return wire_of(type) == PROTOBUF_C_WIRE_TYPE_64BIT ? sizeof(uint64_t)
								   : sizeof(uint32_t);
	}
}

static void
put_text(struct buf *out, const char *text)
{
	put_sized(out, text, text == NULL ? 0 : strlen(text));
}

static void
put_message(struct buf *out, const ProtobufCMessage *message)
{
	size_t begin = begin_sized(out);

	if (message != NULL)
		rpc_pack(message, out);
	end_sized(out, begin);
}

/* The content alone. */
static void
put_value(struct buf *out, ProtobufCType type, const void *at)
{
	const ProtobufCBinaryData *bytes = at;
	uint32_t small;
	uint64_t large;

	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		put_varint(out, widened(read32(at)));
		break;
	case PROTOBUF_C_TYPE_SINT32:
		small = read32(at);
		put_varint(out, small << 1 ^ (0 - (small >> 31)));
		break;
	case PROTOBUF_C_TYPE_SINT64:
		large = read64(at);
		put_varint(out, large << 1 ^ (0 - (large >> 63)));
		break;
	case PROTOBUF_C_TYPE_UINT32:
		put_varint(out, read32(at));
		break;
	case PROTOBUF_C_TYPE_BOOL:
		put_varint(out, read32(at) != 0);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		put_varint(out, read64(at));
		break;
	case PROTOBUF_C_TYPE_STRING:
		put_text(out, read_pointer(at));
		break;
	case PROTOBUF_C_TYPE_BYTES:
		put_sized(out, bytes->data, bytes->len);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		put_message(out, read_pointer(at));
		break;
	default: /* of fixed size */
		if (size_of(type) == sizeof small)
			put_fixed(out, read32(at), sizeof small);
		else
			put_fixed(out, read64(at), sizeof large);
	}
}

static void
put_repeated(struct buf *out, const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
	size_t n, begin, size = size_of(field->type);
	const uint8_t *array = read_pointer(base + field->offset);

	memcpy(&n, base + field->quantifier_offset, sizeof n);
	if (n == 0)
		return;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0) {
		put_tag(out, field->id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
		begin = begin_sized(out);
		for (size_t i = 0; i < n; i++)
			put_value(out, field->type, array + i * size);
		end_sized(out, begin);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		put_tag(out, field->id, wire_of(field->type));
		put_value(out, field->type, array + i * size);
	}
}

/* Texts and messages are there if they are not NULL, the rest is if its has_ says so. */
static bool
is_there(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
	bool is_pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	const void *pointer;

	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
		read32(base + field->quantifier_offset) != field->id)
		return false;
	if (is_pointer) {
		pointer = read_pointer(base + field->offset);
		return pointer != NULL && pointer != field->default_value;
	}
	return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ||
	       read32(base + field->quantifier_offset) != 0;
}

void
rpc_pack(const ProtobufCMessage *message, struct buf *out)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const uint8_t *base = (const uint8_t *)message;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			put_repeated(out, field, base);
		} else if (is_there(field, base)) {
			put_tag(out, field->id, wire_of(field->type));
			put_value(out, field->type, base + field->offset);
		}
	}
	for (unsigned i = 0; i < message->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *unknown = &message->unknown_fields[i];

		put_tag(out, unknown->tag, (unsigned)unknown->wire_type);
		buf_put(out, unknown->data, unknown->len);
	}
}

void
rpc_pack_nested(unsigned number, const ProtobufCMessage *message, struct buf *out)
{
	put_tag(out, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	put_message(out, message);
}
