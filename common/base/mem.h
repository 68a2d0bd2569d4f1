/*
 * mem.h - allocation that does not fail.
 *
 * Out of memory ends the process: what matters is in the store, and starting
 * again is the recovery path that the tests walk. Never pass a size that came
 * from a peer without checking it against a limit first.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

__attribute__((malloc)) static inline void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		abort();
	return p;
}

/* Memory without content: for buffers that are written whole at once. */
__attribute__((malloc)) static inline void *
xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

static inline void *
xrealloc(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n > 0 ? n : 1, size > 0 ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

/* A copy for the caller to free. NULL stays NULL. */
static inline char *
xstrdup(const char *text)
{
	char *p;

	if (text == NULL)
		return NULL;
	p = strdup(text);
	if (p == NULL)
		abort();
	return p;
}

static inline void *
xmemdup(const void *data, size_t size)
{
	return size == 0 ? xmalloc(0) : memcpy(xmalloc(size), data, size);
}
