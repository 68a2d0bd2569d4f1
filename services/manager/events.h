/*
 * events.h - what happened lately, for subscribers and ReadEvents.
 *
 * A bounded ring in memory; it begins anew with the process. An event becomes
 * visible when the batch that made it is committed, and not with the one before it. Cursors name
 * the ring (chosen by chance at start) and a sequence number, so that a client notices a restart.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/types.pb-c.h"

struct manager;
struct task;
struct node;
struct wait;
struct rpc_call;

struct events {
	Davit__Event **ring; /* MANAGER_EVENTS_MAX, by seq; each is one heap block */
	uint32_t *rooms;     /* sizes of the blocks */
	uint64_t last_seq;   /* of the newest; 0: none yet */
	uint64_t sealed_seq; /* of the last one in a batch that was sealed */
	uint64_t shown_seq;  /* published and visible to ReadEvents */
	uint64_t first_seq;  /* of the oldest that is kept */
	uint64_t ring_id;
	struct wait *waits;
};

void events_init(struct events *events, uint64_t ring_id);
void events_fini(struct events *events);

/* what: NULL for the state's name. */
void events_task(struct manager *manager, const struct task *task, const char *what);
void events_node(struct manager *manager, const struct node *node, const char *what);
/* The same with a sentence of its own. */
void events_node_says(struct manager *manager, const struct node *node, const char *what,
	const char *message);

/* What was made until now is of the batch that is being sealed. */
void events_seal(struct events *events);
/* Publishes what the sealed batch made and answers those who wait for it: after the commit. */
void events_show(struct manager *manager);
/* The batch was not committed, nor will be what came after it: their events did not happen. */
void events_drop_unshown(struct events *events);

void events_read(struct manager *manager, struct rpc_call *call);
void events_read_expire(struct manager *manager, struct wait *wait);
