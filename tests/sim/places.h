/*
 * places.h - whether where a task was put is where it wished to be, and who made room for it.
 *
 * Asked by conduct.c when a decision is committed, and by settled.c when nothing moves any more.
 * Pure looks at the manager's model; what was decided on older news than these is the caller's to
 * know.
 */
#pragma once

#include <stdbool.h>

#include "services/manager/model.h"
#include "tests/sim/sim.h"

/* Constraints hold and taints are tolerated: the task of that spec may be put there. */
bool places_admit(const struct node *node, const Davit__TaskSpec *spec);

/* What is wrong with the task's place among the others of its array; NULL if nothing is. */
const char *places_array_complaint(const struct task *task);

/* Some of the gang have never had a node while others have. */
bool places_gang_is_torn(const struct model *model, const struct group *group);

/* The task was told to go for another, named in its message: false if that one had no right to it.
 */
bool places_preemption_is_right(const struct model *model, const struct task *task);
