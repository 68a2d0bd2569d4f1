#include "services/gateway/channel_output.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"

enum {
	FRAME_HEAD = 8, /* of Docker's: stream, 0, 0, 0, size */
	PIECE_BYTES = 256 << 10,
};

enum channel_form
channel_form_of(const struct http_request *request)
{
	const char *accept = http_header(request, "Accept");

	if (http_events_are_wanted(request))
		return CHANNEL_FORM_EVENTS;
	return accept != NULL && strstr(accept, "multiplexed-stream") != NULL ? CHANNEL_FORM_FRAMES
									      : CHANNEL_FORM_RAW;
}

/* How it ends; the stream is no more then. */
static void
say_end(struct channel_output *output)
{
	CLEANUP(buf_fini) struct buf json = {0}, frame = {0};
	const char *error = output->error;

	if (output->form == CHANNEL_FORM_EVENTS) {
		buf_puts(&json, "{");
		if (output->has_exit_code)
			buf_printf(&json, "\"exit_code\":%" PRId32, output->exit_code);
		if (error != NULL) {
			buf_puts(&json, json.size > 1 ? ",\"error\":" : "\"error\":");
			pbjson_print_text(error, strlen(error), &json);
		}
		buf_puts(&json, "}");
		http_events_print(NULL, "end", (const char *)json.data, json.size, &frame);
		(void)http_events_write(&output->events, frame.data, frame.size);
	} else if (output->has_exit_code) {
		buf_printf(&json, "%" PRId32, output->exit_code);
		http_stream_trailer(output->stream, "Davit-Exit-Code", buf_text(&json));
	}
	if (error != NULL && output->form != CHANNEL_FORM_EVENTS)
		http_stream_break(output->stream); /* or it would look whole */
	else
		http_stream_end(output->stream);
	output->stream = NULL;
	output->on_over(output->arg);
}

static bool
has_spilled(const struct channel_output *output)
{
	return output->spill != NULL && spill_size(output->spill) > 0;
}

/* The client has taken what there was: the next piece is sent, or asked for. */
static void
feed(void *arg)
{
	struct channel_output *output = arg;
	size_t room = http_stream_room(output->stream);
	size_t max = room < PIECE_BYTES ? room : PIECE_BYTES, n;
	CLEANUP(buf_fini) struct buf piece = {0};

	if (!has_spilled(output)) {
		if (output->is_ending)
			say_end(output);
		else
			output->on_room(output->arg);
		return;
	}
	n = spill_take(output->spill, buf_reserve(&piece, max), max);
	if (n == 0 && max > 0) {
		free(output->error);
		output->error = xstrdup("what was said cannot be read again");
		say_end(output);
		return;
	}
	(void)http_stream_write(output->stream, piece.data, n);
}

void
channel_output_begin(struct channel_output *output, struct http_request *request,
	http_gone_fn *on_gone)
{
	if (output->form == CHANNEL_FORM_EVENTS) {
		http_events_begin(&output->events, request, on_gone, output->arg);
		output->stream = output->events.stream;
	} else {
		http_reply_header(request, "Cache-Control", "no-store");
		http_reply_header(request, "Trailer", "Davit-Exit-Code, Davit-Error");
		http_reply_header(request, "X-Content-Type-Options", "nosniff");
		output->stream = http_stream(request, 200,
			output->form == CHANNEL_FORM_RAW
				? output->type
				: "application/vnd.docker.multiplexed-stream",
			on_gone, output->arg);
	}
	http_stream_on_drained(output->stream, feed, output);
}

/*
 * While the input is not over nothing of this is sent, and the command must not stand still
 * meanwhile: what there is no room for goes to the file.
 */
static void
put(struct channel_output *output, const void *data, size_t size)
{
	struct err err = {0};
	int rc = 0;

	if (!has_spilled(output) && size <= http_stream_room(output->stream)) {
		(void)http_stream_write(output->stream, data, size);
		return;
	}
	if (output->error != NULL)
		return;
	if (output->spill == NULL)
		rc = spill_open(&output->spill, &err);
	if (rc == 0)
		rc = spill_put(output->spill, data, size, &err);
	if (rc < 0)
		output->error = xstrdup(err.text);
}

static void
put_event(struct channel_output *output, const Davit__LogChunk *chunk, const char *id)
{
	CLEANUP(buf_fini) struct buf json = {0}, frame = {0};

	pbjson_print_text((const char *)chunk->data.data, chunk->data.len, &json);
	http_events_print(id,
		chunk->stream == DAVIT__LOG_CHUNK__STREAM__STDERR ? "stderr" : "stdout",
		(const char *)json.data, json.size, &frame);
	put(output, frame.data, frame.size);
}

void
channel_output_put(struct channel_output *output, const Davit__LogChunk *chunk, const char *id)
{
	uint8_t head[FRAME_HEAD] = {chunk->stream == DAVIT__LOG_CHUNK__STREAM__STDERR ? 2 : 1};
	uint32_t size = htonl((uint32_t)chunk->data.len);

	if (output->form == CHANNEL_FORM_EVENTS) {
		put_event(output, chunk, id);
		return;
	}
	if (output->form == CHANNEL_FORM_FRAMES) {
		memcpy(head + 4, &size, sizeof size);
		put(output, head, sizeof head);
	}
	put(output, chunk->data.data, chunk->data.len);
}

void
channel_output_end(struct channel_output *output, const int32_t *exit_code, const char *error)
{
	output->is_ending = true;
	output->has_exit_code = exit_code != NULL;
	output->exit_code = exit_code != NULL ? *exit_code : 0;
	if (output->error == NULL && error != NULL)
		output->error = xstrdup(error);
	feed(output);
}

void
channel_output_fini(struct channel_output *output)
{
	spill_close(TAKE(output->spill));
	free(output->error);
}
