/*
 * journal_file.h - the attempts that were started, in a file.
 *
 * Lines "+ <task id> <attempt>" and "- <task id> <attempt>", in order. Adding is
 * written and synced by a thread of the loop's pool, so that a slow disk delays
 * starts, not the heartbeat. Dropping is only written along with the next
 * adding: an entry too many does no harm. A file grown to several times what it
 * holds is written anew, and so it is when it is opened.
 *
 * All functions on the loop's thread.
 */
#pragma once

#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "services/worker/worker.h"

struct worker_journal_file;

/* err->code 0: what was added is on disk. */
typedef void worker_journal_done_fn(const struct err *err, void *arg);

/*
 * Opens or makes the file. ret_entries (to be freed by the caller) are those that
 * were added and not dropped. Lines that are none are left out: a crash may have
 * cut the last one. -errno when the file cannot be read or written.
 */
int worker_journal_file_open(uv_loop_t *loop, const char *path, worker_journal_done_fn *done,
	void *arg, struct worker_journal_file **ret_file, struct worker_journal_entry **ret_entries,
	size_t *ret_n, struct err *err);

/* done follows, later. One at a time. */
void worker_journal_file_add(struct worker_journal_file *file,
	const struct worker_journal_entry *entries, size_t n);
void worker_journal_file_drop(struct worker_journal_file *file,
	const struct worker_journal_entry *entry);

/* Writes what is left. Between add and its done: the file is freed after that. NULL is fine. */
void worker_journal_file_close(struct worker_journal_file *file);
