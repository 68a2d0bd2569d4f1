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
id_make_after(struct id last, bool is_base, const uint8_t random[ID_RANDOM_SIZE])
{
	uint64_t high = (last.lo & MASK_RAND_B) >> 32; /* 30 bits; steps are of them */
	uint64_t low, hi = last.hi;

	high += 1 + random[0];
	if (high > MASK_RAND_B >> 32) {
		high &= MASK_RAND_B >> 32;
		hi = (hi & MASK_RAND_A) < MASK_RAND_A ? hi + 1 : ((hi >> 16) + 1) << 16 | VERSION_7;
	}
	memcpy(&low, random + 2, sizeof low);
	return (struct id){hi, VARIANT_10 | high << 32 | (is_base ? 0 : low & UINT32_MAX)};
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

/* The number that eight digits make; false if one is none: as format_digits, the other way round.
 */
static bool
parse_digits(const char *at, uint64_t *ret_number)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word, letters, values;

	memcpy(&word, at, sizeof word);
	word = be64toh(word);
	letters = (word >> 6) & ones;
	word |= letters << 5; /* of either case */
	values = (word & (ones * 0x0f)) + letters * 9;
	if ((values & (ones * 0x10)) != 0 || ((values + ones * 6) >> 4 & ones) != letters ||
		values + ones * '0' + letters * ('a' - '0' - 10) != word)
		return false;
	values = (values | values >> 4) & UINT64_C(0x00ff00ff00ff00ff);
	values = (values | values >> 8) & UINT64_C(0x0000ffff0000ffff);
	*ret_number = (values | values >> 16) & UINT32_MAX;
	return true;
}

bool
id_parse(const char *text, struct id *ret_id)
{
	uint64_t a, b, c, d;
	char digits[32];

	if (strnlen(text, ID_TEXT_SIZE) != ID_TEXT_SIZE - 1 || text[8] != '-' || text[13] != '-' ||
		text[18] != '-' || text[23] != '-')
		return false;
	memcpy(digits, text, 8);
	memcpy(digits + 8, text + 9, 4);
	memcpy(digits + 12, text + 14, 4);
	memcpy(digits + 16, text + 19, 4);
	memcpy(digits + 20, text + 24, 12);
	if (!parse_digits(digits, &a) || !parse_digits(digits + 8, &b) ||
		!parse_digits(digits + 16, &c) || !parse_digits(digits + 24, &d))
		return false;
	*ret_id = (struct id){.hi = a << 32 | b, .lo = c << 32 | d};
	return true;
}
