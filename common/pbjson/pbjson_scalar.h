/*
 * pbjson_scalar.h - one value that is no message. Private to pbjson.
 *
 * Pure; any thread.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/pbjson/pbjson_source.h"

/* Appends the value at p, of the field's type, as JSON. A NULL text prints as "". */
void pbjson_print_scalar(const ProtobufCFieldDescriptor *field, const void *p, struct buf *out);

/*
 * Writes the token's value to slot, which has room for one value of the field's
 * type. by_unit: it was given under the name without its unit. -EINVAL with a
 * sentence that says what is wanted; then slot was not touched. Strings and bytes
 * are allocated for the message that slot is in.
 */
int pbjson_scalar_parse(const ProtobufCFieldDescriptor *field, const struct pbjson_token *token,
	bool by_unit, void *slot, struct err *err);

/* "a list", "the text 'x'": what the token is, for a sentence. Returns ret. */
enum { PBJSON_TOKEN_NAME_SIZE = 64 };
const char *pbjson_token_name(const struct pbjson_token *token, char ret[PBJSON_TOKEN_NAME_SIZE]);
