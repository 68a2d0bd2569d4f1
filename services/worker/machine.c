#include "services/worker/machine.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { TEXT_MAX = 4096, STAT_FIELDS = 8, STAT_IDLE = 3, STAT_IOWAIT = 4, KIB = 1024 };

static bool
read_file(const char *root, const char *name, char text[TEXT_MAX])
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, TEXT_MAX - 1); /* /proc gives a page at a time: what we want is in it */
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void
read_cpu(struct worker_machine *machine, Davit__NodeSample *sample)
{
	uint64_t field[STAT_FIELDS] = {0}, total = 0, busy, n_cpus;
	char text[TEXT_MAX], *p = text + 3;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	n_cpus = online > 0 ? (uint64_t)online : 1;
	sample->has_cpu_milli_total = true;
	sample->cpu_milli_total = n_cpus * 1000;
	if (!read_file(machine->proc_root, "stat", text) || strncmp(text, "cpu", 3) != 0)
		return;
	for (unsigned i = 0; i < STAT_FIELDS; i++) {
		field[i] = strtoull(p, &p, 10);
		total += field[i];
	}
	busy = total - field[STAT_IDLE] - field[STAT_IOWAIT];
	if (machine->total != 0 && total > machine->total && busy >= machine->busy) {
		sample->has_cpu_milli = true;
		sample->cpu_milli =
			(busy - machine->busy) * n_cpus * 1000 / (total - machine->total);
	}
	machine->busy = busy;
	machine->total = total;
}

static uint64_t
kib_after(const char *text, const char *word)
{
	const char *p = strstr(text, word);

	return p == NULL ? 0 : strtoull(p + strlen(word), NULL, 10) * KIB;
}

static void
read_memory(const struct worker_machine *machine, Davit__NodeSample *sample)
{
	char text[TEXT_MAX];
	uint64_t total, available;

	if (!read_file(machine->proc_root, "meminfo", text))
		return;
	total = kib_after(text, "MemTotal:");
	available = kib_after(text, "MemAvailable:");
	sample->has_memory_bytes = sample->has_memory_bytes_total = total > 0;
	sample->memory_bytes_total = total;
	sample->memory_bytes = total > available ? total - available : 0;
}

static void
read_disk(const struct worker_machine *machine, Davit__NodeSample *sample)
{
	struct statvfs disk;

	if (machine->disk_path == NULL || statvfs(machine->disk_path, &disk) < 0)
		return;
	sample->has_disk_bytes = sample->has_disk_bytes_total = true;
	sample->disk_bytes_total = (uint64_t)disk.f_blocks * disk.f_frsize;
	sample->disk_bytes = (uint64_t)(disk.f_blocks - disk.f_bfree) * disk.f_frsize;
}

void
worker_machine_read(struct worker_machine *machine, Davit__NodeSample *ret_sample)
{
	char text[TEXT_MAX];

	davit__node_sample__init(ret_sample);
	read_cpu(machine, ret_sample);
	read_memory(machine, ret_sample);
	read_disk(machine, ret_sample);
	if (read_file(machine->proc_root, "loadavg", text)) {
		ret_sample->has_load1_milli = true;
		ret_sample->load1_milli = (uint32_t)(strtod(text, NULL) * 1000);
	}
}

int
worker_machine_disk_usage(const char *path, uint64_t *ret_used, uint64_t *ret_total)
{
	struct statvfs disk;

	if (statvfs(path, &disk) < 0)
		return -errno;
	*ret_total = (uint64_t)disk.f_blocks * disk.f_frsize;
	*ret_used = (uint64_t)(disk.f_blocks - disk.f_bfree) * disk.f_frsize;
	return 0;
}

/* A datagram socket that is connected sends nothing: the kernel only looks for a way. */
void
worker_machine_address(char ret_address[WORKER_MACHINE_ADDRESS_SIZE])
{
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9)}, own = {0};
	socklen_t size = sizeof own;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET, "192.0.2.1", &far.sin_addr); /* nobody's: RFC 5737 */
	if (fd < 0 || connect(fd, (struct sockaddr *)&far, sizeof far) < 0 ||
		getsockname(fd, (struct sockaddr *)&own, &size) < 0 ||
		inet_ntop(AF_INET, &own.sin_addr, ret_address, WORKER_MACHINE_ADDRESS_SIZE) == NULL)
		(void)snprintf(ret_address, WORKER_MACHINE_ADDRESS_SIZE, "127.0.0.1");
	if (fd >= 0)
		(void)close(fd);
}

uint64_t
worker_machine_disk_bytes(const char *path)
{
	struct statvfs disk;

	return statvfs(path, &disk) < 0 ? 0 : (uint64_t)disk.f_blocks * disk.f_frsize;
}

static bool
is_alive_within(const char *proc_root, const char *pid, const char *container_id)
{
	char name[32], text[TEXT_MAX];
	const char *end;

	(void)snprintf(name, sizeof name, "%.10s/cgroup", pid);
	if (!read_file(proc_root, name, text) || strstr(text, container_id) == NULL)
		return false;
	(void)snprintf(name, sizeof name, "%.10s/stat", pid);
	if (!read_file(proc_root, name, text))
		return false;
	end = strrchr(text, ')'); /* its name may hold anything */
	return end == NULL || strncmp(end, ") Z", 3) != 0;
}

int
worker_machine_end_container(const char *proc_root, const char *container_id, struct err *err)
{
	DIR *proc = opendir(proc_root);
	const struct dirent *entry;
	int n = 0, rc = 0;

	if (proc == NULL)
		return err_set(err, -errno, "cannot read '%s': %s", proc_root, strerror(errno));
	while (rc == 0 && (entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 1 || !is_alive_within(proc_root, entry->d_name, container_id))
			continue;
		n++;
		if (kill(pid, SIGKILL) < 0 && errno != ESRCH)
			rc = err_set(err, -errno, "cannot kill process %d: %s", (int)pid,
				strerror(errno));
	}
	(void)closedir(proc);
	return rc < 0 ? rc : n;
}

int
worker_machine_memory_kills(const char *proc_root, uint64_t *ret_n)
{
	static const char word[] = "oom_kill ";
	char path[PATH_MAX], line[128];
	int rc = -ENOENT;
	FILE *in;

	(void)snprintf(path, sizeof path, "%s/vmstat", proc_root);
	in = fopen(path, "re");
	if (in == NULL)
		return -errno;
	while (rc != 0 && fgets(line, sizeof line, in) != NULL) {
		if (strncmp(line, word, sizeof word - 1) != 0)
			continue;
		*ret_n = strtoull(line + sizeof word - 1, NULL, 10);
		rc = 0;
	}
	(void)fclose(in);
	return rc;
}

uint32_t
worker_machine_gpus(const char *dev_root)
{
	DIR *dev = opendir(dev_root);
	const struct dirent *entry;
	uint32_t n = 0;

	/* "nvidia0", "nvidia1", …; "nvidiactl", "nvidia-uvm" and the like are none. */
	while (dev != NULL && (entry = readdir(dev)) != NULL) {
		const char *number = entry->d_name + sizeof "nvidia" - 1;

		n += strncmp(entry->d_name, "nvidia", sizeof "nvidia" - 1) == 0 &&
		     number[0] != '\0' && number[strspn(number, "0123456789")] == '\0';
	}
	if (dev != NULL)
		(void)closedir(dev);
	return n;
}
