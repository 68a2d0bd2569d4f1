#include "tests/bench/cluster/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/bench.h"

enum { NAME_SIZE = 80, PATH_SIZE = 512, LINE_SIZE = 256 };

static void
read_processor(char *ret_text, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[LINE_SIZE], *at;

	(void)snprintf(ret_text, size, "?");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "model name", 10) != 0 || (at = strchr(line, ':')) == NULL)
			continue;
		at[strcspn(at, "\n")] = '\0';
		(void)snprintf(ret_text, size, "%s", at + 2);
		break;
	}
	if (file != NULL)
		(void)fclose(file);
}

static json_t *
machine(void)
{
	char processor[LINE_SIZE];
	double load[1] = {0};
	struct utsname kernel;

	read_processor(processor, sizeof processor);
	(void)uname(&kernel);
	(void)getloadavg(load, 1);
	return json_pack("{s:s, s:i, s:s, s:I, s:f}", "processor", processor, "processors",
		(int)sysconf(_SC_NPROCESSORS_ONLN), "kernel", kernel.release, "memory_mib",
		(json_int_t)(sysconf(_SC_PHYS_PAGES) / 256), "load_before", load[0]);
}

void
result_begin(struct result *result, const char *profile, const char *folder, double scale)
{
	const char *commit = getenv("BENCH_COMMIT");
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	(void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	*result = (struct result){.profile = profile, .folder = folder, .scale = scale};
	result->figures = json_array();
	result->root = json_pack("{s:s, s:f, s:s, s:s, s:o, s:O}", "profile", profile, "scale",
		scale, "when", when, "commit", commit == NULL ? "?" : commit, "machine", machine(),
		"figures", result->figures);
}

void
result_say(struct result *result, const char *name, double value, const char *unit)
{
	char full[NAME_SIZE];

	(void)snprintf(full, sizeof full, "%s.%s", result->profile, name);
	bench_print(full, value, unit);
	(void)json_array_append_new(result->figures,
		json_pack("{s:s, s:f, s:s}", "name", name, "value", value, "unit", unit));
}

static void
say_part(struct result *result, const char *what, int part, double value, const char *unit)
{
	char name[NAME_SIZE];

	(void)snprintf(name, sizeof name, "%s.%s", what, watch_part_names[part]);
	result_say(result, name, value, unit);
}

static void
say_delays(struct result *result, const struct watch_row *first, const struct watch_row *last)
{
	static const double shares[] = {50, 90, 99, 99.9, 100};
	char name[NAME_SIZE];

	for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
		(void)snprintf(name, sizeof name, "submit_to_running.p%g", shares[i]);
		result_say(result, name, watch_delay_ms(first, last, shares[i]), "ms");
	}
}

void
result_flow(struct result *result, const struct watch *watch, double n_tasks)
{
	const struct watch_row *first = &watch->rows[0], *last = watch_last(watch);
	double seconds = last->at_s - first->at_s, sum_us = 0;
	char name[NAME_SIZE];

	for (int i = 0; i < WATCH_FAILED; i++) {
		double n = last->stages[i] - first->stages[i];
		double end_s = watch_time_of(watch, (enum watch_stage)i, last->stages[i]);

		if (n <= 0)
			continue;
		(void)snprintf(name, sizeof name, "%s.rate", watch_stage_names[i]);
		result_say(result, name, n / (end_s - first->at_s), "tasks/s");
		(void)snprintf(name, sizeof name, "%s.all_after", watch_stage_names[i]);
		result_say(result, name, end_s - first->at_s, "s");
	}
	say_delays(result, first, last);
	for (int i = 0; i < WATCH_PARTS; i++) {
		double us = last->cpu_us[i] - first->cpu_us[i];

		sum_us += us;
		say_part(result, "cpu_per_task", i, us / n_tasks, "us");
		say_part(result, "cores", i, us / 1e6 / seconds, "cores");
		say_part(result, "rss_most", i,
			watch_most_rss_kib(watch, (enum watch_part)i) / 1024, "MiB");
	}
	result_say(result, "cpu_per_task.all", sum_us / n_tasks, "us");
	result_say(result, "store_bytes", last->store_bytes, "B");
	result_say(result, "syncs", last->syncs - first->syncs, "");
	result_say(result, "sync_wait", (last->sync_us - first->sync_us) / 1e6, "s");
	if (last->syncs > first->syncs)
		result_say(result, "sync_mean",
			(last->sync_us - first->sync_us) / (last->syncs - first->syncs), "us");
}

void
result_end(struct result *result, const struct watch *watch)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof path, "%s/%s.json", result->folder, result->profile);
	if (json_dump_file(result->root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) < 0)
		bench_die(path, "cannot be written");
	json_decref(result->figures);
	json_decref(result->root);
	if (watch == NULL)
		return;
	(void)snprintf(path, sizeof path, "%s/%s.tsv", result->folder, result->profile);
	watch_write(watch, path);
}
