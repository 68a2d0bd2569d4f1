/* Connections that an engine hands over, or does not, or breaks. */
#include <errno.h>

#include "common/docker/engine_pipe.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#define UPGRADED                                                                           \
	"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConn" \
	"ection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

static struct engine_pipe
pipe_of(struct got *got)
{
	return (struct engine_pipe){.on_data = got_log,
		.on_open = got_open,
		.on_room = got_room,
		.done = got_done,
		.arg = got};
}

TEST(docker_pipe_reads_frames_behind_the_head_however_they_are_cut)
{
	static const char bytes[] = UPGRADED "\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\4oops";

	for (size_t cut = 0; cut < 4; cut++) {
		struct fake_answer answers[] = {
			VERSION,
			{.path = "POST /v1.41/exec/e1/start ",
				.bytes = bytes,
				.size = sizeof bytes - 1,
				.cut = cut * 7,
				.then = FAKE_CLOSE},
		};
		SCENE(answers);
		struct got got = {0};
		struct engine_pipe pipe = pipe_of(&got);

		(void)engine_exec_start(scene.engine, "e1", false, &pipe);
		scene_wait(&scene, &got, 1);
		CHECK_EQ(got.err.code, 0);
		CHECK_EQ(got.n_opened, 1);
		CHECK_HAS(got.text, "h");
		CHECK_HAS(got.text, "E:"); /* and so the second stream came, too */
		CHECK_HAS(scene.fake.request, "\r\nUpgrade: tcp\r\n");
		CHECK_HAS(scene.fake.request, "{\"Detach\":false,\"Tty\":false}");
	}
}

TEST(docker_pipe_tells_a_refusal_in_the_engines_words)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "POST /v1.41/exec/e1/start ",
			.status = "409 Conflict",
			.bytes = "{\"message\":\"Container c1 is not running\"}"},
	};
	SCENE(answers);
	struct got got = {0};
	struct engine_pipe pipe = pipe_of(&got);

	(void)engine_exec_start(scene.engine, "e1", false, &pipe);
	scene_wait(&scene, &got, 1);
	CHECK_EQ(got.err.code, -EBUSY);
	CHECK_HAS(got.err.text, "is not running");
	CHECK_EQ(got.n_opened, 0);
}

TEST(docker_pipe_survives_what_is_no_engine)
{
	static const struct {
		const char *bytes;
		size_t size;
		int code;
	} cases[] = {
		{"SSH-2.0-OpenSSH\r\n\r\n", 0, -EIO},
		{"", 1, -EIO},
		{"HTTP/1.1 101", 0, -EIO},
		{UPGRADED "\1\0\0\0\0\0\0\5he", sizeof UPGRADED - 1 + 10, -ENOTCONN},
		{UPGRADED "\7\7\7\7\0\0\0\5hello", sizeof UPGRADED - 1 + 13, -EIO},
		{"HTTP/1.1 500 X\r\nContent-Length: 99999999999999999999\r\n\r\nbad", 0, -EIO},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_answer answers[] = {
			VERSION,
			{.path = "POST /v1.41/exec/e1/start ",
				.bytes = cases[i].bytes,
				.size = cases[i].size,
				.then = FAKE_CLOSE},
		};
		SCENE(answers);
		struct got got = {0};
		struct engine_pipe pipe = pipe_of(&got);

		(void)engine_exec_start(scene.engine, "e1", false, &pipe);
		scene_wait(&scene, &got, 1);
		CHECK_EQ(got.err.code, cases[i].code);
	}
}

TEST(docker_pipe_takes_no_more_input_than_it_may_keep)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "POST /v1.41/exec/e1/start ",
			.bytes = UPGRADED,
			.size = sizeof UPGRADED - 1,
			.then = FAKE_HANG},
	};
	static char data[ENGINE_WRITE_MAX];
	SCENE(answers);
	struct got got = {0};
	struct engine_pipe pipe = pipe_of(&got);
	struct engine_op *op = engine_exec_start(scene.engine, "e1", true, &pipe);

	CHECK_EQ(engine_write(op, data, sizeof data), sizeof data);
	CHECK_EQ(engine_write(op, data, 1), 0);
	engine_cancel(op);
	scene_wait(&scene, &got, 1);
	CHECK_EQ(got.err.code, -ECANCELED);
}

TEST(docker_pipe_says_what_a_path_is)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "HEAD /v1.41/containers/c1/archive?path=/etc/passwd ",
			.bytes = "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: "
				 "eyJuYW1lIjoicGFzc3dkIiwic2l6ZSI6NzEsIm1vZGUiOjQyMH0=\r\n\r\n"},
		{.path = "HEAD /v1.41/containers/c1/archive?path=/lies ",
			.bytes = "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: !!!\r\n\r\n"},
		{.path = "HEAD /v1.41/containers/c1/archive?path=/nosuch ",
			.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 30\r\n\r\n"},
	};
	SCENE(answers);
	struct got a = {0}, b = {0}, c = {0};

	(void)engine_path_stat(scene.engine, "c1", "/etc/passwd", got_path, &a);
	scene_wait(&scene, &a, 1);
	CHECK_EQ(a.err.code, 0);
	CHECK_STR(a.text, "passwd");
	CHECK_EQ(a.path.size_bytes, 71);
	CHECK(!a.path.is_directory);
	(void)engine_path_stat(scene.engine, "c1", "/lies", got_path, &b);
	scene_wait(&scene, &b, 1);
	CHECK_EQ(b.err.code, -EIO);
	(void)engine_path_stat(scene.engine, "c1", "/nosuch", got_path, &c);
	scene_wait(&scene, &c, 1);
	CHECK_EQ(c.err.code, -ENOENT);
}
