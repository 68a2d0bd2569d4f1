#include "tests/sim/faults.h"

#include <errno.h>
#include <stdio.h>

#include "common/store/store_mem.h"
#include "services/worker/core.h"
#include "tests/sim/conduct.h"
#include "tests/sim/host.h"
#include "tests/sim/lies.h"
#include "tests/sim/strangers.h"
#include "tests/sim/users.h"

enum {
	FAULT_MS_MAX = 4000, /* between two faults */
	DOWN_MS_MAX = 6000,  /* how long a process stays dead */
	CUT_MS_MAX = 8000,
	LEAVE_MS_MAX = 2000, /* from TERM to the end */
	FULL_MS_MAX = 1500,
	COMMITS_AHEAD = 8, /* a commit fails so many later at most */
	ENGINE_MS_MAX = 3000,
	ENGINE_LONG_MS_MIN = 12000, /* beyond a worker's patience: this, … */
	ENGINE_LONG_MS_MAX = 50000, /* … and up to so much more */
	DRIFT_MAX = 10,             /* thousandths */
	STEPS_PER_DEATH = 4000,
	LURK_MS = 5, /* between two looks for one that starts something, … */
	LURKS_MAX = 400,
};

static bool
is_over(const struct sim *sim)
{
	return sim->is_ending || !sim->faults_on;
}

/* ---- deaths ---- */

static void
start_proc(struct sim *sim, unsigned proc)
{
	if (proc == SIM_MANAGER)
		host_manager_start(sim);
	else if (proc == SIM_SCHEDULER)
		host_scheduler_start(sim);
	else if (proc >= SIM_WORKER)
		host_worker_start(sim, proc - SIM_WORKER);
}

static bool
on_start(struct sim *sim, void *arg)
{
	unsigned proc = (unsigned)(uintptr_t)arg;

	if (sim->is_ending || sim->procs[proc].is_up)
		return false;
	start_proc(sim, proc);
	return true;
}

static void
start_later(struct sim *sim, unsigned proc)
{
	sim_at(sim, sim->now_ms + dice_roll(&sim->fault_dice, DOWN_MS_MAX), on_start,
		(void *)(uintptr_t)proc);
}

static void
kill_manager(struct sim *sim)
{
	host_manager_kill(sim);
	start_later(sim, SIM_MANAGER);
}

static void
kill_scheduler(struct sim *sim)
{
	host_scheduler_kill(sim);
	start_later(sim, SIM_SCHEDULER);
}

static struct host_worker *
pick_worker(struct sim *sim)
{
	return sim->workers[dice_roll(&sim->fault_dice, sim->options.n_workers)];
}

static void
kill_worker(struct sim *sim)
{
	struct host_worker *host = pick_worker(sim);

	host_worker_kill(sim, host->index);
	start_later(sim, host->proc);
}

/*
 * One that has just asked for a start dies before it could say so, and what it started is gone
 * when it comes back: only its journal knows.
 */
static bool
is_robbed(struct sim *sim, struct host_worker *host)
{
	struct worker_slot *slot;

	if (host->core == NULL)
		return false;
	DL_FOREACH (host->core->slots, slot) {
		if (slot->job == NULL || slot->state != WORKER_SLOT_STARTING)
			continue;
		strangers_rob(sim, host, slot->task, slot->container_id);
		host_worker_kill(sim, host->index);
		start_later(sim, host->proc);
		return true;
	}
	return false;
}

static bool
on_lurk(struct sim *sim, void *arg)
{
	uintptr_t n_left = (uintptr_t)arg;

	if (is_over(sim))
		return false;
	for (unsigned i = 0; i < sim->options.n_workers; i++)
		if (is_robbed(sim, sim->workers[i]))
			return true;
	if (n_left > 0)
		sim_at(sim, sim->now_ms + LURK_MS, on_lurk, (void *)(n_left - 1));
	return false;
}

static void
rob_worker(struct sim *sim)
{
	(void)on_lurk(sim, (void *)(uintptr_t)LURKS_MAX);
}

/* TERM: it announces that it will be back. */
static bool
on_left(struct sim *sim, void *arg)
{
	struct host_worker *host = arg;

	if (sim->is_ending || !sim->procs[host->proc].is_up)
		return false;
	host_worker_kill(sim, host->index);
	start_later(sim, host->proc);
	return true;
}

static void
end_worker(struct sim *sim)
{
	struct host_worker *host = pick_worker(sim);

	if (!sim->procs[host->proc].is_up)
		return;
	sim_trace(sim, host->proc, "is asked to end");
	sim_count(sim, SIM_WORKER_LEFT);
	worker_leave(host->core);
	host_worker_poke(sim, host->index);
	sim_at(sim, sim->now_ms + dice_roll(&sim->fault_dice, LEAVE_MS_MAX), on_left, host);
}

/* A machine without power: what ran there is dead, too. */
static void
cut_power(struct sim *sim, struct host_worker *host)
{
	sim_trace(sim, host->proc, "its machine loses power");
	sim_count(sim, SIM_MACHINE_LOST);
	host_worker_kill(sim, host->index);
	engine_mem_advance(host->world, sim->now_ms);
	engine_mem_restart(host->world, false, dice_roll(&sim->fault_dice, DOWN_MS_MAX));
	host_worker_poke(sim, host->index);
	start_later(sim, host->proc);
}

static void
lose_machine(struct sim *sim)
{
	cut_power(sim, pick_worker(sim));
}

/* Most of the machines vanish and come back: a power cut, or a bad release of the worker. */
static void
lose_many(struct sim *sim)
{
	bool with_power = dice_chance(&sim->fault_dice, 500);

	sim_count(sim, SIM_BURST);
	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		if (!dice_chance(&sim->fault_dice, 600))
			continue;
		if (with_power) {
			cut_power(sim, sim->workers[i]);
			continue;
		}
		host_worker_kill(sim, i);
		start_later(sim, SIM_WORKER + i);
	}
}

/* Everybody at once. */
static void
kill_all(struct sim *sim)
{
	kill_manager(sim);
	kill_scheduler(sim);
	lose_many(sim);
}

/* ---- the store ---- */

static void
fail_commit(struct sim *sim)
{
	unsigned n = (unsigned)dice_roll(&sim->fault_dice, COMMITS_AHEAD);

	if (dice_chance(&sim->fault_dice, 500)) {
		store_mem_fail_next(sim->manager->store, n, -EIO);
	} else {
		sim_count(sim, SIM_COMMIT_LATE);
		store_mem_fail_late(sim->manager->store, n, -EIO);
	}
}

static void
cut_commit(struct sim *sim)
{
	bool kept = dice_chance(&sim->fault_dice, 500);

	sim_count(sim, kept ? SIM_COMMIT_CUT_KEPT : SIM_COMMIT_CUT);
	store_mem_cut_next(sim->manager->store,
		(unsigned)dice_roll(&sim->fault_dice, COMMITS_AHEAD), kept);
}

static void
fill_disk(struct sim *sim)
{
	struct host_manager *host = sim->manager;

	sim_trace(sim, SIM_MANAGER, "its disk is full");
	host->full_until_ms = sim->now_ms + dice_roll(&sim->fault_dice, FULL_MS_MAX);
	if (dice_chance(&sim->fault_dice, 300)) {
		sim_trace(sim, SIM_MANAGER, "its disk cannot be read");
		store_mem_fail_scans(host->store, 1 + (unsigned)dice_roll(&sim->fault_dice, 4),
			-EIO);
	}
}

static void
fail_journal(struct sim *sim)
{
	struct host_worker *host = pick_worker(sim);

	host->journal_fails = true;
	if (dice_chance(&sim->fault_dice, 400)) /* what waits for the journal may be removed */
		strangers_clear(sim, host);
}

/* ---- the network ---- */

static bool
on_heal(struct sim *sim, void *arg)
{
	unsigned a = (unsigned)(uintptr_t)arg;

	sim->links[a][SIM_MANAGER].is_cut = sim->links[SIM_MANAGER][a].is_cut = false;
	return true;
}

static unsigned
pick_correspondent(struct sim *sim)
{
	uint64_t roll = dice_roll(&sim->fault_dice, 1000);

	if (roll < 150)
		return SIM_SCHEDULER;
	if (roll < 300)
		return SIM_USER;
	return pick_worker(sim)->proc;
}

static void
cut_link(struct sim *sim)
{
	unsigned proc = pick_correspondent(sim);
	uint64_t kind = dice_roll(&sim->fault_dice, 3);

	sim_trace(sim, proc, "is cut off (%s)",
		kind == 0   ? "to the manager"
		: kind == 1 ? "from the manager"
			    : "both ways");
	sim_count(sim, kind == 2 ? SIM_CUT : SIM_CUT_ONE_WAY);
	sim->links[proc][SIM_MANAGER].is_cut = kind != 1;
	sim->links[SIM_MANAGER][proc].is_cut = kind != 0;
	sim_at(sim, sim->now_ms + dice_roll(&sim->fault_dice, CUT_MS_MAX), on_heal,
		(void *)(uintptr_t)proc);
}

static void
change_weather(struct sim *sim)
{
	sim->loss =
		dice_chance(&sim->fault_dice, 500) ? 0 : (unsigned)dice_roll(&sim->fault_dice, 200);
	sim->doubling = (unsigned)dice_roll(&sim->fault_dice, 100);
	sim->delay_max_ms = dice_chance(&sim->fault_dice, 700) ? SIM_DELAY_MS
			    : dice_chance(&sim->fault_dice, 800)
				    ? SIM_DELAY_MS + dice_roll(&sim->fault_dice, 400)
				    : SIM_DELAY_MS + dice_roll(&sim->fault_dice, 6000);
	sim_trace(sim, SIM_USER, "weather: %u of 1000 lost, %u doubled, up to %llu ms late",
		sim->loss, sim->doubling, (unsigned long long)sim->delay_max_ms);
}

/* ---- clocks ---- */

static unsigned
pick_proc(struct sim *sim)
{
	return (unsigned)dice_roll(&sim->fault_dice, SIM_WORKER + sim->options.n_workers);
}

static void
jump_clock(struct sim *sim)
{
	unsigned proc = pick_proc(sim);

	sim->procs[proc].wall_offset_ms = (int64_t)dice_roll(&sim->fault_dice, 120000) - 60000;
	sim_count(sim, SIM_CALENDAR);
	sim_trace(sim, proc, "its calendar jumps");
}

static void
change_drift(struct sim *sim)
{
	unsigned proc = pick_proc(sim);

	sim_set_drift(sim, proc,
		(int64_t)dice_roll(&sim->fault_dice, 2 * DRIFT_MAX + 1) - DRIFT_MAX);
	sim_count(sim, SIM_DRIFT);
}

/* ---- engines ---- */

struct host_worker *
faults_pick_machine(struct sim *sim)
{
	struct host_worker *host = pick_worker(sim);

	engine_mem_advance(host->world, sim->now_ms);
	conduct_worker_troubled(sim, host->index, 0);
	return host;
}

/* One where something has begun that needs the engine, if there is one. */
static struct host_worker *
pick_busy_machine(struct sim *sim)
{
	struct host_worker *picked = faults_pick_machine(sim);
	enum worker_slot_state state = WORKER_SLOT_NONE;
	const struct worker_slot *slot;

	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		if (sim->workers[i]->core == NULL)
			continue;
		DL_FOREACH (sim->workers[i]->core->slots, slot) {
			if (slot->state > WORKER_SLOT_CREATING || slot->state <= state)
				continue;
			state = slot->state;
			picked = sim->workers[i];
		}
	}
	engine_mem_advance(picked->world, sim->now_ms);
	conduct_worker_troubled(sim, picked->index, 0);
	return picked;
}

static void
restart_engine(struct sim *sim)
{
	bool is_long = dice_chance(&sim->fault_dice, 300);
	struct host_worker *host = is_long ? pick_busy_machine(sim) : faults_pick_machine(sim);
	bool live = dice_chance(&sim->fault_dice, 500);
	uint64_t down_ms =
		is_long ? ENGINE_LONG_MS_MIN + dice_roll(&sim->fault_dice, ENGINE_LONG_MS_MAX)
			: dice_roll(&sim->fault_dice, ENGINE_MS_MAX);

	sim_trace(sim, host->proc, "its engine restarts, containers %s", live ? "live" : "die");
	sim_count(sim, SIM_ENGINE_RESTARTED);
	conduct_worker_troubled(sim, host->index, down_ms);
	engine_mem_restart(host->world, live, down_ms);
	if (dice_chance(&sim->fault_dice, 500))
		strangers_take(sim, host);
	host_worker_poke(sim, host->index);
}

static void
hang_engine(struct sim *sim)
{
	struct host_worker *host = faults_pick_machine(sim);
	uint64_t hung_ms = dice_roll(&sim->fault_dice, 10000);

	sim_trace(sim, host->proc, "its engine hangs");
	sim_count(sim, SIM_ENGINE_HUNG);
	conduct_worker_troubled(sim, host->index, hung_ms);
	engine_mem_hang(host->world, sim->now_ms + hung_ms);
	host_worker_poke(sim, host->index);
}

/* ---- by dice ---- */

static const struct fault {
	void (*happen)(struct sim *sim);
	unsigned weight;
} faults[] = {
	{kill_manager, 8},
	{kill_scheduler, 4},
	{kill_worker, 12},
	{rob_worker, 5},
	{end_worker, 4},
	{lose_machine, 4},
	{lose_many, 2},
	{kill_all, 1},
	{fail_commit, 5},
	{cut_commit, 6},
	{fill_disk, 2},
	{fail_journal, 4},
	{cut_link, 14},
	{change_weather, 8},
	{jump_clock, 3},
	{change_drift, 3},
	{restart_engine, 7},
	{hang_engine, 3},
	{strangers_end_container, 12},
	{strangers_lose_answer, 14},
	{strangers_hold_port, 8},
	{strangers_meddle, 4},
	{lies_forge, 14},
	{lies_offer_forbidden, 8},
};

static const struct fault *
pick_fault(struct dice *dice)
{
	unsigned total = 0, roll;
	size_t i = 0;

	for (size_t k = 0; k < sizeof faults / sizeof faults[0]; k++)
		total += faults[k].weight;
	roll = (unsigned)dice_roll(dice, total);
	for (; roll >= faults[i].weight; i++)
		roll -= faults[i].weight;
	return &faults[i];
}

static bool
on_fault(struct sim *sim, void *arg)
{
	const struct fault *fault;
	uint64_t pause_ms;

	if (is_over(sim))
		return false;
	sim->fault_dice = dice_of(sim->options.seed, DICE_FAULT, ++sim->n_faults);
	pause_ms = dice_roll(&sim->fault_dice, FAULT_MS_MAX) / sim->options.hurry;
	fault = pick_fault(&sim->fault_dice);
	if (sim_happens(sim, ONLY_FAULT, sim->n_faults))
		fault->happen(sim);
	sim_at(sim, sim->now_ms + pause_ms, on_fault, arg);
	return true;
}

/* The steps at which somebody dies are thrown one after the other, whatever happens in between. */
static void
plan_death(struct sim *sim)
{
	struct dice dice = dice_of(sim->options.seed, DICE_DEATH_STEP, ++sim->n_deaths);

	sim->next_death_step += 1 + dice_roll(&dice, 2 * STEPS_PER_DEATH);
}

void
faults_after_step(struct sim *sim)
{
	uint64_t number = sim->n_deaths, who;

	if (!sim->faults_on || sim->n_steps < sim->next_death_step)
		return;
	plan_death(sim);
	sim->fault_dice = dice_of(sim->options.seed, DICE_DEATH, number);
	who = dice_roll(&sim->fault_dice, 10);
	if (!sim_happens(sim, ONLY_DEATH, number))
		return;
	sim_count(sim, SIM_KILLED_BETWEEN);
	if (who < 4)
		kill_manager(sim);
	else if (who < 5)
		kill_scheduler(sim);
	else
		kill_worker(sim);
}

/* The clocks' first drift is as much a fault as others: number 0. */
void
faults_init(struct sim *sim)
{
	if (!sim->faults_on)
		return;
	plan_death(sim);
	sim_at(sim, sim->now_ms + 3000 / sim->options.hurry, on_fault, NULL);
	sim->fault_dice = dice_of(sim->options.seed, DICE_FAULT, 0);
	if (!sim_happens(sim, ONLY_FAULT, 0))
		return;
	for (unsigned i = 0; i < SIM_PROCS_MAX; i++)
		sim_set_drift(sim, i,
			(int64_t)dice_roll(&sim->fault_dice, 2 * DRIFT_MAX + 1) - DRIFT_MAX);
}

static void
heal_machine(struct sim *sim, struct host_worker *host)
{
	engine_mem_advance(host->world, sim->now_ms);
	engine_mem_restart(host->world, true, 0); /* it may be away, or hang */
	engine_mem_hold_port(host->world, "tcp", 8080, false);
	for (unsigned port = 30000; port < 30020; port++)
		engine_mem_hold_port(host->world, "tcp", port, false);
	host->journal_fails = false;
	host_worker_poke(sim, host->index);
}

void
faults_end(struct sim *sim)
{
	if (!sim->faults_on)
		return;
	sim->faults_on = false;
	sim->delay_max_ms = SIM_DELAY_MS;
	for (unsigned a = 0; a < SIM_PROCS_MAX; a++) {
		for (unsigned b = 0; b < SIM_PROCS_MAX; b++)
			sim->links[a][b].is_cut = false;
	}
	store_mem_fail_scans(sim->manager->store, 0, 0);
	sim->manager->full_until_ms = 0;
	for (unsigned proc = 0; proc < SIM_WORKER + sim->options.n_workers; proc++)
		start_proc(sim, proc);
	for (unsigned i = 0; i < sim->options.n_workers; i++)
		heal_machine(sim, sim->workers[i]);
	users_end(sim);
	sim_trace(sim, SIM_USER, "---- faults are over ----");
}
