/*
 * engine.h - a Docker Engine, asynchronously.
 *
 * engine_http.c speaks the Engine API over libcurl's multi interface on a libuv
 * loop; engine_mem.c is an engine in memory, on a clock of its own, for tests and
 * the simulator. tests/unit/test_engine.c runs one contract suite over both (the
 * real one when an engine is there), so that the second never promises more.
 *
 * Every operation returns at once; its callback runs exactly once, later, never
 * from inside the starting function, and everything it is handed is borrowed for
 * the callback. One thread, that of the loop.
 *
 * Failures carry what the engine said and a status of the caller's kind:
 *   -ENOENT     no such container, image or network
 *   -EEXIST     the name is taken
 *   -EINVAL     the engine refuses the request (400), or cannot run the program
 *   -EADDRINUSE a host port is taken
 *   -EBUSY      conflict with the present state (409)
 *   -EACCES     pull access denied, or the socket may not be opened
 *   -ENOSPC     the engine's disk is full
 *   -ECONNREFUSED, -ENOTCONN  no engine there
 *   -ETIMEDOUT  it does not answer
 *   -ENOTSUP    it speaks no version of the API that we do (1.24 to 1.45)
 *   -EIO        anything else (500)
 *   -ECANCELED  engine_cancel, or the engine was closed
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

enum {
	ENGINE_ID_MAX = 64,         /* hex digits of a container id */
	ENGINE_LINE_MAX = 1 << 20,  /* one JSON line of a stream */
	ENGINE_BODY_MAX = 64 << 20, /* one answer */
};

struct engine;
struct engine_op;

/* err->code 0: it worked. */
typedef void engine_done_fn(const struct err *err, void *arg);

/* ---- what an engine says of itself ---- */

struct engine_about {
	const char *id, *version, *api_version, *os, *arch, *kernel;
	const char *root_dir;                       /* of its storage, for disk figures */
	const char *cgroup_driver, *cgroup_version; /* "1" or "2" */
	const char *storage_driver, *backing_fs;    /* "overlay2" on "extfs"; "": it does not say */
	bool has_gpu_runtime;                       /* one that hands NVIDIA's devices out */
	uint64_t cpu_milli, memory_bytes;
};
typedef void engine_about_fn(const struct err *err, const struct engine_about *about, void *arg);
struct engine_op *engine_about(struct engine *engine, engine_about_fn *done, void *arg);

/* Whether it answers at all, which takes it no time: -ETIMEDOUT if not within patience_ms. */
struct engine_op *engine_ping(struct engine *engine, uint64_t patience_ms, engine_done_fn *done,
	void *arg);

/* ---- containers ---- */

enum engine_container_status {
	ENGINE_CREATED,
	ENGINE_RUNNING,
	ENGINE_PAUSED,
	ENGINE_RESTARTING,
	ENGINE_EXITED,
	ENGINE_DEAD, /* the engine could not remove it: like EXITED */
};

struct engine_label {
	const char *key, *value;
};

struct engine_container {
	const char *id, *name;
	enum engine_container_status status;
	const struct engine_label *labels;
	size_t n_labels;
	/* The rest is filled by inspect only. */
	int exit_code;
	bool oom_killed;
	const char *error;                            /* why it could not start, or "" */
	uint32_t restart_count;                       /* by the engine's own policy; ours is "no" */
	uint64_t created_ms, started_ms, finished_ms; /* 0: never */
	int64_t pid;
	const char *health; /* "", "starting", "healthy", "unhealthy" */
	const char *log_path;
	const char *address; /* in the first of its networks, or "" */
	bool has_host_network;
	uint64_t written_bytes; /* to its own file system; by inspect_size only */
};

struct engine_creation {
	const char *name;
	const char *body;     /* the engine's own JSON for POST /containers/create */
	const char *platform; /* "linux/arm64"; NULL: the engine's own. From API 1.41 on */
};
/* The callback gets the new id. */
typedef void engine_id_fn(const struct err *err, const char *id, void *arg);
struct engine_op *engine_container_create(struct engine *engine,
	const struct engine_creation *creation, engine_id_fn *done, void *arg);

/* Starting what runs already is success. */
struct engine_op *engine_container_start(struct engine *engine, const char *id,
	engine_done_fn *done, void *arg);
/* The container's own stop signal, then KILL after grace_ms. Ends when it has ended. Stopped
 * already: success. */
struct engine_op *engine_container_stop(struct engine *engine, const char *id, uint64_t grace_ms,
	engine_done_fn *done, void *arg);
struct engine_op *engine_container_kill(struct engine *engine, const char *id, const char *signal,
	engine_done_fn *done, void *arg);
/* Paused already, or running already: success. */
struct engine_op *engine_container_pause(struct engine *engine, const char *id,
	engine_done_fn *done, void *arg);
struct engine_op *engine_container_unpause(struct engine *engine, const char *id,
	engine_done_fn *done, void *arg);
/* Forced, with its anonymous volumes. Absent already: success. */
struct engine_op *engine_container_remove(struct engine *engine, const char *id,
	engine_done_fn *done, void *arg);

typedef void engine_container_fn(const struct err *err, const struct engine_container *container,
	void *arg);
struct engine_op *engine_container_inspect(struct engine *engine, const char *id,
	engine_container_fn *done, void *arg);

/* The same with written_bytes: the engine may count files for that, which takes a while. */
struct engine_op *engine_container_inspect_size(struct engine *engine, const char *id,
	engine_container_fn *done, void *arg);

/* All containers, whatever their status, that carry the label ("davit.node=<id>"). */
typedef void engine_list_fn(const struct err *err, const struct engine_container *containers,
	size_t n, void *arg);
struct engine_op *engine_container_list(struct engine *engine, const char *label,
	engine_list_fn *done, void *arg);

/* ---- images ---- */

/* Success: it is there. -ENOENT: it must be pulled. */
struct engine_op *engine_image_inspect(struct engine *engine, const char *image,
	engine_done_fn *done, void *arg);

/* All images, as the engine's own JSON. */
typedef void engine_json_fn(const struct err *err, const char *json, size_t size, void *arg);
struct engine_op *engine_image_list(struct engine *engine, engine_json_fn *done, void *arg);
/* Tags and layers that went, as the engine's own JSON. -ENOENT; -EBUSY: a container uses it. */
struct engine_op *engine_image_remove(struct engine *engine, const char *image, bool force,
	engine_json_fn *done, void *arg);
/* Images that no container uses: those without a name, or all. */
struct engine_op *engine_image_prune(struct engine *engine, bool all, engine_json_fn *done,
	void *arg);

struct engine_pull {
	const char *image;
	const char *auth;     /* base64url of X-Registry-Auth, or NULL */
	const char *platform; /* "linux/arm64"; NULL: the engine's own */
};
struct engine_progress {
	const char *text; /* a sentence: "3 of 5 layers, 12MiB of 40MiB" */
	uint32_t n_layers, n_layers_done;
	uint64_t bytes, bytes_total; /* of the layers that have begun: the total grows */
};
typedef void engine_progress_fn(const struct engine_progress *progress, void *arg);
/* progress may be NULL. */
struct engine_op *engine_image_pull(struct engine *engine, const struct engine_pull *pull,
	engine_progress_fn *progress, engine_done_fn *done, void *arg);

/* ---- streams: on_… any number of times, then done ---- */

struct engine_event {
	const char *type;   /* "container", … */
	const char *action; /* "start", "die", "oom", "destroy", "health_status: healthy", … */
	const char *id;
	const struct engine_label *attributes;
	size_t n_attributes;
	uint64_t time_ns;
};
typedef void engine_event_fn(const struct engine_event *event, void *arg);
/* Container events with the label, from since_ms on (0: from now). Ends only with an error. */
struct engine_op *engine_events(struct engine *engine, const char *label, uint64_t since_ms,
	engine_event_fn *on_event, engine_done_fn *done, void *arg);

enum engine_stream { ENGINE_STDOUT, ENGINE_STDERR };
struct engine_log_options {
	uint64_t since_ns; /* only lines at or after this; 0: all */
	uint32_t tail;     /* only the last lines; 0: all */
	bool follow;       /* go on until the container ends */
	bool timestamps;   /* each line begins with its RFC 3339 time and a space */
	bool tty;          /* the container has a terminal: the stream is not multiplexed */
	/*
	 * NULL, or told before the first piece of each message of the stream: a line, or a part
	 * of a long one, which has a time of its own but no newline. With a terminal nothing
	 * shows where they begin, and it is never called.
	 */
	void (*on_message)(enum engine_stream stream, void *arg);
};
/* Return false to pause the stream: engine_resume goes on. */
typedef bool engine_log_fn(enum engine_stream stream, const void *data, size_t size, void *arg);
struct engine_op *engine_logs(struct engine *engine, const char *id,
	const struct engine_log_options *options, engine_log_fn *on_data, engine_done_fn *done,
	void *arg);
void engine_resume(struct engine_op *op);

struct engine_sample {
	uint64_t ts_ms;
	uint64_t cpu_ns_total; /* since the container started */
	uint64_t memory_bytes; /* without inactive page cache, as `docker stats` counts */
	uint64_t memory_bytes_with_cache; /* all of it: what counts against its limit */
	uint64_t net_rx_bytes, net_tx_bytes, io_read_bytes, io_write_bytes, pids;
};
typedef void engine_sample_fn(const struct engine_sample *sample, void *arg);
/* About one a second. Ends when the container ends. */
struct engine_op *engine_stats(struct engine *engine, const char *id, engine_sample_fn *on_sample,
	engine_done_fn *done, void *arg);

/* ---- volumes and networks: the JSON text of the engine's own list ---- */

struct engine_op *engine_volume_list(struct engine *engine, engine_json_fn *done, void *arg);
struct engine_op *engine_network_list(struct engine *engine, engine_json_fn *done, void *arg);
/* Idempotent: a network of that name is success. Labels mark it as ours. */
struct engine_op *engine_network_create(struct engine *engine, const char *name,
	const struct engine_label *labels, size_t n_labels, engine_done_fn *done, void *arg);
/* A container gets another network, and is found there under the aliases, too. It is in that
 * network already: success. */
struct engine_attachment {
	const char *network, *container;
	const char *const *aliases;
	size_t n_aliases;
};
struct engine_op *engine_network_connect(struct engine *engine,
	const struct engine_attachment *attachment, engine_done_fn *done, void *arg);
/* -EBUSY while containers use it; absent: success. */
struct engine_op *engine_network_remove(struct engine *engine, const char *name,
	engine_done_fn *done, void *arg);

/* ---- all ---- */

/* Gives an operation up: its done runs later with -ECANCELED, and nothing else of it before. What
 * the engine was asked for may happen all the same. */
void engine_cancel(struct engine_op *op);

struct engine_http_options {
	const char *host; /* "unix:///var/run/docker.sock", "tcp://10.0.0.5:2375"; NULL: DOCKER_HOST
			     or the default */
	uint64_t timeout_ms; /* of calls that should be quick; stop adds its grace. 0: 30 s */
};
/*
 * Does not connect: the first operation does. -EINVAL for a host it does not understand. With
 * DOCKER_TLS_VERIFY in the environment, tcp:// is TLS with ca.pem, cert.pem and key.pem of
 * DOCKER_CERT_PATH.
 */
int engine_open_http(uv_loop_t *loop, const struct engine_http_options *options,
	struct engine **ret_engine, struct err *err);

/* The name or address of the machine that host (as above) is about, for the caller to free; NULL:
 * this machine, or nothing that is understood. */
char *engine_host_name(const char *host);

/*
 * Calls fn after each operation has ended: its kind ("start", "pull", …), its error's code (0: it
 * worked) and how long it took. Of engines in memory nothing is told.
 */
typedef void engine_ended_fn(const char *kind, int code, uint64_t ms, void *arg);
void engine_observe(struct engine *engine, engine_ended_fn *fn, void *arg);

/* Operations still under way end with -ECANCELED before this returns; those callbacks start nothing
 * new. The loop must run once more to let go of everything. NULL is fine. */
void engine_close(struct engine *engine);
CLEANUP_DEFINE(struct engine *, engine_close)
