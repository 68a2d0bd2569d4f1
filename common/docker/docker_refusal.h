/*
 * docker_refusal.h - how the engine says no, as the codes of engine.h. Pure.
 *
 * The engine tells apart by status only coarsely (a taken port is a 500), so
 * its words count, too. The cases were seen at Engine 20.10 and are one table.
 */
#pragma once

#include "common/docker/engine_call.h"

/* The answer to a call that was not 2xx: sets err to one line of the engine's own words. */
int docker_refusal(enum engine_call_kind kind, long status, const char *body, size_t size,
	struct err *err);

/* Whether a status that is no 2xx still means that the wish is fulfilled. */
bool docker_is_fulfilled(enum engine_call_kind kind, long status);

/* One line of valid UTF-8: runs of blanks and control characters become one blank. */
void docker_text_clean(const char *text, size_t size, char *ret_text, size_t room);
