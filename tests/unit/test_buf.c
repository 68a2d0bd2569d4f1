#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "tests/lib/test.h"

TEST(buf_grows_and_keeps_what_was_put)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&buf, "%u,", i);
	CHECK_EQ(buf.size, 3890);
	CHECK(strncmp(buf_text(&buf), "0,1,2,", 6) == 0);
}

TEST(buf_shift_drops_the_front)
{
	CLEANUP(buf_fini) struct buf buf = {0};

	buf_puts(&buf, "header body");
	buf_shift(&buf, 7);
	CHECK_STR(buf_text(&buf), "body");
	buf_shift(&buf, 100);
	CHECK_EQ(buf.size, 0);
}

TEST(buf_take_leaves_it_empty)
{
	struct buf buf = {0};
	size_t size;
	char *data;

	buf_puts(&buf, "abc");
	data = buf_take(&buf, &size);
	CHECK_STR(data, "abc");
	CHECK_EQ(size, 3);
	CHECK(buf.data == NULL);
	free(data);
}
