/*
 * What containers write to their own file systems, against what their tasks asked for;
 * tested by tests/unit/test_worker_disk.c.
 *
 * Where the engine's storage can hold a container to a size it is told to (the
 * container then reads ENOSPC). Elsewhere the engine is asked now and then how much
 * was written, one container at a time because it counts files for that, and who is
 * over the limit is stopped with a sentence.
 */
#include "services/worker/core.h"

#include <string.h>

#include "common/base/units.h"

/* Storage that takes a size; overlay2 only on xfs with project quotas, which shows at a try. */
static bool
takes_size(const struct engine_about *about)
{
	static const char *const drivers[] = {"btrfs", "zfs", "devicemapper"};

	for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
		if (strcmp(about->storage_driver, drivers[i]) == 0)
			return true;
	}
	return strcmp(about->storage_driver, "overlay2") == 0 &&
	       strcmp(about->backing_fs, "xfs") == 0;
}

bool
worker_disk_limits(const struct worker_slot *slot)
{
	const struct worker *worker = slot->worker;

	return slot->spec->spec->disk_bytes > 0 && worker->watch.knows_about &&
	       !worker->disk.cannot_limit && takes_size(&worker->watch.about);
}

bool
worker_disk_refused(struct worker_slot *slot, const struct err *err)
{
	if (!slot->is_disk_limited ||
		(strstr(err->text, "storage-opt") == NULL && strstr(err->text, "quota") == NULL))
		return false;
	slot->is_disk_limited = false;
	slot->worker->disk.cannot_limit = true;
	return true;
}

/* 0: it is not watched. */
static uint64_t
limit_of(const struct worker_slot *slot)
{
	bool is_watched = slot->state == WORKER_SLOT_RUNNING && slot->spec != NULL &&
			  !slot->is_disk_limited && !slot->is_over_disk;

	return is_watched ? slot->spec->spec->disk_bytes : 0;
}

static void
on_sized(const struct err *err, const struct engine_container *container, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);
	char wrote[UNITS_TEXT_SIZE], may[UNITS_TEXT_SIZE];
	uint64_t limit;

	if (slot == NULL)
		return;
	slot->worker->disk.look_ms = 0; /* the next one */
	limit = limit_of(slot);
	if (err->code < 0 || limit == 0 || container->written_bytes <= limit)
		return;
	slot->is_over_disk = true;
	worker_slot_say(slot, "stopped: it wrote %s, and may write %s (disk)",
		units_format_bytes(container->written_bytes, wrote),
		units_format_bytes(limit, may));
	worker_slot_touch(slot);
}

/* The one whose look is longest ago. *ret_is_busy: one is being looked at. */
static struct worker_slot *
next_of(const struct worker *worker, bool *ret_is_busy)
{
	struct worker_slot *slot, *next = NULL;

	*ret_is_busy = false;
	DL_FOREACH (worker->slots, slot) {
		*ret_is_busy |= slot->size_job != NULL;
		if (limit_of(slot) > 0 && (next == NULL || slot->size_ms < next->size_ms))
			next = slot;
	}
	return next;
}

uint64_t
worker_disk_tick(struct worker *worker)
{
	struct worker_slot *slot;
	struct worker_job *job;
	bool is_busy;

	if (worker->mono_ms < worker->disk.look_ms || !worker->watch.is_up)
		return worker->watch.is_up ? worker->disk.look_ms : UINT64_MAX;
	worker->disk.look_ms = worker->mono_ms + WORKER_DISK_MS;
	slot = next_of(worker, &is_busy);
	if (is_busy || slot == NULL)
		return worker->disk.look_ms;
	if (slot->size_ms > worker->mono_ms) {
		worker->disk.look_ms = slot->size_ms;
		return slot->size_ms;
	}
	slot->size_ms = worker->mono_ms + WORKER_DISK_MS;
	job = worker_job_new(&slot->size_job, slot);
	job->op = engine_container_inspect_size(worker->engine, slot->container_id, on_sized, job);
	return worker->disk.look_ms;
}
