/*
 * pbjson.h - protobuf-c messages to JSON and back, by their descriptors.
 *
 * The mapping (docs/PROTOCOL.md):
 *   names       as in the .proto (snake_case); enums by their short name ("RUNNING"),
 *               in lower case and with - for _ too ("on-failure"), or a number it has
 *   integers    as JSON numbers, 64 bits included; decimal strings are accepted
 *   bytes       base64 (RFC 4648, padded; unpadded is accepted)
 *   maps        a repeated message whose name ends in "Entry" with fields key and
 *               value is an object; of texts also a list of "KEY=value"
 *   units       a field that ends in _milli, _bytes or _ms may be given under its
 *               name without the ending, as a text with a unit or a number in the
 *               natural unit: "cpu": 1.5, "memory": "512MiB", "ttl": "10m"
 *               (memory: a plain number is bytes; a duration wants its unit). Under
 *               its full name it takes an integer or a text with a unit.
 *   absent      a field that is not set is not printed; null is absent
 * Unknown names, wrong types, values out of range, repeated keys, missing
 * required fields, invalid UTF-8 and nesting deeper than PBJSON_DEPTH_MAX are
 * errors that carry the path of the field, such as "spec.ports[1].container_port".
 *
 * Pure; any thread.
 */
#pragma once

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/buf.h"
#include "common/base/err.h"

enum {
	PBJSON_DEPTH_MAX = 32,        /* of nested objects and arrays, in either direction */
	PBJSON_PATH_MAX = 128,        /* characters of a field's path, cut with "…" */
	PBJSON_TEXT_MAX = 16 << 20,   /* bytes of JSON or YAML that are read */
	PBJSON_MEMORY_MAX = 64 << 20, /* bytes of memory that one message may become */
};

struct pbjson_err {
	struct err err;             /* text without the path */
	char path[PBJSON_PATH_MAX]; /* "" when the text itself is no JSON */
};

enum pbjson_style {
	PBJSON_COMPACT, /* one line, no newline at its end */
	PBJSON_LISTS,   /* the same; the outermost object has its empty lists, too */
	PBJSON_PRETTY,  /* indented by two, newline at the end */
};

/* Appends the message as JSON. Never fails: what is in memory is valid. */
void pbjson_print(const ProtobufCMessage *message, enum pbjson_style style, struct buf *out);

/* Appends text as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void pbjson_print_text(const char *text, size_t size, struct buf *out);

/*
 * Reads one JSON object (and nothing behind it but white space) as a message of
 * the type. The message is the caller's: protobuf_c_message_free_unpacked.
 * -EINVAL with path, -E2BIG for more than PBJSON_TEXT_MAX or PBJSON_MEMORY_MAX.
 */
int pbjson_parse(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err);

/* A value inside the text that was read, borrowed from it. */
struct pbjson_raw {
	const char *text; /* NULL: the field was not there */
	size_t size;
};

/*
 * The same, but the outermost object's field of that name may hold any value: it is
 * checked to be JSON, not put into the message, and given back as it stands. This
 * is how the `request` of a Call is kept until its method, hence its type, is known.
 */
int pbjson_parse_raw(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	const char *raw_field, ProtobufCMessage **ret_message, struct pbjson_raw *ret_raw,
	struct pbjson_err *err);

/* The same from YAML: the first document; anchors are refused, errors carry the line. */
int pbjson_parse_yaml(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err);

/* Appends the message as YAML (block style, the same names). */
void pbjson_print_yaml(const ProtobufCMessage *message, struct buf *out);

/* Name of an enum's value, or "?" for a number that it does not have. Borrowed from the type. */
const char *pbjson_enum_name(const ProtobufCEnumDescriptor *type, int value);
