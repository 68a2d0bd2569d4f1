#include "services/gateway/api_etag.h"

#include <errno.h>

#include "tests/lib/test.h"

TEST(api_etag_has_the_version_in_front_of_the_hash)
{
	char etag[API_ETAG_SIZE];
	uint64_t version = UINT64_MAX;

	api_etag_make(&version, UINT64_MAX, etag);
	CHECK_STR(etag, "\"18446744073709551615-ffffffffffffffff\"");
	CHECK_EQ(api_etag_version(etag, &version), 0);
	CHECK(version == UINT64_MAX);
	api_etag_make(NULL, 1, etag);
	CHECK_STR(etag, "\"0000000000000001\"");
	CHECK_EQ(api_etag_version(etag, &version), -EINVAL);
}

TEST(api_etag_is_found_in_a_list_weak_or_not)
{
	CHECK(api_etag_is_listed("\"1-a\"", "\"1-a\""));
	CHECK(api_etag_is_listed("\"2-b\", W/\"1-a\"", "\"1-a\""));
	CHECK(api_etag_is_listed("*", "\"1-a\""));
	CHECK(!api_etag_is_listed("\"1-ab\", ,\"11-a\"", "\"1-a\""));
	CHECK(!api_etag_is_listed("", "\"1-a\""));
	CHECK(!api_etag_is_listed(NULL, "\"1-a\""));
}

TEST(api_etag_reads_the_version_of_one)
{
	static const char *const bad[] = {"", "7", "\"\"", "\"x\"", "\"7", "\"7-g\"", "\"-7\"",
		"\"7-a\", \"8-a\"", "W/", "\"99999999999999999999999\""};
	uint64_t version = 0;

	CHECK_EQ(api_etag_version("\"7\"", &version), 0);
	CHECK_EQ(version, 7);
	CHECK_EQ(api_etag_version(" W/\"8-00ff\" ", &version), 0);
	CHECK_EQ(version, 8);
	CHECK_EQ(api_etag_version("*", &version), -ENOENT);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_EQ(api_etag_version(bad[i], &version), -EINVAL);
}
