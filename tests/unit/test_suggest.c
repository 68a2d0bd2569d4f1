#include "common/base/suggest.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "tests/lib/test.h"

static const char *
nearest(const char *text)
{
	static const char *const words[] = {"listen", "list", "poll", "print-config", "cpu"};
	struct suggest suggest = suggest_begin(text, strlen(text));

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		suggest_try(&suggest, words[i]);
	return suggest.nearest;
}

TEST(suggest_finds_the_word_with_a_letter_wrong_missing_or_too_many)
{
	CHECK_STR(nearest("lisen"), "listen");
	CHECK_STR(nearest("listten"), "listen");
	CHECK_STR(nearest("pole"), "poll");
	CHECK_STR(nearest("cpy"), "cpu");
}

TEST(suggest_takes_a_beginning_for_the_word)
{
	CHECK_STR(nearest("print"), "print-config");
	CHECK(nearest("p") == NULL);
}

TEST(suggest_is_silent_when_nothing_is_near)
{
	CHECK(nearest("volume") == NULL);
	CHECK(nearest("xyz") == NULL);
	CHECK(nearest("") == NULL);
}

TEST(suggest_measures_no_word_beyond_its_limit)
{
	char *word = xcalloc(SUGGEST_WORD_MAX + 2, 1), text[SUGGEST_WORD_MAX + 2];
	struct suggest suggest;

	memset(word, 'a', SUGGEST_WORD_MAX);
	memcpy(text, word, SUGGEST_WORD_MAX + 1);
	text[0] = 'b';
	suggest = suggest_begin(text, SUGGEST_WORD_MAX);
	suggest_try(&suggest, word);
	CHECK(suggest.nearest == word);
	word[SUGGEST_WORD_MAX] = 'a';
	suggest = suggest_begin(text, SUGGEST_WORD_MAX);
	suggest_try(&suggest, word);
	CHECK(suggest.nearest == NULL);
	free(word);
}
