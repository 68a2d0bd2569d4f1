/*
 * Path, query and body of a request over HTTP, as they become a message of any call of the
 * manager's: the first byte says which, then lines of NAME=VALUE, an empty line, the body.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/transcode.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/roundtrip.h"

enum { PAIRS = TRANSCODE_PAIRS_MAX + 2 }; /* one more than may be, at least */

/* Takes the lines off the front; what is left is the body. */
static size_t
take_pairs(char **text, struct transcode_pair *pairs)
{
	size_t n = 0;

	while (*text != NULL && **text != '\0' && n < PAIRS) {
		char *value = strsep(text, "\n"), *name;

		if (*value == '\0')
			break;
		name = strsep(&value, "=");
		pairs[n++] = (struct transcode_pair){name, value == NULL ? "" : value};
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transcode_pair pairs[PAIRS];
	struct transcode_input input = {.pairs = pairs};
	ProtobufCMessage *message = NULL;
	struct pbjson_err err = {0};
	char *text, *rest;

	if (size == 0)
		return 0;
	text = rest = xmalloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	input.type =
		davit__manager__descriptor.methods[data[0] % davit__manager__descriptor.n_methods]
			.input;
	input.n_pairs = take_pairs(&rest, pairs);
	input.body = rest == NULL ? "" : rest;
	input.body_size = rest == NULL ? 0 : size - 1 - (size_t)(rest - text);
	if (transcode_request(&input, &message, &err) == 0)
		fuzz_roundtrip_take(message);
	else
		assert(message == NULL && err.err.text[0] != '\0');
	free(text);
	return 0;
}
