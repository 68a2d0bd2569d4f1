#include "common/http/http_gzip.h"

#include <zlib.h>

#include "tests/unit/http_fixture.h"

TEST(http_gzip_is_accepted_by_who_says_so)
{
	CHECK(http_gzip_is_accepted("gzip"));
	CHECK(http_gzip_is_accepted("deflate, GZIP;q=0.5"));
	CHECK(http_gzip_is_accepted("br, *"));
	CHECK(!http_gzip_is_accepted("gzip;q=0"));
	CHECK(!http_gzip_is_accepted("gzip; q=0.0, br"));
	CHECK(!http_gzip_is_accepted("identity, x-gzip"));
	CHECK(!http_gzip_is_accepted(""));
	CHECK(!http_gzip_is_accepted(NULL));
}

TEST(http_gzip_is_worth_it_for_long_texts)
{
	CHECK(http_gzip_is_worth("application/json", HTTP_GZIP_BYTES_MIN));
	CHECK(http_gzip_is_worth("text/html; charset=utf-8", 5000));
	CHECK(!http_gzip_is_worth("application/json", HTTP_GZIP_BYTES_MIN - 1));
	CHECK(!http_gzip_is_worth("application/x-tar", 5000));
	CHECK(!http_gzip_is_worth(NULL, 5000));
}

TEST(http_gzip_is_read_by_zlib)
{
	struct buf out = {0};
	char text[5000], again[sizeof text];
	z_stream stream = {0};

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * i % 251);
	http_gzip_put(text, sizeof text, &out);
	CHECK_EQ(inflateInit2(&stream, 31), Z_OK);
	stream.next_in = out.data;
	stream.avail_in = (uInt)out.size;
	stream.next_out = (Bytef *)again;
	stream.avail_out = sizeof again;
	CHECK_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
	CHECK_EQ(memcmp(text, again, sizeof text), 0);
	(void)inflateEnd(&stream);
	buf_fini(&out);
}

TEST(http_answers_are_small_for_who_takes_them_so_and_their_etag_is_weak)
{
	struct fixture fixture = {0};

	fixture.cors_origin = NULL;
	fixture_open(&fixture, NULL);
	fixture_ask(&fixture, "GET /big HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\n");
	CHECK_HAS(fixture.client.text, "Content-Encoding: gzip\r\n");
	CHECK_HAS(fixture.client.text, "Vary: Accept-Encoding\r\n");
	CHECK_HAS(fixture.client.text, "ETag: W/\"1\"\r\n");
	fixture_ask(&fixture, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	http_client_wait(&fixture.client, "\r\n\r\n");
	CHECK_HAS(fixture.client.text, "Content-Length: 4096\r\n");
	CHECK_HAS(fixture.client.text, "Vary: Accept-Encoding\r\n");
	CHECK_HAS(fixture.client.text, "ETag: \"1\"\r\n");
	CHECK(strstr(fixture.client.text, "Content-Encoding") == NULL);
	fixture_close(&fixture);
}
