/*
 * transcode.h - the parts of an HTTP request into the request message of a method.
 *
 * The way of grpc-gateway, by descriptors: {…} of the path and parameters of the query
 * are fields of the message by name, the body is the message in JSON. All three may be
 * there; a field that two of them give is an error. What may be written as a value is
 * pbjson.h's: units, enums in lower case, lists as "KEY=value". In the query
 *
 *     ?limit=10&states=running,pending&labels=app=web&labels=tier=1&with_spec
 *
 * a repeated field may come more than once, enums and numbers also with commas; a flag
 * without a value is true. Pure; any thread.
 */
#pragma once

#include <stddef.h>

#include "common/pbjson/pbjson.h"

enum { TRANSCODE_PAIRS_MAX = 128 }; /* of path and query together */

struct transcode_pair {
	const char *name, *value; /* decoded UTF-8; checked here */
};

struct transcode_input {
	const ProtobufCMessageDescriptor *type;
	const struct transcode_pair *pairs;
	size_t n_pairs;
	const char *body; /* a JSON object, or nothing but white space */
	size_t body_size;
};

/*
 * The message is the caller's. -EINVAL with the path of the field ("" when the body is no
 * JSON), -E2BIG as pbjson_parse.
 */
int transcode_request(const struct transcode_input *input, ProtobufCMessage **ret_message,
	struct pbjson_err *err);
