/*
 * utf8.h - whether bytes are UTF-8 (RFC 3629), strictly: nothing overlong, no
 * surrogates, nothing above Unicode. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that text begins with, 1 to 4; 0 if none does. size > 0. */
size_t utf8_size(const char *text, size_t size);

/* All of text is UTF-8, and none of it is NUL. */
bool utf8_is_text(const char *text, size_t size);
