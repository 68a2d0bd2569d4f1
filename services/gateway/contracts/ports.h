/*
 * ports.h - "80/tcp" and host ports as the engine's own JSON writes them, into a spec.
 *
 * One thread.
 */
#pragma once

#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "proto/types.pb-c.h"

/*
 * Adds the keys of the object ("80/tcp", "53/udp", "80") as ports; a value that is a text is
 * the host port, any other leaves it to the manager. A port that the spec has already is not
 * added again, only its host port is taken. NULL adds nothing. -EINVAL with words.
 */
int contract_ports_add(const json_t *object, Davit__TaskSpec *spec, struct arena *arena,
	struct err *err);

/* A restart policy by the engine's name; "" is `no`. -EINVAL with words. */
int contract_restart_set(const char *name, Davit__TaskSpec *spec, struct arena *arena,
	struct err *err);
