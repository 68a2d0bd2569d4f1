/*
 * preempting.h - who has to go when a scheduler proposes evictions.
 *
 * The scheduler names families and numbers; the manager decides which tasks that are,
 * and whether it may be: of the same namespace, of lower priority, really there, not
 * going already, and room enough afterwards. Part of the manager's core.
 */
#pragma once

#include <stddef.h>

#include "common/base/err.h"
#include "proto/scheduler.pb-c.h"

struct manager;
struct node;
struct task;

/*
 * The youngest tasks of the families, as many as the placement says, in the batch's
 * arena. -EPERM, -ENOENT or -ENOSPC with words when a task of spec may not have them
 * ended, they are not there, or it would not fit even then.
 */
int preempting_choose(struct manager *manager, const Davit__TaskSpec *spec, struct node *node,
	const Davit__Placement *placement, struct task ***ret_tasks, size_t *ret_n,
	struct err *err);

/* Ends them for the task, which waits for their room. The errors above and of claims_make. */
int preempting_apply(struct manager *manager, struct task *task, struct node *node,
	const Davit__Placement *placement, struct err *err);
