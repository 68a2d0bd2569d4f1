/*
 * Networks that tasks ask for: made on demand, removed when nobody uses them;
 * tested by tests/unit/test_worker_networks.c.
 *
 * Each belongs to one namespace of one node, by its name on the engine. An
 * attempt holds its networks from the moment it is known until its container
 * has ended, so one is never removed between a create and a start. What the
 * engine says of them wins over what is remembered here: after every list, what
 * is not there is made again before it is used.
 */
#include "services/worker/core.h"

#include <stdio.h>

#include <jansson.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "services/worker/container_spec.h"

enum { RETRY_MIN_MS = 200, RETRY_MAX_MS = 5000 };

CLEANUP_DEFINE(json_t *, json_decref)

static struct worker_network *
network_get(struct worker *worker, const char *name)
{
	struct worker_network *network;
	size_t size = strlen(name);

	HASH_FIND(hh, worker->networks, name, size, network);
	if (network != NULL)
		return network;
	network = xcalloc(1, sizeof *network + size + 1);
	memcpy(network->name, name, size + 1);
	network->worker = worker;
	HASH_ADD(hh, worker->networks, name[0], size, network);
	return network;
}

static void
network_free(struct worker_network *network)
{
	HASH_DELETE(hh, network->worker->networks, network);
	worker_job_abandon(&network->job);
	free(network);
}

/* ---- who uses them ---- */

void
worker_networks_hold(struct worker_slot *slot)
{
	const Davit__TaskSpec *spec = slot->spec->spec;
	char name[WORKER_NETWORK_NAME_SIZE];

	if (slot->networks != NULL || spec->n_networks == 0 || slot->state >= WORKER_SLOT_ENDED)
		return;
	slot->networks = xcalloc(spec->n_networks, sizeof(struct worker_network *));
	for (size_t i = 0; i < spec->n_networks; i++) {
		struct worker_network *network;

		if (!worker_network_is_made(spec->networks[i]))
			continue;
		(void)worker_network_name(spec, i, slot->worker->node_id, name);
		network = network_get(slot->worker, name);
		network->n_users++;
		slot->networks[slot->n_held_networks++] = network;
	}
}

void
worker_networks_leave(struct worker_slot *slot)
{
	for (size_t i = 0; i < slot->n_held_networks; i++) {
		slot->networks[i]->n_users--;
		slot->networks[i]->is_new = true; /* the next tick sees when it fell idle */
	}
	slot->n_held_networks = 0;
	free(slot->networks);
	slot->networks = NULL;
}

bool
worker_networks_want(struct worker_slot *slot)
{
	bool all = true;

	for (size_t i = 0; i < slot->n_held_networks; i++) {
		struct worker_network *network = slot->networks[i];

		network->is_wanted = true;
		if (network->state == WORKER_NETWORK_PRESENT)
			continue;
		all = false;
		if (network->trouble[0] != '\0')
			worker_slot_say(slot, "cannot make network '%s': %s; tries again",
				network->name, network->trouble);
	}
	return all;
}

void
worker_networks_forget(struct worker_slot *slot)
{
	for (size_t i = 0; i < slot->n_held_networks; i++) {
		if (slot->networks[i]->state == WORKER_NETWORK_PRESENT)
			slot->networks[i]->state = WORKER_NETWORK_UNKNOWN;
	}
}

/* Whoever waits in front of a create or a start looks again. */
static void
touch_waiting(struct worker *worker)
{
	struct worker_slot *slot;

	DL_FOREACH (worker->slots, slot) {
		if (slot->n_held_networks > 0 && slot->state <= WORKER_SLOT_STARTING)
			worker_slot_touch(slot);
	}
}

/* ---- made and removed ---- */

static void
later(struct worker_network *network)
{
	network->wait_ms = (uint32_t)worker_retry_delay_ms(network->n_tries++, RETRY_MIN_MS,
		RETRY_MAX_MS, network->worker->ports.random(network->worker->ports.arg));
}

static void
on_made(const struct err *err, void *arg)
{
	struct worker_network *network = worker_job_end(arg);

	if (network == NULL)
		return;
	if (err->code == 0) {
		network->state = WORKER_NETWORK_PRESENT;
		network->trouble[0] = '\0';
		network->n_tries = 0;
	} else {
		network->state = WORKER_NETWORK_UNKNOWN;
		(void)snprintf(network->trouble, sizeof network->trouble, "%s", err->text);
		if (worker_engine_verdict(WORKER_STEP_CREATE, err) == WORKER_VERDICT_AWAY)
			worker_watch_failed(network->worker, err);
		later(network);
	}
	touch_waiting(network->worker);
}

static void
make(struct worker_network *network)
{
	struct worker *worker = network->worker;
	const struct engine_label labels[] = {
		{WORKER_LABEL_CLUSTER, worker->cluster == NULL ? "" : worker->cluster},
		{WORKER_LABEL_NODE, worker->node_id},
	};
	struct worker_job *job = worker_job_new(&network->job, network);

	network->state = WORKER_NETWORK_BUSY;
	job->op = engine_network_create(worker->engine, network->name, labels,
		sizeof labels / sizeof labels[0], on_made, job);
}

static void
on_removed(const struct err *err, void *arg)
{
	struct worker_network *network = worker_job_end(arg);

	if (network == NULL)
		return;
	/* Still in use by a container that is about to go, or by a stranger's: tried again. */
	network->state = err->code == 0 ? WORKER_NETWORK_GONE : WORKER_NETWORK_PRESENT;
	if (err->code < 0)
		later(network);
	touch_waiting(network->worker);
}

static void
unmake(struct worker_network *network)
{
	struct worker_job *job = worker_job_new(&network->job, network);

	network->state = WORKER_NETWORK_BUSY;
	job->op = engine_network_remove(network->worker->engine, network->name, on_removed, job);
}

/* ---- what the engine has ---- */

static void
found(struct worker *worker, const json_t *item)
{
	const json_t *labels = json_object_get(item, "Labels");
	const char *node = json_string_value(json_object_get(labels, WORKER_LABEL_NODE));
	const char *cluster = json_string_value(json_object_get(labels, WORKER_LABEL_CLUSTER));
	const char *name = json_string_value(json_object_get(item, "Name"));
	struct worker_network *network;

	if (!worker_slots_own(worker, cluster) || node == NULL || name == NULL ||
		strcmp(node, worker->node_id) != 0 || strlen(name) >= WORKER_NETWORK_NAME_SIZE)
		return;
	network = network_get(worker, name);
	network->listed_in = worker->n_network_lists;
	if (network->job != NULL)
		return;
	if (network->state != WORKER_NETWORK_PRESENT)
		touch_waiting(worker);
	network->state = WORKER_NETWORK_PRESENT;
	network->is_new |= network->n_users == 0 && network->idle_ms == 0;
}

static void
on_list(const struct err *err, const char *json, size_t size, void *arg)
{
	struct worker *worker = worker_job_end(arg);
	CLEANUP(json_decref) json_t *root = NULL;
	struct worker_network *network, *next;
	json_error_t error;

	if (worker == NULL || err->code < 0)
		return; /* the list of containers says that the engine is away, if it is */
	root = json_loadb(json, size, 0, &error);
	if (!json_is_array(root))
		return;
	for (size_t i = 0; i < json_array_size(root); i++)
		found(worker, json_array_get(root, i));
	HASH_ITER(hh, worker->networks, network, next)
	{
		/* Made after the engine had answered: busy then, or newer than the question. */
		if (network->job == NULL && network->listed_in < worker->n_network_lists &&
			network->state == WORKER_NETWORK_PRESENT &&
			network->made_in < worker->n_network_lists)
			network->state = WORKER_NETWORK_GONE;
	}
}

void
worker_networks_list(struct worker *worker)
{
	struct worker_job *job;

	if (worker->network_list_job != NULL)
		return;
	worker->n_network_lists++;
	job = worker_job_new(&worker->network_list_job, worker);
	job->op = engine_network_list(worker->engine, on_list, job);
}

/* ---- time ---- */

static uint64_t
tick_one(struct worker_network *network)
{
	struct worker *worker = network->worker;
	uint64_t now = worker->mono_ms;

	if (network->is_new)
		network->idle_ms = now + WORKER_NETWORK_IDLE_MS;
	network->is_new = false;
	if (network->wait_ms > 0)
		network->retry_ms = now + network->wait_ms;
	network->wait_ms = 0;
	if (network->job != NULL || !worker->watch.is_up)
		return UINT64_MAX;
	if (network->retry_ms > now)
		return network->retry_ms;
	if (network->n_users > 0 && network->is_wanted &&
		network->state != WORKER_NETWORK_PRESENT) {
		network->made_in = worker->n_network_lists;
		make(network);
	} else if (network->n_users == 0 && network->state != WORKER_NETWORK_PRESENT) {
		network_free(network);
	} else if (network->n_users == 0 && worker->uplink.ever_had_set) {
		if (network->idle_ms > now)
			return network->idle_ms;
		network->is_wanted = false;
		unmake(network);
	}
	return UINT64_MAX;
}

uint64_t
worker_networks_tick(struct worker *worker)
{
	struct worker_network *network, *next;
	uint64_t due = UINT64_MAX;

	HASH_ITER(hh, worker->networks, network, next)
	{
		uint64_t at = tick_one(network);

		due = at < due ? at : due;
	}
	return due;
}

void
worker_networks_free(struct worker *worker)
{
	struct worker_network *network, *next;

	worker_job_abandon(&worker->network_list_job);
	HASH_ITER(hh, worker->networks, network, next)
	{
		network_free(network);
	}
}
