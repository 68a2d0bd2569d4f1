/* Offsets into messages, names and letters; tested by tests/unit/test_pbjson_*.c. */
#include "common/pbjson/pbjson_field.h"

#include <ctype.h>
#include <string.h>

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

enum { SUGGEST_MAX = 32 }; /* longer names are not compared */

/* Letters and digits in lower case, so that containerPort meets container_port. */
static size_t
squeeze(const char *name, size_t size, char ret[SUGGEST_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < size && n < SUGGEST_MAX; i++)
		if (isalnum((unsigned char)name[i]))
			ret[n++] = (char)tolower((unsigned char)name[i]);
	return n;
}

/* How many letters must be put in, left out or changed to come from one name to the other. */
static size_t
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t row[SUGGEST_MAX + 1];

	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n_b];
}

const char *
pbjson_field_suggest(const ProtobufCMessageDescriptor *type, const char *name, size_t size)
{
	char given[SUGGEST_MAX], known[SUGGEST_MAX];
	size_t n_given = squeeze(name, size, given), nearest = n_given < 5 ? 2 : 3;
	const char *found = NULL;

	if (n_given == 0 || size > SUGGEST_MAX)
		return NULL;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const char *candidate = type->fields[i].name;
		size_t stem = strlen(candidate), far;

		far = distance(given, n_given, known, squeeze(candidate, stem, known));
		if (far > 0 && pbjson_field_unit(&type->fields[i], &stem) != PBJSON_UNIT_NONE) {
			size_t other =
				distance(given, n_given, known, squeeze(candidate, stem, known));

			far = other < far ? other : far;
		}
		if (far < nearest) {
			nearest = far;
			found = candidate;
		}
	}
	return found;
}

size_t
pbjson_utf8_size(const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned lowest, code;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2, lowest = 0x80, code = p[0] & 0x1fU;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3, lowest = 0x800, code = p[0] & 0x0fU;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4, lowest = 0x10000, code = p[0] & 0x07U;
	else
		return 0;
	if (size < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fU);
	}
	/* No overlong form, no half of a surrogate pair, nothing above Unicode. */
	return code >= lowest && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n : 0;
}
