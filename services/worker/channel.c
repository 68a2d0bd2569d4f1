#include "services/worker/channel.h"

#include <errno.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/rpc/call.h"
#include "common/rpc/unpack.h"

/* ---- the set ---- */

static struct worker_channel *
find(struct worker *worker, const char *name)
{
	struct worker_channel *channel;

	HASH_FIND_STR(worker->channels, name, channel);
	return channel;
}

static void
let_go(struct worker_query **place)
{
	if (*place != NULL)
		(*place)->channel_place = NULL;
	*place = NULL;
}

static void
free_channel(struct worker_channel *channel)
{
	worker_job_abandon(&channel->job);
	worker_job_abandon(&channel->side_job);
	worker_image_unpull(&channel->puller);
	let_go(&channel->opener);
	let_go(&channel->reader);
	let_go(&channel->writer);
	davit__channel_query__free_unpacked(channel->spec, NULL);
	free(channel->container_id);
	free(channel->exec_id);
	free(channel->directory);
	buf_fini(&channel->out);
	free(channel->runs);
	free(channel);
}

static void
drop(struct worker_channel *channel)
{
	HASH_DEL(channel->worker->channels, channel);
	free_channel(channel);
}

void
worker_channels_free(struct worker *worker)
{
	struct worker_channel *channel, *next;

	HASH_ITER(hh, worker->channels, channel, next)
	{
		drop(channel);
	}
}

void
worker_channel_forget(struct worker_query *query)
{
	if (query->channel_place != NULL)
		*query->channel_place = NULL;
	query->channel_place = NULL;
}

/* The query waits in the place; one that waited there has been overtaken by it. */
static void
wait_in(struct worker_query *query, struct worker_query **place, uint64_t wait_ms)
{
	struct worker_query *before = *place;

	if (before != NULL) {
		let_go(place);
		worker_query_refuse(before, DAVIT__REPLY__STATUS__CANCELLED,
			"a newer question took its place");
	}
	*place = query;
	query->channel_place = place;
	query->deadline_ms = query->worker->mono_ms +
			     (wait_ms < WORKER_WAIT_MAX_MS ? wait_ms : WORKER_WAIT_MAX_MS);
}

/* ---- the end ---- */

Davit__Reply__Status
worker_channel_status(const struct err *err)
{
	switch (-err->code) {
	case ENOENT:
		return DAVIT__REPLY__STATUS__NOT_FOUND;
	case EBUSY:
		return DAVIT__REPLY__STATUS__FAILED_PRECONDITION;
	case EINVAL:
		return DAVIT__REPLY__STATUS__INVALID_ARGUMENT;
	case EACCES:
		return DAVIT__REPLY__STATUS__PERMISSION_DENIED;
	case ECONNREFUSED:
	case ENOTCONN:
	case ETIMEDOUT:
		return DAVIT__REPLY__STATUS__UNAVAILABLE;
	default:
		return DAVIT__REPLY__STATUS__INTERNAL;
	}
}

void
worker_channel_opened(struct worker_channel *channel)
{
	if (channel->state == WORKER_CHANNEL_OPENING)
		channel->state = WORKER_CHANNEL_OPEN;
}

void
worker_channel_ended(struct worker_channel *channel, const struct err *err)
{
	bool has_opened = channel->state == WORKER_CHANNEL_OPEN;

	channel->state = WORKER_CHANNEL_ENDED;
	channel->is_piped = false;
	channel->err = *err;
	if (has_opened && err->code == -ENOENT)
		channel->err.code = -EIO; /* what was there went away */
}

/* ---- output ---- */

static void
note_words(struct worker_channel *channel, const void *data, size_t size)
{
	static const char *const words[] = {"executable file not found",
		"no such file or directory"};

	if (channel->out_offset + channel->out.size > WORKER_MESSAGE_MAX)
		return;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		channel->is_not_found |= memmem(data, size, words[i], strlen(words[i])) != NULL;
}

bool
worker_channel_put(struct worker_channel *channel, enum engine_stream stream, const void *data,
	size_t size)
{
	struct worker_run *last = channel->n_runs == 0 ? NULL : &channel->runs[channel->n_runs - 1];

	if (size == 0)
		return true;
	note_words(channel, data, size);
	if (last == NULL || last->stream != stream) {
		if (channel->n_runs == channel->runs_room) {
			channel->runs_room = channel->runs_room == 0 ? 4 : channel->runs_room * 2;
			channel->runs =
				xrealloc(channel->runs, channel->runs_room, sizeof *channel->runs);
		}
		last = &channel->runs[channel->n_runs++];
		*last = (struct worker_run){.stream = stream};
	}
	last->size += size;
	buf_put(&channel->out, data, size);
	channel->is_paused = channel->out.size >= WORKER_CHANNEL_BYTES_MAX ||
			     channel->n_runs >= WORKER_CHANNEL_RUNS_MAX;
	return !channel->is_paused;
}

/* The reader has everything before offset. */
static void
discard(struct worker_channel *channel, uint64_t offset)
{
	size_t n = (size_t)(offset - channel->out_offset), left = n, i = 0;

	while (i < channel->n_runs && channel->runs[i].size <= left)
		left -= channel->runs[i++].size;
	if (i < channel->n_runs)
		channel->runs[i].size -= left;
	channel->n_runs -= i;
	if (i > 0)
		memmove(channel->runs, channel->runs + i, channel->n_runs * sizeof *channel->runs);
	buf_shift(&channel->out, n);
	channel->out_offset = offset;
	if (channel->out.size == 0)
		buf_fini(&channel->out); /* a channel that says nothing costs nothing */
	if (channel->is_paused && channel->job != NULL &&
		channel->out.size <= WORKER_CHANNEL_BYTES_MAX / 2 &&
		channel->n_runs <= WORKER_CHANNEL_RUNS_MAX / 2) {
		channel->is_paused = false;
		engine_resume(channel->job->op);
	}
}

static void
add_chunk(Davit__ReadChannelReply *reply, enum engine_stream stream, const void *data, size_t size)
{
	Davit__LogChunk *chunk = xmalloc(sizeof *chunk);

	davit__log_chunk__init(chunk);
	chunk->has_stream = chunk->has_data = true;
	chunk->stream = stream == ENGINE_STDERR ? DAVIT__LOG_CHUNK__STREAM__STDERR
						: DAVIT__LOG_CHUNK__STREAM__STDOUT;
	chunk->data.data = xmalloc(size);
	chunk->data.len = size;
	memcpy(chunk->data.data, data, size);
	reply->chunks[reply->n_chunks++] = chunk;
}

/* What is there, up to the limit, and whether that was all. */
static void
answer_reader(struct worker_channel *channel)
{
	struct worker_query *query = channel->reader;
	Davit__ReadChannelReply *reply = xmalloc(sizeof *reply);
	size_t at = 0;

	davit__read_channel_reply__init(reply);
	reply->chunks = xcalloc(channel->n_runs + 1, sizeof(void *));
	for (size_t i = 0; i < channel->n_runs && at < query->max_bytes; i++) {
		size_t room = query->max_bytes - at, n = channel->runs[i].size;

		n = n < room ? n : room;
		add_chunk(reply, channel->runs[i].stream, channel->out.data + at, n);
		at += n;
	}
	reply->has_offset = reply->has_end = true;
	reply->offset = channel->out_offset + at;
	reply->end = channel->state == WORKER_CHANNEL_ENDED && at == channel->out.size;
	reply->has_exit_code = reply->end && channel->has_exit_code;
	reply->exit_code = channel->exit_code;
	if (reply->end && channel->err.code < 0)
		reply->error = xstrdup(channel->err.text);
	query->answer.read = reply;
	let_go(&channel->reader);
	worker_query_done(query);
}

/* ---- questions ---- */

static struct worker_channel *
find_for(struct worker_query *query, const char *name)
{
	struct worker_channel *channel = find(query->worker, name);

	if (channel == NULL)
		worker_query_refuse(query, DAVIT__REPLY__STATUS__NOT_FOUND,
			"there is no such channel: it was closed, or the worker was started anew");
	else
		channel->touched_ms = query->worker->mono_ms;
	return channel;
}

void
worker_channel_read(struct worker_query *query, const Davit__ReadChannelRequest *request)
{
	struct worker_channel *channel = find_for(query, request->channel);

	if (channel == NULL)
		return;
	if (request->offset < channel->out_offset ||
		request->offset > channel->out_offset + channel->out.size) {
		worker_query_refuse(query, DAVIT__REPLY__STATUS__OUT_OF_RANGE,
			"bytes %llu to %llu are there", (unsigned long long)channel->out_offset,
			(unsigned long long)(channel->out_offset + channel->out.size));
		return;
	}
	discard(channel, request->offset);
	query->max_bytes = request->has_max_bytes && request->max_bytes > 0 &&
					   request->max_bytes < WORKER_CHANNEL_BYTES_MAX
				   ? request->max_bytes
				   : WORKER_CHANNEL_BYTES_MAX;
	wait_in(query, &channel->reader, request->wait_ms);
}

static void
answer_writer(struct worker_channel *channel, struct worker_query *query)
{
	Davit__WriteChannelReply *reply = xmalloc(sizeof *reply);

	davit__write_channel_reply__init(reply);
	reply->has_offset = true;
	reply->offset = channel->in_offset;
	query->answer.write = reply;
	worker_query_done(query);
}

/* What of the data is new goes to the engine, as far as it takes it. */
static void
take_input(struct worker_channel *channel, const Davit__WriteChannelRequest *request)
{
	size_t known = (size_t)(channel->in_offset - request->offset), n;

	if (known < request->data.len && channel->is_piped) {
		n = engine_write(channel->job->op, request->data.data + known,
			request->data.len - known);
		channel->in_offset += n;
		known += n;
	}
	if (request->end && known >= request->data.len && !channel->in_ended && channel->is_piped) {
		channel->in_ended = true;
		/* An attachment whose input ends would end as a whole: the engine's own rule. */
		if (channel->spec->attach == NULL)
			engine_write_end(channel->job->op);
	}
}

void
worker_channel_write(struct worker_query *query, const Davit__WriteChannelRequest *request)
{
	struct worker_channel *channel = find_for(query, request->channel);
	uint64_t end = request->offset + request->data.len;

	if (channel == NULL)
		return;
	if (request->offset > channel->in_offset) {
		worker_query_refuse(query, DAVIT__REPLY__STATUS__OUT_OF_RANGE,
			"the byte at %llu comes next", (unsigned long long)channel->in_offset);
		return;
	}
	if (request->rows > 0 && request->columns > 0)
		worker_channel_resize(channel, request->rows, request->columns);
	if (end > channel->in_offset && (channel->in_ended || !channel->is_piped)) {
		worker_query_refuse(query, DAVIT__REPLY__STATUS__FAILED_PRECONDITION, "%s",
			channel->state == WORKER_CHANNEL_ENDED ? "the channel has ended"
			: channel->in_ended                    ? "its input has ended"
							       : "it takes no input");
		return;
	}
	take_input(channel, request);
	if (channel->in_offset >= end || channel->in_offset > request->offset ||
		request->wait_ms == 0)
		answer_writer(channel, query);
	else
		wait_in(query, &channel->writer, request->wait_ms);
}

void
worker_channel_close(struct worker_query *query, const Davit__CloseChannelRequest *request)
{
	struct worker_channel *channel = find(query->worker, request->channel);

	query->answer.close = xmalloc(sizeof *query->answer.close);
	davit__close_channel_reply__init(query->answer.close);
	worker_query_done(query);
	if (channel == NULL)
		return;
	if (channel->reader != NULL)
		answer_reader(channel);
	drop(channel);
}

static void
answer_opener(struct worker_channel *channel)
{
	struct worker_query *query = channel->opener;
	Davit__OpenChannelReply *reply;

	let_go(&channel->opener);
	if (channel->state == WORKER_CHANNEL_ENDED && channel->err.code < 0 &&
		channel->out_offset + channel->out.size == 0) {
		worker_query_refuse(query, worker_channel_status(&channel->err), "%s",
			channel->err.text);
		drop(channel);
		return;
	}
	reply = xmalloc(sizeof *reply);
	davit__open_channel_reply__init(reply);
	reply->channel = xstrdup(channel->name);
	reply->node_name = xstrdup(channel->worker->name);
	reply->has_tty = true;
	reply->tty = channel->tty;
	reply->has_stdin = true;
	reply->stdin = channel->has_stdin;
	reply->has_exists = reply->has_is_directory = reply->has_size_bytes = channel->has_path;
	reply->exists = channel->exists;
	reply->is_directory = channel->is_directory;
	reply->size_bytes = channel->size_bytes;
	reply->directory = channel->directory == NULL ? NULL : xstrdup(channel->directory);
	query->answer.open = reply;
	worker_query_done(query);
}

void
worker_channel_open(struct worker_query *query, const Davit__ChannelQuery *spec)
{
	struct worker *worker = query->worker;
	struct worker_channel *channel = find(worker, spec->channel);
	size_t n_name = strlen(spec->channel) + 1;

	if (channel != NULL) { /* the answer was lost, or is still to come */
		wait_in(query, &channel->opener, WORKER_WAIT_MAX_MS);
		return;
	}
	if (HASH_COUNT(worker->channels) >= WORKER_CHANNELS_MAX ||
		n_name > WORKER_CHANNEL_NAME_MAX) {
		worker_query_refuse(query, DAVIT__REPLY__STATUS__RESOURCE_EXHAUSTED,
			"%d channels are open (WORKER_CHANNELS_MAX)", WORKER_CHANNELS_MAX);
		return;
	}
	channel = xcalloc(1, sizeof *channel + n_name);
	memcpy(channel->name, spec->channel, n_name);
	channel->worker = worker;
	channel->spec = rpc_copy(&(spec)->base);
	channel->touched_ms = worker->mono_ms;
	HASH_ADD_STR(worker->channels, name, channel);
	wait_in(query, &channel->opener, WORKER_WAIT_MAX_MS);
	worker_channel_begin(channel);
}

/* ---- the tick ---- */

static uint64_t
serve(struct worker_channel *channel)
{
	uint64_t now = channel->worker->mono_ms, due;
	struct worker_query *writer = channel->writer;
	bool has_ended = channel->state == WORKER_CHANNEL_ENDED;

	due = channel->touched_ms +
	      (has_ended ? (uint64_t)WORKER_CHANNEL_ENDED_MS : (uint64_t)WORKER_CHANNEL_IDLE_MS);
	if (channel->reader != NULL &&
		(channel->out.size > 0 || has_ended || channel->reader->deadline_ms <= now))
		answer_reader(channel);
	if (writer != NULL && (channel->has_room || has_ended || writer->deadline_ms <= now)) {
		let_go(&channel->writer);
		answer_writer(channel, writer);
	}
	channel->has_room = false;
	if (channel->reader != NULL || channel->writer != NULL || channel->opener != NULL) {
		channel->touched_ms = now;
		due = UINT64_MAX;
	}
	if (channel->reader != NULL)
		due = channel->reader->deadline_ms;
	if (channel->writer != NULL && channel->writer->deadline_ms < due)
		due = channel->writer->deadline_ms;
	if (channel->opener != NULL && channel->state != WORKER_CHANNEL_OPENING) {
		answer_opener(channel); /* frees it, if it did not open */
		return UINT64_MAX;
	}
	if (due > now)
		return due;
	drop(channel);
	return UINT64_MAX;
}

uint64_t
worker_channels_tick(struct worker *worker)
{
	struct worker_channel *channel, *next;
	uint64_t due = UINT64_MAX, one;

	HASH_ITER(hh, worker->channels, channel, next)
	{
		one = serve(channel);
		due = one < due ? one : due;
	}
	return due;
}
