/*
 * intern.h - equal texts become equal numbers.
 *
 * Label keys and values repeat over thousands of nodes: each text is kept once
 * and compared as a number. References are counted, so that the table is bounded
 * by what exists now. 0 is no text. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/cleanup.h"

struct intern;

struct intern *intern_new(void);
void intern_free(struct intern *intern);
CLEANUP_DEFINE(struct intern *, intern_free)

/* The number of a text, with one more reference. NULL is 0. */
uint32_t intern_ref(struct intern *intern, const char *text);

/* Gives a reference back; the last one forgets the text. 0 is fine. */
void intern_unref(struct intern *intern, uint32_t number);

/* The number of a text that is known, or 0. */
uint32_t intern_find(const struct intern *intern, const char *text);

/* The text of a number that is in use; "" for 0. Borrowed until its last unref. */
const char *intern_text(const struct intern *intern, uint32_t number);

/* One more than the greatest number in use: for arrays by number. */
uint32_t intern_bound(const struct intern *intern);

/* Texts kept now. */
size_t intern_count(const struct intern *intern);
