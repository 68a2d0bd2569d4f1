/*
 * faults.h - what goes wrong, by dice.
 */
#pragma once

#include "tests/sim/sim.h"

struct host_worker;

void faults_init(struct sim *sim);
/* Now and then somebody dies right here, between two steps. */
void faults_after_step(struct sim *sim);
/* From now on nothing goes wrong: all run, all links are whole, clocks stay. */
void faults_end(struct sim *sim);

/* One machine, by the dice of the fault; its worker is excused for a while. */
struct host_worker *faults_pick_machine(struct sim *sim);
