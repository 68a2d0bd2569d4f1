/*
 * backoff.h - when to start a container again, and whether. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/types.pb-c.h"

/* A restart policy with every default filled in. */
struct worker_restart {
	Davit__RestartPolicy__Condition condition;
	uint32_t max_attempts; /* 0: no limit */
	uint64_t delay_ms, max_delay_ms, reset_after_ms;
};

/* policy may be NULL: never. */
void worker_restart_fill(const Davit__RestartPolicy *policy, struct worker_restart *ret_restart);

/* Whether a container that ended by itself with exit_code is started again; n_again restarts were
 * made in this row of quick ends. */
bool worker_restart_wanted(const struct worker_restart *restart, int exit_code, uint32_t n_again);

/* How long to wait before restart number n_again of a row, counted from 0: the first is at once. */
uint64_t worker_restart_delay_ms(const struct worker_restart *restart, uint32_t n_again);

/*
 * The policy as the value of a container's label, for a worker that finds the
 * container before the manager has said what it is: "no", "on-failure:3".
 */
enum { WORKER_RESTART_TEXT_SIZE = 32 };
const char *worker_restart_format(const struct worker_restart *restart,
	char ret_text[WORKER_RESTART_TEXT_SIZE]);
/* text may be NULL or foreign: then never. */
void worker_restart_parse(const char *text, struct worker_restart *ret_restart);

/* Doubles from min_ms to max_ms with the number of failures; a quarter of it is chance. */
uint64_t worker_retry_delay_ms(unsigned n_failed, uint64_t min_ms, uint64_t max_ms,
	uint32_t random);
