/* Offsets into messages, names and letters; tested by tests/unit/test_pbjson_*.c. */
#include "common/pbjson/pbjson_field.h"

#include <ctype.h>
#include <string.h>

#include "common/base/suggest.h"

size_t
pbjson_type_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_ENUM:
		return 4;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 8;
	}
}

/* A proto3 field without presence is absent when it is zero. */
static bool
is_zero(const void *value, size_t size)
{
	const char *p = value;

	for (size_t i = 0; i < size; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* Strings and messages have no has_ flag: a pointer to the default is "not set". */
static bool
pointer_is_set(const void *value, const ProtobufCFieldDescriptor *field)
{
	const void *p;

	memcpy(&p, value, sizeof p);
	return p != NULL && p != field->default_value;
}

size_t
pbjson_field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const void *value = pbjson_field_at(message, field);
	const char *quantifier = (const char *)message + field->quantifier_offset;
	bool is_pointer =
		field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(const void *)quantifier;
	if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
		return *(const uint32_t *)(const void *)quantifier == field->id;
	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return !is_pointer || !is_zero(value, sizeof(void *));
	if (is_pointer)
		return pointer_is_set(value, field);
	if (field->label == PROTOBUF_C_LABEL_NONE)
		return !is_zero(value, pbjson_type_size(field->type));
	return *(const protobuf_c_boolean *)(const void *)quantifier != 0;
}

bool
pbjson_field_is_map(const ProtobufCFieldDescriptor *field)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;
	size_t n;

	if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE ||
		entry->n_fields != 2)
		return false;
	n = strlen(entry->short_name);
	return n >= 5 && strcmp(entry->short_name + n - 5, "Entry") == 0 &&
	       strcmp(entry->fields[0].name, "key") == 0 &&
	       strcmp(entry->fields[1].name, "value") == 0 &&
	       entry->fields[0].type == PROTOBUF_C_TYPE_STRING &&
	       entry->fields[1].type != PROTOBUF_C_TYPE_MESSAGE &&
	       entry->fields[1].label != PROTOBUF_C_LABEL_REPEATED;
}

enum pbjson_unit
pbjson_field_unit(const ProtobufCFieldDescriptor *field, size_t *ret_stem)
{
	static const struct {
		const char *ending;
		size_t size;
	} endings[] = {
		[PBJSON_UNIT_CPU] = {"_milli", 6},
		[PBJSON_UNIT_BYTES] = {"_bytes", 6},
		[PBJSON_UNIT_DURATION] = {"_ms", 3},
	};
	size_t n = strlen(field->name);

	if (field->type != PROTOBUF_C_TYPE_UINT64 && field->type != PROTOBUF_C_TYPE_UINT32)
		return PBJSON_UNIT_NONE;
	for (enum pbjson_unit u = PBJSON_UNIT_CPU; u < PBJSON_UNIT_COUNT; u++) {
		if (n <= endings[u].size ||
			strcmp(field->name + n - endings[u].size, endings[u].ending) != 0)
			continue;
		if (ret_stem != NULL)
			*ret_stem = n - endings[u].size;
		return u;
	}
	return PBJSON_UNIT_NONE;
}

/* Letters and digits in lower case, so that containerPort meets container_port. */
static size_t
squeeze(const char *name, size_t size, char ret[SUGGEST_WORD_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < size && n < SUGGEST_WORD_MAX; i++)
		if (isalnum((unsigned char)name[i]))
			ret[n++] = (char)tolower((unsigned char)name[i]);
	ret[n] = '\0';
	return n;
}

const char *
pbjson_field_suggest(const ProtobufCMessageDescriptor *type, const char *name, size_t size,
	size_t *ret_size)
{
	char given[SUGGEST_WORD_MAX + 1], known[SUGGEST_WORD_MAX + 1];
	struct suggest suggest = suggest_begin(given, squeeze(name, size, given));
	const char *found = NULL;

	for (unsigned i = 0; i < type->n_fields && suggest.n > 0; i++) {
		const char *candidate = type->fields[i].name;
		size_t whole = strlen(candidate), stem = 0;

		(void)pbjson_field_unit(&type->fields[i], &stem);
		for (size_t n = whole; n > 0; n = n == whole ? stem : 0) {
			suggest.nearest = NULL;
			(void)squeeze(candidate, n, known);
			suggest_try(&suggest, known);
			if (suggest.nearest == NULL)
				continue;
			found = candidate;
			*ret_size = n;
		}
	}
	return found;
}
