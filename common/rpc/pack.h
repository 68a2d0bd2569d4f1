/*
 * pack.h - messages to protobuf bytes, in one pass.
 *
 * protobuf-c asks each message for its size before it packs it, at each depth again. Here room for
 * a length is left and filled in. The bytes are those of protobuf_c_message_pack. Pure; any thread.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "common/base/buf.h"

/* Appends the message. */
void rpc_pack(const ProtobufCMessage *message, struct buf *out);

/* Appends a field of bytes whose content is the message. */
void rpc_pack_nested(unsigned number, const ProtobufCMessage *message, struct buf *out);
