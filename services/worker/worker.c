/* Birth, death and the tick; tested by tests/unit/test_worker_slots.c and its neighbours. */
#include "services/worker/core.h"

#include <stdio.h>

#include "common/base/log.h"
#include "common/base/mem.h"

enum { START_WIDTH = 4, START_RANGE = 4 };

static void
copy_labels(struct worker *worker, const struct worker_options *options)
{
	worker->n_labels = options->n_labels;
	worker->labels = xcalloc(options->n_labels + 1, sizeof *worker->labels);
	worker->label_list = xcalloc(options->n_labels + 1, sizeof *worker->label_list);
	for (size_t i = 0; i < options->n_labels; i++) {
		davit__string_entry__init(&worker->labels[i]);
		worker->labels[i].key = xstrdup(options->labels[i].key);
		worker->labels[i].value = xstrdup(options->labels[i].value);
		worker->label_list[i] = &worker->labels[i];
	}
}

/* Found out, from what is best for most engines on, unless it is declared. */
static void
init_width(struct worker *worker, const struct worker_options *options)
{
	unsigned first = options->start_width > 0 ? options->start_width : START_WIDTH;
	unsigned min = first / START_RANGE > 0 ? first / START_RANGE : 1;
	unsigned max = first * START_RANGE;

	if (options->start_limit > 0)
		first = min = max = options->start_limit;
	worker_width_init(&worker->start_width, first, min, max);
	worker->start_lane.limit = first;
	worker->remove_lane.limit = worker->n_removals = 2 * first;
}

struct worker *
worker_new(const struct worker_options *options, struct engine *engine,
	const struct worker_ports *ports)
{
	struct worker *worker = xcalloc(1, sizeof *worker);

	worker->ports = *ports;
	worker->engine = engine;
	worker->name = xstrdup(options->name);
	worker->instance = xstrdup(options->instance);
	worker->address = xstrdup(options->address);
	worker->engine_address = xstrdup(options->engine_address);
	if (options->node_id != NULL)
		(void)snprintf(worker->node_id, sizeof worker->node_id, "%s", options->node_id);
	copy_labels(worker, options);
	worker->declared = options->declared;
	worker->capacity = options->capacity;
	worker->fallback = options->fallback;
	worker->policy = options->policy;
	worker->sweep_ms = UINT64_MAX;
	init_width(worker, options);
	worker->stop_lane.limit = WORKER_STOPS_MAX;
	worker->grace_lane.limit = WORKER_GRACES_MAX;
	worker->kill_lane.limit = WORKER_KILLS_MAX;
	worker->ttl_lane.limit = WORKER_TTLS_MAX;
	worker->look_lane.limit = WORKER_CHECKS_MAX;
	worker->uplink.poll_ms = WORKER_POLL_MS;
	worker_pulled_load(worker, options->pulled);
	worker_started_load(worker, options->started, options->n_started);
	return worker;
}

static void
free_started(struct worker *worker)
{
	struct worker_started *started, *next;

	HASH_ITER(hh, worker->started, started, next)
	{
		HASH_DELETE(hh, worker->started, started);
		free(started);
	}
}

void
worker_free(struct worker *worker)
{
	struct worker_slot *slot, *next;

	if (worker == NULL)
		return;
	worker->is_dying = true;
	worker_channels_free(worker);
	worker_queries_free(worker);
	worker_watch_free(worker);
	HASH_CLEAR(hh, worker->by_task);
	DL_FOREACH_SAFE (worker->slots, slot, next) {
		worker_slot_free(slot);
	}
	worker_images_free(worker);
	worker_pulled_free(worker);
	worker_networks_free(worker);
	free_started(worker);
	for (size_t i = 0; i < worker->n_labels; i++) {
		free(worker->labels[i].key);
		free(worker->labels[i].value);
	}
	free(worker->labels);
	free(worker->label_list);
	free(worker->name);
	free(worker->instance);
	free(worker->address);
	free(worker->engine_address);
	free(worker->cluster);
	free(worker);
}

static void
widen(struct worker_lane *lane, unsigned limit)
{
	if (lane->limit != limit)
		worker_lane_widen(lane, limit);
}

/*
 * How many starts the engine takes best is looked at whenever some have ended; but few are begun
 * while the ttl of a task is about to be over, and that says nothing of the engine.
 */
static uint64_t
tick_width(struct worker *worker)
{
	struct worker_width *width = &worker->start_width;
	struct worker_lane *lane = &worker->start_lane;
	unsigned before = width->now;
	bool is_quiet = worker->mono_ms < worker->quiet_ms;

	worker_width_tick(width, worker->mono_ms, lane->n_ended,
		lane->waiting != NULL && !is_quiet);
	lane->n_ended = 0;
	if (width->now != before)
		log_debug("worker.width", "starts=%u before=%u", width->now, before);
	widen(lane, is_quiet ? width->min : width->now);
	widen(&worker->remove_lane, is_quiet ? width->min : worker->n_removals);
	return is_quiet ? worker->quiet_ms : UINT64_MAX;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void
worker_tick(struct worker *worker, uint64_t mono_ms, uint64_t wall_ms)
{
	uint64_t due;

	worker->mono_ms = mono_ms;
	worker->wall_ms = wall_ms;
	if (!worker->is_born) {
		worker->born_ms = worker->watch.away_since_ms = mono_ms;
		worker->is_born = true;
	}
	due = worker_watch_tick(worker);
	worker_slots_tick(worker);
	due = least(due, worker_images_tick(worker));
	due = least(due, worker_pulled_tick(worker));
	due = least(due, worker_disk_tick(worker));
	due = least(due, worker_networks_tick(worker));
	due = least(due, tick_width(worker));
	worker_slots_tick(worker); /* those that an image was refused to */
	worker_journal_tick(worker);
	due = least(due, worker_queries_tick(worker));
	due = least(due, worker_channels_tick(worker));
	due = least(due, worker_uplink_tick(worker));
	worker->due_ms = worker->touched != NULL ? mono_ms : least(due, worker->sweep_ms);
}

uint64_t
worker_due_ms(const struct worker *worker)
{
	return worker->due_ms;
}

const char *
worker_node_id(const struct worker *worker)
{
	return worker->node_id;
}

uint64_t
worker_session(const struct worker *worker)
{
	return worker->uplink.session;
}

bool
worker_is_registered(const struct worker *worker)
{
	return worker->uplink.state == WORKER_UPLINK_ONLINE;
}

const char *
worker_engine_trouble(const struct worker *worker)
{
	return worker->watch.trouble;
}

const struct engine_about *
worker_engine_facts(const struct worker *worker)
{
	return worker->watch.knows_about ? &worker->watch.about : NULL;
}

unsigned
worker_start_width(const struct worker *worker)
{
	return worker->start_width.now;
}

unsigned
worker_n_pulls(const struct worker *worker)
{
	return worker->n_pulls;
}

size_t
worker_n_slots(const struct worker *worker)
{
	return worker->n_slots;
}

void
worker_each_running(const struct worker *worker, worker_running_fn *fn, void *arg)
{
	const struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if (slot->state != WORKER_SLOT_RUNNING && slot->state != WORKER_SLOT_STOPPING)
			continue;
		fn(&(struct worker_running){slot->task, slot->attempt, slot->container_id,
			   slot->pid, slot->serial},
			arg);
	}
}
