#include "common/http/http_gzip.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <zlib.h>

#include "common/http/http.h"

enum {
	LEVEL = 3,        /* a fifth larger than the best, in a quarter of the time */
	GZIP_WINDOW = 31, /* zlib: the largest window, and gzip's head */
	MEMORY_LEVEL = 8,
};

bool
http_gzip_is_accepted(const char *header)
{
	for (const char *at = header; at != NULL && *at != '\0';) {
		size_t n;

		at += strspn(at, ", \t");
		n = strcspn(at, ", \t;");
		if ((n == 4 && strncasecmp(at, "gzip", n) == 0) || (n == 1 && *at == '*')) {
			const char *quality = at + n + strspn(at + n, " \t;");

			return strncmp(quality, "q=", 2) != 0 || strtod(quality + 2, NULL) > 0;
		}
		at += strcspn(at, ",");
	}
	return false;
}

bool
http_gzip_is_worth(const char *type, size_t size)
{
	return size >= HTTP_GZIP_BYTES_MIN && type != NULL &&
	       (strncmp(type, "text/", 5) == 0 || strstr(type, "json") != NULL ||
		       strstr(type, "javascript") != NULL);
}

void
http_gzip_put(const void *data, size_t size, struct buf *out)
{
	z_stream stream = {0};
	uLong bound;
	int rc = deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
		Z_DEFAULT_STRATEGY);

	assert(rc == Z_OK);
	bound = deflateBound(&stream, (uLong)size);
	stream.next_in = (Bytef *)(uintptr_t)data;
	stream.avail_in = (uInt)size;
	stream.next_out = buf_reserve(out, bound);
	stream.avail_out = (uInt)bound;
	rc = deflate(&stream, Z_FINISH);
	assert(rc == Z_STREAM_END);
	out->size += stream.total_out;
	(void)deflateEnd(&stream);
}
