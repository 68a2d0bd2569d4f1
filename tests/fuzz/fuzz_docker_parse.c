/* Every kind of answer that the engine gives, and how it says no. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/docker/docker_list.h"
#include "common/docker/docker_parse.h"
#include "common/docker/docker_refusal.h"
#include "common/docker/docker_stream.h"
#include "tests/fuzz/fuzz.h"

/* Reads what a result points to, so that a sanitizer sees where that is. */
static size_t
touch(const struct engine_label *labels, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += strlen(labels[i].key) + strlen(labels[i].value);
	return sum;
}

static size_t
touch_container(const struct engine_container *container)
{
	assert(container->status <= ENGINE_DEAD);
	return strlen(container->id) + strlen(container->name) + strlen(container->error) +
	       strlen(container->health) + strlen(container->log_path) +
	       touch(container->labels, container->n_labels);
}

static void
containers(const char *text, size_t size)
{
	CLEANUP(docker_answer_fini) struct docker_answer one = {0}, item = {0}, event_of = {0};
	struct engine_container container;
	struct engine_event event;
	struct err err = {0};

	if (docker_parse_container(text, size, &one, &container, &err) == 0)
		(void)touch_container(&container);
	if (docker_parse_item(text, size, &item, &container, &err) == 0)
		(void)touch_container(&container);
	if (docker_parse_event(text, size, &event_of, &event, &err) == 0)
		assert(strlen(event.action) > 0 && strlen(event.id) > 0 &&
			touch(event.attributes, event.n_attributes) < SIZE_MAX);
}

/* A list comes to the same, whole or byte by byte. */
static void
lists(const uint8_t *data, size_t size)
{
	CLEANUP(docker_list_fini) struct docker_list whole = {0}, parts = {0};
	CLEANUP(buf_fini) struct buf a = {0}, b = {0};
	struct err err = {0};
	int rc = 0;

	buf_put(&a, data, size);
	for (size_t i = 0; i < size && rc == 0; i++) {
		buf_put(&b, data + i, 1);
		rc = docker_list_feed(&parts, &b, &err);
	}
	assert(rc == docker_list_feed(&whole, &a, &err));
	assert(parts.n == whole.n && parts.ended == whole.ended);
	for (size_t i = 0; i < whole.n; i++)
		assert(touch_container(&whole.containers[i]) ==
			touch_container(&parts.containers[i]));
}

static void
engine(const char *text, size_t size)
{
	CLEANUP(docker_answer_fini) struct docker_answer answer = {0};
	char version[DOCKER_VERSION_MAX], id[ENGINE_ID_MAX + 1];
	struct engine_about about;
	struct engine_sample sample;
	struct err err = {0};
	bool ended;

	if (docker_parse_about(text, size, &answer, &about, &err) == 0)
		assert(strlen(about.id) + strlen(about.version) + strlen(about.root_dir) <
			SIZE_MAX);
	if (docker_parse_version(text, size, version, &err) == 0)
		assert(strlen(version) >= 4 && strlen(version) < sizeof version);
	if (docker_parse_id(text, size, id, &err) == 0)
		assert(strlen(id) >= 1 && strlen(id) <= ENGINE_ID_MAX);
	(void)docker_parse_sample(text, size, &sample, &ended, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct docker_pull pull = {0};
	struct err err = {0};
	char clean[ERR_TEXT_MAX], again[ERR_TEXT_MAX];
	bool news;

	containers(text, size);
	lists(data, size);
	engine(text, size);
	(void)docker_pull_line(&pull, text, size, &news, &err);
	for (int kind = ENGINE_CALL_NONE; kind < ENGINE_CALL_COUNT; kind += 3)
		assert(docker_refusal((enum engine_call_kind)kind, 500, text, size, &err) < 0);
	/* What goes out to people is clean: cleaning it once more changes nothing. */
	docker_text_clean(err.text, strlen(err.text), clean, sizeof clean);
	assert(strcmp(clean, err.text) == 0);
	docker_text_clean(text, size, clean, sizeof clean);
	docker_text_clean(clean, strlen(clean), again, sizeof again);
	assert(strcmp(clean, again) == 0);
	return 0;
}
