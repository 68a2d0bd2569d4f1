/*
 * claims.h - room that is kept on nodes for tasks that wait for more of it.
 *
 * A task that has waited long, or one that takes the place of others, has its node
 * before there is room. What comes free there is kept for it: its part counts as taken
 * for everybody else. A gang has one claim with a part for each of its tasks, and starts
 * when there is room for all of them. A claim is given back when its tasks get nodes or
 * end, when one of its nodes goes, or when it is too old. Claims are not stored: after a
 * restart such tasks are asked about at once, and by their age may claim again. The
 * scheduler is not asked when the room is there, so a claim is given back when a node's
 * labels or taints change; and who keeps near to or away from others gets none by age.
 * Part of the manager's core.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct group;
struct manager;
struct node;
struct task;
struct claim;
struct claim_part;

struct claims {
	struct claim *all;        /* the oldest first */
	struct claim_part *parts; /* by task (uthash) */
	size_t n_parts, n_by_age; /* the latter: claims */
};

/*
 * Keeps room for the i-th task on the i-th node; all of them wait for it from here on.
 * They are one task, or tasks of one gang. by_age: they have waited long; else others
 * are being stopped for them. -ENOSPC when there are too many claims or a node could
 * never hold its share, -EHOSTDOWN when one takes nothing now.
 */
int claims_make(struct manager *manager, struct task *const *tasks, struct node *const *nodes,
	size_t n, bool by_age, struct err *err);

/* The node where room is kept for the task; NULL: it has no claim. */
struct node *claims_node(const struct manager *manager, const struct task *task);

/* The task is about to leave the state PENDING: its part of a claim, if any, is given back. */
void claims_release(struct manager *manager, struct task *task);

/* True if room is kept for a task of the group. */
bool claims_have_group(const struct manager *manager, const struct group *group);

/* True if n more tasks may have one because they have waited long. */
bool claims_has_room(const struct manager *manager, size_t n);

/* The node goes, or is another than it was: whoever has a claim there is asked about again. */
void claims_forget_node(struct manager *manager, struct node *node);

/* Places whoever has room enough now; gives back what is of no use any more. */
void claims_seal(struct manager *manager);

/* Whoever has waited for a claim so far is tried elsewhere, too. */
void claims_sweep(struct manager *manager);

/* Some of this gang are about to be asked about: so are those that have waited for a claim so far.
 */
void claims_gather(struct manager *manager, const struct group *group);

void claims_fini(struct claims *claims);
