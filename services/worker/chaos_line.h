/*
 * chaos_line.h - the way to the manager, on which calls can get lost or be late on purpose.
 *
 * Without a fault it only passes calls on. What gets lost on the way there is not sent; what gets
 * lost on the way back had its effect. Either way the call ends with DEADLINE_EXCEEDED when its
 * time is up, as one that is lost in a real network does.
 *
 * On the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "common/rpc/client.h"

struct chaos_line;

struct chaos_line_fault {
	bool loses_out, loses_in; /* all that is said, all that is told */
	uint64_t delay_ms;        /* each way */
	uint32_t loss_percent;    /* of calls, half of them on each way */
};

/* Borrows the client. random: any number. */
struct chaos_line *chaos_line_new(uv_loop_t *loop, struct rpc_client *client,
	uint32_t (*random)(void *arg), void *random_arg);

void chaos_line_set(struct chaos_line *line, const struct chaos_line_fault *fault);

/* As rpc_client_call. More than WORKER_CHAOS_LINE_MAX that are lost or late: RESOURCE_EXHAUSTED. */
void chaos_line_call(struct chaos_line *line, const ProtobufCMethodDescriptor *method,
	const ProtobufCMessage *request, uint64_t timeout_ms, rpc_done_fn *done, void *arg);

/* True for a message that nobody answers, and that does not arrive. */
bool chaos_line_loses_word(struct chaos_line *line);

/* After the client: calls that are left end with CANCELLED. The loop must run once more. NULL is
 * fine. */
void chaos_line_close(struct chaos_line *line);
