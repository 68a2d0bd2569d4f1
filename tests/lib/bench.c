#include "tests/lib/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "common/base/mem.h"

uint64_t
bench_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double
bench_cpu_us(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void
bench_series_add(struct bench_series *series, uint64_t ns)
{
	if (series->n == series->room) {
		series->room = series->room == 0 ? 256 : series->room * 2;
		series->ns = xrealloc(series->ns, series->room, sizeof *series->ns);
	}
	series->ns[series->n++] = ns;
}

void
bench_series_fini(struct bench_series *series)
{
	free(series->ns);
	*series = (struct bench_series){0};
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

double
bench_series_us(struct bench_series *series, double p)
{
	size_t i;

	if (series->n == 0)
		return 0;
	qsort(series->ns, series->n, sizeof *series->ns, compare);
	i = (size_t)((double)series->n * p / 100);
	return (double)series->ns[i < series->n ? i : series->n - 1] / 1000;
}

double
bench_rss_anon_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	(void)fclose(file);
	return (double)kib;
}

void
bench_print(const char *name, double value, const char *unit)
{
	(void)printf("%-48s %12.1f %s\n", name, value, unit);
	(void)fflush(stdout);
}

void
bench_print_series(const char *name, struct bench_series *series)
{
	static const struct {
		const char *suffix;
		double p;
	} points[] = {{"p50", 50}, {"p99", 99}};
	char full[96];

	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		(void)snprintf(full, sizeof full, "%s.%s", name, points[i].suffix);
		bench_print(full, bench_series_us(series, points[i].p), "us");
	}
}
