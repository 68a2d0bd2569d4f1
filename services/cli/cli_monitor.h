/*
 * cli_monitor.h - questions to the monitor, for commands that ask the manager where none answers.
 *
 * After a question without an answer the monitor is left alone for CLI_MONITOR_RETRY_MS, so that
 * a page that is redrawn every second does not wait for it each time. One thread.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "proto/monitor.pb-c.h"
#include "proto/rpc.pb-c.h"
#include "services/cli/cli.h"

enum {
	CLI_MONITOR_PATIENCE_MS = 1000, /* for an answer */
	CLI_MONITOR_RETRY_MS = 10000,   /* after there was none */
	CLI_MONITOR_MESSAGE_SIZE = 256,
};

struct cli_monitor {
	struct cli *cli;           /* borrowed */
	struct rpc_client *client; /* NULL: there is no monitor to ask */
	uint64_t retry_ms;
	char message[CLI_MONITOR_MESSAGE_SIZE]; /* why the last question was refused */
};

/* Borrows the answer until it returns. */
typedef void cli_monitor_fn(const ProtobufCMessage *response, void *arg);

/* url NULL or "", or one that cannot be dialed: every question is UNAVAILABLE. */
void cli_monitor_open(struct cli *cli, const char *url, struct cli_monitor *ret_monitor);
void cli_monitor_close(struct cli_monitor *monitor);

/* Asks and waits. take is called for OK alone; other words are in monitor->message. */
Davit__Reply__Status cli_monitor_ask(struct cli_monitor *monitor, const char *method,
	const ProtobufCMessage *request, cli_monitor_fn *take, void *arg);
