#include "services/worker/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 16384, NS_PER_US = 1000 };

/* How the two drivers name a container's group. */
static const char *const group_forms[] = {"docker/%s", "system.slice/docker-%s.scope"};

struct file_form {
	const char *controller, *name;
	const char *older; /* what it was called before, or NULL */
};
static const struct file_form v1_forms[WORKER_CGROUP_NET] = {
	[WORKER_CGROUP_CPU] = {"cpuacct", "cpuacct.usage", NULL},
	[WORKER_CGROUP_MEMORY] = {"memory", "memory.usage_in_bytes", NULL},
	[WORKER_CGROUP_MEMORY_STAT] = {"memory", "memory.stat", NULL},
	[WORKER_CGROUP_PIDS] = {"pids", "pids.current", NULL},
	[WORKER_CGROUP_IO] = {"blkio", "blkio.throttle.io_service_bytes_recursive",
		"blkio.throttle.io_service_bytes"},
};
static const struct file_form v2_forms[WORKER_CGROUP_NET] = {
	[WORKER_CGROUP_CPU] = {".", "cpu.stat", NULL},
	[WORKER_CGROUP_MEMORY] = {".", "memory.current", NULL},
	[WORKER_CGROUP_MEMORY_STAT] = {".", "memory.stat", NULL},
	[WORKER_CGROUP_PIDS] = {".", "pids.current", NULL},
	[WORKER_CGROUP_IO] = {".", "io.stat", NULL},
};

static bool
read_text(int fd, char text[TEXT_MAX])
{
	ssize_t n = fd < 0 ? -1 : pread(fd, text, TEXT_MAX - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

/* The number behind a word at the beginning of a line; 0 when there is no such line. */
static uint64_t
number_after(const char *text, const char *word)
{
	size_t size = strlen(word);

	for (const char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, word, size) == 0 && line[size] == ' ')
			return strtoull(line + size, NULL, 10);
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return 0;
}

/* Adds up the numbers behind every "word" in the text, wherever it stands. */
static uint64_t
sum_after(const char *text, const char *word)
{
	uint64_t sum = 0;

	for (const char *p = strstr(text, word); p != NULL; p = strstr(p + 1, word))
		sum += strtoull(p + strlen(word), NULL, 10);
	return sum;
}

/* ---- opening ---- */

static int
open_in(const char *root, const char *controller, const char *group, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/%s/%s/%s", root, controller, group, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool
open_group(const char *root, const struct file_form *forms, const char *group,
	struct worker_cgroup *cgroup)
{
	for (unsigned i = 0; i < WORKER_CGROUP_NET; i++) {
		cgroup->fd[i] = open_in(root, forms[i].controller, group, forms[i].name);
		if (cgroup->fd[i] < 0 && forms[i].older != NULL)
			cgroup->fd[i] = open_in(root, forms[i].controller, group, forms[i].older);
		if (i == WORKER_CGROUP_CPU && cgroup->fd[i] < 0)
			return false; /* no such group: most of the four ways are not there */
	}
	if (cgroup->fd[WORKER_CGROUP_CPU] >= 0 && cgroup->fd[WORKER_CGROUP_MEMORY] >= 0)
		return true;
	worker_cgroup_close(cgroup);
	return false;
}

static bool
is_same_network(const char *proc_root, long pid)
{
	char path[PATH_MAX], theirs[64] = {0}, ours[64] = {0};

	(void)snprintf(path, sizeof path, "%s/%ld/ns/net", proc_root, pid);
	if (readlink(path, theirs, sizeof theirs - 1) < 0)
		return false;
	(void)snprintf(path, sizeof path, "%s/self/ns/net", proc_root);
	if (readlink(path, ours, sizeof ours - 1) < 0)
		return false;
	return strcmp(theirs, ours) == 0;
}

/* By any process inside. One that shares the machine's network has no figures of its own. */
static int
open_network(const char *root, const char *proc_root, const char *controller, const char *group)
{
	char path[PATH_MAX], text[TEXT_MAX];
	int fd = open_in(root, controller, group, "cgroup.procs");
	long pid = read_text(fd, text) ? strtol(text, NULL, 10) : 0;

	if (fd >= 0)
		(void)close(fd);
	if (pid <= 0 || is_same_network(proc_root, pid))
		return -1;
	(void)snprintf(path, sizeof path, "%s/%ld/net/dev", proc_root, pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int
worker_cgroup_open(const char *cgroup_root, const char *proc_root, const char *container_id,
	struct worker_cgroup *ret_cgroup, struct err *err)
{
	char group[128];

	for (unsigned i = 0; i < WORKER_CGROUP_FILE_COUNT; i++)
		ret_cgroup->fd[i] = -1;
	for (unsigned i = 0; i < 2 * (sizeof group_forms / sizeof group_forms[0]); i++) {
		const struct file_form *forms = i % 2 == 0 ? v1_forms : v2_forms;
		const char *form = group_forms[i / 2];
		const char *percent = strchr(form, '%');

		(void)snprintf(group, sizeof group, "%.*s%s%s", (int)(percent - form), form,
			container_id, percent + 2);
		if (!open_group(cgroup_root, forms, group, ret_cgroup))
			continue;
		ret_cgroup->is_v2 = forms == v2_forms;
		ret_cgroup->fd[WORKER_CGROUP_NET] = open_network(cgroup_root, proc_root,
			forms[WORKER_CGROUP_MEMORY].controller, group);
		return 0;
	}
	return err_set(err, -ENOENT, "no cgroup of container %.12s under %s", container_id,
		cgroup_root);
}

void
worker_cgroup_close(struct worker_cgroup *cgroup)
{
	for (unsigned i = 0; i < WORKER_CGROUP_FILE_COUNT; i++) {
		if (cgroup->fd[i] >= 0)
			(void)close(cgroup->fd[i]);
		cgroup->fd[i] = -1;
	}
}

/* ---- reading ---- */

/* Every interface but the loopback: "  eth0: rx_bytes and 7 more, tx_bytes …". */
static void
read_network(int fd, struct engine_sample *sample)
{
	char text[TEXT_MAX];

	if (!read_text(fd, text))
		return;
	for (char *line = strchr(text, ':'); line != NULL; line = strchr(line + 1, ':')) {
		char *p = line + 1;
		uint64_t rx, tx = 0;

		if (line - text >= 2 && strncmp(line - 2, "lo", 2) == 0)
			continue;
		rx = strtoull(p, &p, 10);
		for (unsigned i = 1; i <= 8; i++)
			tx = strtoull(p, &p, 10);
		sample->net_rx_bytes += rx;
		sample->net_tx_bytes += tx;
	}
}

static void
read_memory(const struct worker_cgroup *cgroup, struct engine_sample *sample)
{
	char text[TEXT_MAX];
	uint64_t inactive;

	(void)read_text(cgroup->fd[WORKER_CGROUP_MEMORY], text);
	sample->memory_bytes = strtoull(text, NULL, 10);
	(void)read_text(cgroup->fd[WORKER_CGROUP_MEMORY_STAT], text);
	inactive = number_after(text, cgroup->is_v2 ? "inactive_file" : "total_inactive_file");
	sample->memory_bytes_with_cache = sample->memory_bytes;
	sample->memory_bytes -= inactive < sample->memory_bytes ? inactive : sample->memory_bytes;
}

int
worker_cgroup_read(const struct worker_cgroup *cgroup, struct engine_sample *ret_sample)
{
	char text[TEXT_MAX];

	*ret_sample = (struct engine_sample){0};
	if (!read_text(cgroup->fd[WORKER_CGROUP_CPU], text))
		return -ENODEV;
	ret_sample->cpu_ns_total = cgroup->is_v2 ? number_after(text, "usage_usec") * NS_PER_US
						 : strtoull(text, NULL, 10);
	read_memory(cgroup, ret_sample);
	if (read_text(cgroup->fd[WORKER_CGROUP_PIDS], text))
		ret_sample->pids = strtoull(text, NULL, 10);
	if (read_text(cgroup->fd[WORKER_CGROUP_IO], text)) {
		ret_sample->io_read_bytes = sum_after(text, cgroup->is_v2 ? "rbytes=" : " Read ");
		ret_sample->io_write_bytes = sum_after(text, cgroup->is_v2 ? "wbytes=" : " Write ");
	}
	read_network(cgroup->fd[WORKER_CGROUP_NET], ret_sample);
	return 0;
}
