#include "common/rpc/pubsub.h"
#include "common/rpc/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

struct heard {
	unsigned n;
	char topic[RPC_TOPIC_MAX + 1];
	char payload[64];
	size_t size;
	struct rpc_sub *close; /* closed by the first frame */
};

struct line {
	uv_loop_t loop;
	struct rpc_pub *pub;
	struct rpc_sub *sub;
	struct heard heard;
	unsigned want;
};

static const char *const everything[] = {"", NULL};

static void
on_frame(const char *topic, const void *payload, size_t size, void *arg)
{
	struct heard *heard = arg;

	heard->n++;
	heard->size = size;
	(void)snprintf(heard->topic, sizeof heard->topic, "%s", topic);
	(void)snprintf(heard->payload, sizeof heard->payload, "%.*s", (int)(size < 63 ? size : 63),
		(const char *)payload);
	if (heard->close != NULL) {
		rpc_sub_close(heard->close);
		heard->close = NULL;
	}
}

static bool
is_connected(void *arg)
{
	const struct line *line = arg;

	return rpc_pub_n_subscribers(line->pub) == 1 && rpc_sub_n_publishers(line->sub) == 1;
}

static void
line_open(struct line *line, const char *url, const char *const *topics)
{
	struct err err = {0};

	memset(line, 0, sizeof *line);
	CHECK_EQ(uv_loop_init(&line->loop), 0);
	CHECK_OK(rpc_pub_open(url, RPC_LISTEN, &line->pub, &err), &err);
	CHECK_OK(rpc_sub_open(&line->loop, rpc_pub_url(line->pub), RPC_DIAL, topics, on_frame,
			 &line->heard, &line->sub, &err),
		&err);
	turn_until(&line->loop, is_connected, line, "a connection");
}

static void
line_close(struct line *line)
{
	rpc_pub_close(line->pub);
	rpc_sub_close(line->sub);
	turn_end(&line->loop);
}

static bool
has_heard(void *arg)
{
	const struct line *line = arg;

	return line->heard.n >= line->want;
}

static void
wait_heard(struct line *line, unsigned n)
{
	line->want = n;
	turn_until(&line->loop, has_heard, line, "a frame");
}

TEST(pubsub_carries_topic_and_payload)
{
	struct line line;

	line_open(&line, "tcp://127.0.0.1:0", everything);
	rpc_pub_send(line.pub, "event.task.running.t1", "a b\n", 4);
	wait_heard(&line, 1);
	CHECK_STR(line.heard.topic, "event.task.running.t1");
	CHECK_STR(line.heard.payload, "a b\n");
	rpc_pub_send(line.pub, "empty", "", 0);
	wait_heard(&line, 2);
	CHECK_STR(line.heard.topic, "empty");
	CHECK_EQ(line.heard.size, 0);
	line_close(&line);
}

TEST(pubsub_subscriber_hears_only_its_topics)
{
	static const char *const topics[] = {"stats.node.", "event.", NULL};
	struct line line;

	line_open(&line, "tcp://127.0.0.1:0", topics);
	rpc_pub_send(line.pub, "stats.task.t1", "no", 2);
	rpc_pub_send(line.pub, "stats.node.n1", "yes", 3);
	rpc_pub_send(line.pub, "events", "no", 2);
	rpc_pub_send(line.pub, "event.node.n1", "yes", 3);
	wait_heard(&line, 2);
	CHECK_EQ(line.heard.n, 2);
	CHECK_STR(line.heard.topic, "event.node.n1");
	line_close(&line);
}

TEST(pubsub_subscriber_may_listen_and_publisher_dial_first)
{
	char url[64], dir[] = "/tmp/davit-pubsub-XXXXXX";
	struct line line = {0};
	struct err err = {0};

	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(url, sizeof url, "ipc://%s/s", dir);
	CHECK_EQ(uv_loop_init(&line.loop), 0);
	CHECK_OK(rpc_pub_open(url, RPC_DIAL, &line.pub, &err), &err);
	CHECK_OK(rpc_sub_open(&line.loop, url, RPC_LISTEN, everything, on_frame, &line.heard,
			 &line.sub, &err),
		&err);
	turn_until(&line.loop, is_connected, &line, "a connection");
	rpc_pub_send(line.pub, "t", "hello", 5);
	wait_heard(&line, 1);
	CHECK_STR(line.heard.payload, "hello");
	line_close(&line);
	(void)rmdir(dir);
}

TEST(pubsub_frame_of_the_largest_size_passes_and_one_more_byte_is_dropped)
{
	struct line line;
	char *payload = xcalloc(1, RPC_FRAME_MAX);

	line_open(&line, "tcp://127.0.0.1:0", everything);
	rpc_pub_send(line.pub, "t", payload, RPC_FRAME_MAX - 1);
	CHECK_EQ(rpc_pub_n_dropped(line.pub), 1);
	rpc_pub_send(line.pub, "t", payload, RPC_FRAME_MAX - 2);
	CHECK_EQ(rpc_pub_n_dropped(line.pub), 1);
	wait_heard(&line, 1);
	CHECK_EQ(line.heard.size, RPC_FRAME_MAX - 2);
	line_close(&line);
	free(payload);
}

TEST(pubsub_refuses_what_is_no_topic)
{
	char topic[RPC_TOPIC_MAX + 2];
	struct line line;

	memset(topic, 'x', sizeof topic);
	topic[RPC_TOPIC_MAX + 1] = '\0';
	line_open(&line, "tcp://127.0.0.1:0", everything);
	rpc_pub_send(line.pub, "", "p", 1);
	rpc_pub_send(line.pub, "two words", "p", 1);
	rpc_pub_send(line.pub, "line\n", "p", 1);
	rpc_pub_send(line.pub, topic, "p", 1);
	CHECK_EQ(rpc_pub_n_dropped(line.pub), 4);
	topic[RPC_TOPIC_MAX] = '\0';
	rpc_pub_send(line.pub, topic, "p", 1);
	wait_heard(&line, 1);
	CHECK_STR(line.heard.topic, topic);
	line_close(&line);
}

static bool
has_dropped(void *arg)
{
	const struct line *line = arg;

	return rpc_sub_n_dropped(line->sub) >= line->want;
}

/* Runs on nng's thread. */
static void
on_added(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	(void)pipe;
	(void)event;
	atomic_store((atomic_bool *)arg, true);
}

static bool
is_set(void *arg)
{
	return atomic_load((atomic_bool *)arg);
}

TEST(pubsub_subscriber_counts_what_is_no_frame)
{
	static const char *const frames[] = {"", " no topic", "nospace", "bad\ttopic x", "\xff x"};
	struct line line = {0};
	atomic_bool is_added = false;
	nng_socket socket;
	nng_listener listener;
	char url[64];
	int port;
	struct err err = {0};

	CHECK_EQ(uv_loop_init(&line.loop), 0);
	CHECK_EQ(nng_pub0_open(&socket), 0);
	CHECK_EQ(nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_added, &is_added), 0);
	CHECK_EQ(nng_listen(socket, "tcp://127.0.0.1:0", &listener, 0), 0);
	CHECK_EQ(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), 0);
	(void)snprintf(url, sizeof url, "tcp://127.0.0.1:%d", port);
	CHECK_OK(rpc_sub_open(&line.loop, url, RPC_DIAL, everything, on_frame, &line.heard,
			 &line.sub, &err),
		&err);
	turn_until(&line.loop, is_set, &is_added, "a connection");
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
		CHECK_EQ(nng_send(socket, (void *)(uintptr_t)frames[i], strlen(frames[i]), 0), 0);
	line.want = 5;
	turn_until(&line.loop, has_dropped, &line, "the count");
	CHECK_EQ(rpc_sub_n_dropped(line.sub), 5);
	CHECK_EQ(line.heard.n, 0);
	rpc_sub_close(line.sub);
	(void)rpc_socket_close(socket);
	turn_end(&line.loop);
}

/* Sends at most n while the loop stands still, until the subscriber loses something. */
static void
flood(struct line *line, const char *payload, size_t size, unsigned n)
{
	enum { BURST = 64 };
	uint64_t end_ms = clock_mono_ms() + TURN_PATIENCE_MS;

	while (rpc_sub_n_dropped(line->sub) == 0 && clock_mono_ms() < end_ms) {
		if (n > 0) {
			n--;
			rpc_pub_send(line->pub, "t", payload, size);
		}
		if (n % BURST ==
			0) /* nng's threads carry it: on a busy machine they need the processor */
			(void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	CHECK(rpc_sub_n_dropped(line->sub) > 0);
}

TEST(pubsub_subscriber_that_is_busy_keeps_so_many_frames)
{
	struct line line;

	line_open(&line, "tcp://127.0.0.1:0", everything);
	flood(&line, "x", 1, UINT_MAX);
	wait_heard(&line, RPC_SUB_QUEUE_MAX);
	line_close(&line);
}

TEST(pubsub_subscriber_that_is_busy_keeps_so_many_bytes)
{
	enum { SIZE = RPC_FRAME_MAX - 2 };
	char *payload = xcalloc(1, SIZE);
	struct line line;

	line_open(&line, "tcp://127.0.0.1:0", everything);
	flood(&line, payload, SIZE, 2 * RPC_SUB_QUEUE_BYTES_MAX / SIZE);
	rpc_pub_close(line.pub);
	line.pub = NULL;
	wait_heard(&line, RPC_SUB_QUEUE_BYTES_MAX / RPC_FRAME_MAX);
	line_close(&line);
	free(payload);
}

TEST(pubsub_subscriber_may_be_closed_by_its_callback)
{
	struct line line;

	line_open(&line, "tcp://127.0.0.1:0", everything);
	line.heard.close = line.sub;
	for (unsigned i = 0; i < 100; i++)
		rpc_pub_send(line.pub, "t", "x", 1);
	wait_heard(&line, 1);
	line.sub = NULL;
	turn_for(&line.loop, 20);
	CHECK_EQ(line.heard.n, 1);
	line_close(&line);
}

TEST(pubsub_without_subscribers_costs_nothing_and_counts_none)
{
	CLEANUP(rpc_pub_close) struct rpc_pub *pub = NULL;
	struct err err = {0};

	CHECK_OK(rpc_pub_open("tcp://127.0.0.1:0", RPC_LISTEN, &pub, &err), &err);
	CHECK_EQ(rpc_pub_n_subscribers(pub), 0);
	rpc_pub_send(pub, "t", "x", 1);
	CHECK_EQ(rpc_pub_n_dropped(pub), 0);
}

TEST(pubsub_says_why_it_cannot_open)
{
	CLEANUP(rpc_pub_close) struct rpc_pub *pub = NULL;
	struct rpc_pub *second;
	struct rpc_sub *sub;
	uv_loop_t loop;
	struct err err = {0};

	CHECK_EQ(uv_loop_init(&loop), 0);
	CHECK_OK(rpc_pub_open("tcp://127.0.0.1:0", RPC_LISTEN, &pub, &err), &err);
	CHECK_EQ(rpc_pub_open(rpc_pub_url(pub), RPC_LISTEN, &second, &err), -EADDRINUSE);
	CHECK_HAS(err.text, rpc_pub_url(pub));
	CHECK_EQ(rpc_sub_open(&loop, rpc_pub_url(pub), RPC_LISTEN, everything, on_frame, NULL, &sub,
			 &err),
		-EADDRINUSE);
	CHECK_EQ(rpc_sub_open(&loop, "nonsense", RPC_DIAL, everything, on_frame, NULL, &sub, &err),
		-EINVAL);
	CHECK_HAS(err.text, "tcp://127.0.0.1:7070");
	turn_end(&loop);
}
