/*
 * roster.h - who is in the cluster, as the feed and the manager's lists tell, with what it used
 * in the last hour: tasks, nodes, namespaces and the cluster.
 *
 * Figures come by NodeStats every second, names by events and by the manager's list of
 * tasks, in any order. Memory is bounded (limits.h): of more tasks than fit, those that were not
 * heard for longest go first; while all are heard, new ones are left out and counted.
 *
 * No socket, clock or thread. One thread; wall times are arguments.
 */
#pragma once

#include <uthash.h>

#include "common/base/cleanup.h"
#include "common/base/id.h"
#include "proto/manager.pb-c.h"
#include "services/monitor/history.h"

struct roster_label {
	const char *key, *value;
};

struct roster_port {
	uint16_t container_port, host_port;
	const char *address; /* on the host, "" for all */
};

/* What a task is, from the manager. One block on the heap with all its texts. */
struct roster_about {
	const char *name, *namespace_name, *array_id; /* "" when not known */
	uint64_t cpu_milli, memory_bytes;             /* limits; 0: none */
	uint32_t restart_count;
	unsigned n_labels, n_ports;
	const struct roster_label *labels;
	const struct roster_port *ports;
	bool is_listed; /* labels, ports and limits are known */
};

struct roster_node;

struct roster_task {
	UT_hash_handle hh;
	struct id id;
	struct roster_about *about; /* NULL: only its figures are known */
	struct roster_node *node;   /* where it was heard; NULL: nowhere yet */
	uint64_t heard_s;
	uint64_t counted_ms; /* when the counters below were read */
	uint64_t counters[4], n_pids;
	struct history_values now; /* the latest figures */
	struct history history;
	struct roster_task *next, *prev; /* by when they were heard, oldest first */
};

struct roster_node {
	UT_hash_handle hh;
	char *id, *name; /* id is the key */
	char *address;   /* NULL: not known */
	uint64_t heard_s;
	uint32_t n_tasks; /* in its latest message */
	Davit__NodeSample machine;
	Davit__Node__State state; /* NONE: not told yet */
	bool is_draining;
	struct history_values now; /* CPU and memory of the machine, the rest of its tasks */
	struct history history;
};

/* Sums over the tasks of a namespace. */
struct roster_namespace {
	UT_hash_handle hh;
	char *name;
	uint32_t n_tasks; /* heard in the last seconds */
	struct history_values now;
	struct history history;
};

struct roster;

struct roster *roster_new(void);
void roster_free(struct roster *roster);
CLEANUP_DEFINE(struct roster *, roster_free)

void roster_take_stats(struct roster *roster, const Davit__NodeStats *stats, uint64_t wall_ms);
void roster_take_event(struct roster *roster, const Davit__Event *event);
/* Of the manager's lists: the task with its spec. */
void roster_take_task(struct roster *roster, const Davit__Task *task);
void roster_take_node(struct roster *roster, const Davit__Node *node);

/* Once a second: sums, and forgets what was not heard for an hour. */
void roster_tick(struct roster *roster, uint64_t wall_ms);

/* True when something runs that is only known by its id: the manager's list would help. */
bool roster_wants_list(const struct roster *roster);
void roster_listed(struct roster *roster);

/* Borrowed; walk them by hh.next. */
struct roster_task *roster_tasks(const struct roster *roster);
struct roster_node *roster_nodes(const struct roster *roster);
struct roster_namespace *roster_namespaces(const struct roster *roster);
const struct history *roster_cluster(const struct roster *roster);

/* By id (tasks also by name, the one heard last); NULL: none. */
const struct roster_task *roster_find_task(const struct roster *roster, const char *text);
const struct roster_node *roster_find_node(const struct roster *roster, const char *text);
const struct roster_namespace *roster_find_namespace(const struct roster *roster, const char *name);

/* Heard within the last seconds. */
bool roster_task_is_live(const struct roster *roster, const struct roster_task *task);

struct roster_figures {
	uint32_t n_tasks, n_nodes, n_namespaces;
	uint64_t n_left_out; /* samples of tasks or nodes for which there was no place */
};
void roster_figures(const struct roster *roster, struct roster_figures *ret_figures);
