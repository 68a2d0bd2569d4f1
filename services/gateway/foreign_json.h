/*
 * foreign_json.h - bodies as the reference systems, written in Go, read them.
 *
 * Keys match without regard to case, null and absent are the zero value, bytes behind the
 * first value are ignored. Texts are borrowed from the object. Pure; one thread.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

/* An object; the caller's to foreign_free. -EINVAL with words. */
int foreign_parse(const void *body, size_t size, json_t **ret_object, struct err *err);

static inline void
foreign_free(json_t *json)
{
	json_decref(json);
}
CLEANUP_DEFINE(json_t *, foreign_free)

/* The value under that key; NULL: absent, or null. */
const json_t *foreign_get(const json_t *object, const char *key);

/* Zero values when absent; -EINVAL names the key. */
int foreign_text(const json_t *object, const char *key, const char **ret_text, struct err *err);
int foreign_number(const json_t *object, const char *key, double *ret_number, struct err *err);
int foreign_whole(const json_t *object, const char *key, int64_t *ret_number, struct err *err);
/* NULL when absent. */
int foreign_object(const json_t *object, const char *key, const json_t **ret_object,
	struct err *err);

/* The first key that is none of those, or NULL. The list ends with NULL. */
const char *foreign_stranger(const json_t *object, const char *const *keys);

/*
 * A duration of Go: "10m", "1h30m", "1.5h", "-3s", units ns us µs ms s m h, "0". Rounded up to
 * a millisecond. -EINVAL with Go's own words.
 */
int foreign_duration(const char *text, double *ret_ms, struct err *err);

enum { FOREIGN_TIME_SIZE = 32 };
/* RFC 3339 with milliseconds; 0 is Go's zero time. Returns ret_text. */
const char *foreign_time(uint64_t ms, char ret_text[FOREIGN_TIME_SIZE]);
