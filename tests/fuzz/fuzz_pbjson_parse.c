/* JSON as a task, as everything that protobuf has, and as an envelope. */
#include <assert.h>

#include "common/pbjson/pbjson.h"
#include "proto/manager.pb-c.h"
#include "proto/rpc.pb-c.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/roundtrip.h"
#include "tests/proto/zoo.pb-c.h"

static void
as_envelope(const char *text, size_t size)
{
	struct pbjson_err err;
	struct pbjson_raw raw = {0};
	ProtobufCMessage *message;

	if (pbjson_parse_raw(&davit__call__descriptor, text, size, "request", &message, &raw,
		    &err) < 0)
		return;
	protobuf_c_message_free_unpacked(message, NULL);
	if (raw.text == NULL)
		return;
	assert(raw.text >= text && raw.size <= size - (size_t)(raw.text - text));
	if (pbjson_parse(&davit__submit_tasks_request__descriptor, raw.text, raw.size, &message,
		    &err) == 0)
		fuzz_roundtrip_take(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ProtobufCMessageDescriptor *const types[] = {&zoo__animal__descriptor,
		&davit__task_spec__descriptor, &davit__submit_tasks_request__descriptor};
	const char *text = (const char *)data;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		ProtobufCMessage *message;
		struct pbjson_err err;

		if (pbjson_parse(types[i], text, size, &message, &err) == 0)
			fuzz_roundtrip_take(message);
	}
	as_envelope(text, size);
	return 0;
}
