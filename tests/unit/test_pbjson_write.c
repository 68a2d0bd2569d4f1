#include <inttypes.h>

#include "common/base/cleanup.h"
#include "common/pbjson/pbjson_write.h"
#include "tests/lib/test.h"

TEST(pbjson_write_puts_commas_between_values_and_nowhere_else)
{
	CLEANUP(buf_fini) struct buf out = {0};
	struct pbjson_writer writer = {.out = &out};

	pbjson_write_open(&writer, NULL, '{');
	pbjson_write_open(&writer, "none", '{');
	pbjson_write_close(&writer, '}');
	pbjson_write_open(&writer, "some", '[');
	pbjson_write_text(&writer, NULL, "a");
	pbjson_write_integer(&writer, NULL, 0);
	pbjson_write_bool(&writer, NULL, false);
	pbjson_write_open(&writer, NULL, '[');
	pbjson_write_close(&writer, ']');
	pbjson_write_close(&writer, ']');
	pbjson_write_bool(&writer, "last", true);
	pbjson_write_close(&writer, '}');
	CHECK_STR(buf_text(&out), "{\"none\":{},\"some\":[\"a\",0,false,[]],\"last\":true}");
	CHECK(!writer.is_bad);
}

TEST(pbjson_write_integers_go_from_the_least_to_the_greatest)
{
	CLEANUP(buf_fini) struct buf out = {0};
	struct pbjson_writer writer = {.out = &out};

	pbjson_write_open(&writer, NULL, '[');
	pbjson_write_integer(&writer, NULL, INT64_MIN);
	pbjson_write_integer(&writer, NULL, -10);
	pbjson_write_integer(&writer, NULL, INT64_MAX);
	pbjson_write_close(&writer, ']');
	CHECK_STR(buf_text(&out), "[-9223372036854775808,-10,9223372036854775807]");
}

TEST(pbjson_write_tells_of_a_text_that_is_not_utf8)
{
	CLEANUP(buf_fini) struct buf out = {0};
	struct pbjson_writer writer = {.out = &out};

	pbjson_write_text(&writer, NULL, "tab\t\"quoted\" \xc3\xa4");
	CHECK_STR(buf_text(&out), "\"tab\\t\\\"quoted\\\" \xc3\xa4\"");
	CHECK(!writer.is_bad);
	buf_reset(&out);
	writer.is_behind = false;
	pbjson_write_text(&writer, "k\xff", "v");
	CHECK(writer.is_bad);
	CHECK_STR(buf_text(&out), "\"k\xef\xbf\xbd\":\"v\"");
}
