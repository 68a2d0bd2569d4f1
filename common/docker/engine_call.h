/*
 * engine_call.h - one operation on an engine as a value.
 *
 * The functions of engine.h fill one of these and hand it to the backend, so
 * that a backend is four functions and a table instead of twenty functions, and
 * so that a test can name an operation that is to fail.
 *
 * Strings are borrowed for the start of the operation: a backend that needs
 * them longer copies them.
 */
#pragma once

#include "common/docker/engine_pipe.h"

enum engine_call_kind {
	ENGINE_CALL_NONE,
	ENGINE_CALL_ABOUT,
	ENGINE_CALL_CREATE,
	ENGINE_CALL_START,
	ENGINE_CALL_STOP,
	ENGINE_CALL_KILL,
	ENGINE_CALL_PAUSE,
	ENGINE_CALL_UNPAUSE,
	ENGINE_CALL_REMOVE,
	ENGINE_CALL_INSPECT,
	ENGINE_CALL_LIST,
	ENGINE_CALL_IMAGE_INSPECT,
	ENGINE_CALL_PULL,
	ENGINE_CALL_EVENTS,
	ENGINE_CALL_LOGS,
	ENGINE_CALL_STATS,
	ENGINE_CALL_VOLUME_LIST,
	ENGINE_CALL_NETWORK_LIST,
	ENGINE_CALL_NETWORK_CREATE,
	ENGINE_CALL_NETWORK_CONNECT,
	ENGINE_CALL_NETWORK_REMOVE,
	ENGINE_CALL_EXEC_CREATE,
	ENGINE_CALL_EXEC_START,
	ENGINE_CALL_EXEC_INSPECT,
	ENGINE_CALL_EXEC_RESIZE,
	ENGINE_CALL_RESIZE,
	ENGINE_CALL_ATTACH,
	ENGINE_CALL_PATH_STAT,
	ENGINE_CALL_ARCHIVE_GET,
	ENGINE_CALL_ARCHIVE_PUT,
	ENGINE_CALL_IMAGE_LIST,
	ENGINE_CALL_IMAGE_REMOVE,
	ENGINE_CALL_IMAGE_PRUNE,
	ENGINE_CALL_PING,
	ENGINE_CALL_COUNT
};

struct engine_call {
	enum engine_call_kind kind;
	const char *target;     /* container, image or network; NULL: none */
	const char *text;       /* JSON body, signal, label, auth or path; NULL: none */
	const char *platform;   /* create, pull; NULL: none */
	uint64_t ms;            /* stop: grace; events: since; ping: patience */
	uint32_t rows, columns; /* of a terminal */
	bool flag; /* image remove: force; prune: all that are unused; inspect: what it wrote */
	struct engine_log_options logs;
	void (*on_open)(void *arg); /* of a pipe, as is on_room */
	void (*on_room)(void *arg);
	union {
		engine_progress_fn *progress;
		engine_event_fn *event;
		engine_log_fn *log;
		engine_sample_fn *sample;
	} on;
	union {
		engine_done_fn *plain;
		engine_about_fn *about;
		engine_id_fn *id;
		engine_container_fn *container;
		engine_list_fn *list;
		engine_json_fn *json;
		engine_exec_fn *exec;
		engine_path_fn *path;
	} done;
	void *arg;
};

/* Calls done for an operation that brings nothing: it failed, or it is of the plain kind. */
void engine_call_finish(const struct engine_call *call, const struct err *err);

/* "start", "pull", …: for messages. */
const char *engine_call_name(enum engine_call_kind kind);
