/*
 * What the manager says, applied; tested by tests/unit/test_worker_assign.c.
 *
 * A message from outside: ids are parsed, numbers bounded, and what makes no
 * sense is left out with a log line, never guessed at.
 */
#include "services/worker/core.h"

#include <assert.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/rpc/unpack.h"

/* ---- specs ---- */

static struct worker_spec *
spec_find(struct worker *worker, const char *id)
{
	struct worker_spec *spec;

	HASH_FIND(hh, worker->specs, id, strlen(id), spec);
	return spec;
}

void
worker_spec_unref(struct worker *worker, struct worker_spec *spec)
{
	if (spec == NULL || --spec->n_refs > 0)
		return;
	HASH_DELETE(hh, worker->specs, spec);
	davit__task_spec__free_unpacked(spec->spec, NULL);
	free(spec);
}

/* Kept while the reply is applied, by one reference; then by those that use it. */
static struct worker_spec *
spec_ref(struct worker *worker, const Davit__SpecEntry *entry)
{
	struct worker_spec *spec = spec_find(worker, entry->id);
	size_t size = strlen(entry->id);

	if (spec != NULL) {
		spec->n_refs++;
		return spec;
	}
	spec = xcalloc(1, sizeof *spec + size + 1);
	memcpy(spec->id, entry->id, size + 1);
	spec->spec = rpc_copy(&entry->spec->base);
	spec->n_refs = 1;
	HASH_ADD(hh, worker->specs, id[0], size, spec);
	return spec;
}

/* ---- one assignment ---- */

static void
set_spec(struct worker_slot *slot, const Davit__Assignment *assignment)
{
	struct worker *worker = slot->worker;
	struct worker_spec *spec = spec_find(worker, assignment->spec_id);
	const Davit__Disconnect *disconnect;

	if (slot->spec != NULL || spec == NULL)
		return;
	slot->spec = spec;
	spec->n_refs++;
	worker_restart_fill(spec->spec->restart, &slot->restart);
	worker_networks_hold(slot);
	disconnect = spec->spec->disconnect;
	if (disconnect != NULL && disconnect->mode == DAVIT__DISCONNECT__MODE__STOP_AFTER)
		slot->stop_after_ms = disconnect->stop_after_ms;
	if (spec->spec->ttl_ms > 0) {
		uint64_t end_ms = assignment->created_ms + spec->spec->ttl_ms;

		slot->ttl_ms = worker->mono_ms;
		if (end_ms > worker->wall_ms)
			slot->ttl_ms += end_ms - worker->wall_ms;
		if (slot->ttl_ms == 0)
			slot->ttl_ms = 1;
	}
}

static void
set_ports(struct worker_slot *slot, const Davit__Assignment *assignment)
{
	if (slot->n_ports > 0 || assignment->n_ports == 0)
		return;
	slot->n_ports = assignment->n_ports;
	slot->ports = xcalloc(slot->n_ports, sizeof *slot->ports);
	slot->port_list = xcalloc(slot->n_ports, sizeof *slot->port_list);
	for (size_t i = 0; i < slot->n_ports; i++) {
		slot->ports[i] = *assignment->ports[i];
		slot->ports[i].host_address = xstrdup(assignment->ports[i]->host_address);
		slot->ports[i].base.n_unknown_fields = 0;
		slot->ports[i].base.unknown_fields = NULL;
		slot->port_list[i] = &slot->ports[i];
	}
}

static void
take_pause(struct worker_slot *slot, const Davit__Assignment *assignment)
{
	if (assignment->pause_generation < slot->pause_generation)
		return;
	slot->pause_generation = assignment->pause_generation;
	slot->wants_pause = assignment->paused;
}

/* What an earlier worker counted goes on; so does the row that a limit of attempts is about. */
static void
take_restarts(struct worker_slot *slot, const Davit__Assignment *assignment)
{
	if (slot->knows_restarts)
		return;
	slot->knows_restarts = true;
	if (assignment->restart_count == 0)
		return;
	slot->restart_count += assignment->restart_count;
	slot->n_again += assignment->restart_count;
	worker_slot_changed(slot);
}

static void
update(struct worker_slot *slot, const Davit__Assignment *assignment)
{
	slot->is_assigned = true;
	slot->is_unwanted = false;
	slot->seen_in = slot->worker->uplink.n_sets;
	slot->created_ms = assignment->created_ms;
	set_spec(slot, assignment);
	set_ports(slot, assignment);
	if (slot->name == NULL)
		slot->name = xstrdup(assignment->name);
	take_pause(slot, assignment);
	take_restarts(slot, assignment);
	if (assignment->desired > slot->desired)
		slot->desired = assignment->desired;
	slot->has_ended |= assignment->has_ended;
	slot->may_have_run |= assignment->has_started;
	if (assignment->has_stop_timeout_ms &&
		(!slot->has_stop_timeout || assignment->stop_timeout_ms < slot->stop_timeout_ms)) {
		slot->has_stop_timeout = true;
		slot->stop_timeout_ms = assignment->stop_timeout_ms;
		slot->is_hurried = slot->state == WORKER_SLOT_STOPPING;
	}
	worker_slot_touch(slot);
}

static void
assign_one(struct worker *worker, const Davit__Assignment *assignment)
{
	struct worker_slot *slot;
	struct id task;

	if (!id_parse(assignment->task_id, &task)) {
		log_warn("worker.assignment", "task=\"%.64s\" is no id: left out",
			assignment->task_id);
		return;
	}
	slot = worker_slots_find(worker, task);
	if (slot != NULL && slot->attempt > assignment->attempt) {
		log_warn("worker.assignment", "task=%s attempt=%u is older than %u: left out",
			assignment->task_id, assignment->attempt, slot->attempt);
		return;
	}
	if (slot == NULL || slot->attempt != assignment->attempt) {
		if (worker->n_slots >= WORKER_SLOTS_MAX ||
			spec_find(worker, assignment->spec_id) == NULL) {
			log_warn("worker.assignment", "task=%s %s: left out", assignment->task_id,
				worker->n_slots >= WORKER_SLOTS_MAX ? "is one too many"
								    : "has no spec");
			worker->uplink.wants_set = true;
			return;
		}
		slot = worker_slots_add(worker, task, assignment->attempt);
	} else if (slot->spec == NULL && spec_find(worker, assignment->spec_id) == NULL) {
		worker->uplink.wants_set = true;
		return;
	}
	update(slot, assignment);
}

/* ---- what the manager knows to be gone, or does not know at all ---- */

static void
unwanted(struct worker_slot *slot)
{
	slot->is_unwanted = true;
	/* It may be waiting for a word of ours that the manager does not need any more. */
	if (slot->state == WORKER_SLOT_GONE)
		slot->told = slot->observed;
	worker_slot_touch(slot);
}

static void
drop_one(struct worker *worker, const Davit__TaskRef *ref)
{
	struct worker_slot *slot;
	struct id task;

	if (!id_parse(ref->task_id, &task))
		return;
	slot = worker_slots_find(worker, task);
	if (slot == NULL || (ref->has_attempt && ref->attempt < slot->attempt))
		return;
	if (ref->has_attempt && ref->attempt > slot->attempt) {
		/* One that was never here. Whether this one is wanted, a complete set tells. */
		worker->uplink.wants_set = true;
		return;
	}
	unwanted(slot);
}

static void
drop_unnamed(struct worker *worker)
{
	struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if (slot->newer == NULL && slot->seen_in != worker->uplink.n_sets)
			unwanted(slot);
	}
	worker_started_drop_all(worker);
}

static bool
is_applicable(struct worker *worker, const Davit__PollReply *reply)
{
	struct worker_uplink *uplink = &worker->uplink;

	if (!reply->has_results_in)
		return false;
	if (reply->complete)
		return reply->results_in >= uplink->seen_version;
	if (!uplink->has_set || reply->results_in <= uplink->have_version)
		return false; /* heard already, by the other poll */
	if (reply->applies_to <= uplink->have_version)
		return true; /* it says how things are, so an overlap does no harm */
	log_info("worker.gap", "have=%llu applies_to=%llu: asking for everything",
		(unsigned long long)uplink->have_version, (unsigned long long)reply->applies_to);
	uplink->wants_set = true;
	return false;
}

void
worker_assign(struct worker *worker, const Davit__PollReply *reply)
{
	struct worker_uplink *uplink = &worker->uplink;
	struct worker_spec **specs;

	if (is_applicable(worker, reply)) {
		uplink->n_sets += reply->complete ? 1 : 0;
		specs = xcalloc(reply->n_specs + 1, sizeof *specs);
		for (size_t i = 0; i < reply->n_specs; i++)
			specs[i] = spec_ref(worker, reply->specs[i]);
		for (size_t i = 0; i < reply->n_assignments; i++)
			assign_one(worker, reply->assignments[i]);
		for (size_t i = 0; i < reply->n_dropped; i++)
			drop_one(worker, reply->dropped[i]);
		for (size_t i = 0; i < reply->n_specs; i++)
			worker_spec_unref(worker, specs[i]);
		free(specs);
		if (reply->complete) {
			drop_unnamed(worker);
			uplink->has_set = uplink->ever_had_set = true;
		}
		uplink->have_version = uplink->seen_version = reply->results_in;
	}
	if (uplink->wants_set && !reply->complete) {
		uplink->have_version = 0;
		uplink->has_set = false;
	}
	uplink->wants_set = false;
}
