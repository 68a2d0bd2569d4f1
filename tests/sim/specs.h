/*
 * specs.h - what users want to run, by dice: everything that decides where and when a task runs.
 *
 * A draft holds a spec with all that it points to; it is used where it was made, and copied by
 * whoever keeps it.
 */
#pragma once

#include "proto/types.pb-c.h"
#include "tests/sim/dice.h"

enum { SPECS_ARRAY_FEW = 4, SPECS_ARRAY_MAX = 12, SPECS_ZONES = 2 };

struct spec_draft {
	Davit__TaskSpec spec;
	uint32_t count; /* more than 1: an array */
	Davit__RestartPolicy restart;
	Davit__Disconnect disconnect;
	Davit__Port port, *ports[1];
	Davit__StringEntry label, mark, app, *labels[3];
	Davit__Spread spread, *spreads[1];
	Davit__Affinity affinity, *affinities[1];
	Davit__Toleration toleration, *tolerations[1];
	Davit__Gang gang;
	Davit__Healthcheck health;
	Davit__NetworkAttachment network[2], *networks[2];
	char *constraints[1], own[48];
	char *health_command[1];
};

/* wish: names it, and is the value of its second label. Borrowed, as by the spec. */
void specs_throw(struct dice *dice, char *wish, struct spec_draft *ret_draft);

/* What can be said of nodes: "a" or "b" for worker i. */
const char *specs_zone(unsigned worker);
/* "ssd" for some of them. */
const char *specs_disk(unsigned worker);
/* The key that operators put on nodes to keep tasks off. */
extern const char specs_taint_key[];
