/*
 * engine_pipe.h - what goes both ways: exec, attach, and archives in and out of a container.
 *
 * As in engine.h: every operation returns at once, its done runs exactly once,
 * later. Bytes are bounded in both directions: on_data stops the stream by
 * returning false (engine_resume goes on), engine_write takes only what there is
 * room for, and on_room tells when there is room again.
 */
#pragma once

#include "common/docker/engine.h"

enum { ENGINE_WRITE_MAX = 1 << 18 }; /* bytes written that the engine has not taken yet */

/* Whom to tell. All but done may be NULL. */
struct engine_pipe {
	engine_log_fn *on_data;
	void (*on_open)(void *arg); /* the engine has begun */
	void (*on_room)(void *arg); /* after engine_write took less than it was given */
	engine_done_fn *done;
	void *arg;
};

/* body: the engine's own JSON for POST /containers/ID/exec. The callback gets the exec's id.
 * -EBUSY: the container does not run. */
struct engine_op *engine_exec_create(struct engine *engine, const char *id, const char *body,
	engine_id_fn *done, void *arg);

/* Runs it; done when it has ended. tty as in the body. */
struct engine_op *engine_exec_start(struct engine *engine, const char *exec_id, bool tty,
	const struct engine_pipe *pipe);

struct engine_exec {
	bool is_running;
	int exit_code;
	int64_t pid; /* 0: never started */
};
typedef void engine_exec_fn(const struct err *err, const struct engine_exec *exec, void *arg);
struct engine_op *engine_exec_inspect(struct engine *engine, const char *exec_id,
	engine_exec_fn *done, void *arg);

/* The terminal has another size. */
struct engine_size {
	uint32_t rows, columns;
};
struct engine_op *engine_exec_resize(struct engine *engine, const char *exec_id,
	struct engine_size size, engine_done_fn *done, void *arg);
struct engine_op *engine_container_resize(struct engine *engine, const char *id,
	struct engine_size size, engine_done_fn *done, void *arg);

/* The container's own streams, from now on; done when it has ended. */
struct engine_op *engine_attach(struct engine *engine, const char *id, bool tty,
	const struct engine_pipe *pipe);

/* ---- archives ---- */

struct engine_path {
	const char *name; /* the last part */
	bool is_directory;
	uint64_t size_bytes;
};
typedef void engine_path_fn(const struct err *err, const struct engine_path *path, void *arg);
/* -ENOENT: no such container, or no such path. */
struct engine_op *engine_path_stat(struct engine *engine, const char *id, const char *path,
	engine_path_fn *done, void *arg);

/* on_data gets a tar archive (as ENGINE_STDOUT). */
struct engine_op *engine_archive_get(struct engine *engine, const char *id, const char *path,
	const struct engine_pipe *pipe);
/* A tar archive is written, to be unpacked in the directory; engine_write_end, then done. */
struct engine_op *engine_archive_put(struct engine *engine, const char *id, const char *path,
	const struct engine_pipe *pipe);

/* ---- of exec, attach and archive_put, until done has run ---- */

/* How many of the bytes were taken. */
size_t engine_write(struct engine_op *op, const void *data, size_t size);
/* Nothing follows. Over TLS the engine does not see the end of an exec's or attach's input. */
void engine_write_end(struct engine_op *op);
