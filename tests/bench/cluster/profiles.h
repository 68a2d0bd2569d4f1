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

enum { PROFILE_ARRAY = 1000, PROFILE_CROWDS = 2 };

/* n times SCALE, but not less than that; of nodes, NODES instead of n. */
uint32_t profile_scaled(const struct result *result, uint32_t n, uint32_t least);
uint32_t profile_nodes(const struct result *result, uint32_t n);

/* profiles.c */
void profile_c1m(struct result *result);
void profile_c2m(struct result *result);
void profile_churn(struct result *result);
/* profiles_calls.c */
void profile_burst(struct result *result);
void profile_lists(struct result *result);
/* profiles_fault.c */
void profile_failover(struct result *result);
void profile_restart(struct result *result);
/* profiles_flat.c */
void profile_flat(struct result *result);
