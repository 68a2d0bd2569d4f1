#include "common/base/suggest.h"

#include <stdint.h>
#include <string.h>

enum {
	SHORT_WORD = 4,   /* below this, two letters are half the word */
	BEGINNING_MIN = 2 /* one letter is the beginning of too much */
};

/* Letters to insert, remove or replace until the one word is the other. */
static size_t
distance(const char *a, size_t n_a, const char *b)
{
	size_t row[SUGGEST_WORD_MAX + 1], n_b = strlen(b);

	if (n_a > SUGGEST_WORD_MAX || n_b > SUGGEST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n_b];
}

struct suggest
suggest_begin(const char *text, size_t n)
{
	return (struct suggest){.text = text, .n = n, .best = n < SHORT_WORD ? 2 : 3};
}

void
suggest_try(struct suggest *suggest, const char *word)
{
	size_t d = distance(suggest->text, suggest->n, word);

	if (suggest->n >= BEGINNING_MIN && strncmp(word, suggest->text, suggest->n) == 0)
		d = 1;
	if (d < suggest->best) {
		suggest->best = d;
		suggest->nearest = word;
	}
}
