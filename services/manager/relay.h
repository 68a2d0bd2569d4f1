/*
 * relay.h - questions of clients that only a worker can answer: logs, channels, images and so on.
 *
 * A question goes down with the node's next Poll answer and comes back with an
 * AnswerQueries. Nothing is stored: after a loss the client asks again, from its
 * cursor or offset. Channels live in the worker; their names say on which node.
 *
 * relay.c holds the questions under way, relay_logs.c, relay_channels.c and
 * relay_lists.c make them of calls.
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
	uint64_t next_id;    /* begins anywhere: an answer to an earlier life fits no question */
	size_t n;
	size_t n_bytes; /* in the questions themselves */
};

void relay_logs(struct manager *manager, struct rpc_call *call);
/* Parks a ReadLogs of a task that has no output yet. */
void relay_wait_for_start(struct manager *manager, struct rpc_call *call, struct task *task);
/* Wakes those, once per batch, for a changed task. */
void relay_task_changed(struct manager *manager, struct task *task);
void relay_volumes(struct manager *manager, struct rpc_call *call);
void relay_networks(struct manager *manager, struct rpc_call *call);
void relay_images(struct manager *manager, struct rpc_call *call);
void relay_remove_images(struct manager *manager, struct rpc_call *call);
void relay_open_channel(struct manager *manager, struct rpc_call *call);
void relay_read_channel(struct manager *manager, struct rpc_call *call);
void relay_write_channel(struct manager *manager, struct rpc_call *call);
void relay_close_channel(struct manager *manager, struct rpc_call *call);

/* Puts the node's waiting questions into the answer, as many as one answer may carry. */
void relay_hand_over(struct manager *manager, struct node *node, Davit__PollReply *reply);
void relay_answer(struct manager *manager, struct node *node, const Davit__QueryAnswer *answer);
/* The node is silent or gone: whoever waits is told. */
void relay_node_lost(struct manager *manager, struct node *node);
void relay_tick(struct manager *manager);
void relay_abort(struct manager *manager, const char *reason);
