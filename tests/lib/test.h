/*
 * test.h - sentences as test names, on top of cmocka.
 *
 *     TEST(place_picks_the_tightest_node) { ... CHECK_EQ(got, 1); ... }
 *
 * A TEST registers itself; the first failed CHECK ends it. Output is TAP for
 * prove. Arguments to the program select tests by substring.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/err.h"

typedef void test_fn(void);
void test_add(const char *name, test_fn *fn);

#define TEST(name)                                                       \
	static void test_##name(void);                                   \
	__attribute__((constructor)) static void test_##name##_add(void) \
	{                                                                \
		test_add(#name, test_##name);                            \
	}                                                                \
	static void test_##name(void)

#define CHECK(cond)                                                       \
	do {                                                              \
		if (!(cond))                                              \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

#define CHECK_EQ(got, want)                                                                      \
	do {                                                                                     \
		long long got_ = (long long)(got), want_ = (long long)(want);                    \
		if (got_ != want_)                                                               \
			fail_msg("%s:%d: %s is %lld, want %lld", __FILE__, __LINE__, #got, got_, \
				want_);                                                          \
	} while (0)

#define CHECK_STR(got, want)                                                               \
	do {                                                                               \
		const char *got_ = (got), *want_ = (want);                                 \
		if (got_ == NULL || strcmp(got_, want_) != 0)                              \
			fail_msg("%s:%d: %s is '%s', want '%s'", __FILE__, __LINE__, #got, \
				got_ == NULL ? "(null)" : got_, want_);                    \
	} while (0)

/* The text must hold the words: for error sentences. */
#define CHECK_HAS(got, part)                                                                     \
	do {                                                                                     \
		const char *got_ = (got), *part_ = (part);                                       \
		if (got_ == NULL || strstr(got_, part_) == NULL)                                 \
			fail_msg("%s:%d: %s is '%s', want '%s' in it", __FILE__, __LINE__, #got, \
				got_ == NULL ? "(null)" : got_, part_);                          \
	} while (0)

/* For calls that take an err: on failure, prints what it says. */
#define CHECK_OK(call, err)                                                                \
	do {                                                                               \
		if ((call) < 0)                                                            \
			fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, #call, (err)->text); \
	} while (0)
