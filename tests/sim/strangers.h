/*
 * strangers.h - what other people and the engine itself do to containers, by dice.
 *
 * They end, remove, forget and start what is ours, take its ports, and make requests fail. Faults
 * like those of faults.h.
 */
#pragma once

#include "common/base/id.h"
#include "tests/sim/sim.h"

/* A container ends, or is removed, whatever it is doing. */
void strangers_end_container(struct sim *sim);
/* For a while, what does not run on a machine is started by hand. */
void strangers_meddle(struct sim *sim);
/* Somebody removes containers of the machine that have not run yet, for a while. */
void strangers_clear(struct sim *sim, struct host_worker *host);
/* While the engine is away: what has not run yet will not be there any more, nor be wanted. */
void strangers_take(struct sim *sim, struct host_worker *host);
/* In a moment somebody removes that container, whatever it does then. */
void strangers_rob(struct sim *sim, struct host_worker *host, struct id task, const char *id);
/* The next request of some kind fails, or its answer is lost. */
void strangers_lose_answer(struct sim *sim);
void strangers_hold_port(struct sim *sim);
