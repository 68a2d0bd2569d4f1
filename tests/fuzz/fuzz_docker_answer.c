/* Whatever an engine, or what poses as one, answers. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/docker/docker_list.h"
#include "common/docker/docker_parse.h"
#include "common/docker/docker_refusal.h"
#include "common/docker/docker_stream.h"
#include "tests/fuzz/fuzz.h"

static void
as_containers(const char *text, size_t size)
{
	CLEANUP(docker_list_fini) struct docker_list list = {0};
	CLEANUP(buf_fini) struct buf in = {0};
	struct docker_answer one = {0}, event = {0}, about = {0};
	struct engine_container container;
	struct engine_event what;
	struct engine_about who;
	struct err err;

	(void)docker_parse_container(text, size, &one, &container, &err);
	buf_put(&in, text, size);
	if (docker_list_feed(&list, &in, &err) == 0)
		(void)docker_list_end(&list, &err);
	(void)docker_parse_event(text, size, &event, &what, &err);
	(void)docker_parse_about(text, size, &about, &who, &err);
	docker_answer_fini(&one);
	docker_answer_fini(&event);
	docker_answer_fini(&about);
}

static void
as_values(const char *text, size_t size)
{
	char version[DOCKER_VERSION_MAX], id[ENGINE_ID_MAX + 1], line[80];
	struct engine_sample sample;
	struct err err;
	bool ended;

	struct engine_exec exec;
	struct engine_path path;
	char name[DOCKER_PATH_NAME_MAX], *header = strndup(text, size);

	(void)docker_parse_exec(text, size, &exec, &err);
	if (docker_parse_path(header, name, &path, &err) == 0)
		assert(memchr(name, '\0', sizeof name) != NULL);
	free(header);
	if (docker_parse_version(text, size, version, &err) == 0)
		assert(memchr(version, '\0', sizeof version) != NULL);
	if (docker_parse_id(text, size, id, &err) == 0)
		assert(strlen(id) > 0);
	(void)docker_parse_sample(text, size, &sample, &ended, &err);
	docker_text_clean(text, size, line, sizeof line);
	assert(memchr(line, '\0', sizeof line) != NULL);
	assert(docker_refusal(ENGINE_CALL_START, 500, text, size, &err) < 0);
	assert(docker_refusal(ENGINE_CALL_CREATE, 404, text, size, &err) < 0);
}

struct counted {
	size_t n;
	unsigned calls;
};

static bool
count(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct counted *counted = arg;

	(void)stream;
	(void)data;
	counted->n += size;
	return ++counted->calls % 3 != 0;
}

/* The stream comes in pieces, and its reader pauses now and then. */
static void
as_logs(const uint8_t *data, size_t size)
{
	struct docker_demux demux = {0};
	struct counted counted = {0};
	struct err err;
	size_t at = 0, piece = 1;

	while (at < size) {
		size_t used = 0, n = piece < size - at ? piece : size - at;

		if (docker_demux_feed(&demux, data + at, n, count, &counted, &used, &err) < 0)
			break;
		assert(used <= n);
		at += used;
		piece = piece * 3 % 64 + 1;
	}
	assert(counted.n <= size);
	(void)docker_demux_is_whole(&demux);
}

static void
as_pull(const uint8_t *data, size_t size)
{
	struct buf buf = {0};
	struct docker_pull pull = {0};
	const char *line;
	size_t offset = 0, n;

	buf_put(&buf, data, size);
	while (docker_line_next(&buf, &offset, &line, &n)) {
		struct err err;
		bool news;

		if (docker_pull_line(&pull, line, n, &news, &err) < 0)
			break;
	}
	assert(offset <= size && pull.n_layers <= DOCKER_LAYERS_MAX);
	buf_fini(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_containers((const char *)data, size);
	as_values((const char *)data, size);
	as_logs(data, size);
	as_pull(data, size);
	return 0;
}
