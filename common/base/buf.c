#include "common/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

enum { BUF_ROOM_MIN = 64 };

void
buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

void
buf_grow(struct buf *buf, size_t n)
{
	size_t want = buf->size + n, room = buf->room;

	if (want < n)
		abort();
	room = room < BUF_ROOM_MIN ? BUF_ROOM_MIN : room + room / 2;
	room = room < want ? want : room;
	buf->data = xrealloc(buf->data, room, 1);
	buf->room = room;
}

void
buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	(void)buf_reserve(buf, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf((char *)buf->data + buf->size, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf->size += (size_t)n;
}

void
buf_shift(struct buf *buf, size_t n)
{
	if (n >= buf->size) {
		buf->size = 0;
		return;
	}
	memmove(buf->data, buf->data + n, buf->size - n);
	buf->size -= n;
}

void
buf_reset(struct buf *buf)
{
	buf->size = 0;
}

const char *
buf_text(struct buf *buf)
{
	*buf_reserve(buf, 1) = '\0';
	return (const char *)buf->data;
}

void *
buf_take(struct buf *buf, size_t *ret_size)
{
	void *data;

	(void)buf_text(buf);
	data = buf->data;
	if (ret_size != NULL)
		*ret_size = buf->size;
	*buf = (struct buf){0};
	return data;
}
