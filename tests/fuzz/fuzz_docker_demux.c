/* A multiplexed log: whole or cut (the first byte says how), it comes to the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/docker/docker_stream.h"
#include "tests/fuzz/fuzz.h"

struct heard {
	struct buf streams[2];
};

static bool
hear(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct heard *heard = arg;

	buf_put(&heard->streams[stream == ENGINE_STDERR], data, size);
	return true;
}

static int
feed(const uint8_t *data, size_t size, size_t cut, struct heard *heard)
{
	struct docker_demux demux = {0};
	struct err err = {0};
	int rc = 0;

	for (size_t at = 0; at < size && rc == 0; at += cut) {
		size_t n = size - at < cut ? size - at : cut, used = 0;

		rc = docker_demux_feed(&demux, data + at, n, hear, heard, &used, &err);
		assert(rc < 0 || used == n);
	}
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = {0}, parts = {0};

	if (size < 2)
		return 0;
	assert(feed(data + 1, size - 1, size, &whole) ==
		feed(data + 1, size - 1, 1u + data[0] % 32, &parts));
	for (size_t i = 0; i < 2; i++) {
		assert(whole.streams[i].size == parts.streams[i].size);
		assert(whole.streams[i].size == 0 ||
			memcmp(whole.streams[i].data, parts.streams[i].data,
				whole.streams[i].size) == 0);
		buf_fini(&whole.streams[i]);
		buf_fini(&parts.streams[i]);
	}
	return 0;
}
