/*
 * roundtrip.h - what must hold for a message that a text was read as.
 *
 * Printed and read again, in JSON and in YAML, it is the same message. Stops the
 * process if it is not. Takes the message.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

void fuzz_roundtrip_take(ProtobufCMessage *message);
