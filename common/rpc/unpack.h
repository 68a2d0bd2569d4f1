/*
 * unpack.h - protobuf bytes of a peer to a message that can be trusted.
 *
 * What protobuf-c leaves open is closed here: two bytes on the wire can become
 * hundreds in memory (an empty message in a repeated field), texts need not be
 * UTF-8, enums may hold any number. Nesting is bounded by the types: none of ours
 * contains itself. Pure; any thread.
 */
#pragma once

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/pbjson/pbjson.h"

enum { RPC_DECODE_MAX = 64 << 20 }; /* bytes of memory that one message may become */

/*
 * The message is the caller's: protobuf_c_message_free_unpacked. -EINVAL with the
 * field's path, -E2BIG for one that would need more than RPC_DECODE_MAX.
 */
int rpc_unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err);

/* The same; the message lies in the arena and goes with it. */
int rpc_unpack_in(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	struct arena *arena, ProtobufCMessage **ret_message, struct pbjson_err *err);

/* Like that; and its fields of bytes lead into data, which must outlive it. */
int rpc_unpack_over(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
	struct arena *arena, ProtobufCMessage **ret_message, struct pbjson_err *err);

/* A copy, for protobuf_c_message_free_unpacked. The message is one that can be unpacked. */
void *rpc_copy(const ProtobufCMessage *message);

/* Every text of the message is UTF-8 and every enum has a known value: 0, or -EINVAL with path. */
int rpc_unpack_check(const ProtobufCMessage *message, struct pbjson_err *err);

/* FNV-1a, 64 bits, over the packed form of a message; start with RPC_HASH_START. */
#define RPC_HASH_START 0xcbf29ce484222325u
uint64_t rpc_hash_bytes(uint64_t hash, const void *data, size_t size);
uint64_t rpc_hash_message(uint64_t hash, const ProtobufCMessage *message);
