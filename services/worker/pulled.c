/*
 * Images that were pulled here for tasks, and that go again when nobody needs them;
 * tested by tests/unit/test_worker_pulled.c.
 *
 * Only what was not on the engine before it was pulled for a task is remembered, so
 * nothing that a person brought is ever removed. Whether a container uses an image
 * is the engine's to say: it is asked to remove without force, and refuses then.
 */
#include "services/worker/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/mem.h"

static struct worker_pulled *
find(struct worker *worker, const char *name)
{
	struct worker_pulled *pulled;

	HASH_FIND_STR(worker->pulled.by_name, name, pulled);
	return pulled;
}

static struct worker_pulled *
add(struct worker *worker, const char *name, size_t size, uint64_t used_ms)
{
	struct worker_pulled *pulled = xcalloc(1, sizeof *pulled + size + 1);

	memcpy(pulled->name, name, size);
	pulled->used_ms = used_ms;
	HASH_ADD_STR(worker->pulled.by_name, name, pulled);
	return pulled;
}

static void
drop(struct worker *worker, struct worker_pulled *pulled)
{
	HASH_DEL(worker->pulled.by_name, pulled);
	free(pulled);
	worker->pulled.is_changed = true;
}

void
worker_pulled_note(struct worker *worker, const char *name)
{
	struct worker_pulled *pulled = find(worker, name);

	if (pulled == NULL && HASH_COUNT(worker->pulled.by_name) >= WORKER_PULLED_MAX)
		return; /* it stays on the engine, as if a person had brought it */
	if (pulled == NULL)
		pulled = add(worker, name, strlen(name), 0);
	pulled->used_ms = worker->wall_ms;
	worker->pulled.is_changed = true;
}

void
worker_pulled_use(struct worker *worker, const char *name)
{
	struct worker_pulled *pulled = find(worker, name);

	if (pulled == NULL)
		return;
	pulled->used_ms = worker->wall_ms;
	worker->pulled.is_changed = true;
}

bool
worker_pulled_is_going(const struct worker *worker, const char *name)
{
	return worker->pulled.removing != NULL && strcmp(worker->pulled.removing, name) == 0;
}

/* ---- over a restart: lines of "<used_ms> <name>" ---- */

void
worker_pulled_load(struct worker *worker, const char *text)
{
	while (text != NULL && *text != '\0') {
		char *name;
		uint64_t used_ms = strtoull(text, &name, 10);
		size_t size = strcspn(text, "\n"), n_before = (size_t)(name - text) + 1;

		if (*name == ' ' && size > n_before &&
			HASH_COUNT(worker->pulled.by_name) < WORKER_PULLED_MAX)
			(void)add(worker, name + 1, size - n_before, used_ms);
		text += size + (text[size] == '\n');
	}
}

static void
save(struct worker *worker)
{
	CLEANUP(buf_fini) struct buf text = {0};
	const struct worker_pulled *pulled, *next;

	if (!worker->pulled.is_changed || worker->ports.save_pulled == NULL)
		return;
	HASH_ITER(hh, worker->pulled.by_name, pulled, next)
	{
		buf_printf(&text, "%" PRIu64 " %s\n", pulled->used_ms, pulled->name);
	}
	worker->pulled.is_changed = false;
	worker->ports.save_pulled(worker->ports.arg, buf_text(&text));
}

/* ---- removing ---- */

static void
on_removed(const struct err *err, const char *json, size_t size, void *arg)
{
	struct worker *worker = worker_job_end(arg);
	struct worker_pulled *pulled;

	(void)json;
	(void)size;
	if (worker == NULL)
		return;
	pulled = find(worker, worker->pulled.removing);
	worker_image_forget(worker, worker->pulled.removing);
	if (err->code == 0)
		log_info("image.removed", "image=%s reason=\"%s\"", worker->pulled.removing,
			worker->pulled.is_full ? "the disk is nearly full" : "not used for long");
	if (pulled != NULL && (err->code == 0 || err->code == -ENOENT)) {
		drop(worker, pulled);
		worker->pulled.look_ms = 0; /* perhaps there are more */
	} else if (pulled != NULL) {
		log_debug("image.kept", "image=%s error=\"%s\"", pulled->name, err->text);
		pulled->retry_ms = worker->mono_ms + WORKER_CLEAN_RETRY_MS;
	}
	free(worker->pulled.removing);
	worker->pulled.removing = NULL;
}

/* A task here has, had or will have a container of it. */
static bool
is_needed(const struct worker *worker, const char *name)
{
	const struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if ((slot->state < WORKER_SLOT_ENDED || worker_slot_has_container(slot)) &&
			strcmp(worker_slot_image(slot), name) == 0)
			return true;
	}
	return false;
}

/* The one that was not used for longest, of those that may be tried now. */
static struct worker_pulled *
oldest(struct worker *worker, uint64_t before_ms)
{
	struct worker_pulled *pulled, *next, *best = NULL;

	HASH_ITER(hh, worker->pulled.by_name, pulled, next)
	{
		if (pulled->retry_ms > worker->mono_ms || pulled->used_ms > before_ms ||
			(best != NULL && pulled->used_ms >= best->used_ms))
			continue;
		if (is_needed(worker, pulled->name))
			pulled->used_ms = worker->wall_ms;
		else
			best = pulled;
	}
	return best;
}

/* Between the two marks it goes on as it was: one image more or less does not turn it. */
static bool
disk_is_full(struct worker *worker)
{
	const struct worker_policy *policy = &worker->policy;
	uint64_t used = 0, total = 0, mark;

	mark = worker->pulled.is_full ? policy->image_disk_low : policy->image_disk_high;
	if (policy->image_disk_high == 0 || worker->ports.disk_usage == NULL ||
		worker->engine_address != NULL || !worker->watch.knows_about ||
		worker->ports.disk_usage(worker->ports.arg, worker->watch.about.root_dir, &used,
			&total) < 0 ||
		total == 0)
		return false;
	return used / (total / 100 + 1) >= mark;
}

static void
clean(struct worker *worker)
{
	uint64_t age_ms = worker->policy.image_max_age_ms, before_ms = 0;
	struct worker_pulled *pulled;
	struct worker_job *job;

	worker->pulled.is_full = disk_is_full(worker);
	if (worker->pulled.is_full)
		before_ms = UINT64_MAX;
	else if (age_ms > 0 && worker->wall_ms > age_ms)
		before_ms = worker->wall_ms - age_ms;
	pulled = before_ms == 0 ? NULL : oldest(worker, before_ms);
	if (pulled == NULL)
		return;
	worker->pulled.removing = xstrdup(pulled->name);
	job = worker_job_new(&worker->pulled.job, worker);
	job->op = engine_image_remove(worker->engine, pulled->name, false, on_removed, job);
}

static uint64_t
interval_ms(const struct worker *worker)
{
	uint64_t age_ms = worker->policy.image_max_age_ms;

	if (age_ms == 0 || age_ms / 4 > WORKER_CLEAN_MS)
		return WORKER_CLEAN_MS;
	return age_ms / 4 > WORKER_CLEAN_MIN_MS ? age_ms / 4 : WORKER_CLEAN_MIN_MS;
}

uint64_t
worker_pulled_tick(struct worker *worker)
{
	if (worker->pulled.job != NULL || worker->pulled.by_name == NULL) {
		save(worker);
		return UINT64_MAX;
	}
	if (worker->mono_ms < worker->pulled.look_ms)
		return worker->pulled.look_ms;
	worker->pulled.look_ms = worker->mono_ms + interval_ms(worker);
	/* Before the manager has said what is assigned here, everything might be needed. */
	if (worker->watch.is_up && worker->uplink.has_set)
		clean(worker);
	save(worker);
	return worker->pulled.look_ms;
}

void
worker_pulled_free(struct worker *worker)
{
	struct worker_pulled *pulled, *next;

	worker_job_abandon(&worker->pulled.job);
	HASH_ITER(hh, worker->pulled.by_name, pulled, next)
	{
		drop(worker, pulled);
	}
	free(worker->pulled.removing);
}
