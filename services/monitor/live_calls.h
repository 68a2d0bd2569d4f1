/*
 * live_calls.h - the service Monitor: GetView, now or when there is news.
 *
 * Parked calls are answered on the tick, together: a thousand nodes that speak
 * every second do not make a thousand answers. One thread; times are monotonic.
 */
#pragma once

#include <stdint.h>

#include "common/base/cleanup.h"
#include "common/rpc/call.h"
#include "services/monitor/live.h"

struct live_calls;

/* Both are borrowed for its life. source is for the sentence that nothing was heard. */
struct live_calls *live_calls_new(struct live *live, const char *source);
/* Parked calls are dropped. */
void live_calls_free(struct live_calls *calls);
CLEANUP_DEFINE(struct live_calls *, live_calls_free)

/* Answers the call or parks it; it belongs to this module. */
void live_calls_take(struct live_calls *calls, struct rpc_call *call, uint64_t now_ms);

/* Answers what has waited for news that are there, or for long enough. */
void live_calls_tick(struct live_calls *calls, uint64_t now_ms);

unsigned live_calls_n_parked(const struct live_calls *calls);
