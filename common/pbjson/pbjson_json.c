/* JSON (RFC 8259) as tokens, strictly; tested by tests/unit/test_pbjson_json.c and _parse.c. */
#include <errno.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/pbjson/pbjson_field.h"
#include "common/pbjson/pbjson_source.h"

enum {
	WANT_VALUE, /* at the start, and behind a colon or comma */
	WANT_FIRST, /* behind '{' or '[': it may be empty */
	WANT_MORE,  /* behind a value: a comma or the end of the object or list */
	WANT_END,   /* behind the one value */
};

int
pbjson_source_open(struct pbjson_source *source, bool object, struct err *err)
{
	if (source->depth >= PBJSON_DEPTH_MAX)
		return err_set(err, -ELOOP, "nested deeper than %d objects and lists",
			PBJSON_DEPTH_MAX);
	if (object)
		source->objects |= UINT64_C(1) << source->depth;
	else
		source->objects &= ~(UINT64_C(1) << source->depth);
	source->depth++;
	return 0;
}

/* Says where: lines and columns (in bytes) count from 1. */
static int
fail(const struct pbjson_json *json, const char *at, const char *what, struct err *err)
{
	const char *line = json->start;
	unsigned n = 1;

	for (const char *p = json->start; p < at; p++) {
		if (*p == '\n') {
			n++;
			line = p + 1;
		}
	}
	return err_set(err, -EINVAL, "not JSON: line %u, column %zu: %s", n,
		(size_t)(at - line) + 1, what);
}

static void
skip_space(struct pbjson_json *json)
{
	while (json->at < json->end &&
		(*json->at == ' ' || *json->at == '\n' || *json->at == '\t' || *json->at == '\r'))
		json->at++;
}

static bool
is_digit(const struct pbjson_json *json)
{
	return json->at < json->end && *json->at >= '0' && *json->at <= '9';
}

static bool
skip_digits(struct pbjson_json *json)
{
	if (!is_digit(json))
		return false;
	while (is_digit(json))
		json->at++;
	return true;
}

static bool
skip_char(struct pbjson_json *json, char c)
{
	if (json->at == json->end || *json->at != c)
		return false;
	json->at++;
	return true;
}

static int
read_number(struct pbjson_json *json, struct pbjson_token *ret, struct err *err)
{
	const char *start = json->at;

	(void)skip_char(json, '-');
	if (!skip_char(json, '0') && !skip_digits(json))
		return fail(json, json->at, "a number wants a digit here", err);
	if (skip_char(json, '.') && !skip_digits(json))
		return fail(json, json->at, "a number wants a digit here", err);
	if (skip_char(json, 'e') || skip_char(json, 'E')) {
		if (!skip_char(json, '+'))
			(void)skip_char(json, '-');
		if (!skip_digits(json))
			return fail(json, json->at, "a number wants a digit here", err);
	}
	if (is_digit(json))
		return fail(json, start, "a number may not begin with 0", err);
	*ret = (struct pbjson_token){PBJSON_NUMBER, start, (size_t)(json->at - start)};
	return 0;
}

static int
read_word(struct pbjson_json *json, struct pbjson_token *ret, struct err *err)
{
	static const struct {
		const char *word;
		enum pbjson_token_kind kind;
	} words[] = {{"true", PBJSON_BOOL}, {"false", PBJSON_BOOL}, {"null", PBJSON_NULL}};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = strlen(words[i].word);

		if ((size_t)(json->end - json->at) < n || memcmp(json->at, words[i].word, n) != 0)
			continue;
		*ret = (struct pbjson_token){words[i].kind, words[i].word, n};
		json->at += n;
		return 0;
	}
	return fail(json, json->at, "want a value", err);
}

/* The four digits behind \u. -1 if they are none. */
static int32_t
read_hex(struct pbjson_json *json)
{
	int32_t code = 0;

	if (json->end - json->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *json->at++;

		if (c >= '0' && c <= '9')
			code = code << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return code;
}

static void
put_utf8(struct buf *out, uint32_t code)
{
	uint8_t *p = buf_reserve(out, 4);

	if (code < 0x80) {
		p[0] = (uint8_t)code;
		out->size += 1;
	} else if (code < 0x800) {
		p[0] = (uint8_t)(0xc0 | code >> 6);
		p[1] = (uint8_t)(0x80 | (code & 0x3f));
		out->size += 2;
	} else if (code < 0x10000) {
		p[0] = (uint8_t)(0xe0 | code >> 12);
		p[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		p[2] = (uint8_t)(0x80 | (code & 0x3f));
		out->size += 3;
	} else {
		p[0] = (uint8_t)(0xf0 | code >> 18);
		p[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
		p[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		p[3] = (uint8_t)(0x80 | (code & 0x3f));
		out->size += 4;
	}
}

/* Behind "\u": one code point, which may take two of them. */
static int
read_unicode(struct pbjson_json *json, struct err *err)
{
	const char *start = json->at - 2;
	int32_t code = read_hex(json), low;

	if (code < 0)
		return fail(json, start, "\\u wants four hexadecimal digits", err);
	if (code >= 0xd800 && code <= 0xdfff) {
		if (code > 0xdbff || !skip_char(json, '\\') || !skip_char(json, 'u'))
			return fail(json, start, "half of a surrogate pair", err);
		low = read_hex(json);
		if (low < 0xdc00 || low > 0xdfff)
			return fail(json, start, "half of a surrogate pair", err);
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(&json->scratch, (uint32_t)code);
	return 0;
}

static int
read_escape(struct pbjson_json *json, struct err *err)
{
	static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	const char *start = json->at - 1;

	if (json->at < json->end) {
		char c = *json->at++;

		if (c == 'u')
			return read_unicode(json, err);
		for (const char *p = letters; *p != '\0'; p += 2) {
			if (*p == c) {
				buf_put(&json->scratch, p + 1, 1);
				return 0;
			}
		}
	}
	return fail(json, start, "no such escape", err);
}

/* ASCII that stands for itself: most of what there is. */
static bool
is_simple(char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && (signed char)c > 0;
}

/* Behind the quote. A text without escapes is borrowed from the input. */
static int
read_text(struct pbjson_json *json, struct pbjson_token *ret, struct err *err)
{
	const char *start = json->at - 1, *run = json->at;
	bool copied = false;
	int rc;

	for (;;) {
		size_t n;

		while (json->at < json->end && is_simple(*json->at))
			json->at++;
		if (json->at == json->end)
			return fail(json, start, "a text without its closing quote", err);
		n = utf8_size(json->at, (size_t)(json->end - json->at));
		if (n == 0)
			return fail(json, json->at, "not UTF-8", err);
		if ((unsigned char)*json->at < 0x20)
			return fail(json, json->at, "a control character in a text", err);
		if (*json->at != '"' && *json->at != '\\') {
			json->at += n;
			continue;
		}
		if (*json->at == '"' && !copied)
			break;
		if (!copied)
			buf_reset(&json->scratch);
		buf_put(&json->scratch, run, (size_t)(json->at - run));
		copied = true;
		if (*json->at++ == '"') {
			*ret = (struct pbjson_token){PBJSON_TEXT, buf_text(&json->scratch),
				json->scratch.size};
			return 0;
		}
		rc = read_escape(json, err);
		if (rc < 0)
			return rc;
		run = json->at;
	}
	*ret = (struct pbjson_token){PBJSON_TEXT, run, (size_t)(json->at++ - run)};
	return 0;
}

static int
read_value(struct pbjson_json *json, struct pbjson_token *ret, struct err *err)
{
	int rc;

	if (json->at == json->end)
		return fail(json, json->at, "it ends here, but a value is wanted", err);
	if (*json->at == '{' || *json->at == '[') {
		bool object = *json->at++ == '{';

		rc = pbjson_source_open(&json->source, object, err);
		if (rc < 0)
			return rc;
		json->state = WANT_FIRST;
		*ret = (struct pbjson_token){object ? PBJSON_OBJECT : PBJSON_LIST, NULL, 0};
		return 0;
	}
	if (skip_char(json, '"'))
		rc = read_text(json, ret, err);
	else if (*json->at == '-' || is_digit(json))
		rc = read_number(json, ret, err);
	else
		rc = read_word(json, ret, err);
	json->state = json->source.depth > 0 ? WANT_MORE : WANT_END;
	return rc;
}

static int
read_key(struct pbjson_json *json, struct pbjson_token *ret, struct err *err)
{
	int rc;

	if (!skip_char(json, '"'))
		return fail(json, json->at, "want a name in double quotes", err);
	rc = read_text(json, ret, err);
	if (rc < 0)
		return rc;
	skip_space(json);
	if (!skip_char(json, ':'))
		return fail(json, json->at, "want a colon", err);
	ret->kind = PBJSON_KEY;
	json->state = WANT_VALUE;
	return 0;
}

static int
read_end(struct pbjson_json *json, struct pbjson_token *ret, struct err *err)
{
	if (json->at < json->end)
		return fail(json, json->at, "something stands behind the end", err);
	*ret = (struct pbjson_token){PBJSON_END, NULL, 0};
	return 0;
}

static int
json_next(struct pbjson_source *source, struct pbjson_token *ret, struct err *err)
{
	struct pbjson_json *json = (struct pbjson_json *)source;
	bool in_object = pbjson_source_in_object(source);

	skip_space(json);
	if (json->state == WANT_END)
		return read_end(json, ret, err);
	if (json->state == WANT_VALUE)
		return read_value(json, ret, err);
	if (skip_char(json, in_object ? '}' : ']')) {
		json->source.depth--;
		json->state = json->source.depth > 0 ? WANT_MORE : WANT_END;
		*ret = (struct pbjson_token){in_object ? PBJSON_OBJECT_END : PBJSON_LIST_END, NULL,
			0};
		return 0;
	}
	if (json->state == WANT_MORE) {
		if (!skip_char(json, ','))
			return fail(json, json->at,
				in_object ? "want a comma or }" : "want a comma or ]", err);
		skip_space(json);
	}
	return in_object ? read_key(json, ret, err) : read_value(json, ret, err);
}

void
pbjson_json_init(struct pbjson_json *json, const char *text, size_t size)
{
	*json = (struct pbjson_json){
		.source.next = json_next,
		.start = text,
		.at = text,
		.end = text + size,
		.state = WANT_VALUE,
	};
}

void
pbjson_json_fini(struct pbjson_json *json)
{
	buf_fini(&json->scratch);
}

/* The source is at a value's beginning, or right behind its end. */
static void
note_raw(struct pbjson_source *source, bool behind)
{
	struct pbjson_json *json = (struct pbjson_json *)source;

	if (!behind) {
		skip_space(json);
		json->raw.text = json->at;
	} else {
		json->raw.size = (size_t)(json->at - json->raw.text);
	}
}

int
pbjson_parse_raw(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	const char *raw_field, ProtobufCMessage **ret_message, struct pbjson_raw *ret_raw,
	struct pbjson_err *err)
{
	struct pbjson_json json;
	int rc;

	err->path[0] = '\0';
	if (size > PBJSON_TEXT_MAX)
		return err_set(&err->err, -E2BIG, "%zu bytes are too many, at most %d", size,
			PBJSON_TEXT_MAX);
	pbjson_json_init(&json, text, size);
	rc = pbjson_read(&json.source, type, raw_field, note_raw, ret_message, err);
	if (rc == 0 && ret_raw != NULL)
		*ret_raw = json.raw;
	pbjson_json_fini(&json);
	return rc;
}

int
pbjson_parse(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err)
{
	return pbjson_parse_raw(type, text, size, NULL, ret_message, NULL, err);
}
