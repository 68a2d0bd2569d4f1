/*
 * got.h - callbacks for engine.h that write down what they were told.
 *
 * Hand one of these functions and a struct got to an operation, let time pass,
 * and look. A got outlives its operation.
 */
#pragma once

#include "common/docker/engine_pipe.h"

/* What a callback brought: the last error, and how often it was called. */
struct got {
	unsigned n;
	struct err err;
	char id[ENGINE_ID_MAX + 1];
	struct engine_container container; /* strings are gone: numbers only */
	size_t n_listed;
	uint64_t cpu_milli, memory_bytes;
	char text[4096]; /* events or log lines, joined */
	struct engine_exec exec;
	struct engine_path path; /* its name is in text */
	unsigned n_opened, n_room;
	unsigned n_samples;
	struct engine_sample sample; /* the last one */
	bool pause;
	struct engine *close_me;
	struct engine_op *cancel_me;
};

void got_done(const struct err *err, void *arg);
void got_id(const struct err *err, const char *id, void *arg);
void got_container(const struct err *err, const struct engine_container *container, void *arg);
void got_list(const struct err *err, const struct engine_container *containers, size_t n,
	void *arg);
void got_event(const struct engine_event *event, void *arg);
bool got_log(enum engine_stream stream, const void *data, size_t size, void *arg);
void got_sample(const struct engine_sample *sample, void *arg);
void got_about(const struct err *err, const struct engine_about *about, void *arg);
/* The JSON goes to text, as far as it fits. */
void got_json(const struct err *err, const char *json, size_t size, void *arg);
void got_exec(const struct err *err, const struct engine_exec *exec, void *arg);
void got_path(const struct err *err, const struct engine_path *path, void *arg);
void got_open(void *arg);
void got_room(void *arg);
void got_progress(const struct engine_progress *progress, void *arg);
/* As got_sample, for samples that make no sense. */
void got_any_sample(const struct engine_sample *sample, void *arg);
/* Counts the bytes in n_listed. */
bool got_log_size(enum engine_stream stream, const void *data, size_t size, void *arg);
