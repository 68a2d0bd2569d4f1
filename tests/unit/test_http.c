#include "common/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/http/http_listen.h"
#include "common/http/http_route.h"
#include "tests/lib/http_client.h"
#include "tests/lib/scratch.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

struct stage {
	uv_loop_t loop;
	struct http_server *server;
	struct http_request *kept;
	struct http_stream *stream;
	unsigned n_gone, n_handled, n_full;
	char seen[256];
};

static void
on_gone(void *arg)
{
	struct stage *stage = arg;

	stage->n_gone++;
	stage->kept = NULL;
	stage->stream = NULL;
}

static void
on_task(struct http_request *request, void *arg)
{
	struct stage *stage = arg;
	const char *full = http_query(request, "full");
	char text[128];

	stage->n_handled++;
	(void)snprintf(text, sizeof text, "%s %s full=%s", http_method(request),
		http_param(request, 0), full == NULL ? "no" : full);
	http_reply_header(request, "X-Test", "yes");
	http_reply(request, 200, "text/plain", text, strlen(text));
}

static void
on_echo(struct http_request *request, void *arg)
{
	size_t size;
	const void *body = http_body(request, &size);

	(void)arg;
	http_reply(request, 200, "application/octet-stream", body, size);
}

static void
on_kept(struct http_request *request, void *arg)
{
	struct stage *stage = arg;

	stage->kept = request;
	http_on_gone(request, on_gone, stage);
}

static void
on_stream(struct http_request *request, void *arg)
{
	struct stage *stage = arg;

	stage->stream = http_stream(request, 200, "text/event-stream", on_gone, stage);
	(void)http_stream_write(stage->stream, "first\n", 6);
}

static const struct http_route routes[] = {
	{"GET", "/tasks/{task}", on_task},
	{"DELETE", "/tasks/{task}", on_task},
	{"POST", "/echo", on_echo},
	{"GET", "/kept", on_kept},
	{"GET", "/stream", on_stream},
	{NULL, NULL, NULL},
};

static void
stage_open(struct stage *stage, const struct http_limits *limits)
{
	struct http_options options = {.listen = "http://127.0.0.1:0",
		.routes = routes,
		.arg = stage};
	struct err err = {0};

	*stage = (struct stage){0};
	(void)uv_loop_init(&stage->loop);
	if (limits != NULL)
		options.limits = *limits;
	CHECK_OK(http_open(&stage->loop, &options, &stage->server, &err), &err);
}

static void
stage_close(struct stage *stage)
{
	http_close(stage->server);
	turn_end(&stage->loop);
}

static bool
has_gone(void *arg)
{
	const struct stage *stage = arg;

	return stage->n_gone > 0;
}

static bool
is_kept(void *arg)
{
	const struct stage *stage = arg;

	return stage->kept != NULL;
}

TEST(http_answers_a_get_with_path_query_and_headers)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /tasks/a%20b?full=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&client, "GET a b full=1");
	CHECK_HAS(client.text, "HTTP/1.1 200 OK\r\n");
	CHECK_HAS(client.text, "X-Test: yes\r\n");
	CHECK_HAS(client.text, "Content-Type: text/plain\r\n");
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_answers_several_requests_of_one_connection)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /tasks/one HTTP/1.1\r\nHost: x\r\n\r\n"
		"DELETE /tasks/two HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /tasks/three HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&client, "three");
	CHECK_HAS(client.text, "GET one");
	CHECK_HAS(client.text, "DELETE two");
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_head_is_a_get_without_its_body)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"HEAD /tasks/t1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	http_client_wait(&client, NULL);
	CHECK_HAS(client.text, "HTTP/1.1 200 OK\r\n");
	CHECK_HAS(client.text, "Content-Length: 15\r\n");
	CHECK_STR(client.text + client.size - 4, "\r\n\r\n");
	(void)close(client.fd);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"HEAD /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	http_client_wait(&client, NULL);
	CHECK_HAS(client.text, "text/event-stream");
	CHECK(strstr(client.text, "first") == NULL);
	CHECK_EQ(stage.n_gone, 1);
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_unknown_paths_are_404_and_other_methods_405_with_what_is_allowed)
{
	struct stage stage;
	struct http_client client;
	struct http_stats stats;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /tasks HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&client, "}\n");
	CHECK_HAS(client.text, "404 Not Found");
	CHECK_HAS(client.text, "\"detail\":\"there is nothing at /tasks\"");
	(void)close(client.fd);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"POST /tasks/t1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	http_client_wait(&client, "}\n");
	CHECK_HAS(client.text, "405 Method Not Allowed");
	CHECK_HAS(client.text, "Allow: GET, HEAD, DELETE, OPTIONS\r\n");
	CHECK_EQ(stage.n_handled, 0);
	http_stats(stage.server, &stats);
	CHECK_EQ(stats.n_refused, 2);
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_bodies_come_whole_and_only_up_to_the_limit)
{
	const struct http_limits limits = {.body_bytes = 10};
	struct stage stage;
	struct http_client client;

	stage_open(&stage, &limits);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234");
	CHECK_EQ(write(client.fd, "56789", 5), 5);
	http_client_wait(&client, "0123456789");
	(void)close(client.fd);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890");
	http_client_wait(&client, "413 ");
	(void)close(client.fd);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		"a\r\n0123456789\r\n1\r\n0\r\n0\r\n\r\n");
	http_client_wait(&client, "413 ");
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_heads_beyond_the_limit_are_refused)
{
	CLEANUP(free) char *request = calloc(1, 2 * HTTP_HEAD_BYTES_MAX);
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	(void)snprintf(request, HTTP_HEAD_BYTES_MAX, "GET /tasks/t1 HTTP/1.1\r\nHost: x\r\nX: ");
	memset(request + strlen(request), 'x', HTTP_HEAD_BYTES_MAX);
	http_client_open(&client, &stage.loop, http_url(stage.server), request);
	http_client_wait(&client, NULL);
	CHECK_HAS(client.text, "HTTP/1.1 431 ");
	CHECK_HAS(client.text, "application/problem+json");
	CHECK_EQ(stage.n_handled, 0);
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_what_is_no_http_is_refused)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"\x16\x03\x01 hello\r\n\r\n");
	http_client_wait(&client, NULL);
	CHECK_EQ(stage.n_handled, 0);
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_what_the_library_refuses_is_told_as_everything_is)
{
	static const struct {
		const char *request, *status;
	} cases[] = {
		{"GET /tasks/t1 HTTP/1.1\r\n\r\n", "400"},
		{"GET /tasks/t1 HTTP/9.9\r\nHost: x\r\n\r\n", "505"},
		{"GET /tasks/t1 HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "400"},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", "400"},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
			"400"},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"400"},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%%\r\n",
			"400"},
	};
	struct http_client client;
	struct http_stats stats;
	struct stage stage;
	char words[64];

	stage_open(&stage, NULL);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		http_client_open(&client, &stage.loop, http_url(stage.server), cases[i].request);
		http_client_wait(&client, NULL);
		(void)snprintf(words, sizeof words, "HTTP/1.1 %s ", cases[i].status);
		CHECK_HAS(client.text, words);
		CHECK_HAS(client.text, "Content-Type: application/problem+json\r\n");
		CHECK_HAS(client.text, "X-Request-Id: ");
		(void)snprintf(words, sizeof words, "\"status\":%s,", cases[i].status);
		CHECK_HAS(client.text, words);
		CHECK(strstr(client.text, "<html>") == NULL);
		http_stats(stage.server, &stats);
		CHECK_EQ(stats.n_refused, i + 1);
		(void)close(client.fd);
	}
	CHECK_EQ(stage.n_handled, 0);
	stage_close(&stage);
}

TEST(http_slow_heads_and_bodies_are_cut_off)
{
	const struct http_limits limits = {.head_ms = 50, .body_ms = 50, .idle_ms = 50};
	static const char *const starts[] = {"", "GET /tasks/t1 HTT",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01",
		"GET /tasks/t1 HTTP/1.1\r\nHost: x\r\n\r\n"};
	struct http_stats stats;
	struct stage stage;
	struct http_client client;

	stage_open(&stage, &limits);
	for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++) {
		http_client_open(&client, &stage.loop, http_url(stage.server), starts[i]);
		http_client_wait(&client, NULL);
		(void)close(client.fd);
		http_stats(stage.server, &stats);
		CHECK_EQ(stats.n_timed_out, i + 1);
	}
	stage_close(&stage);
}

TEST(http_more_connections_than_allowed_wait_for_their_turn)
{
	const struct http_limits limits = {.n_connections = 2};
	struct http_stats stats;
	struct stage stage;
	struct http_client clients[3];

	stage_open(&stage, &limits);
	for (unsigned i = 0; i < 2; i++) {
		http_client_open(&clients[i], &stage.loop, http_url(stage.server),
			"GET /tasks/t1 HTTP/1.1\r\nHost: x\r\n\r\n");
		http_client_wait(&clients[i], "GET t1");
	}
	http_client_open(&clients[2], &stage.loop, http_url(stage.server),
		"GET /tasks/t2 HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_for(&stage.loop, 100);
	http_stats(stage.server, &stats);
	CHECK_EQ(stats.n_connections, 2);
	(void)close(clients[0].fd);
	http_client_wait(&clients[2], "GET t2");
	(void)close(clients[1].fd);
	(void)close(clients[2].fd);
	stage_close(&stage);
}

TEST(http_requests_can_be_kept_and_answered_later)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until(&stage.loop, is_kept, &stage, "the request");
	http_reply(stage.kept, 200, "text/plain", "late", 4);
	http_client_wait(&client, "late");
	CHECK_EQ(stage.n_gone, 0);
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_a_client_that_goes_before_its_answer_is_told_of)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
	turn_until(&stage.loop, is_kept, &stage, "the request");
	(void)close(client.fd);
	turn_until(&stage.loop, has_gone, &stage, "the loss");
	CHECK_EQ(stage.n_gone, 1);
	stage_close(&stage);
}

TEST(http_streams_are_written_bit_by_bit)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&client, "first\n");
	turn_for(&stage.loop, 20);
	CHECK_EQ(http_stream_write(stage.stream, "second\n", 7), 0);
	http_client_wait(&client, "second\n");
	CHECK_EQ(http_stream_write(stage.stream, "third\n", 6), 0);
	http_stream_end(stage.stream);
	http_client_wait(&client, "third\n\r\n0\r\n\r\n"); /* the last chunk */
	CHECK_EQ(stage.n_gone, 0);
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_a_stream_s_reader_that_goes_is_told_of)
{
	struct stage stage;
	struct http_client client;

	stage_open(&stage, NULL);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&client, "first\n");
	(void)close(client.fd);
	turn_until(&stage.loop, has_gone, &stage, "the loss");
	stage_close(&stage);
}

/* Writes as long as there is a reader: the kernel may take megabytes before anything waits here. */
static bool
is_cut_off(void *arg)
{
	static const char block[100000];
	struct stage *stage = arg;

	if (stage->stream == NULL)
		return has_gone(arg);
	/* To the limit each time, so that it is reached however soon the cut comes. */
	while (http_stream_write(stage->stream, block, sizeof block) == 0)
		continue;
	stage->n_full++;
	return false;
}

TEST(http_a_stream_s_reader_that_is_too_slow_is_refused_more_and_cut_off)
{
	const struct http_limits limits = {.stream_bytes = 1 << 20, .stall_ms = 100};
	struct http_stats stats;
	struct stage stage;
	struct http_client client;

	stage_open(&stage, &limits);
	http_client_open(&client, &stage.loop, http_url(stage.server),
		"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&client, "first\n");
	turn_until(&stage.loop, is_cut_off, &stage, "the cut");
	http_stats(stage.server, &stats);
	CHECK(stage.n_full > 0);
	CHECK_EQ(stats.n_stream_drops, stage.n_full);
	CHECK_EQ(stats.n_timed_out, 1);
	(void)close(client.fd);
	stage_close(&stage);
}

TEST(http_closing_breaks_what_is_under_way)
{
	struct stage stage;
	struct http_client kept, stream;

	stage_open(&stage, NULL);
	http_client_open(&kept, &stage.loop, http_url(stage.server),
		"GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_open(&stream, &stage.loop, http_url(stage.server),
		"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&stream, "first\n");
	turn_until(&stage.loop, is_kept, &stage, "the request");
	stage_close(&stage);
	CHECK_EQ(stage.n_gone, 0);
	(void)close(kept.fd);
	(void)close(stream.fd);
}

TEST(http_routes_take_any_method_and_all_that_follows)
{
	static const struct http_route any[] = {{"GET", "/x/{id}", on_kept},
		{"*", "/x/{rest*}", on_kept}, {NULL, NULL, NULL}};
	struct http_match match;

	http_route_find(any, "GET", "/x/1", &match);
	CHECK(match.route == &any[0]);
	http_match_fini(&match);
	http_route_find(any, "PUT", "/x/1/2/", &match);
	CHECK(match.route == &any[1]);
	CHECK_STR(match.params[0], "1/2/");
	http_match_fini(&match);
	http_route_find(any, "GET", "/x/", &match);
	CHECK(match.route == &any[1]);
	CHECK_STR(match.params[0], "");
	http_match_fini(&match);
	http_route_find(any, "GET", "/x", &match);
	CHECK(match.route == NULL);
}

TEST(http_routes_match_segment_by_segment)
{
	struct http_match match;

	http_route_find(routes, "GET", "/tasks/t1", &match);
	CHECK(match.route == &routes[0]);
	CHECK_STR(match.params[0], "t1");
	http_match_fini(&match);
	http_route_find(routes, "HEAD", "/kept", &match);
	CHECK(match.route == &routes[3]);
	http_match_fini(&match);
	static const char *const none[] = {"/", "", "/tasks", "/tasks/", "/tasks/a/b", "/kept/",
		"/keptx", "/kep"};

	for (unsigned i = 0; i < sizeof none / sizeof *none; i++) {
		http_route_find(routes, "GET", none[i], &match);
		CHECK(match.route == NULL);
		CHECK_STR(match.allow, "");
		http_match_fini(&match);
	}
}

TEST(http_addresses_that_are_none_are_refused)
{
	static const char *const bad[] = {"", "7080", "tcp://127.0.0.1:1", "http://127.0.0.1",
		"http://127.0.0.1:x", "http://127.0.0.1:65536", "http://nowhere:1", "http://[::1:1",
		"unix://relative", "http://127.0.0.1:1x"};
	struct err err = {0};
	char *url = NULL;
	int fd = -1;

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_EQ(http_listen(bad[i], &fd, &url, &err), -EINVAL);
	CHECK_OK(http_listen("http://localhost:0", &fd, &url, &err), &err);
	CHECK_HAS(url, "http://127.0.0.1:");
	CHECK_EQ(http_listen(url, &(int){-1}, &(char *){NULL}, &err), -EADDRINUSE);
	CHECK_HAS(err.text, url);
	free(url);
	(void)close(fd);
}

TEST(http_a_dead_unix_socket_is_replaced_and_a_live_one_is_not)
{
	char dir[SCRATCH_PATH_SIZE], address[128], *url = NULL;
	struct err err = {0};
	struct stat info;
	int first = -1, second = -1;

	CHECK(scratch_make(dir) != NULL);
	(void)snprintf(address, sizeof address, "unix://%s/admin.sock", dir);
	CHECK_OK(http_listen(address, &first, &url, &err), &err);
	CHECK_STR(url, address);
	free(url);
	CHECK_EQ(http_listen(address, &second, &url, &err), -EADDRINUSE);
	(void)close(first);
	CHECK_OK(http_listen(address, &second, &url, &err), &err);
	CHECK(stat(address + 7, &info) == 0 && S_ISSOCK(info.st_mode));
	free(url);
	(void)close(second);
	(void)unlink(address + 7);
	(void)rmdir(dir);
}
