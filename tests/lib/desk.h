/*
 * desk.h - a manager's core on a table: store and calls in memory, a clock by hand.
 *
 * The test plays the workers and the scheduler. desk_turn is one turn of the shell:
 * seal, commit, release; and the scheduler's answer, if the desk plays it (the first
 * node that is schedulable and fits, in the order of registration).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/rpc/client.h"
#include "common/store/store.h"
#include "common/store/store_mem.h"
#include "services/manager/core.h"

/* What came back for a call. */
struct desk_reply {
	bool is_there;
	Davit__Reply__Status status;
	char message[512], field[128], note[128];
	ProtobufCMessage *response; /* NULL unless OK */
};

void desk_reply_fini(struct desk_reply *reply);

struct desk {
	struct manager *manager;
	struct store *store;
	struct manager_config config;
	struct manager_now now;
	uint64_t chance;
	bool no_scheduler;             /* questions stay unanswered */
	Davit__PlaceRequest *question; /* unpacked copy of the one under way */
	unsigned n_questions;
	char topics[64][128]; /* the last publications */
	unsigned n_published;
};

void desk_init(struct desk *desk);
void desk_fini(struct desk *desk);

/* The process dies (nothing uncommitted is left) and a new one loads the store. */
void desk_restart(struct desk *desk);

/* Lets turns happen until there is nothing to do. */
void desk_turn(struct desk *desk);

/* Time passes in ticks. */
void desk_pass(struct desk *desk, uint64_t ms);

/* Hands the call over without a turn; the reply is filled when it comes. */
void desk_send(struct desk *desk, const char *method, const ProtobufCMessage *request,
	const char *request_id, struct desk_reply *reply);

/* The same and a turn; fails the test if the reply is not OK. The response is the caller's. */
ProtobufCMessage *desk_ask(struct desk *desk, const char *method, const ProtobufCMessage *request);

/* ---- a worker ---- */

struct desk_worker {
	struct desk *desk;
	char node_id[64], name[64];
	uint64_t session, version;
	struct desk_reply *poll; /* of the Poll under way */
	Davit__PollReply *last;  /* the last that was applied */
	bool is_silent;
};

void desk_worker_join(struct desk *desk, struct desk_worker *worker, const char *name,
	uint64_t cpu_milli);
/* After desk_fini, which answers what is parked. */
void desk_worker_fini(struct desk_worker *worker);

/* Takes the answer of the parked Poll, if it came, and polls again, with a report or NULL. */
void desk_worker_poll(struct desk_worker *worker, const Davit__TaskReport *report);

/* A report about an assignment, sent and answered. */
void desk_worker_report(struct desk_worker *worker, const char *task_id, uint32_t attempt,
	Davit__TaskReport__Observed observed, int exit_code);

/* The assignment of that task in the last answer that had one, or NULL. */
const Davit__Assignment *desk_worker_assignment(const struct desk_worker *worker,
	const char *task_id);

/* ---- shorthand ---- */

/* Submits a task of image "demo"; cpu 0: none. Returns its id in ret_id. */
void desk_submit(struct desk *desk, const char *name, uint64_t cpu_milli, bool restarts,
	char ret_id[ID_TEXT_SIZE]);
/* Asks for its end, by id or name; one that is PENDING ends at once. */
void desk_stop(struct desk *desk, const char *task);
/* The task as it is; borrowed from the model. */
struct task *desk_task(struct desk *desk, const char *id);
struct node *desk_node(struct desk *desk, const char *name);
