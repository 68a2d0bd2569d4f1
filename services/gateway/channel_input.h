/*
 * channel_input.h - the body of a request into a channel, as fast as that takes it.
 *
 * Holds at most CHANNEL_INPUT_BYTES: then the client's connection rests until the channel has taken
 * some. The loop's thread.
 */
#pragma once

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/http/http.h"
#include "services/gateway/upstream.h"

enum {
	CHANNEL_INPUT_WRITE_BYTES = 256 << 10, /* in one call */
	CHANNEL_INPUT_BYTES = 512 << 10,       /* that were read and not yet written */
	CHANNEL_RETRY_MS = 200, /* between two tries while manager or worker do not answer */
};

struct channel_input {
	struct upstream *manager;
	const char *channel;          /* borrowed */
	struct http_request *request; /* whose body is being read, or NULL */
	struct upstream_call *call;   /* under way, or NULL */
	struct buf waiting;
	uint64_t n_written;
	bool is_whole;  /* the client has sent all */
	bool is_ending; /* the call under way says so */
	bool is_over;   /* all was written, or nobody takes more */
};

/* input was zeroed. All are borrowed for its life; the request's handler is one of those who read.
 */
void channel_input_begin(struct channel_input *input, struct upstream *manager,
	struct http_request *request, const char *channel);

/* The body is still coming. */
bool channel_input_is_open(const struct channel_input *input);

/* Nobody wants more: what still comes is passed over. */
void channel_input_stop(struct channel_input *input);

/* is_gone: so has the request. */
void channel_input_fini(struct channel_input *input, bool is_gone);
