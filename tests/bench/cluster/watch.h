/*
 * watch.h - what a cluster did and used, looked at several times a second.
 *
 * The manager is asked for its counts (TaskFlow), the kernel for the rest. One thread, that of
 * the cluster's loop.
 */
#pragma once

#include "tests/lib/bench_cluster.h"

enum { WATCH_CHILDREN_MAX = 8, WATCH_PARTS = 4, WATCH_DELAYS = 144 };

/* Parts that use processor time. */
enum watch_part { WATCH_MANAGER, WATCH_SCHEDULER, WATCH_CROWD, WATCH_DRIVER };

enum watch_stage {
	WATCH_SUBMITTED,
	WATCH_PLACED,
	WATCH_DELIVERED,
	WATCH_STARTED,
	WATCH_COMPLETED,
	WATCH_FAILED,
	WATCH_STAGES
};
extern const char *const watch_stage_names[WATCH_STAGES];
extern const char *const watch_part_names[WATCH_PARTS];

struct watch_row {
	double at_s;
	double stages[WATCH_STAGES]; /* how many tasks passed */
	uint32_t pending, scheduled, running, nodes_ready;
	double cpu_us[WATCH_PARTS];
	double rss_kib[WATCH_PARTS]; /* anonymous memory */
	double store_bytes, syncs, sync_us;
	uint64_t delays[WATCH_DELAYS]; /* TaskFlow.start_delays */
};

struct watch {
	struct bench_cluster *cluster;
	struct bench_child *crowds;
	unsigned n_crowds;
	uint64_t begin_ns, period_ms;
	struct watch_row *rows;
	size_t n_rows, room;
};

/* crowds are borrowed; some may have ended. The first row is of now, and taken from all others'
 * counts and times. */
void watch_begin(struct watch *watch, struct bench_cluster *cluster, struct bench_child *crowds,
	unsigned n_crowds);
/* One more row, of now. */
const struct watch_row *watch_look(struct watch *watch);
/* Looks every period_ms until holds says so; the program ends after max_ms. */
typedef bool watch_fn(const struct watch_row *row, void *arg);
void watch_until(struct watch *watch, watch_fn *holds, void *arg, uint64_t max_ms);
void watch_fini(struct watch *watch);

double watch_now_s(const struct watch *watch);
const struct watch_row *watch_last(const struct watch *watch);
/* When so many had passed the stage: between two looks, in proportion; -1: never. */
double watch_time_of(const struct watch *watch, enum watch_stage stage, double n);
/* The delay from submission to start that p of 100 tasks did not exceed, between two rows. */
double watch_delay_ms(const struct watch_row *from, const struct watch_row *to, double p);
double watch_most_rss_kib(const struct watch *watch, enum watch_part part);
/* All rows as a table with a line of names. */
void watch_write(const struct watch *watch, const char *path);
