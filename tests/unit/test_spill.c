#include "services/gateway/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"

TEST(spill_gives_back_what_was_put_in_order)
{
	CLEANUP(spill_close) struct spill *spill = NULL;
	struct err err = {0};
	char data[16] = "";

	CHECK_OK(spill_open(&spill, &err), &err);
	CHECK_EQ(spill_take(spill, data, sizeof data), 0);
	for (unsigned round = 0; round < 3; round++) {
		CHECK_OK(spill_put(spill, "first", 5, &err), &err);
		CHECK_OK(spill_put(spill, "second", 6, &err), &err);
		CHECK_EQ(spill_size(spill), 11);
		CHECK_EQ(spill_take(spill, data, 7), 7);
		CHECK(memcmp(data, "firstse", 7) == 0);
		CHECK_OK(spill_put(spill, "!", 1, &err), &err);
		CHECK_EQ(spill_take(spill, data, sizeof data), 5);
		CHECK(memcmp(data, "cond!", 5) == 0);
		CHECK_EQ(spill_size(spill), 0);
	}
}

TEST(spill_has_a_limit_and_says_where_no_file_can_be)
{
	CLEANUP(spill_close) struct spill *spill = NULL, *none = NULL;
	struct err err = {0};

	CHECK_OK(spill_open(&spill, &err), &err);
	CHECK_OK(spill_put(spill, "x", 1, &err), &err);
	CHECK_EQ(spill_put(spill, "x", SPILL_BYTES_MAX, &err), -ENOBUFS);
	CHECK_EQ(spill_size(spill), 1);
	(void)setenv("TMPDIR", "/no/such/folder", 1);
	CHECK_EQ(spill_open(&none, &err), -ENOENT);
	CHECK_HAS(err.text, "/no/such/folder");
	(void)unsetenv("TMPDIR");
}
