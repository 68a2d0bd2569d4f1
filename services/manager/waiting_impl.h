/*
 * waiting_impl.h - what waiting.c, waiting_ask.c and waiting_wake.c share. Private to them.
 */
#pragma once

#include <utlist.h>

#include "services/manager/core.h"
#include "services/manager/waiting.h"

/* task_queue.kind */
enum { QUEUE_NONE, QUEUE_READY, QUEUE_BLOCKED, QUEUE_ASKED, QUEUE_CLAIMED };

struct level {
	struct share *ready;    /* in turn */
	struct bucket *buckets; /* in turn: what was woken last is last */
	unsigned n_shares;
};

/* Keys are compared byte by byte: no padding. */
struct share_key {
	uint64_t namespace_hash; /* two namespaces of one hash share their turns, no more */
	uint64_t priority;
};

/* What a namespace has waiting at a priority. */
struct share {
	struct share_key key;
	struct line *ready; /* in turn */
	uint64_t served;
	unsigned n_lines;
	bool is_ready;
	struct share *prev, *next; /* level.ready */
	UT_hash_handle hh;
};

struct line_key {
	struct share *share;
	struct id array; /* none: tasks that are no array's */
	uint64_t reserved;
};

struct line {
	struct line_key key;
	struct task_queue ready;
	uint64_t served;
	size_t n; /* tasks in all four places */
	bool is_ready, is_gang;
	uint64_t asked_in;        /* waiting.n_pulls of the last question that it was in */
	size_t n_to_make;         /* elements that may get their records in that question still */
	struct line *prev, *next; /* share.ready */
	UT_hash_handle hh;
};

struct bucket_key {
	struct line *line;
	uint64_t
		shape; /* of what it wants; two shapes of one hash are woken as the first of them */
};

struct bucket {
	struct bucket_key key;
	struct task_queue tasks;
	struct resources want;
	unsigned causes;
	uint32_t n_helped;              /* by news of neighbours: so many may fit now */
	uint64_t generation;            /* when it was woken last */
	struct bucket *prev, *next;     /* level.buckets */
	struct bucket *n_prev, *n_next; /* waiting.neighbours */
	UT_hash_handle hh;
};

static inline struct level *
waiting_level(struct waiting *waiting, const struct line *line)
{
	return &waiting->levels[line->key.share->key.priority];
}

/* The line that the task belongs to; NULL only while nobody of it waits. */
struct line *waiting_find_line(const struct waiting *waiting, const struct task *task);

/* The bucket of the task's shape in its line, or NULL. */
struct bucket *waiting_find_bucket(struct manager *manager, const struct task *task);

/* Takes the task out of its queue; its line still counts it. */
void waiting_leave_queue(struct waiting *waiting, struct task *task);
/* Wherever it was: it is asked about when its line has a turn. */
void waiting_make_ready(struct waiting *waiting, struct task *task, struct line *line);

/* Makes the first n tasks of the bucket ready; it is gone when it is empty then. */
void waiting_unblock(struct manager *manager, struct bucket *bucket, size_t n);
