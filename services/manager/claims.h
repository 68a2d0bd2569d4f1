/*
 * claims.h - room that is kept on a node for a task that waits for more of it.
 *
 * A task that has waited long, or one that takes the place of others, has its node
 * before there is room. What comes free there is kept for it: the claim counts as taken
 * for everybody else. It is given back when the task gets a node or ends, when the node
 * goes, or when it is too old. Claims are not stored: after a restart such a task is
 * asked about again. Part of the manager's core.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct manager;
struct node;
struct task;
struct claim;

struct claims {
	struct claim *all; /* by task (uthash) */
	size_t n, n_by_age;
};

/*
 * Keeps room on the node for the task, which waits for it from here on. by_age: it has
 * waited long; else others are being stopped for it. -ENOSPC when there are too many
 * claims or the node could never hold it, -EHOSTDOWN when the node takes nothing now.
 */
int claims_make(struct manager *manager, struct task *task, struct node *node, bool by_age,
	struct err *err);

/* The task's node is this one; NULL: it has no claim. */
struct node *claims_node(const struct manager *manager, const struct task *task);

/* The task is about to leave the state PENDING: its claim, if any, is given back. */
void claims_release(struct manager *manager, struct task *task);

/* True if another task may have one because it has waited long. */
bool claims_has_room(const struct manager *manager);

/* The node is about to be removed: whoever has a claim there is asked about again. */
void claims_forget_node(struct manager *manager, struct node *node);

/* Places whoever has room enough now; gives back what is of no use any more. */
void claims_seal(struct manager *manager);

/* Whoever has waited for a claim so far is tried elsewhere, too. */
void claims_sweep(struct manager *manager);

void claims_fini(struct claims *claims);
