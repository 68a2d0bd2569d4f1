/*
 * worker_world.h - one worker, an engine in memory and a manager that keeps to the contract.
 *
 * Time is the engine's: world_run lets it pass, moment by moment. The worker may
 * be killed and born again at any time; engine, journal and manager stay.
 */
#pragma once

#include "common/docker/engine_mem.h"
#include "services/worker/worker.h"
#include "tests/lib/fault.h"
#include "tests/lib/test.h"

enum { WORLD_TASKS_MAX = 2048, WORLD_CALLS_MAX = 16 };

#define WORLD_NODE "01890000-0000-7000-8000-00000000aaaa"

struct world_call {
	uint64_t ticket, deadline_ms, park_until_ms;
	bool is_parked, is_lost;
	const char *method;
	Davit__PollRequest *poll; /* owned; NULL for other methods */
};

struct world_task {
	struct id id;
	uint32_t attempt;
	Davit__Task__Desired desired;
	bool is_assigned, has_ended, is_dropped, has_stop_timeout;
	bool wants_pause;
	uint32_t pause_generation, known_restarts;
	uint64_t stop_timeout_ms, version, created_ms;
	Davit__TaskSpec *spec; /* borrowed */
	uint32_t host_port, container_port;
	/* What was reported of the present attempt. */
	Davit__TaskReport__Observed observed;
	Davit__TaskReport__Cause cause;
	Davit__Task__Phase phase;
	char message[512], container_id[80];
	bool has_exit_code, oom_killed;
	int exit_code;
	uint32_t restart_count, busy_port;
	uint64_t started_ms, finished_ms;
	unsigned n_reports;
};

struct world {
	struct engine_mem_world *engine_world;
	struct engine *engine;
	struct worker *worker;
	bool is_down; /* the manager answers nothing */
	bool is_node_known;
	uint64_t version, session, poll_ms, dead_session;
	struct world_task tasks[WORLD_TASKS_MAX];
	size_t n_tasks;
	struct world_call calls[WORLD_CALLS_MAX];
	size_t n_calls;
	struct worker_journal_entry journal[WORLD_TASKS_MAX];
	size_t n_journal, n_journal_wanted;
	bool is_journaling;
	bool journal_fails;
	unsigned n_registered, n_polls, n_redials, n_complete, n_left;
	char engine_trouble[256];
	Davit__Query *query;          /* to be asked with the next reply; borrowed */
	Davit__QueryAnswer *answer;   /* the last one; owned */
	worker_probed_fn *probe_done; /* of the look at its health under way, or NULL */
	void *probe_arg;
	struct worker_probe probe; /* the last one; its path is the spec's */
	char probe_address[64];
	unsigned n_probes;
	bool probe_fails;
	struct fault *lose_reply; /* which answer of the manager is lost */
	struct fault *crash;      /* before which step the worker is killed and born again */
	uint32_t chance;
	bool skip_version;      /* the next increment has a gap before it */
	bool are_sessions_dead; /* every one is over as soon as it began */
	uint64_t registered_cpu_milli, registered_disk_bytes;
	uint32_t registered_gpus, n_gpus; /* n_gpus: of the machine */
	struct worker_policy policy;      /* of the next birth */
	unsigned n_orphans;               /* run of what the engine has lost; no more when asked */
	bool orphans_stay;                /* they cannot be ended */
	bool adapts;                      /* how many starts it makes at one time; else 4 */
	char *pulled;                     /* as saved; owned */
	uint64_t disk_used, disk_total;   /* of the engine's disk; total 0: not known */
	size_t most_reports;              /* in one poll */
	bool tells_kills;                 /* the kernel counts whom it kills for lack of memory: */
	uint64_t memory_kills;
};

void world_init(struct world *world);
/* The same on another engine; what options leave open is as in world_init. */
void world_init_with(struct world *world, const struct engine_mem_options *options);
void world_fini(struct world *world);
/* The worker dies without a word, and a new one is born. */
void world_crash(struct world *world);
void world_run(struct world *world, uint64_t ms);
/* Runs until the condition holds; false after max_ms. */
bool world_until(struct world *world, bool (*holds)(struct world *world), uint64_t max_ms);

/* Assigns attempt of task number n. spec is borrowed for the world's life. */
struct world_task *world_assign(struct world *world, unsigned n, uint32_t attempt,
	Davit__TaskSpec *spec);
void world_want(struct world *world, struct world_task *task, Davit__Task__Desired desired);
struct id world_id(unsigned n);
/* Until the task is reported so; fails the test after max_ms. */
void world_expect(struct world *world, struct world_task *task,
	Davit__TaskReport__Observed observed, uint64_t max_ms);
void world_ask(struct world *world, Davit__Query *query, uint64_t max_ms);

/* A spec that runs an image of engine_mem's. */
struct world_spec {
	Davit__TaskSpec spec;
	Davit__RestartPolicy restart;
	Davit__Disconnect disconnect;
};
void world_spec_init(struct world_spec *spec, const char *image);

/* worker_world_disk.c: ports of the worker. */
void world_port_journal_add(void *arg, const struct worker_journal_entry *entries, size_t n);
void world_port_journal_drop(void *arg, const struct worker_journal_entry *entry);
void world_port_save_node_id(void *arg, const char *node_id);
void world_port_save_pulled(void *arg, const char *text);
uint32_t world_port_count_gpus(void *arg);
int world_port_memory_kills(void *arg, uint64_t *ret_n);
int world_port_end_orphans(void *arg, const char *container_id, struct err *err);
int world_port_disk_usage(void *arg, const char *path, uint64_t *ret_used, uint64_t *ret_total);

/* worker_world_probe.c: the port of the worker, and its answer, once; true if there was a question.
 */
void world_port_probe(void *arg, const struct worker_probe *probe, worker_probed_fn *done,
	void *done_arg);
bool world_answer_probe(struct world *world);
