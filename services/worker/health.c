/*
 * Health checks from outside the container, by HTTP or TCP; those that run a
 * command inside are the engine's, and reach us as events. Tested by
 * tests/unit/test_worker_health.c.
 */
#include "services/worker/core.h"

#include <stdio.h>

#include "common/model/rules.h"

enum { INTERVAL_MS = 30000, TIMEOUT_MS = 30000, RETRIES = 3, ADDRESS_WAIT_MS = 500 };

static const Davit__Healthcheck *
check_of(const struct worker_slot *slot)
{
	const Davit__Healthcheck *check = slot->spec == NULL ? NULL : slot->spec->spec->healthcheck;

	if (check == NULL || (check->http_get == NULL && !check->has_tcp_port) ||
		slot->worker->ports.probe == NULL)
		return NULL;
	return check;
}

static uint64_t
interval_ms(const Davit__Healthcheck *check)
{
	return check->has_interval_ms ? check->interval_ms : (uint64_t)INTERVAL_MS;
}

/* The port of the container as it is reached from here; NULL: not at all, as yet. */
static const char *
find_way(const struct worker_slot *slot, uint32_t container_port, uint32_t *ret_port)
{
	const char *engine = slot->worker->engine_address;

	*ret_port = container_port;
	if (slot->has_host_network)
		return engine == NULL ? "127.0.0.1" : engine;
	if (engine == NULL)
		return slot->address[0] == '\0' ? NULL : slot->address;
	for (size_t i = 0; i < slot->n_ports; i++) {
		if (slot->ports[i].container_port == container_port) {
			*ret_port = slot->ports[i].host_port;
			return engine;
		}
	}
	return NULL;
}

static void
failed(struct worker_slot *slot, const Davit__Healthcheck *check, const char *why)
{
	uint32_t retries = check->has_retries ? check->retries : (uint32_t)RETRIES;
	uint64_t grace_end = slot->last_up_ms + check->start_period_ms;

	if (slot->health == DAVIT__TASK__PHASE__PHASE_NONE && slot->worker->mono_ms < grace_end)
		return;
	if (++slot->n_probes_failed < retries)
		return;
	worker_slot_say(slot, "unhealthy: %s", why);
	worker_slot_set_health(slot, "unhealthy");
}

static void
on_probed(bool ok, const char *why, void *arg)
{
	struct worker_slot *slot = worker_job_end(arg);
	const Davit__Healthcheck *check;

	if (slot == NULL)
		return;
	slot->is_probe_done = true;
	worker_slot_touch(slot);
	check = check_of(slot);
	if (slot->state != WORKER_SLOT_RUNNING || check == NULL)
		return;
	if (!ok) {
		failed(slot, check, why);
		return;
	}
	slot->n_probes_failed = 0;
	worker_slot_set_health(slot, "healthy");
}

static void
probe(struct worker_slot *slot, const Davit__Healthcheck *check)
{
	struct worker_probe probe = {.path = NULL,
		.timeout_ms = check->has_timeout_ms ? check->timeout_ms : (uint64_t)TIMEOUT_MS};
	uint32_t container_port = check->tcp_port;

	if (check->http_get != NULL &&
		!rule_http_get(check->http_get, &container_port, &probe.path))
		return;
	if (container_port == 0 || container_port > UINT16_MAX)
		return; /* as above: no manager of ours lets that through */
	probe.address = find_way(slot, container_port, &probe.port);
	if (probe.address == NULL && slot->worker->engine_address != NULL) {
		failed(slot, check,
			"the engine is another machine, and the port to look at is not published");
		slot->is_probe_done = true;
		worker_slot_touch(slot);
		return;
	}
	if (probe.address == NULL) {
		slot->must_look = true; /* an inspection tells its address */
		slot->probe_ms = slot->worker->mono_ms + ADDRESS_WAIT_MS;
		worker_slot_touch(slot);
		return;
	}
	slot->worker->ports.probe(slot->worker->ports.arg, &probe, on_probed,
		worker_job_new(&slot->probe_job, slot));
}

void
worker_health_begin(struct worker_slot *slot)
{
	slot->n_probes_failed = 0;
	slot->address[0] = '\0';
	worker_job_abandon(&slot->probe_job);
	slot->is_probe_done = true;
}

void
worker_health_act(struct worker_slot *slot)
{
	const Davit__Healthcheck *check = check_of(slot);
	uint64_t now = slot->worker->mono_ms;

	if (check == NULL || slot->state != WORKER_SLOT_RUNNING || slot->is_paused)
		return;
	if (slot->is_probe_done || slot->probe_ms == 0)
		slot->probe_ms = now + interval_ms(check);
	slot->is_probe_done = false;
	if (slot->probe_job == NULL && slot->probe_ms <= now)
		probe(slot, check);
	worker_slot_wake_at(slot, slot->probe_job == NULL ? slot->probe_ms : UINT64_MAX);
}

bool
worker_health_ends(const struct worker_slot *slot)
{
	return slot->health == DAVIT__TASK__PHASE__UNHEALTHY &&
	       slot->restart.condition != DAVIT__RESTART_POLICY__CONDITION__NO;
}
