/*
 * buf.h - bytes that grow.
 *
 * A zeroed struct buf is an empty one. The bytes belong to the buf; buf_take
 * hands them to the caller. Growth never fails (see mem.h), so whoever fills a
 * buf from a peer's bytes checks a limit first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	uint8_t *data; /* NULL while nothing was ever put in */
	size_t size;   /* bytes used */
	size_t room;   /* bytes allocated */
};

void buf_fini(struct buf *buf);

static inline void
buf_fini_cleanup(struct buf *buf)
{
	buf_fini(buf);
}

/* Of buf_reserve: there is no room for n more bytes, so make some. */
void buf_grow(struct buf *buf, size_t n);

/* Makes room for n more bytes and returns where they go; size is not changed. */
static inline uint8_t *
buf_reserve(struct buf *buf, size_t n)
{
	if (n > buf->room - buf->size)
		buf_grow(buf, n);
	return buf->data + buf->size;
}

/* Here, since printing JSON is made of little else. */
static inline void
buf_put(struct buf *buf, const void *data, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(buf, n), data, n);
	buf->size += n;
}

static inline void
buf_puts(struct buf *buf, const char *text)
{
	buf_put(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first n bytes (at most size). */
void buf_shift(struct buf *buf, size_t n);

/* Forgets the content, keeps the room. */
void buf_reset(struct buf *buf);

/* The content as a string: a NUL behind it, not counted in size. Borrowed. */
const char *buf_text(struct buf *buf);

/* The content as a heap block for the caller to free, NUL behind it; the buf is empty after. */
void *buf_take(struct buf *buf, size_t *ret_size);
