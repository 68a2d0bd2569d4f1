#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/constraint.h"
#include "common/model/limits.h"
#include "tests/lib/test.h"

static struct err err;
static struct constraint c;

TEST(attributes_are_told_apart)
{
	static const struct {
		const char *text;
		enum constraint_subject subject;
	} cases[] = {{"node.id==a", CONSTRAINT_NODE_ID}, {"node.name == a", CONSTRAINT_NODE_NAME},
		{"node.hostname==a", CONSTRAINT_NODE_NAME},
		{" node.address  ==  a ", CONSTRAINT_NODE_ADDRESS},
		{"node.labels.x==a", CONSTRAINT_NODE_LABEL}, {"engine.os==a", CONSTRAINT_ENGINE_OS},
		{"engine.arch==a", CONSTRAINT_ENGINE_ARCH},
		{"engine.version==\"a\"", CONSTRAINT_ENGINE_VERSION}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_OK(constraint_parse(cases[i].text, &c, &err), &err);
		CHECK_EQ(c.subject, cases[i].subject);
		CHECK(!c.is_not);
		CHECK(c.value_size == 1 && c.value[0] == 'a');
		CHECK(constraint_holds(&c, "a"));
		CHECK(!constraint_holds(&c, "A"));
		CHECK(!constraint_holds(&c, NULL));
	}
}

TEST(a_label_has_its_key_and_may_be_absent)
{
	CHECK_OK(constraint_parse("node.labels.com.example/disk != big ssd", &c, &err), &err);
	CHECK(c.is_not);
	CHECK_EQ(c.key_size, strlen("com.example/disk"));
	CHECK(memcmp(c.key, "com.example/disk", c.key_size) == 0);
	CHECK(constraint_holds(&c, NULL));
	CHECK(constraint_holds(&c, "ssd"));
	CHECK(!constraint_holds(&c, "big ssd"));
	CHECK_OK(constraint_parse("node.labels.x == ", &c, &err), &err);
	CHECK(constraint_holds(&c, NULL) && constraint_holds(&c, "") && !constraint_holds(&c, "a"));
	CHECK_OK(constraint_parse("node.labels.x==\"\"", &c, &err), &err);
	CHECK_EQ(c.value_size, 0);
	CHECK_OK(constraint_parse("node.labels.x==a==b", &c, &err), &err);
	CHECK(constraint_holds(&c, "a==b"));
}

TEST(what_cannot_be_understood_says_what_would_be)
{
	static const struct {
		const char *text;
		int code;
		const char *words;
	} bad[] = {{"", -EINVAL, "no == or !="}, {"node.name", -EINVAL, "no == or !="},
		{"node.name = a", -EINVAL, "single '='"}, {"node.name ! a", -EINVAL, "single '!'"},
		{"== a", -EINVAL, "want node.name"}, {"name == a", -EINVAL, "want node.name"},
		{"node.labels. == a", -EINVAL, "want node.name"},
		{"node.labels.a b == a", -EINVAL, "want node.name"},
		{"node.name === a", -EINVAL, "may not begin"},
		{"node.name == a\"b", -EINVAL, "may not begin"},
		{"node.name =~ a", -EINVAL, "single"}, {"node.labels.n > 5", -ENOSYS, "'>'"},
		{"node.labels.n <= 5", -ENOSYS, "'<'"}, {"node.name ~= a", -ENOSYS, "'~'"}};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (constraint_parse(bad[i].text, &c, &err) != bad[i].code)
			fail_msg("'%s': want %d", bad[i].text, bad[i].code);
		CHECK_HAS(err.text, bad[i].words);
	}
}

TEST(keys_and_values_are_limited)
{
	CLEANUP(free) char *text = xmalloc(SPEC_VALUE_MAX + 64);
	size_t n = strlen("node.labels.");

	memcpy(text, "node.labels.", n);
	memset(text + n, 'k', SPEC_KEY_MAX);
	memcpy(text + n + SPEC_KEY_MAX, "==a", 4);
	CHECK_OK(constraint_parse(text, &c, &err), &err);
	memcpy(text + n + SPEC_KEY_MAX, "k==a", 5);
	CHECK_EQ(constraint_parse(text, &c, &err), -EINVAL);
	memcpy(text, "node.id==", 9);
	memset(text + 9, 'v', SPEC_VALUE_MAX);
	text[9 + SPEC_VALUE_MAX] = '\0';
	CHECK_OK(constraint_parse(text, &c, &err), &err);
	text[9 + SPEC_VALUE_MAX] = 'v';
	text[10 + SPEC_VALUE_MAX] = '\0';
	CHECK_EQ(constraint_parse(text, &c, &err), -EINVAL);
	CHECK_HAS(err.text, "longer");
}
