/*
 * arrays.h - elements of arrays get their records as they are needed.
 *
 * Of those that wait a question's worth has a record in memory (config.array_ahead), or a few
 * (config.array_ahead_low) once very many tasks wait with one (config.array_ahead_all); the rest
 * (model.h) is their number. More get one, in the order of their index, when few of the array wait,
 * or when a question takes more of it (waiting_ask.c). One that somebody wants something of gets it
 * at once, and waits with the first. A gang has all of them.
 *
 * An element's first event is told when it gets its record. Whatever ends all that wait (a stop
 * or a removal of the array, its ttl) gives a record only to those that the history would keep:
 * the others are gone at once, as they would be a moment later.
 *
 * Part of the manager's core: one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct manager;
struct group;
struct task;

/* The group was submitted just now: a task, or an array. */
void arrays_begin(struct manager *manager, struct group *group);
/* After loading, when all that have a record wait: as arrays_expand, and nothing is told. */
void arrays_restore(struct manager *manager);
/* Where none would take part in the next question others get their records. */
void arrays_expand(struct manager *manager);

/* Somebody wants something of an element without a record: it has one from here on. */
struct task *arrays_make(struct manager *manager, struct group *group, uint32_t index);
/* Somebody only looks: what that record would say. Its texts are the model's. */
void arrays_imagine(const struct manager *manager, const struct group *group, uint32_t index,
	struct task *ret_task);

/* Every task of the array is to end. */
void arrays_stop(struct manager *manager, struct group *group, bool has_timeout,
	uint64_t timeout_ms);
/* The elements without a record are removed. The group may be gone when this returns. */
void arrays_remove_rest(struct manager *manager, struct group *group);
/* Whose ttl is over. */
void arrays_expire(struct manager *manager);
