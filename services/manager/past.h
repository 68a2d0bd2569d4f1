/*
 * past.h - the ended tasks of which only a small entry is in memory: the rest is on disk.
 *
 * A task gets here when nothing of it is on a node any more and enough others have ended after
 * it (ended.h). From then on it never changes until it is removed, so that its record says
 * all there is to say. Entries are found by id, in the order of ids, by name, and in the order
 * of their ends. Plain bookkeeping of the model: an entry is borrowed until the next one is
 * added or removed; one thread; nothing fails.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/id.h"
#include "common/model/task_fsm.h"

struct space;
struct spec;

struct past_entry {
	struct id id;
	/* Of a task that is no element of an array; all NULL of one that is: its array knows. */
	char *name; /* owned by the entry */
	struct space *space;
	struct spec *spec; /* others use it, too; NULL: it is on disk, and has the task's id */
	uint64_t ended_ms;
	uint32_t left, right;  /* by id; numbers of entries, 0: none */
	uint32_t older, newer; /* by end */
	uint32_t name_next;
	uint8_t state;
};

struct past {
	struct past_entry *entries; /* the first is no one's */
	uint32_t n, n_singles, n_own_specs;
	uint32_t room, unused, root; /* unused: a chain by left */
	uint32_t oldest, newest;     /* by end */
	uint32_t *names;             /* chains, as many as there is room for entries */
};

void past_init(struct past *past);
void past_fini(struct past *past);

/* Its links are set here; the name is taken. It is the newest by end. */
void past_add_take(struct past *past, const struct past_entry *entry);
void past_remove(struct past *past, const struct past_entry *entry);

/* NULL: none. */
const struct past_entry *past_find(const struct past *past, struct id id);
/* The one with the least id that is greater. */
const struct past_entry *past_after(const struct past *past, struct id id);
const struct past_entry *past_oldest(const struct past *past);
/* Of those that are no elements, with the greatest id. */
const struct past_entry *past_by_name(const struct past *past, const struct space *space,
	const char *name);

/* After many were added in another order. */
void past_sort_by_end(struct past *past);
