/* Values that are no messages, from their tokens; tested by tests/unit/test_pbjson_parse.c. */
#include "common/pbjson/pbjson_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/base/utf8.h"
#include "common/pbjson/pbjson_field.h"

enum { NUMBER_TEXT_MAX = 64 }; /* longer numbers and quantities are none */

const char *
pbjson_token_name(const struct pbjson_token *token, char ret[PBJSON_TOKEN_NAME_SIZE])
{
	static const char *const names[] = {
		[PBJSON_OBJECT] = "an object",
		[PBJSON_LIST] = "a list",
		[PBJSON_NULL] = "null",
		[PBJSON_TEXT] = "the text ",
		[PBJSON_NUMBER] = "the number ",
		[PBJSON_PLAIN] = "",
		[PBJSON_BOOL] = "",
	};
	const char *quote = token->kind == PBJSON_TEXT || token->kind == PBJSON_PLAIN ? "'" : "";
	size_t n = 0;

	if (token->kind == PBJSON_OBJECT || token->kind == PBJSON_LIST ||
		token->kind == PBJSON_NULL) {
		(void)snprintf(ret, PBJSON_TOKEN_NAME_SIZE, "%s", names[token->kind]);
		return ret;
	}
	while (n < token->size && token->text[n] != '\0') {
		size_t one = utf8_size(token->text + n, token->size - n);

		if (one == 0 || n + one > 32)
			break;
		n += one;
	}
	(void)snprintf(ret, PBJSON_TOKEN_NAME_SIZE, "%s%s%.*s%s%s", names[token->kind], quote,
		(int)n, token->text, n < token->size ? "…" : "", quote);
	return ret;
}

static int
refuse(const struct pbjson_token *token, const char *want, struct err *err)
{
	char name[PBJSON_TOKEN_NAME_SIZE];

	return err_set(err, -EINVAL, "want %s, not %s", want, pbjson_token_name(token, name));
}

/* The token's characters as a string, for the parsers that want one. False: no text, or too long.
 */
static bool
number_text(const struct pbjson_token *token, char ret[NUMBER_TEXT_MAX])
{
	if ((token->kind != PBJSON_TEXT && token->kind != PBJSON_PLAIN &&
		    token->kind != PBJSON_NUMBER) ||
		token->size >= NUMBER_TEXT_MAX || memchr(token->text, '\0', token->size) != NULL)
		return false;
	memcpy(ret, token->text, token->size);
	ret[token->size] = '\0';
	return true;
}

/* A whole number: digits, a minus if the type has one, no zero in front. */
static int
parse_whole(const struct pbjson_token *token, bool is_signed, uint64_t max, uint64_t *ret,
	struct err *err)
{
	char text[NUMBER_TEXT_MAX], *end;
	const char *digits = text;
	uint64_t value;
	bool negative, fits;

	if (!number_text(token, text))
		return refuse(token, "a whole number", err);
	negative = *digits == '-';
	digits += negative;
	if (strspn(digits, "0123456789") != strlen(digits) || *digits == '\0' ||
		(digits[0] == '0' && digits[1] != '\0'))
		return refuse(token, "a whole number", err);
	errno = 0;
	value = strtoull(digits, &end, 10);
	fits = errno == 0 && value <= max + (negative ? 1 : 0);
	if (negative && value > 0 && !is_signed)
		fits = false;
	if (!fits)
		return err_set(err, -EINVAL, "%.32s is out of range, want %s%llu to %llu", text,
			is_signed ? "-" : "", is_signed ? (unsigned long long)max + 1 : 0ULL,
			(unsigned long long)max);
	*ret = negative ? -value : value;
	return 0;
}

static int
parse_unit(enum pbjson_unit unit, const struct pbjson_token *token, uint64_t *ret, struct err *err)
{
	static int (*const parsers[])(const char *, uint64_t *, struct err *) = {
		[PBJSON_UNIT_CPU] = units_parse_cpu,
		[PBJSON_UNIT_BYTES] = units_parse_bytes,
		[PBJSON_UNIT_DURATION] = units_parse_duration,
	};
	static const char *const wants[] = {
		[PBJSON_UNIT_CPU] = "cores such as 1.5 or 500m",
		[PBJSON_UNIT_BYTES] = "bytes such as 512MiB, 1.5GB or 4096",
		[PBJSON_UNIT_DURATION] = "a duration with its unit such as 10m or 500ms",
	};
	char text[NUMBER_TEXT_MAX];

	if (!number_text(token, text))
		return refuse(token, wants[unit], err);
	return parsers[unit](text, ret, err) < 0 ? -EINVAL : 0;
}

/*
 * Under its full name a quantity is a whole number, or a text with a unit; a text
 * without one ("1.5") would mean another thing than under the short name.
 */
static int
parse_quantity(const ProtobufCFieldDescriptor *field, const struct pbjson_token *token,
	bool by_unit, uint64_t *ret, struct err *err)
{
	uint64_t max = pbjson_type_size(field->type) == 4 ? UINT32_MAX : UINT64_MAX, value;
	enum pbjson_unit unit = pbjson_field_unit(field, NULL);
	bool has_letter = false;
	int rc;

	for (size_t i = 0; i < token->size && token->kind != PBJSON_NUMBER; i++)
		has_letter |= (token->text[i] | 0x20) >= 'a' && (token->text[i] | 0x20) <= 'z';
	if (unit == PBJSON_UNIT_NONE || (!by_unit && !has_letter))
		return parse_whole(token, false, max, ret, err);
	rc = parse_unit(unit, token, &value, err);
	if (rc < 0)
		return rc;
	if (value > max)
		return err_set(err, -EINVAL, "%llu is out of range, want 0 to %llu",
			(unsigned long long)value, (unsigned long long)max);
	*ret = value;
	return 0;
}

static int
parse_real(const struct pbjson_token *token, bool is_float, double *ret, struct err *err)
{
	static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
	char text[NUMBER_TEXT_MAX], *end;
	double value;

	if (!number_text(token, text))
		return refuse(token, "a number", err);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret = i == 0 ? (double)NAN : i == 1 ? HUGE_VAL : -HUGE_VAL;
			return 0;
		}
	}
	if (text[0] == '\0' || strspn(text, "0123456789+-.eE") != strlen(text) || text[0] == '+')
		return refuse(token, "a number", err);
	value = is_float ? (double)strtof(text, &end) : strtod(text, &end);
	if (*end != '\0' || end == text)
		return refuse(token, "a number", err);
	if (!isfinite(value))
		return err_set(err, -EINVAL, "%.32s is out of range", text);
	*ret = value;
	return 0;
}

static int
parse_bool(const struct pbjson_token *token, protobuf_c_boolean *ret, struct err *err)
{
	if (token->kind == PBJSON_BOOL || token->kind == PBJSON_PLAIN) {
		if (token->size == 4 && memcmp(token->text, "true", 4) == 0) {
			*ret = 1;
			return 0;
		}
		if (token->size == 5 && memcmp(token->text, "false", 5) == 0) {
			*ret = 0;
			return 0;
		}
	}
	return refuse(token, "true or false", err);
}

/* Names without regard to case, and with - for _: people write "on-failure". */
static bool
name_equals(const char *name, const char *text, size_t size)
{
	if (strlen(name) != size)
		return false;
	for (size_t i = 0; i < size; i++) {
		char c = text[i] == '-' ? '_' : text[i];

		if (strncasecmp(&name[i], &c, 1) != 0)
			return false;
	}
	return true;
}

static int
refuse_enum(const ProtobufCEnumDescriptor *type, const struct pbjson_token *token, struct err *err)
{
	char want[128] = "one of";
	size_t used = strlen(want);

	for (unsigned i = 0; i < type->n_values && used < sizeof want; i++) {
		int n = snprintf(want + used, sizeof want - used, " %s", type->values[i].name);

		if (n < 0 || used + (size_t)n >= sizeof want) {
			(void)snprintf(want + sizeof want - 4, 4, "…");
			break;
		}
		used += (size_t)n;
	}
	return refuse(token, want, err);
}

static int
parse_enum(const ProtobufCEnumDescriptor *type, const struct pbjson_token *token, int32_t *ret,
	struct err *err)
{
	uint64_t number;

	if (token->kind == PBJSON_TEXT || token->kind == PBJSON_PLAIN) {
		for (unsigned i = 0; i < type->n_values; i++) {
			if (name_equals(type->values[i].name, token->text, token->size)) {
				*ret = type->values[i].value;
				return 0;
			}
		}
	}
	if (parse_whole(token, true, INT32_MAX, &number, err) < 0 ||
		protobuf_c_enum_descriptor_get_value(type, (int)(int64_t)number) == NULL)
		return refuse_enum(type, token, err);
	*ret = (int32_t)(int64_t)number;
	return 0;
}

static int
parse_text(const struct pbjson_token *token, char **ret, struct err *err)
{
	char *text;

	if (token->kind != PBJSON_TEXT && token->kind != PBJSON_PLAIN)
		return refuse(token, "a text", err);
	if (memchr(token->text, '\0', token->size) != NULL)
		return err_set(err, -EINVAL, "a text cannot hold the character NUL");
	text = xmalloc(token->size + 1);
	memcpy(text, token->text, token->size);
	text[token->size] = '\0';
	*ret = text;
	return 0;
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int
parse_base64(const struct pbjson_token *token, ProtobufCBinaryData *ret, struct err *err)
{
	size_t size = token->size, n = 0;
	unsigned bits = 0;
	uint8_t *data;

	if (token->kind != PBJSON_TEXT && token->kind != PBJSON_PLAIN)
		return refuse(token, "bytes in base64", err);
	if (size % 4 == 0)
		for (int i = 0; i < 2 && size > 0 && token->text[size - 1] == '='; i++)
			size--;
	if (size % 4 == 1)
		return refuse(token, "bytes in base64", err);
	for (size_t i = 0; i < size; i++)
		if (base64_digit(token->text[i]) < 0)
			return refuse(token, "bytes in base64", err);
	data = xmalloc(size / 4 * 3 + 3);
	for (size_t i = 0; i < size; i++) {
		bits = bits << 6 | (unsigned)base64_digit(token->text[i]);
		if (i % 4 > 0)
			data[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*ret = (ProtobufCBinaryData){.len = n, .data = data};
	return 0;
}

static int
parse_signed(const ProtobufCFieldDescriptor *field, const struct pbjson_token *token, void *slot,
	struct err *err)
{
	bool wide = pbjson_type_size(field->type) == 8;
	uint64_t value;
	int rc = parse_whole(token, true, wide ? INT64_MAX : INT32_MAX, &value, err);

	if (rc < 0)
		return rc;
	if (wide)
		*(int64_t *)slot = (int64_t)value;
	else
		*(int32_t *)slot = (int32_t)(int64_t)value;
	return 0;
}

static int
parse_unsigned(const ProtobufCFieldDescriptor *field, const struct pbjson_token *token,
	bool by_unit, void *slot, struct err *err)
{
	uint64_t value;
	int rc = parse_quantity(field, token, by_unit, &value, err);

	if (rc < 0)
		return rc;
	if (pbjson_type_size(field->type) == 8)
		*(uint64_t *)slot = value;
	else
		*(uint32_t *)slot = (uint32_t)value;
	return 0;
}

static int
parse_real_field(const ProtobufCFieldDescriptor *field, const struct pbjson_token *token,
	void *slot, struct err *err)
{
	bool is_float = field->type == PROTOBUF_C_TYPE_FLOAT;
	double value = 0;
	int rc = parse_real(token, is_float, &value, err);

	if (rc < 0)
		return rc;
	if (is_float)
		*(float *)slot = (float)value;
	else
		*(double *)slot = value;
	return 0;
}

int
pbjson_scalar_parse(const ProtobufCFieldDescriptor *field, const struct pbjson_token *token,
	bool by_unit, void *slot, struct err *err)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return parse_text(token, slot, err);
	case PROTOBUF_C_TYPE_BYTES:
		return parse_base64(token, slot, err);
	case PROTOBUF_C_TYPE_BOOL:
		return parse_bool(token, slot, err);
	case PROTOBUF_C_TYPE_ENUM:
		return parse_enum(field->descriptor, token, slot, err);
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return parse_real_field(field, token, slot, err);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return parse_unsigned(field, token, by_unit, slot, err);
	default:
		return parse_signed(field, token, slot, err);
	}
}
