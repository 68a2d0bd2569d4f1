/*
 * cli_channel_play.h - a manager that serves one channel: for tests of commands that use them.
 *
 * The channel says `out`, takes what is written into `in`, and ends with `exit_code`
 * or with `error`. What it was opened with is kept.
 */
#pragma once

#include "tests/lib/cli_world.h"

struct channel_play {
	/* Set by the test. */
	Davit__OpenChannelReply info; /* its name is filled in */
	const char *out;              /* a text */
	const char *archive;          /* or so many bytes */
	size_t archive_size;
	bool reads; /* it ends when its input does */
	bool has_exit_code;
	int exit_code;
	const char *error; /* NULL: it ends well */
	int input_fd; /* the far end of the command's input: closed when something was written; 0:
			 none */

	/* What was asked. */
	Davit__OpenChannelRequest *opened; /* the last one; owned */
	unsigned n_opened, n_closed;
	uint8_t in[1 << 16];
	size_t n_in;
	bool in_ended;
};

void channel_play_init(struct channel_play *play);
void channel_play_fini(struct channel_play *play);

/* For scripts: world->user is the play. */
void channel_play_open(struct cli_world *world, struct rpc_call *call);
void channel_play_read(struct cli_world *world, struct rpc_call *call);
void channel_play_write(struct cli_world *world, struct rpc_call *call);
void channel_play_close(struct cli_world *world, struct rpc_call *call);

#define CHANNEL_PLAY                                                            \
	{"OpenChannel", channel_play_open}, {"ReadChannel", channel_play_read}, \
		{"WriteChannel", channel_play_write},                           \
	{                                                                       \
		"CloseChannel", channel_play_close                              \
	}
