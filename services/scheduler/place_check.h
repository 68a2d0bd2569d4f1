/*
 * place_check.h - whether a PlaceRequest keeps to the limits.
 *
 * It comes from a socket: counts, lengths and ranges are checked here, before
 * anything is changed, so that the rest of the scheduler need not. Pure.
 */
#pragma once

#include "common/base/err.h"
#include "proto/scheduler.pb-c.h"

enum { PLACE_FIELD_MAX = 64 };

struct place_fault {
	struct err err;
	char field[PLACE_FIELD_MAX]; /* path, such as "nodes[3].labels[0].key"; "" when none */
};

/* Sets field and words; returns code. */
int place_fault_set(struct place_fault *fault, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* 0, or -EINVAL with the field and the limit. */
int place_check(const Davit__PlaceRequest *request, struct place_fault *fault);
