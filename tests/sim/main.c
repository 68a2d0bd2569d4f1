/*
 * sim: runs simulated clusters, one a seed, and says which invariant broke.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/options.h"
#include "tests/sim/sim.h"

struct settings {
	uint64_t seed, runs, steps, workers, quiet_ms, hurry, patience_ms;
	char *only;
	bool trace, calm, coverage, shrink;
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
	OPTION_STRING("only", 0, "LIST", struct settings, only, NULL,
		"let only these faults, deaths, wishes and nonsense happen: f12,d1,u3-7,n2, or none"),
	OPTION_NUMBER("hurry", 0, "N", struct settings, hurry, "1", 1, 1000,
		"faults and wishes come so many times as fast"),
	OPTION_FLAG("shrink", 0, struct settings, shrink,
		"look for a shorter run that fails by the same invariant"),
	OPTION_DURATION("patience", 0, struct settings, patience_ms, "2m",
		"how long --shrink looks for a shorter one, in real time"),
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

static struct sim_options
make_options(const struct settings *settings, const struct only *only, uint64_t seed)
{
	struct sim_options options = {.seed = seed,
		.steps = settings->steps,
		.quiet_ms = settings->quiet_ms,
		.n_workers = (unsigned)settings->workers,
		.trace = settings->trace,
		.calm = settings->calm,
		.only = only,
		.hurry = (unsigned)settings->hurry};

	return options;
}

static void
print_failure(const struct settings *settings, const struct sim_options *options,
	const struct sim_result *result)
{
	const char *only = settings->only == NULL ? "" : settings->only;

	(void)printf("seed %llu: %s\nreplay: ", (unsigned long long)options->seed, result->failure);
	sim_print_replay(options, only);
	(void)printf(" --trace\nshrink: ");
	sim_print_replay(options, only);
	(void)printf(" --shrink\n");
}

static bool
run_all(const struct settings *settings, const struct only *only)
{
	struct sim_result *result = xcalloc(1, sizeof *result);
	uint64_t steps = 0, simulated_ms = 0;
	clock_t began = clock(); /* of this process alone: the machine may be shared */
	double took_s;
	bool ok = true;

	for (uint64_t i = 0; ok && i < settings->runs; i++) {
		struct sim_options options = make_options(settings, only, settings->seed + i);

		ok = sim_run(&options, result);
		steps += result->steps;
		simulated_ms += result->ms;
		if (!ok)
			print_failure(settings, &options, result);
	}
	free(result);
	took_s = (double)(clock() - began + 1) / CLOCKS_PER_SEC;
	sim_tally_print();
	(void)printf(
		"sim: seeds %llu-%llu, %llu steps, %.2f simulated hours, %.0f steps/s of a core, %.0f "
		"times real time: %s\n",
		(unsigned long long)settings->seed,
		(unsigned long long)(settings->seed + settings->runs - 1),
		(unsigned long long)steps, (double)simulated_ms / 3600000, (double)steps / took_s,
		(double)simulated_ms / 1000 / took_s, ok ? "all invariants held" : "FAILED");
	if (settings->coverage)
		sim_coverage_print();
	return ok;
}

static int
run(const struct settings *settings, bool *ret_ok, struct err *err)
{
	struct only *only = settings->only == NULL ? NULL : xcalloc(1, sizeof *only);
	struct sim_options options = make_options(settings, only, settings->seed);
	int rc = only == NULL ? 0 : only_parse(settings->only, only, err);

	if (rc == 0)
		*ret_ok = settings->shrink
				  ? sim_shrink(&options, (unsigned)(settings->patience_ms / 1000))
				  : run_all(settings, only);
	free(only);
	return rc;
}

int
main(int argc, char **argv)
{
	struct settings settings = {0};
	struct err err = {0};
	int first, rc = options_parse(&options_spec, argc, argv, &settings, &first, &err);
	bool ok = rc == OPTIONS_DONE;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("sim", LOG_LVL_ERROR);
	if (rc == OPTIONS_RUN)
		rc = run(&settings, &ok, &err);
	if (rc < 0)
		(void)fprintf(stderr, "sim: %s\n", err.text);
	options_free(option_defs, &settings);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
