/*
 * families.h - how many tasks of which kind hold resources on which node.
 *
 * A family is what placement counts together: the tasks of one array, or one task
 * alone, and the replacements of either. They share one spec, whose id is the
 * family's. Counts are kept only while a scheduler wants
 * them (PlaceReply.wants_groups); then every task that takes or gives back its share
 * of a node is counted here, and what changed is told with the next question. Owned
 * by the manager's core, like everything here on one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "proto/scheduler.pb-c.h"

struct manager;
struct node;
struct task;
struct family;
struct tally;

struct families {
	bool is_kept;
	struct family *all;     /* by id (uthash) */
	struct tally *tallies;  /* by node and family (uthash) */
	struct family *changed; /* came or may be gone since they were told */
};

/* Forgets everything; nothing is kept from here on. */
void families_stop(struct manager *manager);
/* Counts what every node has, and marks all of it as not told yet. */
void families_start(struct manager *manager);

/* The task holds its share of its node now, or is about to give it back. */
void families_take(struct manager *manager, const struct task *task);
void families_give(struct manager *manager, const struct task *task);

/* The node is about to be removed. */
void families_forget_node(struct manager *manager, struct node *node);

/* Puts what changed into the question, which is told with it; everything is in the arena. */
void families_tell(struct manager *manager, Davit__PlaceRequest *question, struct arena *arena);
/*
 * The same for one node. With `without`, as if that task were not there; that is news
 * again afterwards.
 */
void families_tell_node(struct manager *manager, struct node *node, const struct task *without,
	Davit__PlaceNode *message, struct arena *arena);

/* Of the family with that id on the node; 0 also while nothing is kept. */
uint32_t families_count(const struct manager *manager, const struct node *node, const char *id);
