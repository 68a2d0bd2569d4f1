/*
 * chaos_rules.h - what a fault that is made on purpose may be, and how it reads.
 *
 * The manager judges orders of clients by it, the worker those of the manager. Pure; any thread.
 */
#pragma once

#include <stddef.h>

#include "common/base/err.h"
#include "proto/chaos.pb-c.h"

enum { CHAOS_TEXT_SIZE = 160 };

/*
 * A fault without its node and task. -EINVAL with words; *ret_field is the field of
 * InjectFaultRequest that is at fault. Absent times are no fault: chaos_fill.
 */
int chaos_check(const Davit__Fault *fault, const char **ret_field, struct err *err);

/* Sets what is absent and has a default. signal points to a literal then. */
void chaos_fill(Davit__Fault *fault);

/* To be freed with davit__fault__free_unpacked(…, NULL). */
Davit__Fault *chaos_copy(const Davit__Fault *fault);

/* "partition (in)", "slow (200 ms late, 30 % lost)", "kill-task web (KILL)". Returns text. */
const char *chaos_text(const Davit__Fault *fault, char text[CHAOS_TEXT_SIZE]);

/* For events: the same with how long, until when and by whom. */
enum { CHAOS_SENTENCE_SIZE = CHAOS_TEXT_SIZE + 256 };
const char *chaos_sentence(const Davit__Fault *fault, char sentence[CHAOS_SENTENCE_SIZE]);

/* "kill-node", as in `davit chaos kill-node`; "fault" for a kind that is not known. */
const char *chaos_kind_name(Davit__Fault__Kind kind);
