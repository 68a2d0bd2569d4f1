/*
 * cli_call.h - one question to the manager, and its answer, in one function call.
 *
 * Runs the loop until the answer is there. What is UNAVAILABLE or unanswered is
 * asked again, with the same request id, until --timeout (by default
 * CLI_TIMEOUT_MS) has passed: a manager that restarts is waited for. A manager
 * that never answered is given up after CLI_CONNECT_MS, unless --timeout was given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "proto/rpc.pb-c.h"
#include "services/cli/cli.h"

enum {
	CLI_TIMEOUT_MS = 30000,
	CLI_CONNECT_MS = 5000,
	CLI_CONNECT_PAUSE_MIN_MS = 1, /* between two looks, doubled up to … */
	CLI_CONNECT_PAUSE_MAX_MS = 32,
	CLI_ATTEMPT_MS = 10000, /* for one answer, on top of the wait of a long poll */
	CLI_POLL_MS = 30000,    /* wait of one long poll */
	CLI_RETRY_MIN_MS = 50,  /* between two attempts, doubled up to … */
	CLI_RETRY_MAX_MS = 1000,
	CLI_TICK_MS = 200,     /* longest sleep of the loop */
	CLI_SILENCE_MS = 3000, /* until a patient call says that it is waiting */
};

/* Everything is the caller's: cli_reply_fini. */
struct cli_reply {
	Davit__Reply__Status status; /* CANCELLED: ^C */
	char *message;               /* a sentence, "" when OK */
	char *note;                  /* what to know although it worked, "" if nothing */
	ProtobufCMessage *response;  /* of the method's output; NULL unless OK */
	bool is_unreachable;         /* nobody answered at all */
};

struct cli_ask {
	const char *method; /* of service Manager */
	const ProtobufCMessage *request;
	uint64_t wait_ms;    /* of a long poll, for which the answer may be later */
	uint64_t timeout_ms; /* 0: --timeout */
	bool changes;        /* carries a request id */
	bool is_patient; /* once there was a connection, asks for ever unless --timeout was given */
};

void cli_ask(struct cli *cli, const struct cli_ask *ask, struct cli_reply *ret_reply);
void cli_reply_fini(struct cli_reply *reply);

static inline void
cli_reply_fini_cleanup(struct cli_reply *reply)
{
	cli_reply_fini(reply);
}

/* What a reply means for the exit code; says the sentence unless it is CLI_OK. */
int cli_reply_code(struct cli *cli, const struct cli_reply *reply);

/* cli_ask and cli_reply_code in one. *ret_response: protobuf_c_message_free_unpacked. */
int cli_call(struct cli *cli, const char *method, const ProtobufCMessage *request,
	ProtobufCMessage **ret_response);
int cli_call_changing(struct cli *cli, const char *method, const ProtobufCMessage *request,
	ProtobufCMessage **ret_response);

/* Lets the loop turn for that long, or until ^C. */
void cli_pause(struct cli *cli, uint64_t ms);

/* The same, ending also as soon as something on the loop has set *is_over. */
void cli_pause_unless(struct cli *cli, uint64_t ms, const bool *is_over);

/* Frees a response; for CLEANUP. NULL is fine. */
void cli_response_free(ProtobufCMessage *message);
CLEANUP_DEFINE(ProtobufCMessage *, cli_response_free)
