#include "tests/sim/only.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char letters[ONLY_KINDS + 1] = "fdun";

char
only_letter(enum only_kind kind)
{
	return letters[kind];
}

static void
allow(struct only *only, enum only_kind kind, uint64_t number)
{
	only->bits[kind][number / 8] |= (uint8_t)(1u << number % 8);
}

bool
only_has(const struct only *only, enum only_kind kind, uint64_t number)
{
	return number > ONLY_NUMBER_MAX || (only->bits[kind][number / 8] >> number % 8 & 1) != 0;
}

void
only_set(struct only *only, const struct happening *happenings, size_t n)
{
	*only = (struct only){0};
	for (size_t i = 0; i < n; i++)
		allow(only, happenings[i].kind, happenings[i].number);
}

/* One word, "f12" or "u3-7"; NULL if it is none, else what follows it. */
static const char *
parse_word(const char *text, struct only *only)
{
	const char *letter = *text == '\0' ? NULL : strchr(letters, *text);
	uint64_t first, last;
	char *end;

	if (letter == NULL || text[1] < '0' || text[1] > '9')
		return NULL;
	first = last = strtoull(text + 1, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		last = strtoull(end + 1, &end, 10);
	if (last > ONLY_NUMBER_MAX || (*end != ',' && *end != '\0'))
		return NULL;
	for (uint64_t number = first; number <= last; number++)
		allow(only, (enum only_kind)(letter - letters), number);
	return end;
}

int
only_parse(const char *text, struct only *ret_only, struct err *err)
{
	*ret_only = (struct only){0};
	if (strcmp(text, "none") == 0)
		return 0;
	for (const char *at = text;; at++) {
		const char *end = parse_word(at, ret_only);

		if (end == NULL)
			return err_set(err, -EINVAL, "'%s' is not like f12,u3-7,d1", at);
		if (*end == '\0')
			return 0;
		at = end;
	}
}

void
only_format(const struct happening *happenings, size_t n, char *ret_text, size_t size)
{
	size_t at = (size_t)snprintf(ret_text, size, "%s", n == 0 ? "none" : "");

	for (size_t i = 0, last; i < n && at < size; i = last + 1) {
		for (last = i; last + 1 < n && happenings[last + 1].kind == happenings[i].kind &&
			       happenings[last + 1].number == happenings[last].number + 1;)
			last++;
		at += (size_t)snprintf(ret_text + at, size - at, "%s%c%u", i == 0 ? "" : ",",
			letters[happenings[i].kind], happenings[i].number);
		if (last > i && at < size)
			at += (size_t)snprintf(ret_text + at, size - at, "-%u",
				happenings[last].number);
	}
}
