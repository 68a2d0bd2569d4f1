/*
 * only.h - which of the things that the dice make happen may happen.
 *
 * Faults, sudden deaths, users' wishes and nonsensical answers of the scheduler are numbered as the
 * dice make them, each kind for itself: "f12,u3-7,d1". A run in which only some of them happen
 * throws the same dice for these (dice.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum only_kind { ONLY_FAULT, ONLY_DEATH, ONLY_WISH, ONLY_NONSENSE, ONLY_KINDS };

enum { ONLY_NUMBER_MAX = 65535 }; /* what comes later happens in any case */

struct happening {
	enum only_kind kind;
	uint32_t number;
};

struct only {
	uint8_t bits[ONLY_KINDS][ONLY_NUMBER_MAX / 8 + 1];
};

/* "f12,u3-7", or "none". -EINVAL with the word at fault. */
int only_parse(const char *text, struct only *ret_only, struct err *err);
void only_set(struct only *only, const struct happening *happenings, size_t n);
bool only_has(const struct only *only, enum only_kind kind, uint64_t number);
/* 'f', 'd', 'u', 'n' */
char only_letter(enum only_kind kind);
/* As only_parse reads it, cut off at size. They come sorted by kind and number. */
void only_format(const struct happening *happenings, size_t n, char *ret_text, size_t size);
