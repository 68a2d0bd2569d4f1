#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/worker/cgroup.h"
#include "tests/lib/test.h"

static char root[64];
static struct err err;

static void
write_file(const char *name, const char *text)
{
	char path[512];
	FILE *out;

	(void)snprintf(path, sizeof path, "%s/%s", root, name);
	for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	out = fopen(path, "we");
	CHECK(out != NULL);
	(void)fputs(text, out);
	(void)fclose(out);
}

static void
begin(void)
{
	(void)snprintf(root, sizeof root, "/tmp/davit-cgroup-XXXXXX");
	CHECK(mkdtemp(root) != NULL);
}

static void
end(void)
{
	char command[128];
	FILE *pipe;

	(void)snprintf(command, sizeof command, "rm -rf %s", root);
	pipe = popen(command, "re");
	CHECK_EQ(pclose(pipe), 0);
}

static const char net[] =
	"Inter-|   Receive                     |  Transmit\n"
	" face |bytes packets errs drop fifo frame compressed multicast|bytes packets\n"
	"    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n"
	"  eth0: 100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n"
	"  eth1:  10 1 0 0 0 0 0 0  20 1 0 0 0 0 0 0\n";

static void
read_one(struct engine_sample *ret_sample)
{
	struct worker_cgroup cgroup;

	CHECK_OK(worker_cgroup_open(root, root, "abc", &cgroup, &err), &err);
	CHECK_EQ(worker_cgroup_read(&cgroup, ret_sample), 0);
	worker_cgroup_close(&cgroup);
	worker_cgroup_close(&cgroup);
}

static void
check_sample(const struct engine_sample *sample)
{
	CHECK_EQ(sample->cpu_ns_total, 123456000);
	CHECK_EQ(sample->memory_bytes, 3000000);
	CHECK_EQ(sample->memory_bytes_with_cache, 4000000);
	CHECK_EQ(sample->pids, 5);
	CHECK_EQ(sample->io_read_bytes, 4096 + 1);
	CHECK_EQ(sample->io_write_bytes, 8192 + 2);
	CHECK_EQ(sample->net_rx_bytes, 110);
	CHECK_EQ(sample->net_tx_bytes, 220);
}

TEST(worker_cgroup_reads_version_1)
{
	struct engine_sample sample;

	begin();
	write_file("cpuacct/docker/abc/cpuacct.usage", "123456000\n");
	write_file("memory/docker/abc/memory.usage_in_bytes", "4000000\n");
	write_file("memory/docker/abc/memory.stat",
		"cache 5\ninactive_file 7\ntotal_inactive_file 1000000\n");
	write_file("memory/docker/abc/cgroup.procs", "42\n43\n");
	write_file("pids/docker/abc/pids.current", "5\n");
	write_file("blkio/docker/abc/blkio.throttle.io_service_bytes_recursive",
		"8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 0\n8:0 Total 12288\n"
		"8:16 Read 1\n8:16 Write 2\nTotal 12291\n");
	write_file("42/net/dev", net);
	read_one(&sample);
	check_sample(&sample);
	end();
}

TEST(worker_cgroup_reads_what_older_kernels_called_otherwise)
{
	struct engine_sample sample;

	begin();
	write_file("cpuacct/docker/abc/cpuacct.usage", "1\n");
	write_file("memory/docker/abc/memory.usage_in_bytes", "1\n");
	write_file("blkio/docker/abc/blkio.throttle.io_service_bytes", "8:0 Read 3\n8:0 Write 4\n");
	read_one(&sample);
	CHECK_EQ(sample.io_read_bytes, 3);
	CHECK_EQ(sample.io_write_bytes, 4);
	end();
}

TEST(worker_cgroup_reads_version_2_under_systemd)
{
	struct engine_sample sample;

	begin();
	write_file("system.slice/docker-abc.scope/cpu.stat",
		"usage_usec 123456\nuser_usec 1\nsystem_usec 2\n");
	write_file("system.slice/docker-abc.scope/memory.current", "4000000\n");
	write_file("system.slice/docker-abc.scope/memory.stat",
		"anon 1\ninactive_anon 2\ninactive_file 1000000\n");
	write_file("system.slice/docker-abc.scope/cgroup.procs", "42\n");
	write_file("system.slice/docker-abc.scope/pids.current", "5\n");
	write_file("system.slice/docker-abc.scope/io.stat",
		"8:0 rbytes=4096 wbytes=8192 rios=1 wios=1 dbytes=0 dios=0\n"
		"8:16 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n");
	write_file("42/net/dev", net);
	read_one(&sample);
	check_sample(&sample);
	end();
}

TEST(worker_cgroup_shows_no_network_to_a_container_that_shares_the_machines)
{
	struct engine_sample sample;
	char path[128];

	begin();
	write_file("docker/abc/cpu.stat", "usage_usec 1\n");
	write_file("docker/abc/memory.current", "1\n");
	write_file("docker/abc/cgroup.procs", "42\n");
	write_file("42/net/dev", net);
	write_file("42/ns/x", "");
	write_file("self/ns/x", "");
	(void)snprintf(path, sizeof path, "%s/42/ns/net", root);
	CHECK_EQ(symlink("net:[1]", path), 0);
	(void)snprintf(path, sizeof path, "%s/self/ns/net", root);
	CHECK_EQ(symlink("net:[1]", path), 0);
	read_one(&sample);
	CHECK_EQ(sample.cpu_ns_total, 1000);
	CHECK_EQ(sample.net_rx_bytes, 0);
	end();
}

TEST(worker_cgroup_that_is_not_to_be_seen_is_an_answer)
{
	struct worker_cgroup cgroup;

	begin();
	CHECK_EQ(worker_cgroup_open(root, root, "abc", &cgroup, &err), -ENOENT);
	write_file("cpuacct/docker/abc/cpuacct.usage", "1\n");
	CHECK_EQ(worker_cgroup_open(root, root, "abc", &cgroup, &err), -ENOENT);
	end();
}

/* ---- what it costs ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 0
#else
#define COUNTS_ALLOCATIONS 1

static unsigned n_allocations;
void *__libc_malloc(size_t size);

/* In the place of the library's: everything that this program allocates is counted. */
void *malloc(size_t size);
void *
malloc(size_t size)
{
	n_allocations++;
	return __libc_malloc(size);
}
#endif

/* read, pread and their like that this process has made, as the kernel counts them. */
static long
n_reads(void)
{
	char text[512] = "";
	int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	const char *p;

	CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	(void)close(fd);
	p = strstr(text, "syscr: ");
	CHECK(p != NULL);
	return strtol(p + strlen("syscr: "), NULL, 10);
}

TEST(worker_cgroup_sample_takes_six_reads_and_no_allocation)
{
	enum { SAMPLES = 1000 };
	struct worker_cgroup cgroup;
	struct engine_sample sample;
	long before;

	begin();
	write_file("docker/abc/cpu.stat", "usage_usec 1\n");
	write_file("docker/abc/memory.current", "1\n");
	write_file("docker/abc/memory.stat", "inactive_file 1\n");
	write_file("docker/abc/pids.current", "1\n");
	write_file("docker/abc/io.stat", "8:0 rbytes=1 wbytes=1\n");
	write_file("docker/abc/cgroup.procs", "42\n");
	write_file("42/net/dev", net);
	CHECK_OK(worker_cgroup_open(root, root, "abc", &cgroup, &err), &err);
	CHECK_EQ(worker_cgroup_read(&cgroup, &sample), 0);
	before = n_reads();
#if COUNTS_ALLOCATIONS
	n_allocations = 0;
#endif
	for (unsigned i = 0; i < SAMPLES; i++)
		CHECK_EQ(worker_cgroup_read(&cgroup, &sample), 0);
#if COUNTS_ALLOCATIONS
	CHECK_EQ(n_allocations, 0);
	free(strdup("counted"));
	CHECK_EQ(n_allocations, 1);
#endif
	/* And the look at the counter itself. */
	CHECK_EQ(n_reads() - before, SAMPLES * WORKER_CGROUP_FILE_COUNT + 1);
	worker_cgroup_close(&cgroup);
	end();
}
