/*
 * witness.h - the second book: what was acknowledged, granted, seen and started.
 *
 * It is kept by what processes do (a commit, an answer, a container that starts),
 * never by what the manager's model says of the past. invariants.c compares the two.
 * Private to witness.c, invariants.c, converge.c and tamper.c.
 */
#pragma once

#include <uthash.h>

#include "common/model/task_fsm.h"
#include "services/manager/core.h"
#include "tests/sim/invariants.h"

enum { WITNESS_NOWHERE = SIM_WORKERS_MAX };

/* What the witness knows of a task. */
struct seen {
	struct id id;
	bool is_acked, may_go, must_start, must_stop, must_go; /* what users were told */
	bool may_end; /* by no move that is seen: its array was stopped, or its ttl is over */
	bool is_known, is_final; /* as the manager last committed it */
	enum task_state state;
	uint64_t finished_ms;
	int32_t exit_code;
	uint32_t attempt, granted; /* granted: the newest attempt in grants */
	uint8_t observed;
	Davit__Task__Desired desired;
	unsigned on;          /* number of the worker that it is on, or WITNESS_NOWHERE */
	uint64_t wordless_ms; /* since when it waits without words; 0: it does not */
	bool is_one_shot;     /* its restart policy is "no" */
	uint32_t n_running;   /* containers that run for it now */
	uint32_t n_starts;    /* that there ever were */
	unsigned runs_on;     /* where the last one was started */
	UT_hash_handle hh;
};

/* An attempt that the manager once put on a node: whoever runs it was told to. */
struct granted {
	struct {
		struct id task;
		uint64_t attempt;
	} key;
	unsigned on;
	UT_hash_handle hh;
};

struct asked {
	char request_id[32];
	struct id base;
	UT_hash_handle hh;
};

struct witness {
	struct seen *tasks;
	struct granted *grants;
	struct asked *asked;
	size_t n_running;   /* containers, as told by the engines */
	uint64_t next_full; /* the step from which a full check is due */
	bool must_drain[SIM_WORKERS_MAX], knows_drain[SIM_WORKERS_MAX];
};

struct seen *witness_see(struct witness *witness, struct id id);
struct granted *witness_find_grant(struct witness *witness, struct id task, uint32_t attempt);

/* The task as the model has it, or as it would if it had a record: that is put into look then.
 * NULL: it is gone. */
struct task *witness_find(struct sim *sim, struct id id, struct task *look);

/* The worker that a node is, by its name; WITNESS_NOWHERE for NULL. */
unsigned witness_number(const struct node *node);

/* Whose container it is. False: nobody's of ours. */
bool witness_read_labels(const struct engine_mem_view *view, struct id *ret_task,
	uint32_t *ret_attempt);

/* Compares one task, as it was just committed, with what is known of it, and remembers it. */
void invariants_look_at_task(struct sim *sim, const struct task *task);
/* It is not in the model any more. */
void invariants_look_at_gone(struct sim *sim, struct seen *seen);
void invariants_look_at_node(struct sim *sim, struct node *node);
/* Everything there is, against everything that is known. */
void invariants_check_all(struct sim *sim);
