/*
 * A container's output, piece by piece, for whoever asks through the manager;
 * tested by tests/unit/test_worker_queries.c.
 *
 * One question reads from its cursor on until the answer is full, there is
 * nothing more, or its time is up. Nothing is kept between two questions: the
 * next one brings the cursor along.
 */
#include "services/worker/core.h"

#include <errno.h>
#include <inttypes.h>

#include "common/base/mem.h"

enum { CHUNKS_MAX = 4096 };

struct worker_log_relay {
	struct id task;
	struct worker_log_reader reader;
	bool has_cursor;    /* the asker's */
	bool has_inspected; /* where its file is was asked for */
	bool is_failed;     /* the file cannot be read: the engine is asked */
	uint64_t since_ns, until_ms, wait_ms;
	uint32_t tail;
	bool has_tail, has_begun; /* the place in the file is known */
	struct worker_log_place place;
	size_t max_bytes, n_bytes;
	uint64_t serial;      /* of the slot that is read; 0: none yet */
	bool was_over;        /* that slot had ended when reading began */
	bool is_read;         /* the engine's stream came to its end */
	bool has_news;        /* the first record came: linger_ms is to be set */
	uint64_t linger_ms;   /* answer then; 0: nothing came yet */
	uint64_t again_ms;    /* read again then */
	uint64_t deadline_ms; /* answer then with what there is; 0: to be set */
	Davit__ReadLogsReply *reply;
	struct buf last; /* bytes of the chunk that is being filled */
	int last_stream;
	bool has_last;
};

static void
end_chunk(struct worker_log_relay *relay)
{
	Davit__ReadLogsReply *reply = relay->reply;
	Davit__LogChunk *chunk;

	if (!relay->has_last || relay->last.size == 0)
		return;
	chunk = xmalloc(sizeof *chunk);
	davit__log_chunk__init(chunk);
	chunk->has_stream = true;
	chunk->stream = relay->last_stream == 0 ? DAVIT__LOG_CHUNK__STREAM__STDOUT
						: DAVIT__LOG_CHUNK__STREAM__STDERR;
	chunk->has_data = true;
	chunk->data.data = buf_take(&relay->last, &chunk->data.len);
	reply->chunks = xrealloc(reply->chunks, reply->n_chunks + 1, sizeof(void *));
	reply->chunks[reply->n_chunks++] = chunk;
	relay->has_last = false;
}

static bool
on_record(int stream, const void *data, size_t size, void *arg)
{
	struct worker_log_relay *relay = arg;

	if (relay->has_last && relay->last_stream != stream)
		end_chunk(relay);
	relay->has_last = true;
	relay->last_stream = stream;
	buf_put(&relay->last, data, size);
	relay->n_bytes += size;
	relay->has_news |= relay->linger_ms == 0;
	return relay->n_bytes < relay->max_bytes && relay->reply->n_chunks < CHUNKS_MAX;
}

void
worker_logs_free(struct worker_query *query)
{
	struct worker_log_relay *relay = query->relay;

	if (relay == NULL)
		return;
	query->relay = NULL;
	worker_log_reader_fini(&relay->reader);
	buf_fini(&relay->last);
	if (relay->reply != NULL)
		davit__read_logs_reply__free_unpacked(relay->reply, NULL);
	free(relay);
}

static void
answer(struct worker_query *query, bool is_end)
{
	struct worker_log_relay *relay = query->relay;
	char cursor[WORKER_LOG_CURSOR_SIZE];

	worker_job_abandon(&query->job);
	end_chunk(relay);
	if (relay->has_cursor || relay->reader.cursor.ns != 0 ||
		relay->reader.cursor.place.inode != 0)
		relay->reply->cursor =
			xstrdup(worker_log_cursor_format(&relay->reader.cursor, cursor));
	relay->reply->has_end = true;
	relay->reply->end = is_end;
	query->answer.logs = TAKE(relay->reply);
	worker_query_done(query);
}

static bool
on_data(enum engine_stream stream, const void *data, size_t size, void *arg)
{
	struct worker_query *query = worker_job_owner(arg);

	if (query == NULL)
		return true; /* cancelled: let it drain */
	worker_log_reader_put(&query->relay->reader, stream == ENGINE_STDERR ? 1 : 0, data, size);
	return !query->relay->reader.is_full;
}

static void
on_message(enum engine_stream stream, void *arg)
{
	struct worker_query *query = worker_job_owner(arg);

	if (query != NULL)
		worker_log_reader_message(&query->relay->reader, stream == ENGINE_STDERR ? 1 : 0);
}

static void
on_end(const struct err *err, void *arg)
{
	struct worker_query *query = worker_job_end(arg);

	if (query == NULL)
		return;
	if (err->code < 0 && err->code != -ENOENT) {
		worker_query_fail(query, "cannot read the logs: %s", err->text);
		return;
	}
	if (err->code < 0) {
		worker_query_fail(query, "cannot read the logs: the container is gone");
		return;
	}
	worker_log_reader_end(&query->relay->reader);
	query->relay->is_read = true;
}

/* The asker's time is over: what comes now is too late. */
static bool
is_past_until(const struct worker_query *query)
{
	uint64_t until_ms = query->relay->until_ms;

	return until_ms != 0 && query->worker->wall_ms > until_ms + WORKER_LOG_AGAIN_MS;
}

static void
read_on(struct worker_query *query, const struct worker_slot *slot)
{
	struct worker_log_relay *relay = query->relay;
	struct engine_log_options options = {
		.since_ns = relay->reader.cursor.ns,
		.follow = relay->wait_ms > 0 && slot->state != WORKER_SLOT_ENDED &&
			  !is_past_until(query),
		.timestamps = true,
		.tty = slot->spec != NULL && slot->spec->spec->tty,
		.on_message = on_message,
	};
	struct worker_job *job = worker_job_new(&query->job, query);

	if (relay->reader.cursor.ns == 0) {
		options.since_ns = relay->since_ns;
		options.tail = relay->tail;
	}
	relay->serial = slot->serial;
	relay->was_over = slot->state >= WORKER_SLOT_ENDED;
	relay->is_read = false;
	relay->reader.seen = (struct worker_log_cursor){0};
	relay->reader.is_raw = options.tty;
	job->op = engine_logs(query->worker->engine, slot->container_id, &options, on_data, on_end,
		job);
}

/* ---- straight from the engine's file ---- */

static bool
on_line(const struct worker_log_line *line, void *arg)
{
	struct worker_log_relay *relay = arg;

	if (relay->place.was_lost) { /* all that is left of the log comes, from its beginning */
		relay->place.was_lost = false;
		relay->reader.is_past = false;
		relay->reader.seen = (struct worker_log_cursor){0};
	}
	if (relay->reader.cursor.ns == 0 && line->ns < relay->since_ns)
		return true;
	worker_log_reader_take(&relay->reader, line);
	return !relay->reader.is_full;
}

/* Where reading begins; false: not to be seen here. */
static bool
find_place(struct worker_query *query, const struct worker_slot *slot)
{
	struct worker_log_relay *relay = query->relay;
	const struct worker_ports *ports = &query->worker->ports;

	relay->place = relay->reader.cursor.place;
	relay->reader.is_past |= relay->place.inode != 0;
	relay->reader.seen =
		relay->place.inode != 0 ? relay->reader.cursor : (struct worker_log_cursor){0};
	if (relay->has_cursor || !relay->has_tail)
		return true;
	return ports->log_tail(ports->arg, slot->log_path, relay->tail, &relay->place) >= 0;
}

/* One look into the file, without waiting. False: the engine has to be asked. */
static bool
read_file(struct worker_query *query, const struct worker_slot *slot)
{
	struct worker_log_relay *relay = query->relay;
	const struct worker_ports *ports = &query->worker->ports;
	int rc;

	if (ports->log_read == NULL || slot->log_path == NULL || relay->is_failed)
		return false;
	relay->was_over = slot->state >= WORKER_SLOT_ENDED;
	relay->serial = slot->serial;
	relay->is_failed = !relay->has_begun && !find_place(query, slot);
	if (relay->is_failed)
		return false;
	relay->has_begun = true;
	rc = ports->log_read(ports->arg, slot->log_path, &relay->place, on_line, relay);
	relay->is_failed = rc < 0;
	if (rc < 0)
		return false;
	relay->is_read = rc != WORKER_LOG_MORE;
	relay->reader.cursor.place = relay->place;
	return true;
}

void
worker_logs_begin(struct worker_query *query, const Davit__LogsQuery *logs)
{
	struct worker_log_relay *relay = xcalloc(1, sizeof *relay);
	struct worker_log_cursor cursor;
	struct err err;

	relay->reply = xmalloc(sizeof *relay->reply);
	davit__read_logs_reply__init(relay->reply);
	query->relay = relay;
	if (!id_parse(logs->task_id, &relay->task)) {
		worker_query_fail(query, "'%.64s' is no task id", logs->task_id);
		return;
	}
	if (worker_log_cursor_parse(logs->cursor, &cursor, &err) < 0) {
		worker_query_fail(query, "%s", err.text);
		return;
	}
	worker_log_reader_init(&relay->reader, &cursor);
	relay->reader.keep_stamps = logs->timestamps;
	relay->reader.on_record = on_record;
	relay->reader.arg = relay;
	relay->until_ms = logs->until_ms;
	relay->reader.until_ns =
		logs->until_ms < UINT64_MAX / 1000000 ? logs->until_ms * 1000000 : 0;
	relay->has_cursor = cursor.ns != 0 || cursor.place.inode != 0;
	relay->has_tail = logs->has_tail;
	relay->wait_ms = logs->wait_ms < WORKER_WAIT_MAX_MS ? logs->wait_ms : WORKER_WAIT_MAX_MS;
	relay->tail = logs->tail;
	relay->since_ns = logs->since_ms < UINT64_MAX / 1000000 ? logs->since_ms * 1000000 : 0;
	relay->max_bytes =
		logs->has_max_bytes && logs->max_bytes > 0 ? logs->max_bytes : WORKER_LOG_BYTES;
	if (relay->max_bytes > WORKER_LOG_BYTES_MAX)
		relay->max_bytes = WORKER_LOG_BYTES_MAX;
}

/* Where the engine keeps a container's log, an inspection tells; one is enough. */
static void
on_inspected(const struct err *err, const struct engine_container *container, void *arg)
{
	struct worker_query *query = worker_job_end(arg);
	struct worker_slot *slot;

	if (query == NULL)
		return;
	query->relay->has_inspected = true;
	slot = worker_slots_find(query->worker, query->relay->task);
	if (err->code == 0 && slot != NULL && strcmp(slot->container_id, container->id) == 0)
		worker_slot_keep_log_path(slot, container);
}

static bool
inspects_first(struct worker_query *query, const struct worker_slot *slot)
{
	struct worker *worker = query->worker;
	struct worker_job *job;

	if (worker->ports.log_read == NULL || slot->knows_log_path || query->relay->has_inspected)
		return false;
	job = worker_job_new(&query->job, query);
	job->op = engine_container_inspect(worker->engine, slot->container_id, on_inspected, job);
	return true;
}

/* Nothing came (yet): what that means depends on what the container does. */
static uint64_t
nothing_yet(struct worker_query *query, const struct worker_slot *slot)
{
	struct worker_log_relay *relay = query->relay;
	uint64_t now = query->worker->mono_ms;
	bool is_live = slot != NULL && slot->state < WORKER_SLOT_ENDED;

	if (slot == NULL || (!is_live && !worker_slot_has_container(slot))) {
		/* Rejected, or gone: no output will ever come. */
		if (slot != NULL && slot->state == WORKER_SLOT_REJECTED)
			answer(query, true);
		else
			worker_query_fail(query, "the container of this task is gone, and its "
						 "logs with it");
		return UINT64_MAX;
	}
	if (relay->is_read && (relay->was_over || is_past_until(query))) {
		answer(query, true);
		return UINT64_MAX;
	}
	if (relay->deadline_ms <= now &&
		(relay->is_read || !worker_slot_has_container(slot) || relay->wait_ms > 0)) {
		answer(query, false);
		return UINT64_MAX;
	}
	if (query->job != NULL)
		return relay->deadline_ms > now ? relay->deadline_ms : UINT64_MAX;
	if (worker_slot_has_container(slot) && (!relay->is_read || relay->again_ms <= now)) {
		if (inspects_first(query, slot))
			return relay->deadline_ms > now ? relay->deadline_ms : UINT64_MAX;
		relay->again_ms = now + WORKER_LOG_FILE_MS;
		if (read_file(query, slot))
			return relay->has_news || relay->reader.is_full || !relay->is_read ||
					       relay->was_over || relay->wait_ms == 0
				       ? now
				       : relay->again_ms;
		read_on(query, slot);
		relay->again_ms = now + WORKER_LOG_AGAIN_MS;
		return relay->deadline_ms > now ? relay->deadline_ms : UINT64_MAX;
	}
	return relay->again_ms > now && relay->again_ms < relay->deadline_ms ? relay->again_ms
									     : relay->deadline_ms;
}

uint64_t
worker_logs_tick(struct worker_query *query)
{
	struct worker_log_relay *relay = query->relay;
	uint64_t now = query->worker->mono_ms;

	if (relay->deadline_ms == 0)
		relay->deadline_ms = now + relay->wait_ms;
	if (relay->has_news)
		relay->linger_ms = now + WORKER_LOG_LINGER_MS;
	relay->has_news = false;
	if (relay->reader.is_full || (relay->linger_ms != 0 && relay->is_read)) {
		answer(query, relay->reader.is_over || (relay->was_over && !relay->reader.is_full));
		return UINT64_MAX;
	}
	if (relay->linger_ms == 0)
		return nothing_yet(query, worker_slots_find(query->worker, relay->task));
	if (relay->linger_ms <= now) {
		answer(query, false);
		return UINT64_MAX;
	}
	return relay->linger_ms;
}
