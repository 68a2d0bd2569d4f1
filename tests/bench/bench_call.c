/*
 * One small durable call over loopback, SubmitTasks of one task, against one write with
 * its fdatasync on the same file system, in turns: what Davit adds to what the disk takes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/process.h"
#include "proto/manager.pb-c.h"
#include "tests/lib/bench.h"
#include "tests/lib/bench_cluster.h"

enum { ROUNDS = 500, RAW_BYTES = 4096 };

static uint64_t
write_raw(int fd)
{
	static const char bytes[RAW_BYTES];
	uint64_t begin_ns = bench_now_ns();

	if (write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes || fdatasync(fd) < 0)
		bench_die("raw write", "failed");
	return bench_now_ns() - begin_ns;
}

static uint64_t
submit_one(struct bench_cluster *cluster)
{
	Davit__SubmitTasksRequest request = DAVIT__SUBMIT_TASKS_REQUEST__INIT;
	Davit__TaskSpec spec = DAVIT__TASK_SPEC__INIT;
	uint64_t begin_ns = bench_now_ns();
	ProtobufCMessage *answer;

	spec.image = (char *)(uintptr_t) "exit:0";
	request.spec = &spec;
	answer = bench_call(cluster, "SubmitTasks", &request.base, false);
	begin_ns = bench_now_ns() - begin_ns;
	protobuf_c_message_free_unpacked(answer, NULL);
	return begin_ns;
}

static uint64_t
read_one(struct bench_cluster *cluster)
{
	uint64_t begin_ns = bench_now_ns();

	(void)bench_cluster_counts(cluster);
	return bench_now_ns() - begin_ns;
}

int
main(void)
{
	struct bench_series syncs = {0}, calls = {0}, reads = {0};
	struct bench_cluster cluster;
	char path[BENCH_PATH_SIZE + 16];
	int fd;

	process_begin();
	bench_cluster_start(&cluster, false, false);
	(void)snprintf(path, sizeof path, "%s/raw", cluster.folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (unsigned i = 0; i < ROUNDS; i++) {
		bench_series_add(&syncs, write_raw(fd));
		bench_series_add(&calls, submit_one(&cluster));
		bench_series_add(&reads, read_one(&cluster));
	}
	bench_print_series("call.raw_sync", &syncs);
	bench_print_series("call.submit_one", &calls);
	bench_print_series("call.read", &reads);
	bench_print("call.submit_one.over_sync.p50",
		bench_series_us(&calls, 50) - bench_series_us(&syncs, 50), "us");
	bench_series_fini(&syncs);
	bench_series_fini(&calls);
	bench_series_fini(&reads);
	(void)close(fd);
	bench_cluster_stop(&cluster);
	return EXIT_SUCCESS;
}
