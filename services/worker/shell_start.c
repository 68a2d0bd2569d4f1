/* Tested by tests/unit/test_worker_shell.c. */
#include "services/worker/shell_start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "services/worker/machine.h"

enum { STARTS_PER_CPU = 4 };

int
worker_start_folder(const char *path, struct err *err)
{
	CLEANUP(free) char *part = xstrdup(path);

	for (char *p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(part, 0750); /* the last one tells */
		*p = '/';
	}
	if (mkdir(part, 0750) < 0 && errno != EEXIST)
		return err_set(err, -errno, "cannot make state directory '%s': %s", path,
			strerror(errno));
	return 0;
}

int
worker_start_labels(const struct option_list *list, Davit__StringEntry *ret_labels, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		char *equals = strchr(list->items[i], '=');

		if (equals == NULL || equals == list->items[i])
			return err_set(err, -EINVAL, "--label '%.60s': want KEY=VALUE",
				list->items[i]);
		davit__string_entry__init(&ret_labels[i]);
		*equals = '\0'; /* undone by the caller's copy: the list is ours to read */
		ret_labels[i].key = xstrdup(list->items[i]);
		ret_labels[i].value = xstrdup(equals + 1);
		*equals = '=';
	}
	return 0;
}

/* An engine that is away at the start has most likely the CPUs and the memory that we see. */
void
worker_start_fallback(Davit__Resources *fallback)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN), n_pages = sysconf(_SC_PHYS_PAGES);

	davit__resources__init(fallback);
	fallback->cpu_milli = (uint64_t)(n_cpus > 0 ? n_cpus : 1) * 1000;
	fallback->memory_bytes =
		(uint64_t)(n_pages > 0 ? n_pages : 0) * (uint64_t)sysconf(_SC_PAGESIZE);
	fallback->disk_bytes = worker_machine_disk_bytes("/");
}

void
worker_start_capacity(Davit__Resources *capacity, const struct worker_shell_options *options)
{
	davit__resources__init(capacity);
	capacity->has_cpu_milli = options->cpu_milli > 0;
	capacity->cpu_milli = options->cpu_milli;
	capacity->has_memory_bytes = options->memory_bytes > 0;
	capacity->memory_bytes = options->memory_bytes;
	capacity->has_disk_bytes = options->disk_bytes > 0;
	capacity->disk_bytes = options->disk_bytes;
}

unsigned
worker_start_lanes(void)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return (unsigned)(n_cpus > 1 ? n_cpus : 1) * STARTS_PER_CPU;
}
