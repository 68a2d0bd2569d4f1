/*
 * openapi.h - the native API as an OpenAPI 3.1 document.
 *
 * Made when it is asked for from what serves the requests: the table of methods (api.h), the
 * descriptors of their messages, and the comments of the .proto files. What is no single call
 * (streams of bytes, pages) is told by openapi_paths.json. Pure; the loop's thread.
 */
#pragma once

#include <jansson.h>

#include "common/base/buf.h"

void openapi_print(struct buf *out);

/* openapi_schema.c: the schemas of all messages and enums, by their names without "davit.". */
json_t *openapi_schemas(void);
/* A field as a property or parameter: with its description. New. */
json_t *openapi_field_schema(const void *field_descriptor, const char *message_name);
/* {"$ref": …} of a message or enum. New. */
json_t *openapi_ref(const char *full_name);
