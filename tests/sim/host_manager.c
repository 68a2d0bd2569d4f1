#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/store/store_mem.h"
#include "services/manager/core.h"
#include "services/manager/lifecycle.h"
#include "tests/sim/conduct.h"
#include "tests/sim/host.h"
#include "tests/sim/invariants.h"
#include "tests/sim/lies.h"
#include "tests/sim/network.h"

enum {
	COMMIT_MS_MAX = 4,
	COMMIT_ASIDE = 700, /* of a thousand commits take their time, … */
	ASIDE_MS_MAX = 40,  /* … so much: inputs come meanwhile */
	RESTART_MS = 1500,  /* after it died by itself */
	HISTORY_MAX = 60,
	HISTORY_FEW = 4,         /* less than an array may have */
	HISTORY_CONTAINERS = 15, /* … with two of three */
	HISTORY_AGE_MS = 30000,  /* with every fourth seed */
	PLACE_TIMEOUT_MS = 2000,
	NONSENSE = 50,    /* of a thousand answers of the scheduler */
	RELOAD_MS = 1000, /* from a failed reading of the store to the next */
	TURN_BATCHES_MAX = 1000,
};

static struct manager_now
now(const struct sim *sim)
{
	return (struct manager_now){sim_mono(sim, SIM_MANAGER), sim_wall(sim, SIM_MANAGER)};
}

static void
port_random(void *arg, void *data, size_t size)
{
	struct host_manager *host = arg;

	dice_fill(&host->sim->procs[SIM_MANAGER].dice, data, size);
}

static int
port_read(void *arg, const char *key, struct buf *ret_value, struct err *err)
{
	struct host_manager *host = arg;

	return store_get(host->store, key, ret_value, err);
}

static void schedule_turn(struct host_manager *host);

/* Anybody may write a scheduler, and what it proposes may be nonsense: the manager disposes. */
static void
confuse(struct sim *sim, const Davit__PlaceReply *reply, struct dice *dice)
{
	struct model *model = &sim->manager->core->model;
	struct node *node, *next;

	for (size_t i = 0; i < reply->n_placements; i++) {
		struct id task;
		unsigned n = 0;

		if (id_parse(reply->placements[i]->task_id, &task))
			conduct_confused(sim, task);

		HASH_ITER(hh, model->nodes, node, next)
		{
			if (dice_roll(dice, ++n) == 0)
				memcpy(reply->placements[i]->node_id, node->id_text,
					strlen(reply->placements[i]->node_id));
		}
		if (i > 0 && dice_chance(dice, 200))
			memcpy(reply->placements[i]->task_id, reply->placements[0]->task_id,
				strlen(reply->placements[0]->task_id));
	}
	sim_trace(sim, SIM_SCHEDULER, "proposes nonsense");
}

static void
confuse_at_times(struct sim *sim, const Davit__PlaceReply *reply)
{
	struct dice dice = dice_of(sim->options.seed, DICE_NONSENSE, ++sim->n_answers);

	if (dice_chance(&dice, NONSENSE) && sim_happens(sim, ONLY_NONSENSE, sim->n_answers))
		confuse(sim, reply, &dice);
}

static void
on_placed(const struct rpc_result *result, void *arg)
{
	struct host_manager *host = arg;

	if (result->response != NULL && host->sim->faults_on)
		confuse_at_times(host->sim, (const Davit__PlaceReply *)result->response);
	manager_placed(host->core, now(host->sim), result->status, result->message,
		(const Davit__PlaceReply *)result->response);
	schedule_turn(host);
}

static void
port_place(void *arg, const Davit__PlaceRequest *request)
{
	struct host_manager *host = arg;
	struct network_call call = {.from = SIM_MANAGER,
		.to = SIM_SCHEDULER,
		.service = &davit__scheduler__descriptor,
		.method = "Place",
		.request = &request->base,
		.timeout_ms = PLACE_TIMEOUT_MS,
		.done = on_placed,
		.arg = host};

	network_call(host->sim, &call);
}

static void
port_publish(void *arg, const char *topic, const ProtobufCMessage *message)
{
	(void)arg;
	(void)topic;
	(void)message;
}

/* ---- turns: what arrives while the disk is busy is the next batch ---- */

static bool
is_alive(const struct sim *sim, void *arg)
{
	return sim->procs[SIM_MANAGER].is_up && sim->procs[SIM_MANAGER].epoch == (uintptr_t)arg;
}

/* As the shell does it: until the store can be read again, nothing is served. */
static void
load(struct host_manager *host)
{
	struct err err = {0};

	host->reload_ms = 0;
	if (manager_load(host->core, host->store, now(host->sim), &err) == 0) {
		witness_manager_loaded(host->sim);
		conduct_loaded(host->sim);
		return;
	}
	sim_trace(host->sim, SIM_MANAGER, "cannot read its store: %s", err.text);
	sim_count(host->sim, SIM_READ_FAILED);
	if (err.code != -EIO)
		sim_fail(host->sim, "store_can_be_read", "%s", err.text);
	manager_abort(host->core, err.text);
	host->reload_ms = host->sim->now_ms + RELOAD_MS;
}

static bool
on_restart(struct sim *sim, void *arg)
{
	(void)arg;
	if (sim->is_ending || sim->procs[SIM_MANAGER].is_up)
		return false;
	host_manager_start(sim);
	return true;
}

static void
count_failure(struct sim *sim, int rc)
{
	if (rc == -ENOSPC)
		sim_count(sim, SIM_DISK_FULL);
	else
		sim_count(sim, SIM_COMMIT_FAILED);
}

/* The core hears what became of the batch that it sealed. */
static void
conclude(struct host_manager *host)
{
	host->is_committing = false;
	if (host->rc == -ESHUTDOWN) {
		host_manager_kill(host->sim);
		sim_at(host->sim, host->sim->now_ms + RESTART_MS, on_restart, NULL);
	} else if (host->rc == 0) {
		manager_release(host->core);
	} else {
		sim_trace(host->sim, SIM_MANAGER, "commit failed: %s", host->err.text);
		count_failure(host->sim, host->rc);
		manager_abort(host->core, host->err.text);
		load(host);
	}
}

static bool
on_concluded(struct sim *sim, void *arg)
{
	struct host_manager *host = sim->manager;

	if (!is_alive(sim, arg))
		return false;
	conclude(host);
	schedule_turn(host);
	return true;
}

/*
 * What becomes of a batch is settled when it is sealed, while the model is what it says; at times
 * the core is told later, and has decided more by then, which is lost with a batch that is lost. A
 * kill in between finds the batch on disk and nobody told; that the disk has nothing of it is one
 * of the ways in which the store fails.
 */
static void
commit(struct host_manager *host)
{
	struct sim *sim = host->sim;
	struct dice *dice = &sim->procs[SIM_MANAGER].dice;
	const struct store_batch *writes = manager_seal(host->core);

	manager_ask(host->core);
	if (sim->now_ms < host->full_until_ms && store_batch_count(writes) > 0)
		store_mem_fail_next(host->store, 0, -ENOSPC);
	host->err = (struct err){0};
	host->rc = store_commit(host->store, writes, &host->err);
	if (host->rc == 0) {
		witness_manager_committed(sim, writes);
		conduct_committed(sim);
	}
	host->is_committing = true;
	if (store_batch_count(writes) > 0 && dice_chance(dice, COMMIT_ASIDE))
		sim_at(sim, sim->now_ms + 1 + dice_roll(dice, ASIDE_MS_MAX), on_concluded,
			(void *)(uintptr_t)sim->procs[SIM_MANAGER].epoch);
	else
		conclude(host);
}

static bool
has_work(const struct host_manager *host)
{
	return host->core != NULL && host->reload_ms == 0 && !host->is_committing &&
	       manager_has_work(host->core);
}

static bool
on_turn(struct sim *sim, void *arg)
{
	struct host_manager *host = sim->manager;

	if (!is_alive(sim, arg))
		return false;
	host->turn_is_due = false;
	for (unsigned n = 0; has_work(host); n++) {
		if (n == TURN_BATCHES_MAX) {
			sim_fail(sim, "manager_comes_to_rest", "%d batches in one turn", (int)n);
			break;
		}
		commit(host);
	}
	return true;
}

static void
schedule_turn(struct host_manager *host)
{
	struct sim *sim = host->sim;

	if (host->turn_is_due || !has_work(host))
		return;
	host->turn_is_due = true;
	sim_at(sim, sim->now_ms + dice_roll(&sim->procs[SIM_MANAGER].dice, COMMIT_MS_MAX), on_turn,
		(void *)(uintptr_t)sim->procs[SIM_MANAGER].epoch);
}

static bool
on_tick(struct sim *sim, void *arg)
{
	struct host_manager *host = sim->manager;

	if (!is_alive(sim, arg))
		return false;
	if (host->reload_ms == 0)
		manager_tick(host->core, now(sim));
	else if (sim->now_ms >= host->reload_ms)
		load(host);
	schedule_turn(host);
	sim_at(sim, sim->now_ms + SIM_TICK_MS, on_tick, arg);
	return true;
}

/* A Poll that its worker sent before it, or the worker after it, registered anew. */
static bool
is_of_earlier_session(const struct manager *manager, const struct rpc_call *call)
{
	const Davit__PollRequest *poll = (const Davit__PollRequest *)call->request;
	const struct node *node;
	struct id id;

	if (call->request->descriptor != &davit__poll_request__descriptor ||
		!id_parse(poll->node_id, &id))
		return false;
	node = model_node_find(&manager->model, id);
	return node != NULL && poll->session < node->session;
}

void
host_manager_take(struct sim *sim, struct rpc_call *call)
{
	struct host_manager *host = sim->manager;
	bool is_over;

	if (host->reload_ms != 0) {
		rpc_call_refuse(call, DAVIT__REPLY__STATUS__UNAVAILABLE, NULL,
			"the manager's store cannot be read");
		rpc_call_send(call);
		return;
	}
	lies_before_call(sim);
	is_over = is_of_earlier_session(host->core, call);
	manager_call(host->core, now(sim), call);
	if (is_over && (!call->is_answered || call->status == DAVIT__REPLY__STATUS__OK))
		sim_fail(sim, "earlier_sessions_are_refused", "a Poll was taken");
	schedule_turn(host);
}

void
host_manager_forge(struct sim *sim, const Davit__TaskReport *report, struct node *from)
{
	struct host_manager *host = sim->manager;

	host->core->now = now(sim);
	lifecycle_report(host->core, from, report);
	schedule_turn(host);
}

/* ---- lives ---- */

void
host_manager_start(struct sim *sim)
{
	struct host_manager *host = sim->manager;
	struct manager_config config;
	struct manager_ports ports = {port_random, port_place, port_publish, port_read, host};

	if (sim->procs[SIM_MANAGER].is_up)
		return;
	sim->procs[SIM_MANAGER].is_up = true;
	manager_config_init(&config);
	config.ports = (struct ledger_range){30000, 30019}; /* so few that they run out */
	config.history_max = sim->options.seed % 7 == 0 ? HISTORY_FEW : HISTORY_MAX;
	if (sim->options.seed % 5 != 0) { /* else arrays get many records at once */
		config.array_ahead = 1 + (uint32_t)(sim->options.seed % 5) % 3;
		config.array_ahead_low = 1;
		config.array_ahead_all = (uint32_t)(sim->options.seed % 2) * 8;
	}
	config.cut_step = 1 + (uint32_t)(sim->options.seed % 4);
	if (sim->options.seed % 3 != 0 && config.history_max == HISTORY_MAX)
		config.history_containers = HISTORY_CONTAINERS;
	if (sim->options.seed % 4 == 0)
		config.history_age_ms = HISTORY_AGE_MS;
	config.restart_grace_ms = 5000;
	config.claim_after_ms = 10000;
	host->core = manager_new(&config, &ports);
	host->turn_is_due = host->is_committing = false;
	sim_trace(sim, SIM_MANAGER, "starts");
	load(host);
	if (host->reload_ms != 0) { /* what starts with a store that it cannot read ends again */
		host_manager_kill(sim);
		sim_at(sim, sim->now_ms + RESTART_MS, on_restart, NULL);
		return;
	}
	sim_at(sim, sim->now_ms + SIM_TICK_MS, on_tick,
		(void *)(uintptr_t)sim->procs[SIM_MANAGER].epoch);
}

void
host_manager_kill(struct sim *sim)
{
	struct host_manager *host = sim->manager;

	if (!sim->procs[SIM_MANAGER].is_up)
		return;
	sim_trace(sim, SIM_MANAGER, "is killed");
	sim_count(sim, SIM_MANAGER_KILLED);
	sim->procs[SIM_MANAGER].is_up = false;
	sim->procs[SIM_MANAGER].epoch++; /* first: what it still says reaches nobody */
	manager_free(host->core);
	host->core = NULL;
	store_mem_crash(host->store);
}

void
host_manager_init(struct sim *sim)
{
	struct err err = {0};

	sim->manager = xcalloc(1, sizeof *sim->manager);
	sim->manager->sim = sim;
	if (store_open_mem(&sim->manager->store, &err) < 0)
		sim_fail(sim, "store_can_be_read", "%s", err.text);
	host_manager_start(sim);
}

void
host_manager_fini(struct sim *sim)
{
	manager_free(sim->manager->core);
	store_close(sim->manager->store);
	free(sim->manager);
	sim->manager = NULL;
}
