#include "common/service/admin.h"

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
