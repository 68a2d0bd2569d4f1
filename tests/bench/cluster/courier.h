/*
 * courier.h - calls of many workers, each over an nng socket of its own, into one loop.
 *
 * common/rpc's client is made for one process: a handle of the loop for each, and a timer for
 * each call. With thousands in one loop every wake-up would visit them all. Here all lines share
 * one mailbox and one wake-up, and deadlines are looked at together. What is on the wire is the
 * same, nng with common/rpc's envelopes.
 *
 * The loop's thread, but for nng's callbacks.
 */
#pragma once

#include <uv.h>

#include "common/base/err.h"
#include "common/rpc/envelope.h"

struct courier;
struct courier_line;

/* The end of a call; the result is borrowed. owner is the line's. */
typedef void courier_answer_fn(void *owner, uint64_t ticket, const struct rpc_result *result);
/* After all answers of a turn of the loop. */
typedef void courier_turn_fn(void *arg);

/* n_lines: how many there will be at most. */
struct courier *courier_new(uv_loop_t *loop, size_t n_lines, courier_answer_fn *on_answer,
	courier_turn_fn *on_turn, void *arg);

/* Dials, in the background. */
int courier_line_open(struct courier *courier, const char *url, void *owner,
	struct courier_line **ret_line, struct err *err);

/* on_answer follows exactly once, later. At most COURIER_CALLS_MAX of a line at one time. */
enum { COURIER_CALLS_MAX = 8 };
void courier_line_call(struct courier_line *line, uint64_t ticket,
	const ProtobufCMethodDescriptor *method, const ProtobufCMessage *request,
	uint64_t timeout_ms);

/* Ends the calls whose time is up. For a timer. */
void courier_expire(struct courier *courier);

/*
 * Dials again where the connection was lost, some lines at a time, once somebody listens there: all
 * are back within about COURIER_REDIALS calls. For a timer. nng would do that by itself, but 1.5.2
 * keeps a core busy with a thousand timers a second, which one worker a machine does not have.
 */
enum { COURIER_REDIALS = 20 };
void courier_redial(struct courier *courier);

struct courier_figures {
	uint64_t n_calls, n_answers, bytes_out, bytes_in;
};
struct courier_figures courier_figures(const struct courier *courier);
