/*
 * What one task costs, of few and of very many: processor time of all parts, less what they use
 * when nothing happens. All sizes take turns, ROUNDS times, and the least of each counts: what
 * else the machine does makes a task dearer, and never cheaper.
 */
#include <stdio.h>

#include "tests/bench/cluster/profiles.h"
#include "tests/bench/cluster/stage.h"

enum {
	NODES = 1000,
	TASKS_MIN = 1000,
	TASKS_MAX = 1000000,
	TOTAL_MIN = 20000,
	IDLE_MS = 4000,
	SETTLE_MS = 1000,
	SETTLES_MAX = 40,
	ROUNDS = 3,
	SIZES_MAX = 8,
};

struct cost {
	double all_us, manager_us;
};

static double
all_cpu_us(const struct watch_row *row)
{
	return row->cpu_us[WATCH_MANAGER] + row->cpu_us[WATCH_SCHEDULER] +
	       row->cpu_us[WATCH_CROWD] + row->cpu_us[WATCH_DRIVER];
}

static double
between(const struct watch *watch, double (*cpu)(const struct watch_row *row))
{
	return cpu(watch_last(watch)) - cpu(&watch->rows[0]);
}

static double
manager_cpu_us(const struct watch_row *row)
{
	return row->cpu_us[WATCH_MANAGER];
}

/* What was put off counts, too: until the manager is as idle as it was, or nearly. */
static void
settle(struct watch *watch, double idle_manager_us)
{
	const struct watch_row *row = watch_last(watch);

	for (int i = 0; i < SETTLES_MAX; i++) {
		double cpu_us = manager_cpu_us(row), at_s = row->at_s;

		bench_cluster_idle(watch->cluster, SETTLE_MS);
		row = watch_look(watch);
		if (manager_cpu_us(row) - cpu_us < idle_manager_us * (row->at_s - at_s) * 1.2)
			break;
	}
}

static void
say(struct result *result, uint32_t n, const char *what, double value)
{
	char name[48];

	(void)snprintf(name, sizeof name, "%u.%s", n, what);
	result_say(result, name, value, "us/task");
}

/* Rounds of n tasks, each from submission to their ends, until there were enough to measure, and
 * what the manager has left for later. */
static struct cost
measure(const struct result *result, uint32_t n)
{
	uint32_t n_rounds = n < TOTAL_MIN ? TOTAL_MIN / n : 1;
	double idle_us, idle_manager_us, idle_s, busy_s, n_all = (double)n * n_rounds;
	struct cost cost;
	struct stage_tasks tasks;
	struct stage stage;
	struct watch watch;

	stage_open(&stage, profile_nodes(result, NODES), PROFILE_CROWDS);
	stage_tasks_init(&tasks, "exit:0/after:0", TASKS_MIN);
	bench_cluster_idle(&stage.cluster, IDLE_MS / 4);
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	bench_cluster_idle(&stage.cluster, IDLE_MS);
	idle_s = watch_look(&watch)->at_s;
	idle_us = between(&watch, all_cpu_us) / idle_s;
	idle_manager_us = between(&watch, manager_cpu_us) / idle_s;
	watch_fini(&watch);
	watch_begin(&watch, &stage.cluster, stage.crowds, stage.n_crowds);
	for (uint32_t i = 1; i <= n_rounds; i++) {
		stage_submit(&watch, &tasks, n / TASKS_MIN);
		stage_await(&watch, WATCH_COMPLETED, (double)n * i);
	}
	settle(&watch, idle_manager_us);
	busy_s = watch_last(&watch)->at_s;
	cost.all_us = (between(&watch, all_cpu_us) - idle_us * busy_s) / n_all;
	cost.manager_us = (between(&watch, manager_cpu_us) - idle_manager_us * busy_s) / n_all;
	watch_fini(&watch);
	stage_close(&stage);
	return cost;
}

void
profile_flat(struct result *result)
{
	uint32_t most = profile_scaled(result, TASKS_MAX, TASKS_MIN);
	uint32_t n_rounds = bench_setting("ROUNDS", ROUNDS);
	struct cost least[SIZES_MAX] = {{0}};
	double least_us = 0, most_us = 0;
	size_t i;

	for (uint32_t round = 0; round < n_rounds; round++) {
		i = 0;
		for (uint32_t n = TASKS_MIN; n <= most && i < SIZES_MAX; n *= 10, i++) {
			struct cost cost = measure(result, n);

			if (round == 0 || cost.all_us < least[i].all_us)
				least[i] = cost;
		}
	}
	i = 0;
	for (uint32_t n = TASKS_MIN; n <= most && i < SIZES_MAX; n *= 10, i++) {
		say(result, n, "all", least[i].all_us);
		say(result, n, "manager", least[i].manager_us);
		least_us = i == 0 || least[i].all_us < least_us ? least[i].all_us : least_us;
		most_us = least[i].all_us > most_us ? least[i].all_us : most_us;
	}
	result_say(result, "most_over_least", most_us / least_us, "x");
	result_end(result, NULL);
}
