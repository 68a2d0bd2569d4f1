/*
 * cli_utf8.h - characters out of bytes, and the columns that they take.
 *
 * Of our own rather than wcwidth(): the result must not depend on the locale,
 * which in a container is often "C". Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_UTF8_BAD = 0x7fffffff }; /* rune of a byte that is no UTF-8 */

/* Decodes the character at text (not empty). Returns its bytes, 1 for a bad one. */
size_t cli_utf8_next(const char *text, uint32_t *ret_rune);

/* 0 for combining marks and joiners, 2 for East Asian wide ones and emoji, else 1. */
unsigned cli_utf8_columns(uint32_t rune);

/* Characters that a terminal would act upon: C0, DEL, C1, and those that turn the direction. */
bool cli_utf8_is_control(uint32_t rune);
