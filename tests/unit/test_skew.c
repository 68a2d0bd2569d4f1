#include "common/model/skew.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/test.h"

static int
check(const char *worker, struct err *err)
{
	*err = (struct err){0};
	return skew_check_worker(worker, "0.4.1", "0.3.7", err);
}

TEST(skew_workers_of_this_minor_version_and_of_the_release_before_are_let_in)
{
	static const char *const good[] = {"0.4.1", "0.4.0", "0.4.99", "0.3.0", "0.3.7", "0.3.9999",
		"0.4.1-rc1", "0.3.2+git.20250101", "0.4.0~bpo12+1"};
	struct err err;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		CHECK_OK(check(good[i], &err), &err);
}

TEST(skew_an_older_worker_is_told_to_be_upgraded)
{
	struct err err;

	CHECK_EQ(check("0.2.9", &err), -ENOTSUP);
	CHECK_STR(err.text, "a worker of version 0.2.9 is too old for this manager, 0.4.1, which "
			    "works with 0.3 and later: upgrade the worker");
}

TEST(skew_a_newer_worker_says_that_the_manager_goes_first)
{
	struct err err;

	CHECK_EQ(check("0.5.0", &err), -ENOTSUP);
	CHECK_STR(err.text, "a worker of version 0.5.0 is too new for this manager, 0.4.1: upgrade "
			    "the manager first");
	CHECK_EQ(check("1.0.0", &err), -ENOTSUP);
}

TEST(skew_the_release_before_may_have_another_major_number)
{
	struct err err = {0};

	CHECK_OK(skew_check_worker("0.9.3", "1.0.0", "0.9.0", &err), &err);
	CHECK_EQ(skew_check_worker("0.8.3", "1.0.0", "0.9.0", &err), -ENOTSUP);
	CHECK_EQ(skew_check_worker("1.1.0", "1.0.0", "0.9.0", &err), -ENOTSUP);
}

TEST(skew_what_is_no_version_is_refused)
{
	static const char *const bad[] = {"", "4", "0.4", "0.4.", "v0.4.1", "0.4.1 ", "0.4.1.2",
		"0..1", "0.-4.1", "0.4.1-\n", "0.4.1_1", "0.10000.0", "0.4.9999999999",
		"99999999999999999999.0.0"};
	struct err err;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK_EQ(check(bad[i], &err), -EINVAL);
		CHECK_HAS(err.text, "MAJOR.MINOR.PATCH");
	}
}

TEST(skew_a_version_has_a_longest_length)
{
	char text[SKEW_VERSION_MAX + 2] = "0.4.1-";
	struct err err;

	memset(text + 6, 'a', sizeof text - 7);
	CHECK_EQ(check(text, &err), -EINVAL);
	text[SKEW_VERSION_MAX] = '\0';
	CHECK_OK(check(text, &err), &err);
}
