/* Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "common/base/mem.h"
#include "common/http/http_events.h"
#include "common/pbjson/pbjson.h"
#include "services/monitor/limits.h"
#include "services/monitor/web_impl.h"

struct web_reader {
	struct web *web;
	struct http_events events;
	bool wants_events;                         /* else stats */
	char *kind, *namespace_name, *task, *node; /* filters; NULL: all */
	uint64_t next;                             /* number of the event to send */
	struct web_reader *next_reader, *prev_reader;
};

static void
reader_free(struct web_reader *reader)
{
	DL_DELETE2(reader->web->readers, reader, prev_reader, next_reader);
	reader->web->n_readers--;
	free(reader->kind);
	free(reader->namespace_name);
	free(reader->task);
	free(reader->node);
	free(reader);
}

static void
on_gone(void *arg)
{
	reader_free(arg);
}

/* ---- events ---- */

static bool
is_wanted(const struct web_reader *reader, const Davit__Event *event)
{
	const char *kind = event->kind == DAVIT__EVENT__KIND__NODE ? "node" : "task";

	if (reader->kind != NULL && strcmp(reader->kind, kind) != 0)
		return false;
	if (reader->task != NULL &&
		(event->task_id == NULL || strcmp(event->task_id, reader->task) != 0))
		return false;
	return reader->namespace_name == NULL ||
	       (event->namespace_ != NULL &&
		       strcmp(event->namespace_, reader->namespace_name) == 0);
}

static void
print_event(const struct web *web, uint64_t number, const Davit__Event *event, struct buf *out)
{
	buf_printf(out, "id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: ", web->run, number,
		event->kind == DAVIT__EVENT__KIND__NODE ? "node" : "task");
	pbjson_print(&event->base, PBJSON_COMPACT, out);
	buf_puts(out, "\n\n");
}

/* Everything up to now, as far as the reader takes it; the view is its buffer. */
static void
send_events(struct web_reader *reader)
{
	struct web *web = reader->web;
	uint64_t last = live_n_events(web->live);
	CLEANUP(buf_fini) struct buf text = {0};

	for (; reader->next <= last; reader->next++) {
		const Davit__Event *event = live_event(web->live, reader->next);

		if (event == NULL) {
			http_events_miss(&reader->events, 1);
			web->n_missed++;
			continue;
		}
		if (!is_wanted(reader, event))
			continue;
		buf_reset(&text);
		print_event(web, reader->next, event, &text);
		if (!http_events_write(&reader->events, text.data, text.size))
			return;
	}
	http_events_settle(&reader->events);
}

/* The number behind Last-Event-ID; without one, or of another run, what to begin with. */
static uint64_t
first_event(struct web *web, const char *last_id, struct web_reader *reader)
{
	uint64_t run, number, newest = live_n_events(web->live);
	int used = 0;

	if (last_id == NULL || *last_id == '\0')
		return newest + 1;
	if (sscanf(last_id, "%" SCNx64 "-%" SCNu64 "%n", &run, &number, &used) == 2 &&
		last_id[used] == '\0' && run == web->run && number <= newest)
		return number + 1;
	http_events_miss(&reader->events, 0); /* of another run: how many is not known */
	return newest > LIVE_EVENTS_MAX ? newest - LIVE_EVENTS_MAX + 1 : 1;
}

/* ---- stats ---- */

static void
print_stats(const struct web *web, const char *event, const ProtobufCMessage *message,
	struct buf *out)
{
	buf_printf(out, "id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: ", web->run,
		live_version(web->live), event);
	pbjson_print(message, PBJSON_COMPACT, out);
	buf_puts(out, "\n\n");
}

static void
send_stats(struct web_reader *reader, const struct buf *text)
{
	if (text->size == 0)
		return;
	if (!http_events_write(&reader->events, text->data, text->size)) {
		http_events_miss(&reader->events, 1);
		reader->web->n_missed++;
	}
}

/* Printed once for all readers that want the whole. */
static void
send_node(struct web_reader *reader, const Davit__NodeStats *stats, struct buf *whole)
{
	CLEANUP(buf_fini) struct buf one = {0};

	if (reader->node != NULL &&
		(stats->node_name == NULL || strcmp(stats->node_name, reader->node) != 0) &&
		strcmp(stats->node_id, reader->node) != 0)
		return;
	if (reader->task == NULL) {
		if (whole->size == 0)
			print_stats(reader->web, "node", &stats->base, whole);
		send_stats(reader, whole);
		return;
	}
	for (size_t i = 0; i < stats->n_tasks; i++) {
		if (stats->tasks[i]->task_id != NULL &&
			strcmp(stats->tasks[i]->task_id, reader->task) == 0)
			print_stats(reader->web, "task", &stats->tasks[i]->base, &one);
	}
	send_stats(reader, &one);
}

static void
send_cluster(struct web_reader *reader, struct buf *whole)
{
	const Davit__ClusterStats *cluster = live_cluster(reader->web->live);

	if (cluster == NULL || reader->task != NULL || reader->node != NULL)
		return;
	if (whole->size == 0)
		print_stats(reader->web, "cluster", &cluster->base, whole);
	send_stats(reader, whole);
}

void
web_streams_take(struct web *web, enum live_frame kind)
{
	CLEANUP(buf_fini) struct buf whole = {0};
	struct web_reader *reader;

	DL_FOREACH2(web->readers, reader, next_reader)
	{
		if (reader->wants_events && kind == LIVE_FRAME_EVENT)
			send_events(reader);
		else if (!reader->wants_events && kind == LIVE_FRAME_NODE)
			send_node(reader, live_last_node(web->live), &whole);
		else if (!reader->wants_events && kind == LIVE_FRAME_CLUSTER)
			send_cluster(reader, &whole);
	}
}

void
web_streams_tick(struct web *web, uint64_t now_ms)
{
	struct web_reader *reader;

	DL_FOREACH2(web->readers, reader, next_reader)
	{
		if (reader->wants_events && reader->next <= live_n_events(web->live))
			send_events(reader); /* it was too slow before */
		http_events_tick(&reader->events, now_ms);
	}
}

void
web_streams_fini(struct web *web)
{
	while (web->readers != NULL)
		reader_free(web->readers);
}

/* ---- a new reader ---- */

static struct web_reader *
reader_new(struct web *web, struct http_request *request)
{
	struct web_reader *reader;

	if (web->n_readers >= MONITOR_STREAMS_MAX) {
		http_refuse(request, 503, "%d readers are connected already (MONITOR_STREAMS_MAX)",
			MONITOR_STREAMS_MAX);
		return NULL;
	}
	reader = xcalloc(1, sizeof *reader);
	reader->web = web;
	reader->kind = xstrdup(http_query(request, "kind"));
	reader->namespace_name = xstrdup(http_query(request, "namespace"));
	reader->task = xstrdup(http_query(request, "task"));
	reader->node = xstrdup(http_query(request, "node"));
	DL_APPEND2(web->readers, reader, prev_reader, next_reader);
	web->n_readers++;
	return reader;
}

void
web_on_events(struct http_request *request, void *arg)
{
	struct web *web = arg;
	const char *last_id = http_header(request, "Last-Event-ID");
	struct web_reader *reader = reader_new(web, request);

	if (reader == NULL)
		return;
	if (last_id == NULL)
		last_id = http_query(request, "after");
	reader->wants_events = true;
	reader->next = first_event(web, last_id, reader);
	http_events_begin(&reader->events, request, on_gone, reader);
	send_events(reader);
}

void
web_on_stats(struct http_request *request, void *arg)
{
	struct web_reader *reader = reader_new(arg, request);
	CLEANUP(buf_fini) struct buf whole = {0};

	if (reader == NULL)
		return;
	http_events_begin(&reader->events, request, on_gone, reader);
	send_cluster(reader, &whole);
}
