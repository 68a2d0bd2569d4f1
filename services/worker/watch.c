/*
 * The engine as a whole: is it there, what does it run, what happens to it;
 * tested by tests/unit/test_worker_watch.c.
 *
 * After every failure: ask what it is, open its events, take its list, compare.
 * Only then does anything else go on. The events are opened before the list is
 * taken, so nothing falls between the two.
 */
#include "services/worker/core.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/worker/container_spec.h"

uint64_t
worker_watch_away_ms(const struct worker *worker)
{
	const struct worker_watch *watch = &worker->watch;

	return watch->is_up || watch->has_news ? 0 : worker->mono_ms - watch->away_since_ms;
}

void
worker_watch_failed(struct worker *worker, const struct err *err)
{
	struct worker_watch *watch = &worker->watch;

	if (watch->trouble == NULL || strcmp(watch->trouble, err->text) != 0)
		log_warn("engine.away", "error=\"%s\", retrying", err->text);
	if (watch->trouble == NULL) {
		watch->has_news = true;
		watch->n_failed = 0;
	}
	free(watch->trouble);
	watch->trouble = xstrdup(err->text);
	watch->is_up = false;
}

static void
look_failed(struct worker *worker, const struct err *err)
{
	worker_watch_failed(worker, err);
	worker->watch.n_failed++;
	worker->watch.look_failed = true; /* the next look is not before a while */
}

/* ---- events ---- */

static struct worker_slot *
slot_of(struct worker *worker, const struct engine_event *event)
{
	struct worker_slot *slot = NULL;
	struct id task;

	for (size_t i = 0; i < event->n_attributes; i++) {
		if (strcmp(event->attributes[i].key, WORKER_LABEL_TASK) == 0 &&
			id_parse(event->attributes[i].value, &task))
			slot = worker_slots_find(worker, task);
	}
	while (slot != NULL && strcmp(slot->container_id, event->id) != 0)
		slot = slot->older;
	return slot;
}

static void
on_event(const struct engine_event *event, void *arg)
{
	struct worker *worker = worker_job_owner(arg);
	struct worker_slot *slot = worker == NULL ? NULL : slot_of(worker, event);

	if (slot != NULL)
		worker_slot_told(slot, event);
}

static void
on_events_end(const struct err *err, void *arg)
{
	struct worker *worker = worker_job_end(arg);

	if (worker == NULL)
		return;
	log_debug("engine.events.end", "error=\"%s\"", err->text);
	worker->watch.look_failed = true; /* open again, and compare, a little later */
	worker->watch.listed_ms = 0;
}

static const char *
own_label(const struct worker *worker, char *text, size_t size)
{
	(void)snprintf(text, size, "%s=%s", WORKER_LABEL_NODE, worker->node_id);
	return text;
}

static void
open_events(struct worker *worker)
{
	char label[128];
	struct worker_job *job = worker_job_new(&worker->watch.events_job, worker);

	job->op = engine_events(worker->engine, own_label(worker, label, sizeof label), 0, on_event,
		on_events_end, job);
}

/* ---- list ---- */

static void
on_list(const struct err *err, const struct engine_container *containers, size_t n, void *arg)
{
	struct worker *worker = worker_job_end(arg);
	struct worker_watch *watch;

	if (worker == NULL)
		return;
	watch = &worker->watch;
	if (err->code < 0) {
		look_failed(worker, err);
		return;
	}
	watch->n_lists++;
	for (size_t i = 0; i < n; i++)
		worker_slots_found(worker, &containers[i]);
	worker_slots_compare(worker);
	worker_watch_works(worker);
	watch->was_listed = true;
}

static void
take_list(struct worker *worker)
{
	char label[128];
	struct worker_job *job = worker_job_new(&worker->watch.list_job, worker);

	worker->watch.listed_ms = worker->mono_ms;
	worker_networks_list(worker);
	job->op = engine_container_list(worker->engine, own_label(worker, label, sizeof label),
		on_list, job);
}

/* ---- about ---- */

static void
keep_text(const char **place, const char *text)
{
	free((char *)*place);
	*place = xstrdup(text == NULL ? "" : text);
}

static void
on_about(const struct err *err, const struct engine_about *about, void *arg)
{
	struct worker *worker = worker_job_end(arg);
	struct engine_about *mine;

	if (worker == NULL)
		return;
	if (err->code < 0) {
		look_failed(worker, err);
		return;
	}
	mine = &worker->watch.about;
	keep_text(&mine->id, about->id);
	keep_text(&mine->version, about->version);
	keep_text(&mine->api_version, about->api_version);
	keep_text(&mine->os, about->os);
	keep_text(&mine->arch, about->arch);
	keep_text(&mine->kernel, about->kernel);
	keep_text(&mine->root_dir, about->root_dir);
	keep_text(&mine->cgroup_driver, about->cgroup_driver);
	keep_text(&mine->cgroup_version, about->cgroup_version);
	keep_text(&mine->storage_driver, about->storage_driver);
	keep_text(&mine->backing_fs, about->backing_fs);
	mine->has_gpu_runtime = about->has_gpu_runtime;
	worker->disk.cannot_limit = false; /* its storage may be another now */
	mine->cpu_milli = about->cpu_milli;
	mine->memory_bytes = about->memory_bytes;
	worker->watch.knows_about = true;
	worker->watch.is_answering = true;
}

static void
ask_about(struct worker *worker)
{
	struct worker_job *job = worker_job_new(&worker->watch.about_job, worker);

	job->op = engine_about(worker->engine, on_about, job);
}

/* ---- ping ---- */

static void
on_pinged(const struct err *err, void *arg)
{
	struct worker *worker = worker_job_end(arg);
	bool is_away =
		err->code == -ETIMEDOUT || err->code == -ECONNREFUSED || err->code == -ENOTCONN;

	if (worker != NULL && is_away)
		worker_watch_failed(worker, err);
	else if (worker != NULL)
		worker_lack_note(worker); /* not by the clock: what an engine that hangs tells late
					     is of then */
}

/*
 * An engine that hangs accepts everything and answers nothing, and the patience of other
 * operations is long: they may take that long on an engine that is only busy.
 */
static uint64_t
ping(struct worker *worker)
{
	struct worker_watch *watch = &worker->watch;
	struct worker_job *job;

	if (watch->ping_job != NULL)
		return UINT64_MAX;
	if (worker->mono_ms < watch->ping_ms)
		return watch->ping_ms;
	watch->ping_ms = worker->mono_ms + WORKER_PING_MS;
	job = worker_job_new(&watch->ping_job, worker);
	job->op = engine_ping(worker->engine, WORKER_PING_PATIENCE_MS, on_pinged, job);
	return UINT64_MAX;
}

/* ---- all ---- */

/* The engine is usable: everybody who waited for it is looked at. */
void
worker_watch_works(struct worker *worker)
{
	struct worker_watch *watch = &worker->watch;
	struct worker_slot *slot;

	watch->n_failed = 0;
	watch->has_news = false;
	if (watch->trouble != NULL)
		log_info("engine.back", "after=%llu ms",
			(unsigned long long)worker_watch_away_ms(worker));
	free(watch->trouble);
	watch->trouble = NULL;
	if (watch->is_up)
		return;
	watch->is_up = true;
	DL_FOREACH (worker->slots, slot) {
		worker_slot_touch(slot);
	}
}

static uint64_t
bring_up(struct worker *worker)
{
	struct worker_watch *watch = &worker->watch;

	if (!watch->is_answering)
		ask_about(worker);
	else if (worker->node_id[0] == '\0')
		return UINT64_MAX; /* nothing can be ours before we have a name */
	else {
		if (watch->events_job == NULL)
			open_events(worker);
		take_list(worker);
	}
	return UINT64_MAX;
}

/* What has not started yet says that it waits, or is handed back when that takes too long. */
static void
touch_waiting(struct worker *worker)
{
	struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if (slot->state <= WORKER_SLOT_STARTING)
			worker_slot_touch(slot);
	}
}

uint64_t
worker_watch_tick(struct worker *worker)
{
	struct worker_watch *watch = &worker->watch;
	uint64_t due;

	if (watch->has_news) {
		watch->away_since_ms = worker->mono_ms;
		watch->is_answering = false;
	}
	watch->has_news = false;
	if (watch->look_failed) {
		watch->is_answering &= watch->is_up;
		watch->look_ms = worker->mono_ms + worker_retry_delay_ms(watch->n_failed,
							   WORKER_ENGINE_RETRY_MIN_MS,
							   WORKER_ENGINE_RETRY_MAX_MS,
							   worker->ports.random(worker->ports.arg));
		if (!watch->is_up)
			touch_waiting(worker);
	}
	watch->look_failed = false;
	if (watch->about_job != NULL || watch->list_job != NULL)
		return UINT64_MAX;
	if (worker->mono_ms < watch->look_ms)
		return watch->look_ms;
	if (!watch->is_up)
		return bring_up(worker);
	if (watch->events_job == NULL)
		open_events(worker);
	if (watch->listed_ms == 0 || worker->mono_ms - watch->listed_ms >= WORKER_COMPARE_MS)
		take_list(worker);
	due = ping(worker);
	return due < worker->mono_ms + WORKER_COMPARE_MS ? due
							 : worker->mono_ms + WORKER_COMPARE_MS;
}

void
worker_watch_free(struct worker *worker)
{
	struct worker_watch *watch = &worker->watch;
	const struct engine_about *about = &watch->about;
	const char *const texts[] = {about->id, about->version, about->api_version, about->os,
		about->arch, about->kernel, about->root_dir, about->cgroup_driver,
		about->cgroup_version, about->storage_driver, about->backing_fs};

	worker_job_abandon(&watch->about_job);
	worker_job_abandon(&watch->list_job);
	worker_job_abandon(&watch->events_job);
	worker_job_abandon(&watch->ping_job);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free((char *)texts[i]);
	free(watch->trouble);
}
