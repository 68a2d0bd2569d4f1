/*
 * sim.h - a whole cluster in one thread, on a clock that is only a number.
 *
 * The real cores of manager, scheduler and workers run here, over calls, stores and
 * engines in memory. One seed decides everything: which message is lost, who dies
 * when, what users ask. The same seed gives the same run, step by step; a step is
 * one event of the queue.
 *
 *     sim.c         clock, queue, dice, trace
 *     network.c     calls between processes: late, lost, doubled, cut
 *     host_*.c      a process each: the shell around a core, its birth and its death
 *     users.c       people who submit, stop, remove, drain, and ask again
 *     faults.c      what goes wrong
 *     invariants.c  what must be true all the same (DESIGN: what must always be true)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/docker/engine_mem.h"
#include "services/manager/manager.h"

enum {
	SIM_WORKERS_MAX = 64,
	SIM_MANAGER = 0, /* numbers of processes */
	SIM_SCHEDULER = 1,
	SIM_USER = 2,
	SIM_WORKER = 3, /* the first; worker i is SIM_WORKER + i */
	SIM_PROCS_MAX = SIM_WORKER + SIM_WORKERS_MAX,
	SIM_TICK_MS = 100,
};

struct sim;
struct host_manager;
struct host_scheduler;
struct host_worker;
struct users;
struct witness;

/* What every process has. */
struct sim_proc {
	char name[16];
	uint64_t epoch; /* counts its lives: what belongs to an earlier one is dropped */
	bool is_up;
	int64_t wall_offset_ms; /* its calendar against the truth */
	int64_t drift;          /* of its monotonic clock, in thousandths */
};

struct sim_options {
	uint64_t seed;
	uint64_t steps;    /* events until faults stop */
	uint64_t quiet_ms; /* of the time to converge */
	unsigned n_workers;
	bool trace;
	bool calm; /* no faults, no users: for measuring */
};

typedef void sim_event_fn(struct sim *sim, void *arg);

struct sim_event {
	uint64_t at_ms, seq;
	sim_event_fn *fn;
	void *arg;
};

struct sim_link {
	bool is_cut; /* this direction */
};

struct sim {
	struct sim_options options;
	uint64_t now_ms, n_steps, next_seq;
	uint64_t dice;
	struct sim_event *heap;
	size_t n_events, room;
	struct sim_proc procs[SIM_PROCS_MAX];
	struct sim_link links[SIM_PROCS_MAX][SIM_PROCS_MAX]; /* [from][to] */
	unsigned loss, doubling;                             /* of messages, in thousandths */
	uint64_t delay_max_ms;
	bool faults_on, is_ending; /* ending: queued events only free what they own */
	struct host_manager *manager;
	struct host_scheduler *scheduler;
	struct host_worker *workers[SIM_WORKERS_MAX];
	struct users *users;
	struct witness *witness;
	char failure[512]; /* the first violation; "" while all is well */
};

/* Runs to its end. True if every invariant held; else sim->failure says which did not. */
bool sim_run(const struct sim_options *options, char *ret_failure, size_t size, uint64_t *ret_steps,
	uint64_t *ret_ms);

/* ---- for the parts ---- */

void sim_at(struct sim *sim, uint64_t at_ms, sim_event_fn *fn, void *arg);

/* 0 … n-1. */
uint64_t sim_roll(struct sim *sim, uint64_t n);
/* True in `per_mille` of a thousand throws. */
bool sim_chance(struct sim *sim, unsigned per_mille);
void sim_random(struct sim *sim, void *data, size_t size);

/* The clocks of a process, and when its monotonic clock will show that. */
uint64_t sim_mono(const struct sim *sim, unsigned proc);
uint64_t sim_wall(const struct sim *sim, unsigned proc);
uint64_t sim_when(const struct sim *sim, unsigned proc, uint64_t mono_ms);

void sim_trace(struct sim *sim, unsigned proc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Records the first violation; the run ends after this step. */
void sim_fail(struct sim *sim, const char *invariant, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The state machine's table with how often each cell was taken or refused, over all runs. */
void sim_coverage_print(void);
/* False if a cell that is allowed was never taken, or a forbidden one never offered. */
bool sim_coverage_is_full(void);
