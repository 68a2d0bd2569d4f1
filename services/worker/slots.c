/* The set of attempts, and the journal of those that ran; tested by
 * tests/unit/test_worker_slots.c. */
#include "services/worker/core.h"

#include <stdio.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/worker/container_spec.h"

struct worker_slot *
worker_slots_find(struct worker *worker, struct id task)
{
	struct worker_slot *slot;

	HASH_FIND(hh, worker->by_task, &task, sizeof task, slot);
	return slot;
}

struct worker_slot *
worker_slots_add(struct worker *worker, struct id task, uint32_t attempt)
{
	struct worker_slot *old = worker_slots_find(worker, task);
	struct worker_slot *slot = worker_slot_new(worker, task, attempt);

	if (old != NULL) {
		HASH_DELETE(hh, worker->by_task, old);
		old->newer = slot;
		old->is_unwanted = true;
		slot->older = old;
		worker_uplink_forget(old); /* what it does is of no interest any more */
		worker_slot_touch(old);
	}
	HASH_ADD(hh, worker->by_task, task, sizeof slot->task, slot);
	DL_APPEND(worker->slots, slot);
	worker->n_slots++;
	slot->may_have_run = worker_started_take(worker, task, attempt);
	slot->is_journaled = slot->may_have_run;
	worker_slot_changed(slot);
	worker_slot_touch(slot);
	return slot;
}

void
worker_slots_drop(struct worker_slot *slot)
{
	struct worker *worker = slot->worker;

	if (slot->newer == NULL)
		HASH_DELETE(hh, worker->by_task, slot);
	else
		slot->newer->older = slot->older;
	if (slot->older != NULL)
		slot->older->newer = slot->newer;
	if (slot->older != NULL && slot->newer == NULL)
		HASH_ADD(hh, worker->by_task, task, sizeof slot->older->task, slot->older);
	if (slot->newer != NULL)
		worker_slot_touch(slot->newer);
	worker_journal_leave(slot);
	if (slot->is_journaled)
		worker->ports.journal_drop(worker->ports.arg,
			&(struct worker_journal_entry){slot->task, slot->attempt});
	if (slot->is_touched)
		DL_DELETE2(worker->touched, slot, touched_prev, touched_next);
	worker_uplink_forget(slot);
	DL_DELETE(worker->slots, slot);
	worker->n_slots--;
	worker_slot_free(slot);
}

/* ---- what the engine's list shows ---- */

static const char *
label_of(const struct engine_container *container, const char *key)
{
	for (size_t i = 0; i < container->n_labels; i++) {
		if (strcmp(container->labels[i].key, key) == 0)
			return container->labels[i].value;
	}
	return NULL;
}

/* An attempt that nobody told us of: found at the start, or left behind. */
static struct worker_slot *
add_found(struct worker *worker, struct id task, uint32_t attempt,
	const struct engine_container *container)
{
	struct worker_slot *newest = worker_slots_find(worker, task), *slot;
	const char *stop_after = label_of(container, WORKER_LABEL_STOP_AFTER);

	if (newest != NULL && newest->attempt > attempt) {
		/* Behind the newest: it goes away before that one is created. */
		slot = worker_slot_new(worker, task, attempt);
		slot->is_unwanted = true;
		slot->newer = newest;
		slot->older = newest->older;
		if (newest->older != NULL)
			newest->older->newer = slot;
		newest->older = slot;
		DL_APPEND(worker->slots, slot);
		worker->n_slots++;
	} else {
		slot = worker_slots_add(worker, task, attempt);
		slot->is_unwanted = worker->uplink.ever_had_set;
	}
	worker_restart_parse(label_of(container, WORKER_LABEL_RESTART), &slot->restart);
	slot->stop_after_ms = stop_after == NULL ? 0 : strtoul(stop_after, NULL, 10);
	return slot;
}

static bool
is_as_known(const struct worker_slot *slot, enum engine_container_status status)
{
	switch (slot->state) {
	case WORKER_SLOT_CREATED:
	case WORKER_SLOT_REJECTED:
		return status == ENGINE_CREATED;
	case WORKER_SLOT_RUNNING:
		return status == (slot->is_paused ? ENGINE_PAUSED : ENGINE_RUNNING);
	case WORKER_SLOT_ENDED:
	case WORKER_SLOT_RESTARTING:
		return status == ENGINE_EXITED || status == ENGINE_DEAD || status == ENGINE_CREATED;
	case WORKER_SLOT_STOPPING:
	case WORKER_SLOT_REMOVING:
		return true; /* their own requests will show */
	default:
		return false;
	}
}

static struct worker_slot *
find_attempt(struct worker *worker, struct id task, uint32_t attempt)
{
	struct worker_slot *slot = worker_slots_find(worker, task);

	while (slot != NULL && slot->attempt != attempt)
		slot = slot->older;
	return slot;
}

bool
worker_slots_own(const struct worker *worker, const char *cluster)
{
	return cluster != NULL &&
	       (worker->cluster == NULL || strcmp(cluster, worker->cluster) == 0);
}

void
worker_slots_found(struct worker *worker, const struct engine_container *container)
{
	const char *task_label = label_of(container, WORKER_LABEL_TASK);
	const char *attempt_label = label_of(container, WORKER_LABEL_ATTEMPT);
	struct worker_slot *slot;
	struct id task;
	uint32_t attempt;

	if (!worker_slots_own(worker, label_of(container, WORKER_LABEL_CLUSTER)) ||
		task_label == NULL || attempt_label == NULL || !id_parse(task_label, &task))
		return; /* not one of ours, although it says so */
	attempt = (uint32_t)strtoul(attempt_label, NULL, 10);
	slot = find_attempt(worker, task, attempt);
	if (slot == NULL && worker->n_slots < WORKER_SLOTS_MAX)
		slot = add_found(worker, task, attempt, container);
	if (slot == NULL)
		return;
	slot->listed_in = worker->watch.n_lists;
	if (slot->job != NULL || slot->state == WORKER_SLOT_PULLING ||
		slot->state == WORKER_SLOT_GONE)
		return;
	if (!worker_slot_has_container(slot))
		(void)snprintf(slot->container_id, sizeof slot->container_id, "%s", container->id);
	if (!is_as_known(slot, container->status))
		slot->must_look = true;
	worker_slot_touch(slot);
}

void
worker_slots_compare(struct worker *worker)
{
	struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if (slot->listed_in == worker->watch.n_lists || slot->job != NULL ||
			!worker_slot_has_container(slot))
			continue;
		slot->must_look = true;
		worker_slot_touch(slot);
	}
}

bool
worker_slots_are_unsure(const struct worker *worker)
{
	const struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if (!slot->is_assigned && slot->state == WORKER_SLOT_ACCEPTED)
			return true;
	}
	return false;
}

/* ---- time ---- */

static void
sweep(struct worker *worker)
{
	struct worker_slot *slot;
	uint64_t now = worker->mono_ms;

	if (now < worker->sweep_ms)
		return;
	worker->sweep_ms = UINT64_MAX;
	DL_FOREACH (worker->slots, slot) {
		if (worker_slot_deadline_ms(slot, worker->swept_ms) <= now)
			worker_slot_touch(slot);
		worker_slot_wake_at(slot, worker_slot_deadline_ms(slot, now));
	}
	worker->swept_ms = now;
	if (worker->sweep_ms < now + WORKER_SWEEP_MS)
		worker->sweep_ms = now + WORKER_SWEEP_MS;
}

void
worker_slots_tick(struct worker *worker)
{
	sweep(worker);
	while (worker->touched != NULL) {
		struct worker_slot *slot = worker->touched;

		DL_DELETE2(worker->touched, slot, touched_prev, touched_next);
		slot->is_touched = false;
		worker_slot_act(slot); /* may free it */
	}
}
