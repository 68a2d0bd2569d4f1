/*
 * relay.h - questions of clients that only a worker can answer: logs, volumes, networks.
 *
 * A question goes down with the node's next Poll answer and comes back with a later
 * Poll. Nothing is stored: after a loss the client asks again from its cursor.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "proto/worker.pb-c.h"

struct manager;
struct node;
struct task;
struct rpc_call;

struct relay {
	struct query *asked; /* handed to workers, by id (uthash) */
	uint64_t next_id;
	size_t n;
};

void relay_logs(struct manager *manager, struct rpc_call *call);
/* Parks a ReadLogs of a task that has no output yet. */
void relay_wait_for_start(struct manager *manager, struct rpc_call *call, struct task *task);
/* Wakes those, once per batch, for a changed task. */
void relay_task_changed(struct manager *manager, struct task *task);
void relay_volumes(struct manager *manager, struct rpc_call *call);
void relay_networks(struct manager *manager, struct rpc_call *call);

/* Puts the node's waiting questions into the answer. */
void relay_hand_over(struct manager *manager, struct node *node, Davit__PollReply *reply);
void relay_answer(struct manager *manager, struct node *node, const Davit__QueryAnswer *answer);
/* The node is silent or gone: whoever waits is told. */
void relay_node_lost(struct manager *manager, struct node *node);
void relay_tick(struct manager *manager);
void relay_abort(struct manager *manager, const char *reason);
