/*
 * fsm.h - state machines as tables.
 *
 * A machine is a matrix: a row per state, a column per event, each cell the next
 * state. State 0 is never a state, so a cell that nobody wrote is "forbidden".
 * The table holds no code. What a state obliges us to do belongs to the state,
 * not to the arrow into it: then a restart needs no memory of half-done steps.
 *
 * A forbidden pair is an answer (-EPROTO), not a crash, because events come
 * from the network and may be late or repeated. A state or event outside the
 * table is our own bug, and asserts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/err.h"

struct fsm {
	const char *name;
	const char *const *state_name; /* [n_states], index 0 unused */
	const char *const *event_name; /* [n_events] */
	unsigned n_states;             /* at most 32 */
	unsigned n_events;
	unsigned initial;
	uint32_t finals;       /* bit s set: nothing leaves state s */
	const uint8_t *matrix; /* [n_states * n_events], row by row */
};

/* What event means in state from: 0, or -EPROTO when it is forbidden there. */
int fsm_next(const struct fsm *fsm, unsigned from, unsigned event, unsigned *ret_to,
	struct err *err);

/*
 * Proves the table whole: every state is named, reachable from the initial one,
 * and has a way out unless it is final. Run once per machine, by its unit test.
 */
int fsm_check(const struct fsm *fsm, struct err *err);

/* Writes the table as Markdown: docs/ and the golden test share this output. */
void fsm_print(const struct fsm *fsm, FILE *out);
