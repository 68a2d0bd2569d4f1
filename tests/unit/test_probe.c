/* One look at a port: what accepts, what answers, what does neither. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/worker/probe.h"
#include "tests/lib/test.h"

static uv_loop_t loop;
static unsigned n_told;
static bool told_ok;
static char told_why[160];

static void
on_probed(bool ok, const char *why, void *arg)
{
	(void)arg;
	n_told++;
	told_ok = ok;
	(void)snprintf(told_why, sizeof told_why, "%s", why);
}

static int
listener(uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(listen(fd, 8) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

struct answerer {
	int fd;
	const char *text;
	char asked[256];
};

/* Plays the container, in a thread of the pool. */
static void
answer(uv_work_t *work)
{
	struct answerer *answerer = work->data;
	int fd = accept(answerer->fd, NULL, NULL);
	ssize_t n = read(fd, answerer->asked, sizeof answerer->asked - 1);

	CHECK(n > 0);
	for (const char *p = answerer->text; *p != '\0'; p++)
		(void)send(fd, p, 1, MSG_NOSIGNAL); /* cut everywhere; it may have read enough */
	(void)close(fd);
}

static void
look(uint16_t port, const char *path, uint64_t timeout_ms, struct answerer *answerer)
{
	struct probes *probes;
	uv_work_t work = {.data = answerer};

	CHECK_EQ(uv_loop_init(&loop), 0);
	probes = probes_new(&loop);
	n_told = 0;
	probes_begin(probes,
		&(struct worker_probe){.address = "127.0.0.1",
			.port = port,
			.path = path,
			.timeout_ms = timeout_ms},
		on_probed, NULL);
	CHECK_EQ(n_told, 0); /* never from inside */
	if (answerer != NULL)
		CHECK_EQ(uv_queue_work(&loop, &work, answer, NULL), 0);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(n_told, 1);
	probes_free(probes);
	CHECK_EQ(uv_loop_close(&loop), 0);
}

TEST(probe_of_a_port_that_accepts_is_ok_and_of_one_that_does_not_says_why)
{
	uint16_t port;
	int fd = listener(&port);

	look(port, NULL, 30000, NULL);
	CHECK(told_ok);
	(void)close(fd);
	look(port, NULL, 30000, NULL);
	CHECK(!told_ok);
	CHECK_HAS(told_why, "cannot connect");
}

TEST(probe_over_http_judges_by_the_status)
{
	static const struct {
		const char *text;
		bool ok;
		const char *why;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, "200"},
		{"HTTP/1.0 302 Found\r\n\r\n", true, "302"},
		{"HTTP/1.1 503 Service Unavailable\r\n\r\n", false, "503"},
		{"HTTP/1.1 404 Not Found\r\n\r\n", false, "404"},
		{"220 ready\r\n", false, "speak HTTP"},
		{"no line in all the sixty-four bytes that are read of what the other side says",
			false, "speak HTTP"},
		{"HTTP/1.1 20", false, "no answer"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct answerer answerer = {.text = cases[i].text};
		uint16_t port;

		answerer.fd = listener(&port);
		look(port, "/health", 30000, &answerer);
		CHECK_EQ(told_ok, cases[i].ok);
		CHECK_HAS(told_why, cases[i].why);
		CHECK_HAS(answerer.asked, "GET /health HTTP/1.1\r\nHost: 127.0.0.1:");
		(void)close(answerer.fd);
	}
}

TEST(probe_that_gets_no_answer_ends_when_its_time_is_up)
{
	uint16_t port;
	int fd = listener(&port);

	look(port, "/", 300, NULL);
	CHECK(!told_ok);
	CHECK_HAS(told_why, "in time");
	(void)close(fd);
}

TEST(probe_under_way_ends_with_its_owner)
{
	uint16_t port;
	int fd = listener(&port);
	struct probes *probes;

	CHECK_EQ(uv_loop_init(&loop), 0);
	probes = probes_new(&loop);
	n_told = 0;
	probes_begin(probes,
		&(struct worker_probe){.address = "127.0.0.1", .port = port, .timeout_ms = 60000},
		on_probed, NULL);
	probes_free(probes);
	CHECK_EQ(n_told, 1);
	CHECK(!told_ok);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_EQ(uv_loop_close(&loop), 0);
	(void)close(fd);
}
