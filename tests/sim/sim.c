#include "tests/sim/sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "services/manager/core.h"
#include "tests/sim/conduct.h"
#include "tests/sim/faults.h"
#include "tests/sim/host.h"
#include "tests/sim/invariants.h"
#include "tests/sim/users.h"

static const uint64_t begin_ms = UINT64_C(1700000000000);

void
sim_at(struct sim *sim, uint64_t at_ms, sim_event_fn *fn, void *arg)
{
	queue_add(sim->queue, (struct sim_event){at_ms, fn, arg});
}

/* ---- what the dice make happen ---- */

bool
sim_happens(struct sim *sim, enum only_kind kind, uint64_t number)
{
	struct sim_result *result = sim->result;

	if (sim->options.only != NULL && !only_has(sim->options.only, kind, number))
		return false;
	if (result->n_happenings < SIM_HAPPENINGS_MAX)
		result->happenings[result->n_happenings] =
			(struct happening){kind, (uint32_t)number};
	result->n_happenings++;
	sim_trace(sim, SIM_USER, "---- %c%llu", only_letter(kind), (unsigned long long)number);
	return true;
}

unsigned
sim_worker_of(const char *name)
{
	unsigned number = 0;

	for (const char *at = name + 1; *at != '\0'; at++) {
		if (*at < '0' || *at > '9' || number >= SIM_WORKERS_MAX)
			return SIM_WORKERS_MAX;
		number = number * 10 + (unsigned)(*at - '0');
	}
	return number < SIM_WORKERS_MAX ? number : SIM_WORKERS_MAX;
}

/* ---- clocks ---- */

uint64_t
sim_mono(const struct sim *sim, unsigned proc)
{
	const struct sim_proc *of = &sim->procs[proc];

	return of->mono_ms + (sim->now_ms - of->since_ms) * (uint64_t)(1000 + of->drift) / 1000;
}

void
sim_set_drift(struct sim *sim, unsigned proc, int64_t drift)
{
	sim->procs[proc].mono_ms = sim_mono(sim, proc);
	sim->procs[proc].since_ms = sim->now_ms;
	sim->procs[proc].drift = drift;
}

uint64_t
sim_wall(const struct sim *sim, unsigned proc)
{
	return sim->now_ms + (uint64_t)sim->procs[proc].wall_offset_ms;
}

uint64_t
sim_when(const struct sim *sim, unsigned proc, uint64_t mono_ms)
{
	uint64_t now = sim_mono(sim, proc);

	if (mono_ms <= now)
		return sim->now_ms;
	if (mono_ms - now > UINT32_MAX)
		return UINT64_MAX;
	return sim->now_ms + (mono_ms - now) * 1000 / (uint64_t)(1000 + sim->procs[proc].drift) + 1;
}

/* ---- what people read ---- */

void
sim_trace(struct sim *sim, unsigned proc, const char *fmt, ...)
{
	va_list ap;

	if (!sim->options.trace)
		return;
	(void)printf("%9.3f  %-10s ", (double)(sim->now_ms - begin_ms) / 1000,
		sim->procs[proc].name);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf("\n");
}

void
sim_fail(struct sim *sim, const char *invariant, const char *fmt, ...)
{
	struct sim_result *result = sim->result;
	va_list ap;
	int n;

	if (sim_has_failed(sim))
		return;
	(void)snprintf(result->invariant, sizeof result->invariant, "%s", invariant);
	n = snprintf(result->failure, sizeof result->failure,
		"%s at step %llu, %.3f s: ", invariant, (unsigned long long)sim->n_steps,
		(double)(sim->now_ms - begin_ms) / 1000);
	va_start(ap, fmt);
	(void)vsnprintf(result->failure + n, sizeof result->failure - (size_t)n, fmt, ap);
	va_end(ap);
}

bool
sim_has_failed(const struct sim *sim)
{
	return sim->result->invariant[0] != '\0';
}

/* ---- a run ---- */

static void
deal_dice(struct sim *sim)
{
	uint64_t seed = sim->options.seed;

	for (unsigned a = 0; a < SIM_PROCS_MAX; a++) {
		sim->procs[a].dice = dice_of(seed, DICE_PROC, a);
		for (unsigned b = 0; b < SIM_PROCS_MAX; b++)
			sim->links[a][b].dice =
				dice_of(seed, DICE_LINK, (uint64_t)a * SIM_PROCS_MAX + b);
	}
}

static void
name_procs(struct sim *sim)
{
	(void)snprintf(sim->procs[SIM_MANAGER].name, sizeof sim->procs[0].name, "manager");
	(void)snprintf(sim->procs[SIM_SCHEDULER].name, sizeof sim->procs[0].name, "scheduler");
	(void)snprintf(sim->procs[SIM_USER].name, sizeof sim->procs[0].name, "user");
	for (unsigned i = 0; i < sim->options.n_workers; i++)
		(void)snprintf(sim->procs[SIM_WORKER + i].name, sizeof sim->procs[0].name, "w%u",
			i);
	sim->procs[SIM_USER].is_up = true;
	for (unsigned i = 0; i < SIM_PROCS_MAX; i++) {
		sim->procs[i].since_ms = begin_ms;
		sim->procs[i].mono_ms = 1000000;
	}
}

static void
begin(struct sim *sim, const struct sim_options *options, struct sim_result *result)
{
	*sim = (struct sim){.options = *options, .now_ms = begin_ms, .result = result};
	sim->queue = queue_new(begin_ms);
	deal_dice(sim);
	sim->faults_on = !options->calm;
	sim->delay_max_ms = SIM_DELAY_MS;
	name_procs(sim);
	witness_init(sim);
	conduct_init(sim);
	host_manager_init(sim);
	host_scheduler_init(sim);
	for (unsigned i = 0; i < options->n_workers; i++)
		host_worker_init(sim, i);
	users_init(sim);
	faults_init(sim);
}

static void
end(struct sim *sim)
{
	sim->is_ending = true;
	for (unsigned i = 0; i < SIM_PROCS_MAX; i++)
		sim->procs[i].is_up = false;
	while (!queue_is_empty(sim->queue)) {
		struct sim_event event = queue_take(sim->queue);

		(void)event.fn(sim, event.arg);
	}
	users_fini(sim);
	host_manager_fini(sim);
	host_scheduler_fini(sim);
	for (unsigned i = 0; i < sim->options.n_workers; i++)
		host_worker_fini(sim, i);
	witness_fini(sim);
	conduct_fini(sim);
	queue_free(sim->queue);
}

static void
step(struct sim *sim)
{
	struct sim_event event = queue_take(sim->queue);

	sim->now_ms = event.at_ms;
	sim->n_events_done++;
	if (!event.fn(sim, event.arg))
		return;
	sim->n_steps++;
	invariants_check(sim);
	faults_after_step(sim);
}

/* What the manager refused of the scheduler's proposals, and since when nothing more. */
struct agreement {
	uint64_t n_refused, since_ms;
};

/*
 * A proposal may be refused because something moved meanwhile. Where nothing moves any more, one
 * that is made again after each sweep, and refused again, shows that the two judge by different
 * rules.
 */
static bool
has_agreed(struct sim *sim, struct agreement *agreement)
{
	enum { SWEEPS = 3 };
	const struct manager *manager = sim->manager->core;

	if (manager == NULL || manager->placing.n_refused != agreement->n_refused) {
		agreement->n_refused = manager == NULL ? 0 : manager->placing.n_refused;
		agreement->since_ms = sim->now_ms;
	}
	return manager != NULL &&
	       sim->now_ms - agreement->since_ms >= SWEEPS * manager->config.sweep_ms;
}

/* Until all agree, at most quiet_ms; looks about once a simulated second. */
static void
converge(struct sim *sim)
{
	enum { LOOK_MS = 1013 }; /* in step with no timer of theirs */
	uint64_t until = sim->now_ms + sim->options.quiet_ms, next_look = sim->now_ms;
	struct agreement agreement = {0, sim->now_ms};
	bool is_equal = false;
	char why[400] = "";

	while (!sim_has_failed(sim)) {
		if (sim->now_ms >= next_look) {
			bool has_settled = has_agreed(sim, &agreement);

			next_look = sim->now_ms + LOOK_MS;
			is_equal = invariants_has_converged(sim, why, sizeof why);
			if (is_equal && has_settled)
				return;
		}
		if (sim->now_ms >= until && is_equal) {
			sim_fail(sim, "scheduler_and_manager_agree", "%s",
				sim->manager->core->placing.refused);
			return;
		}
		if (sim->now_ms >= until) {
			sim_fail(sim, "store_and_engines_become_equal", "%s", why);
			return;
		}
		step(sim);
	}
}

bool
sim_run(const struct sim_options *options, struct sim_result *ret_result)
{
	struct sim *sim = xcalloc(1, sizeof *sim);

	*ret_result = (struct sim_result){0};
	begin(sim, options, ret_result);
	while (sim->n_steps < options->steps && !sim_has_failed(sim))
		step(sim);
	if (!options->calm && !sim_has_failed(sim)) {
		ret_result->faults_ended_step = sim->n_steps;
		faults_end(sim);
		converge(sim);
	}
	if (!sim_has_failed(sim) && !options->calm)
		invariants_check_end(sim);
	ret_result->steps = sim->n_steps;
	ret_result->ms = sim->now_ms - begin_ms;
	end(sim);
	free(sim);
	return ret_result->invariant[0] == '\0';
}
