#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/http/http_impl.h"

/*
 * What libmicrohttpd keeps for each stream beside its memory of the connection. Chunks, which every
 * HTTP/1.1 client gets, are made in the latter.
 */
enum { BLOCK_SIZE_CHUNKS = 1, BLOCK_SIZE_PLAIN = 16 << 10 };

static size_t
n_waiting(const struct http_stream *stream)
{
	return stream->pending.size - stream->sent;
}

/* libmicrohttpd can send: gives it what there is, or lets the connection rest. */
static ssize_t
on_read(void *cls, uint64_t pos, char *data, size_t max)
{
	struct http_stream *stream = cls;
	struct http_request *request = stream->request;
	size_t n = n_waiting(stream);

	(void)pos;
	if (request == NULL || request->is_gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && stream->is_broken)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && stream->is_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		http_connection_give(request->connection, 0);
		http_request_suspend(request);
		return 0;
	}
	if (n > max)
		n = max;
	memcpy(data, stream->pending.data + stream->sent, n);
	stream->sent += n;
	request->n_sent += n;
	if (n_waiting(stream) == 0) {
		buf_fini(&stream->pending); /* an idle stream holds nothing */
		stream->sent = 0;
		if (stream->on_drained != NULL && !stream->is_ended)
			stream->on_drained(stream->on_drained_arg);
	}
	http_connection_give(request->connection, request->server->limits.stall_ms);
	return (ssize_t)n;
}

/* libmicrohttpd frees the response before or after it says that the request is over. */
static void
unref(struct http_stream *stream)
{
	if (--stream->n_owners > 0)
		return;
	buf_fini(&stream->pending);
	free(stream);
}

static void
on_response_free(void *cls)
{
	unref(cls);
}

bool
http_refuse_stream(struct http_request *request)
{
	struct http_server *server = request->server;

	if (server->stats.n_streams < server->limits.n_streams)
		return false;
	server->stats.n_refused++;
	http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%u streams are being read already",
		server->limits.n_streams);
	return true;
}

struct http_stream *
http_stream(struct http_request *request, unsigned status, const char *type, http_gone_fn *on_gone,
	void *arg)
{
	bool has_chunks = strcmp(request->version, MHD_HTTP_VERSION_1_1) == 0;
	struct http_stream *stream = xcalloc(1, sizeof *stream);
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
		has_chunks ? BLOCK_SIZE_CHUNKS : BLOCK_SIZE_PLAIN, on_read, stream,
		on_response_free);

	assert(response != NULL);
	stream->n_owners = 2; /* the response and the request */
	stream->response = response;
	request->is_stream = true;
	request->server->stats.n_streams++;
	stream->request = request;
	stream->on_gone = on_gone;
	stream->arg = arg;
	request->stream = stream;
	http_request_answer(request, status, type, response);
	http_request_slim(request);
	return stream;
}

size_t
http_stream_room(const struct http_stream *stream)
{
	size_t max = stream->request->server->limits.stream_bytes, n = n_waiting(stream);

	return n < max ? max - n : 0;
}

void
http_stream_trailer(struct http_stream *stream, const char *name, const char *value)
{
	(void)MHD_add_response_footer(stream->response, name, value);
}

int
http_stream_write(struct http_stream *stream, const void *data, size_t size)
{
	struct http_request *request = stream->request;

	if (n_waiting(stream) + size > request->server->limits.stream_bytes) {
		request->server->stats.n_stream_drops++;
		return -ENOBUFS;
	}
	if (stream->sent > stream->pending.size / 2) {
		buf_shift(&stream->pending, stream->sent);
		stream->sent = 0;
	}
	buf_put(&stream->pending, data, size);
	if (request->is_suspended && request->response == NULL) {
		http_connection_give(request->connection, request->server->limits.stall_ms);
		http_request_resume(request);
	}
	return 0;
}

void
http_stream_on_drained(struct http_stream *stream, http_gone_fn *fn, void *arg)
{
	stream->on_drained = fn;
	stream->on_drained_arg = arg;
}

void
http_stream_break(struct http_stream *stream)
{
	stream->is_broken = true;
	http_stream_end(stream);
}

void
http_stream_end(struct http_stream *stream)
{
	stream->is_ended = true;
	stream->on_gone = NULL;
	if (stream->request->response == NULL)
		http_request_resume(stream->request);
}

void
http_stream_forget(struct http_stream *stream)
{
	bool is_closing = stream->request->server->is_closing;
	http_gone_fn *on_gone = stream->on_gone;
	void *arg = stream->arg;

	stream->request->server->stats.n_streams--;
	stream->request = NULL;
	unref(stream);
	if (on_gone != NULL && !is_closing)
		on_gone(arg);
}
