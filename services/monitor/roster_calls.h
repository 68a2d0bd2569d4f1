/*
 * roster_calls.h - GetTop and GetHistory: what the roster knows, for whoever asks.
 *
 * One thread; both answer the call (rpc_call_answer or rpc_call_refuse) and do not send it.
 */
#pragma once

#include "common/rpc/call.h"
#include "services/monitor/live.h"
#include "services/monitor/roster.h"

void roster_call_top(const struct roster *roster, struct live *live, struct rpc_call *call,
	uint64_t wall_ms);
void roster_call_history(const struct roster *roster, struct rpc_call *call, uint64_t wall_ms);
