/*
 * engine_gate.h - an engine behind a gate, to see what becomes of those who ask it when it hangs.
 *
 * While the gate is open everything passes as if it were not there. While it is shut nothing
 * comes through: each operation waits ENGINE_GATE_PATIENCE_MS and then fails with -ETIMEDOUT,
 * without effect, as all that wait do when the gate opens; and the stream of events that was
 * open ends so. What else was under way when the gate shut goes on.
 *
 * One thread, that of the engine's loop.
 */
#pragma once

#include "common/docker/engine.h"

enum { ENGINE_GATE_PATIENCE_MS = 3000 };

struct engine_gate;

/* Borrows inner, which must be closed after the engine in front of the gate. */
struct engine_gate *engine_gate_new(uv_loop_t *loop, struct engine *inner);

/* In front of the gate: for engine_close, which ends the gate, too. Nothing is observed of it. */
struct engine *engine_gate_front(struct engine_gate *gate);

void engine_gate_shut(struct engine_gate *gate);
void engine_gate_open(struct engine_gate *gate);
