/*
 * channel.h - bytes to and from this node's engine, for a client far away.
 *
 * A channel is one exec, attachment, copy or pull, known by the name that the
 * manager gave it. Its output is kept from the offset that its reader asked for
 * last, at most WORKER_CHANNEL_BYTES_MAX; then the engine's stream stands still.
 * Its input goes straight to the engine, as much as that takes.
 *
 * channel.c        the set of channels, reading, writing, the end
 * channel_open.c   what each kind does at the engine
 *
 * Part of the core (core.h): callbacks take note, worker_channels_tick answers.
 */
#pragma once

#include <uthash.h>

#include "common/docker/engine_pipe.h"
#include "services/worker/core.h"

enum worker_channel_state {
	WORKER_CHANNEL_OPENING,
	WORKER_CHANNEL_OPEN,
	WORKER_CHANNEL_ENDED,
};

/* Output of one stream, in a row. */
struct worker_run {
	enum engine_stream stream;
	size_t size;
};

struct worker_channel {
	UT_hash_handle hh;
	struct worker *worker;
	enum worker_channel_state state;
	Davit__ChannelQuery *spec; /* owned */
	char *container_id, *exec_id;
	struct worker_job *job;      /* the present step, then the stream */
	struct worker_job *side_job; /* a new size of the terminal */
	bool is_piped;               /* job is a stream that can be written to */
	struct worker_puller puller; /* of a pull: there is no job */

	/* Out. */
	struct buf out;
	uint64_t out_offset; /* of the first byte in out */
	struct worker_run *runs;
	size_t n_runs, runs_room;
	bool is_paused;

	/* In. */
	uint64_t in_offset; /* of the next byte wanted */
	bool in_ended;
	bool has_room; /* the engine takes more: the next tick tells the writer */

	/* What the opener is told. */
	bool tty, has_stdin, has_path, exists, is_directory;
	char *directory;
	uint64_t size_bytes;

	/* The end. */
	bool is_not_found; /* the engine's words said that there is no such program */
	bool has_exit_code;
	int exit_code;
	struct err err; /* code 0: it went well */

	/* Who waits; at most one of each, a newer one takes the place. */
	struct worker_query *opener, *reader, *writer;
	uint64_t touched_ms; /* somebody asked */
	char name[];
};

/* Begins what spec says; the channel ends or becomes OPEN later. */
void worker_channel_begin(struct worker_channel *channel);

/* For channel_open.c: it has begun; it is over (err->code 0: well). */
void worker_channel_opened(struct worker_channel *channel);
void worker_channel_ended(struct worker_channel *channel, const struct err *err);
/* Keeps output; false: no more, please. */
bool worker_channel_put(struct worker_channel *channel, enum engine_stream stream, const void *data,
	size_t size);
void worker_channel_resize(struct worker_channel *channel, uint32_t rows, uint32_t columns);

/* For the answer that says why a channel did not open. */
Davit__Reply__Status worker_channel_status(const struct err *err);
