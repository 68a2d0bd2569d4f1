/*
 * decode.h - protobuf bytes to the messages of protobuf-c, in one pass.
 *
 * protobuf-c first lists the members of a message and then reads them, and it allocates each part
 * by itself. Here they are read as they come, into an arena if there is one, and texts and enums
 * are looked at on the way. What comes out is what protobuf_c_message_unpack makes of the same
 * bytes; tests/unit/test_decode.c compares the two over damaged bytes. For unpack.c; pure, any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"

struct rpc_decode {
	size_t left;         /* bytes of memory that it may still take */
	struct arena *arena; /* NULL: each block by itself, for protobuf_c_message_free_unpacked */
	bool borrows_bytes;  /* fields of bytes lead into the data; only with an arena */
	bool is_spent;       /* out: left was not enough */
	bool is_doubtful;    /* out: a text that may not be UTF-8, or an enum without that value */
};

/* NULL if it is no such message, or would take too much memory. */
ProtobufCMessage *rpc_decode(struct rpc_decode *decode, const ProtobufCMessageDescriptor *type,
	const void *data, size_t size);
