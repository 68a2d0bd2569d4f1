#include "tests/sim/faults.h"

#include <errno.h>
#include <stdio.h>

#include "tests/sim/host.h"
#include "tests/sim/users.h"

enum {
	FAULT_MS_MAX = 4000, /* between two faults */
	DOWN_MS_MAX = 6000,  /* how long a process stays dead */
	CUT_MS_MAX = 8000,
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

static void
on_start(struct sim *sim, void *arg)
{
	if (!sim->is_ending)
		start_proc(sim, (unsigned)(uintptr_t)arg);
}

static void
start_later(struct sim *sim, unsigned proc)
{
	sim_at(sim, sim->now_ms + sim_roll(sim, DOWN_MS_MAX), on_start, (void *)(uintptr_t)proc);
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

static void
kill_worker(struct sim *sim)
{
	unsigned index = (unsigned)sim_roll(sim, sim->options.n_workers);

	host_worker_kill(sim, index);
	start_later(sim, SIM_WORKER + index);
}

/* Most of the machines lose power, or a switch. */
static void
kill_many_workers(struct sim *sim)
{
	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		if (!sim_chance(sim, 600))
			continue;
		host_worker_kill(sim, i);
		start_later(sim, SIM_WORKER + i);
	}
}

/* ---- the store ---- */

static void
fail_commit(struct sim *sim)
{
	host_manager_fail_commit(sim, sim_chance(sim, 500) ? -EIO : -ENOSPC);
}

static void
cut_commit(struct sim *sim)
{
	host_manager_cut_commit(sim, sim_chance(sim, 500));
}

/* ---- the network ---- */

static void
on_heal(struct sim *sim, void *arg)
{
	unsigned a = (unsigned)(uintptr_t)arg;

	sim->links[a][SIM_MANAGER].is_cut = sim->links[SIM_MANAGER][a].is_cut = false;
}

static void
cut_link(struct sim *sim)
{
	unsigned proc = SIM_WORKER + (unsigned)sim_roll(sim, sim->options.n_workers);
	uint64_t kind = sim_roll(sim, 3);

	if (sim_chance(sim, 150))
		proc = SIM_SCHEDULER;
	sim_trace(sim, proc, "is cut off (%s)",
		kind == 0   ? "to the manager"
		: kind == 1 ? "from the manager"
			    : "both ways");
	sim->links[proc][SIM_MANAGER].is_cut = kind != 1;
	sim->links[SIM_MANAGER][proc].is_cut = kind != 0;
	sim_at(sim, sim->now_ms + sim_roll(sim, CUT_MS_MAX), on_heal, (void *)(uintptr_t)proc);
}

static void
change_weather(struct sim *sim)
{
	sim->loss = sim_chance(sim, 500) ? 0 : (unsigned)sim_roll(sim, 200);
	sim->doubling = (unsigned)sim_roll(sim, 100);
	sim->delay_max_ms = sim_chance(sim, 700) ? 20 : 20 + sim_roll(sim, 400);
}

/* ---- clocks ---- */

static void
jump_clock(struct sim *sim)
{
	unsigned proc = (unsigned)sim_roll(sim, SIM_WORKER + sim->options.n_workers);

	sim->procs[proc].wall_offset_ms = (int64_t)sim_roll(sim, 120000) - 60000;
	sim_trace(sim, proc, "its calendar jumps");
}

/* ---- engines ---- */

static struct host_worker *
pick_machine(struct sim *sim)
{
	struct host_worker *host = sim->workers[sim_roll(sim, sim->options.n_workers)];

	engine_mem_advance(host->world, sim->now_ms);
	return host;
}

static void
restart_engine(struct sim *sim)
{
	struct host_worker *host = pick_machine(sim);
	bool live = sim_chance(sim, 500);

	sim_trace(sim, host->proc, "its engine restarts, containers %s", live ? "live" : "die");
	engine_mem_restart(host->world, live, sim_roll(sim, 3000));
	host_worker_poke(sim, host->index);
}

static void
hang_engine(struct sim *sim)
{
	struct host_worker *host = pick_machine(sim);

	sim_trace(sim, host->proc, "its engine hangs");
	engine_mem_hang(host->world, sim->now_ms + sim_roll(sim, 10000));
	host_worker_poke(sim, host->index);
}

struct choice {
	struct sim *sim;
	unsigned n;
	char id[ENGINE_ID_MAX + 1];
};

static void
choose(const struct engine_mem_view *view, void *arg)
{
	struct choice *choice = arg;

	if (view->status == ENGINE_RUNNING && sim_roll(choice->sim, ++choice->n) == 0)
		(void)snprintf(choice->id, sizeof choice->id, "%s", view->id);
}

static void
end_container(struct sim *sim)
{
	struct host_worker *host = pick_machine(sim);
	struct choice choice = {.sim = sim};

	engine_mem_each(host->world, choose, &choice);
	if (choice.n == 0)
		return;
	sim_trace(sim, host->proc, "a container ends by a stranger's hand");
	if (sim_chance(sim, 300))
		(void)engine_mem_destroy(host->world, choice.id);
	else if (sim_chance(sim, 300))
		(void)engine_mem_forget(host->world, choice.id);
	else
		(void)engine_mem_end(host->world, choice.id, 137, sim_chance(sim, 300));
	host_worker_poke(sim, host->index);
}

static void
lose_answer(struct sim *sim)
{
	struct host_worker *host = pick_machine(sim);
	enum engine_call_kind kind = (enum engine_call_kind)sim_roll(sim, ENGINE_CALL_COUNT);

	if (sim_chance(sim, 500))
		engine_mem_lose_next(host->world, kind);
	else
		engine_mem_fail_next(host->world, kind, -EIO, "an error of the engine");
}

static void
hold_port(struct sim *sim)
{
	struct host_worker *host = pick_machine(sim);

	engine_mem_hold_port(host->world, "tcp",
		sim_chance(sim, 300) ? 8080 : 30000 + (unsigned)sim_roll(sim, 20),
		sim_chance(sim, 500));
}

/* ---- by dice ---- */

static const struct fault {
	void (*happen)(struct sim *sim);
	unsigned weight;
} faults[] = {
	{kill_manager, 8},
	{kill_scheduler, 4},
	{kill_worker, 12},
	{kill_many_workers, 2},
	{fail_commit, 4},
	{cut_commit, 5},
	{cut_link, 14},
	{change_weather, 8},
	{jump_clock, 3},
	{restart_engine, 5},
	{hang_engine, 3},
	{end_container, 12},
	{lose_answer, 12},
	{hold_port, 8},
};

static void
on_fault(struct sim *sim, void *arg)
{
	unsigned total = 0, roll;

	if (is_over(sim))
		return;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		total += faults[i].weight;
	roll = (unsigned)sim_roll(sim, total);
	for (size_t i = 0;; i++) {
		if (roll < faults[i].weight) {
			faults[i].happen(sim);
			break;
		}
		roll -= faults[i].weight;
	}
	sim_at(sim, sim->now_ms + sim_roll(sim, FAULT_MS_MAX), on_fault, arg);
}

void
faults_init(struct sim *sim)
{
	if (!sim->faults_on)
		return;
	for (unsigned i = 0; i < SIM_PROCS_MAX; i++) {
		sim->procs[i].drift = (int64_t)sim_roll(sim, 21) - 10;
	}
	sim_at(sim, sim->now_ms + 3000, on_fault, NULL);
}

void
faults_end(struct sim *sim)
{
	if (!sim->faults_on)
		return;
	sim->faults_on = false;
	sim->delay_max_ms = 20;
	for (unsigned a = 0; a < SIM_PROCS_MAX; a++) {
		for (unsigned b = 0; b < SIM_PROCS_MAX; b++)
			sim->links[a][b].is_cut = false;
	}
	for (unsigned proc = 0; proc < SIM_WORKER + sim->options.n_workers; proc++)
		start_proc(sim, proc);
	for (unsigned i = 0; i < sim->options.n_workers; i++) {
		struct engine_mem_world *world = sim->workers[i]->world;

		engine_mem_advance(world, sim->now_ms);
		engine_mem_hold_port(world, "tcp", 8080, false);
		for (unsigned port = 30000; port < 30020; port++)
			engine_mem_hold_port(world, "tcp", port, false);
		host_worker_poke(sim, i);
	}
	users_end(sim);
	sim_trace(sim, SIM_USER, "---- faults are over ----");
}
