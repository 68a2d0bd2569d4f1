/*
 * task_record.h - the record of one task as few bytes, and back.
 *
 * The most frequent record by far: five or six are written in a task's life, and a start reads
 * one for each task. What a protobuf TaskRecord says with ids as text (300 bytes) is said in
 * about 100. It begins with a byte that no protobuf message begins with; records of the
 * release before, which are protobuf, are read as well (records_load.c). Part of the
 * manager's core, pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/id.h"
#include "common/model/limits.h"
#include "proto/store.pb-c.h"

struct task;

/* The bytes; in the arena. usage: to be kept with it, or NULL. */
const uint8_t *task_record_encode(const struct task *task, const Davit__TaskUsage *usage,
	struct arena *arena, size_t *ret_size);

/* What is left of a removed element. */
extern const uint8_t task_record_gone[2];

/* True for what task_record_encode makes; false: a protobuf TaskRecord, or nothing at all. */
bool task_record_is_compact(const void *data, size_t size);

/*
 * What a record says, as the protobuf one would, but for its ids: id and group_id are left out, the
 * others are none or as below. Borrows from data.
 */
struct task_record {
	Davit__TaskRecord says;
	uint32_t host_ports[SPEC_PORTS_MAX];
	struct id node, replaced_by;
};

/* False: it is damaged. What it says is within the ranges of its types; says.usage is the caller's
 * to free. */
bool task_record_decode(const void *data, size_t size, struct task_record *ret_record);
