#include "services/gateway/observe.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/test.h"

static const struct http_entry entry = {.peer = "127.0.0.1",
	.method = "GET",
	.target = "/v1/tasks?x=\"\n",
	.version = "HTTP/1.1",
	.id = "r1",
	.agent = "curl/8",
	.status = 200,
	.n_bytes = 15,
	.seconds = 0.002};

TEST(observe_writes_the_common_form_with_seconds_and_id)
{
	struct buf out = {0};

	observe_print(OBSERVE_COMMON, &entry, 1795341600123, &out);
	CHECK_STR(buf_text(&out), "127.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "
				  "\"GET /v1/tasks?x=\\x22\\x0a HTTP/1.1\" 200 15 0.002000 r1\n");
	buf_fini(&out);
}

TEST(observe_writes_json)
{
	struct buf out = {0};

	observe_print(OBSERVE_JSON, &entry, 1795341600123, &out);
	CHECK_STR(buf_text(&out),
		"{\"ts\":\"2026-11-22T10:00:00.123Z\",\"status\":200,\"bytes\":15,"
		"\"seconds\":0.002000,\"peer\":\"127.0.0.1\",\"method\":\"GET\","
		"\"target\":\"/v1/tasks?x=\\\"\\n\",\"version\":\"HTTP/1.1\","
		"\"request_id\":\"r1\",\"user_agent\":\"curl/8\"}\n");
	buf_fini(&out);
}

TEST(observe_counts_and_writes_each_request)
{
	struct metrics *metrics = metrics_new();
	FILE *file = tmpfile();
	struct observe *observe = observe_new(OBSERVE_COMMON, file, metrics);
	struct http_entry nonsense = entry;
	struct buf out = {0};
	char line[256];

	observe_entry(&entry, observe);
	nonsense.method = "";
	nonsense.status = 0;
	observe_entry(&nonsense, observe);
	rewind(file);
	CHECK(fgets(line, sizeof line, file) != NULL && strstr(line, "\" 200 15 ") != NULL);
	CHECK(fgets(line, sizeof line, file) != NULL && strstr(line, "\" 400 15 ") != NULL);
	metrics_print(metrics, EXPO_TEXT, &out);
	CHECK_HAS(buf_text(&out),
		"davit_http_requests_total{method=\"GET\",code=\"200\",route=\"none\"} 1");
	CHECK_HAS(buf_text(&out),
		"davit_http_requests_total{method=\"other\",code=\"400\",route=\"none\"} 1");
	CHECK_HAS(buf_text(&out), "davit_http_request_seconds_count 2");
	buf_fini(&out);
	observe_free(observe);
	metrics_free(metrics);
	(void)fclose(file);
}

TEST(observe_knows_its_forms)
{
	enum observe_form form;
	struct err err = {0};

	CHECK_EQ(observe_parse("off", &form, &err), 0);
	CHECK_EQ(form, OBSERVE_NONE);
	CHECK_EQ(observe_parse("json", &form, &err), 0);
	CHECK_EQ(form, OBSERVE_JSON);
	CHECK_EQ(observe_parse("apache", &form, &err), -EINVAL);
	CHECK_HAS(err.text, "want off, common or json");
}
