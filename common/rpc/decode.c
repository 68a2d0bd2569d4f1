#include "common/rpc/decode.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"

enum {
	ALLOC_OVERHEAD = 16, /* what malloc adds to each block, about */
	FIELDS_MAX = 128,    /* of a type; ours have 58 at most */
	NUMBER_MAX = (1 << 29) - 1,
};

struct reader {
	const uint8_t *at, *end;
};

/* One member as it stands on the wire. */
struct part {
	uint32_t number;
	unsigned wire;
	uint64_t value;       /* of a number */
	const uint8_t *begin; /* right behind the tag, … */
	const uint8_t *data;  /* … and what is of some length */
	size_t size;
};

/* ---- memory, within the budget ---- */

/* Without content. */
static void *
take(struct rpc_decode *decode, size_t size)
{
	size_t cost = size + ALLOC_OVERHEAD;

	if (cost < size || cost > decode->left) {
		decode->is_spent = true;
		return NULL;
	}
	decode->left -= cost;
	if (decode->arena != NULL)
		return arena_raw(decode->arena, size);
	return malloc(size > 0 ? size : 1);
}

/* What is given back is not credited: it is little. */
static void
give_back(const struct rpc_decode *decode, void *block)
{
	if (decode->arena == NULL)
		free(block);
}

/* ---- bytes ---- */

static inline bool
read_varint(struct reader *reader, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		uint8_t byte = *reader->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static inline bool
read_fixed(struct reader *reader, size_t size, uint64_t *ret_value)
{
	if ((size_t)(reader->end - reader->at) < size)
		return false;
	*ret_value = 0;
	for (size_t i = 0; i < size; i++)
		*ret_value |= (uint64_t)reader->at[i] << 8 * i;
	reader->at += size;
	return true;
}

static bool
read_sized(struct reader *reader, struct part *part)
{
	uint64_t size;

	if (!read_varint(reader, &size) || size > (size_t)(reader->end - reader->at))
		return false;
	part->data = reader->at;
	part->size = size;
	reader->at += size;
	return true;
}

static inline bool
read_part(struct reader *reader, struct part *part)
{
	uint64_t tag;

	if (!read_varint(reader, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return false;
	part->number = (uint32_t)(tag >> 3);
	part->wire = tag & 7;
	part->begin = reader->at;
	switch (part->wire) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return read_varint(reader, &part->value);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return read_fixed(reader, 8, &part->value);
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		return read_sized(reader, part);
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return read_fixed(reader, 4, &part->value);
	default:
		return false; /* groups */
	}
}

/* ---- types ---- */

/* How a type travels, how much room it has in memory, and whether it may be packed. */
static const struct {
	uint8_t wire, size, is_packable;
} types[] = {
#define NUMBER(name, wire, size) \
	[PROTOBUF_C_TYPE_##name] = {PROTOBUF_C_WIRE_TYPE_##wire, sizeof(size), true}
	NUMBER(INT32, VARINT, int32_t),
	NUMBER(SINT32, VARINT, int32_t),
	NUMBER(SFIXED32, 32BIT, int32_t),
	NUMBER(INT64, VARINT, int64_t),
	NUMBER(SINT64, VARINT, int64_t),
	NUMBER(SFIXED64, 64BIT, int64_t),
	NUMBER(UINT32, VARINT, uint32_t),
	NUMBER(FIXED32, 32BIT, uint32_t),
	NUMBER(UINT64, VARINT, uint64_t),
	NUMBER(FIXED64, 64BIT, uint64_t),
	NUMBER(FLOAT, 32BIT, float),
	NUMBER(DOUBLE, 64BIT, double),
	NUMBER(BOOL, VARINT, protobuf_c_boolean),
	NUMBER(ENUM, VARINT, uint32_t),
#undef NUMBER
	[PROTOBUF_C_TYPE_STRING] = {PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, sizeof(char *), false},
	[PROTOBUF_C_TYPE_BYTES] = {PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
		sizeof(ProtobufCBinaryData), false},
	[PROTOBUF_C_TYPE_MESSAGE] = {PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, sizeof(void *), false},
};

static bool
is_value_of(const ProtobufCEnumDescriptor *type, int value)
{
	if (type->n_value_ranges == 1)
		return value >= type->value_ranges[0].start_value &&
		       (unsigned)(value - type->value_ranges[0].start_value) < type->n_values;
	return protobuf_c_enum_descriptor_get_value(type, value) != NULL;
}

/* The order of members is nearly always that of the fields. */
static inline const ProtobufCFieldDescriptor *
find_field(const ProtobufCMessageDescriptor *type, unsigned hint, uint32_t number)
{
	for (unsigned i = hint; i < type->n_fields && i < hint + 3; i++) {
		if (type->fields[i].id == number)
			return &type->fields[i];
	}
	return protobuf_c_message_descriptor_get_field(type, number);
}

static bool
is_in_oneof(const ProtobufCFieldDescriptor *field)
{
	return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* ---- values ---- */

static void
set_number(struct rpc_decode *decode, const ProtobufCFieldDescriptor *field, uint64_t value,
	void *to)
{
	uint32_t small = (uint32_t)value;

	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		small = value != 0;
		break;
	case PROTOBUF_C_TYPE_SINT32:
		small = (small >> 1) ^ (0 - (small & 1));
		break;
	case PROTOBUF_C_TYPE_SINT64:
		value = (value >> 1) ^ (0 - (value & 1));
		break;
	case PROTOBUF_C_TYPE_ENUM:
		decode->is_doubtful |= !is_value_of(field->descriptor, (int)small);
		break;
	default:
		break;
	}
	if (types[field->type].size == sizeof small)
		memcpy(to, &small, sizeof small);
	else
		memcpy(to, &value, sizeof value);
}

static bool
set_text(struct rpc_decode *decode, const ProtobufCFieldDescriptor *field, const struct part *part,
	void *to)
{
	char *old, *text = take(decode, part->size + 1);

	if (text == NULL)
		return false;
	memcpy(text, part->data, part->size);
	text[part->size] = '\0';
	decode->is_doubtful |= !utf8_is_text(text, part->size);
	memcpy(&old, to, sizeof old);
	if (old != field->default_value)
		give_back(decode, old);
	memcpy(to, &text, sizeof text);
	return true;
}

static bool
set_bytes(struct rpc_decode *decode, const ProtobufCFieldDescriptor *field, const struct part *part,
	void *to)
{
	const ProtobufCBinaryData *usual = field->default_value;
	ProtobufCBinaryData old, new = {part->size, NULL};

	if (decode->borrows_bytes) {
		new.data = (uint8_t *)(uintptr_t)part->data;
	} else if (part->size > 0) {
		new.data = take(decode, part->size);
		if (new.data == NULL)
			return false;
		memcpy(new.data, part->data, part->size);
	}
	memcpy(&old, to, sizeof old);
	if (usual == NULL || old.data != usual->data)
		give_back(decode, old.data);
	memcpy(to, &new, sizeof new);
	return true;
}

static bool decode_into(struct rpc_decode *decode, ProtobufCMessage *message, const uint8_t *data,
	size_t size);

/* A message that comes in several parts is all of them. */
static bool
set_message(struct rpc_decode *decode, const ProtobufCFieldDescriptor *field,
	const struct part *part, void *to)
{
	const ProtobufCMessageDescriptor *type = field->descriptor;
	ProtobufCMessage *message;

	memcpy(&message, to, sizeof message);
	if (message == NULL || message == field->default_value) {
		message = take(decode, type->sizeof_message);
		if (message == NULL)
			return false;
		protobuf_c_message_init(type, message);
		memcpy(to, &message, sizeof message);
	}
	return decode_into(decode, message, part->data, part->size);
}

static bool
set_value(struct rpc_decode *decode, const ProtobufCFieldDescriptor *field, const struct part *part,
	void *to)
{
	if (part->wire != types[field->type].wire)
		return false;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return set_text(decode, field, part, to);
	case PROTOBUF_C_TYPE_BYTES:
		return set_bytes(decode, field, part, to);
	case PROTOBUF_C_TYPE_MESSAGE:
		return set_message(decode, field, part, to);
	default:
		set_number(decode, field, part->value, to);
		return true;
	}
}

/* ---- fields that repeat ---- */

static bool
is_packed(const ProtobufCFieldDescriptor *field, const struct part *part)
{
	return part->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && types[field->type].is_packable;
}

static size_t
count(const ProtobufCFieldDescriptor *field, const struct part *part)
{
	size_t n = 0;

	if (!is_packed(field, part))
		return 1;
	if (types[field->type].wire != PROTOBUF_C_WIRE_TYPE_VARINT)
		return part->size / types[field->type].size;
	for (size_t i = 0; i < part->size; i++)
		n += part->data[i] < 0x80;
	return n;
}

/* Room for the first and those of its field that follow it in rest: at once, or anywhere. */
static bool
make_room(struct rpc_decode *decode, uint8_t *base, const ProtobufCFieldDescriptor *field,
	const struct part *first, struct reader rest, bool anywhere)
{
	size_t n_old, n = count(field, first), size = types[field->type].size;
	uint8_t *old, *array;
	struct part part;

	while (rest.at < rest.end) {
		if (!read_part(&rest, &part))
			return false;
		if (part.number == field->id)
			n += count(field, &part);
		else if (!anywhere)
			break;
	}
	memcpy(&n_old, base + field->quantifier_offset, sizeof n_old);
	memcpy(&old, base + field->offset, sizeof old);
	if (n == 0)
		return true;
	array = take(decode, (n_old + n) * size);
	if (array == NULL)
		return false;
	if (n_old > 0)
		memcpy(array, old, n_old * size);
	memset(array + n_old * size, 0, n * size);
	if (old != field->default_value)
		give_back(decode, old);
	memcpy(base + field->offset, &array, sizeof array);
	return true;
}

/* What is half read counts already, so that it is freed. */
static void *
next_element(uint8_t *base, const ProtobufCFieldDescriptor *field)
{
	uint8_t *array;
	size_t n;

	memcpy(&array, base + field->offset, sizeof array);
	memcpy(&n, base + field->quantifier_offset, sizeof n);
	array += n * types[field->type].size;
	n++;
	memcpy(base + field->quantifier_offset, &n, sizeof n);
	return array;
}

static bool
add_packed(struct rpc_decode *decode, uint8_t *base, const ProtobufCFieldDescriptor *field,
	const struct part *part)
{
	struct reader reader = {part->data, part->data + part->size};
	unsigned wire = types[field->type].wire;
	uint64_t value;

	while (reader.at < reader.end) {
		bool ok = wire == PROTOBUF_C_WIRE_TYPE_VARINT
				  ? read_varint(&reader, &value)
				  : read_fixed(&reader, types[field->type].size, &value);

		if (!ok)
			return false;
		set_number(decode, field, value, next_element(base, field));
	}
	return true;
}

/* ---- messages ---- */

/* Another member of the same oneof goes. */
static void
choose(struct rpc_decode *decode, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	uint8_t *base = (uint8_t *)message;
	const ProtobufCFieldDescriptor *other;
	uint32_t chosen;
	void *old;

	memcpy(&chosen, base + field->quantifier_offset, sizeof chosen);
	if (chosen == field->id)
		return;
	other = chosen == 0 ? NULL
			    : protobuf_c_message_descriptor_get_field(message->descriptor, chosen);
	if (other != NULL && decode->arena == NULL) {
		memcpy(&old, base + other->offset, sizeof old);
		if (other->type == PROTOBUF_C_TYPE_MESSAGE)
			protobuf_c_message_free_unpacked(old, NULL);
		else if (other->type == PROTOBUF_C_TYPE_STRING)
			free(old);
		else if (other->type == PROTOBUF_C_TYPE_BYTES)
			free(((ProtobufCBinaryData *)(void *)(base + other->offset))->data);
	}
	if (other != NULL)
		memset(base + other->offset, 0, types[other->type].size);
	memset(base + field->offset, 0, types[field->type].size);
	memcpy(base + field->quantifier_offset, &field->id, sizeof field->id);
}

static bool
set_single(struct rpc_decode *decode, ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, const struct part *part)
{
	uint8_t *base = (uint8_t *)message;
	const protobuf_c_boolean is_there = 1;

	if (is_in_oneof(field))
		choose(decode, message, field);
	else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0)
		memcpy(base + field->quantifier_offset, &is_there, sizeof is_there);
	return set_value(decode, field, part, base + field->offset);
}

/* From a newer program, perhaps: it is kept and goes out again with the message. */
static bool
keep_unknown(struct rpc_decode *decode, ProtobufCMessage *message, const struct part *part,
	const struct reader *reader)
{
	ProtobufCMessageUnknownField *all, *unknown;
	size_t size = (size_t)(reader->at - part->begin), n = message->n_unknown_fields;

	if ((n & (n - 1)) == 0) { /* full: there is room for a power of two */
		all = take(decode, (n == 0 ? 1 : 2 * n) * sizeof *all);
		if (all == NULL)
			return false;
		if (n > 0)
			memcpy(all, message->unknown_fields, n * sizeof *all);
		give_back(decode, message->unknown_fields);
		message->unknown_fields = all;
	}
	unknown = &message->unknown_fields[n];
	unknown->tag = part->number;
	unknown->wire_type = (ProtobufCWireType)part->wire;
	unknown->data = take(decode, size);
	if (unknown->data == NULL)
		return false; /* it is not counted */
	unknown->len = size;
	memcpy(unknown->data, part->begin, size);
	message->n_unknown_fields++;
	return true;
}

static bool
has_all(const ProtobufCMessageDescriptor *type, const uint64_t *seen)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
			type->fields[i].default_value == NULL && (seen[i / 64] >> i % 64 & 1) == 0)
			return false;
	}
	return true;
}

/* Whether it was set before. */
static bool
set_bit(uint64_t *bits, unsigned i)
{
	bool was_set = (bits[i / 64] >> i % 64 & 1) != 0;

	bits[i / 64] |= UINT64_C(1) << i % 64;
	return was_set;
}

/* A message that is half read; bits by place in the type's fields. */
struct progress {
	struct reader reader;
	uint64_t seen[FIELDS_MAX / 64];
	uint64_t counted[FIELDS_MAX / 64]; /* there is room for all that come */
};

/*
 * Elements of a field nearly always follow one another, so the first one makes room for those
 * behind it; should more come after other fields, room is made once more, for all that there are.
 */
static bool
begin_run(struct rpc_decode *decode, ProtobufCMessage *message,
	const ProtobufCFieldDescriptor *field, const struct part *part, struct progress *progress)
{
	unsigned i = (unsigned)(field - message->descriptor->fields);
	bool again = set_bit(progress->seen, i);

	if (again && set_bit(progress->counted, i))
		return true;
	return make_room(decode, (uint8_t *)message, field, part, progress->reader, again);
}

static bool
decode_into(struct rpc_decode *decode, ProtobufCMessage *message, const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const ProtobufCFieldDescriptor *field, *last = type->fields, *run = NULL;
	struct progress progress = {.reader = {data, size > 0 ? data + size : data}}; /* NULL */
	uint8_t *base = (uint8_t *)message;
	struct part part;
	bool ok = true;

	assert(type->n_fields <= FIELDS_MAX);
	while (ok && progress.reader.at < progress.reader.end) {
		if (!read_part(&progress.reader, &part))
			return false;
		field = find_field(type, (unsigned)(last - type->fields), part.number);
		if (field == NULL) {
			run = NULL;
			ok = keep_unknown(decode, message, &part, &progress.reader);
			continue;
		}
		last = field;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			run = NULL;
			(void)set_bit(progress.seen, (unsigned)(field - type->fields));
			ok = set_single(decode, message, field, &part);
			continue;
		}
		if (field != run && !begin_run(decode, message, field, &part, &progress))
			return false;
		run = field;
		if (is_packed(field, &part))
			ok = add_packed(decode, base, field, &part);
		else
			ok = set_value(decode, field, &part, next_element(base, field));
	}
	return ok && has_all(type, progress.seen);
}

ProtobufCMessage *
rpc_decode(struct rpc_decode *decode, const ProtobufCMessageDescriptor *type, const void *data,
	size_t size)
{
	ProtobufCMessage *message = take(decode, type->sizeof_message);

	if (message == NULL)
		return NULL;
	protobuf_c_message_init(type, message);
	if (decode_into(decode, message, data, size))
		return message;
	if (decode->arena == NULL)
		protobuf_c_message_free_unpacked(message, NULL);
	return NULL;
}
