/*
 * metrics_process.h - what the system says of this process, under the names that
 * Prometheus's own client libraries use.
 *
 * Read from /proc when somebody asks. What cannot be read is left out.
 */
#pragma once

#include "common/metrics/metrics.h"

/* Adds the collector, and davit_build_info with the service's name. service is borrowed. */
void metrics_process_add(struct metrics *metrics, const char *service);
