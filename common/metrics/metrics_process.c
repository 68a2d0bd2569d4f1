#include "common/metrics/metrics_process.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	STAT_SIZE = 1024,   /* bytes of /proc/self/stat */
	STATUS_SIZE = 4096, /* of /proc/self/status */
	FIELD_UTIME = 14,   /* numbers of proc(5) */
	FIELD_THREADS = 20,
	FIELD_START = 22,
	FIELD_VSIZE = 23,
	FIELD_RSS = 24,
	FIELD_COUNT = 25,
};

static void
read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n = 0;

	if (file != NULL) {
		n = fread(text, 1, size - 1, file);
		(void)fclose(file);
	}
	text[n] = '\0';
}

/* The numbers behind the name, which may hold anything but ends with the last ')'. */
static bool
read_stat(double fields[FIELD_COUNT])
{
	char text[STAT_SIZE], *at, *end;

	read_text("/proc/self/stat", text, sizeof text);
	at = strrchr(text, ')');
	if (at == NULL || strlen(at) < 4)
		return false;
	at += 4; /* ") S" */
	for (unsigned i = 4; i < FIELD_COUNT; i++, at = end) {
		fields[i] = strtod(at, &end);
		if (end == at)
			return false;
	}
	return true;
}

static double
start_seconds(double since_boot)
{
	struct timespec wall, boot;

	(void)clock_gettime(CLOCK_REALTIME, &wall);
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	return (double)(wall.tv_sec - boot.tv_sec) + since_boot;
}

static void
put_stat(struct expo *expo)
{
	double fields[FIELD_COUNT], hertz = (double)sysconf(_SC_CLK_TCK);

	if (!read_stat(fields))
		return;
	expo_single(expo, EXPO_COUNTER, "process_cpu_seconds",
		"Processor time used, of user and system.",
		(fields[FIELD_UTIME] + fields[FIELD_UTIME + 1]) / hertz);
	expo_single(expo, EXPO_GAUGE, "process_threads", "Threads.", fields[FIELD_THREADS]);
	expo_single(expo, EXPO_GAUGE, "process_start_time_seconds",
		"When it started, since the epoch.", start_seconds(fields[FIELD_START] / hertz));
	expo_single(expo, EXPO_GAUGE, "process_virtual_memory_bytes", "Size of the address space.",
		fields[FIELD_VSIZE]);
	expo_single(expo, EXPO_GAUGE, "process_resident_memory_bytes", "Memory in use.",
		fields[FIELD_RSS] * (double)sysconf(_SC_PAGESIZE));
}

static void
put_anonymous(struct expo *expo)
{
	char text[STATUS_SIZE];
	const char *line;

	read_text("/proc/self/status", text, sizeof text);
	line = strstr(text, "\nRssAnon:");
	if (line == NULL)
		return;
	expo_single(expo, EXPO_GAUGE, "process_anonymous_memory_bytes",
		"Memory in use that is the process's own: no files.",
		strtod(line + strlen("\nRssAnon:"), NULL) * 1024);
}

static void
put_descriptors(struct expo *expo)
{
	struct rlimit limit;
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (dir != NULL) {
		while (readdir(dir) != NULL)
			n++;
		(void)closedir(dir);
		/* Without ".", ".." and the one that reads them. */
		expo_single(expo, EXPO_GAUGE, "process_open_fds", "Open descriptors.",
			(double)n - 3);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		expo_single(expo, EXPO_GAUGE, "process_max_fds", "Descriptors that it may open.",
			(double)limit.rlim_cur);
}

static void
collect(struct expo *expo, void *arg)
{
	const struct expo_family build = {.kind = EXPO_GAUGE,
		.name = "davit_build_info",
		.help = "Always 1: which service and version this is."};
	const struct expo_label labels[] = {{"service", arg}, {"version", DAVIT_VERSION}};

	expo_family(expo, &build);
	expo_sample(expo, labels, 2, 1);
	put_stat(expo);
	put_anonymous(expo);
	put_descriptors(expo);
}

void
metrics_process_add(struct metrics *metrics, const char *service)
{
	metrics_collect(metrics, collect, (void *)(uintptr_t)service);
}
