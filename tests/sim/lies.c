#include "tests/sim/lies.h"

#include <string.h>

#include "services/manager/core.h"
#include "services/worker/core.h"
#include "tests/sim/host.h"

enum { TURNS_PER_OFFER = 32, CALLS_PER_LIE = 16 };

/* NULL while the manager is down or knows none. */
static struct task *
pick_task(struct sim *sim)
{
	struct manager *manager = sim->manager->core;
	struct task *task = manager == NULL ? NULL : manager->model.oldest;

	if (task == NULL || sim->manager->reload_ms != 0)
		return NULL;
	for (uint64_t skip = dice_roll(&sim->fault_dice, manager->model.n_tasks);
		skip > 0 && task->newer != NULL; skip--)
		task = task->newer;
	return task;
}

static struct node *
pick_node(struct sim *sim)
{
	struct manager *manager = sim->manager->core;
	struct node *node, *next, *picked = NULL;
	unsigned n = 0;

	if (manager == NULL)
		return NULL;
	HASH_ITER(hh, manager->model.nodes, node, next)
	{
		if (dice_roll(&sim->fault_dice, ++n) == 0)
			picked = node;
	}
	return picked;
}

/* A complete set of assignments, older than what the worker has, in which nothing is wanted. */
static void
forge_set(struct sim *sim)
{
	struct worker *worker =
		sim->workers[dice_roll(&sim->fault_dice, sim->options.n_workers)]->core;
	Davit__PollReply reply = DAVIT__POLL_REPLY__INIT;
	const struct worker_slot *slot;
	size_t n_wanted = 0;

	if (worker == NULL || worker->uplink.seen_version == 0)
		return;
	DL_FOREACH (worker->slots, slot)
		n_wanted += !slot->is_unwanted;
	reply.has_results_in = reply.has_complete = reply.complete = true;
	reply.results_in = worker->uplink.seen_version - 1;
	sim_count(sim, SIM_FORGED);
	worker_assign(worker, &reply);
	DL_FOREACH (worker->slots, slot)
		n_wanted -= !slot->is_unwanted;
	if (n_wanted != 0)
		sim_fail(sim, "old_sets_change_nothing", "%zu tasks of %s are unwanted by one",
			n_wanted, worker->name);
}

/* It is as if nobody had said anything. */
static void
tell_in_vain(struct sim *sim, const struct task *task, Davit__TaskReport *report, struct node *from)
{
	struct task before = *task;
	char text[ID_TEXT_SIZE];

	id_format(task->id, text);
	report->task_id = text;
	report->has_exit_code = true;
	sim_count(sim, SIM_FORGED);
	host_manager_forge(sim, report, from);
	if (memcmp(&before, task, sizeof before) != 0)
		sim_fail(sim, "stale_reports_change_nothing", "task %s", text);
}

/*
 * Stale or of another node, of any kind, about a task in any state. (A worker's reports of what it
 * was given are believed; there is nobody else to ask.)
 */
static void
forge_report(struct sim *sim)
{
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;
	struct task *task = pick_task(sim);
	struct node *from = pick_node(sim);

	if (task == NULL || from == NULL)
		return;
	report.attempt = task->attempt + (uint32_t)dice_roll(&sim->fault_dice, 3) - 1;
	if (task->on_node && from == task->node && report.attempt == task->attempt)
		report.attempt++;
	report.observed = (Davit__TaskReport__Observed)(1 + dice_roll(&sim->fault_dice, 6));
	report.exit_code = (int32_t)dice_roll(&sim->fault_dice, 2);
	tell_in_vain(sim, task, &report, from);
}

/*
 * What its own worker said of a task before the last that was heard of it, right when it has been
 * refused and is to be placed again as soon as its node is rid of it: then it could still move.
 */
void
lies_before_call(struct sim *sim)
{
	Davit__TaskReport report = DAVIT__TASK_REPORT__INIT;
	struct dice *dice = &sim->procs[SIM_MANAGER].dice;
	struct task *task;

	if (!sim->faults_on || dice_roll(dice, CALLS_PER_LIE) != 0)
		return;
	for (task = sim->manager->core->model.oldest; task != NULL; task = task->newer)
		if (task->on_node && task->observed > 1 && task->state == TASK_SCHEDULED)
			break;
	if (task == NULL)
		return;
	report.attempt = task->attempt;
	report.observed =
		(Davit__TaskReport__Observed)(1 + dice_roll(dice, (uint64_t)task->observed - 1));
	tell_in_vain(sim, task, &report, task->node);
}

void
lies_forge(struct sim *sim)
{
	if (dice_chance(&sim->fault_dice, 300))
		forge_set(sim);
	else
		forge_report(sim);
}

static void
offer_to_task(struct sim *sim, const struct task *task)
{
	struct err err;
	unsigned to;

	for (unsigned event = 0; event < task_fsm.n_events; event++) {
		if (!sim_coverage_is_allowed(&task_fsm, task->state, event) &&
			!sim_coverage_is_worn(&task_fsm, task->state, event) &&
			fsm_next(&task_fsm, task->state, event, &to, &err) == 0)
			sim_fail(sim, "forbidden_is_refused", "task: %s in %s",
				task_fsm.event_name[event], task_fsm.state_name[task->state]);
	}
}

static void
offer_to_slot(struct sim *sim, struct worker_slot *slot)
{
	enum worker_slot_state before = slot->state;

	for (unsigned event = 0; event < worker_slot_fsm.n_events; event++) {
		if (sim_coverage_is_allowed(&worker_slot_fsm, slot->state, event) ||
			sim_coverage_is_worn(&worker_slot_fsm, slot->state, event))
			continue;
		if (worker_slot_step(slot, (enum worker_slot_event)event) || slot->state != before)
			sim_fail(sim, "forbidden_is_refused", "slot: %s in %s",
				worker_slot_fsm.event_name[event],
				worker_slot_fsm.state_name[before]);
	}
}

void
lies_offer_forbidden(struct sim *sim)
{
	struct task *task = sim->manager->core == NULL ? NULL : sim->manager->core->model.oldest;
	struct worker_slot *slot;

	sim_count(sim, SIM_OFFERED);
	for (; task != NULL; task = task->newer)
		offer_to_task(sim, task);
	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		if (sim->workers[i]->core == NULL)
			continue;
		DL_FOREACH (sim->workers[i]->core->slots, slot)
			offer_to_slot(sim, slot);
	}
}

static bool
is_passing(enum worker_slot_state state)
{
	return state != WORKER_SLOT_RUNNING && state != WORKER_SLOT_RESTARTING &&
	       state != WORKER_SLOT_ENDED && state != WORKER_SLOT_REJECTED;
}

void
lies_after_turn(struct sim *sim, unsigned worker)
{
	struct worker_slot *slot;
	bool all;

	if (!sim->faults_on)
		return;
	all = dice_roll(&sim->procs[SIM_WORKER + worker].dice, TURNS_PER_OFFER) == 0;
	DL_FOREACH (sim->workers[worker]->core->slots, slot) {
		if ((all && is_passing(slot->state)) || slot->state == WORKER_SLOT_RETURNED)
			offer_to_slot(sim, slot); /* few are ever returned */
	}
}
