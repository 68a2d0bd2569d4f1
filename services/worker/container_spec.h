/*
 * container_spec.h - from what the manager wants to what the engine is told.
 *
 * Pure: a task's spec and its assignment become the body of the Engine API's
 * POST /containers/create (1.41). tests/golden/worker_container_*.json hold what
 * comes out.
 */
#pragma once

#include <stdbool.h>
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

enum { WORKER_CONTAINER_NAME_SIZE = 64, WORKER_NETWORK_NAME_SIZE = 320 };

struct worker_container_spec {
	const Davit__TaskSpec *spec;
	const char *task_id;
	const char *task_name; /* or NULL */
	uint32_t attempt;
	Davit__PortMapping *const *ports; /* host ports resolved, in the order of spec->ports */
	size_t n_ports;
	const char *cluster, *node_id, *node_name;
	uint64_t machine_cpu_milli; /* that the engine has; 0: not known */
	uint64_t log_max_bytes;     /* of a log without options of its own; 0: no limit */
	char *const *bind_sources;  /* of each mount, instead of its source; NULL: as they say */
	bool limits_disk;           /* the engine's storage can hold disk_bytes to be a limit */
};

/* The name of a task's container: "davit-<task id>". */
const char *worker_container_name(const char *task_id, char ret_name[WORKER_CONTAINER_NAME_SIZE]);

/* A network that is made for the tasks of a namespace, rather than the engine's own. */
bool worker_network_is_made(const Davit__NetworkAttachment *network);
/* What spec's i-th network is called on the engine: as it is, or "davit.<namespace>.<name>.<node>".
 */
const char *worker_network_name(const Davit__TaskSpec *spec, size_t i, const char *node_id,
	char ret_name[WORKER_NETWORK_NAME_SIZE]);
/* Under what names it is found there: fills up to n_aliases + 1 and returns how many. */
size_t worker_network_aliases(const Davit__TaskSpec *spec, size_t i, const char *task_name,
	const char **ret_aliases);

/*
 * The JSON text, for the caller to free. -EINVAL for a text in it that is not
 * UTF-8.
 */
int worker_container_body(const struct worker_container_spec *in, char **ret_body, struct err *err);
