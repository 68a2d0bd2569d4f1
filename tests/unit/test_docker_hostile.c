/* The client of the Engine API against answers that are cut, huge, damaged or lies. */
#include <errno.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#define EVENT(action)                                                                        \
	"{\"Type\":\"container\",\"Action\":\"" action                                       \
	"\",\"Actor\":{\"ID\":\"abc\",\"Attributes\":{\"davit.node\":\"n1\"}},\"timeNano\":" \
	"1700000000000000000}\n"

/* One chunk of a chunked body. */
static void
put_chunk(struct buf *buf, const void *data, size_t size)
{
	buf_printf(buf, "%zx\r\n", size);
	buf_put(buf, data, size);
	buf_puts(buf, "\r\n");
}

static void
put_frame(struct buf *buf, unsigned stream, uint32_t claim, const char *text)
{
	const uint8_t head[8] = {(uint8_t)stream, 0, 0, 0, (uint8_t)(claim >> 24),
		(uint8_t)(claim >> 16), (uint8_t)(claim >> 8), (uint8_t)claim};

	buf_put(buf, head, sizeof head);
	buf_puts(buf, text);
}

/* Asks for the logs of c1, whose stream is bytes, cut into pieces. */
static struct got
logs(const struct buf *bytes, size_t cut, enum fake_then then, bool tty)
{
	struct buf answer = {0};
	struct engine_log_options options = {.follow = true, .tty = tty};
	struct got got = {0};

	buf_puts(&answer, CHUNKED);
	if (bytes->size > 0)
		put_chunk(&answer, bytes->data, bytes->size);
	if (then == FAKE_KEEP)
		buf_puts(&answer, "0\r\n\r\n");
	{
		struct fake_answer answers[] = {
			VERSION,
			{.path = "/logs?stdout=1&stderr=1&follow=1 ",
				.bytes = buf_text(&answer),
				.size = answer.size,
				.cut = cut,
				.then = then},
		};
		SCENE(answers);

		engine_logs(scene.engine, "c1", &options, got_log, got_done, &got);
		scene_wait(&scene, &got, 1);
	}
	buf_fini(&answer);
	return got;
}

TEST(docker_hostile_log_frames_are_put_together_wherever_they_were_cut)
{
	CLEANUP(buf_fini) struct buf bytes = {0};

	put_frame(&bytes, 1, 4, "one\n");
	put_frame(&bytes, 2, 4, "two\n");
	put_frame(&bytes, 1, 0, "");
	put_frame(&bytes, 1, 6, "three\n");
	for (size_t cut = 1; cut < 12; cut++) {
		struct got got = logs(&bytes, cut, FAKE_KEEP, false);

		CHECK_EQ(got.err.code, 0);
		/* A frame may arrive in parts; the streams stay apart. */
		if (cut >= 8)
			CHECK_HAS(got.text, "E:t");
		CHECK_HAS(got.text, "one\n");
		CHECK_HAS(got.text, "three\n");
	}
}

TEST(docker_hostile_log_of_a_terminal_is_handed_on_raw)
{
	CLEANUP(buf_fini) struct buf bytes = {0};
	struct got got;

	put_frame(&bytes, 'a', 0x41424344, "bc\r\n");
	bytes.data[1] = bytes.data[2] = bytes.data[3] = '-';
	got = logs(&bytes, 3, FAKE_KEEP, true);
	CHECK_EQ(got.err.code, 0);
	CHECK_STR(got.text, "a---ABCDbc\r\n");
}

TEST(docker_hostile_log_frames_that_lie_do_no_harm)
{
	static const struct {
		unsigned stream;
		uint32_t claim;
		enum fake_then then;
		int code;
		const char *words;
	} cases[] = {
		{1, UINT32_MAX, FAKE_CLOSE, -ENOTCONN, "lost the connection"},
		{7, 4, FAKE_KEEP, -EIO,
			"the engine's log stream is damaged: a frame begins with 07"},
		{3, 5, FAKE_KEEP, -EIO, "the engine cannot read the log: abc"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(buf_fini) struct buf bytes = {0};
		struct got got;

		put_frame(&bytes, cases[i].stream, cases[i].claim, "abc\n\n");
		got = logs(&bytes, 0, cases[i].then, false);
		CHECK_EQ(got.err.code, cases[i].code);
		CHECK_HAS(got.err.text, cases[i].words);
	}
}

TEST(docker_hostile_events_survive_any_cut_and_end_with_an_error)
{
	CLEANUP(buf_fini) struct buf answer = {0};
	static const char text[] = EVENT("start") "\r\n" EVENT("die");

	buf_puts(&answer, CHUNKED);
	put_chunk(&answer, text, 10);
	put_chunk(&answer, text + 10, sizeof text - 1 - 10);
	buf_puts(&answer, "0\r\n\r\n");
	for (size_t cut = 1; cut < 40; cut += 3) {
		struct fake_answer answers[] = {
			VERSION,
			{.path = "GET "
				 "/v1.41/events?since=1700000000.005000000&filters=%7B%22type%22%3A%5B%"
				 "22container%22%5D%2C%22label%22%3A%5B%22davit.node%3Dn1%22%5D%7D ",
				.bytes = buf_text(&answer),
				.cut = cut},
		};
		SCENE(answers);
		struct got got = {0};

		engine_events(scene.engine, "davit.node=n1", 1700000000005, got_event, got_done,
			&got);
		scene_wait(&scene, &got, 1);
		CHECK_STR(got.text, "start die ");
		CHECK_EQ(got.err.code, -ENOTCONN);
	}
}

TEST(docker_hostile_lines_may_not_be_endless)
{
	CLEANUP(buf_fini) struct buf answer = {0};
	char *line = xmalloc(4096);

	memset(line, 'x', 4096);
	buf_puts(&answer, "HTTP/1.1 200 OK\r\n\r\n");
	for (unsigned i = 0; i < 2 * ENGINE_LINE_MAX / 4096; i++)
		buf_put(&answer, line, 4096);
	free(line);
	{
		struct fake_answer answers[] = {
			VERSION,
			{.path = "/events", .bytes = buf_text(&answer), .then = FAKE_HANG},
		};
		SCENE(answers);
		struct got got = {0};

		engine_events(scene.engine, "a=b", 0, got_event, got_done, &got);
		scene_wait(&scene, &got, 1);
		CHECK_EQ(got.err.code, -EIO);
		CHECK_HAS(got.err.text, "line that is too long");
	}
}

TEST(docker_hostile_bodies_may_not_be_endless)
{
	static char megabyte[1 << 20];
	CLEANUP(buf_fini) struct buf chunk = {0};
	struct fake_answer answers[] = {
		VERSION,
		{.path = "/json ",
			.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nabc",
			.then = FAKE_HANG},
		{.path = "/volumes ", .repeat = ENGINE_BODY_MAX / (1 << 20) + 1, .then = FAKE_HANG},
	};
	struct got got = {0};

	memset(megabyte, ' ', sizeof megabyte);
	/* The head is repeated, too, but by then it is body. */
	buf_puts(&chunk, "HTTP/1.1 200 OK\r\n\r\n");
	buf_put(&chunk, megabyte, sizeof megabyte);
	answers[2].bytes = buf_text(&chunk);
	answers[2].size = chunk.size;
	{
		CLEANUP(scene_close) struct scene scene = {.timeout_ms = 60000};

		scene_open(&scene, answers, COUNT(answers), false);
		got = scene_inspect(&scene);
		CHECK_EQ(got.err.code, -EIO);
		CHECK_HAS(got.err.text, "answers with more than 64MiB");
		got = (struct got){0};
		engine_volume_list(scene.engine, got_json, &got);
		scene_wait(&scene, &got, 1);
		CHECK_EQ(got.err.code, -EIO);
		CHECK_HAS(got.err.text, "answers with more than 64MiB");
	}
}

TEST(docker_hostile_answers_become_errors_with_words)
{
	static const struct {
		const char *status, *bytes;
		enum fake_then then;
		int code;
		const char *words;
	} cases[] = {
		{"200 OK", "{\"Id\":", FAKE_KEEP, -EIO, "not JSON"},
		{"200 OK", "[]", FAKE_KEEP, -EIO, "not a JSON object"},
		{"200 OK", "{}", FAKE_KEEP, -EIO, "no id"},
		{"200 OK", "{\"Id\":\"../../etc\"}", FAKE_KEEP, -EIO, "no id"},
		{"200 OK", "{\"Id\":17}", FAKE_KEEP, -EIO, "no id"},
		{"200 OK", "{\"Id\":\"\xff\"}", FAKE_KEEP, -EIO, "not JSON"},
		{"500 X", "<html>\r\n <h1>Bad\tGateway</h1>\n</html>\n", FAKE_KEEP, -EIO,
			"the engine answers 500: <html> <h1>Bad Gateway</h1> </html>"},
		{"500 X", "{\"message\":\"a\\n\\n  b\\u0007c\"}", FAKE_KEEP, -EIO, "a b c"},
		{"500 X", "a\xff\xc3(b", FAKE_KEEP, -EIO,
			"a?"
			"?(b"},
		{"500 X", "", FAKE_KEEP, -EIO, "the engine answers 500 without a word"},
		{"301 Moved", "", FAKE_KEEP, -EIO, "301"},
		{NULL, "", FAKE_CLOSE, -ENOTCONN, "lost the connection"},
		{NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"Id\"", FAKE_CLOSE, -ENOTCONN,
			"lost the connection"},
		{NULL, CHUNKED "5\r\n{\"Id\"\r\n", FAKE_CLOSE, -ENOTCONN, "lost the connection"},
		{NULL, CHUNKED "zzz\r\n{\"Id\"\r\n", FAKE_CLOSE, -ENOTCONN, ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_answer answers[] = {
			VERSION,
			{.path = "",
				.status = cases[i].status,
				.bytes = cases[i].bytes,
				.then = cases[i].then},
		};
		SCENE(answers);
		struct got got = scene_inspect(&scene);

		CHECK_EQ(got.err.code, cases[i].code);
		CHECK_HAS(got.err.text, cases[i].words);
		CHECK(strchr(got.err.text, '\n') == NULL);
	}
}

TEST(docker_hostile_numbers_become_nothing_or_the_most)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "/stats?stream=1 ",
			.status = "200 OK",
			.bytes =
				"{\"read\":\"2024-01-01T00:00:00Z\",\"cpu_stats\":{\"cpu_usage\":{"
				"\"total_usage\":18446744073709551615}},\"memory_stats\":{\"usage\":-"
				"5,\"stats\":[]},\"networks\":{\"a\":{\"rx_bytes\":-1,\"tx_bytes\":"
				"\"x\"},\"b\":7},\"pids_stats\":{\"current\":1e30},\"blkio_stats\":{"
				"\"io_service_bytes_recursive\":[{\"op\":\"Read\",\"value\":3},7,{"
				"\"op\":\"read\",\"value\":4}]}}\n"
				"{\"read\":\"0001-01-01T00:00:00Z\"}\n"
				"this is never looked at\n"},
	};
	SCENE(answers);
	struct got got = {0};

	engine_stats(scene.engine, "c1", got_any_sample, got_done, &got);
	scene_wait(&scene, &got, 1);
	CHECK_OK(got.err.code, &got.err);
	CHECK_EQ(got.n_samples, 1);
	CHECK(got.sample.cpu_ns_total > UINT64_MAX / 2);
	CHECK_EQ(got.sample.memory_bytes, 0);
	CHECK_EQ(got.sample.net_rx_bytes, 0);
	CHECK(got.sample.pids == UINT64_MAX);
	CHECK_EQ(got.sample.io_read_bytes, 7);
}

TEST(docker_hostile_pull_fails_by_a_line_of_a_stream_that_began_well)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "POST /v1.41/images/create?fromImage=reg%3A5000%2Fa%2Fb&tag=latest ",
			.status = "200 OK",
			.bytes =
				"{\"status\":\"Pulling from a/b\",\"id\":\"latest\"}\r\n"
				"{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"a1\"}"
				"\r\n{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1048576"
				",\"total\":4194304},\"id\":\"a1\"}\r\n"
				"{\"errorDetail\":{\"message\":\"x\"},\"error\":\"unauthorized: no\\nway\"}"
				"\r\n"},
		{.path = "fromImage=good%3A1 ",
			.status = "200 OK",
			.bytes = "{\"status\":\"Status: Image is up to date for good:1\"}\r\n"},
	};
	SCENE(answers);
	struct got got = {0}, progress = {0};

	engine_image_pull(scene.engine,
		&(struct engine_pull){.image = "reg:5000/a/b", .auth = "eyJ9"}, got_progress,
		got_done, &got);
	scene_wait(&scene, &got, 1);
	CHECK_EQ(got.err.code, -EACCES);
	CHECK_STR(got.err.text, "unauthorized: no way");
	CHECK_STR(got.text, "0 of 1 layers, 1MiB of 4MiB");
	CHECK_HAS(scene.fake.request, "\r\nX-Registry-Auth: eyJ9\r\n");
	engine_image_pull(scene.engine, &(struct engine_pull){.image = "good:1"}, got_progress,
		got_done, &progress);
	scene_wait(&scene, &progress, 1);
	CHECK_OK(progress.err.code, &progress.err);
	got = (struct got){0};
	engine_image_pull(scene.engine,
		&(struct engine_pull){.image = "good:1", .auth = "a\r\nb: c"}, NULL, got_done,
		&got);
	scene_wait(&scene, &got, 1);
	CHECK_EQ(got.err.code, -EINVAL);
}

TEST(docker_hostile_slow_reader_holds_the_stream_up)
{
	enum { LINES = 40000 }; /* more than every buffer on the way holds */
	CLEANUP(buf_fini) struct buf answer = {0};
	struct engine_log_options options = {.tty = true};
	struct got got = {.pause = true};
	struct engine_op *op;
	size_t n = 0;

	buf_puts(&answer, "HTTP/1.1 200 OK\r\n\r\n");
	for (unsigned i = 0; i < LINES; i++)
		buf_printf(&answer, "this is line number %08u\n", i);
	{
		struct fake_answer answers[] = {
			VERSION,
			{.path = "/logs", .bytes = buf_text(&answer), .then = FAKE_CLOSE},
		};
		SCENE(answers);

		op = engine_logs(scene.engine, "c1", &options, got_log_size, got_done, &got);
		while (got.n_listed == 0)
			(void)uv_run(&scene.loop, UV_RUN_ONCE);
		n = got.n_listed;
		for (unsigned i = 0; i < 20; i++)
			(void)uv_run(&scene.loop, UV_RUN_ONCE);
		CHECK_EQ(got.n_listed, n);
		CHECK_EQ(got.n, 0);
		while (got.n == 0) {
			engine_resume(op);
			(void)uv_run(&scene.loop, UV_RUN_ONCE);
		}
		CHECK_EQ(got.err.code, 0);
		CHECK_EQ(got.n_listed, LINES * 29);
	}
}
