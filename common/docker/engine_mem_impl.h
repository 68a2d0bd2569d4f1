/*
 * engine_mem_impl.h - the inside of the engine in memory, shared by its files.
 *
 * engine_mem.c            the world, its clients and its clock
 * engine_mem_op.c         what each operation does
 * engine_mem_container.c  containers: birth, life, death, ports
 * engine_mem_stream.c     events, logs, statistics
 * engine_mem_pipe.c       execs, attaching, archives; images
 * engine_mem_behaviour.c  what an image name or a command means
 * engine_mem_heap.c       what is due when
 * engine_mem_fault.c      faults and introspection
 * engine_mem_loop.c       the world on a real clock
 */
#pragma once

#include <jansson.h>
#include <uthash.h>

#include "common/base/buf.h"
#include "common/docker/engine_impl.h"
#include "common/docker/engine_mem.h"

/* ---- what is due when ---- */

struct mem_due {
	uint64_t at_ms;
	uint64_t seq; /* among equals, the first asked is the first served */
	size_t slot;  /* in the heap, from 1; 0: not due */
	void (*run)(struct engine_mem_world *world, struct mem_due *due);
};

struct mem_heap {
	struct mem_due **slots; /* slot 0 is unused */
	size_t n, room;
	uint64_t seq;
};

void engine_mem_heap_fini(struct mem_heap *heap);
/* Sets or moves. */
void engine_mem_heap_set(struct mem_heap *heap, struct mem_due *due, uint64_t at_ms);
void engine_mem_heap_drop(struct mem_heap *heap, struct mem_due *due);
struct mem_due *engine_mem_heap_first(const struct mem_heap *heap);

/* ---- behaviour ---- */

enum mem_step_kind {
	MEM_STEP_SLEEP,  /* n ms */
	MEM_STEP_PRINT,  /* text; n: an enum engine_stream */
	MEM_STEP_LINES,  /* n of them */
	MEM_STEP_HEALTH, /* n: healthy or not */
	MEM_STEP_OOM,
	MEM_STEP_EXIT, /* n: code */
	MEM_STEP_FOREVER,
};

struct mem_step {
	enum mem_step_kind kind;
	uint64_t n;
	char *text;
};

struct mem_behaviour {
	struct mem_step *steps;
	size_t n_steps;
	bool stubborn, bad_command;
	uint64_t slow_ms, writes;
	int stop_code; /* 0: 128 and the signal */
};

/* words: "exit:3/after:50ms". False: there is no word that it knows. */
bool engine_mem_behaviour_words(struct mem_behaviour *behaviour, const char *words);
/* argv: JSON array of strings. */
void engine_mem_behaviour_command(struct mem_behaviour *behaviour, const json_t *entrypoint,
	const json_t *command);
void engine_mem_behaviour_fini(struct mem_behaviour *behaviour);

enum mem_image_kind {
	MEM_IMAGE_THERE,
	MEM_IMAGE_MISSING,
	MEM_IMAGE_NOSUCH,
	MEM_IMAGE_DENIED,
	MEM_IMAGE_OFFLINE,
};
enum mem_image_kind engine_mem_image_kind(const char *image, uint64_t *ret_pull_ms);

/* ---- containers ---- */

struct mem_port {
	char key[16]; /* "tcp/8080" */
};

struct mem_line {
	uint64_t ts_ns;
	enum engine_stream stream;
	char *text; /* with its newline */
};

struct mem_container {
	UT_hash_handle by_id, by_name;
	struct engine_mem_world *world;
	unsigned refs;
	char id[ENGINE_ID_MAX + 1];
	char *name;
	char *strings; /* the ones below, and those of the labels */
	size_t n_strings;
	const char *image, *network;
	struct engine_label *attributes; /* labels, image, name, room for an exit code */
	size_t n_labels;
	struct mem_port *ports;
	size_t n_ports;
	struct mem_behaviour behaviour;
	bool tty;
	bool is_jammed; /* it can never start again */
	bool is_late;   /* its next step came due while it was paused */

	enum engine_container_status status;
	int exit_code;
	bool oom_killed, gone;
	const char *health;
	uint64_t created_ms, started_ms, finished_ms, start_until_ms;
	uint32_t n_starts;
	size_t history_at; /* its last start's place in the history */

	size_t step;
	struct mem_due life; /* its next step */
	struct mem_due end;  /* the end of its grace */
	int end_code;
	struct mem_line *lines; /* ring of ENGINE_MEM_LOG_LINES, made at the first line */
	uint64_t n_lines;       /* ever */
	struct mem_op *stoppers, *watchers;
};

/* Reads the text of a body; the container is not in the world yet. -EINVAL as the engine says it.
 */
int engine_mem_container_read(struct engine_mem_world *world, const char *name, const char *text,
	struct mem_container **ret_container, struct err *err);
/* Puts it into the world, which keeps a reference. -EEXIST, -ENOENT (image). */
int engine_mem_container_add(struct mem_container *container, struct err *err);
bool engine_mem_has_network(struct engine_mem_world *world, const char *network);
/* What it has written to its file system by now. */
uint64_t engine_mem_written(const struct mem_container *container);
/* Running or paused. */
bool engine_mem_container_is_up(const struct mem_container *container);
/* Paused already, or running already: nothing. -EBUSY when it is not up. */
int engine_mem_container_pause(struct mem_container *container, bool pause, struct err *err);
/*
 * How long a start takes that is asked for now. As the real one does it, a start holds the
 * container until it is done, and another that came meanwhile waits for it and finds that it was
 * started.
 */
uint64_t engine_mem_container_starting_ms(struct mem_container *container);
int engine_mem_container_start(struct mem_container *container, struct err *err);
/* Delivers a signal. -EBUSY when it does not run, -EINVAL for a signal that is none. */
int engine_mem_container_signal(struct mem_container *container, const char *signal,
	struct err *err);
/* Asks it to stop, and kills it at the end of its grace. */
void engine_mem_container_stop(struct mem_container *container, uint64_t grace_ms);
void engine_mem_container_die(struct mem_container *container, int exit_code, bool oom);
/* Takes it out of the world, dead or alive. */
void engine_mem_container_remove(struct mem_container *container, bool tell);
/* By id or name; NULL: none. */
struct mem_container *engine_mem_container_find(struct engine_mem_world *world, const char *id);
struct mem_container *engine_mem_container_ref(struct mem_container *container);
void engine_mem_container_unref(struct mem_container *container);
CLEANUP_DEFINE(struct mem_container *, engine_mem_container_unref)
/* filter: "key=value" or "key". */
bool engine_mem_container_matches(const struct mem_container *container, const char *filter);

/* ---- operations ---- */

struct mem_client {
	struct engine engine;
	struct engine_mem_world *world;
	bool owns_world;
};

/* What inspect and list saw, which may be over by the time that they tell it. */
struct mem_snapshot {
	struct mem_container *container;
	enum engine_container_status status;
	int exit_code;
	bool oom_killed;
	uint64_t started_ms, finished_ms;
	uint64_t written_bytes;
	const char *health;
};

struct mem_op {
	struct engine_op op;
	struct mem_due due;
	struct engine_mem_world *world;
	struct engine_call call;              /* its strings are this operation's own */
	struct mem_op *prev, *next;           /* in the world */
	struct mem_op *list_prev, *list_next; /* of subscribers, watchers or stoppers */
	struct mem_op **list;
	struct mem_container *container;
	struct mem_snapshot *snapshots;
	size_t n_snapshots;
	char *json;
	struct err err;
	uint64_t timeout_at_ms, cursor;
	bool slept, paused, follow;
	uint32_t n_starts; /* of its container when it fell asleep */
	struct buf input;  /* written by the caller */
	bool input_ended;
	bool lost;       /* it works, but the answer will not arrive */
	bool busy, dead; /* a callback of its stream is on the stack; free it afterwards */
};

void engine_mem_op_arrive(struct engine_mem_world *world, struct mem_due *due);
void engine_mem_op_reply(struct engine_mem_world *world, struct mem_due *due);
/* Sets its container; false, and its error, if there is none. */
bool engine_mem_op_find(struct mem_op *op);
/* Its client loses patience. */
void engine_mem_op_expire(struct engine_mem_world *world, struct mem_due *due);
/* The answer begins to travel. */
void engine_mem_op_answer(struct mem_op *op);
/* The engine hangs: true when the operation has to wait for it, or has run out of patience. */
bool engine_mem_op_held(struct mem_op *op);
void engine_mem_op_free(struct mem_op *op);
/* Leaves what the engine has accepted to itself: nobody waits for it any more. */
void engine_mem_op_ghost(struct mem_op *op);
void engine_mem_op_listen(struct mem_op *op, struct mem_op **list);
void engine_mem_op_unlisten(struct mem_op *op);
static inline struct mem_op *
engine_mem_op_of(struct mem_due *due)
{
	return (struct mem_op *)((char *)due - offsetof(struct mem_op, due));
}

/* ---- streams ---- */

struct mem_event {
	struct mem_container *container;
	const char *action;
	int number; /* an exit code, or the signal of a "kill"; -1: none */
	uint64_t time_ns;
};

struct mem_events {
	struct mem_event *items;
	size_t n, room;
	uint64_t base; /* number of the first item */
};

void engine_mem_event(struct mem_container *container, const char *action, int number);
void engine_mem_events_forget(struct engine_mem_world *world);
void engine_mem_events_open(struct mem_op *op);
void engine_mem_log_open(struct mem_op *op);
void engine_mem_log_print(struct mem_container *container, enum engine_stream stream,
	const char *text);
void engine_mem_stats_open(struct mem_op *op);
/* Tells the streams of a container that there is news. */
void engine_mem_watchers_wake(struct mem_container *container);

/* ---- pipes and images: effects as in engine_mem_op.c ---- */

bool engine_mem_exec_create(struct mem_op *op);
bool engine_mem_exec_start(struct mem_op *op);
bool engine_mem_exec_inspect(struct mem_op *op);
void engine_mem_exec_tell(const struct mem_op *op);
bool engine_mem_attach(struct mem_op *op);
bool engine_mem_path_stat(struct mem_op *op);
void engine_mem_path_tell(const struct mem_op *op);
bool engine_mem_archive_get(struct mem_op *op);
bool engine_mem_archive_put(struct mem_op *op);
bool engine_mem_image_list(struct mem_op *op);
bool engine_mem_image_remove(struct mem_op *op);
bool engine_mem_image_prune(struct mem_op *op);
size_t engine_mem_write(struct engine_op *op, const void *data, size_t size);
void engine_mem_write_end(struct engine_op *op);

/* ---- the world ---- */

struct mem_name {
	UT_hash_handle hh;
	char *text; /* also of a network: the JSON of its labels */
	char name[];
};

struct mem_plan {
	int code; /* 0: none */
	bool lost;
	char text[128];
};

struct engine_mem_world {
	struct engine_mem_options options;
	uint64_t now_ms, random;
	struct mem_heap heap;
	struct mem_container *by_id, *by_name;
	struct mem_name *images, *networks, *ports, *execs;
	struct buf archive;         /* the last that was put into any container */
	struct mem_op *ops;         /* all that are under way */
	struct mem_op *subscribers; /* of events */
	struct mem_events events;
	uint64_t n_created;
	uint64_t hang_until_ms, down_until_ms;
	struct mem_plan plans[ENGINE_CALL_COUNT];
	uint64_t n_calls[ENGINE_CALL_COUNT]; /* that arrived */
	struct engine_mem_view *history;
	struct mem_container **history_of;
	size_t n_history, history_room;
	engine_mem_visit_fn *on_run; /* or NULL */
	void *on_run_arg;
	char id[40];
	/* Of the loop that drives it, or NULL. */
	struct mem_loop *loop;
};

uint64_t engine_mem_random(struct engine_mem_world *world);
/* How long a request or an answer travels. */
uint64_t engine_mem_travel(struct engine_mem_world *world);
void engine_mem_due_in(struct engine_mem_world *world, struct mem_due *due, uint64_t in_ms);
/* As engine_mem_advance, but what is asked for on the way waits for the next call. */
void engine_mem_advance_once(struct engine_mem_world *world, uint64_t now_ms);
/* Something is due earlier than was thought. */
void engine_mem_loop_wake(struct engine_mem_world *world);
/* The loop lets go of the world and frees it when nothing can call back any more. */
void engine_mem_loop_end(struct engine_mem_world *world);
/* It runs, or it runs no longer: for the history and who wants to hear of it. */
void engine_mem_note_start(struct mem_container *container);
void engine_mem_note_end(struct mem_container *container);
struct mem_name *engine_mem_name_add(struct mem_name **set, const char *name, const char *text);
struct mem_name *engine_mem_name_find(struct mem_name *set, const char *name);
void engine_mem_name_drop(struct mem_name **set, struct mem_name *name);
