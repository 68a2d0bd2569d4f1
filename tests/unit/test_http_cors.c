#include "tests/unit/http_fixture.h"

static void
open_for(struct fixture *fixture, const char *origins)
{
	fixture->cors_origin = origins;
	fixture_open(fixture, NULL);
}

TEST(http_options_say_what_a_path_allows)
{
	struct fixture fixture = {0};

	open_for(&fixture, NULL);
	fixture_ask(&fixture, "OPTIONS /small HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\n");
	CHECK_HAS(fixture.client.text, "204 No Content");
	CHECK_HAS(fixture.client.text, "Allow: GET, HEAD, POST, OPTIONS\r\n");
	CHECK(strstr(fixture.client.text, "Access-Control") == NULL);
	fixture_ask(&fixture, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&fixture.client, "204 No Content");
	fixture_ask(&fixture, "OPTIONS /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&fixture.client, "404 Not Found");
	fixture_close(&fixture);
}

TEST(http_pages_of_any_origin_may_read_when_told_so)
{
	struct fixture fixture = {0};

	open_for(&fixture, "*");
	fixture_ask(&fixture, "GET /small HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\n");
	CHECK_HAS(fixture.client.text, "Access-Control-Allow-Origin: *\r\n");
	CHECK_HAS(fixture.client.text, "Access-Control-Expose-Headers: ETag");
	fixture_ask(&fixture, "OPTIONS /small HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\n"
			      "Access-Control-Request-Method: POST\r\n"
			      "Access-Control-Request-Headers: idempotency-key\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\n");
	CHECK_HAS(fixture.client.text,
		"Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n");
	CHECK_HAS(fixture.client.text, "Access-Control-Allow-Headers: idempotency-key\r\n");
	CHECK_HAS(fixture.client.text, "Access-Control-Max-Age: 600\r\n");
	fixture_close(&fixture);
}

TEST(http_pages_of_some_origins_may_read_and_of_others_not)
{
	struct fixture fixture = {0};

	open_for(&fixture, "http://a.example, http://b.example");
	fixture_ask(&fixture, "GET /small HTTP/1.1\r\nHost: x\r\nOrigin: http://b.example\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\n");
	CHECK_HAS(fixture.client.text, "Access-Control-Allow-Origin: http://b.example\r\n");
	CHECK_HAS(fixture.client.text, "Vary: Origin\r\n");
	fixture_ask(&fixture, "GET /small HTTP/1.1\r\nHost: x\r\nOrigin: http://b.exampl\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\n");
	CHECK(strstr(fixture.client.text, "Access-Control-Allow-Origin") == NULL);
	CHECK_HAS(fixture.client.text, "Vary: Origin\r\n");
	fixture_close(&fixture);
}
