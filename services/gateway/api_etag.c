#include "services/gateway/api_etag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t
api_etag_hash(const void *data, size_t size)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15); /* odd, its bits well mixed */
	const uint8_t *at = data;
	uint64_t hash = size, word;

	for (; size > 0; at += sizeof word) {
		size_t n = size < sizeof word ? size : sizeof word;

		word = 0;
		memcpy(&word, at, n);
		hash = (hash ^ word) * factor;
		hash ^= hash >> 32;
		size -= n;
	}
	return hash;
}

void
api_etag_make(const uint64_t *version, uint64_t hash, char ret_etag[API_ETAG_SIZE])
{
	if (version != NULL)
		(void)snprintf(ret_etag, API_ETAG_SIZE, "\"%" PRIu64 "-%016" PRIx64 "\"", *version,
			hash);
	else
		(void)snprintf(ret_etag, API_ETAG_SIZE, "\"%016" PRIx64 "\"", hash);
}

static const char *
skip(const char *text, const char *what)
{
	return text + strspn(text, what);
}

static const char *
skip_weak(const char *text)
{
	return strncmp(text, "W/", 2) == 0 ? text + 2 : text;
}

bool
api_etag_is_listed(const char *header, const char *etag)
{
	size_t size = strlen(etag);

	for (const char *at = header; at != NULL && *at != '\0';) {
		at = skip_weak(skip(at, " \t,"));
		if (*at == '*' || strncmp(at, etag, size) == 0)
			return true;
		at += strcspn(at, ",");
	}
	return false;
}

int
api_etag_version(const char *header, uint64_t *ret_version)
{
	const char *at = skip_weak(skip(header, " \t"));
	int used = 0;

	if (strcmp(at, "*") == 0)
		return -ENOENT;
	if (at[0] != '"' || at[1] < '0' || at[1] > '9' ||
		sscanf(at + 1, "%20" SCNu64 "%n", ret_version, &used) != 1)
		return -EINVAL;
	at += 1 + used;
	if (*at == '-')
		at = skip(at + 1, "0123456789abcdef");
	else if (used >= 16)
		return -EINVAL; /* a hash that has only digits */
	return *at == '"' && *skip(at + 1, " \t") == '\0' ? 0 : -EINVAL;
}
