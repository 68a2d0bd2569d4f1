#include "common/http/http_events.h"

#include "tests/lib/test.h"
#include "tests/unit/http_fixture.h"

TEST(http_events_are_told_with_what_was_missed_before)
{
	struct fixture fixture = {0};

	fixture_open(&fixture, NULL);
	fixture_ask(&fixture,
		"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
	http_client_wait(&fixture.client, "retry: 1000\n\n");
	CHECK_HAS(fixture.client.text, "Content-Type: text/event-stream\r\n");
	http_events_miss(&fixture.events, 3);
	CHECK(http_events_write(&fixture.events, "data: 1\n\n", 9));
	http_client_wait(&fixture.client, "event: lost\ndata: {\"lost\":3}\n\ndata: 1\n\n");
	http_events_miss(&fixture.events, 0);
	http_events_settle(&fixture.events);
	http_client_wait(&fixture.client, "{\"lost\":0}");
	http_events_tick(&fixture.events, fixture.events.wrote_ms + HTTP_EVENTS_IDLE_MS - 1);
	http_events_tick(&fixture.events, fixture.events.wrote_ms + HTTP_EVENTS_IDLE_MS);
	http_client_wait(&fixture.client, "\n:\n\n");
	fixture_close(&fixture);
}

TEST(http_events_of_a_reader_that_is_too_slow_are_not_written)
{
	struct http_limits limits = {.stream_bytes = 64};
	struct fixture fixture = {0};
	char much[64] = {0};

	fixture_open(&fixture, &limits);
	fixture_ask(&fixture,
		"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
	http_client_wait(&fixture.client, "retry: 1000\n\n");
	CHECK(http_events_write(&fixture.events, much, sizeof much));
	CHECK(!http_events_write(&fixture.events, much, 1));
	fixture_close(&fixture);
}

TEST(http_events_print_id_name_and_data)
{
	struct buf out = {0};

	http_events_print("7", "task", "{}", 2, &out);
	http_events_print(NULL, NULL, "1", 1, &out);
	CHECK_STR(buf_text(&out), "id: 7\nevent: task\ndata: {}\n\ndata: 1\n\n");
	buf_fini(&out);
}

TEST(http_streams_beyond_their_number_are_refused)
{
	struct http_limits limits = {.n_streams = 1};
	struct fixture fixture = {0};
	int first;

	fixture_open(&fixture, &limits);
	fixture_ask(&fixture,
		"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
	http_client_wait(&fixture.client, "retry: 1000\n\n");
	first = fixture.client.fd;
	fixture.client.fd = -1;
	fixture_ask(&fixture,
		"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
	http_client_wait(&fixture.client, "}\n");
	CHECK_HAS(fixture.client.text, "503 Service Unavailable");
	CHECK_HAS(fixture.client.text, "Retry-After: 1\r\n");
	(void)close(first);
	fixture_close(&fixture);
}
