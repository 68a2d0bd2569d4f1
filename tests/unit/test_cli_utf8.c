#include "services/cli/cli_utf8.h"

#include "tests/lib/test.h"

static uint32_t
rune_of(const char *text, size_t size)
{
	uint32_t rune;

	CHECK_EQ(cli_utf8_next(text, &rune), size);
	return rune;
}

TEST(cli_utf8_decodes_one_to_four_bytes)
{
	CHECK_EQ(rune_of("a", 1), 'a');
	CHECK_EQ(rune_of("\xc3\xa4", 2), 0xe4);
	CHECK_EQ(rune_of("\xe2\x82\xac", 3), 0x20ac);
	CHECK_EQ(rune_of("\xf0\x9f\x9a\xa2", 4), 0x1f6a2);
}

TEST(cli_utf8_takes_one_byte_of_what_is_no_utf8)
{
	static const char *const bad[] = {"\x80", "\xff", "\xc0\xaf", "\xc3", "\xe2\x82",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_EQ(rune_of(bad[i], 1), CLI_UTF8_BAD);
}

TEST(cli_utf8_knows_what_takes_no_column_and_what_takes_two)
{
	CHECK_EQ(cli_utf8_columns('a'), 1);
	CHECK_EQ(cli_utf8_columns(0x301), 0);
	CHECK_EQ(cli_utf8_columns(0x200d), 0);
	CHECK_EQ(cli_utf8_columns(0x4e2d), 2);
	CHECK_EQ(cli_utf8_columns(0x1f6a2), 2);
	CHECK_EQ(cli_utf8_columns(0x416), 1);
	CHECK_EQ(cli_utf8_columns(CLI_UTF8_BAD), 1);
}

TEST(cli_utf8_sees_what_a_terminal_would_obey)
{
	CHECK(cli_utf8_is_control(0x1b));
	CHECK(cli_utf8_is_control(0x7f));
	CHECK(cli_utf8_is_control(0x9b));
	CHECK(cli_utf8_is_control(0x202e));
	CHECK(cli_utf8_is_control(0x2066));
	CHECK(!cli_utf8_is_control(' '));
	CHECK(!cli_utf8_is_control(0xa0));
}
