/*
 * spec_rules.h - the parts of spec_check. Private to common/model/spec*.c.
 *
 * Each part judges some fields of a spec, in the order of types.proto, and stops at
 * the first that is wrong. A refusal reads
 *
 *     return err_set(spec_at(check, "ports[%zu].host_port", i), -EINVAL, "…");
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "common/base/err.h"
#include "common/model/spec.h"

struct spec_check {
	const Davit__TaskSpec *spec;
	char *field; /* SPEC_FIELD_MAX characters for the path */
	struct err *err;
};

/* Writes the path of the field at fault; returns the err for the sentence. */
struct err *spec_at(const struct spec_check *check, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What the process is: names, image, arguments, environment, labels, rights. */
int spec_check_process(const struct spec_check *check);
/* What it takes: CPU, memory, limits, devices. */
int spec_check_resources(const struct spec_check *check);
/* How it is connected: ports, networks, names, mounts. */
int spec_check_network(const struct spec_check *check);
int spec_check_mounts(const struct spec_check *check);
/* How it lives: restarts, health, times. */
int spec_check_policy(const struct spec_check *check);
/* Where it goes: constraints, preferences, affinities, spreads, tolerations, devices. */
int spec_check_placement(const struct spec_check *check);

/* -EINVAL when a list has more than max items. */
int spec_check_count(const struct spec_check *check, const char *field, size_t n, size_t max);
/* -EINVAL for a number that the enum does not have (over the wire any may come). */
int spec_check_enum(const struct spec_check *check, const char *field,
	const ProtobufCEnumDescriptor *type, int value);
/* -EINVAL when value is not in [min, max]. 0 is always right. */
int spec_check_range(const struct spec_check *check, const char *field, uint64_t value,
	uint64_t min, uint64_t max);
/* Texts that are UTF-8 and at most max bytes long. */
int spec_check_texts(const struct spec_check *check, const char *field, char **texts, size_t n,
	size_t max);

/* A map: number of entries, length of the values, and no key twice. is_key judges the keys. */
struct spec_map {
	const char *field;
	Davit__StringEntry **entries;
	size_t n, n_max, value_max;
	bool (*is_key)(const char *key);
	const char *want; /* what a key should be */
};
int spec_check_map(const struct spec_check *check, const struct spec_map *map);
