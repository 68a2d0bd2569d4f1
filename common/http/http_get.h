/*
 * http_get.h - one GET of a service's own door, for a program that does nothing else meanwhile.
 *
 * Blocks its thread, at most for the time given.
 */
#pragma once

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"

enum { HTTP_GET_BODY_MAX = 65536 }; /* bytes of an answer, head and body; the rest is not read */

/*
 * The status of the answer, and its body appended to ret_body. Addresses as http_address_parse's.
 * -EINVAL the address, -ETIMEDOUT, -EPROTO no HTTP, and what the system says, with words.
 */
int http_get(const char *address, const char *path, unsigned timeout_ms, int *ret_status,
	struct buf *ret_body, struct err *err);
