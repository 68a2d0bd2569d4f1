/*
 * cli_channel.h - a channel (proto/channel.proto) from the client's end, until it is over.
 *
 * Reads and writes run side by side. Offsets make repeating harmless: what is
 * UNAVAILABLE or unanswered is asked again until CLI_TIMEOUT_MS (or --timeout) has
 * passed without a word. Memory is bounded: input is read as it is taken, output
 * is asked for as it is written.
 *
 * One thread, that of cli->loop.
 */
#pragma once

#include "common/base/buf.h"
#include "proto/manager.pb-c.h"
#include "services/cli/cli.h"

enum {
	CLI_CHANNEL_PIECE = 512 << 10,  /* bytes of one reading or writing */
	CLI_CHANNEL_SESSION_CODE = 125, /* Davit or the engine failed, not the command */
};

/* Takes output; -errno ends everything. */
typedef int cli_sink_fn(bool is_err, const void *data, size_t size, void *arg);

struct cli_channel {
	struct cli *cli;
	Davit__OpenChannelReply *info; /* owned; NULL: not open */
	cli_sink_fn *sink;
	void *arg;

	/* Settable before cli_channel_run. */
	int in_fd;            /* -1: no input */
	bool has_detach_keys; /* ctrl-p ctrl-q in the input end it */
	bool is_raw;          /* in_fd is a terminal whose keys go as they are */

	/* How it ended. */
	bool has_ended, has_exit_code, is_detached;
	int exit_code;
	char *error; /* owned; NULL: well */

	struct cli_pump *pump; /* while cli_channel_run runs */
};

/* Opens it; request says what. An exit code; what is wrong was said. */
int cli_channel_open(struct cli *cli, const Davit__OpenChannelRequest *request,
	struct cli_channel *channel);

/*
 * Pumps until the channel has ended, its user detached, or ^C. An exit code: CLI_OK
 * also when error is set (say it with cli_channel_code).
 */
int cli_channel_run(struct cli_channel *channel);

/* Tells the worker that nobody will ask again. */
void cli_channel_close(struct cli_channel *channel);

/* Says the error, if there is one; the exit code of the whole. */
int cli_channel_code(const struct cli_channel *channel);

/* A sink: to cli->out and cli->err; arg is the cli. */
int cli_channel_print(bool is_err, const void *data, size_t size, void *arg);
