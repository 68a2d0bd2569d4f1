/*
 * pbjson_field.h - where a field lives in a message. Private to pbjson.
 *
 * protobuf-c describes a message by offsets; these few functions are the only
 * places that turn an offset into a pointer. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* Which unit a field's name ends in: "cpu_milli" may be written "cpu: 1.5". */
enum pbjson_unit {
	PBJSON_UNIT_NONE,
	PBJSON_UNIT_CPU,
	PBJSON_UNIT_BYTES,
	PBJSON_UNIT_DURATION,
	PBJSON_UNIT_COUNT,
};

static inline const void *
pbjson_field_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (const char *)message + field->offset;
}

static inline void *
pbjson_field_slot(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (char *)message + field->offset;
}

/* has_x of an optional, n_x of a repeated, the case of a oneof. */
static inline void *
pbjson_field_quantifier(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return (char *)message + field->quantifier_offset;
}

/* Bytes of one value of the type in a struct or in a repeated field's array. */
size_t pbjson_type_size(ProtobufCType type);

/* Elements of a repeated field; 1 or 0 for any other, by whether it is set. */
size_t pbjson_field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* A repeated …Entry {key, value}: an object in JSON. Its fields[0] is key, fields[1] value. */
bool pbjson_field_is_map(const ProtobufCFieldDescriptor *field);

/* The unit in the name of an integer field. ret_stem (may be NULL): length of the name without. */
enum pbjson_unit pbjson_field_unit(const ProtobufCFieldDescriptor *field, size_t *ret_stem);

/*
 * The field that people may have meant by a name that does not exist, or NULL; its name
 * with or without the unit, whichever is nearer: *ret_size characters of it.
 */
const char *pbjson_field_suggest(const ProtobufCMessageDescriptor *type, const char *name,
	size_t size, size_t *ret_size);
