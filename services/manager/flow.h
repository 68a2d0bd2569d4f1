/*
 * flow.h - how many tasks passed each stage of their life, and how long they took to run.
 *
 * Counted since the process started, never stored: for benchmarks and for operators who want
 * rates. Times are those of the manager's batches. One thread.
 */
#pragma once

#include <stdint.h>

#include "proto/manager.pb-c.h"

struct arena;
struct task;

/* Delays are exact below FLOW_EXACT_MS, then in FLOW_EXACT_MS / 2 steps for each doubling. */
enum { FLOW_EXACT_MS = 16, FLOW_DOUBLINGS = 16, FLOW_BUCKETS = FLOW_EXACT_MS + FLOW_DOUBLINGS * 8 };

struct flow {
	uint64_t submitted, placed, delivered, started, completed, failed;
	uint64_t delays[FLOW_BUCKETS]; /* from submission to RUNNING */
};

/* It has just moved from that state; now_ms is the calendar's. */
void flow_moved(struct flow *flow, const struct task *task, unsigned from, uint64_t now_ms);

/* Where a delay is counted, and the greatest that is counted there (the last has no bound). */
unsigned flow_bucket(uint64_t delay_ms);
uint64_t flow_bucket_max_ms(unsigned bucket);

Davit__TaskFlow *flow_show(const struct flow *flow, struct arena *arena);
