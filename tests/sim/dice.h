/*
 * dice.h - chance, in streams that do not disturb one another.
 *
 * Each process, each link, each fault and each wish has dice of its own, made from the
 * seed, its kind and its number. So a run without the 17th fault throws the same for
 * all others, and what made it fail can be found by leaving things out (shrink.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

enum dice_kind {
	DICE_PROC,
	DICE_LINK,
	DICE_FAULT,
	DICE_DEATH,
	DICE_DEATH_STEP,
	DICE_USER,
	DICE_NONSENSE,
};

struct dice dice_of(uint64_t seed, enum dice_kind kind, uint64_t number);

/* 0 … n-1. */
uint64_t dice_roll(struct dice *dice, uint64_t n);
/* True in `per_mille` of a thousand throws. */
bool dice_chance(struct dice *dice, unsigned per_mille);
void dice_fill(struct dice *dice, void *data, size_t size);
