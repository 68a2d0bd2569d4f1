/*
 * store_mem.h - the ways in which the store in memory can be made to fail.
 *
 * For tests and the simulator. n counts commits from now: 0 is the next one.
 * Each call replaces what was planned before. A commit that fails is planned
 * once: the one after it works, unless the process was cut.
 */
#pragma once

#include <stdbool.h>

#include "common/store/store.h"

/* The n-th commit answers code (-EIO, -ENOSPC, …); nothing of it is there, now or later. */
void store_mem_fail_next(struct store *store, unsigned n, int code);

/*
 * The same, but the disk had it already when the answer failed: it is not there
 * now, and there after store_mem_crash, unless another commit came between.
 */
void store_mem_fail_late(struct store *store, unsigned n, int code);

/*
 * The process dies within the n-th commit: it and every later call answers
 * -ESHUTDOWN until store_mem_crash. kept: whether the disk has that batch then,
 * all of it or nothing.
 */
void store_mem_cut_next(struct store *store, unsigned n, bool kept);

/* The next n scans answer code (-EIO) before they visit anything. */
void store_mem_fail_scans(struct store *store, unsigned n, int code);

/* kill -9 and a new start: what was committed is there. Plans are forgotten. */
void store_mem_crash(struct store *store);
