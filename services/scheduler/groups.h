/*
 * groups.h - what runs where: tasks that are alike, and how many of them each node has.
 *
 * Needed by affinities, spreads, max_per_node and evictions, and told by the manager only
 * once one of these was asked for. A group that the manager has not spoken of yet, of a
 * task that is placed in the present call, is passing: it goes when the call ends. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "common/base/cleanup.h"
#include "common/model/spec.h"
#include "services/scheduler/node_table.h"
#include "services/scheduler/repels.h"

struct counter;

/* Groups that spreads and max_per_node count together: of one id, or of one name in a namespace. */
struct peers {
	UT_hash_handle hh;
	char *key;
	uint32_t n_refs;    /* groups and counters */
	uint32_t n_running; /* tasks of all of them */
	struct counter *counters;
};

struct group {
	UT_hash_handle hh;
	char *id, *namespace, *name;
	struct selector *labels; /* with values */
	struct repel *repels;
	struct peers *peers;
	uint32_t n_labels, n_repels;
	uint32_t n_running;
	uint32_t priority;
	uint64_t created_ms;
	struct want want; /* of each; what it points to belongs to the group */
	uint16_t *ports;
	struct want_device *devices;
	bool is_passing;

	/* Which counters it counts in, as of that epoch of the counters. */
	struct counter **counters;
	uint32_t n_counters;
	uint64_t counters_epoch;
	uint64_t asked_by; /* scratch while a counter is filled: its serial */
	bool is_counted;
};

struct groups;

struct groups *groups_new(struct node_table *table);
void groups_free(struct groups *groups);
CLEANUP_DEFINE(struct groups *, groups_free)

/* Forgets every group; the table's nodes must have been cleared before. */
void groups_clear(struct groups *groups);

/* Takes in what the manager says; a group that is known is replaced, its tasks stay. */
void groups_put(struct groups *groups, const Davit__PlaceGroup *from);
/* Unknown ids are fine. Tasks of it that are still told to run are forgotten. */
void groups_remove(struct groups *groups, const char *id);

struct group *groups_find(const struct groups *groups, const char *id);

/* The first of *ret_n, or NULL; the next one is hh.next. */
const struct group *groups_first(const struct groups *groups, uint32_t *ret_n);

/* The task's group: known, or made passing from its spec. */
struct group *groups_of_task(struct groups *groups, const Davit__PlaceTask *task,
	const Davit__TaskSpec *spec);
/* Ends the call: passing groups go. None of their tasks may be left. */
void groups_end(struct groups *groups);

/* n tasks more, or less, of the group on the row. */
void groups_run(struct groups *groups, uint32_t row, struct group *group, int32_t n);
/* Sets how many there are. -ENOENT: no such group. */
int groups_set(struct groups *groups, uint32_t row, const char *group_id, uint32_t n);

/* So many tasks of the peers are on the row. */
uint32_t groups_peers_on(const struct node *node, const struct peers *peers);

/* The peers of a task, with one more reference; groups_peers_unref gives it back. */
struct peers *groups_peers_of(struct groups *groups, const Davit__PlaceTask *task,
	const Davit__TaskSpec *spec);
void groups_peers_unref(struct groups *groups, struct peers *peers);

/* Whom hard anti-affinities of the groups mean; repels_find may be asked. */
struct repels *groups_repels(struct groups *groups);

/* Called by the node table: n tasks went with their node. */
void group_unrun(struct group *group, uint32_t n);

/* Who counts is told of groups_run. */
struct counters;
void groups_set_counters(struct groups *groups, struct counters *counters);

/* ---- selectors ---- */

void selector_read(struct selector *selector, const char *text);
void selector_fini(struct selector *selector);
bool selector_equal(const struct selector *a, const struct selector *b);
bool selector_admits_group(const struct selector *selector, const struct group *group);
bool selector_admits_spec(const struct selector *selector, const Davit__TaskSpec *spec);
