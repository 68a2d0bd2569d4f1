/*
 * outage.h - how often a store that refuses writes is tried, and what is refused meanwhile.
 *
 * A commit that fails costs the whole model, which is built from the store again. So while a
 * disk is full nothing is written but a try now and then: seldom enough that the trying and
 * loading take a tenth of the time at most, often enough that the cluster goes on by itself
 * seconds after there is room. Reads go on. Pure; a zeroed struct outage is none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/rpc/call.h"

enum {
	OUTAGE_DELAY_MIN_MS = 1000,
	OUTAGE_DELAY_MAX_MS = 5000, /* unless loading takes long */
	OUTAGE_COST_FACTOR = 9,     /* waited so many times as long as the last try took */
};

struct outage {
	uint64_t delay_ms; /* 0: writes work, as far as we know */
	uint64_t until_mono_ms;
};

/* A commit has failed, and that with its loading took cost_ms. */
void outage_begin(struct outage *outage, uint64_t mono_ms, uint64_t cost_ms);
void outage_end(struct outage *outage);

static inline bool
outage_is_on(const struct outage *outage)
{
	return outage->delay_ms > 0;
}

/* Nothing is to be written now: it would fail. */
static inline bool
outage_holds(const struct outage *outage, uint64_t mono_ms)
{
	return outage->delay_ms > 0 && mono_ms < outage->until_mono_ms;
}

/* True for a call that cannot be answered without writing; never for a heartbeat. */
bool outage_concerns(const struct rpc_call *call);
