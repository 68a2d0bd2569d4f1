/*
 * result.h - what a profile found, as JSON: docs/BENCHMARKS.md is made from these.
 *
 * Figures are said as they come; they are printed at once, too ("name value unit").
 */
#pragma once

#include <jansson.h>

#include "tests/bench/cluster/watch.h"

struct result {
	const char *profile, *folder;
	double scale;
	json_t *root, *figures;
};

/* folder: where <profile>.json and .tsv go. */
void result_begin(struct result *result, const char *profile, const char *folder, double scale);
void result_say(struct result *result, const char *name, double value, const char *unit);
/* Rates of all stages, delays, processor time, memory, bytes and syncs from the watch's first row
 * to its last, of n_tasks. */
void result_flow(struct result *result, const struct watch *watch, double n_tasks);
/* Writes both files. watch may be NULL. */
void result_end(struct result *result, const struct watch *watch);
