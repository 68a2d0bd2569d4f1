#include "common/model/pattern.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/test.h"

static struct err err;

static bool
found(const char *expression, const char *text)
{
	CLEANUP(pattern_free) struct pattern *pattern = NULL;

	CHECK_OK(pattern_new(expression, strlen(expression), &pattern, &err), &err);
	return pattern_matches(pattern, text);
}

TEST(pattern_knows_posix_extended_syntax)
{
	static const struct {
		const char *expression, *yes, *no;
	} cases[] = {{"b", "abc", "acc"}, {"^b", "bc", "abc"}, {"b$", "ab", "abc"},
		{"^a.c$", "abc", "ac"}, {"^ab*c$", "abbbc", "adc"}, {"^ab+c$", "abbc", "ac"},
		{"^ab?c$", "ac", "abbc"}, {"^(a|bc|)d$", "bcd", "abd"}, {"^(a|b)*$", "abba", "abc"},
		{"^[a-c]+$", "cab", "cad"}, {"^[^a-c]+$", "xyz", "xa"}, {"^[]a-]+$", "]-a", "b"},
		{"^[[:digit:]x]+$", "1x2", "1y"}, {"^a{2,3}$", "aaa", "aaaa"},
		{"^a{2}$", "aa", "aaa"}, {"^a{2,}$", "aaaaa", "a"}, {"^a{0,1}$", "", "aa"},
		{"^(ab){2}c$", "ababc", "abc"}, {"^a\\.b$", "a.b", "axb"},
		{"^\\d\\s\\w$", "1 _", "1 -"}, {"^(a*)*$", "aaa", "b"},
		{"^(a|a)*b$", "aaab", "aaa"}, {"a||b", "", "\001"}, {"^(x(y(z)?)?)?$", "xy", "xz"},
		{"^.$", "\xff", "ab"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (!found(cases[i].expression, cases[i].yes))
			fail_msg("%s should find %s", cases[i].expression, cases[i].yes);
		if (cases[i].no[0] != '\001' && found(cases[i].expression, cases[i].no))
			fail_msg("%s should not find %s", cases[i].expression, cases[i].no);
	}
}

TEST(pattern_says_what_is_wrong_and_where)
{
	static const char *const bad[][2] = {{"a(b", "a ( is not closed at character 4"},
		{"ab)", "not opened at character 3"}, {"[a", "a [ is not closed"},
		{"[[:nope:]]", "[:class:]"}, {"*a", "nothing to repeat at character 1"},
		{"a{", "want a number"}, {"a{1", "want a }"}, {"a{2,1}", "ends before it begins"},
		{"a{256}", "over 255"}, {"a{0}", "a repetition of 0"}, {"[b-a]", "ends before"},
		{"a\\", "nothing behind"}, {"\\n", "only signs"}, {"(|*)", "nothing to repeat"}};
	struct pattern *pattern;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (pattern_new(bad[i][0], strlen(bad[i][0]), &pattern, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i][0]);
		CHECK_HAS(err.text, bad[i][1]);
	}
}

TEST(pattern_limits_are_reached)
{
	char text[PATTERN_TEXT_MAX + 2];
	struct pattern *pattern;

	memset(text, 'a', sizeof text);
	CHECK_OK(pattern_new(text, PATTERN_TEXT_MAX, &pattern, &err), &err);
	pattern_free(pattern);
	CHECK_EQ(pattern_new(text, PATTERN_TEXT_MAX + 1, &pattern, &err), -EINVAL);
	memset(text, '(', sizeof text);
	CHECK_EQ(pattern_new(text, PATTERN_DEPTH_MAX + 1, &pattern, &err), -EINVAL);
	CHECK_HAS(err.text, "more than 32 (");
	for (unsigned i = 0; i < PATTERN_SETS_MAX + 1; i++)
		memcpy(text + (size_t)3 * i, "[a]", 3);
	CHECK_EQ(pattern_new(text, (size_t)3 * (PATTERN_SETS_MAX + 1), &pattern, &err), -EINVAL);
	CHECK_HAS(err.text, "more than 64 sets");
	CHECK_EQ(pattern_new("(a{255}){255}", 13, &pattern, &err), -EINVAL);
	CHECK_HAS(err.text, "too large");
	CHECK_EQ(pattern_new("((((){255}){255}){255}){255}", 28, &pattern, &err), 0);
	CHECK(pattern_matches(pattern, ""));
	pattern_free(pattern);
}

/* Backtracking would take 2^64 steps and more for these. */
TEST(pattern_does_not_run_away)
{
	char text[4097];

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	CHECK(!found("^(a*)*(a*)*b$", text));
	CHECK(!found("^(a|aa)+$",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
	CHECK(!found("^(a?){60}(a){60}$",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
