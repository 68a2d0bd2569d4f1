#include "common/base/utf8.h"
#include "tests/lib/test.h"

/* By the definition: decode, then see whether that was the shortest way to say it. */
static bool
is_character(const unsigned char *p, size_t n)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned code = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));

	if (n == 1)
		return p[0] < 0x80;
	if ((unsigned)p[0] >> (7 - n) != (1U << (n + 1)) - 2)
		return false;
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return false;
		code = code << 6 | (p[i] & 0x3fU);
	}
	return code >= least[n] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

TEST(all_three_bytes_that_there_are)
{
	for (unsigned bits = 0; bits < 1 << 24; bits += bits >= 0xf50000 ? 0x1001 : 1) {
		unsigned char p[3] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
			(unsigned char)bits};
		size_t want = 0;

		for (size_t n = 3; n > 0; n--)
			if (is_character(p, n))
				want = n;
		if (utf8_size((const char *)p, 3) != want)
			fail_msg("%06x: %zu, want %zu", bits, utf8_size((const char *)p, 3), want);
	}
}

TEST(four_bytes_at_their_edges)
{
	static const struct {
		const char *text;
		size_t want;
	} cases[] = {{"\xf0\x90\x80\x80", 4}, {"\xf0\x8f\xbf\xbf", 0}, {"\xf3\xbf\xbf\xbf", 4},
		{"\xf4\x8f\xbf\xbf", 4}, {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0},
		{"\xf1\x80\x80\xc0", 0}, {"\xf1\x80\x7f\x80", 0}, {"\xf1\x80\x80", 0}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_EQ(utf8_size(cases[i].text, strlen(cases[i].text)), cases[i].want);
}

TEST(a_text_has_no_nul_and_no_half_character)
{
	CHECK(utf8_is_text("", 0));
	CHECK(utf8_is_text("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 10));
	CHECK(!utf8_is_text("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9));
	CHECK(!utf8_is_text("a\0b", 3));
	CHECK(!utf8_is_text("a\xff", 2));
}

/* Plain text is looked at eight bytes at a time: whatever is not plain is seen at each place. */
TEST(text_is_judged_the_same_wherever_its_odd_character_is)
{
	static const struct {
		const char *odd;
		size_t size;
		bool is_text;
	} cases[] = {{"\xc3\xa9", 2, true}, {"\xe2\x82\xac", 3, true}, {"\x01", 1, true},
		{"\x7f", 1, true}, {"\0", 1, false}, {"\x80", 1, false}, {"\xff", 1, false},
		{"\xc3", 1, false}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t at = 0; at < 30; at++) {
			char text[40];

			memset(text, 'x', sizeof text);
			memcpy(text + at, cases[i].odd, cases[i].size);
			CHECK_EQ(utf8_is_text(text, 33), cases[i].is_text);
		}
	}
}
