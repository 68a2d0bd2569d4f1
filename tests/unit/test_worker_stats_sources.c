/*
 * The engine's stream and the kernel's files say the same of one container under load; on the
 * real engine only (DAVIT_TEST_ENGINE=1). Its limits are those of the engine that shares this
 * machine's kernel.
 *
 * No clock is trusted for more than it is: the files are read all the time, and where the
 * engine says at which moment it has measured, the readings before and behind that moment bound
 * what it may say.
 */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/base/clock.h"
#include "services/worker/cgroup.h"
#include "services/worker/limits.h"
#include "tests/lib/stage.h"
#include "tests/lib/test.h"

enum {
	SHARE_PERCENT = 5,    /* of difference that is allowed */
	WINDOW_MS = 5000,     /* at least */
	PATIENCE_MS = 180000, /* at most */
	READINGS_MAX = 20000,
	SAMPLES_MAX = 300,
	ROOM_PERCENT = 4, /* that the bounds may leave open */
};

/* CPU, memory with cache, disk; and network, by fetching from its peer again and again. */
static const char load[] =
	"[\"sh\",\"-c\",\"busybox dd if=/dev/zero of=/m/x bs=1M count=40; "
	"busybox dd if=/dev/zero of=/v/cached bs=1M count=30; "
	"(while :; do :; done) & "
	"(while :; do busybox dd if=/dev/zero of=/v/d bs=16k count=64 oflag=direct;  done) & "
	"while :; do busybox wget -q -O /dev/null http://%s/busybox; done\"]";

struct series {
	struct engine_sample of[READINGS_MAX];
	unsigned n;
};
static struct series files, stream;

static void
take(struct series *series, const struct engine_sample *sample)
{
	if (series->n < READINGS_MAX)
		series->of[series->n++] = *sample;
}

static void
on_sample(const struct engine_sample *sample, void *arg)
{
	(void)arg;
	take(&stream, sample);
}

static void
on_end(const struct err *err, void *arg)
{
	*(int *)arg = err->code;
}

/* The last reading of the files before a moment, or the first one behind it. */
static const struct engine_sample *
reading(uint64_t ts_ms, bool behind)
{
	unsigned i = 0;

	while (i < files.n && files.of[i].ts_ms < ts_ms)
		i++;
	if (behind)
		return i < files.n ? &files.of[i] : NULL;
	return i > 0 ? &files.of[i - 1] : NULL;
}

struct counter {
	const char *name;
	size_t at;
};
#define COUNTER(name)                                       \
	{                                                   \
#name, offsetof(struct engine_sample, name) \
	}
static const struct counter counters[] = {COUNTER(cpu_ns_total), COUNTER(net_rx_bytes),
	COUNTER(net_tx_bytes), COUNTER(io_write_bytes)};
enum { N_COUNTERS = sizeof counters / sizeof counters[0] };

static double
of(const struct engine_sample *sample, const struct counter *counter)
{
	return (double)*(const uint64_t *)((const char *)sample + counter->at);
}

/* What the files allow for the growth of a counter between two samples of the stream. */
static bool
bounds(const struct counter *counter, const struct engine_sample *from,
	const struct engine_sample *to, double *ret_least, double *ret_most)
{
	const struct engine_sample *a = reading(from->ts_ms, false),
				   *b = reading(from->ts_ms, true), *c = reading(to->ts_ms, false),
				   *d = reading(to->ts_ms, true);

	if (a == NULL || b == NULL || c == NULL || d == NULL)
		return false;
	*ret_least = of(c, counter) - of(b, counter);
	*ret_most = of(d, counter) - of(a, counter);
	/* Disks of version 1 are counted by some kernels only, and then by both or none. */
	return *ret_most > 0 || counter->at == offsetof(struct engine_sample, io_write_bytes);
}

static bool
is_tight(void)
{
	double least, most;

	if (stream.n < 2 || stream.of[stream.n - 1].ts_ms - stream.of[0].ts_ms < WINDOW_MS)
		return false;
	for (unsigned i = 0; i < N_COUNTERS; i++) {
		if (!bounds(&counters[i], &stream.of[0], &stream.of[stream.n - 1], &least, &most) ||
			(most - least) * 100 > most * ROOM_PERCENT)
			return false;
	}
	return true;
}

static void
check_counters(void)
{
	for (unsigned i = 0; i < N_COUNTERS; i++) {
		const struct engine_sample *from = &stream.of[0], *to = &stream.of[stream.n - 1];
		double said = of(to, &counters[i]) - of(from, &counters[i]), least = 0, most = 0;

		CHECK(bounds(&counters[i], from, to, &least, &most));
		print_message("# %s grew by %.0f, by the files %.0f to %.0f\n", counters[i].name,
			said, least, most);
		CHECK(said * (100 + SHARE_PERCENT) >= least * 100);
		CHECK(said * (100 - SHARE_PERCENT) <= most * 100);
	}
}

/* The mean over all samples of the stream, and of the files at the same moments. */
static void
check_level(const struct counter *counter)
{
	double said = 0, read = 0;

	for (unsigned i = 0; i < stream.n; i++) {
		const struct engine_sample *near = reading(stream.of[i].ts_ms, true);

		if (near == NULL)
			continue;
		said += of(&stream.of[i], counter);
		read += of(near, counter);
	}
	print_message("# %s: %.0f, by the files %.0f\n", counter->name, said, read);
	CHECK(read > 0);
	CHECK(fabs(said - read) * 100 <= read * SHARE_PERCENT);
}

static void
check_pids(void)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (unsigned i = 0; i < files.n; i++) {
		least = files.of[i].pids < least ? files.of[i].pids : least;
		most = files.of[i].pids > most ? files.of[i].pids : most;
	}
	for (unsigned i = 0; i < stream.n; i++)
		CHECK(stream.of[i].pids + 1 >= least && stream.of[i].pids <= most + 1);
}

/* Both at once, until the files bound what the engine says closely enough. */
static void
watch(struct stage *stage, const struct worker_cgroup *cgroup, const char *id)
{
	uint64_t until_ms = clock_mono_ms() + PATIENCE_MS;
	int ended = 1;
	struct engine_op *op = engine_stats(stage->engine, id, on_sample, on_end, &ended);

	files.n = stream.n = 0;
	while (clock_mono_ms() < until_ms && !is_tight()) {
		struct engine_sample sample;

		CHECK_EQ(worker_cgroup_read(cgroup, &sample), 0);
		sample.ts_ms = clock_wall_ms();
		take(&files, &sample);
		stage_turn(stage);
		CHECK_EQ(ended, 1);
	}
	engine_cancel(op);
	while (ended == 1)
		stage_turn(stage);
}

static void
on_address(const struct err *err, const struct engine_container *container, void *arg)
{
	(void)snprintf(arg, WORKER_ADDRESS_SIZE, "%s", err->code == 0 ? container->address : "?");
}

/*
 * The disk that a path is on: Linux from 6.8 on counts the bytes of version 1 only where a
 * limit is set.
 */
static bool
disk_of(const char *path, char ret_name[64])
{
	struct stat stat_of;
	char uevent[64], line[128];
	FILE *in;

	ret_name[0] = '\0';
	if (stat(path, &stat_of) < 0)
		return false;
	(void)snprintf(uevent, sizeof uevent, "/sys/dev/block/%u:%u/uevent", major(stat_of.st_dev),
		minor(stat_of.st_dev));
	in = fopen(uevent, "re");
	while (in != NULL && fgets(line, sizeof line, in) != NULL) {
		if (strncmp(line, "DEVTYPE=partition", strlen("DEVTYPE=partition")) == 0)
			ret_name[0] = '\0';
		(void)sscanf(line, "DEVNAME=%63s", ret_name);
	}
	if (in != NULL)
		(void)fclose(in);
	return ret_name[0] != '\0';
}

static const char *
host_config(void)
{
	static char text[256];
	char disk[64];
	size_t used = (size_t)snprintf(text, sizeof text,
		",\"Volumes\":{\"/v\":{}},\"HostConfig\":{\"NanoCpus\":500000000,"
		"\"Tmpfs\":{\"/m\":\"\"}");

	if (disk_of("/var/lib/docker", disk))
		used += (size_t)snprintf(text + used, sizeof text - used,
			",\"BlkioDeviceWriteBps\":[{\"Path\":\"/dev/%s\",\"Rate\":1000000000}]",
			disk);
	(void)snprintf(text + used, sizeof text - used, "}");
	return text;
}

static void
start_load(struct stage *stage, struct got *ret_run)
{
	char command[1024], address[WORKER_ADDRESS_SIZE] = "";
	struct got peer;

	stage_run(stage, "peer", stage_body(stage, "[\"httpd\",\"-f\",\"-h\",\"/bin\"]", "", ""),
		&peer);
	engine_container_inspect(stage->engine, peer.id, on_address, address);
	while (address[0] == '\0')
		stage_turn(stage);
	(void)snprintf(command, sizeof command, load, address);
	stage_run(stage, "load", stage_body(stage, command, "", host_config()), ret_run);
}

TEST(worker_stats_both_sources_say_the_same_under_load)
{
	static const struct counter memory = COUNTER(memory_bytes),
				    all_memory = COUNTER(memory_bytes_with_cache);
	CLEANUP(stage_fini) struct stage stage = {0};
	struct got run;
	struct worker_cgroup cgroup;
	struct err err;

	if (!stage_init(&stage, true)) {
		stage = (struct stage){0};
		print_message("# set DAVIT_TEST_ENGINE=1 to try this on the engine\n");
		skip();
	}
	start_load(&stage, &run);
	if (worker_cgroup_open("/sys/fs/cgroup", "/proc", run.id, &cgroup, &err) < 0) {
		print_message("# the engine's containers are not of this kernel: %s\n", err.text);
		skip();
	}
	watch(&stage, &cgroup, run.id);
	worker_cgroup_close(&cgroup);
	check_counters();
	CHECK(is_tight());
	check_level(&memory);
	check_level(&all_memory);
	CHECK(stream.of[stream.n - 1].memory_bytes_with_cache >
		stream.of[stream.n - 1].memory_bytes);
	check_pids();
}
