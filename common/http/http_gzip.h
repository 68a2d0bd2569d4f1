/*
 * http_gzip.h - answers made smaller for who takes them so. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

/* By an Accept-Encoding header (NULL: not given). */
bool http_gzip_is_accepted(const char *header);

/* Whether a body of that type gets smaller: JSON and text do. type may be NULL. */
bool http_gzip_is_worth(const char *type, size_t size);

/* Appends the data as a gzip file. */
void http_gzip_put(const void *data, size_t size, struct buf *out);
