#include "common/service/admin.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/http/http_get.h"
#include "common/http/http_listen.h"
#include "common/metrics/metrics_process.h"
#include "tests/lib/http_client.h"
#include "tests/lib/test.h"
#include "tests/lib/turn.h"

struct stage {
	uv_loop_t loop;
	struct metrics *metrics;
	struct admin *admin;
	struct http_client client;
	const char *trouble;
};

static bool
is_ready(void *state, const char **ret_why)
{
	const struct stage *stage = state;

	*ret_why = stage->trouble;
	return stage->trouble == NULL;
}

static const struct service service = {.name = "test", .ready = is_ready};

static const char *
get(struct stage *stage, const char *path)
{
	http_client_get(&stage->client, &stage->loop, admin_url(stage->admin), path);
	return stage->client.text;
}

TEST(admin_shows_metrics_health_and_whether_the_service_is_ready)
{
	struct stage stage = {.metrics = metrics_new()};
	struct err err = {0};

	(void)uv_loop_init(&stage.loop);
	metrics_process_add(stage.metrics, "test");
	CHECK_OK(admin_open(&stage.loop, "http://127.0.0.1:0", &service, &stage, stage.metrics,
			 &stage.admin, &err),
		&err);
	CHECK_HAS(get(&stage, "/metrics"), "davit_build_info{service=\"test\"");
	CHECK_HAS(stage.client.text, "process_cpu_seconds_total ");
	CHECK_HAS(get(&stage, "/health"), "200 OK");
	CHECK_HAS(get(&stage, "/ready"), "200 OK");
	stage.trouble = "the store cannot be read";
	CHECK_HAS(get(&stage, "/ready"), "503 ");
	CHECK_HAS(stage.client.text, "the store cannot be read");
	CHECK_HAS(get(&stage, "/health"), "200 OK");
	CHECK_HAS(get(&stage, "/"), "404 ");
	admin_close(stage.admin);
	turn_end(&stage.loop);
	metrics_free(stage.metrics);
}

struct asker {
	const char *address;
	struct buf body;
	struct err err;
	int status, rc;
	atomic_bool is_done;
};

static void *
ask(void *arg)
{
	struct asker *asker = arg;

	asker->rc = http_get(asker->address, "/ready", TURN_PATIENCE_MS, &asker->status,
		&asker->body, &asker->err);
	atomic_store(&asker->is_done, true);
	return NULL;
}

static bool
is_asked(void *arg)
{
	return atomic_load(&((struct asker *)arg)->is_done);
}

TEST(admin_is_asked_by_a_probe_at_a_port_and_at_a_path)
{
	char path[64], *addresses[] = {"http://127.0.0.1:0", path};

	(void)snprintf(path, sizeof path, "unix:///tmp/test_admin.%ld", (long)getpid());
	for (int i = 0; i < 4; i++) {
		struct stage stage = {.metrics = metrics_new(),
			.trouble = i & 2 ? "too early" : NULL};
		struct err err = {0};
		struct asker asker = {0};
		pthread_t thread;

		(void)uv_loop_init(&stage.loop);
		CHECK_OK(admin_open(&stage.loop, addresses[i & 1], &service, &stage, stage.metrics,
				 &stage.admin, &err),
			&err);
		asker.address = admin_url(stage.admin);
		CHECK_EQ(pthread_create(&thread, NULL, ask, &asker), 0);
		turn_until(&stage.loop, is_asked, &asker, "an answer");
		(void)pthread_join(thread, NULL);
		CHECK_OK(asker.rc, &asker.err);
		CHECK_EQ(asker.status, i & 2 ? 503 : 200);
		CHECK_HAS(buf_text(&asker.body), i & 2 ? "too early" : "ok");
		buf_fini(&asker.body);
		admin_close(stage.admin);
		turn_end(&stage.loop);
		metrics_free(stage.metrics);
	}
	(void)unlink(path + strlen("unix://"));
}

TEST(http_get_says_that_nobody_answers)
{
	struct buf body = {0};
	struct err err = {0};
	int status;

	CHECK_EQ(http_get("unix:///nonexistent/x", "/", 1000, &status, &body, &err), -ENOENT);
	CHECK_HAS(err.text, "nothing answers at 'unix:///nonexistent/x'");
	CHECK_EQ(http_get("127.0.0.1:1", "/", 1000, &status, &body, &err), -EINVAL);
	CHECK_HAS(err.text, "want http://ADDRESS:PORT");
}

TEST(http_get_gives_up_on_one_that_is_silent)
{
	CLEANUP(fd_close) int fd = -1;
	CLEANUP(free) char *url = NULL;
	struct buf body = {0};
	struct err err = {0};
	int status;

	CHECK_OK(http_listen("http://127.0.0.1:0", &fd, &url, &err), &err);
	CHECK_EQ(http_get(url, "/", 50, &status, &body, &err), -ETIMEDOUT);
}

TEST(admin_refuses_an_address_that_is_none)
{
	struct stage stage = {.metrics = metrics_new()};
	struct err err = {0};

	(void)uv_loop_init(&stage.loop);
	CHECK(admin_open(&stage.loop, "7070", &service, &stage, stage.metrics, &stage.admin, &err) <
		0);
	CHECK_HAS(err.text, "--admin");
	turn_end(&stage.loop);
	metrics_free(stage.metrics);
}
