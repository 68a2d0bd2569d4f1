#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/worker/machine.h"
#include "tests/lib/test.h"

static char root[64];

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *out;

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	out = fopen(path, "we");
	CHECK(out != NULL);
	(void)fputs(text, out);
	(void)fclose(out);
}

static void
remove_file(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	CHECK_EQ(unlink(path), 0);
}

TEST(worker_machine_counts_what_is_in_use)
{
	struct worker_machine machine = {.proc_root = root, .disk_path = "/"};
	Davit__NodeSample sample;

	(void)snprintf(root, sizeof root, "/tmp/davit-machine-XXXXXX");
	CHECK(mkdtemp(root) != NULL);
	worker_machine_read(&machine, &sample); /* nothing to read: nothing said */
	CHECK(!sample.has_cpu_milli && !sample.has_memory_bytes && !sample.has_load1_milli);

	write_file("stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\n");
	write_file("meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  400 kB\n");
	write_file("loadavg", "1.25 1.00 0.50 1/100 1\n");
	worker_machine_read(&machine, &sample);
	CHECK(!sample.has_cpu_milli); /* no sample before it */
	CHECK_EQ(sample.memory_bytes, 600 * 1024);
	CHECK_EQ(sample.memory_bytes_total, 1000 * 1024);
	CHECK_EQ(sample.load1_milli, 1250);
	CHECK(sample.disk_bytes_total >= sample.disk_bytes && sample.disk_bytes_total > 0);

	write_file("stat", "cpu  125 0 125 850 0 0 0 0 0 0\n");
	worker_machine_read(&machine, &sample);
	CHECK_EQ(sample.cpu_milli, sample.cpu_milli_total / 2);
	CHECK(worker_machine_disk_bytes("/") > 0);
	CHECK_EQ(worker_machine_disk_bytes("/nowhere/at/all"), 0);
	remove_file("stat");
	remove_file("meminfo");
	remove_file("loadavg");
	(void)rmdir(root);
}

TEST(worker_machine_has_an_address_in_numbers)
{
	char address[WORKER_MACHINE_ADDRESS_SIZE];
	struct in_addr number;

	worker_machine_address(address);
	CHECK_EQ(inet_pton(AF_INET, address, &number), 1);
	CHECK(strcmp(address, "192.0.2.1") != 0 && strcmp(address, "0.0.0.0") != 0);
}

static void
put_process(const char *dir, pid_t pid, const char *cgroup, char state)
{
	char path[96];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%d", dir, (int)pid);
	CHECK_EQ(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/%d/cgroup", dir, (int)pid);
	CHECK((file = fopen(path, "w")) != NULL);
	(void)fprintf(file, "4:memory:/docker/%s\n", cgroup);
	(void)fclose(file);
	(void)snprintf(path, sizeof path, "%s/%d/stat", dir, (int)pid);
	CHECK((file = fopen(path, "w")) != NULL);
	(void)fprintf(file, "%d (a) R) %c 1 1\n", (int)pid, state);
	(void)fclose(file);
}

static void
drop_process(const char *dir, pid_t pid)
{
	static const char *const names[] = {"/cgroup", "/stat", ""};
	char path[96];

	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%s/%d%s", dir, (int)pid, names[i]);
		CHECK_EQ(remove(path), 0);
	}
}

static pid_t
sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	CHECK(pid > 0);
	return pid;
}

TEST(worker_machine_ends_a_container_by_its_cgroup_and_nobody_else)
{
	static const char id[] = "271bbb1a3ad374b42b66a0588210435c";
	char dir[] = "/tmp/davit-proc.XXXXXX";
	pid_t mine = sleeper(), buried = sleeper(), other = sleeper();
	struct err err;
	int status;

	CHECK(mkdtemp(dir) != NULL);
	put_process(dir, mine, id, 'S');
	put_process(dir, buried, id, 'Z');
	put_process(dir, other, "9bbb1a3ad374b42b66a0588210435c27", 'S');
	CHECK_EQ(worker_machine_end_container(dir, id, &err), 1);
	CHECK_EQ(waitpid(mine, &status, 0), mine);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_EQ(waitpid(buried, &status, WNOHANG), 0);
	CHECK_EQ(waitpid(other, &status, WNOHANG), 0);
	drop_process(dir, mine);
	CHECK_EQ(worker_machine_end_container(dir, id, &err), 0);
	CHECK_EQ(kill(buried, SIGKILL), 0);
	CHECK_EQ(kill(other, SIGKILL), 0);
	CHECK_EQ(waitpid(buried, &status, 0), buried);
	CHECK_EQ(waitpid(other, &status, 0), other);
	drop_process(dir, buried);
	drop_process(dir, other);
	CHECK_EQ(rmdir(dir), 0);
	CHECK_EQ(worker_machine_end_container(dir, id, &err), -ENOENT);
	CHECK_HAS(err.text, dir);
}

TEST(worker_machine_reads_whom_the_kernel_killed_for_lack_of_memory)
{
	uint64_t n = 7;

	(void)snprintf(root, sizeof root, "/tmp/davit-machine-XXXXXX");
	CHECK(mkdtemp(root) != NULL);
	CHECK_EQ(worker_machine_memory_kills(root, &n), -ENOENT);
	write_file("vmstat", "nr_free_pages 5\npgoom_kill 6\n"); /* not every kernel says */
	CHECK_EQ(worker_machine_memory_kills(root, &n), -ENOENT);
	CHECK_EQ(n, 7);
	write_file("vmstat", "nr_free_pages 5\noom_kill 12\nnuma_pte_updates 0\n");
	CHECK_EQ(worker_machine_memory_kills(root, &n), 0);
	CHECK_EQ(n, 12);
	remove_file("vmstat");
	(void)rmdir(root);
}

TEST(worker_machine_counts_gpus_by_their_devices)
{
	char dir[] = "/tmp/davit-dev.XXXXXX", path[64];
	static const char *const names[] = {"nvidia0", "nvidia12", "nvidiactl", "nvidia-uvm",
		"nvidia", "tty0"};

	CHECK(mkdtemp(dir) != NULL);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		CHECK_EQ(mkdir(path, 0700), 0);
	}
	CHECK_EQ(worker_machine_gpus(dir), 2);
	CHECK_EQ(worker_machine_gpus("/nonexistent"), 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		CHECK_EQ(rmdir(path), 0);
	}
	CHECK_EQ(rmdir(dir), 0);
}
