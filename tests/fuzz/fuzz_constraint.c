/*
 * What a task demands of its node, and the patterns in it: a line with the text, then the
 * values that it is held against, a line each.
 *
 * Where the syntax is one that regcomp has, too, both must find the same.
 */
#include <assert.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/model/constraint.h"
#include "common/model/taint.h"
#include "tests/fuzz/fuzz.h"

enum {
	LINES_MAX = 16,
	BOTH_MAX =
		12, /* bytes of a pattern and of a value that regexec is asked about: it is slow */
};

/* regexec means something else by \d, by a { that begins no number and by bytes over 127. */
static bool
is_common(const char *text)
{
	return strlen(text) <= BOTH_MAX && strspn(text, "abc.*+?|()^$") == strlen(text);
}

static void
as_regexec(const char *expression, const struct pattern *pattern, const char *text)
{
	regex_t regex;

	if (!is_common(expression) || strlen(text) > BOTH_MAX || strpbrk(text, "\r\n") != NULL)
		return;
	if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0)
		return;
	assert((regexec(&regex, text, 0, NULL, 0) == 0) == pattern_matches(pattern, text));
	regfree(&regex);
}

static void
as_pattern(const char *text, char *const *lines, size_t n)
{
	CLEANUP(pattern_free) struct pattern *pattern = NULL;
	struct err err = {0};

	if (pattern_new(text, strlen(text), &pattern, &err) < 0) {
		assert(err.text[0] != '\0');
		return;
	}
	for (size_t i = 0; i < n; i++)
		as_regexec(text, pattern, lines[i]);
}

static void
as_constraint(const char *text, char *const *lines, size_t n)
{
	CLEANUP(constraint_fini) struct constraint constraint = {0};
	struct err err = {0};
	size_t size = strlen(text);

	if (constraint_parse(text, &constraint, &err) < 0) {
		assert(err.text[0] != '\0');
		return;
	}
	assert(constraint.key_size <= size && constraint.value_size <= size);
	(void)constraint_holds(&constraint, NULL);
	for (size_t i = 0; i < n; i++) {
		(void)constraint_holds(&constraint, lines[i]);
		assert(constraint_version_compare(text, lines[i]) ==
			-constraint_version_compare(lines[i], text));
	}
}

static void
as_taint(const char *text)
{
	Davit__Taint *taint = NULL;
	struct err err = {0};

	if (taint_parse(text, &taint, &err) < 0) {
		assert(err.text[0] != '\0');
		return;
	}
	assert(taint_is_good(taint));
	davit__taint__free_unpacked(taint, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1), *lines[LINES_MAX], *rest = text;
	size_t n = 0;

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	while (rest != NULL && n < LINES_MAX)
		lines[n++] = strsep(&rest, "\n");
	as_constraint(lines[0], lines + 1, n - 1);
	as_pattern(lines[0], lines + 1, n - 1);
	as_taint(lines[0]);
	free(text);
	return 0;
}
