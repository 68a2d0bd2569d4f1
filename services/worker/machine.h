/*
 * machine.h - what the whole machine uses, from /proc and the file system.
 *
 * One thread.
 */
#pragma once

#include <stdint.h>

#include "common/base/err.h"
#include "proto/types.pb-c.h"

struct worker_machine {
	const char *proc_root; /* "/proc"; borrowed */
	const char *disk_path; /* a place on the engine's disk; borrowed */
	uint64_t busy, total;  /* CPU time at the sample before, in ticks */
};

/* CPU use is the average since the call before; the first one has none. What cannot be read stays
 * absent. */
void worker_machine_read(struct worker_machine *machine, Davit__NodeSample *ret_sample);

/* Of the file system that path is on. -errno. */
int worker_machine_disk_usage(const char *path, uint64_t *ret_used, uint64_t *ret_total);

/* The address that others reach this machine at: of the interface with the default route. */
enum { WORKER_MACHINE_ADDRESS_SIZE = 46 };
void worker_machine_address(char ret_address[WORKER_MACHINE_ADDRESS_SIZE]);

/* Processes that the kernel has killed for lack of memory, of whatever group. -ENOENT: it does not
 * say. */
int worker_machine_memory_kills(const char *proc_root, uint64_t *ret_n);

/* NVIDIA's devices in "/dev". */
uint32_t worker_machine_gpus(const char *dev_root);

/*
 * Sends KILL to every process that is in the container's cgroup, by /proc; how many there were,
 * those that only wait to be buried left out. -errno with words, when one cannot be.
 */
int worker_machine_end_container(const char *proc_root, const char *container_id, struct err *err);

/* Bytes of the file system that path is on; 0 when that cannot be said. */
uint64_t worker_machine_disk_bytes(const char *path);
