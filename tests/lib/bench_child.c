/* Programs as children, and their figures from the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/bench.h"
#include "tests/lib/bench_cluster.h"

enum { STOP_MAX_MS = 5000, SYNCS_BYTES = 16 };

void
bench_die(const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

uint32_t
bench_setting(const char *name, uint32_t standard)
{
	const char *text = getenv(name);

	return text == NULL ? standard : (uint32_t)strtoul(text, NULL, 10);
}

/* The folder of the build: this program is in <build>/bench. */
static void
build_path(const char *rest, char *ret_path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (n < 0)
		bench_die("readlink", strerror(errno));
	self[n] = '\0';
	if (rest == NULL) {
		(void)snprintf(ret_path, size, "%s", self);
		return;
	}
	for (int i = 0; i < 2 && (slash = strrchr(self, '/')) != NULL; i++)
		*slash = '\0';
	(void)snprintf(ret_path, size, "%.4000s/%.60s", self, rest);
}

/* A page that the preloaded counter of sync_count.c writes to. */
static uint64_t *
share_counter(const char *folder, const char *name, char *ret_path, size_t size)
{
	int fd;
	void *page;

	(void)snprintf(ret_path, size, "%s/%s.syncs", folder, name);
	fd = open(ret_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, SYNCS_BYTES) < 0)
		bench_die(ret_path, strerror(errno));
	page = mmap(NULL, SYNCS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		bench_die(ret_path, strerror(errno));
	(void)close(fd);
	return page;
}

static _Noreturn void
become(const char *program, const char *log, const char *counter, const char *const *args)
{
	const char *argv[BENCH_ARGS_MAX + 2] = {program};
	char preload[PATH_MAX];
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; args[i] != NULL && i < BENCH_ARGS_MAX; i++)
		argv[i + 1] = args[i];
	if (fd >= 0)
		(void)dup2(fd, STDERR_FILENO);
	if (counter[0] != '\0') {
		build_path("bench/sync_count.so", preload, sizeof preload);
		(void)setenv("LD_PRELOAD", preload, 1);
		(void)setenv("SYNC_COUNT_FILE", counter, 1);
	}
	(void)execv(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

void
bench_child_start(struct bench_child *child, const char *folder, const char *program,
	bool counts_syncs, const char *const *args)
{
	char path[PATH_MAX], log[PATH_MAX], rest[64], counter[PATH_MAX] = "";

	if (strcmp(program, "self") == 0) {
		build_path(NULL, path, sizeof path);
	} else {
		(void)snprintf(rest, sizeof rest, "bin/%s", program);
		build_path(rest, path, sizeof path);
	}
	if (child->name[0] == '\0')
		(void)snprintf(child->name, sizeof child->name, "%s", program);
	(void)snprintf(log, sizeof log, "%s/%s.log", folder, child->name);
	child->syncs =
		counts_syncs ? share_counter(folder, child->name, counter, sizeof counter) : NULL;
	(void)fflush(NULL);
	child->pid = fork();
	if (child->pid < 0)
		bench_die("fork", strerror(errno));
	if (child->pid == 0)
		become(path, log, counter, args);
}

static void
forget(struct bench_child *child)
{
	child->pid = 0;
	if (child->syncs != NULL)
		(void)munmap(child->syncs, SYNCS_BYTES);
	child->syncs = NULL;
}

void
bench_child_kill(struct bench_child *child)
{
	int status;

	(void)kill(child->pid, SIGKILL);
	(void)waitpid(child->pid, &status, 0);
	forget(child);
}

void
bench_child_stop(struct bench_child *child)
{
	uint64_t end_ns = bench_now_ns() + STOP_MAX_MS * UINT64_C(1000000);
	int status;

	if (child->pid <= 0)
		return;
	(void)kill(child->pid, SIGTERM);
	while (waitpid(child->pid, &status, WNOHANG) == 0) {
		if (bench_now_ns() > end_ns)
			(void)kill(child->pid, SIGKILL);
		(void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	forget(child);
}

double
bench_child_cpu_us(const struct bench_child *child)
{
	struct timespec used;
	clockid_t id;

	if (clock_getcpuclockid(child->pid, &id) != 0 || clock_gettime(id, &used) < 0)
		bench_die(child->name, "has ended: see its log");
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

double
bench_child_rss_anon_kib(const struct bench_child *child)
{
	char path[64], line[256];
	long kib = -1;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)child->pid);
	file = fopen(path, "re");
	if (file == NULL)
		bench_die(child->name, "has ended: see its log");
	while (fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	(void)fclose(file);
	return (double)kib;
}

double
bench_child_syncs(const struct bench_child *child)
{
	return child->syncs == NULL ? 0 : (double)*(volatile uint64_t *)&child->syncs[0];
}

double
bench_child_sync_us(const struct bench_child *child)
{
	return child->syncs == NULL ? 0 : (double)*(volatile uint64_t *)&child->syncs[1] / 1e3;
}
