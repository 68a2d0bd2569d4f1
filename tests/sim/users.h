/*
 * users.h - people: they submit, stop, remove, drain, list, and ask again when unsure.
 *
 * Every change carries a request id and is repeated with it until it is answered, now
 * and then once more after that. What was acknowledged is told to the witness.
 */
#pragma once

#include "common/base/id.h"
#include "tests/sim/sim.h"

void users_init(struct sim *sim);
void users_fini(struct sim *sim);
/* Somebody wants that task removed, now. */
void users_remove(struct sim *sim, struct id task);
/* No new wishes; drained nodes are undrained. What is under way goes on. */
void users_end(struct sim *sim);
