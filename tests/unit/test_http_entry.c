#include "tests/unit/http_fixture.h"

static bool
has_entry(void *arg)
{
	return ((const struct fixture *)arg)->n_entries > 0;
}

static void
wait_entry(struct fixture *fixture)
{
	turn_until(&fixture->loop, has_entry, fixture, "an entry");
	fixture->n_entries = 0;
}

TEST(http_every_answer_has_the_client_s_request_id_or_one_that_is_made)
{
	struct fixture fixture = {0};

	fixture_open(&fixture, NULL);
	fixture_ask(&fixture,
		"GET /small?a=%20b HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-1\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\nmine-1");
	CHECK_HAS(fixture.client.text, "X-Request-Id: mine-1\r\n");
	wait_entry(&fixture);
	CHECK_STR(fixture.id, "mine-1");
	CHECK_STR(fixture.target, "/small?a=%20b");
	CHECK_STR(fixture.method, "GET");
	CHECK_EQ(fixture.entry.status, 200);
	CHECK_EQ(fixture.entry.n_bytes, 6);
	CHECK(fixture.entry.seconds >= 0 && !fixture.entry.is_stream);
	fixture_ask(&fixture, "GET /small HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\" b\r\n\r\n");
	http_client_wait(&fixture.client, "X-Request-Id: ");
	CHECK(strstr(fixture.client.text, "a\" b") == NULL);
	wait_entry(&fixture);
	CHECK_EQ(strlen(fixture.id), 16);
	fixture_close(&fixture);
}

TEST(http_refusals_are_entries_too_and_what_was_no_http)
{
	struct fixture fixture = {0};

	fixture_open(&fixture, NULL);
	fixture_ask(&fixture, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_entry(&fixture);
	CHECK_EQ(fixture.entry.status, 404);
	CHECK(fixture.entry.route == NULL);
	fixture_ask(&fixture, "GET /small HTTP/1.1\r\n\r\n"); /* no host */
	wait_entry(&fixture);
	fixture_close(&fixture);
}

TEST(http_a_client_that_went_away_is_an_entry_without_a_status)
{
	struct fixture fixture = {0};

	fixture_open(&fixture, NULL);
	fixture_ask(&fixture, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
	while (fixture.kept == NULL)
		turn_for(&fixture.loop, 1);
	(void)close(fixture.client.fd);
	fixture.client.fd = -1;
	wait_entry(&fixture);
	CHECK_EQ(fixture.entry.status, 0);
	CHECK_EQ(fixture.n_gone, 1);
	fixture_close(&fixture);
}

TEST(http_requests_beyond_their_number_are_refused_until_one_is_answered)
{
	struct http_limits limits = {.n_requests = 1};
	struct fixture fixture = {0};
	int first;

	fixture_open(&fixture, &limits);
	fixture_ask(&fixture, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
	while (fixture.kept == NULL)
		turn_for(&fixture.loop, 1);
	first = fixture.client.fd;
	fixture.client.fd = -1;
	fixture_ask(&fixture, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&fixture.client, "}\n");
	CHECK_HAS(fixture.client.text, "503 Service Unavailable");
	CHECK_HAS(fixture.client.text, "Retry-After: 1\r\n");
	http_reply(fixture.kept, 200, "text/plain", "x", 1);
	fixture_ask(&fixture, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&fixture.client, "200 OK");
	(void)close(first);
	fixture_close(&fixture);
}
