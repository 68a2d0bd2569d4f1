#include "services/gateway/event_hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/http/http_events.h"
#include "common/pbjson/pbjson.h"
#include "proto/manager.pb-c.h"

enum {
	TICK_MS = 1000,
	WAIT_MS = 30000,
};

/* One event: its frame, and what is filtered by. */
struct entry {
	uint64_t seq;
	char *frame;
	size_t size;
	bool is_node;
	char *namespace_name, *task_id, *task_name, *node_id, *node_name; /* or NULL */
};

struct reader {
	struct event_hub *hub;
	struct http_events events;
	char *kind, *namespace_name, *task, *node; /* filters; NULL: all */
	uint64_t next;                             /* the event to send; 0: not known yet */
	struct reader *prev, *next_reader;
};

struct event_hub {
	struct upstream *manager;
	struct upstream_call *call; /* under way, or NULL */
	uv_timer_t *timer;
	struct reader *readers;
	unsigned n_readers;
	char *cursor;    /* of the last reply; NULL: none yet */
	uint64_t ring;   /* the first half of it: names the manager's run */
	uint64_t last;   /* the second half: the newest event */
	bool is_current; /* all that the manager kept before has been read */
	struct entry entries[EVENT_HUB_EVENTS_MAX]; /* by seq */
	uint64_t oldest;                            /* kept; last + 1: none */
	size_t n_bytes;
};

/* ---- what is kept ---- */

static struct entry *
slot(struct event_hub *hub, uint64_t seq)
{
	return &hub->entries[seq % EVENT_HUB_EVENTS_MAX];
}

static void
drop_oldest(struct event_hub *hub)
{
	struct entry *entry = slot(hub, hub->oldest++);

	hub->n_bytes -= entry->size;
	free(entry->frame);
	free(entry->namespace_name);
	free(entry->task_id);
	free(entry->task_name);
	free(entry->node_id);
	free(entry->node_name);
	*entry = (struct entry){0};
}

static char *
copy(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

static void
keep(struct event_hub *hub, const Davit__Event *event)
{
	struct entry *entry = slot(hub, event->seq);
	struct buf frame = {0};
	bool is_node = event->kind == DAVIT__EVENT__KIND__NODE;

	if (event->seq <= hub->last)
		return;
	while (hub->oldest <= hub->last && (event->seq - hub->oldest >= EVENT_HUB_EVENTS_MAX ||
						   hub->n_bytes > EVENT_HUB_BYTES_MAX))
		drop_oldest(hub);
	if (event->seq != hub->last + 1) { /* the manager kept no more */
		while (hub->oldest <= hub->last)
			drop_oldest(hub);
		hub->oldest = event->seq;
	}
	buf_printf(&frame, "id: %" PRIx64 ".%" PRIu64 "\nevent: %s\ndata: ", hub->ring, event->seq,
		is_node ? "node" : "task");
	pbjson_print(&event->base, PBJSON_COMPACT, &frame);
	buf_puts(&frame, "\n\n");
	*entry = (struct entry){.seq = event->seq,
		.size = frame.size,
		.is_node = is_node,
		.namespace_name = copy(event->namespace_),
		.task_id = copy(event->task_id),
		.task_name = copy(event->task_name),
		.node_id = copy(event->node_id),
		.node_name = copy(event->node_name)};
	entry->frame = buf_take(&frame, NULL);
	hub->n_bytes += entry->size;
	hub->last = event->seq;
}

static void
forget_all(struct event_hub *hub)
{
	while (hub->oldest <= hub->last)
		drop_oldest(hub);
	hub->oldest = 1;
	hub->last = 0;
	free(hub->cursor);
	hub->cursor = NULL;
	hub->is_current = false;
}

/* ---- what is sent ---- */

static bool
is_one(const char *want, const char *a, const char *b)
{
	return want == NULL || (a != NULL && strcmp(want, a) == 0) ||
	       (b != NULL && strcmp(want, b) == 0);
}

static bool
is_wanted(const struct reader *reader, const struct entry *entry)
{
	return is_one(reader->kind, entry->is_node ? "node" : "task", NULL) &&
	       is_one(reader->namespace_name, entry->namespace_name, NULL) &&
	       is_one(reader->task, entry->task_id, entry->task_name) &&
	       is_one(reader->node, entry->node_id, entry->node_name);
}

/* As far as it takes it. */
static void
send_to(struct reader *reader)
{
	struct event_hub *hub = reader->hub;

	if (reader->next == 0)
		return;
	if (reader->next < hub->oldest) {
		http_events_miss(&reader->events, hub->oldest - reader->next);
		reader->next = hub->oldest;
	}
	for (; reader->next <= hub->last; reader->next++) {
		const struct entry *entry = slot(hub, reader->next);

		if (!is_wanted(reader, entry))
			continue;
		if (!http_events_write(&reader->events, entry->frame, entry->size))
			return;
	}
	http_events_settle(&reader->events);
}

/* ---- the manager ---- */

static void ask(struct event_hub *hub);

static void
take(struct event_hub *hub, const Davit__ReadEventsReply *reply)
{
	uint64_t ring = 0, last = 0;

	(void)sscanf(reply->cursor, "%" SCNx64 ".%" SCNu64, &ring, &last);
	if (hub->cursor == NULL || ring != hub->ring) {
		bool is_other_run = hub->cursor != NULL;

		forget_all(hub);
		hub->ring = ring;
		hub->last = reply->n_events > 0 ? reply->events[0]->seq - 1 : last;
		hub->oldest = hub->last + 1;
		for (struct reader *reader = hub->readers; reader != NULL;
			reader = reader->next_reader) {
			if (!is_other_run)
				continue;
			http_events_miss(&reader->events, 0);
			reader->next = hub->oldest;
		}
	}
	for (size_t i = 0; i < reply->n_events; i++)
		keep(hub, reply->events[i]);
	free(hub->cursor);
	hub->cursor = xstrdup(reply->cursor);
}

/* Those that came before it was known what there is: what was there already is not for them. */
static void
settle(struct event_hub *hub)
{
	hub->is_current = true;
	for (struct reader *reader = hub->readers; reader != NULL; reader = reader->next_reader)
		if (reader->next == 0)
			reader->next = hub->last + 1;
}

static void
on_events(const struct rpc_result *result, void *arg)
{
	struct event_hub *hub = arg;
	const Davit__ReadEventsReply *reply = (const void *)result->response;

	hub->call = NULL;
	if (result->status == DAVIT__REPLY__STATUS__CANCELLED)
		return; /* the end */
	if (result->status == DAVIT__REPLY__STATUS__INVALID_ARGUMENT) {
		forget_all(hub); /* the manager knows our cursor no more */
		for (struct reader *r = hub->readers; r != NULL; r = r->next_reader) {
			http_events_miss(&r->events, 0);
			r->next = 1;
		}
	}
	if (result->status != DAVIT__REPLY__STATUS__OK)
		return; /* the tick asks again */
	take(hub, reply);
	if (!hub->is_current && reply->n_events < EVENT_HUB_READ_MAX)
		settle(hub);
	for (struct reader *reader = hub->readers; reader != NULL; reader = reader->next_reader)
		send_to(reader);
	ask(hub);
}

static void
ask(struct event_hub *hub)
{
	Davit__ReadEventsRequest request = DAVIT__READ_EVENTS_REQUEST__INIT;

	if (hub->call != NULL || hub->n_readers == 0)
		return;
	request.cursor = hub->cursor;
	request.has_wait_ms = request.has_limit = request.has_history = true;
	request.wait_ms = hub->is_current ? WAIT_MS : 0;
	request.limit = EVENT_HUB_READ_MAX;
	request.history = true;
	hub->call =
		upstream_call(hub->manager, rpc_method(&davit__manager__descriptor, "ReadEvents"),
			&request.base, NULL, request.wait_ms, on_events, hub);
}

static void
on_tick(uv_timer_t *timer)
{
	struct event_hub *hub = timer->data;
	uint64_t now_ms = clock_mono_ms();

	for (struct reader *reader = hub->readers; reader != NULL; reader = reader->next_reader) {
		send_to(reader);
		http_events_tick(&reader->events, now_ms);
	}
	ask(hub);
	if (hub->n_readers == 0)
		(void)uv_timer_stop(timer);
}

/* ---- readers ---- */

static void
on_gone(void *arg)
{
	struct reader *reader = arg;
	struct event_hub *hub = reader->hub;

	DL_DELETE2(hub->readers, reader, prev, next_reader);
	hub->n_readers--;
	free(reader->kind);
	free(reader->namespace_name);
	free(reader->task);
	free(reader->node);
	free(reader);
}

/* Where a reader with this cursor goes on; 0: what is there is not known yet. */
static uint64_t
first_of(struct event_hub *hub, const char *cursor, struct reader *reader)
{
	uint64_t ring, seq;
	int used = 0;

	if (cursor == NULL || cursor[0] == '\0')
		return hub->is_current ? hub->last + 1 : 0;
	if (sscanf(cursor, "%" SCNx64 ".%" SCNu64 "%n", &ring, &seq, &used) == 2 &&
		cursor[used] == '\0' && (hub->cursor == NULL || ring == hub->ring))
		return seq + 1;
	http_events_miss(&reader->events, 0); /* of another run of the manager */
	return hub->oldest;
}

void
event_hub_follow(struct event_hub *hub, struct http_request *request)
{
	const char *cursor = http_header(request, "Last-Event-ID");
	struct reader *reader;

	if (http_refuse_stream(request))
		return;
	reader = xcalloc(1, sizeof *reader);
	if (cursor == NULL)
		cursor = http_query(request, "cursor");
	reader->hub = hub;
	reader->kind = copy(http_query(request, "kind"));
	reader->namespace_name = copy(http_query(request, "namespace"));
	reader->task = copy(http_query(request, "task"));
	reader->node = copy(http_query(request, "node"));
	reader->next = first_of(hub, cursor, reader);
	DL_APPEND2(hub->readers, reader, prev, next_reader);
	hub->n_readers++;
	http_events_begin(&reader->events, request, on_gone, reader);
	send_to(reader);
	if (!uv_is_active((uv_handle_t *)hub->timer))
		(void)uv_timer_start(hub->timer, on_tick, TICK_MS, TICK_MS);
	ask(hub);
}

unsigned
event_hub_n_readers(const struct event_hub *hub)
{
	return hub->n_readers;
}

struct event_hub *
event_hub_new(uv_loop_t *loop, struct upstream *manager)
{
	struct event_hub *hub = xcalloc(1, sizeof *hub);

	hub->manager = manager;
	hub->oldest = 1;
	hub->timer = xcalloc(1, sizeof *hub->timer);
	(void)uv_timer_init(loop, hub->timer);
	hub->timer->data = hub;
	return hub;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

void
event_hub_free(struct event_hub *hub)
{
	if (hub == NULL)
		return;
	while (hub->readers != NULL)
		on_gone(hub->readers);
	forget_all(hub);
	uv_close((uv_handle_t *)hub->timer, on_closed);
	free(hub);
}
