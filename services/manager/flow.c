#include "services/manager/flow.h"

#include "common/base/arena.h"
#include "services/manager/model.h"

enum { STEPS = FLOW_EXACT_MS / 2, FIRST_BIT = 4 }; /* 1 << FIRST_BIT is FLOW_EXACT_MS */

unsigned
flow_bucket(uint64_t delay_ms)
{
	unsigned bit, bucket;

	if (delay_ms < FLOW_EXACT_MS)
		return (unsigned)delay_ms;
	bit = 63 - (unsigned)__builtin_clzll(delay_ms);
	bucket = FLOW_EXACT_MS + (bit - FIRST_BIT) * STEPS +
		 (unsigned)(delay_ms >> (bit - 3) & (STEPS - 1));
	return bucket < FLOW_BUCKETS ? bucket : FLOW_BUCKETS - 1;
}

uint64_t
flow_bucket_max_ms(unsigned bucket)
{
	unsigned doubling, step;

	if (bucket < FLOW_EXACT_MS)
		return bucket;
	doubling = (bucket - FLOW_EXACT_MS) / STEPS;
	step = (bucket - FLOW_EXACT_MS) % STEPS;
	return (((uint64_t)STEPS + step + 1) << (doubling + 1)) - 1;
}

static void
count_start(struct flow *flow, const struct task *task, uint64_t now_ms)
{
	uint64_t from_ms = task->group->created_ms;

	flow->started++;
	flow->delays[flow_bucket(now_ms > from_ms ? now_ms - from_ms : 0)]++;
}

void
flow_moved(struct flow *flow, const struct task *task, unsigned from, uint64_t now_ms)
{
	/* A short life may be told as a whole, by its end. */
	if (task->state == TASK_RUNNING ||
		(from == TASK_SCHEDULED && task->state == TASK_COMPLETED))
		count_start(flow, task, now_ms);
	flow->placed += task->state == TASK_SCHEDULED;
	flow->completed += task->state == TASK_COMPLETED;
	flow->failed += task->state == TASK_FAILED;
}

Davit__TaskFlow *
flow_show(const struct flow *flow, struct arena *arena)
{
	Davit__TaskFlow *shown = arena_alloc(arena, sizeof *shown);
	size_t n = FLOW_BUCKETS;

	davit__task_flow__init(shown);
	shown->has_submitted = shown->has_placed = shown->has_delivered = true;
	shown->has_started = shown->has_completed = shown->has_failed = true;
	shown->submitted = flow->submitted;
	shown->placed = flow->placed;
	shown->delivered = flow->delivered;
	shown->started = flow->started;
	shown->completed = flow->completed;
	shown->failed = flow->failed;
	while (n > 0 && flow->delays[n - 1] == 0)
		n--;
	shown->n_start_delays = n;
	shown->start_delays = arena_array(arena, n, sizeof *shown->start_delays);
	for (size_t i = 0; i < n; i++)
		shown->start_delays[i] = flow->delays[i];
	return shown;
}
