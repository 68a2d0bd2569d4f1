/*
 * cgroup.h - what a container uses, straight from the kernel's files.
 *
 * A hundredth of the cost of asking the engine, where the worker sees the files:
 * version 1 and 2, with names as the engine's cgroupfs and systemd drivers make
 * them. Descriptors are kept open; each is read anew from its beginning.
 *
 * Blocks only as long as the kernel makes up the text. Any thread.
 */
#pragma once

#include <stdint.h>

#include "common/base/err.h"
#include "common/docker/engine.h"

enum worker_cgroup_file {
	WORKER_CGROUP_CPU,
	WORKER_CGROUP_MEMORY,
	WORKER_CGROUP_MEMORY_STAT,
	WORKER_CGROUP_PIDS,
	WORKER_CGROUP_IO,
	WORKER_CGROUP_NET,
	WORKER_CGROUP_FILE_COUNT
};

struct worker_cgroup {
	bool is_v2;
	int fd[WORKER_CGROUP_FILE_COUNT]; /* -1: not there */
};

/* cgroup_root and proc_root: "/sys/fs/cgroup" and "/proc". -ENOENT when the container's files are
 * not to be seen from here. */
int worker_cgroup_open(const char *cgroup_root, const char *proc_root, const char *container_id,
	struct worker_cgroup *ret_cgroup, struct err *err);
/* ts_ms is left to the caller. -ENODEV when the container is gone. */
int worker_cgroup_read(const struct worker_cgroup *cgroup, struct engine_sample *ret_sample);
void worker_cgroup_close(struct worker_cgroup *cgroup);
