/* The grammar of JSON, told apart from what fields want: jansson is the second opinion. */
#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"
#include "common/pbjson/pbjson_source.h"
#include "tests/lib/test.h"
#include "tests/proto/zoo.pb-c.h"

/* Reads all tokens. */
static int
read_all(const char *text, size_t size, struct err *err)
{
	struct pbjson_token token = {0};
	struct pbjson_json json;
	int rc = 0;

	pbjson_json_init(&json, text, size);
	while (rc == 0 && token.kind != PBJSON_END)
		rc = json.source.next(&json.source, &token, err);
	pbjson_json_fini(&json);
	return rc;
}

static void
good(const char *text)
{
	struct err err;

	if (read_all(text, strlen(text), &err) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void
bad(const char *text, const char *words)
{
	struct err err;

	if (read_all(text, strlen(text), &err) != -EINVAL)
		fail_msg("%s: was taken", text);
	CHECK_HAS(err.text, words);
}

TEST(what_json_allows_is_read)
{
	static const char *const texts[] = {"{}", "[]", " \t\r\n{ } ", "0", "-0", "-1.5e+10", "1E5",
		"0.0", "\"\"", "true", "false", "null", "[1,2]", "[[],{},[[]]]",
		"{\"a\":{\"b\":[1,null]},\"c\":\"\"}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uD83D\\uDE00\\uabCD\"", "\"\x7f\xc2\x80\""};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		good(texts[i]);
}

TEST(what_is_no_json_is_refused_with_its_place)
{
	bad("", "line 1, column 1: it ends here");
	bad("{", "column 2: want a name in double quotes");
	bad("{\"a\"", "column 5: want a colon");
	bad("{\"a\":", "it ends here, but a value is wanted");
	bad("{\"a\":1", "want a comma or }");
	bad("{\"a\":1,}", "column 8: want a name");
	bad("{a:1}", "want a name in double quotes");
	bad("{'a':1}", "want a name in double quotes");
	bad("{\"a\" 1}", "want a colon");
	bad("[1 2]", "want a comma or ]");
	bad("[1,]", "want a value");
	bad("[1}", "want a comma or ]");
	bad("[,1]", "want a value");
	bad("]", "want a value");
	bad("{} {}", "column 4: something stands behind the end");
	bad("1 1", "something stands behind the end");
	bad("{}x", "something stands behind the end");
	bad("tru", "want a value");
	bad("True", "want a value");
	bad("nan", "want a value");
	bad("// x\n{}", "want a value");
	bad("\xef\xbb\xbf{}", "want a value");
	bad("{\n\"a\":\n  oops}", "line 3, column 3");
}

TEST(numbers_are_strict)
{
	bad("01", "may not begin with 0");
	bad("-01", "may not begin with 0");
	bad("-", "wants a digit");
	bad("+1", "want a value");
	bad(".5", "want a value");
	bad("1.", "wants a digit");
	bad("1e", "wants a digit");
	bad("1e+", "wants a digit");
	bad("0x10", "behind the end");
	bad("-Infinity", "wants a digit");
	bad("1_000", "behind the end");
}

TEST(texts_are_strict)
{
	bad("\"abc", "without its closing quote");
	bad("\"abc\\", "no such escape");
	bad("\"abc\\\"", "without its closing quote");
	bad("\"\\x41\"", "no such escape");
	bad("\"\\u12\"", "four hexadecimal digits");
	bad("\"\\u12G4\"", "four hexadecimal digits");
	bad("\"\\uD83D\"", "half of a surrogate pair");
	bad("\"\\uD83Dx\"", "half of a surrogate pair");
	bad("\"\\uD83D\\n\"", "half of a surrogate pair");
	bad("\"\\uD83D\\u0041\"", "half of a surrogate pair");
	bad("\"\\uDE00\\uD83D\"", "half of a surrogate pair");
	bad("\"a\nb\"", "control character");
	bad("\"a\tb\"", "control character");
	bad("\"\xff\"", "not UTF-8");
	bad("\"\xc0\xaf\"", "not UTF-8");
	bad("\"\xed\xa0\x80\"", "not UTF-8");
	bad("\"\xf4\x90\x80\x80\"", "not UTF-8");
	bad("\"\xe2\x82\"", "not UTF-8");
	bad("{\"\xff\":1}", "not UTF-8");
}

TEST(nul_bytes_are_no_json)
{
	struct err err;

	CHECK_EQ(read_all("{}\0", 3, &err), -EINVAL);
	CHECK_EQ(read_all("\"a\0b\"", 5, &err), -EINVAL);
	CHECK_HAS(err.text, "control character");
	CHECK_EQ(read_all("{\0}", 3, &err), -EINVAL);
}

TEST(escapes_become_their_characters)
{
	static const char text[] = "{\"text\":\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\/\\t\"}";
	struct pbjson_err err;
	ProtobufCMessage *message = NULL;

	CHECK_OK(pbjson_parse(&zoo__animal__descriptor, text, strlen(text), &message, &err),
		&err.err);
	CHECK_STR(((Zoo__Animal *)message)->text, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80/\t");
	protobuf_c_message_free_unpacked(message, NULL);
}

/*
 * jansson's own limits: numbers that do not fit its types are no error of grammar.
 * (And it overlooks a NUL behind a number, so the broken texts have none.)
 */
static bool
jansson_takes(const char *text, size_t size)
{
	json_error_t error;
	json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	json_decref(value);
	return value != NULL || json_error_code(&error) == json_error_numeric_overflow;
}

/* A small generator of our own, so that a failure repeats itself. */
static unsigned
chance(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245U + 12345U;
	return (*seed >> 16) % below;
}

TEST(broken_texts_are_judged_as_jansson_judges_them)
{
	static const char *const texts[] = {"{\"a\":[1,-2.5e3,true],\"b\":{\"c\":null}}",
		"[\"\\ud83d\\ude00\",\"\xe2\x82\xac\",\"\\n\"]", "{\"x\":\"y\",\"z\":[[],{}]}"};
	static const char pieces[] = "{}[]\",:\\u0dDe19-+.tfn \n\x80\xe2\xff\x01";
	unsigned seed = 1, n_good = 0;

	for (int i = 0; i < 200000; i++) {
		const char *text = texts[i % 3];
		size_t size = strlen(text);
		char broken[64];
		struct err err;
		bool taken;

		memcpy(broken, text, size);
		for (unsigned n = chance(&seed, 3) + 1; n > 0; n--)
			broken[chance(&seed, (unsigned)size)] =
				pieces[chance(&seed, sizeof pieces - 1)];
		size -= chance(&seed, 4) == 0;
		taken = read_all(broken, size, &err) == 0;
		n_good += taken;
		if (taken != jansson_takes(broken, size)) {
			struct buf shown = {0};

			pbjson_print_text(broken, size, &shown);
			fail_msg("%s: we say %d", buf_text(&shown), taken);
		}
	}
	CHECK(n_good > 1000 && n_good < 100000);
}
