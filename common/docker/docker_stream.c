#include "common/docker/docker_stream.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/docker/docker_refusal.h"

enum {
	STREAM_STDIN,
	STREAM_STDOUT,
	STREAM_STDERR,
	STREAM_ERROR, /* the engine's own words */
};

static int
header_check(const struct docker_demux *demux, struct err *err)
{
	const uint8_t *h = demux->header;

	if (h[0] > STREAM_ERROR || h[1] != 0 || h[2] != 0 || h[3] != 0)
		return err_set(err, -EIO,
			"the engine's log stream is damaged: a frame begins with "
			"%02x%02x%02x%02x",
			h[0], h[1], h[2], h[3]);
	return 0;
}

int
docker_demux_feed(struct docker_demux *demux, const uint8_t *data, size_t size,
	engine_log_fn *on_data, void *arg, size_t *ret_used, struct err *err)
{
	size_t at = 0;
	bool go_on = true;

	while (at < size && go_on) {
		size_t n = size - at;

		if (demux->left == 0) {
			const uint8_t *h = demux->header;
			int rc;

			demux->header[demux->n_header++] = data[at++];
			if (demux->n_header < sizeof demux->header)
				continue;
			demux->n_header = 0;
			rc = header_check(demux, err);
			if (rc < 0)
				return rc;
			demux->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 |
				      (uint32_t)h[6] << 8 | h[7];
			demux->is_begun = false;
			continue;
		}
		if (n > demux->left)
			n = demux->left;
		if (demux->header[0] == STREAM_ERROR) {
			char words[ERR_TEXT_MAX / 2];

			docker_text_clean((const char *)data + at, n, words, sizeof words);
			return err_set(err, -EIO, "the engine cannot read the log: %s", words);
		}
		go_on = on_data(demux->header[0] == STREAM_STDERR ? ENGINE_STDERR : ENGINE_STDOUT,
			data + at, n, arg);
		demux->is_begun = true;
		demux->left -= (uint32_t)n;
		at += n;
	}
	*ret_used = at;
	return 0;
}

bool
docker_demux_is_whole(const struct docker_demux *demux)
{
	return demux->left == 0 && demux->n_header == 0;
}

bool
docker_line_next(const struct buf *buf, size_t *offset, const char **ret_line, size_t *ret_size)
{
	while (*offset < buf->size) {
		const uint8_t *from = buf->data + *offset;
		const uint8_t *end = memchr(from, '\n', buf->size - *offset);
		size_t n;

		if (end == NULL)
			return false;
		n = (size_t)(end - from);
		*offset += n + 1;
		if (n > 0 && from[n - 1] == '\r')
			n--;
		if (n == 0)
			continue;
		*ret_line = (const char *)from;
		*ret_size = n;
		return true;
	}
	return false;
}

/* ---- pulls ---- */

static uint64_t
whole(const json_t *value)
{
	return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static struct docker_layer *
layer_of(struct docker_pull *pull, const char *id)
{
	struct docker_layer *layer;

	for (size_t i = 0; i < pull->n_layers; i++)
		if (strncmp(pull->layers[i].id, id, sizeof pull->layers[i].id - 1) == 0)
			return &pull->layers[i];
	if (pull->n_layers == DOCKER_LAYERS_MAX)
		return NULL;
	layer = &pull->layers[pull->n_layers++];
	*layer = (struct docker_layer){0};
	(void)snprintf(layer->id, sizeof layer->id, "%s", id);
	return layer;
}

static void
take_progress(struct docker_layer *layer, const char *status, const json_t *detail)
{
	if (strcmp(status, "Downloading") == 0) {
		layer->got = whole(json_object_get(detail, "current"));
		layer->total = whole(json_object_get(detail, "total"));
	} else if (strcmp(status, "Pull complete") == 0 || strcmp(status, "Already exists") == 0) {
		layer->done = true;
		layer->got = layer->total;
	} else if (strcmp(status, "Download complete") == 0 ||
		   strcmp(status, "Verifying Checksum") == 0 || strcmp(status, "Extracting") == 0) {
		layer->got = layer->total;
	}
}

/* Writes the sentence; true when it is another than before. */
static bool
describe(struct docker_pull *pull)
{
	uint64_t got = 0, total = 0;
	char now[sizeof pull->text], a[UNITS_TEXT_SIZE], b[UNITS_TEXT_SIZE];
	size_t n_done = 0;
	int used;

	for (size_t i = 0; i < pull->n_layers; i++) {
		const struct docker_layer *layer = &pull->layers[i];

		n_done += layer->done;
		got += layer->got < layer->total ? layer->got : layer->total;
		total += layer->total;
	}
	used = snprintf(now, sizeof now, "%zu of %zu layers", n_done, pull->n_layers);
	if (total > 0 && used > 0)
		(void)snprintf(now + used, sizeof now - (size_t)used, ", %s of %s",
			units_format_bytes(got, a), units_format_bytes(total, b));
	pull->progress = (struct engine_progress){.text = pull->text,
		.n_layers = (uint32_t)pull->n_layers,
		.n_layers_done = (uint32_t)n_done,
		.bytes = got,
		.bytes_total = total};
	if (strcmp(now, pull->text) == 0)
		return false;
	memcpy(pull->text, now, sizeof now);
	return true;
}

int
docker_pull_line(struct docker_pull *pull, const char *line, size_t size, bool *ret_news,
	struct err *err)
{
	json_t *root = json_loadb(line, size, JSON_ALLOW_NUL, NULL);
	const char *error = json_string_value(json_object_get(root, "error"));
	const char *status = json_string_value(json_object_get(root, "status"));
	const char *id = json_string_value(json_object_get(root, "id"));
	struct docker_layer *layer;
	int rc = 0;

	*ret_news = false;
	if (root == NULL) {
		rc = err_set(err, -EIO, "the engine's progress of the pull is not JSON");
	} else if (error != NULL) {
		rc = docker_refusal(ENGINE_CALL_PULL, 500, error, strlen(error), err);
	} else if (status != NULL && id != NULL && strncmp(status, "Pulling from", 12) != 0) {
		layer = layer_of(pull, id);
		if (layer != NULL)
			take_progress(layer, status, json_object_get(root, "progressDetail"));
		*ret_news = describe(pull);
	}
	json_decref(root);
	return rc;
}
