/*
 * spec.h - the rules of a TaskSpec, and what it means where it is silent.
 *
 * spec_check is the one judge of specs: the command line asks it before it sends,
 * the manager before it stores. Behind it everybody may trust a spec. The
 * accessors know the defaults that types.proto tells of; they take any spec that
 * was decoded. Pure; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/limits.h"
#include "proto/types.pb-c.h"

enum { SPEC_FIELD_MAX = 128 };

/*
 * 0, or -EINVAL with the path of the field at fault ("ports[1].host_port", without
 * the name of whatever holds the spec) and a sentence that says what would be right,
 * or -ENOSYS for a field that does not work yet.
 */
int spec_check(const Davit__TaskSpec *spec, char ret_field[SPEC_FIELD_MAX], struct err *err);

/*
 * Variables that a program is given, of a spec or of a command in its container: "env", or
 * "env["A"]", with a sentence; as above.
 */
int spec_check_env(Davit__StringEntry **env, size_t n, char ret_field[SPEC_FIELD_MAX],
	struct err *err);

/* The number of a signal's name or number ("SIGTERM", "TERM", "15"), or -1. */
int spec_signal_number(const char *name_or_number);

const char *spec_namespace(const Davit__TaskSpec *spec);
uint32_t spec_priority(const Davit__TaskSpec *spec);
uint64_t spec_stop_timeout_ms(const Davit__TaskSpec *spec);

/* 0: none. */
uint64_t spec_ttl_ms(const Davit__TaskSpec *spec);
uint64_t spec_max_run_time_ms(const Davit__TaskSpec *spec);

Davit__RestartPolicy__Condition spec_restart_condition(const Davit__TaskSpec *spec);
/* How many restarts in a row are allowed; 0: any number. */
uint32_t spec_restart_max_attempts(const Davit__TaskSpec *spec);
/* How long an attempt must run to be forgotten by the two below. */
uint64_t spec_restart_reset_after_ms(const Davit__TaskSpec *spec);
/*
 * The pause before the restart that comes after n restarts in a row: none before the
 * first, then the policy's delay, doubled each time up to its greatest.
 */
uint64_t spec_restart_delay_ms(const Davit__TaskSpec *spec, uint32_t n);

/* What happens when the node falls silent; never DEFAULT. Times are 0 where they have no say. */
struct spec_disconnect {
	Davit__Disconnect__Mode mode;
	uint64_t replace_after_ms;
	uint64_t stop_after_ms;
};
struct spec_disconnect spec_disconnect(const Davit__TaskSpec *spec);

/* What the spec reserves on its node. */
struct spec_reserve {
	uint64_t cpu_milli;
	uint64_t memory_bytes;
	uint64_t disk_bytes;
};
struct spec_reserve spec_reserve(const Davit__TaskSpec *spec);
