#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/constraint.h"
#include "common/model/limits.h"
#include "tests/lib/test.h"

static struct err err;
static struct constraint c;

/* Parses, asks once and forgets. */
static bool
holds(const char *text, const char *actual)
{
	CLEANUP(constraint_fini) struct constraint constraint = {0};

	CHECK_OK(constraint_parse(text, &constraint, &err), &err);
	return constraint_holds(&constraint, actual);
}

TEST(attributes_are_told_apart)
{
	static const struct {
		const char *text;
		enum constraint_subject subject;
	} cases[] = {{"node.id==a", CONSTRAINT_NODE_ID}, {"node.name == a", CONSTRAINT_NODE_NAME},
		{"node.hostname==a", CONSTRAINT_NODE_NAME},
		{" node.address  ==  a ", CONSTRAINT_NODE_ADDRESS},
		{"node.labels.x==a", CONSTRAINT_NODE_LABEL}, {"engine.os==a", CONSTRAINT_ENGINE_OS},
		{"engine.arch==a", CONSTRAINT_ENGINE_ARCH}, {"node.class=a", CONSTRAINT_NODE_CLASS},
		{"node.platform.arch ==a", CONSTRAINT_ENGINE_ARCH},
		{"node.platform.os = a", CONSTRAINT_ENGINE_OS},
		{"engine.kernel == a", CONSTRAINT_ENGINE_KERNEL},
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

TEST(lists_hold_one_of_several)
{
	CHECK(holds("node.name in (a, b)", "b") && holds("node.name in(a,b)", "a"));
	CHECK(!holds("node.name in (a, b)", "c") && !holds("node.name in (a, b)", NULL));
	CHECK(holds("node.name not in (a, b)", "c") && holds("node.name not in (a, b)", NULL));
	CHECK(!holds("node.name not in (a, b)", "a"));
	CHECK(holds("node.labels.x in (\"a b\", \"\")", "a b"));
	CHECK(holds("node.labels.x in (\"a b\", \"\")", NULL));
	CHECK(holds("engine.arch in (x86_64, s390x)", "amd64"));
}

TEST(existence_is_asked_for_in_two_ways)
{
	CHECK(holds("node.labels.x exists", "") && !holds("node.labels.x exists", NULL));
	CHECK(holds("node.labels.x is set", "1") && holds("node.labels.x is not set", NULL));
	CHECK(holds("node.labels.x not exists", NULL) && !holds("node.labels.x not exists", "1"));
}

TEST(numbers_are_compared_as_numbers)
{
	CHECK(holds("node.labels.n > 5", "10") && !holds("node.labels.n > 5", "5"));
	CHECK(holds("node.labels.n >= 5", "5.0") && holds("node.labels.n<-1.5", "-2"));
	CHECK(holds("node.labels.n <= 5", "5") && !holds("node.labels.n <= 5", "5.01"));
	/* What is no number is neither more nor less. */
	CHECK(!holds("node.labels.n > 5", NULL) && !holds("node.labels.n <= 5", NULL));
	CHECK(!holds("node.labels.n > 5", "many") && !holds("node.labels.n <= 5", "many"));
	CHECK(!holds("node.labels.n > 5", "") && !holds("node.labels.n > 5", "1e9"));
}

TEST(versions_are_compared_part_by_part)
{
	CHECK(holds("engine.version >= 20.10", "20.10.24+dfsg1"));
	CHECK(holds("engine.version >= 20.10", "20.10") && holds("engine.version<20.10", "19.3.1"));
	CHECK(!holds("engine.version >= 20.10", "20.9.7") && holds("engine.version > 1.9", "1.10"));
	CHECK(holds("engine.version < 20.10", "20.10.0-rc2"));
	CHECK(holds("engine.version < 20.10-rc3", "20.10.0-rc2"));
	CHECK(holds("engine.version > 20.10-beta9", "20.10.0-rc2"));
	CHECK(holds("engine.version <= v20.10.0", "20.10"));
	CHECK(holds("engine.kernel >= 5.10", "5.10.0-28-amd64"));
	CHECK(holds("node.labels.driver version >= 535.9", "535.104.05"));
	CHECK(!holds("node.labels.driver >= 535.9", "535.104")); /* as numbers */
	CHECK(!holds("engine.version >= 20.10", "unknown") && !holds("engine.version < 20", NULL));
	CHECK(constraint_version_compare("1.2", "1.2.0.0") == 0);
	CHECK(constraint_version_compare("", "1") < 0 && constraint_version_compare("1", "x") > 0);
}

TEST(patterns_search_unless_they_are_anchored)
{
	CHECK(holds("node.name =~ ^web-[0-9]+$", "web-12") && holds("node.name =~ b-1", "web-12"));
	CHECK(!holds("node.name matches ^web-[0-9]+$", "web-x"));
	CHECK(holds("node.name !~ ^web", "db") && !holds("node.name !~ ^web", "web-1"));
	CHECK(!holds("node.labels.x !~ a", NULL) && !holds("node.labels.x =~ a", NULL));
	CHECK(holds("node.labels.x not matches (a|b)", "c"));
	CHECK(holds("engine.kernel =~ ^(5|6)\\.", "6.1.0"));
}

TEST(what_cannot_be_understood_says_what_would_be)
{
	static const char *const bad[][2] = {{"", "no comparison"}, {"node.name", "no comparison"},
		{"node.name ! a", "'! a' is no comparison"}, {"== a", "want node.name"},
		{"name == a", "want node.name"}, {"node.labels. == a", "want node.name"},
		{"node.labels.a b == a", "'b == a' is no comparison"},
		{"node.name === a", "may not begin"}, {"node.name == a\"b", "may not begin"},
		{"node.name ~= a", "is no comparison"},
		{"node.name inside (a)", "is no comparison"}, {"node.name in a", "want a list"},
		{"node.name in (a", "want a list"}, {"node.name in ()", "is empty"},
		{"node.name in (a,,b)", "is empty"}, {"node.name in (a,(b))", "no ( or )"},
		{"node.name in (\"a)", "not closed"}, {"node.labels.x exists a", "behind 'exists'"},
		{"node.labels.n > five", "is no number"}, {"node.labels.n > 1.2.3", "version >="},
		{"node.labels.n > ", "is no number"}, {"engine.version > new", "is no version"},
		{"node.name =~ a(b", "a ( is not closed at character 4"}};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (constraint_parse(bad[i][0], &c, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i][0]);
		CHECK_HAS(err.text, bad[i][1]);
	}
}

TEST(lists_are_limited)
{
	char text[1024] = "node.name in (a";

	for (unsigned i = 1; i < CONSTRAINT_VALUES_MAX; i++)
		strncat(text, ",a", sizeof text - strlen(text) - 1);
	strncat(text, ")", sizeof text - strlen(text) - 1);
	CHECK_OK(constraint_parse(text, &c, &err), &err);
	memcpy(text + strlen(text) - 1, ",a)", 4);
	CHECK_EQ(constraint_parse(text, &c, &err), -EINVAL);
	CHECK_HAS(err.text, "more than 64");
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
