#include "common/docker/docker_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "tests/lib/got.h"
#include "tests/lib/test.h"

TEST(docker_demux_gives_the_same_however_it_is_fed)
{
	static const uint8_t bytes[] = "\x01\0\0\0\0\0\0\x03"
				       "abc"
				       "\x02\0\0\0\0\0\0\x01"
				       "d"
				       "\x01\0\0\0\0\0\0\0";

	for (size_t cut = 1; cut < sizeof bytes; cut++) {
		struct docker_demux demux = {0};
		struct got got = {0};
		struct err err = {0};

		for (size_t at = 0; at < sizeof bytes - 1; at += cut) {
			size_t n = sizeof bytes - 1 - at < cut ? sizeof bytes - 1 - at : cut, used;

			CHECK_OK(docker_demux_feed(&demux, bytes + at, n, got_log, &got, &used,
					 &err),
				&err);
			CHECK_EQ(used, n);
		}
		CHECK(docker_demux_is_whole(&demux));
		/* Parts of a frame come one by one: leave the marks of the second stream out. */
		CHECK(got.text[0] == 'a');
		CHECK_HAS(got.text, "E:d");
	}
}

TEST(docker_demux_stops_behind_what_its_reader_has_had)
{
	static const uint8_t bytes[] = "\x01\0\0\0\0\0\0\x03"
				       "abc"
				       "\x01\0\0\0\0\0\0\x01"
				       "d";
	struct docker_demux demux = {0};
	struct got got = {.pause = true};
	struct err err = {0};
	size_t used = 0;

	CHECK_OK(docker_demux_feed(&demux, bytes, sizeof bytes - 1, got_log, &got, &used, &err),
		&err);
	CHECK_EQ(used, 11);
	CHECK_STR(got.text, "abc");
}

TEST(docker_demux_knows_when_it_is_cut)
{
	struct docker_demux demux = {0};
	struct got got = {0};
	struct err err = {0};
	size_t used;

	CHECK_OK(docker_demux_feed(&demux, (const uint8_t *)"\x01\0\0", 3, got_log, &got, &used,
			 &err),
		&err);
	CHECK(!docker_demux_is_whole(&demux));
	CHECK_EQ(docker_demux_feed(&demux, (const uint8_t *)"x\0\0\0\0", 5, got_log, &got, &used,
			 &err),
		-EIO);
	CHECK_HAS(err.text, "01000078");
}

TEST(docker_lines_come_whole_and_never_empty)
{
	CLEANUP(buf_fini) struct buf buf = {0};
	const char *line;
	size_t offset = 0, size;

	buf_puts(&buf, "\n\r\none\r\ntwo\n\nthr");
	CHECK(docker_line_next(&buf, &offset, &line, &size));
	CHECK(size == 3 && memcmp(line, "one", 3) == 0);
	CHECK(docker_line_next(&buf, &offset, &line, &size));
	CHECK(size == 3 && memcmp(line, "two", 3) == 0);
	CHECK(!docker_line_next(&buf, &offset, &line, &size));
	buf_shift(&buf, offset);
	buf_puts(&buf, "ee\n");
	offset = 0;
	CHECK(docker_line_next(&buf, &offset, &line, &size));
	CHECK(size == 5 && memcmp(line, "three", 5) == 0);
}

static int
line(struct docker_pull *pull, const char *text, bool *ret_news)
{
	struct err err = {0};

	return docker_pull_line(pull, text, strlen(text), ret_news, &err);
}

TEST(docker_pull_counts_layers_and_bytes)
{
	struct docker_pull pull = {0};
	bool news;

	CHECK_EQ(line(&pull, "{\"status\":\"Pulling from a\",\"id\":\"latest\"}", &news), 0);
	CHECK(!news);
	CHECK_EQ(line(&pull, "{\"status\":\"Already exists\",\"id\":\"a\"}", &news), 0);
	CHECK_STR(pull.text, "1 of 1 layers");
	CHECK_EQ(line(&pull,
			 "{\"status\":\"Downloading\",\"id\":\"b\",\"progressDetail\":{\"current\":"
			 "1024,\"total\":4096}}",
			 &news),
		0);
	CHECK_STR(pull.text, "1 of 2 layers, 1KiB of 4KiB");
	CHECK_EQ(line(&pull, "{\"status\":\"Download complete\",\"id\":\"b\"}", &news), 0);
	CHECK_STR(pull.text, "1 of 2 layers, 4KiB of 4KiB");
	CHECK_EQ(line(&pull, "{\"status\":\"Extracting\",\"id\":\"b\"}", &news), 0);
	CHECK(!news);
	CHECK_EQ(line(&pull, "{\"status\":\"Pull complete\",\"id\":\"b\"}", &news), 0);
	CHECK_STR(pull.text, "2 of 2 layers, 4KiB of 4KiB");
}

TEST(docker_pull_counts_no_more_layers_than_it_has_room_for)
{
	struct docker_pull pull = {0};
	bool news;

	for (unsigned i = 0; i < DOCKER_LAYERS_MAX + 10; i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "{\"status\":\"Waiting\",\"id\":\"l%u\"}", i);
		CHECK_EQ(line(&pull, text, &news), 0);
	}
	CHECK_STR(pull.text, "0 of 128 layers");
}

TEST(docker_pull_fails_with_the_registrys_words)
{
	static const struct {
		const char *error;
		int code;
	} cases[] = {
		{"manifest for a:b not found: manifest unknown: manifest unknown", -ENOENT},
		{"pull access denied for a, repository does not exist", -EACCES},
		{"unauthorized: authentication required", -EACCES},
		{"failed to register layer: write /x: no space left on device", -ENOSPC},
		{"Get \\\"https://r/v2/\\\": dial tcp: lookup r: no such host", -EIO},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct docker_pull pull = {0};
		char text[256];
		bool news;

		(void)snprintf(text, sizeof text, "{\"error\":\"%s\"}", cases[i].error);
		CHECK_EQ(line(&pull, text, &news), cases[i].code);
	}
}
