/* The client of the Engine API against an engine that answers well, badly, late or not at all. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

/* ---- the version ---- */

TEST(docker_http_asks_for_the_version_once)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "GET /v1.41/containers/c1/json ",
			.status = "404 Not Found",
			.bytes = "{\"message\":\"No such container: c1 abc\"}"},
	};
	SCENE(answers);
	struct got a = {0}, b = {0};

	engine_container_inspect(scene.engine, "c1", got_container, &a);
	engine_container_inspect(scene.engine, "c1", got_container, &b);
	scene_wait(&scene, &a, 1);
	scene_wait(&scene, &b, 1);
	CHECK_EQ(a.err.code, -ENOENT);
	CHECK_EQ(b.err.code, -ENOENT);
	CHECK_EQ(scene_inspect(&scene).err.code, -ENOENT);
	CHECK_EQ(scene.fake.n_requests, 4);
	CHECK(scene.fake.n_connections <= 2); /* they are used again */
	CHECK_HAS(scene.fake.request, "\r\nHost: localhost\r\n");
}

TEST(docker_http_speaks_no_newer_version_than_it_knows_and_none_too_old)
{
	static const struct {
		struct fake_answer answers[2];
		int code;
		const char *words;
	} cases[] = {
		{{{.path = "GET /version ",
			  .status = "200 OK",
			  .bytes = "{\"ApiVersion\":\"1.99\",\"MinAPIVersion\":\"1.44\"}"},
			 {.path = "/v1.45/", .status = "500 X", .bytes = "{}"}},
			-EIO, ""},
		{{{.path = "GET /version ",
			 .status = "200 OK",
			 .bytes = "{\"ApiVersion\":\"1.99\",\"MinAPIVersion\":\"1.50\"}"}},
			-ENOTSUP, "the engine speaks API 1.50 to 1.99"},
		{{{.path = "GET /version ",
			 .status = "200 OK",
			 .bytes = "{\"ApiVersion\":\"1.12\"}"}},
			-ENOTSUP, "this program 1.24 to 1.45"},
		{{{.path = "GET /version ",
			 .status = "200 OK",
			 .bytes = "{\"ApiVersion\":\"9.99\"}"}},
			-EIO, "does not say which API"},
		{{{.path = "GET /version ", .status = "200 OK", .bytes = "hello"}}, -EIO,
			"not JSON"},
		{{{.path = "GET /version ", .bytes = "SSH-2.0-OpenSSH\r\n", .then = FAKE_CLOSE}},
			-EIO, "the Docker Engine at unix://"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		SCENE(cases[i].answers);
		struct got got = scene_inspect(&scene);

		CHECK_EQ(got.err.code, cases[i].code);
		CHECK_HAS(got.err.text, cases[i].words);
	}
}

TEST(docker_http_hands_platform_and_size_on)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "POST /v1.41/containers/create?name=x&platform=linux%2Farm64 ",
			.status = "201 Created",
			.bytes = "{\"Id\":\"abc\"}"},
		{.path = "POST /v1.41/images/create?fromImage=web%3A1&platform=linux%2Farm64 ",
			.status = "200 OK",
			.bytes = ""},
		{.path = "GET /v1.41/containers/c1/json?size=1 ",
			.status = "200 OK",
			.bytes = "{\"Id\":\"abc\",\"SizeRw\":12345}"},
	};
	SCENE(answers);
	struct got created = {0}, pulled = {0}, seen = {0};

	engine_container_create(scene.engine,
		&(struct engine_creation){.name = "x", .body = "{}", .platform = "linux/arm64"},
		got_id, &created);
	scene_wait(&scene, &created, 1);
	CHECK_OK(created.err.code, &created.err);
	engine_image_pull(scene.engine,
		&(struct engine_pull){.image = "web:1", .platform = "linux/arm64"}, NULL, got_done,
		&pulled);
	scene_wait(&scene, &pulled, 1);
	CHECK_OK(pulled.err.code, &pulled.err);
	engine_container_inspect_size(scene.engine, "c1", got_container, &seen);
	scene_wait(&scene, &seen, 1);
	CHECK_EQ(seen.container.written_bytes, 12345);
}

TEST(docker_http_asks_again_when_the_engine_was_away)
{
	static const struct fake_answer breaks[] = {
		VERSION,
		{.path = "/v1.41/",
			.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
			.then = FAKE_CLOSE},
	};
	static const struct fake_answer older[] = {
		{.path = "GET /version ",
			.status = "200 OK",
			.bytes = "{\"ApiVersion\":\"1.30\",\"MinAPIVersion\":\"1.12\"}"},
		{.path = "/v1.30/", .status = "404 Not Found", .bytes = ""},
	};
	SCENE(breaks);
	struct got got = scene_inspect(&scene);

	CHECK_EQ(got.err.code, -ENOTCONN);
	CHECK_HAS(got.err.text, "lost the connection to the Docker Engine at unix:///");
	scene.fake.answers = older;
	CHECK_EQ(scene_inspect(&scene).err.code, -ENOENT);
}

/* ---- who is not there ---- */

TEST(docker_http_says_how_to_reach_an_engine_that_is_not_there)
{
	static const char *const hosts[] = {
		"unix:///nonexistent/docker.sock",
		"tcp://127.0.0.1:1",
		"tcp://no.such.host.invalid:2375",
	};

	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct engine *engine;
		struct err err = {0};
		struct got got = {0};
		uv_loop_t loop;

		CHECK_EQ(uv_loop_init(&loop), 0);
		CHECK_OK(engine_open_http(&loop, &(struct engine_http_options){.host = hosts[i]},
				 &engine, &err),
			&err);
		engine_about(engine, got_about, &got);
		CHECK_EQ(got.n, 0);
		while (got.n == 0)
			(void)uv_run(&loop, UV_RUN_ONCE);
		CHECK_EQ(got.err.code, -ECONNREFUSED);
		CHECK_HAS(got.err.text, "cannot reach the Docker Engine at ");
		CHECK_HAS(got.err.text, hosts[i]);
		CHECK_HAS(got.err.text, ": is it running?");
		engine_close(engine);
		(void)uv_run(&loop, UV_RUN_DEFAULT);
		CHECK_EQ(uv_loop_close(&loop), 0);
	}
}

TEST(docker_http_refuses_hosts_that_it_does_not_understand)
{
	static const char *const hosts[] = {"unix://relative", "docker.sock", "ssh://a", "tcp://",
		"tcp://a b", "tcp://a/b",
		"unix:///12345678901234567890123456789012345678901234567890123456789012345678901234"
		"567890123456789012345678901234567890"};
	uv_loop_t loop;

	CHECK_EQ(uv_loop_init(&loop), 0);
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct engine *engine;
		struct err err = {0};

		CHECK_EQ(engine_open_http(&loop, &(struct engine_http_options){.host = hosts[i]},
				 &engine, &err),
			-EINVAL);
		CHECK_HAS(err.text, hosts[i]);
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&loop), 0);
}

/* As an ordinary user: root may open every socket. */
static int
ask_as_nobody(const char *host)
{
	struct engine *engine;
	struct err err = {0};
	struct got got = {0};
	uv_loop_t loop;

	if (setuid(65534) != 0 || uv_loop_init(&loop) != 0 ||
		engine_open_http(&loop, &(struct engine_http_options){.host = host}, &engine,
			&err) < 0)
		return 1;
	engine_about(engine, got_about, &got);
	while (got.n == 0)
		(void)uv_run(&loop, UV_RUN_ONCE);
	engine_close(engine);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	return got.err.code == -EACCES && strstr(got.err.text, "docker group?") != NULL ? 0 : 2;
}

TEST(docker_http_says_that_the_socket_is_not_for_this_user)
{
	static const struct fake_answer answers[] = {VERSION};
	SCENE(answers);
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(ask_as_nobody(scene.fake.host));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST(docker_http_speaks_tcp)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "", .status = "404 Not Found", .bytes = "{}"},
	};
	CLEANUP(scene_close) struct scene scene = {0};

	/* A proxy is for the world outside. */
	(void)setenv("http_proxy", "http://127.0.0.1:1/", 1);
	scene_open(&scene, answers, COUNT(answers), true);
	CHECK_EQ(scene_inspect(&scene).err.code, -ENOENT);
	(void)unsetenv("http_proxy");
}

/* ---- who does not answer ---- */

TEST(docker_http_gives_up_on_silence_while_others_go_on)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "/events", .bytes = CHUNKED, .then = FAKE_HANG},
		{.path = "/stats", .bytes = "HTTP/1.1 200 OK\r\n", .then = FAKE_HANG},
		{.path = "/start", .bytes = "HTTP/1.1 200", .then = FAKE_HANG},
		{.path = "/json", .status = "404 Not Found", .bytes = "{}"},
	};
	SCENE_IMPATIENT(answers);
	struct got start = {0}, events = {0}, stats = {0};

	CHECK_EQ(scene_inspect(&scene).err.code, -ENOENT);
	engine_container_start(scene.engine, "c1", got_done, &start);
	engine_events(scene.engine, "a=b", 0, got_event, got_done, &events);
	CHECK_EQ(scene_inspect(&scene).err.code, -ENOENT);
	CHECK_EQ(start.n, 0);
	scene_wait(&scene, &start, 1);
	CHECK_EQ(start.err.code, -ETIMEDOUT);
	CHECK_HAS(start.err.text, "does not answer: gave up after 3000 ms");
	engine_stats(scene.engine, "c1", got_sample, got_done, &stats);
	for (unsigned i = 0; i < 10; i++)
		(void)uv_run(&scene.loop, UV_RUN_ONCE);
	CHECK_EQ(events.n, 0); /* it has begun: silence is what events are made of */
}

TEST(docker_http_gives_up_on_a_stream_that_does_not_begin)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "/events", .bytes = "", .then = FAKE_HANG},
	};
	SCENE_IMPATIENT(answers);
	struct got events = {0};

	engine_events(scene.engine, "a=b", 0, got_event, got_done, &events);
	scene_wait(&scene, &events, 1);
	CHECK_EQ(events.err.code, -ETIMEDOUT);
}

TEST(docker_http_waits_for_a_stop_as_long_as_its_grace)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "POST /v1.41/containers/c1/stop?t=1 ", .bytes = "H", .then = FAKE_HANG},
	};
	SCENE_IMPATIENT(answers);
	struct got stop = {0};
	uint64_t began = clock_mono_ms();

	engine_container_stop(scene.engine, "c1", 1, got_done, &stop);
	scene_wait(&scene, &stop, 1);
	CHECK_EQ(stop.err.code, -ETIMEDOUT);
	CHECK(clock_mono_ms() - began >= 1000);
}

TEST(docker_http_can_be_canceled_and_closed_at_any_time)
{
	static const struct fake_answer answers[] = {
		{.path = "GET /version ", .bytes = "HTTP", .then = FAKE_HANG},
	};
	SCENE(answers);
	struct got waiting = {0}, refused = {0}, left = {0};
	struct engine_op *op;

	op = engine_container_inspect(scene.engine, "c1", got_container, &waiting);
	engine_cancel(op);
	op = engine_container_start(scene.engine, "", got_done, &refused);
	engine_cancel(op);
	CHECK_EQ(waiting.n + refused.n, 0);
	scene_wait(&scene, &waiting, 1);
	scene_wait(&scene, &refused, 1);
	CHECK_EQ(waiting.err.code, -ECANCELED);
	CHECK_EQ(refused.err.code, -ECANCELED);
	engine_container_inspect(scene.engine, "c1", got_container, &left);
	for (unsigned i = 0; i < 3; i++)
		(void)uv_run(&scene.loop, UV_RUN_ONCE);
	engine_close(TAKE(scene.engine));
	CHECK_EQ(left.n, 1);
	CHECK_EQ(left.err.code, -ECANCELED);
}

#define TWO_EVENTS                                                                         \
	"{\"Action\":\"start\",\"Actor\":{\"ID\":\"a\"}}\n{\"Action\":\"die\",\"Actor\":{" \
	"\"ID\":\"a\"}}\n"

TEST(docker_http_callback_of_a_stream_may_cancel_it)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "/events", .status = "200 OK", .bytes = TWO_EVENTS},
	};
	SCENE(answers);
	struct got got = {0};

	got.cancel_me = engine_events(scene.engine, "a=b", 0, got_event, got_done, &got);
	scene_wait(&scene, &got, 1);
	CHECK_STR(got.text, "start ");
	CHECK_EQ(got.err.code, -ECANCELED);
}

TEST(docker_http_callback_of_a_stream_may_close_the_engine)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "/events", .status = "200 OK", .bytes = TWO_EVENTS},
	};
	SCENE(answers);
	struct got got = {.close_me = scene.engine}, other = {0};

	engine_events(scene.engine, "a=b", 0, got_event, got_done, &got);
	engine_events(scene.engine, "a=b", 0, got_event, got_done, &other);
	scene_wait(&scene, &got, 1);
	scene.engine = NULL;
	CHECK_STR(got.text, "start ");
	CHECK_EQ(got.err.code, -ECANCELED);
	CHECK_EQ(other.n, 1);
}

/* Starts the next question from the answer to the one before. */
struct chain {
	struct engine *engine;
	struct got got;
	unsigned left;
};

static void
chain_next(const struct err *err, const struct engine_container *container, void *arg)
{
	struct chain *chain = arg;

	(void)container;
	got_done(err, &chain->got);
	if (--chain->left > 0)
		engine_container_inspect(chain->engine, "c1", chain_next, chain);
	else
		engine_close(TAKE(chain->engine));
}

TEST(docker_http_answer_may_start_the_next_question)
{
	static const struct fake_answer answers[] = {
		VERSION,
		{.path = "/json", .status = "404 X", .bytes = "{}"},
	};
	SCENE(answers);
	struct chain chain = {.engine = scene.engine, .left = 50};

	engine_container_inspect(scene.engine, "c1", chain_next, &chain);
	scene_wait(&scene, &chain.got, 50);
	scene.engine = NULL;
	CHECK_EQ(scene.fake.n_connections, 1);
}
