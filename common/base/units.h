/*
 * units.h - quantities as people write them.
 *
 *   bytes     "512MiB" "1.5GB" "64k" "4096"  decimal k M G T P E (1000), binary Ki … Ei (1024), an
 *             optional B behind; upper and lower case alike except that nothing is guessed
 *   CPU       "1.5" "2" cores, "500m" millicores
 *   duration  "10m" "90s" "1h30m" "1.5h" "500ms" "2d"; a unit is required ("0" alone is allowed)
 *
 * Pure. Every parser returns 0, -EINVAL for a text that is none, or -ERANGE for
 * one that is negative or does not fit; err says what would be right.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { UNITS_TEXT_SIZE = 32 }; /* room that every units_format_* needs */

int units_parse_bytes(const char *text, uint64_t *ret_bytes, struct err *err);
int units_parse_cpu(const char *text, uint64_t *ret_milli, struct err *err);
int units_parse_duration(const char *text, uint64_t *ret_ms, struct err *err);

/* A whole number in [min, max]: no sign, no space, no unit. */
int units_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
	struct err *err);

/* "512MiB", "1.5GiB", "0B": at most four significant digits. Returns ret_text. */
const char *units_format_bytes(uint64_t bytes, char ret_text[UNITS_TEXT_SIZE]);
/* "1.5", "0.25", "2". */
const char *units_format_cpu(uint64_t milli, char ret_text[UNITS_TEXT_SIZE]);
/* "450ms", "12s", "3m20s", "5h12m", "4d3h": the two greatest units. */
const char *units_format_duration(uint64_t ms, char ret_text[UNITS_TEXT_SIZE]);
