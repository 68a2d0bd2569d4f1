/* Writing YAML in block style, for people; tested by tests/unit/test_pbjson_yaml.c. */
#include <string.h>
#include <strings.h>

#include "common/pbjson/pbjson.h"
#include "common/pbjson/pbjson_field.h"
#include "common/pbjson/pbjson_scalar.h"

enum { STEP = 2 };

/* Words that some reader of YAML takes for something else than a text. */
static bool
is_reserved(const char *text)
{
	static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y",
		"n"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* Whether the text is the same text without quotes, for every reader of YAML. */
static bool
is_plain(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/";
	static const char others[] = "0123456789 .-+=,;()@:#";

	if (*text == '\0' || strchr(letters, *text) == NULL || is_reserved(text))
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (strchr(letters, *p) == NULL && strchr(others, *p) == NULL)
			return false;
		if ((*p == ' ' || *p == ':') && (p[1] == ' ' || p[1] == '#' || p[1] == '\0'))
			return false;
	}
	return true;
}

/* Characters that JSON takes as they are and YAML does not, or takes for the end of a line. */
static uint32_t
code_to_escape(const unsigned char *p, size_t *ret_size)
{
	*ret_size = 1;
	if (p[0] == 0x7f)
		return 0x7f;
	*ret_size = 2;
	if (p[0] == 0xc2 && p[1] < 0xa0)
		return p[1];
	*ret_size = 3;
	if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 0x2028U + (p[2] & 1U);
	if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return 0xfeff;
	if (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
		return 0xff00U | p[2] | 0x40U;
	*ret_size = 0;
	return 0;
}

static void
put_quoted(const char *text, struct buf *out)
{
	struct buf json = {0};
	const char *p;

	pbjson_print_text(text, strlen(text), &json);
	for (p = buf_text(&json); *p != '\0';) {
		size_t n;
		uint32_t code = code_to_escape((const unsigned char *)p, &n);

		if (n > 0)
			buf_printf(out, "\\u%04x", (unsigned)code);
		else
			buf_put(out, p, 1);
		p += n > 0 ? n : 1;
	}
	buf_fini(&json);
}

static void
put_text(const char *text, struct buf *out)
{
	if (is_plain(text))
		buf_puts(out, text);
	else
		put_quoted(text, out);
}

static void
put_scalar(const ProtobufCFieldDescriptor *field, const void *p, struct buf *out)
{
	const char *text;

	if (field->type == PROTOBUF_C_TYPE_STRING) {
		text = *(const char *const *)p;
		put_text(text == NULL ? "" : text, out);
	} else if (field->type == PROTOBUF_C_TYPE_ENUM &&
		   protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int32_t *)p)) {
		put_text(pbjson_enum_name(field->descriptor, *(const int32_t *)p), out);
	} else {
		pbjson_print_scalar(field, p, out);
	}
}

static void
put_indent(unsigned indent, struct buf *out)
{
	for (unsigned i = 0; i < indent; i++)
		buf_put(out, " ", 1);
}

static void put_fields(const ProtobufCMessage *message, unsigned indent, bool goes_on,
	struct buf *out);

static bool
is_empty(const ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++)
		if (pbjson_field_count(message, &message->descriptor->fields[i]) > 0)
			return false;
	return true;
}

static void
put_map(const ProtobufCFieldDescriptor *field, ProtobufCMessage *const *entries, size_t n,
	unsigned indent, struct buf *out)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor;

	buf_puts(out, "\n");
	for (size_t i = 0; i < n; i++) {
		put_indent(indent, out);
		put_scalar(&entry->fields[0], pbjson_field_at(entries[i], &entry->fields[0]), out);
		buf_puts(out, ": ");
		put_scalar(&entry->fields[1], pbjson_field_at(entries[i], &entry->fields[1]), out);
		buf_puts(out, "\n");
	}
}

static void
put_list(const ProtobufCFieldDescriptor *field, const void *array, size_t n, unsigned indent,
	struct buf *out)
{
	size_t size = pbjson_type_size(field->type);

	buf_puts(out, "\n");
	for (size_t i = 0; i < n; i++) {
		const void *p = (const char *)array + i * size;

		put_indent(indent, out);
		buf_puts(out, "- ");
		if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			put_fields(*(const ProtobufCMessage *const *)p, indent + STEP, true, out);
			continue;
		}
		put_scalar(field, p, out);
		buf_puts(out, "\n");
	}
}

static void
put_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, unsigned indent,
	struct buf *out)
{
	const void *p = pbjson_field_at(message, field);
	size_t n = pbjson_field_count(message, field);

	put_text(field->name, out);
	buf_puts(out, ":");
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		if (pbjson_field_is_map(field))
			put_map(field, *(ProtobufCMessage *const *const *)p, n, indent + STEP, out);
		else
			put_list(field, *(const void *const *)p, n, indent + STEP, out);
		return;
	}
	if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
		buf_puts(out, " ");
		put_scalar(field, p, out);
		buf_puts(out, "\n");
		return;
	}
	message = *(const ProtobufCMessage *const *)p;
	if (is_empty(message)) {
		buf_puts(out, " {}\n");
		return;
	}
	buf_puts(out, "\n");
	put_fields(message, indent + STEP, false, out);
}

/* goes_on: the line has begun already, so the first field needs no indent. */
static void
put_fields(const ProtobufCMessage *message, unsigned indent, bool goes_on, struct buf *out)
{
	if (is_empty(message) || indent > STEP * PBJSON_DEPTH_MAX) {
		buf_puts(out, "{}\n");
		return;
	}
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		if (pbjson_field_count(message, field) == 0)
			continue;
		if (!goes_on)
			put_indent(indent, out);
		goes_on = false;
		put_field(message, field, indent, out);
	}
}

void
pbjson_print_yaml(const ProtobufCMessage *message, struct buf *out)
{
	put_fields(message, 0, false, out);
}
