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

/* Makes room for n more bytes and returns where they go; size is not changed. */
uint8_t *buf_reserve(struct buf *buf, size_t n);

void buf_put(struct buf *buf, const void *data, size_t n);
void buf_puts(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first n bytes (at most size). */
void buf_shift(struct buf *buf, size_t n);

/* Forgets the content, keeps the room. */
void buf_reset(struct buf *buf);

/* The content as a string: a NUL behind it, not counted in size. Borrowed. */
const char *buf_text(struct buf *buf);

/* The content as a heap block for the caller to free, NUL behind it; the buf is empty after. */
void *buf_take(struct buf *buf, size_t *ret_size);
