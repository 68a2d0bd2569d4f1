/*
 * waiting.h - tasks that wait for a node: who is asked next, and what wakes whom.
 *
 * Every PENDING task that has a record is in one of four places: ready to be asked about, asked
 * about just now, blocked (refused), or waiting for a claim. Who is asked next: the highest
 * priority; within it namespaces in turn, and in a namespace its arrays in turn, tasks
 * that are no array's counting as one. Oldest first in each. A turn is one task, or up to
 * 16 while thousands are ready.
 *
 * Blocked tasks that want the same are one bucket, which knows what it lacks. When that
 * appears (room on a node, a node, a port, a neighbour) as many of a bucket are woken as
 * the news may help, not all of it; a slow sweep tries one of each bucket as a net.
 *
 * Of an array most may wait without a record (arrays.h). It is ready as long as one is ready that
 * has one; others get theirs in its turns, when a question takes more of it than have one.
 *
 * Part of the manager's core. waiting.c keeps the places, waiting_ask.c says who is asked about,
 * waiting_wake.c who is woken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/scheduler.pb-c.h"
#include "services/manager/model.h"

struct manager;

/* What a refused task lacks; bits. */
enum waiting_cause {
	WAITING_ROOM = 1,      /* CPU, memory, disk, devices, slots */
	WAITING_PORT = 2,      /* a host port */
	WAITING_NEIGHBOUR = 4, /* the right tasks near it, or fewer of its own */
	WAITING_NODE = 8,      /* a node of that kind, in that state */
	WAITING_AGAIN = 16,    /* nothing: the proposal was no good, so ask again soon */
	WAITING_ANYTHING = 31, /* nobody said */
};

struct waiting {
	struct level *levels; /* by priority, the lowest first */
	struct share *shares; /* uthash, as are the next two */
	struct line *lines;
	struct bucket *buckets;
	struct task_queue asked, claimed;
	size_t n_ready, n_blocked;
	size_t n_again;    /* buckets that lack WAITING_AGAIN */
	uint64_t n_served; /* places given so far: who was served last goes last */
	uint64_t n_pulls;  /* questions so far */

	/* waiting_wake.c */
	struct node *fresh; /* nodes with news */
	size_t n_fresh;
	struct bucket *neighbours; /* buckets that lack one */
	uint64_t generation;       /* of news; a bucket is woken once in each */
	uint64_t asked_generation; /* when the tasks were asked about */
	uint64_t n_moves;          /* of tasks to and from nodes, ever */
	uint32_t n_ports;          /* given back since the last look */
	bool is_stirred;           /* there is news */
	bool sweeps, repeats;      /* every bucket, or those that lack WAITING_AGAIN */

	bool is_hungry; /* of an array with elements that have no record fewer wait: arrays.h */
};

void waiting_init(struct waiting *waiting);
void waiting_fini(struct waiting *waiting);

/* A task has become PENDING. */
void waiting_add(struct manager *manager, struct task *task);
/* It is PENDING no more; called before it enters any other queue. */
void waiting_leave(struct manager *manager, struct task *task);

/*
 * The next tasks to ask about, up to n_max; they count as asked from here on. A gang comes
 * whole, one after the other. Elements of arrays get the records that they lack for it.
 */
size_t waiting_pull(struct manager *manager, struct task **ret_tasks, size_t n_max);
bool waiting_is_asked(const struct task *task);
/* Those that were asked about are ready again: nobody answered. */
void waiting_unask(struct manager *manager);

/* It was refused. causes: bits of enum waiting_cause. */
void waiting_block(struct manager *manager, struct task *task, unsigned causes);
/* It waits for its claim, or does not any more. */
void waiting_claim(struct manager *manager, struct task *task);
bool waiting_is_claimed(const struct task *task);
void waiting_unclaim(struct manager *manager, struct task *task);

/*
 * Of the array so few wait that others should get their records, and none of them is ready: only
 * then does it take part in no question.
 */
bool waiting_is_short(const struct manager *manager, const struct group *array);
/* How many tasks have a record and wait. */
size_t waiting_count_all(const struct waiting *waiting);
/* How many of the array's elements wait, in all four places; and why the first does, or NULL. */
size_t waiting_count(const struct waiting *waiting, const struct group *array);
const char *waiting_says(const struct waiting *waiting, const struct group *array);

/* What the words of a refusal mean. */
unsigned waiting_causes(const Davit__Refusal *refusal);

/* Every task that is ready, or all that wait; visit may make the task leave. */
typedef void waiting_fn(struct manager *manager, struct task *task);
void waiting_each_ready(struct manager *manager, waiting_fn *visit);
void waiting_each(struct manager *manager, waiting_fn *visit);

/* ---- news: waiting_wake.c ---- */

/* The task is about to leave for a node, or has just given its share of one back. */
void waiting_placed(struct manager *manager, struct task *task);
void waiting_released(struct manager *manager, const struct task *task, struct node *node);
/* The node joined, takes tasks again, or is another than it was. */
void waiting_node_changed(struct manager *manager, struct node *node);
/* Room on it came free that no task gave back. */
void waiting_node_roomier(struct manager *manager, struct node *node);
void waiting_forget_node(struct manager *manager, struct node *node);
/* So many ports came free, nobody knows where. */
void waiting_ports_free(struct manager *manager, uint32_t n);
void waiting_sweep(struct manager *manager);
/* What lacks WAITING_AGAIN is asked about again. */
void waiting_repeat(struct manager *manager);

/* Wakes whom the news may help; they are ready afterwards. */
void waiting_wake(struct manager *manager);

/* waiting_block after a refusal that was thought out when n_moves was so much. */
void waiting_block_at(struct manager *manager, struct task *task, unsigned causes,
	uint64_t n_moves);
