/* Which attempts were started, over a crash of the worker; tested by
 * tests/unit/test_worker_slots.c. */
#include "services/worker/core.h"

#include "common/base/log.h"
#include "common/base/mem.h"

enum { BATCH_MAX = 1024, RETRY_MS = 1000 };

void
worker_started_load(struct worker *worker, const struct worker_journal_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct worker_started *started;

		HASH_FIND(hh, worker->started, &entries[i].task, sizeof entries[i].task, started);
		if (started == NULL) {
			started = xcalloc(1, sizeof *started);
			started->entry.task = entries[i].task;
			HASH_ADD(hh, worker->started, entry.task, sizeof started->entry.task,
				started);
		}
		if (entries[i].attempt > started->entry.attempt)
			started->entry.attempt = entries[i].attempt;
	}
}

static void
forget(struct worker *worker, struct worker_started *started)
{
	HASH_DELETE(hh, worker->started, started);
	free(started);
}

bool
worker_started_take(struct worker *worker, struct id task, uint32_t attempt)
{
	struct worker_started *started;

	HASH_FIND(hh, worker->started, &task, sizeof task, started);
	if (started == NULL || started->entry.attempt != attempt)
		return false;
	forget(worker, started);
	return true;
}

void
worker_started_drop_all(struct worker *worker)
{
	struct worker_started *started, *next;

	HASH_ITER(hh, worker->started, started, next)
	{
		worker->ports.journal_drop(worker->ports.arg, &started->entry);
		forget(worker, started);
	}
}

void
worker_journal_tick(struct worker *worker)
{
	struct worker_journal_entry *batch;
	struct worker_slot *slot, *next;
	size_t n = 0;

	if (worker->is_journaling || worker->to_journal == NULL)
		return;
	batch = xmalloc(BATCH_MAX * sizeof *batch);
	DL_FOREACH_SAFE2(worker->to_journal, slot, next, journal_next)
	{
		if (n == BATCH_MAX)
			break;
		DL_DELETE2(worker->to_journal, slot, journal_prev, journal_next);
		DL_APPEND2(worker->in_journal, slot, journal_prev, journal_next);
		batch[n++] = (struct worker_journal_entry){slot->task, slot->attempt};
	}
	worker->is_journaling = true;
	worker->ports.journal_add(worker->ports.arg, batch, n);
	free(batch);
}

void
worker_journal_want(struct worker_slot *slot)
{
	if (slot->wants_journal)
		return;
	slot->wants_journal = true;
	DL_APPEND2(slot->worker->to_journal, slot, journal_prev, journal_next);
}

void
worker_journal_leave(struct worker_slot *slot)
{
	struct worker *worker = slot->worker;
	struct worker_slot *other;

	if (!slot->wants_journal)
		return;
	slot->wants_journal = false;
	DL_FOREACH2(worker->to_journal, other, journal_next)
	{
		if (other == slot) {
			DL_DELETE2(worker->to_journal, slot, journal_prev, journal_next);
			return;
		}
	}
	DL_DELETE2(worker->in_journal, slot, journal_prev, journal_next);
	slot->is_journaled = true; /* it may be on disk: it is to be dropped there */
}

void
worker_journaled(struct worker *worker, const struct err *err)
{
	struct worker_slot *slot, *next;

	worker->is_journaling = false;
	if (err->code < 0)
		log_warn("journal.failed",
			"error=\"%s\" containers are not started, retrying in %d ms", err->text,
			RETRY_MS);
	DL_FOREACH_SAFE2(worker->in_journal, slot, next, journal_next)
	{
		DL_DELETE2(worker->in_journal, slot, journal_prev, journal_next);
		slot->wants_journal = false;
		slot->is_journaled = err->code == 0;
		if (err->code == 0) {
			worker_slot_touch(slot);
			continue;
		}
		worker_slot_say(slot, "waits: the worker cannot write its journal: %s", err->text);
		worker_slot_rest(slot, RETRY_MS);
	}
}
