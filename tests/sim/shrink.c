/*
 * Delta debugging (Zeller, Hildebrandt 2002) of what the dice made happen.
 *
 * Each run is a process of its own: the program under test may be broken in any way, and then it
 * dies, or it does not come back.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "tests/sim/sim.h"

enum {
	RUN_SECONDS_MAX = 60, /* a run that takes longer hangs */
	STEPS_MIN = 50,
	HURRY_MAX = 64,
	LIST_MAX = 65536,
};

/* The shortest that fails so far. */
struct search {
	struct sim_options options;
	char invariant[SIM_INVARIANT_MAX], failure[SIM_FAILURE_MAX];
	struct sim_result *result; /* of the last run; shared with its process */
	struct happening *left;    /* what happened in the shortest */
	size_t n_left;
	uint64_t steps, ms;
	unsigned n_tries;
	time_t until;
};

/* What follows cannot say by itself what became of it. */
static void
note_death(struct sim_result *result, int status)
{
	if (WIFEXITED(status))
		return;
	if (WTERMSIG(status) == SIGALRM)
		(void)snprintf(result->invariant, sizeof result->invariant, "it_hangs");
	else
		(void)snprintf(result->invariant, sizeof result->invariant, "it_dies_of_signal_%d",
			WTERMSIG(status));
	(void)snprintf(result->failure, sizeof result->failure, "%s", result->invariant);
}

static void
run_apart(const struct sim_options *options, struct sim_result *result)
{
	pid_t child;
	int status = 0;

	*result = (struct sim_result){0};
	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		(void)alarm(RUN_SECONDS_MAX);
		if (freopen("/dev/null", "w", stderr) == NULL) /* what assertions say, many times */
			_exit(1);
		(void)sim_run(options, result);
		_exit(0);
	}
	if (child > 0 && waitpid(child, &status, 0) == child)
		note_death(result, status);
}

static int
by_kind(const void *a, const void *b)
{
	const struct happening *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* The run just made is the shortest from now on. */
static void
keep(struct search *search, const struct sim_options *options)
{
	const struct sim_result *result = search->result;

	search->options = *options;
	search->n_left = result->n_happenings < SIM_HAPPENINGS_MAX ? result->n_happenings
								   : SIM_HAPPENINGS_MAX;
	memcpy(search->left, result->happenings, search->n_left * sizeof *search->left);
	qsort(search->left, search->n_left, sizeof *search->left, by_kind);
	search->steps = result->steps;
	search->ms = result->ms;
	memcpy(search->failure, result->failure, sizeof search->failure);
	if (result->faults_ended_step == 0)
		search->options.steps = result->steps; /* it ends there in any case */
}

static bool
is_over(const struct search *search)
{
	return time(NULL) >= search->until;
}

/* True if the run fails by the same invariant; then it is kept. */
static bool
fails(struct search *search, const struct sim_options *options, const struct happening *happenings,
	size_t n)
{
	struct only *only = xcalloc(1, sizeof *only);
	struct sim_options tried = *options;
	bool does;

	if (is_over(search)) {
		free(only);
		return false;
	}
	search->n_tries++;
	only_set(only, happenings, n);
	tried.only = only;
	run_apart(&tried, search->result);
	free(only);
	does = strcmp(search->result->invariant, search->invariant) == 0;
	if (does)
		keep(search, options);
	return does;
}

/* Leaves out one of n_parts parts after the other. True if one could be. */
static bool
leave_out_one(struct search *search, size_t n_parts)
{
	size_t n = search->n_left;
	struct happening *rest = xmalloc((n + 1) * sizeof *rest);
	bool is_less = false;

	for (size_t i = n_parts; i > 0 && !is_less; i--) { /* the last first: it may be too late */
		size_t from = n * (i - 1) / n_parts, to = n * i / n_parts;

		memcpy(rest, search->left, from * sizeof *rest);
		memcpy(rest + from, search->left + to, (n - to) * sizeof *rest);
		is_less = fails(search, &search->options, rest, n - (to - from));
	}
	free(rest);
	return is_less;
}

static void
leave_out(struct search *search)
{
	size_t n_parts = 2;

	while (search->n_left > 0 && !is_over(search)) {
		if (n_parts > search->n_left)
			n_parts = search->n_left;
		if (leave_out_one(search, n_parts))
			n_parts = n_parts > 2 ? n_parts - 1 : 2;
		else if (n_parts == search->n_left)
			return;
		else
			n_parts *= 2;
	}
}

static bool
try_with(struct search *search, const struct sim_options *options)
{
	struct happening *same = xmemdup(search->left, (search->n_left + 1) * sizeof *same);
	bool does = fails(search, options, same, search->n_left);

	free(same);
	return does;
}

static void
take_nodes_away(struct search *search)
{
	struct sim_options options = search->options;

	for (options.n_workers = 1; options.n_workers < search->options.n_workers;
		options.n_workers++) {
		if (try_with(search, &options))
			return;
	}
}

static void
hurry(struct search *search)
{
	struct sim_options options = search->options;

	for (options.hurry = HURRY_MAX; options.hurry > search->options.hurry; options.hurry /= 2) {
		if (try_with(search, &options))
			return;
	}
}

/* Faults stop earlier: for what only shows when they have stopped. */
static void
take_steps_away(struct search *search)
{
	static const unsigned eighths[] = {1, 4, 6, 7};
	size_t i = 0;

	while (i < sizeof eighths / sizeof eighths[0] && search->options.steps > STEPS_MIN) {
		struct sim_options options = search->options;

		options.steps = options.steps * eighths[i] / 8;
		if (!try_with(search, &options))
			i++;
	}
}

void
sim_print_replay(const struct sim_options *options, const char *only)
{
	(void)printf("sim --seed %llu --steps %llu --workers %u", (unsigned long long)options->seed,
		(unsigned long long)options->steps, options->n_workers);
	if (options->hurry > 1)
		(void)printf(" --hurry %u", options->hurry);
	if (only[0] != '\0')
		(void)printf(" --only %s", only);
}

static void
print_size(const char *what, const struct search *search)
{
	(void)printf("%s: %zu happenings, %u nodes, %llu steps, %.3f simulated s\n", what,
		search->n_left, search->options.n_workers, (unsigned long long)search->steps,
		(double)search->ms / 1000);
}

static void
shrink(struct search *search)
{
	char *list = xmalloc(LIST_MAX);

	print_size("before", search);
	leave_out(search);
	take_nodes_away(search);
	hurry(search);
	take_steps_away(search);
	leave_out(search); /* in less time and with fewer nodes less may be enough */
	print_size("after", search);
	(void)printf("in %u tries: %s\nreplay: ", search->n_tries, search->failure);
	only_format(search->left, search->n_left, list, LIST_MAX);
	sim_print_replay(&search->options, list);
	(void)printf(" --trace\n");
	free(list);
}

bool
sim_shrink(const struct sim_options *options, unsigned patience_s)
{
	struct search search = {.until = time(NULL) + (time_t)patience_s};
	bool fails;

	search.result = mmap(NULL, sizeof *search.result, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (search.result == MAP_FAILED)
		return false;
	search.left = xcalloc(SIM_HAPPENINGS_MAX + 1, sizeof *search.left);
	run_apart(options, search.result);
	fails = search.result->invariant[0] != '\0';
	memcpy(search.invariant, search.result->invariant, sizeof search.invariant);
	if (fails) {
		(void)printf("seed %llu: %s\n", (unsigned long long)options->seed,
			search.result->failure);
		keep(&search, options);
		search.options.trace = false;
		shrink(&search);
	} else {
		(void)printf("seed %llu: all invariants held\n", (unsigned long long)options->seed);
	}
	free(search.left);
	(void)munmap(search.result, sizeof *search.result);
	return !fails;
}
