#include "common/base/arena.h"
#include "common/base/cleanup.h"
#include "tests/lib/test.h"

TEST(arena_memory_is_zeroed_and_aligned_and_stays)
{
	CLEANUP(arena_fini) struct arena arena = {0};
	char *first = arena_strdup(&arena, "first");

	for (unsigned i = 1; i < 2000; i++) {
		unsigned char *p = arena_alloc(&arena, i);

		CHECK_EQ((uintptr_t)p % 16, 0);
		CHECK_EQ(p[i - 1], 0);
		memset(p, 0xff, i);
	}
	CHECK_STR(first, "first");
	CHECK_STR(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
}

TEST(arena_reset_starts_anew_with_zeroed_memory)
{
	CLEANUP(arena_fini) struct arena arena = {0};

	memset(arena_alloc(&arena, 100), 0xff, 100);
	memset(arena_alloc(&arena, 1 << 20), 0xff, 1 << 20);
	arena_reset(&arena);
	CHECK_EQ(*(unsigned char *)arena_alloc(&arena, 100), 0);
	arena_reset(&arena);
}
