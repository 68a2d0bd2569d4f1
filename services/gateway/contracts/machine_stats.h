/*
 * machine_stats.h - what the gateway's own machine is busy with, as the contract of /stats
 * names it: memory in KiB, the disk of "/" in bytes, processor time in ticks, load.
 *
 * Reads /proc. Any thread.
 */
#pragma once

#include <jansson.h>

/* {MemStats, DiskStats, CpuStats, LoadStats}; the caller's. What cannot be read is 0. */
json_t *machine_stats(void);
