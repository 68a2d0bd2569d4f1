/*
 * What one task costs, of few and of very many submitted at one time: processor time of all parts,
 * less what they use when nothing happens, with what the manager puts off.
 *
 * The machine's own speed changes from one minute to the next. So each size does about as much
 * in all as the others (few tasks at a time: again and again), all take turns, ROUNDS times,
 * there and back, and a cost counts by what it is beside its round's others: a slow round makes
 * all of them dearer.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/cluster/profiles.h"
#include "tests/bench/cluster/stage.h"
#include "tests/bench/cluster/yardstick.h"

enum {
	NODES = 1000,
	TASK_CPU_MILLI = 40, /* small, so that TASKS_MAX find room on NODES at one time */
	TASK_MEMORY_MIB = 128,
	TASKS_MIN = 1000,
	TASKS_MAX = 1000000,
	SLICE_TASKS = 250000, /* of each size in a round, or nearly; of TASKS_MAX: once that */
	LOOK_MS = 20,
	IDLE_MS = 3000,
	SETTLE_MS = 1000,
	SETTLES_MAX = 40,
	ROUNDS = 3,
	ROUNDS_MAX = 16,
	SIZES_MAX = 4,
	COSTS = WATCH_PARTS + 1,
	ALL = WATCH_PARTS, /* of the costs */
	PATH_SIZE = 512,
};

/* From this on the yardstick is said to follow the costs. */
static const double TRACKS_FROM = 0.8;

/* A size in a round. */
struct slice {
	double us[COSTS];                /* a task */
	double idle_us;                  /* what was taken off, a task */
	double cores;                    /* while tasks were under way */
	struct yardstick_time yardstick; /* mean of before and after */
};

struct flat {
	const struct result *result;
	struct yardstick *yardstick;
	uint32_t tasks[SIZES_MAX];
	uint32_t n_sizes, n_rounds;
	struct slice slices[ROUNDS_MAX][SIZES_MAX];
};

/* ---- one slice ---- */

static double
spent_us(const struct watch_row *from, const struct watch_row *to, int part)
{
	return to->cpu_us[part] - from->cpu_us[part];
}

/* What was put off counts, too: until the manager is as idle as it was, or nearly. */
static void
settle(struct watch *watch, double idle_us_per_s)
{
	uint32_t n_settles = bench_setting("SETTLES", SETTLES_MAX);

	for (uint32_t i = 0; i < n_settles; i++) {
		struct watch_row before = *watch_last(watch);
		const struct watch_row *row;

		bench_cluster_idle(watch->cluster, SETTLE_MS);
		row = watch_look(watch);
		if (spent_us(&before, row, WATCH_MANAGER) <
			idle_us_per_s * (row->at_s - before.at_s) * 1.2)
			break;
	}
}

static void
measure_idle(struct stage *stage, double *ret_us_per_s)
{
	uint32_t idle_ms = bench_setting("IDLE_MS", IDLE_MS);
	const struct watch_row *row;
	struct watch watch;

	bench_cluster_idle(&stage->cluster, idle_ms / 3);
	watch_begin(&watch, &stage->cluster, stage->crowds, stage->n_crowds);
	bench_cluster_idle(&stage->cluster, idle_ms);
	row = watch_look(&watch);
	for (int i = 0; i < WATCH_PARTS; i++)
		ret_us_per_s[i] =
			spent_us(&watch.rows[0], row, i) / (row->at_s - watch.rows[0].at_s);
	watch_fini(&watch);
}

/* n tasks at a time from submission to their ends, n_times, and the rest. */
static void
measure_busy(struct stage *stage, uint32_t n, uint32_t n_times, const double *idle_us_per_s,
	struct slice *ret_slice)
{
	double n_all = (double)n * n_times, begin_s, busy_s, all_us = 0;
	struct stage_tasks tasks;
	struct watch watch;

	stage_tasks_init(&tasks, "exit:0/after:0", TASKS_MIN);
	tasks.spec.cpu_milli = TASK_CPU_MILLI;
	tasks.spec.memory_bytes = (uint64_t)TASK_MEMORY_MIB << 20;
	watch_begin(&watch, &stage->cluster, stage->crowds, stage->n_crowds);
	watch.period_ms = LOOK_MS;
	begin_s = watch.rows[0].at_s;
	for (uint32_t i = 1; i <= n_times; i++) {
		stage_submit(&watch, &tasks, n / TASKS_MIN);
		stage_await(&watch, WATCH_COMPLETED, (double)n * i);
	}
	busy_s = watch_last(&watch)->at_s - begin_s;
	for (int i = 0; i < WATCH_PARTS; i++)
		all_us += spent_us(&watch.rows[0], watch_last(&watch), i);
	*ret_slice = (struct slice){.cores = all_us / 1e6 / busy_s};
	settle(&watch, idle_us_per_s[WATCH_MANAGER]);
	for (int i = 0; i < WATCH_PARTS; i++) {
		double idle_us = idle_us_per_s[i] * (watch_last(&watch)->at_s - begin_s);

		ret_slice->us[i] =
			(spent_us(&watch.rows[0], watch_last(&watch), i) - idle_us) / n_all;
		ret_slice->us[ALL] += ret_slice->us[i];
		ret_slice->idle_us += idle_us / n_all;
	}
	watch_fini(&watch);
}

static void
measure(struct flat *flat, uint32_t n, struct slice *ret_slice)
{
	uint32_t total = profile_scaled(flat->result, SLICE_TASKS, TASKS_MIN);
	struct yardstick_time before, after;
	double idle_us_per_s[WATCH_PARTS];
	struct stage stage;

	stage_open(&stage, profile_nodes(flat->result, NODES), PROFILE_CROWDS);
	measure_idle(&stage, idle_us_per_s);
	before = yardstick_measure(flat->yardstick);
	measure_busy(&stage, n, n < total ? total / n : 1, idle_us_per_s, ret_slice);
	after = yardstick_measure(flat->yardstick);
	ret_slice->yardstick = (struct yardstick_time){(before.alone_us + after.alone_us) / 2,
		(before.shared_us + after.shared_us) / 2};
	stage_close(&stage);
}

/* ---- what all slices say ---- */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static double
round_mean_us(const struct flat *flat, uint32_t round)
{
	double sum = 0;

	for (uint32_t i = 0; i < flat->n_sizes; i++)
		sum += log(flat->slices[round][i].us[ALL]);
	return exp(sum / flat->n_sizes);
}

/* The median of what a cost is beside the mean of its round, times the median of these means. */
static double
steady_us(const struct flat *flat, uint32_t size, int cost)
{
	double shares[ROUNDS_MAX], means[ROUNDS_MAX];

	for (uint32_t i = 0; i < flat->n_rounds; i++) {
		means[i] = round_mean_us(flat, i);
		shares[i] = flat->slices[i][size].us[cost] / means[i];
	}
	return median(shares, flat->n_rounds) * median(means, flat->n_rounds);
}

static double
least_us(const struct flat *flat, uint32_t size)
{
	double least = flat->slices[0][size].us[ALL];

	for (uint32_t i = 1; i < flat->n_rounds; i++)
		least = fmin(least, flat->slices[i][size].us[ALL]);
	return least;
}

static double
spread(const double *values, size_t n)
{
	double least = values[0], most = values[0];

	for (size_t i = 1; i < n; i++) {
		least = fmin(least, values[i]);
		most = fmax(most, values[i]);
	}
	return most / least;
}

/* How much of what a size's costs differ from round to round the yardstick has seen, too: their
 * correlation, each less its size's mean, in logarithms. */
static double
yardstick_tracks(const struct flat *flat)
{
	double xy = 0, xx = 0, yy = 0;

	for (uint32_t i = 0; i < flat->n_sizes; i++) {
		double mean_x = 0, mean_y = 0;

		for (uint32_t k = 0; k < flat->n_rounds; k++) {
			mean_x += log(flat->slices[k][i].yardstick.shared_us) / flat->n_rounds;
			mean_y += log(flat->slices[k][i].us[ALL]) / flat->n_rounds;
		}
		for (uint32_t k = 0; k < flat->n_rounds; k++) {
			double x = log(flat->slices[k][i].yardstick.shared_us) - mean_x;
			double y = log(flat->slices[k][i].us[ALL]) - mean_y;

			xy += x * y;
			xx += x * x;
			yy += y * y;
		}
	}
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* ---- figures ---- */

static void
say(struct result *result, uint32_t n, const char *what, double value, const char *unit)
{
	char name[48];

	(void)snprintf(name, sizeof name, "%u.%s", n, what);
	result_say(result, name, value, unit);
}

static const char *
cost_name(int cost)
{
	return cost == ALL ? "all" : watch_part_names[cost];
}

static void
say_size(struct result *result, const struct flat *flat, uint32_t size)
{
	double cores[ROUNDS_MAX], idle_us[ROUNDS_MAX], alone_us[ROUNDS_MAX], shared_us[ROUNDS_MAX];
	uint32_t n = flat->tasks[size];
	char name[32];

	for (int i = 0; i < COSTS; i++)
		say(result, n, cost_name(i), steady_us(flat, size, i), "us/task");
	for (uint32_t i = 0; i < flat->n_rounds; i++) {
		const struct slice *slice = &flat->slices[i][size];

		(void)snprintf(name, sizeof name, "round_%u", i + 1);
		say(result, n, name, slice->us[ALL], "us/task");
		cores[i] = slice->cores;
		idle_us[i] = slice->idle_us;
		alone_us[i] = slice->yardstick.alone_us;
		shared_us[i] = slice->yardstick.shared_us;
	}
	say(result, n, "least", least_us(flat, size), "us/task");
	say(result, n, "idle_off", median(idle_us, flat->n_rounds), "us/task");
	say(result, n, "cores", median(cores, flat->n_rounds), "cores");
	say(result, n, "yardstick_alone", median(alone_us, flat->n_rounds) / 1e3, "ms");
	say(result, n, "yardstick_shared", median(shared_us, flat->n_rounds) / 1e3, "ms");
}

/* The same figure with each cost over its slice's yardstick; only of a yardstick that tells. */
static void
say_by_yardstick(struct result *result, const struct flat *flat)
{
	double tracks = yardstick_tracks(flat), values[SIZES_MAX] = {0};
	struct flat by = *flat;

	if (flat->n_rounds < 2)
		return;
	result_say(result, "yardstick_tracks", tracks, "(correlation)");
	if (tracks < TRACKS_FROM)
		return;
	for (uint32_t i = 0; i < by.n_rounds; i++)
		for (uint32_t k = 0; k < by.n_sizes; k++)
			by.slices[i][k].us[ALL] /= by.slices[i][k].yardstick.shared_us;
	for (uint32_t i = 0; i < by.n_sizes; i++)
		values[i] = steady_us(&by, i, ALL);
	result_say(result, "by_yardstick.most_over_least", spread(values, by.n_sizes), "x");
}

static void
say_all(struct result *result, const struct flat *flat)
{
	double values[SIZES_MAX] = {0};
	char name[48];

	for (uint32_t i = 0; i < flat->n_sizes; i++)
		say_size(result, flat, i);
	for (uint32_t i = 0; i < flat->n_sizes; i++)
		values[i] = steady_us(flat, i, ALL);
	result_say(result, "most_over_least", spread(values, flat->n_sizes), "x");
	for (uint32_t i = 0; i < flat->n_rounds; i++) {
		for (uint32_t k = 0; k < flat->n_sizes; k++)
			values[k] = flat->slices[i][k].us[ALL];
		(void)snprintf(name, sizeof name, "round_%u.most_over_least", i + 1);
		result_say(result, name, spread(values, flat->n_sizes), "x");
	}
	for (uint32_t i = 0; i < flat->n_sizes; i++)
		values[i] = least_us(flat, i);
	result_say(result, "least.most_over_least", spread(values, flat->n_sizes), "x");
	say_by_yardstick(result, flat);
}

/* For the plot. Round 0 is what is said of all. */
static void
write_table(const struct result *result, const struct flat *flat)
{
	char path[PATH_SIZE];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s.tsv", result->folder, result->profile);
	file = fopen(path, "we");
	if (file == NULL)
		bench_die(path, "cannot be written");
	(void)fprintf(file, "round\ttasks");
	for (int i = 0; i < COSTS; i++)
		(void)fprintf(file, "\t%s", cost_name(i));
	(void)fprintf(file, "\n");
	for (uint32_t round = 0; round <= flat->n_rounds; round++)
		for (uint32_t i = 0; i < flat->n_sizes; i++) {
			(void)fprintf(file, "%u\t%u", round, flat->tasks[i]);
			for (int k = 0; k < COSTS; k++)
				(void)fprintf(file, "\t%.2f",
					round == 0 ? steady_us(flat, i, k)
						   : flat->slices[round - 1][i].us[k]);
			(void)fprintf(file, "\n");
		}
	(void)fclose(file);
}

void
profile_flat(struct result *result)
{
	uint32_t most = profile_scaled(result, TASKS_MAX, TASKS_MIN);
	uint32_t n_rounds = bench_setting("ROUNDS", ROUNDS);
	struct flat flat = {.result = result, .yardstick = yardstick_new()};

	flat.n_rounds = n_rounds < 1 ? 1 : n_rounds > ROUNDS_MAX ? ROUNDS_MAX : n_rounds;
	for (uint32_t n = TASKS_MIN; n <= most && flat.n_sizes < SIZES_MAX; n *= 10)
		flat.tasks[flat.n_sizes++] = n;
	for (uint32_t round = 0; round < flat.n_rounds; round++)
		for (uint32_t i = 0; i < flat.n_sizes; i++) {
			uint32_t size = round % 2 == 0 ? i : flat.n_sizes - 1 - i;

			measure(&flat, flat.tasks[size], &flat.slices[round][size]);
			(void)fprintf(stderr, "round %u, %u at a time: %.1f us a task\n", round + 1,
				flat.tasks[size], flat.slices[round][size].us[ALL]);
		}
	say_all(result, &flat);
	write_table(result, &flat);
	yardstick_free(flat.yardstick);
	result_end(result, NULL);
}
