/*
 * profiles.h - what a cluster is put through, each a function by name.
 *
 * SCALE makes nodes and tasks fewer, for a quick look; its figures mean little. A profile that
 * cannot be finished ends the program with a sentence.
 */
#pragma once

#include "tests/bench/cluster/result.h"

struct profile {
	const char *name, *is;
	void (*run)(struct result *result);
};
extern const struct profile profiles[]; /* ends with a NULL name */

void profile_c1m(struct result *result);
void profile_c2m(struct result *result);
void profile_churn(struct result *result);
