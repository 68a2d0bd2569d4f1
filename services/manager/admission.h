/*
 * admission.h - who may be a node of the cluster.
 *
 * Judges what a registration says, before anything follows from it. One thread, the core's.
 */
#pragma once

#include <stdbool.h>

#include "proto/worker.pb-c.h"

struct manager;
struct rpc_call;

/* True if the call was refused, with the field and a sentence. */
bool admission_refuse(struct manager *manager, struct rpc_call *call,
	const Davit__RegisterNodeRequest *request);

/* False for a worker that was let in by a manager of another version, and may not be by this one.
 * One that never said its version may: NULL. */
bool admission_is_of_version(const char *davit_version);
