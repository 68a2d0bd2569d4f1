/*
 * liveness.h - which nodes are heard, and what follows when one is not.
 *
 * A parked Poll is the heartbeat. Silence makes a node UNKNOWN; what happens to its
 * tasks is each spec's `disconnect`. Three things hold everything back: the time
 * after the manager's own start, a grace that the worker announced, and a silence of
 * most nodes at once (a partition and a power cut look alike).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct manager;
struct node;

struct liveness {
	uint64_t started_mono_ms;
	uint64_t last_tick_mono_ms;
	uint64_t backlog_ms; /* for so long what nodes say may wait to be heard */
	bool is_holding;
};

/* The node said something. */
void liveness_heard(struct manager *manager, struct node *node);
/* The engine's state as the worker sees it; trouble is "" when all is well. */
void liveness_engine(struct manager *manager, struct node *node, const char *trouble);
/* The worker goes on purpose. */
void liveness_leave(struct manager *manager, struct node *node, uint64_t grace_ms);
struct task;

/* True if the task's `disconnect` lets another take its place. */
bool liveness_may_replace(const struct task *task);

void liveness_tick(struct manager *manager);
