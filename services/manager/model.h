/*
 * model.h - what exists: specs, groups of tasks, tasks and nodes, with their indexes.
 *
 * Plain data and the bookkeeping that keeps indexes right; no rule of a task's life
 * is here (lifecycle.h), nothing is written down here (records.h). Everything is
 * owned by the model and freed with it. Only the manager's core includes this.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "common/base/err.h"
#include "common/base/id.h"
#include "common/model/task_fsm.h"
#include "proto/store.pb-c.h"
#include "proto/types.pb-c.h"
#include "services/manager/ledger.h"
#include "services/manager/past.h"

struct rpc_call;
struct wait;
struct query;
struct tally;
struct claim_part;

/* What runs in a namespace; there while a spec names it. */
struct space {
	uint32_t n_specs, n_running;
	uint64_t cpu_milli, memory_bytes; /* of what runs, by its last samples */
	UT_hash_handle hh;
	char name[];
};

/* What submissions say, word for word: there once for all that say the same. */
struct wording;

/* What to run, shared by the tasks of one submission and those that replace them. */
struct spec {
	char id[ID_TEXT_SIZE];
	Davit__TaskSpec
		*spec; /* complete: the namespace is set; of the wording, not to be changed */
	struct wording *wording;
	struct space *space;
	uint32_t n_groups;
	uint64_t mark; /* the message that carries it already */
	UT_hash_handle hh;
};

/* One submission. */
struct group {
	struct id id; /* of an array: the base of its tasks' ids */
	struct spec *spec;
	uint32_t count;
	uint32_t n_left; /* tasks not removed yet */
	char *name;
	struct id replaces;
	uint64_t created_ms;
	uint64_t seq;
	uint64_t changed_in; /* batch.n_seals when one of its tasks changed last */
	uint32_t n_by_state[TASK_STATE_COUNT]; /* its tasks, one behind the other in model.oldest */
	struct task *last_task;                /* the newest of those with a record */
	struct group *name_next;               /* other arrays of the same name */
	UT_hash_handle hh;                     /* in the order of ids, too */
	struct task **tasks; /* count of them by index, behind this; see model_element */
};

/*
 * The rest of an array: its elements that have no record in memory yet. They are PENDING, as they
 * were submitted, and nothing is on disk of them but their group. They count like all others, and
 * get a record (model_task_make) when they are about to be offered to the scheduler, or when
 * somebody wants something of one (arrays.h). Of arrays only: behind their group.
 */
struct rest {
	struct group *group;
	uint32_t n;
	uint32_t first;           /* the least index; the group's count: there is none */
	uint32_t cut;             /* below this, those without a record on disk are gone */
	uint32_t settled;         /* cut or more: so far it could move on, and maybe farther */
	uint64_t sealed_in;       /* batch.n_seals before it was sealed that they are as they are */
	uint32_t n_lucky;         /* placed in a row; halved whenever one is refused */
	struct line *line;        /* waiting.h; NULL: none that has a record waits */
	struct rest *prev, *next; /* model.rests, while n > 0 */
};

struct usage {
	Davit__TaskSample last; /* its task_id is not set */
	uint64_t cpu_milli_peak, memory_bytes_peak;
	uint64_t cpu_milli_sum, memory_bytes_sum; /* over n_samples */
	uint64_t n_samples;
};

struct task {
	struct id id;
	struct group *group;
	uint32_t index;
	uint32_t attempt;
	enum task_state state;
	Davit__Task__Phase phase;
	Davit__Task__Desired desired;
	uint8_t observed; /* greatest davit.TaskReport.Observed of this attempt */
	bool on_node;     /* the node may have something of this attempt */
	bool holds;       /* resources and ports are reserved */
	bool retry_when_gone, replace_when_ended;
	bool has_exit_code, oom_killed, has_stop_timeout;
	int32_t exit_code;
	uint32_t restart_count;
	uint32_t pause_generation; /* counts the changes of is_paused */
	Davit__PullProgress *pull; /* while it is being pulled; else NULL */
	struct node *node;         /* of this attempt; kept after its end while the node exists */
	char *message, *container_id;
	uint16_t *host_ports; /* by position in spec.ports; NULL until placed */
	uint64_t scheduled_ms, started_ms, finished_ms, stop_timeout_ms;
	uint64_t version;
	struct id replaced_by;
	struct usage *usage;

	/* Indexes and queues. */
	struct task *older, *newer;         /* model.oldest: all tasks by arrival */
	struct task *name_next;             /* others of the same name, newest first; no elements */
	struct task *node_prev, *node_next; /* node.tasks while on_node */
	struct task *queue_prev, *queue_next; /* one of waiting.h, or history */
	struct task_queue *queue;             /* the one it is in */
	struct task *dirty_next;              /* to be written in this batch */
	struct task *assign_next;             /* node.changed */
	bool is_dirty, is_assign_dirty;
	bool is_new;            /* the store never had a record of it */
	bool is_told;           /* the node was sent spec and name of this attempt */
	bool is_preempted;      /* it ends because another takes its place */
	bool is_paused;         /* as wished */
	bool is_retired;        /* ended.h: its node forgets it, the store does not */
	bool is_read;           /* read from disk for one call: nothing of the model refers to it */
	struct wait *waits;     /* calls that wait for this task */
	struct wait *log_waits; /* ReadLogs that wait for its start */
	uint64_t due_ms;        /* wall time of ttl or auto_remove; 0: none */
	uint64_t ended_ms;      /* by our own clock; ended.h */
	uint64_t sealed_in;     /* batch.n_seals before it was last sealed */
	struct node *avoid; /* where it, or the one it replaces, was last: rather not there again */
};

struct task_queue {
	struct task *first, *last;
	size_t n;
	uint8_t kind; /* the owner's own */
};

/* Nodes with the same engine id share one. */
struct engine_ports {
	char *engine_id;
	struct ledger_ports *ports;
	uint32_t n_nodes;
	UT_hash_handle hh;
};

/* (task, attempt) that a node shall forget. */
struct dropped {
	struct id task_id;
	uint32_t attempt;
	struct dropped *next;
};

struct node {
	struct id id;
	char id_text[ID_TEXT_SIZE];
	char *name, *address, *davit_version, *instance, *message;
	Davit__Node__State state;
	bool draining;
	/* Labels, taints, class: as the worker says, as the operator wishes (NULL: nothing), and
	 * both. */
	Davit__NodeTraits *declared, *wishes, *traits;
	Davit__EngineInfo *engine; /* unpacked copy, or NULL */
	struct ledger_account account;
	struct engine_ports *ports;
	uint64_t session, registered_ms;
	uint64_t record_version;

	/* Hearing from it. */
	uint64_t heard_mono_ms, heard_ms;
	uint64_t silent_mono_ms; /* since when it is UNKNOWN */
	uint64_t leave_mono_ms;  /* announced: nothing is replaced before */
	struct rpc_call *parked; /* its Poll */
	uint64_t parked_until_mono_ms;

	/* Its assignments. */
	struct task *tasks, *last_task; /* all with on_node; those that have ended are behind */
	uint32_t n_on_node;
	uint64_t version, sent_version; /* of the set; sent: results_in of the last answer */
	uint64_t sent_mono_ms;          /* when that was */
	struct task *changed;
	struct dropped *dropped;
	struct query *queries; /* not handed over yet */
	bool needs_complete;   /* what the worker has is not what we think */
	bool is_urgent;        /* answer the Poll in this batch, whatever there is to say */
	bool is_served;        /* in assignments.nodes */
	struct node *serve_next;

	/* Figures. */
	Davit__NodeSample sample;
	uint64_t sample_mono_ms, stats_seq;
	uint64_t task_cpu_milli, task_memory_bytes;

	struct node_faults *faults; /* chaos.h; NULL: none */

	bool is_dirty, is_place_dirty;
	bool has_new_traits; /* since the question under way was asked: telling.h */
	struct node *dirty_next, *place_next;
	struct tally *tallies_changed; /* families.h */
	struct claim_part *claims;     /* claims.h */
	bool is_fresh, has_changed;    /* waiting_wake.c */
	struct node *fresh_next;
	UT_hash_handle hh, hh_name;
};

struct name_entry;

struct model {
	struct spec *specs;
	struct wording *wordings; /* by what they say */
	uint32_t n_wordings;
	struct group *groups;
	struct rest *rests;
	struct space *spaces;
	uint32_t n_tasks; /* with those that have no record yet */
	struct task *oldest, *newest;
	struct node *nodes, *nodes_by_name;
	struct name_entry *names;
	struct engine_ports *engines;
	/* Ended, the first to end first: ended.h says when one moves on. */
	struct task_queue history;
	struct task_queue retired; /* until their nodes have forgotten them */
	struct task_queue leaving; /* until that is on disk */
	struct past past;
	uint64_t next_seq;
	uint64_t next_due_ms; /* no task of these queues is due before; UINT64_MAX: none is */
	uint32_t n_by_state[TASK_STATE_COUNT];
	struct ledger_range port_range;
	struct ledger_kinds kinds; /* of devices; never fewer */
};

void model_init(struct model *model, struct ledger_range port_range);
void model_fini(struct model *model);

/* The spec has a namespace; it is copied, unless the model has one that says the same. */
struct spec *model_spec_add(struct model *model, const char *id, const Davit__TaskSpec *spec);
struct spec *model_spec_find(const struct model *model, const char *id);

/* The low 32 bits of an array's id are zero (id_make_base), and it is greater than those of all
 * groups. Names are copied. All its tasks are PENDING and without a record; spec gains a user. */
struct group *model_group_add(struct model *model, struct id id, struct spec *spec, uint32_t count,
	const char *name);
struct group *model_group_find(const struct model *model, struct id id);

/* The element, or the only task; NULL: it is gone from memory, or has no record yet. */
struct task *model_element(const struct group *group, uint32_t index);
/* The rest of an array; NULL: it is none. */
struct rest *model_rest(const struct group *group);
/* True: PENDING, and without a record. */
bool model_is_unmade(const struct group *group, uint32_t index);
uint32_t model_n_unmade(const struct group *group);
/* Of the elements without a record the least index that is index or more; count: none. */
uint32_t model_next_unmade(const struct group *group, uint32_t index);
/* Whether the store has something under its key, with the batches that are sealed. */
bool model_is_on_disk(const struct group *group, uint32_t index);

/* Its record, which says what was submitted: PENDING, in no queue. It had none. */
struct task *model_task_make(struct model *model, struct group *group, uint32_t index);
/* The same for one look: nothing of the model refers to it, and it owns nothing. */
void model_task_imagine(const struct group *group, uint32_t index, struct task *ret_task);
/* The first n without a record are gone. True: nothing is left of the group, which was freed. */
bool model_rest_cut(struct model *model, struct group *group, uint32_t n);
/* After loading: rest.settled is the cut, and those below without a record are gone. The same. */
bool model_rest_restore(struct model *model, struct group *group);
/*
 * How far the cut may move on: to the first that waits and has nothing on disk, also of this batch.
 * leaving: one that is about to go, and is no obstacle.
 */
uint32_t model_rest_settle(struct group *group, uint32_t leaving);
/* Moves the cut over one element. True: it is gone, and what the disk has of it may go, too. */
bool model_rest_pass(struct group *group);
/* The newest record of an older group, NULL: none. */
struct task *model_task_before(const struct group *group);
/* How far its pull has come; NULL: it is not being pulled. */
void model_task_set_pull(struct task *task, const Davit__PullProgress *pull);
/* Copies what was measured of it. */
void model_task_set_usage(struct task *task, const struct usage *usage);
/* Those that have a record. */
struct task *model_task_find(const struct model *model, struct id id);
/* Its group, if it has such an index. */
struct group *model_group_of(const struct model *model, struct id id, uint32_t *ret_index);

/*
 * Removes the task from every index and frees it. True when it was the last of its
 * group: the group is freed, too, and with it the spec if nobody else has it.
 */
bool model_task_remove(struct model *model, struct task *task, bool *ret_spec_gone);

/*
 * Leaves but an entry of it: it has ended, nothing of it is anywhere but in the store. Its array
 * stays; if it is no element, its group goes, and with it the spec unless others use that.
 */
void model_task_archive(struct model *model, struct task *task);
/*
 * Removes the entry, as model_task_remove does a task. *ret_spec_gone: its spec's record is for
 * nobody any more.
 */
bool model_past_remove(struct model *model, const struct past_entry *entry, bool *ret_spec_gone);
/* The array of which it is an element; NULL: it is none. */
struct group *model_past_group(const struct model *model, const struct past_entry *entry);
/* What belongs to it alone. */
void model_task_fini(struct task *task);

/* Who is meant: one of the three, or none. */
struct model_found {
	struct task *task;
	const struct past_entry *past; /* it is on disk */
	struct group *group;           /* its element index, which has no record yet */
	uint32_t index;
};

/* Live task of that name in the namespace, or the newest ended one; not of those on disk. */
struct model_found model_task_by_name(const struct model *model, const char *namespace,
	const char *name);

/* True if a live task has the name, or would have one of "name-0" … "name-<count-1>". */
bool model_name_is_taken(const struct model *model, const char *namespace, const char *name,
	uint32_t count);

/* It has ended and a user removed it: only its node still has to clean up. Lists and names skip it.
 */
static inline bool
model_task_is_going(const struct task *task)
{
	return task->desired == DAVIT__TASK__DESIRED__REMOVE && task_state_is_final(task->state);
}

/* By id, name or prefix of an id. -ENOENT, or -ENOTUNIQ for a prefix that several have. */
int model_task_resolve(const struct model *model, const char *namespace, const char *text,
	struct model_found *ret_found, struct err *err);

/* Changes the state and its counts. */
void model_task_set_state(struct model *model, struct task *task, enum task_state state);

/* When its ttl or auto_remove is due; 0: never. */
void model_task_set_due(struct model *model, struct task *task, uint64_t due_ms);

/* Name of the task itself: the group's, with "-<index>" in an array. size is of ret_name. */
void model_task_name(const struct task *task, char *ret_name, size_t size);

/* Takes the task out of the queue that it is in, if any, and puts it at the end of another. */
void model_queue_move(struct task *task, struct task_queue *queue);
/* Puts a task that is in no queue behind another of the queue; NULL: first. */
void model_queue_put(struct task *task, struct task_queue *queue, struct task *after);
void model_queue_leave(struct task *task);

struct node *model_node_add(struct model *model, struct id id, const char *name);
struct node *model_node_find(const struct model *model, struct id id);
struct node *model_node_by_name(const struct model *model, const char *name);
int model_node_resolve(const struct model *model, const char *text, struct node **ret_node,
	struct err *err);
/* The node must have no task with on_node; ended tasks lose their pointer to it. */
void model_node_remove(struct model *model, struct node *node);
/* Puts the node under the ports of that engine ("" is an engine of its own). */
void model_node_set_engine(struct model *model, struct node *node, const char *engine_id,
	uint32_t chance);

/* Whatever still points to it is stale. */
void model_node_free(struct model *model, struct node *node);

/* True for a text that may be the beginning of an id. */
bool model_looks_like_prefix(const char *text);

/* on_node and the node's list, together. */
void model_task_enter_node(struct task *task, struct node *node);
void model_task_leave_node(struct task *task);
/* After a change of its state: keeps the node's live tasks before the ended ones. */
void model_task_sort_on_node(struct task *task);

void model_set_text(char **text, const char *value);
