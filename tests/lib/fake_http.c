#include "tests/lib/fake_http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <utlist.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "tests/lib/test.h"

struct fake_peer {
	union {
		uv_stream_t stream;
		uv_pipe_t pipe;
		uv_tcp_t tcp;
	} socket;
	uv_timer_t pace; /* between pieces */
	uv_write_t write;
	struct fake_http *fake;
	struct fake_peer *prev, *next;
	struct buf in, out;
	const struct fake_answer *answer; /* being sent */
	size_t sent;                      /* bytes of it, this time */
	unsigned repeated;
	unsigned n_open;
	bool closing;
};

static void piece_send(uv_timer_t *timer);

static void
peer_closed(uv_handle_t *handle)
{
	struct fake_peer *peer = handle->data;

	if (--peer->n_open > 0)
		return;
	buf_fini(&peer->in);
	buf_fini(&peer->out);
	free(peer);
}

static void
peer_close(struct fake_peer *peer)
{
	if (peer->closing)
		return;
	peer->closing = true;
	DL_DELETE(peer->fake->peers, peer);
	uv_close((uv_handle_t *)&peer->socket.stream, peer_closed);
	uv_close((uv_handle_t *)&peer->pace, peer_closed);
}

/* The length of the first whole request in the buffer, or 0. */
static size_t
request_size(struct buf *in)
{
	const char *text = buf_text(in), *end = strstr(text, "\r\n\r\n");
	const char *length = end == NULL ? NULL : strcasestr(text, "\r\nContent-Length:");
	size_t size;

	if (end == NULL)
		return 0;
	size = (size_t)(end - text) + 4;
	if (length != NULL && length < end)
		size += strtoul(length + 17, NULL, 10);
	return size <= in->size ? size : 0;
}

static size_t
answer_size(const struct fake_answer *answer)
{
	return answer->size > 0 ? answer->size : strlen(answer->bytes);
}

static void
answer_next(struct fake_peer *peer)
{
	struct fake_http *fake = peer->fake;
	size_t size = request_size(&peer->in), n;
	char line[512];

	if (size == 0 || peer->answer != NULL || peer->closing)
		return;
	n = size < sizeof fake->request ? size : sizeof fake->request - 1;
	memcpy(fake->request, peer->in.data, n);
	fake->request[n] = '\0';
	(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(fake->request, "\r"), fake->request);
	buf_shift(&peer->in, size);
	fake->n_requests++;
	for (size_t i = 0; i < fake->n_answers && peer->answer == NULL; i++)
		if (strstr(line, fake->answers[i].path) != NULL)
			peer->answer = &fake->answers[i];
	if (peer->answer == NULL)
		fail_msg("nobody has an answer to %s", line);
	peer->sent = peer->repeated = 0;
	buf_reset(&peer->out);
	if (peer->answer->status != NULL)
		buf_printf(&peer->out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
			peer->answer->status, answer_size(peer->answer));
	buf_put(&peer->out, peer->answer->bytes, answer_size(peer->answer));
	(void)uv_timer_start(&peer->pace, piece_send, 0, 0);
}

static void
piece_sent(uv_write_t *write, int status)
{
	struct fake_peer *peer = write->data;

	if (status == 0 && !peer->closing)
		(void)uv_timer_start(&peer->pace, piece_send, 0, 0);
}

static void
piece_send(uv_timer_t *timer)
{
	struct fake_peer *peer = timer->data;
	const struct fake_answer *answer = peer->answer;
	size_t size = peer->out.size;
	size_t n = answer->cut > 0 ? answer->cut : size;
	uv_buf_t piece;

	if (peer->sent == size && peer->repeated < answer->repeat) {
		peer->repeated++;
		peer->sent = 0;
	}
	if (peer->sent == size) {
		if (answer->then == FAKE_CLOSE)
			peer_close(peer);
		else if (answer->then == FAKE_KEEP)
			peer->answer = NULL;
		answer_next(peer);
		return;
	}
	if (n > size - peer->sent)
		n = size - peer->sent;
	piece = uv_buf_init((char *)peer->out.data + peer->sent, (unsigned)n);
	peer->sent += n;
	(void)uv_write(&peer->write, &peer->socket.stream, &piece, 1, piece_sent);
}

static void
room(uv_handle_t *handle, size_t size, uv_buf_t *ret_room)
{
	struct fake_peer *peer = handle->data;

	*ret_room = uv_buf_init((char *)buf_reserve(&peer->in, size), (unsigned)size);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct fake_peer *peer = stream->data;

	(void)buf;
	if (n < 0) {
		peer_close(peer);
		return;
	}
	peer->in.size += (size_t)n;
	answer_next(peer);
}

static void
on_connection(uv_stream_t *server, int status)
{
	struct fake_http *fake = server->data;
	struct fake_peer *peer = xcalloc(1, sizeof *peer);

	CHECK_EQ(status, 0);
	peer->fake = fake;
	if (fake->dir[0] != '\0')
		(void)uv_pipe_init(fake->loop, &peer->socket.pipe, 0);
	else
		(void)uv_tcp_init(fake->loop, &peer->socket.tcp);
	(void)uv_timer_init(fake->loop, &peer->pace);
	peer->socket.stream.data = peer->pace.data = peer->write.data = peer;
	peer->n_open = 2;
	DL_APPEND(fake->peers, peer);
	fake->n_connections++;
	CHECK_EQ(uv_accept(server, &peer->socket.stream), 0);
	CHECK_EQ(uv_read_start(&peer->socket.stream, room, on_read), 0);
}

static void
listen_unix(struct fake_http *fake)
{
	char path[80];

	(void)snprintf(fake->dir, sizeof fake->dir, "/tmp/davit-fake-XXXXXX");
	CHECK(mkdtemp(fake->dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/docker.sock", fake->dir);
	(void)snprintf(fake->host, sizeof fake->host, "unix://%s", path);
	(void)uv_pipe_init(fake->loop, &fake->server.pipe, 0);
	CHECK_EQ(uv_pipe_bind(&fake->server.pipe, path), 0);
}

static void
listen_tcp(struct fake_http *fake)
{
	struct sockaddr_in address;
	int size = sizeof address;

	fake->dir[0] = '\0';
	(void)uv_ip4_addr("127.0.0.1", 0, &address);
	(void)uv_tcp_init(fake->loop, &fake->server.tcp);
	CHECK_EQ(uv_tcp_bind(&fake->server.tcp, (const struct sockaddr *)&address, 0), 0);
	CHECK_EQ(uv_tcp_getsockname(&fake->server.tcp, (struct sockaddr *)&address, &size), 0);
	(void)snprintf(fake->host, sizeof fake->host, "tcp://127.0.0.1:%u",
		ntohs(address.sin_port));
}

void
fake_http_open(struct fake_http *fake, uv_loop_t *loop, bool tcp, const struct fake_answer *answers,
	size_t n_answers)
{
	(void)signal(SIGPIPE, SIG_IGN); /* clients go away while they are told */
	*fake = (struct fake_http){.loop = loop, .answers = answers, .n_answers = n_answers};
	if (tcp)
		listen_tcp(fake);
	else
		listen_unix(fake);
	fake->server.stream.data = fake;
	CHECK_EQ(uv_listen(&fake->server.stream, 16, on_connection), 0);
}

void
fake_http_close(struct fake_http *fake)
{
	while (fake->peers != NULL)
		peer_close(fake->peers);
	uv_close((uv_handle_t *)&fake->server.stream, NULL);
	if (fake->dir[0] != '\0') {
		(void)unlink(fake->host + strlen("unix://"));
		(void)rmdir(fake->dir);
	}
}
