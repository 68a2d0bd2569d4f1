/* splitmix64 (Steele, Lea, Flood 2014). */
#include "tests/sim/dice.h"

static uint64_t
mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t throw(struct dice * dice)
{
	return mix(dice->state += UINT64_C(0x9e3779b97f4a7c15));
}

struct dice
dice_of(uint64_t seed, enum dice_kind kind, uint64_t number)
{
	struct dice dice = {mix(mix(seed) + ((uint64_t)kind << 56) + number)};

	return dice;
}

uint64_t
dice_roll(struct dice *dice, uint64_t n)
{
	return throw(dice) % n;
}

bool
dice_chance(struct dice *dice, unsigned per_mille)
{
	return dice_roll(dice, 1000) < per_mille;
}

void
dice_fill(struct dice *dice, void *data, size_t size)
{
	uint8_t *at = data;

	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t) throw(dice);
}
