/*
 * worker.h - the core of one node: what it was told to run, and what its engine runs.
 *
 * Deterministic: no socket, file, clock, thread or chance of its own. What it
 * wants from outside goes through struct worker_ports and the engine it was
 * given; what happens outside comes in through the functions below and through
 * the engine's callbacks. A process may hold as many workers as it likes.
 *
 * Callbacks only take note; everything is decided in worker_tick, which the
 * owner calls after anything came in and when worker_due_ms has passed. One
 * thread, that of the engine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/base/cleanup.h"
#include "common/base/id.h"
#include "common/docker/engine.h"
#include "proto/rpc.pb-c.h"
#include "proto/worker.pb-c.h"
#include "services/worker/log_file.h"

struct worker;

/* An attempt that was started, or was about to be. */
struct worker_journal_entry {
	struct id task;
	uint32_t attempt;
};

/* A look at a port, from outside of the container. */
struct worker_probe {
	const char *address; /* in numbers, or a name */
	uint32_t port;
	const char *
		path; /* GET this over HTTP, 200 to 399 is healthy; NULL: that it accepts will do */
	uint64_t timeout_ms;
};
typedef void worker_probed_fn(bool ok, const char *why, void *arg);

struct worker_ports {
	void *arg;

	/*
	 * Starts a call of the Workers service: "RegisterNode", "Poll" or "LeaveNode". The request
	 * is borrowed. worker_answered follows exactly once per ticket, later, with
	 * DEADLINE_EXCEEDED or UNAVAILABLE when nothing was heard in timeout_ms.
	 */
	void (*call)(void *arg, uint64_t ticket, const char *method,
		const ProtobufCMessage *request, uint64_t timeout_ms);
	/* The connection seems dead: make a new one. May be NULL. */
	void (*redial)(void *arg);

	/*
	 * Remembers durably that these attempts are about to be started; worker_journaled follows,
	 * later. No second one is asked for before. entries are borrowed.
	 */
	void (*journal_add)(void *arg, const struct worker_journal_entry *entries, size_t n);
	/* These need not be remembered any more. */
	void (*journal_drop)(void *arg, const struct worker_journal_entry *entry);

	/* As worker_log_file_read and worker_log_file_tail (log_file.h). NULL: the engine is asked
	 * for logs. */
	int (*log_read)(void *arg, const char *path, struct worker_log_place *place,
		worker_log_line_fn *fn, void *fn_arg);
	int (*log_tail)(void *arg, const char *path, uint32_t n,
		struct worker_log_place *ret_place);

	/* The manager gave this node its id: keep it over restarts. May be NULL. */
	void (*save_node_id)(void *arg, const char *node_id);

	/* done follows exactly once, later. probe is borrowed. NULL: no checks but the engine's. */
	void (*probe)(void *arg, const struct worker_probe *probe, worker_probed_fn *done,
		void *done_arg);

	/*
	 * Who this node is to the image's registry: X-Registry-Auth, for the caller to free, or
	 * NULL. name: of the credential, or NULL for that of the registry. -ENOENT, -EINVAL with
	 * words. NULL: nobody anywhere.
	 */
	int (*registry_auth)(void *arg, const char *name, const char *image, char **ret_auth,
		struct err *err);

	/* Where a path of this machine really leads, for the caller to free; -errno. NULL: binds
	 * are judged by their texts. */
	int (*real_path)(void *arg, const char *path, char **ret_real);
	/*
	 * Ends with KILL what runs of a container that the engine has lost sight of: how many
	 * processes that were, so 0 when none is left; -errno with words. NULL: the engine's
	 * processes are not to be seen from here.
	 */
	int (*end_orphans)(void *arg, const char *container_id, struct err *err);
	/* Of the file system that holds path; -errno. NULL: not known. */
	int (*disk_usage)(void *arg, const char *path, uint64_t *ret_used, uint64_t *ret_total);
	/* How many processes the kernel of this machine has killed for lack of memory; -errno.
	 * NULL: not known. */
	int (*memory_kills)(void *arg, uint64_t *ret_n);
	/* NVIDIA's devices of this machine. NULL: none. */
	uint32_t (*count_gpus)(void *arg);
	/*
	 * Accepts the order to make a fault (chaos.h), as it is carried out in ret_fault, whose
	 * texts are the query's. -EINVAL with words; -EALREADY: it was carried out before. To kill
	 * a task is left to the caller. NULL: this node does not allow that.
	 */
	int (*chaos)(void *arg, const Davit__ChaosQuery *query, Davit__Fault *ret_fault,
		struct err *err);
	/* Keep this over restarts: options.pulled. May be NULL. */
	void (*save_pulled)(void *arg, const char *text);

	uint32_t (*random)(void *arg);
};

struct worker_declared;

/* What this node's operator allows and keeps back. */
struct worker_policy {
	uint64_t log_max_bytes; /* of a container's log, where its spec says nothing; 0: no limit */
	char *const *bind_dirs; /* what tasks may bind is in one of these; borrowed for ever */
	size_t n_bind_dirs;     /* 0: anything */
	/* Of what the machine has, where capacity is not declared: kept back, then multiplied. */
	uint64_t reserved_cpu_milli, reserved_memory_bytes, reserved_disk_bytes;
	uint32_t cpu_percent, memory_percent; /* 0: 100 */
	/* Images that were pulled for tasks go when none has used them for so long; 0: never. */
	uint64_t image_max_age_ms;
	/* And from this fill of the engine's disk on, in per cent, until that; 0: never. */
	uint32_t image_disk_high, image_disk_low;
};

/* Everything is copied, but for what is said to be borrowed. */
struct worker_options {
	struct worker_policy policy;
	const char *name;     /* of the node */
	const char *node_id;  /* as saved; NULL: never registered */
	const char *instance; /* random per start of the process */
	const char *address;  /* or NULL */
	const Davit__StringEntry *labels;
	size_t n_labels;
	const struct worker_declared *declared; /* borrowed for the worker's life; NULL: nothing */
	Davit__Resources capacity;              /* what is absent is taken from the engine, … */
	Davit__Resources fallback;  /* … or from here while the engine has never answered */
	unsigned start_limit;       /* creates and starts at one time; 0: it is found out, … */
	unsigned start_width;       /* … beginning with so many; 0: 4 */
	const char *engine_address; /* of another machine's engine; NULL: it is this machine's */
	const struct worker_journal_entry *started; /* what the journal holds */
	size_t n_started;
	const char *pulled; /* as saved, or NULL */
};

/* Borrows the engine, which must outlive the worker; ports are copied, their arg is borrowed. */
struct worker *worker_new(const struct worker_options *options, struct engine *engine,
	const struct worker_ports *ports);

/*
 * Gives up what is under way at the engine; containers go on. NULL is fine. The
 * operations given up still end, without anybody to tell, so the engine is
 * closed after this (engine_close frees what is left of them).
 */
void worker_free(struct worker *worker);
CLEANUP_DEFINE(struct worker *, worker_free)

/* Decides and acts. Both clocks in ms: one that never goes back, and the calendar's. */
void worker_tick(struct worker *worker, uint64_t mono_ms, uint64_t wall_ms);

/* When, on the first clock, worker_tick is to be called again although nothing came in. */
uint64_t worker_due_ms(const struct worker *worker);

/* The end of a call. message and response are borrowed; response is NULL unless OK. */
void worker_answered(struct worker *worker, uint64_t ticket, Davit__Reply__Status status,
	const char *message, const ProtobufCMessage *response);

/* The end of ports.journal_add; err->code 0: they are on disk. */
void worker_journaled(struct worker *worker, const struct err *err);

/* Announces that this worker goes away for a while. Then wait for worker_has_left. */
void worker_leave(struct worker *worker);
bool worker_has_left(const struct worker *worker);

/* ---- for the shell, tests and the simulator ---- */

const char *worker_node_id(const struct worker *worker); /* "" before the first registration */
uint64_t worker_session(const struct worker *worker);    /* 0 while not registered */
bool worker_is_registered(const struct worker *worker);
const char *worker_engine_trouble(const struct worker *worker); /* NULL: the engine works */
/* Of the engine, once it has answered; else NULL. Strings are the worker's. */
const struct engine_about *worker_engine_facts(const struct worker *worker);
size_t worker_n_slots(const struct worker *worker);
unsigned worker_start_width(const struct worker *worker); /* starts at one time, now */
unsigned worker_n_pulls(const struct worker *worker);     /* under way */

/* A container that runs now. */
struct worker_running {
	struct id task;
	uint32_t attempt;
	const char *container_id;
	int64_t pid;     /* 0: not known */
	uint64_t serial; /* differs between any two attempts of this worker's life */
};
typedef void worker_running_fn(const struct worker_running *running, void *arg);
void worker_each_running(const struct worker *worker, worker_running_fn *fn, void *arg);
