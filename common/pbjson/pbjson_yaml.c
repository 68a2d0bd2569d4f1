/* YAML as tokens, by libyaml's events: no anchors, tags or second documents. */
#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "common/pbjson/pbjson_source.h"

struct yaml {
	struct pbjson_source source;
	yaml_parser_t parser;
	yaml_event_t event; /* the last one: its text is the token's */
	uint64_t keys;      /* a bit per level: what comes next is a key */
	bool has_root;
};

static int
fail_parser(struct yaml *yaml, struct err *err)
{
	const yaml_parser_t *parser = &yaml->parser;
	const char *problem = parser->problem == NULL ? "not understood" : parser->problem;

	if (parser->error == YAML_READER_ERROR)
		return err_set(err, -EINVAL, "not YAML: byte %zu: %s", parser->problem_offset,
			problem);
	return err_set(err, -EINVAL, "not YAML: line %zu, column %zu: %s",
		parser->problem_mark.line + 1, parser->problem_mark.column + 1, problem);
}

static int
fail(struct yaml *yaml, const char *what, struct err *err)
{
	return err_set(err, -EINVAL, "line %u: %s", yaml->source.line, what);
}

static uint64_t
level_bit(const struct yaml *yaml)
{
	return UINT64_C(1) << (yaml->source.depth - 1);
}

/* Behind a value the next thing in a mapping is a key. */
static void
value_ended(struct yaml *yaml)
{
	if (pbjson_source_in_object(&yaml->source))
		yaml->keys |= level_bit(yaml);
	yaml->has_root = true;
}

static bool
is_key_next(const struct yaml *yaml)
{
	return yaml->source.depth > 0 && (yaml->keys & level_bit(yaml)) != 0;
}

static int
open_level(struct yaml *yaml, bool object, struct pbjson_token *ret, struct err *err)
{
	int rc;

	if (is_key_next(yaml))
		return fail(yaml, "a name must be a text, not a list or an object", err);
	rc = pbjson_source_open(&yaml->source, object, err);
	if (rc < 0)
		return rc;
	yaml->keys = object ? yaml->keys | level_bit(yaml) : yaml->keys & ~level_bit(yaml);
	*ret = (struct pbjson_token){object ? PBJSON_OBJECT : PBJSON_LIST, NULL, 0};
	return 0;
}

static void
close_level(struct yaml *yaml, bool object, struct pbjson_token *ret)
{
	yaml->source.depth--;
	value_ended(yaml);
	*ret = (struct pbjson_token){object ? PBJSON_OBJECT_END : PBJSON_LIST_END, NULL, 0};
}

static bool
is_null(const char *text, size_t size)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0)
			return true;
	return false;
}

static void
read_scalar(struct yaml *yaml, struct pbjson_token *ret)
{
	const char *text = (const char *)yaml->event.data.scalar.value;
	size_t size = yaml->event.data.scalar.length;
	bool is_plain = yaml->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	*ret = (struct pbjson_token){PBJSON_TEXT, text, size};
	if (is_key_next(yaml)) {
		ret->kind = PBJSON_KEY;
		yaml->keys &= ~level_bit(yaml);
		return;
	}
	if (is_plain)
		ret->kind = is_null(text, size) ? PBJSON_NULL : PBJSON_PLAIN;
	value_ended(yaml);
}

static const char *
extra_trouble(const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		return "anchors (&name) are not supported; write it out";
	return tag != NULL ? "tags (!name) are not supported; leave it out" : NULL;
}

/* What the event has that we do not take, or NULL. */
static const char *
event_trouble(const struct yaml *yaml)
{
	const yaml_event_t *event = &yaml->event;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name) are not supported; write it out";
	case YAML_SCALAR_EVENT:
		return extra_trouble(event->data.scalar.anchor, event->data.scalar.tag);
	case YAML_SEQUENCE_START_EVENT:
		return extra_trouble(event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return extra_trouble(event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
	case YAML_DOCUMENT_START_EVENT:
		return yaml->has_root ? "there may be only one document" : NULL;
	case YAML_STREAM_END_EVENT:
		return yaml->has_root ? NULL : "there is nothing in it";
	default:
		return NULL;
	}
}

/* One event. ret->kind stays NONE for those that say nothing. */
static int
read_event(struct yaml *yaml, struct pbjson_token *ret, struct err *err)
{
	const char *trouble;

	yaml_event_delete(&yaml->event);
	if (!yaml_parser_parse(&yaml->parser, &yaml->event))
		return fail_parser(yaml, err);
	yaml->source.line = (unsigned)yaml->event.start_mark.line + 1;
	trouble = event_trouble(yaml);
	if (trouble != NULL)
		return fail(yaml, trouble, err);
	switch (yaml->event.type) {
	case YAML_SCALAR_EVENT:
		read_scalar(yaml, ret);
		return 0;
	case YAML_SEQUENCE_START_EVENT:
		return open_level(yaml, false, ret, err);
	case YAML_MAPPING_START_EVENT:
		return open_level(yaml, true, ret, err);
	case YAML_SEQUENCE_END_EVENT:
		close_level(yaml, false, ret);
		return 0;
	case YAML_MAPPING_END_EVENT:
		close_level(yaml, true, ret);
		return 0;
	case YAML_STREAM_END_EVENT:
		ret->kind = PBJSON_END;
		return 0;
	default:
		return 0;
	}
}

static int
yaml_next(struct pbjson_source *source, struct pbjson_token *ret, struct err *err)
{
	int rc;

	ret->kind = PBJSON_NONE;
	do
		rc = read_event((struct yaml *)source, ret, err);
	while (rc == 0 && ret->kind == PBJSON_NONE);
	return rc;
}

int
pbjson_parse_yaml(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	struct yaml yaml = {.source.next = yaml_next};
	int rc;

	err->path[0] = '\0';
	if (size > PBJSON_TEXT_MAX)
		return err_set(&err->err, -E2BIG, "%zu bytes are too many, at most %d", size,
			PBJSON_TEXT_MAX);
	if (!yaml_parser_initialize(&yaml.parser))
		return err_set(&err->err, -ENOMEM, "out of memory");
	yaml_parser_set_encoding(&yaml.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&yaml.parser, (const unsigned char *)text, size);
	rc = pbjson_read(&yaml.source, type, NULL, NULL, ret_message, err);
	yaml_event_delete(&yaml.event);
	yaml_parser_delete(&yaml.parser);
	return rc;
}
