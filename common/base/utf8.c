#include "common/base/utf8.h"

#include <stdint.h>
#include <string.h>

/* The first byte tells the length and bounds the second one: overlong forms, surrogates. */
static const struct {
	uint8_t first, last, low, high, size;
} forms[] = {{0x00, 0x7f, 0, 0, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

size_t
utf8_size(const char *text, size_t size)
{
	const uint8_t *p = (const uint8_t *)text;

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (p[0] < forms[i].first || p[0] > forms[i].last)
			continue;
		if (size < forms[i].size)
			return 0;
		if (forms[i].size > 1 && (p[1] < forms[i].low || p[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < forms[i].size; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].size;
	}
	return 0;
}

/* Eight bytes at a time: whether all are ASCII, and none is NUL. */
static bool
is_plain(const char *text)
{
	const uint64_t ones = 0x0101010101010101, tops = ones << 7;
	uint64_t word;

	memcpy(&word, text, sizeof word);
	return ((word | (word - ones)) & tops) == 0;
}

bool
utf8_is_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t n;

		/* The last few, together with some that were looked at before. */
		if (size - i < sizeof(uint64_t) && size >= sizeof(uint64_t) &&
			is_plain(text + size - sizeof(uint64_t)))
			return true;
		if (size - i >= sizeof(uint64_t) && is_plain(text + i)) {
			i += sizeof(uint64_t);
			continue;
		}
		n = (uint8_t)text[i] < 0x80 ? 1 : utf8_size(text + i, size - i);
		if (n == 0 || text[i] == '\0')
			return false;
		i += n;
	}
	return true;
}
