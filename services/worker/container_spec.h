/*
 * container_spec.h - from what the manager wants to what the engine is told.
 *
 * Pure: a task's spec and its assignment become the body of the Engine API's
 * POST /containers/create (1.41). tests/golden/worker_container_*.json hold what
 * comes out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "proto/types.pb-c.h"

#define WORKER_LABEL_CLUSTER    "davit.cluster"
#define WORKER_LABEL_NODE       "davit.node"
#define WORKER_LABEL_TASK       "davit.task"
#define WORKER_LABEL_NAME       "davit.name"
#define WORKER_LABEL_ATTEMPT    "davit.attempt"
#define WORKER_LABEL_RESTART    "davit.restart"    /* worker_restart_format */
#define WORKER_LABEL_STOP_AFTER "davit.stop-after" /* ms without contact */

enum { WORKER_CONTAINER_NAME_SIZE = 64 };

struct worker_container_spec {
	const Davit__TaskSpec *spec;
	const char *task_id;
	const char *task_name; /* or NULL */
	uint32_t attempt;
	Davit__PortMapping *const *ports; /* host ports resolved, in the order of spec->ports */
	size_t n_ports;
	const char *cluster, *node_id, *node_name;
	uint64_t machine_cpu_milli; /* that the engine has; 0: not known */
};

/* The name of a task's container: "davit-<task id>". */
const char *worker_container_name(const char *task_id, char ret_name[WORKER_CONTAINER_NAME_SIZE]);

/*
 * The JSON text, for the caller to free. -ENOTSUP for a field that the engine
 * or this worker cannot do (err names it), -EINVAL for one that is not UTF-8.
 */
int worker_container_body(const struct worker_container_spec *in, char **ret_body, struct err *err);
