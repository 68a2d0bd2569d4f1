#include "tests/fuzz/roundtrip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pbjson/pbjson.h"

typedef int parse_fn(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
	ProtobufCMessage **ret_message, struct pbjson_err *err);

static void
stop_unless(int holds, const char *what, struct buf *text, const char *why)
{
	if (holds)
		return;
	(void)fprintf(stderr, "%s: %s\n%s\n", what, why, buf_text(text));
	abort();
}

/* Reads the text and prints it again as JSON, which must be the same. */
static void
same_again(parse_fn *parse, const ProtobufCMessageDescriptor *type, struct buf *text,
	struct buf *json)
{
	ProtobufCMessage *again = NULL;
	struct pbjson_err err = {0};
	struct buf out = {0};

	stop_unless(parse(type, buf_text(text), text->size, &again, &err) == 0,
		"printed and not taken", text, err.err.text);
	pbjson_print(again, PBJSON_COMPACT, &out);
	stop_unless(out.size == json->size && memcmp(out.data, json->data, out.size) == 0,
		"printed and changed", text, buf_text(&out));
	buf_fini(&out);
	protobuf_c_message_free_unpacked(again, NULL);
}

void
fuzz_roundtrip_take(ProtobufCMessage *message)
{
	struct buf json = {0}, text = {0};

	pbjson_print(message, PBJSON_COMPACT, &json);
	same_again(pbjson_parse, message->descriptor, &json, &json);
	pbjson_print(message, PBJSON_PRETTY, &text);
	same_again(pbjson_parse, message->descriptor, &text, &json);
	buf_reset(&text);
	pbjson_print_yaml(message, &text);
	same_again(pbjson_parse_yaml, message->descriptor, &text, &json);
	buf_fini(&json);
	buf_fini(&text);
	protobuf_c_message_free_unpacked(message, NULL);
}
