/*
 * taint.h - what keeps tasks off a node, as text and against a task's tolerations.
 *
 *     key[=value]:no-schedule | prefer-no-schedule | no-execute
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "proto/types.pb-c.h"

/*
 * Reads a taint; *ret_taint is the caller's, davit__taint__free_unpacked. -EINVAL with
 * what is wrong.
 */
int taint_parse(const char *text, Davit__Taint **ret_taint, struct err *err);

/* True for a key, value and effect that may be. */
bool taint_is_good(const Davit__Taint *taint);

/* Whether a task with that spec stands the taint. */
bool taint_is_tolerated(const Davit__Taint *taint, const Davit__TaskSpec *spec);
