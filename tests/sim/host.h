/*
 * host.h - the processes of the simulated cluster: each a core with the shell's duties.
 *
 * kill is -9 at this moment: what was not on disk is gone. start makes the next life
 * from what the disk holds. Both may be called at any time; starting what runs does
 * nothing.
 */
#pragma once

#include "common/rpc/call.h"
#include "services/worker/worker.h"
#include "tests/sim/sim.h"

struct node;

/* ---- manager ---- */

struct host_manager {
	struct sim *sim;
	struct store *store;
	struct manager *core; /* NULL while it is down */
	bool turn_is_due;
	bool is_committing; /* a batch is sealed, and the core does not know what became of it */
	int rc;             /* what did, and why */
	struct err err;
	uint64_t reload_ms;     /* the store could not be read: nothing is served before */
	uint64_t full_until_ms; /* the disk is full */
};

void host_manager_init(struct sim *sim);
void host_manager_fini(struct sim *sim);
void host_manager_start(struct sim *sim);
void host_manager_kill(struct sim *sim);
/* A call has arrived; owned from here. */
void host_manager_take(struct sim *sim, struct rpc_call *call);
/* A report that no worker made arrives as if from that node. The manager is up. */
void host_manager_forge(struct sim *sim, const Davit__TaskReport *report, struct node *from);

/* ---- scheduler ---- */

void host_scheduler_init(struct sim *sim);
void host_scheduler_fini(struct sim *sim);
void host_scheduler_start(struct sim *sim);
void host_scheduler_kill(struct sim *sim);
void host_scheduler_take(struct sim *sim, struct rpc_call *call);

/* ---- workers ---- */

struct host_worker {
	struct sim *sim;
	unsigned index, proc;
	char name[16];
	struct engine_mem_world *world; /* the machine: outlives the process */
	struct engine *engine;
	struct worker *core;
	uint64_t capacity_cpu_milli;
	char node_id[64];                     /* on disk */
	struct worker_journal_entry *journal; /* on disk */
	size_t n_journal, journal_room;
	bool journal_fails;                 /* the next write does */
	uint64_t armed_ms, engine_armed_ms; /* when an event is queued for; 0: none */
};

void host_worker_init(struct sim *sim, unsigned index);
void host_worker_fini(struct sim *sim, unsigned index);
void host_worker_start(struct sim *sim, unsigned index);
void host_worker_kill(struct sim *sim, unsigned index);
/* The engine's world may have changed from outside: look soon. */
void host_worker_poke(struct sim *sim, unsigned index);
