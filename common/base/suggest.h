/*
 * suggest.h - "did you mean …?": the nearest of the words that would have been right.
 *
 *     struct suggest suggest = suggest_begin(text, strlen(text));
 *     for (each word that would be right)
 *             suggest_try(&suggest, word);
 *     if (suggest.nearest != NULL) ...
 *
 * Pure. Words are borrowed.
 */
#pragma once

#include <stddef.h>

enum { SUGGEST_WORD_MAX = 64 }; /* bytes; longer words are like no other */

struct suggest {
	const char *nearest; /* NULL: nothing is near enough to be what was meant */
	const char *text;
	size_t n;
	size_t best;
};

struct suggest suggest_begin(const char *text, size_t n);

/* Near is: at most two letters differ (one in short words), or text is where word begins. */
void suggest_try(struct suggest *suggest, const char *word);
