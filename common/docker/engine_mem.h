/*
 * engine_mem.h - an engine in memory, on a clock of its own.
 *
 * A world is the machine with its containers; clients (engine.h) are attached to
 * it, as many as wanted, and may come and go: the containers stay. Time is the
 * world's own: engine_mem_advance sets it and delivers everything that has come
 * due, in an order that the seed alone decides; engine_mem_on_loop drives it
 * from the real clock instead.
 *
 * What a container does is told, in this order, by
 *   its label "engine.mem", else its image, as words separated by '/':
 *     run:forever         until somebody ends it (the default)
 *     exit:N              ends with code N
 *     after:TIME          … this long after its start (units.h: "50ms"; "0")
 *     oom:TIME            is killed for memory after TIME: code 137, oom_killed
 *     log:N               writes N lines "line 1" … to stdout at its start
 *     health:ok|bad       reports healthy or unhealthy after its start
 *     stubborn:TERM       ignores every signal but KILL
 *     stop:N              ends with code N when it is asked to stop (default 143)
 *     writes:SIZE         has written so much to its file system 1 s after its start
 *     slow:TIME           starting it takes that much longer
 *     badcmd:X            starting it fails: no such program
 *   and of the image alone
 *     missing:TIME        not there; a pull brings it after TIME
 *     nosuch:X            not there, and a pull says "manifest unknown"
 *     denied:X            not there, and a pull says "pull access denied"
 *     offline:X           not there, and the registry does not answer
 *   so "missing:100ms/exit:3/after:50ms" is one image;
 *   else by its Entrypoint and Cmd, where it knows: true, false, echo WORDS, sleep SECONDS
 *   ("0.05", "50ms"), exit N, and sh -c with these separated by ';'.
 * Whatever it does not know runs for ever. Of the body of a create it reads Image, Labels,
 * Entrypoint, Cmd, Tty, HostConfig.PortBindings and HostConfig.NetworkMode.
 *
 * One thread. Memory is bounded by what exists, unless history is asked for.
 */
#pragma once

#include "common/docker/engine_call.h"

#define ENGINE_MEM_LABEL "engine.mem"

enum {
	ENGINE_MEM_EVENTS_KEPT = 256, /* that a late subscriber can still get, as in the engine */
	ENGINE_MEM_LOG_LINES = 1024,  /* kept of one container */
	ENGINE_MEM_STEPS_MAX = 64,    /* of one container's behaviour */
	ENGINE_MEM_PORTS_MAX = 1024,  /* of one container */
};

struct engine_mem_world;

struct engine_mem_options {
	uint64_t seed;
	uint64_t now_ms;       /* the clock at the beginning; 0: 1 */
	uint32_t latency_ms;   /* the longest that a request, and an answer, travels; 0: none */
	uint64_t timeout_ms;   /* as in engine_http_options; 0: 30 s */
	uint64_t cpu_milli;    /* of the machine; 0: 4000 */
	uint64_t memory_bytes; /* 0: 8 GiB */
	bool history;          /* remember every start for engine_mem_each_start */
	const char *engine_id; /* NULL: made from the seed */
	const char *storage_driver; /* as an engine says; NULL: "mem", which limits nothing */
	bool has_gpu_runtime;
};
struct engine_mem_world *engine_mem_world_new(const struct engine_mem_options *options);
/* Every client must be closed or abandoned before. NULL is fine. */
void engine_mem_world_free(struct engine_mem_world *world);
CLEANUP_DEFINE(struct engine_mem_world *, engine_mem_world_free)

/* A client. Closed by engine_close: its operations end with -ECANCELED at once, though what the
 * engine has accepted may still happen. */
struct engine *engine_mem_open(struct engine_mem_world *world);
/* The client's process dies: as engine_close, but nobody is called. NULL is fine. */
void engine_mem_abandon(struct engine *engine);

/* ---- time ---- */

uint64_t engine_mem_now(const struct engine_mem_world *world);
/* When the next thing happens; UINT64_MAX: never. */
uint64_t engine_mem_next(const struct engine_mem_world *world);
/* Time goes on to now_ms (never back); what comes due on the way happens at its own moment. */
void engine_mem_advance(struct engine_mem_world *world, uint64_t now_ms);
/* The same, one thing at a time. False: nothing is left to happen by now_ms. */
bool engine_mem_step(struct engine_mem_world *world, uint64_t now_ms);
/* It is now_ms, but what has come due is left to engine_mem_step. */
void engine_mem_tell_time(struct engine_mem_world *world, uint64_t now_ms);
/* The loop drives the world from now on. Stop it before the world is freed; the loop must run once
 * more after that. */
void engine_mem_on_loop(struct engine_mem_world *world, uv_loop_t *loop);
void engine_mem_off_loop(struct engine_mem_world *world);
/* world, client and loop in one, for a mem:// worker; engine_close ends all three. */
struct engine *engine_mem_open_on_loop(const struct engine_mem_options *options, uv_loop_t *loop);
/* The world behind a client. */
struct engine_mem_world *engine_mem_world_of(struct engine *engine);

/* ---- faults ---- */

/* The engine process dies and is back after down_ms. Operations under way fail with -ENOTCONN,
 * new ones with -ECONNREFUSED until then. Without live, every container dies (137). */
void engine_mem_restart(struct engine_mem_world *world, bool live, uint64_t down_ms);
/* Nothing is answered before until_ms; containers live on. Clients time out. */
void engine_mem_hang(struct engine_mem_world *world, uint64_t until_ms);
/* The next operation of that kind fails so, without effect. */
void engine_mem_fail_next(struct engine_mem_world *world, enum engine_call_kind kind, int code,
	const char *text);
/* The next operation of that kind takes effect, but its answer is lost: -ENOTCONN. */
void engine_mem_lose_next(struct engine_mem_world *world, enum engine_call_kind kind);
/* The container vanishes without a word. False: no such container. */
bool engine_mem_forget(struct engine_mem_world *world, const char *id);
/* The engine died within a start of the container and refuses every other one. False: no such
 * container. */
bool engine_mem_jam(struct engine_mem_world *world, const char *id);
/* A container ends by itself or by a stranger's hand, with its events. False: none runs so. */
bool engine_mem_end(struct engine_mem_world *world, const char *id, int exit_code, bool oom);
/* A stranger starts a container, with its events. False: no such container, or it cannot start. */
bool engine_mem_begin(struct engine_mem_world *world, const char *id);
/* A stranger removes a container, with its events. False: no such container. */
bool engine_mem_destroy(struct engine_mem_world *world, const char *id);
/* A container of somebody else, running; its id. */
const char *engine_mem_stranger(struct engine_mem_world *world, const char *name,
	const char *image);
/* A program outside holds a host port, or lets it go. protocol: "tcp", "udp". */
void engine_mem_hold_port(struct engine_mem_world *world, const char *protocol, unsigned port,
	bool held);

/* ---- looking in ---- */

/* Operations of that kind that have arrived, ever. */
uint64_t engine_mem_n_calls(const struct engine_mem_world *world, enum engine_call_kind kind);

struct engine_mem_view {
	const char *id, *name, *image;
	const struct engine_label *labels;
	size_t n_labels;
	enum engine_container_status status;
	int exit_code;
	uint64_t created_ms, started_ms, finished_ms;
	uint32_t n_starts;
	bool removed; /* only among starts */
};
typedef void engine_mem_visit_fn(const struct engine_mem_view *view, void *arg);
/* Every container there is, in the order of their creation. */
void engine_mem_each(struct engine_mem_world *world, engine_mem_visit_fn *visit, void *arg);
/* Every start there ever was, oldest first, with when it ended (0: still up), also of containers
 * since removed. Nothing without the history option. */
void engine_mem_each_start(struct engine_mem_world *world, engine_mem_visit_fn *visit, void *arg);
/* From now on visit is told whenever a container begins to run and whenever it ceases to; it may
 * look, and nothing else. */
void engine_mem_on_run(struct engine_mem_world *world, engine_mem_visit_fn *visit, void *arg);
/* The value of a label, or NULL. */
const char *engine_mem_label(const struct engine_mem_view *view, const char *key);
size_t engine_mem_count(const struct engine_mem_world *world);
