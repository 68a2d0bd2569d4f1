/*
 * arena.h - many small allocations, freed together.
 *
 * For messages that are built, encoded and forgotten. A zeroed struct arena is
 * empty. Memory is zeroed and aligned for any type; it is valid until
 * arena_reset or arena_fini. arena_reset keeps one block for the next use.
 */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* the newest first */
	size_t used;                /* bytes of the newest */
	size_t first_size; /* at least so much the first block holds; 0: 16 KiB, as others do */
};

void *arena_alloc(struct arena *arena, size_t size);
/* The same without content: for what is written whole at once. */
void *arena_raw(struct arena *arena, size_t size);

/* n * size, zeroed. */
void *arena_array(struct arena *arena, size_t n, size_t size);

/* A copy of a text; NULL stays NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void arena_reset(struct arena *arena);
void arena_fini(struct arena *arena);

static inline void
arena_fini_cleanup(struct arena *arena)
{
	arena_fini(arena);
}
