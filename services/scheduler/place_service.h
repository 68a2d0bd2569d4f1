/*
 * place_service.h - the service Scheduler: calls in, answers out.
 *
 * Between the transport, whichever it is, and the placer. One thread.
 */
#pragma once

#include "common/rpc/call.h"
#include "services/scheduler/placer.h"

/* Answers the call and sends it; it belongs to this function. arg is a struct placer. */
void place_service_on_call(struct rpc_call *call, void *arg);
