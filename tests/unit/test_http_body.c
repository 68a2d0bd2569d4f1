#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/http/http.h"
#include "tests/lib/http_client.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

/* A server whose one handler reads bodies bit by bit, as the test lets it. */
struct stage {
	uv_loop_t loop;
	struct http_server *server;
	struct http_client client;
	struct http_request *request;
	struct buf body;
	size_t room;
	bool is_whole;
	unsigned n_gone;
};

static size_t
on_body(const void *data, size_t size, void *arg)
{
	struct stage *stage = arg;

	if (data == NULL) {
		stage->is_whole = true;
		return 0;
	}
	size = size < stage->room ? size : stage->room;
	stage->room -= size;
	buf_put(&stage->body, data, size);
	return size;
}

static void
on_gone(void *arg)
{
	struct stage *stage = arg;

	stage->n_gone++;
	stage->request = NULL;
}

static void
on_put(struct http_request *request, void *arg)
{
	struct stage *stage = arg;

	stage->request = request;
	http_on_gone(request, on_gone, stage);
}

static void
stage_open(struct stage *stage, const char *request)
{
	static const struct http_route routes[] = {{"PUT", "/body", on_put}, {NULL, NULL, NULL}};
	static http_handle_fn *const readers[] = {on_put, NULL};
	struct http_options options = {.listen = "http://127.0.0.1:0",
		.routes = routes,
		.readers = readers,
		.arg = stage,
		.limits = {.body_bytes = 16}};
	struct err err = {0};

	*stage = (struct stage){.client.fd = -1};
	(void)uv_loop_init(&stage->loop);
	CHECK_OK(http_open(&stage->loop, &options, &stage->server, &err), &err);
	http_client_open(&stage->client, &stage->loop, http_url(stage->server), request);
}

static void
stage_close(struct stage *stage)
{
	(void)close(stage->client.fd);
	http_close(stage->server);
	turn_end(&stage->loop);
	buf_fini(&stage->body);
}

static bool
is_there(void *arg)
{
	return ((struct stage *)arg)->request != NULL;
}

static bool
has_no_room(void *arg)
{
	return ((struct stage *)arg)->room == 0;
}

static bool
is_whole(void *arg)
{
	return ((struct stage *)arg)->is_whole;
}

static bool
is_gone(void *arg)
{
	return ((struct stage *)arg)->n_gone > 0;
}

static const char chunked[] = "PUT /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "a\r\n0123456789\r\na\r\nabcdefghij\r\n5\r\nABCDE\r\n0\r\n\r\n";

TEST(http_body_comes_as_there_is_room_for_it_and_has_no_limit)
{
	struct stage stage;

	stage_open(&stage, chunked);
	turn_until(&stage.loop, is_there, &stage, "the head");
	CHECK(http_body_is_sent(stage.request));
	turn_for(&stage.loop, 20);
	CHECK_EQ(stage.body.size, 0);
	stage.room = 4;
	http_body_read(stage.request, on_body, &stage);
	for (unsigned i = 1; i <= 6; i++) {
		turn_until(&stage.loop, has_no_room, &stage, "a piece");
		CHECK_EQ(stage.body.size, 4 * i);
		stage.room = 4;
		http_body_more(stage.request);
	}
	turn_until(&stage.loop, is_whole, &stage, "the end");
	CHECK_STR(buf_text(&stage.body), "0123456789abcdefghijABCDE");
	http_reply(stage.request, 200, "text/plain", "taken", 5);
	http_client_wait(&stage.client, "taken");
	CHECK_EQ(stage.n_gone, 0);
	stage_close(&stage);
}

TEST(http_body_is_not_read_when_its_request_is_refused_before)
{
	struct stage stage;

	stage_open(&stage, "PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
			   "Expect: 100-continue\r\n\r\n");
	turn_until(&stage.loop, is_there, &stage, "the head");
	http_refuse(stage.request, 404, "not here");
	http_client_wait(&stage.client, NULL);
	CHECK_HAS(stage.client.text, "HTTP/1.1 404 ");
	CHECK(strstr(stage.client.text, "100 Continue") == NULL);
	stage_close(&stage);
}

TEST(http_body_that_nobody_wants_any_more_is_passed_over)
{
	struct stage stage;

	stage_open(&stage, chunked);
	turn_until(&stage.loop, is_there, &stage, "the head");
	stage.room = 12;
	http_body_read(stage.request, on_body, &stage);
	turn_until(&stage.loop, has_no_room, &stage, "a piece");
	http_body_drop(stage.request);
	http_reply(stage.request, 200, "text/plain", "enough", 6);
	http_client_wait(&stage.client, "enough");
	CHECK_EQ(stage.body.size, 12);
	CHECK(!stage.is_whole);
	stage_close(&stage);
}

TEST(http_body_far_beyond_the_limit_is_cut_when_nobody_wants_it)
{
	struct stage stage;
	char more[128];

	stage_open(&stage, "PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
	turn_until(&stage.loop, is_there, &stage, "the head");
	http_body_read(stage.request, on_body, &stage);
	http_body_drop(stage.request);
	memset(more, 'x', sizeof more);
	CHECK_EQ(write(stage.client.fd, more, sizeof more), sizeof more);
	turn_until(&stage.loop, is_gone, &stage, "the cut");
	http_client_wait(&stage.client, NULL);
	CHECK_STR(stage.client.text, "");
	stage_close(&stage);
}

TEST(http_body_of_a_client_that_goes_away_ends_its_request)
{
	struct stage stage;

	/* While it is read, and while there is no room. */
	for (unsigned room = 0; room <= 100; room += 100) {
		stage_open(&stage,
			"PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc");
		turn_until(&stage.loop, is_there, &stage, "the head");
		stage.room = room;
		http_body_read(stage.request, on_body, &stage);
		turn_for(&stage.loop, 10);
		(void)shutdown(stage.client.fd, SHUT_RDWR);
		turn_until(&stage.loop, is_gone, &stage, "the end");
		CHECK(!stage.is_whole);
		stage_close(&stage);
	}
}

TEST(http_body_is_read_while_the_answer_waits_for_its_end)
{
	struct http_stream *stream;
	struct stage stage;

	stage_open(&stage, chunked);
	turn_until(&stage.loop, is_there, &stage, "the head");
	stage.room = 12;
	http_body_read(stage.request, on_body, &stage);
	stream = http_stream(stage.request, 200, "text/plain", on_gone, &stage);
	CHECK_EQ(http_stream_write(stream, "said", 4), 0);
	turn_until(&stage.loop, has_no_room, &stage, "a piece");
	CHECK_STR(stage.client.text, "");
	stage.room = 100;
	http_body_more(stage.request);
	turn_until(&stage.loop, is_whole, &stage, "the end");
	http_client_wait(&stage.client, "said");
	http_stream_end(stream);
	http_client_wait(&stage.client, "\r\n0\r\n");
	CHECK_EQ(stage.n_gone, 0);
	stage_close(&stage);
}
