/*
 * telling.h - what the scheduler's cache is told of nodes, and of what runs on them.
 *
 * Only what changed since its version goes out with a question; everything when its
 * cache is unknown. Part of the manager's core.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "services/manager/families.h"

struct node;
struct task;

struct telling {
	bool needs_snapshot;   /* the scheduler's cache is unknown */
	uint64_t version;      /* of that cache */
	uint64_t sent_version; /* with the question under way */
	struct node *changed;  /* nodes to tell about */
	char **removed;        /* ids of nodes to forget */
	uint32_t n_removed;
	struct families families;
};

/* The part that needs no manager; families_stop comes before fini. */
void telling_init(struct telling *telling);
void telling_fini(struct telling *telling);

/* The node's figures or readiness changed. */
void telling_node_changed(struct manager *manager, struct node *node);
/*
 * Its labels, taints or class changed, too: what the scheduler says of it before the next
 * question tells them was decided by the old ones (node.has_new_traits).
 */
void telling_traits_changed(struct manager *manager, struct node *node);
/* telling_node_changed of the node that it has, or where room is kept for it. */
void telling_task_changed(struct manager *manager, const struct task *task);
void telling_node_removed(struct manager *manager, struct node *node);

/*
 * Puts what the scheduler has not been told into the question. With `without`, nodes
 * are told as if that task had nothing there, nor a claim; the caller says
 * telling_task_changed when the question is answered.
 */
void telling_fill(struct manager *manager, Davit__PlaceRequest *question,
	const struct task *without);

/* The question was answered, and the cache is where it should be. */
void telling_confirm(struct manager *manager);
/* It was not, or nobody knows: everything is told anew, without what nobody asked for. */
void telling_restart(struct manager *manager);
/* The scheduler wants to know what runs where. False when it was told already. */
bool telling_want_groups(struct manager *manager);
