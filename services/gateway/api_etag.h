/*
 * api_etag.h - versions of things as HTTP tells them: "12-4f03a9…".
 *
 * In front the version of what it is about, by which a change may be made conditional
 * (If-Match); behind it a hash of the answer's text, which also changes when only figures do
 * (If-None-Match). What has no version has just the hash. A weak one (W/) counts as the same. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { API_ETAG_SIZE = 48 };

/* Of a text: another one has another, but for one in 2^64. The same in every gateway. */
uint64_t api_etag_hash(const void *data, size_t size);

/* version NULL: it has none. */
void api_etag_make(const uint64_t *version, uint64_t hash, char ret_etag[API_ETAG_SIZE]);

/* Whether the header (NULL: not given) has it, or "*". */
bool api_etag_is_listed(const char *header, const char *etag);

/* The version in an If-Match header. -ENOENT for "*": any; -EINVAL for what has none, or several.
 */
int api_etag_version(const char *header, uint64_t *ret_version);
