#include "common/http/http_metrics.h"

#include "tests/unit/http_fixture.h"

TEST(http_metrics_tell_of_connections_and_streams)
{
	struct fixture fixture = {0};
	struct buf out = {0};
	struct expo expo;

	fixture.cors_origin = NULL;
	fixture_open(&fixture, NULL);
	fixture_ask(&fixture,
		"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
	http_client_wait(&fixture.client, "retry: 1000\n\n");
	expo_begin(&expo, &out, EXPO_TEXT);
	http_metrics_collect(&expo, fixture.server);
	expo_end(&expo);
	CHECK_HAS(buf_text(&out), "\ndavit_http_connections 1\n");
	CHECK_HAS(buf_text(&out), "\ndavit_http_streams 1\n");
	CHECK_HAS(buf_text(&out), "\ndavit_http_waiting 0\n");
	CHECK_HAS(buf_text(&out), "\ndavit_http_refused_total 0\n");
	buf_fini(&out);
	fixture_close(&fixture);
}
