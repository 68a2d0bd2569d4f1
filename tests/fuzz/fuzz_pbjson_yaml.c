/* YAML as a task and as everything that protobuf has. */
#include "common/pbjson/pbjson.h"
#include "proto/types.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/roundtrip.h"
#include "tests/proto/zoo.pb-c.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ProtobufCMessageDescriptor *const types[] = {&zoo__animal__descriptor,
		&davit__task_spec__descriptor};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		ProtobufCMessage *message;
		struct pbjson_err err;

		if (pbjson_parse_yaml(types[i], (const char *)data, size, &message, &err) == 0)
			fuzz_roundtrip_take(message);
	}
	return 0;
}
