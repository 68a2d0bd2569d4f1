#include "common/base/id.h"

#include <stdio.h>
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

/* By hand: every record, event and assignment has one, and printf takes ten times as long. */
void
id_format(struct id id, char ret_text[ID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	const uint64_t half[2] = {id.hi, id.lo};
	char *at = ret_text;

	for (unsigned i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*at++ = '-';
		*at++ = digits[half[i / 16] >> (60 - 4 * (i % 16)) & 0xf];
	}
	*at = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
id_parse(const char *text, struct id *ret_id)
{
	uint64_t half[2] = {0, 0};
	unsigned n_digits = 0;

	if (strnlen(text, ID_TEXT_SIZE) != ID_TEXT_SIZE - 1)
		return false;
	for (unsigned i = 0; i < ID_TEXT_SIZE - 1; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		int value = hex_value(text[i]);

		if (is_dash != (text[i] == '-') || (!is_dash && value < 0))
			return false;
		if (is_dash)
			continue;
		half[n_digits / 16] = half[n_digits / 16] << 4 | (uint64_t)value;
		n_digits++;
	}
	*ret_id = (struct id){.hi = half[0], .lo = half[1]};
	return true;
}
