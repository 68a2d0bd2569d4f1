#include "common/base/id.h"

#include <endian.h>
#include <string.h>

#define VERSION_7   UINT64_C(0x7000)
#define VARIANT_10  UINT64_C(0x8000000000000000)
#define MASK_RAND_A UINT64_C(0x0fff)
#define MASK_RAND_B UINT64_C(0x3fffffffffffffff)

static struct id
make(uint64_t now_ms, const uint8_t random[ID_RANDOM_SIZE], uint64_t low_mask)
{
	uint16_t a;
	uint64_t b;

	memcpy(&a, random, sizeof a);
	memcpy(&b, random + sizeof a, sizeof b);
	return (struct id){
		.hi = now_ms << 16 | VERSION_7 | (a & MASK_RAND_A),
		.lo = (VARIANT_10 | (b & MASK_RAND_B)) & low_mask,
	};
}

struct id
id_make(uint64_t now_ms, const uint8_t random[ID_RANDOM_SIZE])
{
	return make(now_ms, random, UINT64_MAX);
}

struct id
id_make_base(uint64_t now_ms, const uint8_t random[ID_RANDOM_SIZE])
{
	return make(now_ms, random, ~(uint64_t)UINT32_MAX);
}

struct id
id_at(struct id base, uint32_t index)
{
	return (struct id){.hi = base.hi, .lo = base.lo + index};
}

/* Eight digits of a number, the highest first: one byte of the word is one digit. */
static void
format_digits(uint32_t number, char *at)
{
	uint64_t word = number;

	word = (word << 16 | word) & UINT64_C(0x0000ffff0000ffff);
	word = (word << 8 | word) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word << 4 | word) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	word += UINT64_C(0x3030303030303030) +
		(((word + UINT64_C(0x0606060606060606)) >> 4) & UINT64_C(0x0101010101010101)) *
			('a' - '0' - 10);
	word = htobe64(word);
	memcpy(at, &word, sizeof word);
}

/* By hand: every record, event and assignment has one, and printf takes far longer. */
void
id_format(struct id id, char ret_text[ID_TEXT_SIZE])
{
	char digits[32];

	format_digits((uint32_t)(id.hi >> 32), digits);
	format_digits((uint32_t)id.hi, digits + 8);
	format_digits((uint32_t)(id.lo >> 32), digits + 16);
	format_digits((uint32_t)id.lo, digits + 24);
	memcpy(ret_text, digits, 8);
	memcpy(ret_text + 9, digits + 8, 4);
	memcpy(ret_text + 14, digits + 12, 4);
	memcpy(ret_text + 19, digits + 16, 4);
	memcpy(ret_text + 24, digits + 20, 12);
	ret_text[8] = ret_text[13] = ret_text[18] = ret_text[23] = '-';
	ret_text[ID_TEXT_SIZE - 1] = '\0';
}

/* The value of a hexadecimal digit, plus one; 0 for everything else. */
static const uint8_t hex_value[256] = {['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16};

/* The number that n digits make; false if one is none, which a terminating zero is, too. */
static bool
parse_digits(const char *text, unsigned n, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned value = hex_value[(uint8_t)text[i]];

		if (value == 0)
			return false;
		number = number << 4 | (value - 1);
	}
	*ret_number = number;
	return true;
}

/* Piece by piece, so that nothing behind the end of a short text is read. */
bool
id_parse(const char *text, struct id *ret_id)
{
	uint64_t a, b, c, d, e;

	if (!parse_digits(text, 8, &a) || text[8] != '-' || !parse_digits(text + 9, 4, &b) ||
		text[13] != '-' || !parse_digits(text + 14, 4, &c) || text[18] != '-' ||
		!parse_digits(text + 19, 4, &d) || text[23] != '-' ||
		!parse_digits(text + 24, 12, &e) || text[ID_TEXT_SIZE - 1] != '\0')
		return false;
	*ret_id = (struct id){.hi = a << 32 | b << 16 | c, .lo = d << 48 | e};
	return true;
}
