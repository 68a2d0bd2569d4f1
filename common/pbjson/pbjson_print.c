/* Writing JSON: straight from the descriptors into the buf, for it is on the way of every event. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/pbjson/pbjson.h"
#include "common/pbjson/pbjson_field.h"
#include "common/pbjson/pbjson_scalar.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

struct printer {
	struct buf *out;
	bool pretty, lists;
	unsigned depth;
};

static void
put_char(struct buf *out, char c)
{
	*buf_reserve(out, 1) = (uint8_t)c;
	out->size++;
}

static void
put_escape(struct buf *out, char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	char text[6] = {'\\', 'u', '0', '0', hex[(c >> 4) & 0xf], hex[c & 0xf]};

	for (const char *p = letters; *p != '\0'; p += 2) {
		if (*p == c) {
			text[1] = p[1];
			buf_put(out, text, 2);
			return;
		}
	}
	buf_put(out, text, sizeof text);
}

void
pbjson_print_text(const char *text, size_t size, struct buf *out)
{
	size_t run = 0; /* where the bytes begin that need no change */

	put_char(out, '"');
	for (size_t i = 0; i < size;) {
		unsigned char c = (unsigned char)text[i];
		size_t n;

		if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
			i++;
			continue;
		}
		n = c < 0x80 ? 0 : utf8_size(text + i, size - i);
		if (n > 0) {
			i += n;
			continue;
		}
		buf_put(out, text + run, i - run);
		if (c < 0x80)
			put_escape(out, text[i]);
		else
			buf_put(out, replacement, sizeof replacement - 1);
		run = ++i;
	}
	buf_put(out, text + run, size - run);
	put_char(out, '"');
}

static void
put_unsigned(struct buf *out, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	buf_put(out, digits + at, sizeof digits - at);
}

static void
put_signed(struct buf *out, int64_t value)
{
	if (value < 0)
		put_char(out, '-');
	put_unsigned(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* As few digits as lead back to the same number; JSON has no word for the others. */
static void
put_real(struct buf *out, double value, bool is_float)
{
	char text[40];

	if (!isfinite(value)) {
		buf_puts(out, isnan(value) ? "\"NaN\""
			      : value > 0  ? "\"Infinity\""
					   : "\"-Infinity\"");
		return;
	}
	for (int digits = is_float ? FLT_DIG : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, value);
		if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
			break;
	}
	buf_puts(out, text);
}

static void
put_base64(struct buf *out, const ProtobufCBinaryData *bytes)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	put_char(out, '"');
	for (size_t i = 0; i < bytes->len; i += 3) {
		size_t n = bytes->len - i < 3 ? bytes->len - i : 3;
		unsigned bits = (unsigned)bytes->data[i] << 16;
		char four[4] = {'=', '=', '=', '='};

		bits |= n > 1 ? (unsigned)bytes->data[i + 1] << 8 : 0;
		bits |= n > 2 ? (unsigned)bytes->data[i + 2] : 0;
		for (size_t k = 0; k <= n; k++)
			four[k] = alphabet[bits >> (18 - 6 * k) & 0x3f];
		buf_put(out, four, sizeof four);
	}
	put_char(out, '"');
}

const char *
pbjson_enum_name(const ProtobufCEnumDescriptor *type, int value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);

	return found == NULL ? "?" : found->name;
}

static void
put_enum(struct buf *out, const ProtobufCEnumDescriptor *type, int32_t value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);

	if (found == NULL) {
		put_signed(out, value);
		return;
	}
	put_char(out, '"');
	buf_puts(out, found->name);
	put_char(out, '"');
}

/* The value at p, of the field's type, but no message. */
void
pbjson_print_scalar(const ProtobufCFieldDescriptor *field, const void *p, struct buf *out)
{
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		put_signed(out, *(const int32_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		put_unsigned(out, *(const uint32_t *)p);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		put_signed(out, *(const int64_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		put_unsigned(out, *(const uint64_t *)p);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		put_real(out, (double)*(const float *)p, true);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		put_real(out, *(const double *)p, false);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		buf_puts(out, *(const protobuf_c_boolean *)p ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		put_enum(out, field->descriptor, *(const int32_t *)p);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		put_base64(out, p);
		break;
	case PROTOBUF_C_TYPE_STRING:
		text = *(const char *const *)p;
		pbjson_print_text(text == NULL ? "" : text, text == NULL ? 0 : strlen(text), out);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	}
}

static void
new_line(struct printer *printer)
{
	static const char spaces[] = "                ";

	if (!printer->pretty)
		return;
	put_char(printer->out, '\n');
	for (size_t n = 2 * printer->depth; n > 0;) {
		size_t part = n < sizeof spaces - 1 ? n : sizeof spaces - 1;

		buf_put(printer->out, spaces, part);
		n -= part;
	}
}

static void
put_colon(struct printer *printer)
{
	buf_puts(printer->out, printer->pretty ? ": " : ":");
}

/* Between the values of an object or array; first is cleared. */
static void
put_comma(struct printer *printer, bool *first)
{
	if (!*first)
		put_char(printer->out, ',');
	*first = false;
	new_line(printer);
}

static void
put_open(struct printer *printer, char c)
{
	put_char(printer->out, c);
	printer->depth++;
}

static void
put_close(struct printer *printer, char c, bool empty)
{
	printer->depth--;
	if (!empty)
		new_line(printer);
	put_char(printer->out, c);
}

static void print_message(struct printer *printer, const ProtobufCMessage *message);

static void
print_map(struct printer *printer, const ProtobufCFieldDescriptor *field, const void *array,
	size_t n)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;
	const ProtobufCMessage *const *entries = array;
	bool first = true;

	put_open(printer, '{');
	for (size_t i = 0; i < n; i++) {
		put_comma(printer, &first);
		pbjson_print_scalar(&entry->fields[0],
			pbjson_field_at(entries[i], &entry->fields[0]), printer->out);
		put_colon(printer);
		pbjson_print_scalar(&entry->fields[1],
			pbjson_field_at(entries[i], &entry->fields[1]), printer->out);
	}
	put_close(printer, '}', n == 0);
}

static void
print_value(struct printer *printer, const ProtobufCFieldDescriptor *field, const void *p)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		print_message(printer, *(const ProtobufCMessage *const *)p);
	else
		pbjson_print_scalar(field, p, printer->out);
}

static void
print_list(struct printer *printer, const ProtobufCFieldDescriptor *field, const void *array,
	size_t n)
{
	size_t size = pbjson_type_size(field->type);
	bool first = true;

	put_open(printer, '[');
	for (size_t i = 0; i < n; i++) {
		put_comma(printer, &first);
		print_value(printer, field, (const char *)array + i * size);
	}
	put_close(printer, ']', n == 0);
}

static void
print_field(struct printer *printer, const ProtobufCFieldDescriptor *field, const void *value,
	size_t n)
{
	put_char(printer->out, '"');
	buf_puts(printer->out, field->name);
	put_char(printer->out, '"');
	put_colon(printer);
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		print_value(printer, field, value);
	else if (pbjson_field_is_map(field))
		print_map(printer, field, *(const void *const *)value, n);
	else
		print_list(printer, field, *(const void *const *)value, n);
}

static void
print_message(struct printer *printer, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type;
	bool first = true;

	if (message == NULL || printer->depth >= PBJSON_DEPTH_MAX) {
		buf_puts(printer->out, "null");
		return;
	}
	type = message->descriptor;
	put_open(printer, '{');
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		size_t n = pbjson_field_count(message, field);

		if (n == 0 && !(printer->lists && printer->depth == 1 &&
				      field->label == PROTOBUF_C_LABEL_REPEATED))
			continue;
		put_comma(printer, &first);
		print_field(printer, field, pbjson_field_at(message, field), n);
	}
	put_close(printer, '}', first);
}

void
pbjson_print(const ProtobufCMessage *message, enum pbjson_style style, struct buf *out)
{
	struct printer printer = {.out = out,
		.pretty = style == PBJSON_PRETTY,
		.lists = style == PBJSON_LISTS};

	print_message(&printer, message);
	if (printer.pretty)
		put_char(out, '\n');
}
