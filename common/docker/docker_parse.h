/*
 * docker_parse.h - what the Engine API says, as the structs of engine.h. Pure.
 *
 * The text is foreign: anything may be missing, of another type, negative or
 * too large. What is missing is empty or 0; what cannot be used at all is -EIO
 * with words. Strings in the results live in the struct docker_answer, which
 * the caller zeroes before and gives to docker_answer_fini after.
 */
#pragma once

#include <jansson.h>

#include "common/docker/engine_pipe.h"

enum {
	DOCKER_PATH_NAME_MAX = 256,
	DOCKER_VERSION_MAX = 16, /* "1.41" */
	DOCKER_API_MIN = 24,     /* 1.24: without the swarm-era changes nothing here works */
	DOCKER_API_MAX = 45,     /* 1.45: the newest that this was written for */
};

struct docker_answer {
	json_t *root;
	struct engine_label *labels;
};

void docker_answer_fini(struct docker_answer *answer);
static inline void
docker_answer_fini_cleanup(struct docker_answer *answer)
{
	docker_answer_fini(answer);
}

/* GET /version: the version to speak, such as "1.41". -ENOTSUP: none that both know. */
int docker_parse_version(const char *json, size_t size, char ret_version[DOCKER_VERSION_MAX],
	struct err *err);
/* GET /info; api_version is left NULL. */
int docker_parse_about(const char *json, size_t size, struct docker_answer *answer,
	struct engine_about *ret_about, struct err *err);
/* POST /containers/create. -EIO when it is not 1 to 64 hexadecimal digits. */
int docker_parse_id(const char *json, size_t size, char ret_id[ENGINE_ID_MAX + 1], struct err *err);
/* GET /containers/{id}/json */
int docker_parse_container(const char *json, size_t size, struct docker_answer *answer,
	struct engine_container *ret_container, struct err *err);
/* One item of GET /containers/json: id, name, status, labels. */
int docker_parse_item(const char *json, size_t size, struct docker_answer *answer,
	struct engine_container *ret_container, struct err *err);
/* A line of GET /events. */
int docker_parse_event(const char *json, size_t size, struct docker_answer *answer,
	struct engine_event *ret_event, struct err *err);
/* A line of GET /containers/{id}/stats. ret_ended: the container does not run (any more). */
int docker_parse_sample(const char *json, size_t size, struct engine_sample *ret_sample,
	bool *ret_ended, struct err *err);
/* GET /exec/{id}/json */
int docker_parse_exec(const char *json, size_t size, struct engine_exec *ret_exec, struct err *err);
/* The header X-Docker-Container-Path-Stat (NULL: none came). The name is cut to what fits. */
int docker_parse_path(const char *header, char ret_name[DOCKER_PATH_NAME_MAX],
	struct engine_path *ret_path, struct err *err);

/* "2024-05-06T07:08:09.123456789+02:00" in ns since the epoch; 0 for what is none or before it. */
uint64_t docker_parse_time(const char *text);
