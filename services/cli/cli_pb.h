/*
 * cli_pb.h - building protobuf-c messages by hand.
 *
 * Everything is made with malloc, so that protobuf_c_message_free_unpacked(…, NULL)
 * frees the whole.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/err.h"
#include "common/base/mem.h"

/* Puts an item behind the others of a repeated field. The message owns it from now on. */
#define CLI_PB_ADD(message, field, item)                                                \
	do {                                                                            \
		(message)->field = xrealloc((message)->field, (message)->n_##field + 1, \
			sizeof *(message)->field);                                      \
		(message)->field[(message)->n_##field++] = (item);                      \
	} while (0)

/* Sets an optional number, flag or enum. */
#define CLI_PB_SET(message, field, to)      \
	do {                                \
		(message)->has_##field = 1; \
		(message)->field = (to);    \
	} while (0)

/* A new message on the heap: Davit__Port *port = CLI_PB_NEW(davit__port, Davit__Port). */
#define CLI_PB_NEW(prefix, type)                               \
	__extension__({                                        \
		type *message_ = xcalloc(1, sizeof *message_); \
		prefix##__init(message_);                      \
		message_;                                      \
	})

/* The first n bytes of text, on the heap. */
char *cli_pb_text(const char *text, size_t n);

/*
 * The value of an enum from its name in any case, with dashes or underscores.
 * -EINVAL with the names that there are.
 */
int cli_pb_enum(const ProtobufCEnumDescriptor *type, const char *text, int *ret_value,
	struct err *err);
