/*
 * manager.h - the manager's core: it decides; it has no socket, file, clock, thread or chance.
 *
 * A shell (shell.c over libuv, nng and SQLite; the simulator over memory) feeds
 * inputs, one at a time, then lets the core seal a batch, commits its writes, and
 * tells the core how that went:
 *
 *     manager_call(m, now, call); manager_tick(m, now); …     // decide
 *     writes = manager_seal(m);                               // what to remember
 *     manager_ask(m);                                         // or after the next, not later
 *     store_commit(store, writes, &err) == 0                  // remember
 *             ? manager_release(m)                            // act: replies, events
 *             : manager_abort(m, err.text);                   // nothing happened; load again
 *
 * While a sealed batch is being committed, inputs go on, into the next batch, which is sealed
 * once that one was released. What a batch says is made when it is sealed: it tells nothing of
 * the next one. If its commit fails, both are gone.
 *
 * Nothing leaves the core between the first input and manager_release, but for a question to
 * the scheduler (from manager_ask) and the answer to a read that saw only what is committed. The
 * same inputs give the same outputs. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/rpc/call.h"
#include "common/store/store.h"
#include "proto/manager.pb-c.h"
#include "proto/scheduler.pb-c.h"
#include "proto/worker.pb-c.h"
#include "services/manager/ledger.h"

struct manager;

/* The two clocks, as the shell read them (clock.h). */
struct manager_now {
	uint64_t mono_ms, wall_ms;
};

struct manager_strategy {
	char namespace_name[64];
	Davit__TaskSpec__Strategy strategy;
};

struct manager_config {
	const char *name;          /* of the cluster, for people; borrowed */
	const char *scheduler_url; /* for sentences; borrowed, as are the next three */
	const char *feed_url, *feed_json_url, *stats_url;
	struct ledger_range ports;   /* of dynamic host ports */
	uint64_t poll_ms;            /* how long a worker's Poll is parked; > 0 */
	uint64_t silent_ms;          /* without a Poll for so long a node is UNKNOWN; > poll_ms */
	uint64_t restart_grace_ms;   /* after a start nothing is moved before this */
	uint32_t history_max;        /* ended tasks that are kept … */
	uint64_t history_age_ms;     /* … after their end; 0: any time */
	uint32_t history_containers; /* of them, whose containers are kept; the rest is on disk */
	size_t requests_bytes_max;   /* remembered answers */
	uint32_t preempt_above;      /* tasks of greater priority may preempt; 100: none may */
	uint64_t claim_after_ms;     /* a task that has waited so long may have room kept for it */
	uint64_t sweep_ms;           /* blocked tasks are tried again so often, whatever happens */
	/* Strategies where a spec names none. */
	Davit__TaskSpec__Strategy strategy;        /* CLUSTER: the scheduler's own */
	const struct manager_strategy *strategies; /* of namespaces; borrowed */
	size_t n_strategies;
	const char *const *allowed_nodes; /* names; NULL: any may join */
	size_t n_allowed_nodes;
	uint32_t nodes_max, tasks_max; /* MANAGER_NODES_MAX, MANAGER_TASKS_MAX; tests have less */
	/* MANAGER_ARRAY_AHEAD…; at least 1, but for the last; tests have less. */
	uint32_t array_ahead, array_ahead_low, array_ahead_all;
	uint32_t cut_step; /* at least 1; MANAGER_CUT_STEP; tests have less */
	bool allows_chaos; /* faults may be made on purpose */
};

/* The defaults of limits.h. */
void manager_config_init(struct manager_config *config);

struct manager_ports {
	/* Fills data with chance. */
	void (*random)(void *arg, void *data, size_t size);
	/*
	 * Asks the scheduler; the answer comes by manager_placed, and not before manager_ask
	 * has returned. Called from there only, never while an earlier question is unanswered.
	 */
	void (*place)(void *arg, const Davit__PlaceRequest *request);
	/* Tells subscribers; may be lost. From manager_release and manager_node_stats. */
	void (*publish)(void *arg, const char *topic, const ProtobufCMessage *message);
	/*
	 * Appends what the store has under that key, of what was committed: as store_get does.
	 * Called while calls are handled.
	 */
	int (*read)(void *arg, const char *key, struct buf *ret_value, struct err *err);
	void *arg;
};

/* Both are copied; what config borrows must outlive the manager. */
struct manager *manager_new(const struct manager_config *config, const struct manager_ports *ports);
void manager_free(struct manager *manager);
CLEANUP_DEFINE(struct manager *, manager_free)

/*
 * Builds the model from the store, forgetting what was in memory. Call it before
 * the first input and after manager_abort. -EUCLEAN for records that make no sense,
 * with the key; the store's own errors.
 */
int manager_load(struct manager *manager, struct store *store, struct manager_now now,
	struct err *err);

/* A call of davit.Manager or davit.Workers; the core owns it from here. */
void manager_call(struct manager *manager, struct manager_now now, struct rpc_call *call);

/* As manager_call would, but while nothing can be written: refused, and a Poll is a heartbeat. */
void manager_refuse(struct manager *manager, struct manager_now now, struct rpc_call *call);

/* The scheduler's answer, or why there is none (status not OK; reply is NULL then). */
void manager_placed(struct manager *manager, struct manager_now now, Davit__Reply__Status status,
	const char *message, const Davit__PlaceReply *reply);

/* Figures of a node, from the lossy feed. Foreign bytes, decoded: values may be anything. */
void manager_node_stats(struct manager *manager, struct manager_now now,
	const Davit__NodeStats *stats);

/*
 * For so long calls wait to be handed over, or their answers to be committed: what is not heard
 * may be among them, and is not silent yet. Before manager_tick; until it is said anew.
 */
void manager_set_backlog(struct manager *manager, uint64_t waits_ms);

/* Time has passed; every MANAGER_TICK_MS or so. */
void manager_tick(struct manager *manager, struct manager_now now);

/*
 * Closes the batch and opens the next. The writes (perhaps none) are valid until release or
 * abort; they may be read in another thread. Not while one is sealed already.
 */
const struct store_batch *manager_seal(struct manager *manager);

/*
 * Asks the scheduler what is due, if nothing is being asked. To be called after manager_seal,
 * before the next input: at once, or when the batch is on its way, or is released. Not after its
 * commit failed and the model could not be loaded again.
 */
void manager_ask(struct manager *manager);

/* True when sealing and asking now would give something: a write, an answer, a question. */
bool manager_has_work(const struct manager *manager);

/* The sealed batch is committed. */
void manager_release(struct manager *manager);

/*
 * True when so much was decided and is not released that more would crowd out what subscribers
 * have not been told: inputs that can wait should.
 */
bool manager_is_ahead(const struct manager *manager);

/*
 * Every call of the sealed batch and of the open one, and every parked one, is answered
 * UNAVAILABLE with the reason.
 */
void manager_abort(struct manager *manager, const char *reason);

/* True when sealing now would give writes, as far as that can be told before. */
bool manager_has_writes(const struct manager *manager);

/* For the shell to show in GetCluster; "" is well. */
void manager_set_store_trouble(struct manager *manager, const char *trouble);

/* True for the methods that are marked [changes] in proto/manager.proto. */
bool manager_call_changes(const struct rpc_call *call);

/* True for those that only look, and are answered at once: none that may be parked. Any thread. */
bool manager_method_reads(const char *method);
