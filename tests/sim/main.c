/*
 * sim: runs simulated clusters, one a seed, and says which invariant broke.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/log.h"
#include "common/base/options.h"
#include "tests/sim/sim.h"

struct settings {
	uint64_t seed, runs, steps, workers, quiet_ms;
	bool trace, calm, coverage;
};

static const struct option_def option_defs[] = {
	OPTION_NUMBER("seed", 's', "N", struct settings, seed, "1", 0, UINT64_MAX,
		"the first seed"),
	OPTION_NUMBER("runs", 'n', "N", struct settings, runs, "1", 1, 1000000,
		"how many seeds, one after the other"),
	OPTION_NUMBER("steps", 0, "N", struct settings, steps, "20000", 1, UINT64_MAX,
		"events of a run until faults stop"),
	OPTION_NUMBER("workers", 'w', "N", struct settings, workers, "5", 1, SIM_WORKERS_MAX,
		"nodes"),
	OPTION_DURATION("quiet", 0, struct settings, quiet_ms, "3m",
		"simulated time to converge after the last fault"),
	OPTION_FLAG("trace", 't', struct settings, trace, "print what happens"),
	OPTION_FLAG("calm", 0, struct settings, calm, "no faults and no users: for measuring"),
	OPTION_FLAG("coverage", 0, struct settings, coverage,
		"print how often each cell of the state machine was taken"),
	OPTION_END,
};

static const struct options_spec options_spec = {
	.program = "sim",
	.summary = "Runs the cores of a whole cluster on a virtual clock, with faults by dice.",
	.defs = option_defs,
};

static bool
run_all(const struct settings *settings)
{
	uint64_t steps = 0, simulated_ms = 0;
	clock_t began = clock(); /* of this process alone: the machine may be shared */
	double took_s;
	bool ok = true;

	for (uint64_t i = 0; ok && i < settings->runs; i++) {
		struct sim_options options = {.seed = settings->seed + i,
			.steps = settings->steps,
			.quiet_ms = settings->quiet_ms,
			.n_workers = (unsigned)settings->workers,
			.trace = settings->trace,
			.calm = settings->calm};
		char failure[512];
		uint64_t run_steps, run_ms;

		ok = sim_run(&options, failure, sizeof failure, &run_steps, &run_ms);
		steps += run_steps;
		simulated_ms += run_ms;
		if (!ok)
			(void)printf(
				"seed %llu: %s\nreplay: sim --seed %llu --steps %llu --workers %llu "
				"--trace\n",
				(unsigned long long)options.seed, failure,
				(unsigned long long)options.seed,
				(unsigned long long)settings->steps,
				(unsigned long long)settings->workers);
	}
	took_s = (double)(clock() - began + 1) / CLOCKS_PER_SEC;
	sim_tally_print();
	(void)printf(
		"sim: seeds %llu-%llu, %llu steps, %.2f simulated hours, %.0f steps/s of a core, %.0f "
		"times real time: %s\n",
		(unsigned long long)settings->seed,
		(unsigned long long)(settings->seed + settings->runs - 1),
		(unsigned long long)steps, (double)simulated_ms / 3600000, (double)steps / took_s,
		(double)simulated_ms / 1000 / took_s, ok ? "all invariants held" : "FAILED");
	return ok;
}

int
main(int argc, char **argv)
{
	struct settings settings = {0};
	struct err err = {0};
	int first, rc = options_parse(&options_spec, argc, argv, &settings, &first, &err);
	bool ok = rc == OPTIONS_DONE;

	if (rc < 0)
		(void)fprintf(stderr, "sim: %s\n", err.text);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("sim", LOG_LVL_ERROR);
	if (rc == OPTIONS_RUN)
		ok = run_all(&settings);
	if (rc == OPTIONS_RUN && settings.coverage)
		sim_coverage_print();
	options_free(option_defs, &settings);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
