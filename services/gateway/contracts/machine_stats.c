#include "services/gateway/contracts/machine_stats.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum { LINE_SIZE = 512 };

/* In the order of the contract: its key, and the name in /proc/meminfo. */
static const char *const memory_names[][2] = {
	{"mem_total", "MemTotal"},
	{"mem_free", "MemFree"},
	{"mem_available", "MemAvailable"},
	{"buffers", "Buffers"},
	{"cached", "Cached"},
	{"swap_cached", "SwapCached"},
	{"active", "Active"},
	{"inactive", "Inactive"},
	{"active_anon", "Active(anon)"},
	{"inactive_anon", "Inactive(anon)"},
	{"active_file", "Active(file)"},
	{"inactive_file", "Inactive(file)"},
	{"unevictable", "Unevictable"},
	{"mlocked", "Mlocked"},
	{"swap_total", "SwapTotal"},
	{"swap_free", "SwapFree"},
	{"dirty", "Dirty"},
	{"write_back", "Writeback"},
	{"anon_pages", "AnonPages"},
	{"mapped", "Mapped"},
	{"shmem", "Shmem"},
	{"slab", "Slab"},
	{"s_reclaimable", "SReclaimable"},
	{"s_unclaim", "SUnreclaim"},
	{"kernel_stack", "KernelStack"},
	{"page_tables", "PageTables"},
	{"nfs_unstable", "NFS_Unstable"},
	{"bounce", "Bounce"},
	{"writeback_tmp", "WritebackTmp"},
	{"commit_limit", "CommitLimit"},
	{"committed_as", "Committed_AS"},
	{"vmalloc_total", "VmallocTotal"},
	{"vmalloc_used", "VmallocUsed"},
	{"vmalloc_chunk", "VmallocChunk"},
	{"hardware_corrupted", "HardwareCorrupted"},
	{"anon_huge_pages", "AnonHugePages"},
	{"huge_pages_total", "HugePages_Total"},
	{"huge_pages_free", "HugePages_Free"},
	{"huge_pages_rsvd", "HugePages_Rsvd"},
	{"huge_pages_surp", "HugePages_Surp"},
	{"hugepagesize", "Hugepagesize"},
	{"direct_map_4k", "DirectMap4k"},
	{"direct_map_2M", "DirectMap2M"},
	{"direct_map_1G", "DirectMap1G"},
};

static json_t *
memory(void)
{
	json_t *stats = json_object();
	FILE *file = fopen("/proc/meminfo", "re");
	char line[LINE_SIZE], name[64];
	unsigned long long value;

	for (size_t i = 0; i < sizeof memory_names / sizeof memory_names[0]; i++)
		(void)json_object_set_new(stats, memory_names[i][0], json_integer(0));
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "%63[^:]: %llu", name, &value) != 2)
			continue;
		for (size_t i = 0; i < sizeof memory_names / sizeof memory_names[0]; i++)
			if (strcmp(memory_names[i][1], name) == 0)
				(void)json_object_set_new(stats, memory_names[i][0],
					json_integer((json_int_t)value));
	}
	if (file != NULL)
		(void)fclose(file);
	return stats;
}

static json_t *
disk(void)
{
	struct statvfs fs = {0};
	json_int_t all, available;

	(void)statvfs("/", &fs);
	all = (json_int_t)(fs.f_blocks * fs.f_frsize);
	available = (json_int_t)(fs.f_bfree * fs.f_frsize);
	return json_pack("{s:I,s:I,s:I,s:I}", "all", all, "used", all - available, "free",
		available, "freeInodes", (json_int_t)fs.f_ffree);
}

static void
read_line(const char *path, char ret_line[LINE_SIZE])
{
	FILE *file = fopen(path, "re");

	ret_line[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(ret_line, LINE_SIZE, file) == NULL)
		ret_line[0] = '\0';
	(void)fclose(file);
}

static json_t *
cpu(void)
{
	static const char *const names[] = {"user", "nice", "system", "idle", "iowait", "irq",
		"softirq", "steal", "guest", "guest_nice"};
	json_t *stats = json_pack("{s:s}", "id", "cpu");
	unsigned long long values[10] = {0};
	char line[LINE_SIZE];

	read_line("/proc/stat", line);
	(void)sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu", &values[0],
		&values[1], &values[2], &values[3], &values[4], &values[5], &values[6], &values[7],
		&values[8], &values[9]);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)json_object_set_new(stats, names[i], json_integer((json_int_t)values[i]));
	return stats;
}

static json_t *
load(void)
{
	double one = 0, five = 0, fifteen = 0;
	unsigned long long running = 0, total = 0, last = 0;
	char line[LINE_SIZE];

	read_line("/proc/loadavg", line);
	(void)sscanf(line, "%lf %lf %lf %llu/%llu %llu", &one, &five, &fifteen, &running, &total,
		&last);
	return json_pack("{s:f,s:f,s:f,s:I,s:I,s:I}", "last1min", one, "last5min", five,
		"last15min", fifteen, "process_running", (json_int_t)running, "process_total",
		(json_int_t)total, "last_pid", (json_int_t)last);
}

json_t *
machine_stats(void)
{
	return json_pack("{s:o,s:o,s:o,s:o}", "MemStats", memory(), "DiskStats", disk(), "CpuStats",
		cpu(), "LoadStats", load());
}
