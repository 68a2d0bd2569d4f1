/*
 * docker_stream.h - the engine's streams, cut anywhere, put together again. Pure.
 */
#pragma once

#include "common/base/buf.h"
#include "common/docker/engine.h"

/* ---- multiplexed logs: 8 bytes (stream, 3 zeros, size big-endian), then size bytes ---- */

struct docker_demux {
	uint8_t header[8];
	uint8_t n_header;
	uint32_t left; /* of the present frame */
	bool is_begun; /* some of the present frame was handed on: what comes is the rest */
};

/*
 * Hands on what data holds, frame by frame and without gathering whole frames:
 * a frame that claims 4 GiB costs nothing. demux->is_begun tells on_data whether
 * it had some of the frame before. Stops when on_data says so;
 * ret_used tells how far it came (on_data has had all of that).
 * -EIO: this is no multiplexed stream, or the engine reports trouble in it.
 */
int docker_demux_feed(struct docker_demux *demux, const uint8_t *data, size_t size,
	engine_log_fn *on_data, void *arg, size_t *ret_used, struct err *err);
/* Whether the stream may end here: not inside a frame. */
bool docker_demux_is_whole(const struct docker_demux *demux);

/* ---- lines ---- */

/*
 * The next whole line in buf from *offset on, without its end; moves *offset
 * past it. False: there is none yet. Empty lines are left out.
 */
bool docker_line_next(const struct buf *buf, size_t *offset, const char **ret_line,
	size_t *ret_size);

/* ---- pulls ---- */

enum { DOCKER_LAYERS_MAX = 128 }; /* counted; an image has at most 127 */

struct docker_layer {
	char id[16];
	uint64_t got, total;
	bool done;
};

struct docker_pull {
	struct docker_layer layers[DOCKER_LAYERS_MAX];
	size_t n_layers;
	char text[128];                  /* "3 of 5 layers, 12MiB of 40MiB" */
	struct engine_progress progress; /* its text is the one above */
};

/* A line of the pull's stream. ret_news: text has changed. -EIO and so on: the pull has failed. */
int docker_pull_line(struct docker_pull *pull, const char *line, size_t size, bool *ret_news,
	struct err *err);
