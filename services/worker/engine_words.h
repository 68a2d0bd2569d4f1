/*
 * engine_words.h - what a failure of the engine means, and how to say it.
 *
 * Pure. The engine's own words are kept; in front of them stands what could not
 * be done, behind them, where we know, what to do.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "proto/types.pb-c.h"

enum worker_step {
	WORKER_STEP_NONE,
	WORKER_STEP_PULL,
	WORKER_STEP_CREATE,
	WORKER_STEP_CONNECT,
	WORKER_STEP_START,
	WORKER_STEP_PAUSE,
	WORKER_STEP_STOP,
	WORKER_STEP_REMOVE,
	WORKER_STEP_INSPECT,
	WORKER_STEP_COUNT
};

enum worker_verdict {
	WORKER_VERDICT_NONE,
	WORKER_VERDICT_AWAY,     /* the engine cannot be used: wait for it, then look again */
	WORKER_VERDICT_LOOK,     /* the step may or may not have happened: inspect */
	WORKER_VERDICT_IMAGE,    /* the image is missing (again): pull */
	WORKER_VERDICT_CONFLICT, /* the name is taken: find out by whom */
	WORKER_VERDICT_STUCK,    /* the engine died within an earlier start of it: make it anew */
	WORKER_VERDICT_ABSENT,   /* there is no such container */
	WORKER_VERDICT_RETRY,    /* for no clear reason: a few times more */
	WORKER_VERDICT_FATAL,    /* it cannot be done here */
	WORKER_VERDICT_COUNT
};

enum worker_verdict worker_engine_verdict(enum worker_step step, const struct err *err);

/* The sentence for people. what: the image of a pull or create, else NULL. Returns ret_text. */
const char *worker_engine_sentence(enum worker_step step, const struct err *err, const char *what,
	char *ret_text, size_t size);

/*
 * The host port of ours that the engine's words are about: one of ports, or 0.
 * If the words name none and there is only one, that one.
 */
uint32_t worker_engine_busy_port(const char *words, Davit__PortMapping *const *ports,
	size_t n_ports);
