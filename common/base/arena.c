#include "common/base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

enum {
	ARENA_BLOCK_SIZE = 16 << 10,
	ARENA_ALIGN = 16,
};

struct arena_block {
	struct arena_block *next;
	size_t room;
	_Alignas(ARENA_ALIGN) unsigned char data[];
};

static void
add_block(struct arena *arena, size_t at_least)
{
	bool is_small = arena->blocks == NULL && arena->first_size != 0;
	size_t usual = is_small ? arena->first_size : ARENA_BLOCK_SIZE;
	size_t room = at_least > usual ? at_least : usual;
	struct arena_block *block = xmalloc(sizeof *block + room);

	block->next = arena->blocks;
	block->room = room;
	arena->blocks = block;
	arena->used = 0;
}

void *
arena_raw(struct arena *arena, size_t size)
{
	size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	void *p;

	if (rounded < size)
		abort();
	if (arena->blocks == NULL || arena->blocks->room - arena->used < rounded)
		add_block(arena, rounded);
	p = arena->blocks->data + arena->used;
	arena->used += rounded;
	return p;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_raw(arena, size), 0, size);
}

void *
arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		abort();
	return arena_alloc(arena, total);
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	size_t size;

	if (text == NULL)
		return NULL;
	size = strlen(text) + 1;
	return memcpy(arena_alloc(arena, size), text, size);
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return arena_strdup(arena, "");
	text = arena_alloc(arena, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *keep = arena->blocks, *block;

	if (keep == NULL)
		return;
	while ((block = keep->next) != NULL) {
		keep->next = block->next;
		free(block);
	}
	arena->used = 0;
	if (keep->room > ARENA_BLOCK_SIZE) {
		free(keep);
		arena->blocks = NULL;
	}
}

void
arena_fini(struct arena *arena)
{
	arena_reset(arena);
	free(arena->blocks);
	*arena = (struct arena){0};
}
