#include "services/gateway/transcode.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/model/rules.h"

/* The field of that name, also without the ending that says its unit. NULL: none. */
static const ProtobufCFieldDescriptor *
find_field(const ProtobufCMessageDescriptor *type, const char *name)
{
	static const char *const units[] = {"_ms", "_bytes", "_milli"};
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(type, name);
	char full[PBJSON_PATH_MAX];

	if (field != NULL)
		return field;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (snprintf(full, sizeof full, "%s%s", name, units[i]) >= (int)sizeof full)
			return NULL;
		field = protobuf_c_message_descriptor_get_field_by_name(type, full);
		if (field != NULL)
			return field;
	}
	return NULL;
}

static bool
is_one_of(const char *value, const char *a, const char *b, const char *c)
{
	return strcmp(value, a) == 0 || strcmp(value, b) == 0 || strcmp(value, c) == 0;
}

static void
put_value(const ProtobufCFieldDescriptor *field, const char *value, size_t size, struct buf *out)
{
	if (field->type == PROTOBUF_C_TYPE_BOOL && is_one_of(value, "", "1", "true"))
		buf_puts(out, "true");
	else if (field->type == PROTOBUF_C_TYPE_BOOL && is_one_of(value, "0", "no", "false"))
		buf_puts(out, "false");
	else
		pbjson_print_text(value, size, out);
}

/* Enums and numbers have no commas of their own. */
static void
put_values(const ProtobufCFieldDescriptor *field, const char *value, struct buf *out)
{
	bool has_commas =
		field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE;
	size_t size;

	for (;; value += size + 1) {
		size = has_commas ? strcspn(value, ",") : strlen(value);
		put_value(field, value, size, out);
		if (value[size] == '\0')
			return;
		buf_puts(out, ",");
	}
}

static bool
is_first(const struct transcode_pair *pairs, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(pairs[j].name, pairs[i].name) == 0)
			return false;
	return true;
}

static int
refuse(struct pbjson_err *err, const char *name, const char *why)
{
	(void)snprintf(err->path, sizeof err->path, "%.100s", name);
	return err_set(&err->err, -EINVAL, "%s", why);
}

/* "name": value, or "name": [value, …] with all pairs of that name. */
static int
put_field(const struct transcode_input *input, size_t first, struct buf *out,
	struct pbjson_err *err)
{
	const char *name = input->pairs[first].name;
	const ProtobufCFieldDescriptor *field = find_field(input->type, name);
	bool is_list = field != NULL && field->label == PROTOBUF_C_LABEL_REPEATED;
	unsigned n = 0;

	if (!rule_is_utf8(name))
		return refuse(err, "", "a parameter's name is not UTF-8");
	if (field == NULL)
		return refuse(err, name, "there is no such parameter");
	pbjson_print_text(name, strlen(name), out);
	buf_puts(out, is_list ? ":[" : ":");
	for (size_t i = first; i < input->n_pairs; i++) {
		if (strcmp(input->pairs[i].name, name) != 0)
			continue;
		if (n++ > 0 && !is_list)
			return refuse(err, name, "given twice");
		if (!rule_is_utf8(input->pairs[i].value))
			return refuse(err, name, "not UTF-8");
		if (n > 1)
			buf_puts(out, ",");
		if (is_list)
			put_values(field, input->pairs[i].value, out);
		else
			put_value(field, input->pairs[i].value, strlen(input->pairs[i].value), out);
	}
	buf_puts(out, is_list ? "]" : "");
	return 0;
}

static size_t
skip_space(const char *text, size_t size, size_t at)
{
	while (at < size && memchr(" \t\r\n", text[at], 4) != NULL)
		at++;
	return at;
}

/*
 * One object of the pairs and what is in the body's. Whoever gives a field in both has
 * given a key twice, which the parser refuses.
 */
static int
join(const struct transcode_input *input, struct buf *out, struct pbjson_err *err)
{
	size_t open = skip_space(input->body, input->body_size, 0);
	size_t next = skip_space(input->body, input->body_size, open + 1);
	bool has_body = open < input->body_size;

	buf_puts(out, "{");
	for (size_t i = 0; i < input->n_pairs; i++) {
		if (!is_first(input->pairs, i))
			continue;
		if (out->size > 1)
			buf_puts(out, ",");
		if (put_field(input, i, out, err) < 0)
			return err->err.code;
	}
	if (!has_body) {
		buf_puts(out, "}");
		return 0;
	}
	if (out->size > 1 && next < input->body_size && input->body[next] != '}')
		buf_puts(out, ",");
	buf_put(out, input->body + open + 1, input->body_size - open - 1);
	return 0;
}

int
transcode_request(const struct transcode_input *input, ProtobufCMessage **ret_message,
	struct pbjson_err *err)
{
	CLEANUP(buf_fini) struct buf text = {0};
	size_t open = skip_space(input->body, input->body_size, 0);
	int rc;

	*err = (struct pbjson_err){0};
	if (input->n_pairs > TRANSCODE_PAIRS_MAX)
		return err_set(&err->err, -EINVAL, "%zu parameters are too many, at most %d",
			input->n_pairs, TRANSCODE_PAIRS_MAX);
	if (open < input->body_size && input->body[open] != '{')
		return err_set(&err->err, -EINVAL, "the body is no JSON object");
	if (input->n_pairs == 0 && open < input->body_size)
		return pbjson_parse(input->type, input->body, input->body_size, ret_message, err);
	rc = join(input, &text, err);
	if (rc < 0)
		return rc;
	return pbjson_parse(input->type, buf_text(&text), text.size, ret_message, err);
}
