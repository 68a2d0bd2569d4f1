/*
 * bench.h - measure, and print one figure a line: "store.commit.1000.p50  812.0 us".
 *
 * A benchmark is a program that prints figures and exits 0. It compares what it
 * measures with a yardstick of the same run (raw fdatasync, raw sockets), since
 * machines differ. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Monotonic. */
uint64_t bench_now_ns(void);

/* Processor time of this process, user and system: steadier than the clock on a busy machine. */
double bench_cpu_us(void);

/* Durations in the order in which they came. A zeroed one is empty. */
struct bench_series {
	uint64_t *ns;
	size_t n, room;
};

void bench_series_add(struct bench_series *series, uint64_t ns);
void bench_series_fini(struct bench_series *series);

/* p in 0 to 100, in microseconds; sorts the series. An empty one is 0. */
double bench_series_us(struct bench_series *series, double p);

/* This process's RssAnon, in KiB: what it costs beside shared libraries and file cache. */
double bench_rss_anon_kib(void);

void bench_print(const char *name, double value, const char *unit);

/* "name.p50", "name.p99" of a series, in µs. */
void bench_print_series(const char *name, struct bench_series *series);
