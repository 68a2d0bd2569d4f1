/*
 * pattern.h - regular expressions that cannot run away.
 *
 * POSIX extended syntax: . [a-z] [^…] [[:alpha:]] * + ? {m,n} | ( ) ^ $ and \ before a
 * sign that shall mean itself; \d \w \s, too. They search: anchor with ^ and $ for the
 * whole text. Bytes are compared, not characters. There are no back-references, so
 * matching takes time in proportion to text times pattern, whatever the pattern is:
 * the C library's regexec does not promise that, and these come from strangers.
 *
 * A pattern is constant once made. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

enum {
	PATTERN_TEXT_MAX = 256,   /* bytes of the pattern */
	PATTERN_SIZE_MAX = 1024,  /* steps after repetitions are written out */
	PATTERN_SETS_MAX = 64,    /* of [ ] */
	PATTERN_DEPTH_MAX = 32,   /* of ( ) in each other */
	PATTERN_REPEAT_MAX = 255, /* in { }: RE_DUP_MAX of POSIX */
};

struct pattern;

/* The text need not end with a NUL. -EINVAL with what is wrong and where, or which limit was met.
 */
int pattern_new(const char *text, size_t size, struct pattern **ret_pattern, struct err *err);
void pattern_free(struct pattern *pattern);
CLEANUP_DEFINE(struct pattern *, pattern_free)

/* Whether the pattern is found anywhere in the text. */
bool pattern_matches(const struct pattern *pattern, const char *text);
