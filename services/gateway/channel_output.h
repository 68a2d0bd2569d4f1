/*
 * channel_output.h - what a command, a copy or a log says, to one client in the form it asked for.
 *
 * Plain bytes, frames as the Docker Engine makes them, or events. What the answer has no room for
 * (all of it, while the request's body is still coming) waits in a file. The loop's thread.
 */
#pragma once

#include <stdbool.h>

#include "common/http/http_events.h"
#include "proto/manager.pb-c.h"
#include "services/gateway/spill.h"

enum channel_form { CHANNEL_FORM_RAW, CHANNEL_FORM_FRAMES, CHANNEL_FORM_EVENTS };

struct channel_output {
	enum channel_form form;
	const char *type; /* of the plain form */
	struct http_events events;
	struct http_stream *stream; /* NULL: not begun */
	struct spill *spill;        /* or NULL */
	char *error;                /* why it breaks off, or NULL */
	bool is_ending, has_exit_code;
	int32_t exit_code;
	/* There is room for more; all has been said, and the stream is no more. */
	http_gone_fn *on_room, *on_over;
	void *arg;
};

/* As the request's Accept says. */
enum channel_form channel_form_of(const struct http_request *request);

/* Answers; form, type, on_room, on_over and arg are set. on_gone: as http_stream's, with arg. */
void channel_output_begin(struct channel_output *output, struct http_request *request,
	http_gone_fn *on_gone);

/* A piece of it; id is where a client goes on behind it, or NULL. A failure is error. */
void channel_output_put(struct channel_output *output, const Davit__LogChunk *chunk,
	const char *id);

/* That was all: once it is told, on_over. exit_code and error may be NULL. */
void channel_output_end(struct channel_output *output, const int32_t *exit_code, const char *error);

void channel_output_fini(struct channel_output *output);
