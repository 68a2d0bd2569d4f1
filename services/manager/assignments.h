/*
 * assignments.h - what each node shall run, told as one full set and then as increments.
 *
 * The set of a node is its tasks with on_node; nothing of it is stored. Changes are
 * marked while inputs are applied, and assignments_seal answers the parked Poll of
 * every node that has something to hear. An increment names the version that it
 * applies to; whenever the worker has another one, it gets the full set.
 *
 * A late answer of an earlier life of the manager must never pass for a newer one, so
 * versions are led by the number of that life, which is kept in the store: the first
 * answer with tasks that a life lets out is in one batch with it. Should that write fail,
 * workers are told nothing until it succeeds (their Polls are answered, so they stay
 * alive). A store that is put back to an earlier state counts lives again that workers
 * have seen: then what they say they have is gone beyond, as far as they say it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/worker.pb-c.h"

struct manager;
struct node;
struct task;
struct rpc_call;

enum { ASSIGNMENTS_LIVES_MAX = INT32_MAX };

struct assignments {
	struct node *nodes; /* to be looked at by assignments_seal */
	uint64_t mark;      /* of the message that is being built */
	uint64_t life;      /* of this process, from 1; 0: nothing was loaded yet */
	uint64_t highest;   /* version that this life gave out, or began with */
	bool is_life_noted; /* in the store, or in the batch */
};

/* An empty model is about to be filled from a store that knows of so many lives. */
void assignments_begin(struct manager *manager, uint64_t lives);
/* All but the life is forgotten: the model is. */
void assignments_reset(struct assignments *assignments);

/* What the node shall know of the task has changed. */
void assignments_changed(struct manager *manager, struct task *task);
/* The node reported that nothing is left of the task's attempt. */
void assignments_dropped(struct manager *manager, struct task *task);
/* The task is about to leave the node or the model: takes back marks, tells nobody. */
void assignments_forget(struct task *task);
/* A report about something that the node should not have. */
void assignments_unknown(struct manager *manager, struct node *node,
	const Davit__TaskReport *report);
/* The node has something to hear that is no assignment. */
void assignments_serve(struct manager *manager, struct node *node);

/* A Poll of the present session, its reports applied. It is answered now if is_urgent. */
void assignments_poll(struct manager *manager, struct node *node, struct rpc_call *call,
	bool is_urgent);
/* Whatever Poll is parked is answered so; the session ends. */
void assignments_end(struct manager *manager, struct node *node, const char *reason);

/* The node is about to be removed from the model. */
void assignments_leave(struct manager *manager, struct node *node);

/* Polls that have been parked long enough. */
void assignments_tick(struct manager *manager);
void assignments_seal(struct manager *manager);
